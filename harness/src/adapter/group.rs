//! Names of control groups. Their tree is the machine's: a name must be nobody else's, also not of another run.

use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicU32, Ordering};

/// Names given by this process.
static GIVEN: AtomicU32 = AtomicU32::new(0);

/// A name for the control groups of one engine in one lab.
///
/// Every run is process 1 of its own namespace, so the inode of that namespace tells runs apart.
pub(super) fn own_name(engine: &str) -> String {
    let run = std::fs::metadata("/proc/self/ns/pid").map_or(0, |of_run| of_run.ino());
    let number = GIVEN.fetch_add(1, Ordering::Relaxed);
    format!("goldpath-{engine}-{run}-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_names_are_the_same() {
        assert_ne!(own_name("docker"), own_name("docker"));
        assert!(
            !own_name("docker").contains("-0-"),
            "the namespace is known"
        );
    }
}
