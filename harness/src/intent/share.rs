//! How much of the table no promise binds.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Why};
use super::course::course;
use super::table::table;
use crate::case::{Case, CaseKind, Feature};

/// Cells of every moment of some cases, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Share {
    /// All cells.
    pub cells: usize,
    /// Those that rest on a feature that the implementation does not list.
    pub not_listed: usize,
    /// Those that nobody promises.
    pub no_promise: usize,
}

impl Share {
    /// Counts the cells of the contract cases that can be put to an implementation with these features.
    pub fn of<'a>(cases: impl IntoIterator<Item = &'a Case>, features: &BTreeSet<Feature>) -> Self {
        let mut share = Self::default();
        let is_asked = |case: &&Case| match &case.kind {
            CaseKind::Contract { requires, .. } => {
                requires.iter().all(|one| features.contains(one))
            }
            CaseKind::Recipe { .. } => false,
        };
        for case in cases.into_iter().filter(is_asked) {
            let families = case.families.iter();
            for (_, moment) in families.flat_map(|family| course(case, *family, features)) {
                for row in table(&moment) {
                    share.cells += 1;
                    match row.answer {
                        Answer::Unspecified {
                            why: Why::NotListed(_),
                        } => share.not_listed += 1,
                        Answer::Unspecified {
                            why: Why::NoPromise(_),
                        } => share.no_promise += 1,
                        _ => {}
                    }
                }
            }
        }
        share
    }

    /// Cells that no promise binds, for whichever reason.
    pub fn unspecified(self) -> usize {
        self.not_listed + self.no_promise
    }

    /// Unspecified cells per thousand, rounded up; 0 of none.
    pub fn per_mille(self) -> usize {
        (self.unspecified() * 1_000).div_ceil(self.cells.max(1))
    }

    /// Whether a larger part is unspecified than was before.
    pub fn rose(self, before: Self) -> bool {
        self.unspecified() * before.cells > before.unspecified() * self.cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_rises_by_its_part_and_not_by_its_number() {
        let share = |no_promise, cells| Share {
            cells,
            not_listed: 1,
            no_promise,
        };
        assert!(!share(3, 20).rose(share(1, 10)), "the same part");
        assert!(share(4, 20).rose(share(1, 10)));
        assert!(!share(1, 11).rose(share(1, 10)));
        assert_eq!(share(1, 3).per_mille(), 667);
        assert_eq!(Share::default().per_mille(), 0);
    }
}
