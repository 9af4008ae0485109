//! Differences as lines of a report: what comes by the hundred is one line.

use std::collections::BTreeMap;

use super::entry::{Entry, EntryKind};
use super::standing::Standing;
use super::words::{printable, what_changed};
use super::{EntryChange, LedgerDifference};
use crate::finding::{Leftover, LeftoverChange, What};

/// Folders of a path that are enough to tell whose file it is: `/run/goldpath/data`.
const TOLD_FOLDERS: usize = 3;

/// What is wrong, and what is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Each leftover.
    pub leftovers: Vec<What>,
    /// Each thing that is kept, or several.
    pub kept: Vec<What>,
}

/// Words each difference. The settings of a link that came or went are told with the link, and files that are kept for
/// one reason with their folder.
pub fn fold(differences: &[LedgerDifference], standings: &[Standing]) -> Told {
    let mut told = Told::default();
    let mut files: BTreeMap<(String, &str), Vec<&str>> = BTreeMap::new();
    let links = links(differences);
    for (difference, standing) in differences.iter().zip(standings) {
        let entry = &difference.entry;
        let link = entry
            .hangs_on()
            .filter(|_| entry.kind() == EntryKind::Sysctl);
        if link.is_some_and(|link| links.get(link) == Some(&difference.change)) {
            continue;
        }
        match (standing, entry) {
            (Standing::Kept(why), Entry::File(file)) => {
                let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                let parts: Vec<&str> = folder.split('/').take(TOLD_FOLDERS + 1).collect();
                files
                    .entry((parts.join("/"), why))
                    .or_default()
                    .push(&file.path);
            }
            (Standing::Kept(why), _) => told
                .kept
                .push(kept(why, leftover(difference, &entry.to_string()))),
            (Standing::Leftover(why), _) => {
                let settings = match entry {
                    Entry::Link(link) => settings_of(&link.name, difference, differences),
                    _ => String::new(),
                };
                let text = format!("{entry}{settings}: {why}");
                told.leftovers
                    .push(What::Leftover(leftover(difference, &text)));
            }
        }
    }
    let files = files.into_iter().map(|((folder, why), paths)| {
        let entry = match paths[..] {
            [path] => printable(path),
            _ => format!("{} files of {}", paths.len(), printable(&folder)),
        };
        let (change, kind) = (LeftoverChange::Added, EntryKind::File.as_str().to_owned());
        kept(
            why,
            Leftover {
                change,
                kind,
                entry,
            },
        )
    });
    told.kept.extend(files);
    told
}

fn kept(why: &str, left: Leftover) -> What {
    What::Kept {
        source: why.to_owned(),
        left,
    }
}

fn leftover(difference: &LedgerDifference, entry: &str) -> Leftover {
    let (change, before) = match &difference.change {
        EntryChange::Added => (LeftoverChange::Added, String::new()),
        EntryChange::Removed => (LeftoverChange::Removed, String::new()),
        EntryChange::Moved => (LeftoverChange::Moved, String::new()),
        EntryChange::Changed(before) => {
            let before = match (&**before, &difference.entry) {
                (Entry::File(before), Entry::File(now)) => what_changed(before, now),
                (before, _) => format!("was {before}"),
            };
            (LeftoverChange::Changed, format!(", {before}"))
        }
    };
    Leftover {
        change,
        kind: difference.entry.kind().as_str().to_owned(),
        entry: format!("{entry}{before}"),
    }
}

/// Links that came or went.
fn links(differences: &[LedgerDifference]) -> BTreeMap<&str, EntryChange> {
    let links = differences.iter().filter_map(|one| match &one.entry {
        Entry::Link(link) => Some((link.name.as_str(), one.change.clone())),
        _ => None,
    });
    links
        .filter(|(_, change)| matches!(change, EntryChange::Added | EntryChange::Removed))
        .collect()
}

fn settings_of(link: &str, difference: &LedgerDifference, all: &[LedgerDifference]) -> String {
    let of_it = all.iter().filter(|one| {
        one.entry.kind() == EntryKind::Sysctl
            && one.entry.hangs_on() == Some(link)
            && one.change == difference.change
    });
    match of_it.count() {
        0 => String::new(),
        count => format!(", with its {count} settings"),
    }
}
