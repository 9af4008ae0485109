//! A selected implementation, or why this machine does not have it.

use std::sync::Arc;

use super::{Adapter, Declared, Installation, Selection};
use crate::case::Feature;

/// A selected implementation, or why this machine does not have it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its name in reports: what the person typed.
    pub name: String,
    /// What the person typed for it.
    pub selection: Selection,
    /// The adapter, or what is missing.
    pub adapter: Result<Arc<dyn Adapter>, String>,
    /// Whether it can start at all here, as far as it was asked.
    pub installation: Arc<Installation>,
    /// What the person who runs it declares of it.
    pub declared: Arc<Declared>,
}

impl Candidate {
    /// Looks for an implementation. No program of an engine is started; a plugin is asked for `info`, so this is to be
    /// called inside the sandbox.
    pub fn find(selection: &Selection) -> Self {
        Self {
            name: selection.to_string(),
            selection: selection.clone(),
            adapter: (selection.facts.find)(selection),
            installation: Arc::default(),
            declared: Arc::default(),
        }
    }

    /// An implementation that nobody looked for: enough to name its trials.
    pub fn named(selection: &Selection) -> Self {
        Self {
            name: selection.to_string(),
            selection: selection.clone(),
            adapter: Err(String::from("it was not looked for")),
            installation: Arc::default(),
            declared: Arc::default(),
        }
    }

    /// The name that it gives itself: a plugin's, or a conflist's.
    pub fn calls_itself(&self) -> Option<&str> {
        let implementation = self.adapter.as_ref().ok()?.implementation();
        implementation.calls_itself.as_deref()
    }

    /// Looks for every implementation that has a fixed name.
    pub fn every() -> Vec<Self> {
        Selection::all().iter().map(Self::find).collect()
    }

    /// Why a case that requires these features cannot be put to it, if it cannot.
    pub fn refuses(&self, requires: &[Feature]) -> Option<String> {
        let adapter = match &self.adapter {
            Ok(adapter) => adapter,
            Err(reason) => return Some(reason.clone()),
        };
        let claimed = adapter.features();
        let lacking: Vec<&str> = requires
            .iter()
            .filter(|feature| !claimed.contains(feature))
            .map(|feature| feature.as_str())
            .collect();
        (!lacking.is_empty()).then(|| format!("{} does not list {}", self.name, lacking.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::native::Faults;
    use super::*;

    #[test]
    fn what_is_not_here_refuses_every_case_with_the_reason() {
        let candidate = Candidate {
            name: "docker".into(),
            selection: "docker".parse().expect("a name"),
            adapter: Err("'dockerd' is not installed".into()),
            installation: Arc::default(),
            declared: Arc::default(),
        };
        let reason = candidate.refuses(&[]);
        assert_eq!(reason.as_deref(), Some("'dockerd' is not installed"));
    }

    #[test]
    fn a_feature_that_is_not_claimed_is_named() {
        let native = Candidate::find(&Selection::native(&Faults::default()));
        assert_eq!(native.refuses(&[Feature::Bridge]), None);
        let reason = native.refuses(&[Feature::Bridge, Feature::Ipv6]);
        assert_eq!(reason.as_deref(), Some("native does not list ipv6"));
    }
}
