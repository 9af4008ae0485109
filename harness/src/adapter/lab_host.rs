//! The lab's host as an adapter gets it: where a scenario is to be made true.

use std::collections::BTreeMap;

use nix::mount::{MntFlags, umount2};

use super::{Adapter, Namespaces, state_folders};
use crate::lab::attach::remove_own_links;
use crate::lab::{Groups, Jail, JailOptions, LabError, Netns};

/// The lab's host, and the namespaces of the containers as far as the harness makes them.
#[derive(Debug)]
pub struct LabHost {
    /// Where programs of the implementation run.
    pub jail: Jail,
    /// The lab's host namespace.
    pub netns: Netns,
    /// Container namespaces by name, at `/run/netns/NAME` of the jail; none where the implementation makes them.
    pub containers: BTreeMap<String, Netns>,
}

impl LabHost {
    /// Where a container's namespace is found by the programs of the jail.
    pub fn path(container: &str) -> String {
        format!("/run/netns/{container}")
    }

    /// Ends a container's links, as its namespace's end does, and takes away the file that names the namespace. The
    /// namespace itself lasts as long as the harness looks into it.
    pub(super) fn lose(&self, container: &Netns, path: &str) -> Result<(), LabError> {
        remove_own_links(container)?;
        self.jail.run(|| {
            // What holds no namespace by a file has nothing to take away.
            let _ = umount2(path, MntFlags::MNT_DETACH);
            let _ = std::fs::remove_file(path);
        })
    }

    /// Gives a container that had vanished its namespace's name again, so that it can come back.
    ///
    /// # Errors
    /// The name cannot be made.
    pub fn find_again(&self, container: &str) -> Result<(), LabError> {
        let Some(netns) = self.containers.get(container) else {
            return Ok(());
        };
        self.jail.name_again(container, netns)
    }

    /// Opens the jail for a scenario of `count` containers, of which these are the harness's.
    ///
    /// # Errors
    /// The kernel refuses a namespace or a mount.
    pub fn open(
        adapter: &dyn Adapter,
        host: &Netns,
        containers: BTreeMap<String, Netns>,
        count: usize,
    ) -> Result<Self, LabError> {
        let groups = match adapter.namespaces() {
            Namespaces::Given => Groups::ReadOnly,
            Namespaces::Brought => Groups::own(),
        };
        let options = JailOptions {
            root: adapter.implementation().build.root.as_deref(),
            state_folders: state_folders().collect(),
        };
        let named = containers
            .iter()
            .map(|(name, netns)| (name.as_str(), netns));
        Ok(Self {
            jail: Jail::open(host, &options, named, groups)?.with_containers(count),
            netns: host.try_clone()?,
            containers,
        })
    }
}
