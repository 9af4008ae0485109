//! The command line: a file per verb.

pub mod check;
pub mod exit;
pub mod explain;
pub mod list;

/// Runs the command line and returns the exit code: 0 nothing failed, 1 something failed, 2 wrong input, 3 errored.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(3)
}
