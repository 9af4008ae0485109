//! Reports that were written before, also by earlier versions.

use serde_json::Value;

use super::{Report, SCHEMA_VERSION};
use crate::finding::{Finding, Leftover, LeftoverChange, What};
use crate::path::draw;

/// The oldest format that is read. CHANGELOG.md says what each one changed.
const OLDEST: u64 = 1;

/// Why something is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no JSON, or has not the form of a report.
    #[error("not a goldpath report: {0}")]
    Form(#[from] serde_json::Error),
    /// A format that this version doesn't know.
    #[error("report format {0}; this goldpath reads formats {OLDEST} to {SCHEMA_VERSION}")]
    Version(Value),
}

impl Report {
    /// Reads a report as JSON. One of an earlier format becomes one of today's.
    ///
    /// # Errors
    /// It has another form, or a format that is not known.
    pub fn read(json: &[u8]) -> Result<Self, ReadError> {
        let value: Value = serde_json::from_slice(json)?;
        let version = value["schema_version"].clone();
        let known = OLDEST..=u64::from(SCHEMA_VERSION);
        if !version
            .as_u64()
            .is_some_and(|version| known.contains(&version))
        {
            return Err(ReadError::Version(version));
        }
        let report: Self = serde_json::from_value(value)?;
        Ok(if version == 1 {
            from_first(report)
        } else {
            report
        })
    }
}

/// Version 1 had words alone. What later readers ask for is read from the one line of it that had a fixed form, and paths
/// of recipes are drawn again; those of contracts had lost their roles.
fn from_first(mut report: Report) -> Report {
    for case in &mut report.cases {
        let kept = case.message.lines().filter_map(kept).map(Finding::of);
        case.findings = kept.collect();
        for path in case.paths.iter_mut().filter(|_| case.backend.is_some()) {
            path.lines = draw(&path.path);
        }
    }
    report.schema_version = SCHEMA_VERSION;
    report.recount();
    report
}

/// `kept by design (SOURCE): + Link ENTRY`, as version 1 told what an implementation keeps.
fn kept(line: &str) -> Option<What> {
    let told = line.trim_start().strip_prefix("kept by design (")?;
    let signs = [
        ("): + ", LeftoverChange::Added),
        ("): - ", LeftoverChange::Removed),
        ("): ~ ", LeftoverChange::Moved),
    ];
    let (source, change, difference) = signs.iter().find_map(|(sign, change)| {
        let (source, difference) = told.split_once(sign)?;
        Some((source, *change, difference))
    })?;
    let (kind, entry) = difference.split_once(' ')?;
    Some(What::Kept {
        source: source.to_owned(),
        left: Leftover {
            change,
            kind: kind.to_ascii_lowercase(),
            entry: entry.to_owned(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    /// The sample as version 1 had it.
    fn first() -> Value {
        let mut value = serde_json::to_value(sample::report()).expect("a value");
        value["schema_version"] = 1.into();
        let report = value.as_object_mut().expect("an object");
        report.remove("strict");
        let summary = report["summary"].as_object_mut().expect("counts");
        summary.remove("recommendations_not_kept");
        summary["failed"] = 2.into();
        for case in value["cases"].as_array_mut().expect("cases") {
            let case = case.as_object_mut().expect("an object");
            case.remove("findings");
            case.remove("again");
            for path in case["paths"].as_array_mut().expect("paths") {
                path.as_object_mut().expect("an object").remove("lines");
            }
        }
        value
    }

    #[test]
    fn a_report_of_the_first_version_is_read_by_todays_meaning() {
        let mut value = first();
        value["cases"][1]["message"] =
            "kept by design (a manual (see there)): + Link 5 [IfName(\"docker0\")]".into();
        let report = Report::read(value.to_string().as_bytes()).expect("readable");
        let today = sample::report();
        assert_eq!(report.summary, today.summary);
        assert_eq!(report.result, today.result);
        assert_eq!(report.schema_version, SCHEMA_VERSION);
        assert_eq!(
            report.cases[1].paths[0].lines,
            today.cases[1].paths[0].lines
        );
        let What::Kept { source, left } = &report.cases[1].findings[0].what else {
            panic!("{:?}", report.cases[1].findings);
        };
        assert_eq!(source, "a manual (see there)");
        assert_eq!(
            (left.kind.as_str(), left.entry.as_str()),
            ("link", "5 [IfName(\"docker0\")]")
        );
    }

    #[test]
    fn a_report_of_another_version_is_refused() {
        for version in [
            Value::from(SCHEMA_VERSION + 1),
            0.into(),
            "2".into(),
            Value::Null,
        ] {
            let mut value = first();
            value["schema_version"] = version;
            let read = Report::read(value.to_string().as_bytes());
            assert!(matches!(read, Err(ReadError::Version(_))), "{read:?}");
        }
        assert!(matches!(Report::read(b"{"), Err(ReadError::Form(_))));
    }
}
