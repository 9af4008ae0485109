//! Everything that a host holds, to be compared before and after: in words of this project's own.
//!
//! Counters, ages and what the kernel learns by itself from traffic are left out: they are no one's leftovers.

mod compare;
mod entry;
mod files;
mod firewall;
mod fold;
mod links;
mod names;
mod settings;
mod sockets;
mod standing;
mod words;
mod written;

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::lab::{Jail, LabError, Netns};
use files::Found;
use written::Written;

pub use compare::{EntryChange, LedgerDifference};
pub use entry::{
    Address, Base, Chain, Connection, Entry, EntryKind, File, Link, Neighbour, PolicyRule, Qdisc,
    Rest, Route, Rule, Set, Socket, Sysctl, Table,
};
pub use files::read_texts;
pub use fold::{Told, fold};
pub use names::{CaseNames, Mention, OfContainer, OfNetwork, Owner};
pub use standing::{Judge, Standing};

/// Everything that a host holds, in the order in which the kernel lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    entries: Vec<Entry>,
    /// Folders of the jail, where its files were read.
    folders: BTreeSet<String>,
    /// What the machine has where something was written or taken away.
    below: Found,
}

impl Ledger {
    /// Reads a namespace. Nothing in it is changed.
    ///
    /// # Errors
    /// The kernel refuses to list something, or a program that lists rules fails.
    pub fn read(netns: &Netns) -> Result<Self, LabError> {
        let mut entries = links::read(netns)?;
        let (rules, settings, sockets) =
            netns.run(|| (firewall::read(), settings::sysctls(), sockets::sockets()))?;
        entries.extend(rules?);
        entries.extend(settings);
        entries.extend(sockets);
        Ok(Self {
            entries,
            ..Self::default()
        })
    }

    /// Reads only links and their addresses, which takes 0.1 ms.
    ///
    /// # Errors
    /// The kernel refuses to list them.
    pub fn read_links(netns: &Netns) -> Result<Self, LabError> {
        let entries = links::read_links(netns)?;
        Ok(Self {
            entries,
            ..Self::default()
        })
    }

    /// Adds the files of a jail, and leaves out what the harness itself has put into the namespace.
    ///
    /// # Errors
    /// The jail cannot be entered, or its mounts cannot be read.
    pub fn and_files_of(mut self, jail: &Jail) -> Result<Self, LabError> {
        let mut written = Written::read(jail.layers());
        let doubtful = std::mem::take(&mut written.doubtful);
        let (found, gone) = jail.run(|| {
            let is_seen = |at: &PathBuf| at.symlink_metadata().is_ok();
            let gone = doubtful.iter().filter(|(_, at)| !is_seen(at));
            (files::read(), gone.collect::<Vec<_>>())
        })?;
        let (mut found, mounts) =
            found.map_err(|e| LabError::system("list", "the files of the host's jail", e))?;
        self.entries.extend(mounts.into_iter().map(Entry::Mount));
        for (lower, at) in gone {
            written.take_away(lower, at);
        }
        found.files.extend(written.now.files);
        found.files.sort();
        self.entries
            .extend(found.files.into_iter().map(Entry::File));
        self.folders = found.folders;
        self.folders.extend(written.now.folders);
        self.below = written.below;
        self.below.files.sort();
        self.entries.retain(|entry| !entry.is_of_the_trace());
        Ok(self)
    }

    /// Adds connections, as somebody who can read them words them.
    #[must_use]
    pub fn and_connections(mut self, connections: impl IntoIterator<Item = String>) -> Self {
        let connections = connections.into_iter().map(|text| Connection { text });
        self.entries.extend(connections.map(Entry::Connection));
        self
    }

    /// What it holds.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether there was this folder.
    pub fn has_folder(&self, path: &str) -> bool {
        self.folders.contains(path)
    }

    /// With the files and folders that the machine has where a later ledger shows others or none: as long as nobody writes there,
    /// they are not listed.
    #[must_use]
    pub fn knowing_what_was_below(&self, later: &Self) -> Self {
        let mut known = self.clone();
        let path_of = |entry: &Entry| match entry {
            Entry::File(file) => Some(file.path.clone()),
            _ => None,
        };
        let mut paths: BTreeSet<String> = self.entries.iter().filter_map(path_of).collect();
        paths.extend(self.below.files.iter().map(|file| file.path.clone()));
        let others = later.below.files.iter();
        let others = others.filter(|file| !paths.contains(&file.path));
        known.entries.extend(others.cloned().map(Entry::File));
        known.folders.extend(later.below.folders.iter().cloned());
        known
    }

    /// Takes a file out: somebody who is no implementation removes it.
    pub fn forget_file(&mut self, path: &str) {
        let is_it = |entry: &Entry| matches!(entry, Entry::File(file) if file.path == path);
        self.entries.retain(|entry| !is_it(entry));
    }

    /// Takes sockets out: before an implementation comes there are none but those of probes that are over. The kernel lists one of
    /// them for as long as a program that is just being started has its copy, which `execve` closes.
    pub fn forget_sockets(&mut self) {
        self.entries
            .retain(|entry| !matches!(entry, Entry::Socket(_)));
    }

    /// Takes in what `after` has and `before` has not: somebody who is no implementation has made it. Each comes behind the
    /// entry that it follows there.
    pub fn adopt(&mut self, before: &Self, after: &Self) {
        let mut place = 0;
        for entry in &after.entries {
            if let Some(known) = self.entries.iter().position(|one| one == entry) {
                place = known + 1;
            } else if !before.entries.contains(entry) {
                self.entries.insert(place, entry.clone());
                place += 1;
            }
        }
    }

    /// What `after` has otherwise.
    pub fn diff(&self, after: &Self) -> Vec<LedgerDifference> {
        let mut differences = compare::differences(&self.entries, &after.entries);
        // A folder that is empty no more, or that others have emptied, is no thing of its own.
        differences.retain(|difference| match (&difference.entry, &difference.change) {
            (Entry::File(file), change) => {
                let folder = file.path.strip_suffix('/');
                !folder.is_some_and(|folder| match change {
                    EntryChange::Removed => after.has_folder(folder),
                    EntryChange::Changed(_) => false,
                    _ => self.has_folder(folder),
                })
            }
            _ => true,
        });
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_was_there_before_is_none_that_is_gone() {
        let raw = Entry::Socket(Socket {
            protocol: "raw",
            address: std::net::Ipv4Addr::UNSPECIFIED.into(),
            port: 1,
        });
        let with = |entries: &[Entry]| Ledger {
            entries: entries.to_vec(),
            ..Ledger::default()
        };
        let mut before = with(std::slice::from_ref(&raw));
        assert_eq!(before.diff(&with(&[])).len(), 1, "it is an entry");
        before.forget_sockets();
        assert_eq!(before.diff(&with(&[])).len(), 0);
        assert_eq!(
            before.diff(&with(&[raw])).len(),
            1,
            "another one is left behind"
        );
    }
}
