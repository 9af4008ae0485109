//! One case on one back end: the unit that runs, passes or fails.

use std::fmt;
use std::sync::Arc;

use crate::case::{Backend, Case, Kind};

/// One case on one back end.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What runs.
    pub case: Arc<Case>,
    /// Which firewall back end its `iptables` commands mean.
    pub backend: Backend,
}

impl Trial {
    /// Every trial of these cases, each case's back ends side by side; with `only`, no other back end.
    pub fn of(cases: &[Arc<Case>], only: Option<Backend>) -> Vec<Self> {
        let mut trials = Vec::new();
        for case in cases {
            let Kind::Recipe { backends, .. } = &case.kind else {
                continue;
            };
            let wanted = backends
                .iter()
                .filter(|b| only.is_none_or(|only| only == **b));
            trials.extend(wanted.map(|backend| Self {
                case: Arc::clone(case),
                backend: *backend,
            }));
        }
        trials
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.case.id, self.backend)
    }
}
