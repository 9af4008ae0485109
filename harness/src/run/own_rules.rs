//! Rules of the host that a person has made, so that the rest is the implementation's.

use super::RunError;
use super::observe::has_legacy_tables;
use crate::lab::Lab;
use crate::trace::{InstalledRule, installed_rules};

/// Rules of a person on the host. Nobody knows any unless that is asked for: reading them takes programs.
#[derive(Debug, Default)]
pub(super) struct OwnRules(Option<Vec<InstalledRule>>);

impl OwnRules {
    /// Those that the host has before the implementation comes.
    pub(super) fn before(lab: &Lab, are_known: bool) -> Result<Self, RunError> {
        Ok(Self(are_known.then(|| host_rules(lab)).transpose()?))
    }

    /// Notes what `add` adds.
    pub(super) fn while_added(
        &mut self,
        lab: &mut Lab,
        add: impl FnOnce(&mut Lab) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let Some(own) = &mut self.0 else {
            return add(lab);
        };
        let before = host_rules(lab)?;
        add(lab)?;
        let is_new = |rule: &InstalledRule| !before.iter().any(|one| says_the_same(one, rule));
        own.extend(host_rules(lab)?.into_iter().filter(is_new));
        Ok(())
    }

    /// Whether a rule is one of them.
    pub(super) fn hold(&self, rule: &InstalledRule) -> bool {
        let mut own = self.0.iter().flatten();
        own.any(|one| says_the_same(one, rule))
    }
}

/// The rules that the host holds now.
pub(super) fn host_rules(lab: &Lab) -> Result<Vec<InstalledRule>, RunError> {
    let host = lab.netns("host")?;
    Ok(host.run(|| installed_rules("host", has_legacy_tables()))??)
}

/// Whether two rules say the same in the same chain, wherever they stand in it.
fn says_the_same(one: &InstalledRule, other: &InstalledRule) -> bool {
    let words = |rule: &InstalledRule| (rule.keeper, rule.table.clone(), rule.chain.clone());
    words(one) == words(other) && one.text == other.text
}
