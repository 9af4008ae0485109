//! The types of the reports that `goldpath run --json FILE` writes.
//!
//! A [`Report`] is one run of the suite. It has a [`CaseReport`] for each trial, with its [`Outcome`], what it found as values
//! ([`finding::Finding`]) and the paths of its probes ([`path::PacketPath`]). [`Report::read`] reads all formats since version 1.
//!
//! ```
//! use goldpath_report::{Outcome, Report};
//!
//! let json = br#"{
//!     "schema_version": 2,
//!     "goldpath": "0.1.0",
//!     "kernel": "6.18.0",
//!     "result": "failed",
//!     "summary": {
//!         "passed": 0, "failed": 1, "expected_failure": 0, "not_supported": 0, "disabled": 0, "errored": 0
//!     },
//!     "implementations": [{ "name": "plugin:./mine", "version": "1.2", "tools": [] }],
//!     "commands": ["goldpath run contract -i plugin:./mine --json report.json"],
//!     "planned": ["contract/egress/source-is-the-hosts::plugin:./mine/ipv4"],
//!     "cases": [{
//!         "id": "contract/egress/source-is-the-hosts",
//!         "title": "A container reaches the outside from the host's address",
//!         "level": "must",
//!         "implementation": "plugin:./mine", "version": "1.2", "backend": null, "families": ["ipv4"],
//!         "outcome": "failed",
//!         "checks": [], "refutes": [], "contract": "", "source": ["RFC 3022 4.1"],
//!         "duration_ms": 170.0,
//!         "findings": [{ "line": 14, "what": "reached", "node": "c2" }],
//!         "message": "", "evidence": null, "paths": []
//!     }]
//! }"#;
//! let report = Report::read(json)?;
//! let failed = report.cases.iter().filter(|case| case.outcome == Outcome::Failed);
//! let names: Vec<String> = failed.map(|case| case.trial().to_string()).collect();
//! assert_eq!(names, ["contract/egress/source-is-the-hosts::plugin:./mine/ipv4"]);
//! assert_eq!(report.cases[0].findings[0].nodes(), ["c2"]);
//! # Ok::<(), goldpath_report::ReadError>(())
//! ```
//!
//! # Versions
//!
//! The format has a version of its own, [`SCHEMA_VERSION`]. It grows when a field changes its meaning or goes away, and a reader
//! of this crate need not care: an older report becomes one of today's. The types are `#[non_exhaustive]`, so that a new field or
//! a new kind of finding breaks nobody. (The feature `exhaustive` is for goldpath itself, which writes reports.)

mod answers;
pub mod finding;
pub mod golden;
mod outcome;
pub mod packet;
pub mod path;
mod read;
mod report;
mod summary;
mod tool;
mod trial_id;

pub use answers::{AnswersReport, Compared};
pub use outcome::Outcome;
pub use read::ReadError;
pub use report::{
    CaseReport, ImplementationReport, PathReport, ProfileReport, Report, SCHEMA_VERSION,
    report_schema,
};
pub use summary::{Conclusion, Summary};
pub use tool::Tool;
pub use trial_id::{NoTrialId, TrialId};
