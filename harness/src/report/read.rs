//! Reports that were written before, also by earlier versions.

use goldpath_report::{ReadError, Report};

use crate::path::draw;

/// Reads a report as JSON. Version 1 had no lines of paths: those of recipes are drawn again; those of contracts had lost their
/// roles.
///
/// # Errors
/// It has another form, or a format that is not known.
pub fn read(json: &[u8]) -> Result<Report, ReadError> {
    let mut report = Report::read(json)?;
    for case in report
        .cases
        .iter_mut()
        .filter(|case| case.backend.is_some())
    {
        let undrawn = case.paths.iter_mut().filter(|path| path.lines.is_empty());
        undrawn.for_each(|path| path.lines = draw(&path.path));
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use goldpath_report::finding::What;
    use goldpath_report::{ReadError, SCHEMA_VERSION};
    use serde_json::Value;

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
        let report = read(value.to_string().as_bytes()).expect("readable");
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
            let read = read(value.to_string().as_bytes());
            assert!(matches!(read, Err(ReadError::Version(_))), "{read:?}");
        }
        assert!(matches!(read(b"{"), Err(ReadError::Form(_))));
    }
}
