//! What an implementation leaves behind: the host before it came, and after it was told to undo everything.

use std::time::{Duration, Instant};

use super::RunError;
use crate::adapter::{Attached, Implementation, Kept, LabHost, Realised, Scenario, kept};
use crate::lab::{Lab, next_event};
use crate::ledger::{
    CaseNames, Entry, EntryKind, Judge, Ledger, LedgerDifference, Standing, Told, fold, read_texts,
};
use crate::trace::{Conntrack, ConntrackEntry};

/// The kernel takes links away after the namespace of their other end, which takes it 20 ms when it is idle; with every
/// core taken by other labs 0.3 s were seen. Nothing of what an implementation forgot goes away by itself.
const GRACE: Duration = Duration::from_secs(2);
/// `RTNLGRP_LINK`, `RTNLGRP_IPV4_IFADDR`, `RTNLGRP_IPV4_ROUTE`, `RTNLGRP_IPV6_IFADDR` and `RTNLGRP_IPV6_ROUTE`.
const EVENTS: [u32; 5] = [1, 5, 7, 9, 11];

/// The host before an implementation came, and what the case calls its own.
#[derive(Debug)]
pub(super) struct Left {
    before: Ledger,
    names: CaseNames,
    kept: Vec<Kept>,
}

impl Left {
    /// Reads the host. `own` is what the person who runs it says that implementations keep.
    pub(super) fn before(
        host: &LabHost,
        scenario: &Scenario,
        of: &Implementation,
        own: &[Kept],
    ) -> Result<Self, RunError> {
        let mut names = CaseNames::default();
        for network in &scenario.networks {
            let own = names.network(&network.name);
            own.subnets.extend(network.pools.map(|pool| pool.subnet));
        }
        for container in &scenario.containers {
            let own = names.container(&container.name);
            own.ports
                .extend(container.publish.iter().map(|port| port.host_port));
            if let Attached::Network { addresses, .. } = &container.attached {
                own.addresses.extend(*addresses);
            }
        }
        let mut kept = kept(&of.name).map_err(|error| RunError::Kept(error.to_string()))?;
        let asked = of.calls_itself.as_deref().unwrap_or(&of.name);
        let own = own.iter().filter(|one| one.is_of(&[&of.name, asked]));
        kept.extend(own.cloned());
        let mut before = ledger(host)?;
        before.forget_sockets();
        Ok(Self {
            before,
            names,
            kept,
        })
    }

    /// Learns what the implementation calls the case's networks and containers, after it has made or changed them.
    pub(super) fn learn(
        &mut self,
        realised: &dyn Realised,
        lab: &Lab,
        host: &LabHost,
    ) -> Result<(), RunError> {
        let now = Ledger::read_links(&host.netns)?;
        self.names.learn_links(self.before.entries(), now.entries());
        let subnets: Vec<_> = self
            .names
            .networks()
            .iter()
            .flat_map(|one| one.subnets.clone())
            .collect();
        for (name, node) in lab.read_nodes()? {
            if !self.names.has_container(&name) {
                continue;
            }
            let own = self.names.container(&name);
            for address in node.addresses {
                if subnets.iter().any(|subnet| subnet.contains(address))
                    && !own.addresses.contains(&address)
                {
                    own.addresses.push(address);
                }
            }
        }
        for (name, id) in realised.ids() {
            let ids = if self.names.has_container(&name) {
                &mut self.names.container(&name).ids
            } else {
                &mut self.names.network(&name).ids
            };
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(())
    }

    /// A person changes the host, who is no implementation.
    pub(super) fn adopt(
        &mut self,
        host: &LabHost,
        change: impl FnOnce() -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let before = ledger(host)?;
        change()?;
        self.before.adopt(&before, &ledger(host)?);
        self.before.forget_sockets();
        Ok(())
    }

    /// The harness itself takes a file away.
    pub(super) fn forget_file(&mut self, path: &str) {
        self.before.forget_file(path);
    }

    /// What is left when everything was torn down.
    pub(super) fn after(&self, host: &LabHost) -> Result<(Told, Duration), RunError> {
        self.left(host, |judge, differences| {
            let standings = judge.judge(&differences);
            (differences, standings)
        })
    }

    /// What is left of containers that are gone, while others are there.
    pub(super) fn after_removal(
        &self,
        host: &LabHost,
        is_there: impl Fn(&str) -> bool,
    ) -> Result<(Told, Duration), RunError> {
        self.left(host, |judge, differences| {
            judge.judge_removal(differences, &is_there)
        })
    }

    /// What is left now. What the kernel takes away later is waited for; how long, is returned, too.
    fn left(
        &self,
        host: &LabHost,
        which: impl Fn(&Judge<'_>, Vec<LedgerDifference>) -> (Vec<LedgerDifference>, Vec<Standing>),
    ) -> Result<(Told, Duration), RunError> {
        // Joined before the first look, so no event is lost between.
        let mut events = host.netns.route_socket("host", &EVENTS)?;
        let start = Instant::now();
        let mut waited = Duration::ZERO;
        loop {
            let now = ledger(host)?;
            let before = self.before.knowing_what_was_below(&now);
            let (differences, standings) = self.judge(&before, &now, host, &which)?;
            let pending = differences
                .iter()
                .zip(&standings)
                .any(|(difference, standing)| {
                    matches!(standing, Standing::Leftover(_)) && goes_later(difference)
                });
            if pending && next_event(&mut events, start, GRACE)? {
                waited = start.elapsed();
                continue;
            }
            return Ok((fold(&differences, &standings), waited));
        }
    }

    /// Whether it is the mount of a container's name, which the harness makes and takes away.
    fn is_by_the_harness(&self, entry: &Entry) -> bool {
        let point = match entry {
            Entry::Mount(mount) => &mount.point,
            _ => return false,
        };
        let mut names = self.names.container_names();
        names.any(|name| LabHost::path(name) == *point)
    }

    fn judge(
        &self,
        before: &Ledger,
        now: &Ledger,
        host: &LabHost,
        which: impl Fn(&Judge<'_>, Vec<LedgerDifference>) -> (Vec<LedgerDifference>, Vec<Standing>),
    ) -> Result<(Vec<LedgerDifference>, Vec<Standing>), RunError> {
        let mut differences = before.diff(now);
        differences.retain(|one| !self.is_by_the_harness(&one.entry));
        let texts = host.jail.run(|| read_texts(&differences))?;
        let state_folders: Vec<&str> = host.jail.state_folders().collect();
        let judge = Judge {
            names: &self.names,
            documented: &|difference| {
                let entry = self
                    .kept
                    .iter()
                    .find(|one| one.covers(difference, &self.names))?;
                Some(entry.source.clone())
            },
            before,
            state_folders: &state_folders,
            texts: &texts,
        };
        Ok(which(&judge, differences))
    }
}

/// Whether the kernel takes it away by itself some time after its cause: a link, and what hangs on one.
fn goes_later(difference: &LedgerDifference) -> bool {
    let entry = &difference.entry;
    entry.kind() == EntryKind::Link || entry.hangs_on().is_some()
}

/// Everything that an implementation could leave.
fn ledger(host: &LabHost) -> Result<Ledger, RunError> {
    let tracked = host.netns.run(|| Conntrack::open("host")?.dump())??;
    let led = tracked.iter().filter_map(ConntrackEntry::led_elsewhere);
    Ok(Ledger::read(&host.netns)?
        .and_files_of(&host.jail)?
        .and_connections(led.collect::<Vec<_>>()))
}
