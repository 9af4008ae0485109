//! Reports that were written before, also by earlier versions.

use serde_json::Value;

use crate::finding::{Finding, Leftover, LeftoverChange, What};
use crate::{Report, SCHEMA_VERSION};

/// The oldest format that is read. CHANGELOG.md says what each one changed.
const OLDEST: u64 = 1;

/// Why something is no report.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
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

/// Version 1 had words alone. What later readers ask for is read from the one line of it that had a fixed form. It has no
/// lines of paths.
fn from_first(mut report: Report) -> Report {
    for case in &mut report.cases {
        let kept = case.message.lines().filter_map(kept).map(Finding::of);
        case.findings = kept.collect();
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
