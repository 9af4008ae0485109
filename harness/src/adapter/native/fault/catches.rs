//! Which cases must catch each fault: data, so that a review reads names and no Rust.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::Fault;

/// Below each fault, the names of cases by their folder in `cases/contract/`.
const DECLARED: &str = include_str!("catches.toml");

/// Ids of cases by the fault that they catch.
type Catches = BTreeMap<String, Vec<String>>;

/// A broken file would declare nothing, and every fault would be misjudged; a test excludes it.
static CATCHES: LazyLock<Catches> = LazyLock::new(|| read(DECLARED).unwrap_or_default());

fn read(text: &str) -> Result<Catches, toml::de::Error> {
    let by_folder: BTreeMap<String, BTreeMap<String, Vec<String>>> = toml::from_str(text)?;
    let ids = |folders: BTreeMap<String, Vec<String>>| {
        let ids = folders.into_iter().flat_map(|(folder, names)| {
            names
                .into_iter()
                .map(move |name| format!("contract/{folder}/{name}"))
        });
        ids.collect()
    };
    let of_faults = by_folder.into_iter();
    Ok(of_faults.map(|(fault, of)| (fault, ids(of))).collect())
}

impl Fault {
    /// The contract cases that fail with it, in the order of their ids; every other one passes.
    pub fn cases(self) -> &'static [String] {
        CATCHES.get(self.as_str()).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_fault_is_caught_by_cases_that_exist() {
        let declared = read(DECLARED).unwrap();
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases");
        for fault in Fault::ALL {
            let ids = declared.get(fault.as_str());
            let ids = ids.unwrap_or_else(|| panic!("no case is declared for {fault}"));
            assert!(!ids.is_empty(), "{fault}");
            assert!(ids.is_sorted_by(|one, two| one < two), "{fault}: {ids:?}");
            for id in ids {
                let path = cases.join(format!("{id}.toml"));
                assert!(
                    path.is_file(),
                    "{fault} is to be caught by {id}, which is no case"
                );
            }
        }
        let unknown = declared.keys().find(|name| name.parse::<Fault>().is_err());
        assert_eq!(unknown, None, "is no fault");
    }
}
