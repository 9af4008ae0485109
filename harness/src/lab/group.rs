//! Control groups of engines. Their tree is the machine's and no namespace holds it: a name must be nobody else's, also
//! not of another run, and what is empty has to be removed by somebody.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const ROOT: &str = "/sys/fs/cgroup";
const PREFIX: &str = "goldpath-";

/// Names given by this process.
static GIVEN: AtomicU32 = AtomicU32::new(0);

/// The control group of one jail in each hierarchy. Dropping it removes those that are empty by then; the sandbox's
/// sweeper removes the others when the run is over, however it ended.
#[derive(Debug)]
pub struct ControlGroup(String);

impl ControlGroup {
    /// A name that nobody has. Nothing is made.
    ///
    /// Every run is process 1 of its own pid namespace, so the inode of that namespace tells runs apart.
    pub(super) fn named(what: &str) -> Self {
        let run = fs::metadata("/proc/self/ns/pid").map_or(0, |of_run| of_run.ino());
        let number = GIVEN.fetch_add(1, Ordering::Relaxed);
        Self(format!("{PREFIX}{what}-{run}-{number}"))
    }

    /// The name.
    pub(super) fn name(&self) -> &str {
        &self.0
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        remove_where(|name| name == self.0);
    }
}

/// Removes every empty control group that a run has named.
pub(super) fn remove_of_run(pid_namespace: u64) {
    remove_where(|name| is_of_run(name, pid_namespace));
}

/// Whether a run has named this control group; none if no run has.
pub(super) fn run_of(name: &str) -> Option<u64> {
    let (_, rest) = name.strip_prefix(PREFIX)?.split_once('-')?;
    rest.split_once('-')?.0.parse().ok()
}

fn is_of_run(name: &str, pid_namespace: u64) -> bool {
    run_of(name) == Some(pid_namespace)
}

fn remove_where(is_wanted: impl Fn(&str) -> bool) {
    // Version 1 has a hierarchy for each controller, and version 2 is at the top.
    let hierarchies = folders(Path::new(ROOT)).into_iter();
    for hierarchy in hierarchies.chain([PathBuf::from(ROOT)]) {
        for group in folders(&hierarchy) {
            if group
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(&is_wanted)
            {
                remove_empty(&group);
            }
        }
    }
}

fn remove_empty(group: &Path) {
    folders(group).iter().for_each(|inner| remove_empty(inner));
    // One that is gone meanwhile, or not empty, stays as it is.
    let _ = fs::remove_dir(group);
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(of).into_iter().flatten().flatten();
    listed
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_names_are_the_same_and_both_tell_the_run() {
        let own = fs::metadata("/proc/self/ns/pid").expect("a link").ino();
        let [one, two] = ["docker", "docker"].map(ControlGroup::named);
        assert_ne!(one.0, two.0);
        assert!(is_of_run(&one.0, own) && is_of_run(&two.0, own));
    }

    #[test]
    fn names_of_others_are_of_no_run() {
        for name in [
            "docker",
            "goldpath-podman",
            "goldpath-podman-x-0",
            "libpod-7-0",
        ] {
            assert_eq!(run_of(name), None, "{name}");
        }
    }
}
