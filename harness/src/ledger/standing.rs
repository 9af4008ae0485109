//! Whether what an implementation left behind is a leftover.
//!
//! A leftover names something of the case: a container's address, port, name or id, or the subnet, bridge or name of a
//! network that was removed. What an implementation keeps in tables, chains and files of its own, and that names nothing
//! of the case, is kept; whether it still changes what happens to other people's packets is for packets to say.
//! Everything else of the host must be as it was, but for what documentation says.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{Entry, EntryKind, Rule, Table};
use super::names::{CaseNames, Mention, Owner};
use super::{EntryChange, Ledger, LedgerDifference};

/// The tables that every program of netfilter's own tools shares with the others.
const SHARED_TABLES: [&str; 5] = ["filter", "nat", "mangle", "raw", "security"];

/// Why these tables stay, and their base chains.
const XTABLES: &str = "xtables-nft(8): tables and base chains are made when they are first used; iptables(8) \
    --delete-chain: empty ones stay until somebody asks";

/// What became of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It must not be there, and why.
    Leftover(String),
    /// It may stay, and why.
    Kept(String),
}

/// What decides on differences.
#[expect(missing_debug_implementations, reason = "it holds a function")]
pub struct Judge<'a> {
    /// What the case calls its own.
    pub names: &'a CaseNames,
    /// The source of the document that says that this stays, if one does.
    pub documented: &'a dyn Fn(&LedgerDifference) -> Option<String>,
    /// What the host held before.
    pub before: &'a Ledger,
    /// Folders that only their owner reads, though they were there before: of state, and of what is temporary.
    pub state_folders: &'a [&'a str],
    /// The texts of the files among the differences, as far as they are texts, by path.
    pub texts: &'a BTreeMap<String, String>,
}

/// What an implementation has made for itself.
#[derive(Debug, Default)]
struct Own {
    tables: BTreeSet<Table>,
    /// By table and name.
    chains: BTreeSet<(Table, String)>,
    /// Links that stay by what a document says.
    links: BTreeSet<String>,
}

