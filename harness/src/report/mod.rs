//! What a person or a program reads after a run. Pure: reports are written from a [`Report`] alone, also from one read back.

mod claims;
mod columns;
mod diff;
mod explored;
mod html;
mod intent;
mod json;
mod junit;
mod markdown;
mod matrix;
mod merge;
mod parting;
mod profiles;
mod read;
#[cfg(test)]
mod sample;
mod score;
#[cfg(test)]
mod summary_tests;
mod terminal;
mod truth;
mod words;

pub use claims::{Standing, claims_table, standing};
pub use diff::{Changed, Difference, TrialDifference, diff, diff_markdown, diff_text};
pub use explored::{ExploredPairs, ExploredReport, ExploredRules, FoundReport};
pub use goldpath_report::{
    AnswersReport, CaseReport, Compared, Conclusion, ImplementationReport, PathReport,
    ProfileReport, ReadError, Report, Summary, report_schema,
};
pub use html::{Page, explored_html, html, html_beside};
pub use intent::{
    answer_words, event_words, intent_table, question_words, rules_page, share_table,
};
pub use json::{case_report, report};
pub use junit::junit;
pub use markdown::markdown;
pub use matrix::{Matrix, Row};
pub use merge::{MergeError, merge};
pub use parting::{Alike, Parting, alike};
pub use profiles::{profile_lines, profile_reports, profiles_page};
pub use read::read;
pub use score::score_table;
pub use terminal::{matrix_table, not_run_lines, summary_line, trial_line, unasked_lines};
pub use truth::{NOT_ASKED, TruthCell, TruthLine, TruthTable, truth_summary, truth_text};
pub use words::{difference_words, message, words};
