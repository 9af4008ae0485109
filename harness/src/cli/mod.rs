//! The command line: a file per verb.

/// Runs the command line and returns the exit code: 0 nothing failed, 1 something failed, 2 wrong input, 3 errored.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(3)
}