impl Judge<'_> {
    /// Those differences, each with what it is, that name a container which is gone and nobody who is there. A connection is
    /// none: whom its packets reach is for packets to say.
    pub fn judge_removal(
        &self,
        differences: Vec<LedgerDifference>,
        is_there: impl Fn(&str) -> bool,
    ) -> (Vec<LedgerDifference>, Vec<Standing>) {
        let (there, gone) = (
            self.names.containers_that(&is_there),
            self.names.containers_that(|name| !is_there(name)),
        );
        let names = |names: &CaseNames, entry: &Entry| {
            let mention = names.named_by(entry, self.content(entry))?;
            matches!(mention.of, Owner::Container(_)).then_some(mention)
        };
        let found = differences.into_iter().filter_map(|one| {
            let entry = &one.entry;
            let is_new = match (&one.change, entry.kind()) {
                (_, EntryKind::Connection) => false,
                // A line may have been added to the machine's.
                (EntryChange::Changed(_), EntryKind::File) => true,
                (change, _) => *change == EntryChange::Added,
            };
            let stays =
                !is_new || (self.documented)(&one).is_some() || names(&there, entry).is_some();
            let mention = names(&gone, entry).filter(|_| !stays)?;
            let standing = Standing::Leftover(format!("{mention}, who is gone"));
            Some((one, standing))
        });
        found.unzip()
    }

    /// The text of a file, and nothing of anything else.
    fn content(&self, entry: &Entry) -> &str {
        match entry {
            Entry::File(file) => self.texts.get(&file.path).map_or("", String::as_str),
            _ => "",
        }
    }

    /// Each difference with what it is.
    pub fn judge(&self, differences: &[LedgerDifference]) -> Vec<Standing> {
        let own = self.own(differences);
        differences
            .iter()
            .map(|one| self.judge_one(one, &own))
            .collect()
    }

    fn own(&self, differences: &[LedgerDifference]) -> Own {
        let mut own = Own::default();
        let added = differences
            .iter()
            .filter(|one| one.change == EntryChange::Added);
        for difference in added {
            match &difference.entry {
                Entry::Table(table) if !is_shared(table) => {
                    own.tables.insert(table.clone());
                }
                Entry::Chain(chain) if chain.base.is_none() || !is_shared(&chain.table) => {
                    own.chains.insert((chain.table.clone(), chain.name.clone()));
                }
                Entry::Link(link) if (self.documented)(difference).is_some() => {
                    own.links.insert(link.name.clone());
                }
                _ => {}
            }
        }
        own
    }

    fn judge_one(&self, difference: &LedgerDifference, own: &Own) -> Standing {
        let entry = &difference.entry;
        if let Some(source) = (self.documented)(difference) {
            return Standing::Kept(source);
        }
        if difference.change == EntryChange::Removed && self.is_given_folder(entry) {
            return Standing::Kept(String::from("it was the implementation's own"));
        }
        if difference.change != EntryChange::Added {
            return Standing::Leftover(String::from("it is not the implementation's own"));
        }
        let stays = entry.hangs_on().filter(|link| own.links.contains(*link));
        match self.names.named_by(entry, self.content(entry)) {
            Some(mention) if !self.of_what_stays(&mention, own) => {
                Standing::Leftover(mention.to_string())
            }
            _ if stays.is_some() => {
                let link = stays.unwrap_or_default();
                Standing::Kept(format!("it goes with the link {link}, which stays"))
            }
            _ if is_shared_base(entry) => Standing::Kept(XTABLES.to_owned()),
            _ if self.is_own(entry, own) => {
                Standing::Kept(String::from("its own, and it names nothing of the case"))
            }
            _ => Standing::Leftover(String::from("no document says that it stays")),
        }
    }

    /// Whether it is a network's whose bridge stays by what a document says: then the network was not removed.
    fn of_what_stays(&self, mention: &Mention, own: &Own) -> bool {
        let Owner::Network(name) = &mention.of else {
            return false;
        };
        let networks = self.names.networks().iter();
        networks
            .filter(|network| network.name == *name)
            .any(|network| network.bridges.iter().any(|link| own.links.contains(link)))
    }

    fn is_own(&self, entry: &Entry, own: &Own) -> bool {
        let in_own_table = entry
            .table()
            .is_some_and(|table| own.tables.contains(table));
        in_own_table
            || match entry {
                Entry::Table(table) => own.tables.contains(table),
                Entry::Chain(chain) => own
                    .chains
                    .contains(&(chain.table.clone(), chain.name.clone())),
                Entry::Rule(rule) => is_own_rule(rule, own),
                Entry::File(file) => self.is_own_path(&file.path),
                // Over the machine's own files nothing stays.
                Entry::Mount(mount) => {
                    self.is_state(&mount.point)
                        || (mount.point.starts_with("/run/") && self.is_own_path(&mount.point))
                }
                _ => false,
            }
    }

    /// A file is the implementation's own if its folder is: but not where other programs read what anybody puts there,
    /// as in `/run/sysctl.d`.
    fn is_own_path(&self, path: &str) -> bool {
        // An empty folder speaks for itself.
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let is_for_others = folder.split('/').any(|part| part.ends_with(".d"));
        self.is_state(folder) || (!is_for_others && !self.before.has_folder(folder))
    }

    fn is_state(&self, path: &str) -> bool {
        self.state_folders.iter().any(|own| {
            path.strip_prefix(own)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Whether it is a folder that was given to the implementation, which may take it away.
    fn is_given_folder(&self, entry: &Entry) -> bool {
        let path = match entry {
            Entry::File(file) => file.path.strip_suffix('/'),
            _ => None,
        };
        path.is_some_and(|path| self.state_folders.contains(&path))
    }
}

fn is_shared(table: &Table) -> bool {
    let family = table
        .family
        .strip_prefix("legacy ")
        .unwrap_or(&table.family);
    matches!(family, "ip" | "ip6" | "arp" | "bridge")
        && SHARED_TABLES.contains(&table.name.as_str())
}

/// One of the tables that every user of iptables makes, or of their base chains, which change nothing.
fn is_shared_base(entry: &Entry) -> bool {
    match entry {
        Entry::Table(table) => is_shared(table),
        Entry::Chain(chain) => {
            let accepts = chain
                .base
                .as_ref()
                .is_some_and(|base| base.policy == "accept");
            is_shared(&chain.table) && accepts
        }
        _ => false,
    }
}

/// A rule in an own chain, one that leads into an own chain, and one about an own link alone.
fn is_own_rule(rule: &Rule, own: &Own) -> bool {
    let of = |chain: &String| own.chains.contains(&(rule.table.clone(), chain.clone()));
    let words: Vec<&str> = rule
        .text
        .split_whitespace()
        .map(|word| word.trim_matches('"'))
        .collect();
    let is_about = |word: &&str| own.links.contains(*word);
    of(&rule.chain) || rule.target.as_ref().is_some_and(of) || words.iter().any(is_about)
}

#[cfg(test)]
mod tests;
