//! A live lab: its nodes' namespaces and the sockets that stay open in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use netlink_sys::Socket;

use super::sysctl;
use super::{LabError, Netns};
use crate::netlink::RouteSocket;

/// Network namespaces, and everything in them, that live as long as this value.
///
/// Dropping it lets the kernel reap the namespaces, which takes about 20 ms under a lock that every other lab needs:
/// [`FinishedLabs::keep`](super::FinishedLabs::keep) it instead.
#[must_use = "the lab is gone when this is dropped"]
#[derive(Debug)]
pub struct Lab {
    pub(super) nodes: BTreeMap<String, LiveNode>,
    pub(super) aliases: BTreeMap<String, String>,
    /// Addresses that may get another hardware address while the lab stands.
    pub(super) passing: BTreeSet<IpAddr>,
}

/// One node's kernel objects.
#[derive(Debug)]
pub(super) struct LiveNode {
    pub(super) netns: Netns,
    pub(super) socket: Mutex<RouteSocket>,
    /// Kept, as closing it may wait for an RCU grace period.
    pub(super) netfilter: Vec<Socket>,
}

impl LiveNode {
    pub(super) fn socket(&self) -> MutexGuard<'_, RouteSocket> {
        // A panic between request and answer leaves stale answers, which are told by their sequence number.
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lab {
    /// Names of the nodes that have a namespace of their own, sorted.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }

    /// The node whose namespace `name` is: itself, or the one that it is a second name for.
    pub fn canonical<'a>(&'a self, name: &'a str) -> &'a str {
        self.aliases.get(name).map_or(name, String::as_str)
    }

    /// A node's namespace.
    pub fn netns(&self, node: &str) -> Result<&Netns, LabError> {
        Ok(&self.live(node)?.netns)
    }

    /// Names every node's namespace in `/run/netns` of the calling thread, so that `ip link set X netns c1` works as
    /// written. The thread has private mounts ([`privatise_thread_mounts`](super::privatise_thread_mounts)); names of
    /// the lab before are removed.
    pub fn name_namespaces(&self) -> Result<(), LabError> {
        let folder = Path::new("/run/netns");
        if folder.exists() {
            for entry in fs::read_dir(folder)
                .map_err(|e| LabError::system("list", "/run/netns", e))?
                .flatten()
            {
                let _ = nix::mount::umount2(&entry.path(), nix::mount::MntFlags::MNT_DETACH);
                fs::remove_file(entry.path()).map_err(|e| {
                    LabError::system("remove", entry.path().display().to_string(), e)
                })?;
            }
        }
        let aliases = self
            .aliases
            .iter()
            .filter_map(|(alias, name)| Some((alias, self.nodes.get(name)?)));
        for (name, live) in self.nodes.iter().chain(aliases) {
            live.netns.bind_name(name)?;
        }
        Ok(())
    }

    /// Takes in a namespace that somebody else made, as an engine does for its containers.
    pub fn adopt(&mut self, name: &str, netns: Netns) -> Result<(), LabError> {
        // A refusal that the kernel withholds is no silence of the implementation's.
        netns.run(sysctl::lift_limits)??;
        let socket = Mutex::new(netns.route_socket(name, &[])?);
        let netfilter = Vec::new();
        self.nodes.insert(
            name.into(),
            LiveNode {
                netns,
                socket,
                netfilter,
            },
        );
        Ok(())
    }

    /// Says that an address may be given to somebody else, or to the same node by another interface. Who knows its hardware
    /// address then learns and forgets as the kernel does, not for as long as the lab stands.
    pub fn may_pass_on(&mut self, address: IpAddr) {
        self.passing.insert(address);
    }

    /// Gives a node a second name.
    pub fn alias(&mut self, name: &str, of: &str) {
        let canonical = self.canonical(of).to_string();
        self.aliases.insert(name.into(), canonical);
    }

    pub(super) fn live(&self, node: &str) -> Result<&LiveNode, LabError> {
        self.nodes
            .get(self.canonical(node))
            .ok_or_else(|| LabError::Specification(format!("there is no node '{node}'")))
    }
}
