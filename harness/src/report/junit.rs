//! The report as JUnit XML: a suite for each implementation, in which failure, error and skipped stay apart.

use std::io;

use quick_xml::Writer;
use quick_xml::events::BytesText;

use super::{CaseReport, Matrix, Report, Summary};
use crate::run::Outcome;

/// The report as JUnit XML.
///
/// # Errors
/// Writing to memory never fails; the type is the writer's.
pub fn junit(report: &Report) -> io::Result<String> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    let all: Vec<&CaseReport> = report.cases.iter().collect();
    let counts = counts(&all);
    xml.create_element("testsuites")
        .with_attribute(("name", "goldpath"))
        .with_attributes(attributes(&counts))
        .write_inner_content(|xml| {
            for column in Matrix::of(report).columns {
                suite(xml, report, &column)?;
            }
            Ok(())
        })?;
    let text = String::from_utf8(xml.into_inner()).map_err(io::Error::other)?;
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}\n"
    ))
}

fn suite(xml: &mut Writer<Vec<u8>>, report: &Report, column: &str) -> io::Result<()> {
    let cases = report.cases.iter().filter(|case| case.column() == column);
    let cases: Vec<&CaseReport> = cases.collect();
    let counts = counts(&cases);
    xml.create_element("testsuite")
        .with_attribute(("name", clean(column).as_str()))
        .with_attributes(attributes(&counts))
        .write_inner_content(|xml| {
            properties(xml, report)?;
            cases.iter().try_for_each(|case| test_case(xml, case))
        })?;
    Ok(())
}

fn properties(xml: &mut Writer<Vec<u8>>, report: &Report) -> io::Result<()> {
    xml.create_element("properties")
        .write_inner_content(|xml| {
            for (name, value) in [("goldpath", &report.goldpath), ("kernel", &report.kernel)] {
                xml.create_element("property")
                    .with_attributes([("name", name), ("value", clean(value).as_str())])
                    .write_empty()?;
            }
            Ok(())
        })?;
    Ok(())
}

/// What a case's end is to JUnit, which knows no expected failure and no recommendation: they are skipped, with the reason.
fn test_case(xml: &mut Writer<Vec<u8>>, case: &CaseReport) -> io::Result<()> {
    let seconds = format!("{:.3}", case.duration_ms / 1_000.0);
    let class = clean(&case.column());
    let name = clean(&case.trial().to_string());
    let element = xml
        .create_element("testcase")
        .with_attribute(("classname", class.as_str()))
        .with_attribute(("name", name.as_str()))
        .with_attribute(("time", seconds.as_str()));
    let told = match case.outcome {
        Outcome::Passed => None,
        Outcome::Failed if case.is_not_kept() => Some("skipped"),
        Outcome::Failed => Some("failure"),
        Outcome::Errored => Some("error"),
        Outcome::ExpectedFailure | Outcome::NotSupported | Outcome::Disabled => Some("skipped"),
    };
    let Some(told) = told else {
        element.write_empty()?;
        return Ok(());
    };
    let message = clean(&case.message);
    let first = message.lines().next().unwrap_or_default();
    let level = if case.is_not_kept() {
        format!(", level {}, recommendation not kept", case.level)
    } else {
        String::new()
    };
    let first = format!("{}{level}: {first}", case.outcome);
    element.write_inner_content(|xml| {
        xml.create_element(told)
            .with_attribute(("message", first.as_str()))
            .write_text_content(BytesText::new(&message))?;
        Ok(())
    })?;
    Ok(())
}

fn counts(cases: &[&CaseReport]) -> [(&'static str, String); 5] {
    let summary = Summary::of(cases.iter().copied());
    let seconds: f64 = cases.iter().map(|case| case.duration_ms / 1_000.0).sum();
    [
        ("tests", summary.total().to_string()),
        ("failures", summary.failed.to_string()),
        ("errors", summary.errored.to_string()),
        ("skipped", skipped(summary).to_string()),
        ("time", format!("{seconds:.3}")),
    ]
}

/// What is neither passed, failed nor errored.
fn skipped(summary: Summary) -> usize {
    summary.total() - summary.passed - summary.failed - summary.errored
}

fn attributes<'a>(
    counts: &'a [(&'static str, String)],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    counts.iter().map(|(name, value)| (*name, value.as_str()))
}

/// XML 1.0 has no way to write most control characters (2.2 Characters), not even escaped.
fn clean(text: &str) -> String {
    let allowed = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    text.chars()
        .map(|c| match c {
            '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            c if allowed(c) => c,
            _ => '\u{fffd}',
        })
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::*;
    use crate::report::sample;

    #[test]
    fn what_was_written_parses_and_counts_the_same() {
        let report = sample::report();
        let text = junit(&report).unwrap();
        let mut reader = Reader::from_str(&text);
        let mut names: Vec<String> = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => break,
                Event::Start(tag) | Event::Empty(tag) => {
                    assert!(
                        tag.attributes()
                            .all(|a| a.unwrap().unescape_value().is_ok())
                    );
                    names.push(String::from_utf8(tag.name().as_ref().to_vec()).unwrap());
                }
                _ => {}
            }
        }
        let count = |name: &str| names.iter().filter(|n| *n == name).count();
        let summary = report.summary;
        assert_eq!(count("testcase"), summary.total());
        assert_eq!(count("failure"), summary.failed);
        assert_eq!(count("error"), summary.errored);
        assert_eq!(count("skipped"), skipped(summary));
        let others = summary.expected_failure + summary.not_supported + summary.disabled;
        assert_eq!(skipped(summary), others + 1, "a recommendation");
    }

    #[test]
    fn the_document_reads_well() {
        insta::assert_snapshot!(junit(&sample::report()).unwrap());
    }
}
