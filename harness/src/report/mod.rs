//! What a person or a program reads after a run.

mod claims;
mod json;
mod terminal;

pub use claims::{Standing, claims_table, standing};
pub use json::{CaseReport, PathReport, Report, SCHEMA_VERSION, Summary, schema};
pub use terminal::{summary_line, trial_line};
