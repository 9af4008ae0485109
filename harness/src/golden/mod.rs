//! Golden paths: compare and accept. Files are insta's snapshots, so that `cargo insta review` works on pending ones.

mod builtin;
mod compare;
mod file;

pub use builtin::{builtin, read_of};
pub use compare::{Comparison, compare, difference};
pub use file::{Golden, GoldenError, accept, golden_file, orphans, read, write_pending};
pub use goldpath_report::golden::{DifferingLine, GoldenDifference, Parting, Responsible, Side};
