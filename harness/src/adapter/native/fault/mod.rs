//! Faults that the native implementation can be given by name, to prove that the suite notices each of them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

mod apply;
mod catches;
mod edit;
mod generated;
mod table;

pub use generated::Generated;
pub use table::Fault;

use super::event::{Event, State, Step};
use super::plan::Plan;

/// Defines the faults together with their names, what each does and the bug of its shape.
macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal, $bug:literal;)+) => {
        /// One thing that a broken implementation gets wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[doc = $doc])+ $variant),+
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name on the command line.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// What it does, in one sentence.
            pub fn what(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii()),+
                }
            }

            /// An issue, a CVE or a text that tells of the real thing.
            pub fn bug(self) -> &'static str {
                match self {
                    $(Self::$variant => $bug),+
                }
            }
        }
    };
}
use faults;

/// Not a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown fault `{0}`; known: {known}", known = Fault::ALL.iter().map(|f| f.as_str()).collect::<Vec<_>>().join(", "))]
pub struct UnknownFault(String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let found = Self::ALL.iter().find(|fault| fault.as_str() == text);
        found.copied().ok_or_else(|| UnknownFault(text.to_owned()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The faults that are switched on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    chosen: BTreeSet<Fault>,
    generated: BTreeSet<Generated>,
}

impl Faults {
    /// Whether a fault is switched on.
    pub fn has(&self, fault: Fault) -> bool {
        self.chosen.contains(&fault)
    }

    /// Whether nothing is broken.
    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty() && self.generated.is_empty()
    }

    /// The names of the faults, in their order.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        let chosen = self.chosen.iter().map(ToString::to_string);
        chosen.chain(self.generated.iter().map(ToString::to_string))
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, others: &Self) -> Self {
        self.chosen.extend(&others.chosen);
        self.generated.extend(&others.generated);
        self
    }

    /// Breaks the plan of how it stands.
    pub(super) fn edit(&self, plan: &mut Plan, state: &State) {
        self.chosen.iter().for_each(|fault| fault.edit(plan, state));
        self.generated.iter().for_each(|fault| fault.edit(plan));
    }

    /// Breaks what an event changes.
    pub(super) fn spoil(&self, step: &mut Step, before: &State, event: &Event<'_>) {
        for fault in &self.chosen {
            fault.spoil(step, before, event);
        }
        for fault in &self.generated {
            fault.spoil(step, &before.before, event);
        }
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<T: IntoIterator<Item = Fault>>(faults: T) -> Self {
        Self {
            chosen: faults.into_iter().collect(),
            generated: BTreeSet::new(),
        }
    }
}

impl From<Generated> for Faults {
    fn from(generated: Generated) -> Self {
        Self {
            chosen: BTreeSet::new(),
            generated: BTreeSet::from([generated]),
        }
    }
}

impl FromStr for Faults {
    type Err = UnknownFault;

    /// One fault by its name, chosen or generated.
    fn from_str(name: &str) -> Result<Self, UnknownFault> {
        let generated = Generated::all().into_iter();
        let mut generated = generated.filter(|one| one.to_string() == name);
        match generated.next() {
            Some(one) => Ok(one.into()),
            None => name.parse::<Fault>().map(|one| Self::from_iter([one])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_found_by_its_name() {
        for fault in Fault::ALL {
            assert_eq!(fault.as_str().parse::<Fault>().ok(), Some(*fault));
        }
        assert!("no-fault".parse::<Fault>().is_err());
    }

    #[test]
    fn a_generated_fault_is_found_by_its_name() {
        for fault in Generated::all() {
            assert_eq!(fault.to_string().parse(), Ok(Faults::from(fault)));
        }
    }
}
