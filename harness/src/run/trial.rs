//! One case on one back end or implementation: the unit that runs, passes or fails.

use std::fmt;
use std::sync::Arc;

use crate::adapter::{Candidate, Expected, expected};
use crate::case::{Backend, Case, Kind};
use crate::lab::unsupported;

/// One case on one back end or implementation.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What runs.
    pub case: Arc<Case>,
    /// Which firewall back end its `iptables` commands mean.
    pub backend: Backend,
    /// What a contract case is put to; none for a recipe.
    pub implementation: Option<Candidate>,
}

impl Trial {
    /// Every trial of these cases: a recipe's back ends side by side, with `only` no other back end; a contract on each of
    /// the implementations.
    pub fn of(
        cases: &[Arc<Case>],
        only: Option<Backend>,
        implementations: &[Candidate],
    ) -> Vec<Self> {
        let mut trials = Vec::new();
        let trial = |case: &Arc<Case>, backend, implementation| Self {
            case: Arc::clone(case),
            backend,
            implementation,
        };
        for case in cases {
            match &case.kind {
                Kind::Recipe { backends, .. } => {
                    let wanted = backends
                        .iter()
                        .filter(|b| only.is_none_or(|only| only == **b));
                    trials.extend(wanted.map(|backend| trial(case, *backend, None)));
                }
                Kind::Contract { .. } => {
                    let each = implementations.iter();
                    // What an implementation of its own calls `iptables` is its own affair.
                    let backend = Backend::IptablesNft;
                    trials.extend(each.map(|one| trial(case, backend, Some(one.clone()))));
                }
            }
        }
        trials
    }

    /// The implementation's or the back end's name: what tells the trials of one case apart.
    pub fn variant(&self) -> String {
        match &self.implementation {
            Some(candidate) => candidate.name.clone(),
            None => self.backend.to_string(),
        }
    }

    /// The known defect because of which this implementation is expected to fail this case, if there is one.
    pub fn expected_failure(&self) -> Option<Expected> {
        let candidate = self.implementation.as_ref()?;
        let found = candidate.adapter.as_ref().ok()?.implementation();
        // A test reads the entries: they are well-formed.
        expected(found, self.case.id.as_str()).ok()?
    }

    /// Why this case can't be put to this implementation or back end, if it can't: known before anything runs. To be
    /// called inside the sandbox, where the kernel is asked for its tables.
    pub fn not_supported(&self) -> Option<String> {
        let Some(candidate) = self.implementation.as_ref() else {
            let said = unsupported(self.backend)?;
            return Some(format!(
                "this kernel has no tables for {}: {said}",
                self.backend
            ));
        };
        match &self.case.kind {
            Kind::Contract { requires, .. } => candidate.refuses(requires),
            Kind::Recipe { .. } => None,
        }
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.case.id, self.variant())
    }
}
