//! Starting the command, and reading what it wrote.

use std::fmt::Debug;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use goldpath::report::Report;
use libtest_mimic::Failed;
use nix::unistd::Pid;

/// Where the command, cases and goldens are copied to: `/tmp`, where they may be, is to be empty.
pub(super) const HOME: &str = "/mnt";

/// `goldpath run` with these arguments. CI's way: nothing is written beside the goldens.
pub(super) fn start(arguments: &[&str]) -> Command {
    let mut command = Command::new(format!("{HOME}/goldpath"));
    command
        .arg("run")
        .args(arguments)
        .current_dir(HOME)
        .env("CI", "true")
        .stderr(Stdio::null());
    command
}

pub(super) fn written(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(super) fn report(path: &str) -> Result<Report, Failed> {
    Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
}

pub(super) fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap_or_default())
}

/// A moment of a run that takes `longest`, spread evenly by the golden ratio: no two attempts fall together.
pub(super) fn bounded_moment(number: u64, longest: Duration) -> Duration {
    longest.mul_f64((number as f64 * 0.618_033_988_749_895).fract())
}

pub(super) fn must<T: PartialEq + Debug>(seen: T, expected: T) -> Result<(), Failed> {
    match (seen, expected) {
        (seen, expected) if seen == expected => Ok(()),
        (seen, expected) => Err(format!("expected {expected:?}, seen {seen:?}").into()),
    }
}
