//! The list of all implementations that goldpath knows. One line each: what follows from it is below.

use super::{Facts, Needed, cni, docker, native, netavark, plugin, podman, recipe};

/// All of them, in the order of reports.
pub static ADAPTERS: [&Facts; 9] = [
    &native::FACTS,
    &recipe::FACTS,
    &docker::FACTS,
    &podman::FACTS,
    &podman::ON_CNI,
    &netavark::FACTS,
    &cni::FACTS,
    &cni::OLDER,
    &plugin::FACTS,
];

/// Folders in which any of them keeps state of the machine.
pub fn state_folders() -> impl Iterator<Item = &'static str> {
    let mut all: Vec<&str> = ADAPTERS
        .iter()
        .flat_map(|facts| facts.state_folders)
        .copied()
        .collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter()
}

/// All programs that somebody needs, each once.
pub fn programs() -> Vec<&'static Needed> {
    let all = ADAPTERS
        .iter()
        .flat_map(|facts| facts.programs.iter().chain(facts.harness));
    let mut all: Vec<&Needed> = all.collect();
    all.sort_by_key(|needed| needed.program);
    all.dedup_by_key(|needed| needed.program);
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Versions;
    use super::*;

    #[test]
    fn every_name_is_one_implementations() {
        let names: BTreeSet<&str> = ADAPTERS.iter().map(|facts| facts.name).collect();
        assert_eq!(names.len(), ADAPTERS.len());
    }

    #[test]
    fn every_range_of_versions_reads_and_is_of_a_program_that_takes_part() {
        for facts in ADAPTERS {
            for (program, range) in facts.lacks.iter().filter_map(|lack| lack.versions) {
                assert!(Versions::try_from(range.to_owned()).is_ok(), "{range}");
                let mut programs = facts.programs.iter();
                let name = facts.name;
                assert!(programs.any(|one| one.program == program), "{name}");
            }
        }
    }

    /// The script runs before goldpath is built, so that it cannot ask.
    #[test]
    fn ci_setup_installs_every_package() {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/setup");
        let script = std::fs::read_to_string(script).expect("a script");
        let installs = |package: &str| {
            script
                .lines()
                .any(|line| line.split_whitespace().nth(1) == Some(package))
        };
        for needed in programs() {
            assert!(installs(needed.package), "{}", needed.package);
        }
    }
}
