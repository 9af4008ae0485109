//! Differences as lines of a report: what comes by the hundred is one line.

use std::collections::BTreeMap;

use super::entry::{Entry, EntryKind, File};
use super::standing::Standing;
use super::words::{printable, what_changed};
use super::{EntryChange, LedgerDifference};
use crate::finding::{Leftover, LeftoverChange, What};

/// Folders of a path that are enough to tell whose file it is: `/run/goldpath/data`.
const TOLD_FOLDERS: usize = 3;
/// Leftover files of one folder that are told each by itself.
const TOLD_FILES: usize = 16;

/// What is wrong, and what is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Each leftover.
    pub leftovers: Vec<What>,
    /// Each thing that is kept, or several.
    pub kept: Vec<What>,
}

/// Words each difference. The settings of a link that came or went are told with the link, and files that are kept for
/// one reason, or many that are left for one, with their folder.
pub fn fold(differences: &[LedgerDifference], standings: &[Standing]) -> Told {
    let mut told = Told::default();
    let mut files: BTreeMap<(String, &str), Vec<&str>> = BTreeMap::new();
    let links = links(differences);
    let mut crowds = crowds(differences, standings);
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
                let parts: Vec<&str> = folder_of(&file.path)
                    .split('/')
                    .take(TOLD_FOLDERS + 1)
                    .collect();
                files
                    .entry((parts.join("/"), why))
                    .or_default()
                    .push(&file.path);
            }
            (Standing::Kept(why), _) => told
                .kept
                .push(kept(why, leftover(difference, &entry.to_string()))),
            (Standing::Leftover(why), Entry::File(file))
                if crowds.contains_key(&crowd(file, difference, why)) =>
            {
                // The first one is told for all.
                let count = crowds.insert(crowd(file, difference, why), 0);
                if let Some(count @ 1..) = count {
                    let folder = printable(folder_of(&file.path));
                    told.leftovers.push(What::Leftover(Leftover {
                        change: change(difference),
                        kind: EntryKind::File.as_str().to_owned(),
                        entry: format!("{count} files of {folder}: {why}"),
                    }));
                }
            }
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

/// Files that are told together: by their folder, what became of them, and why that is wrong.
type Crowd<'a> = (&'a str, LeftoverChange, &'a str);

fn crowd<'a>(file: &'a File, difference: &LedgerDifference, why: &'a str) -> Crowd<'a> {
    (folder_of(&file.path), change(difference), why)
}

/// How many there are of those that are many.
fn crowds<'a>(
    differences: &'a [LedgerDifference],
    standings: &'a [Standing],
) -> BTreeMap<Crowd<'a>, usize> {
    let mut crowds = BTreeMap::new();
    for (difference, standing) in differences.iter().zip(standings) {
        if let (Standing::Leftover(why), Entry::File(file)) = (standing, &difference.entry) {
            *crowds.entry(crowd(file, difference, why)).or_default() += 1;
        }
    }
    crowds.retain(|_, count| *count > TOLD_FILES);
    crowds
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn change(difference: &LedgerDifference) -> LeftoverChange {
    match &difference.change {
        EntryChange::Added => LeftoverChange::Added,
        EntryChange::Removed => LeftoverChange::Removed,
        EntryChange::Moved => LeftoverChange::Moved,
        EntryChange::Changed(_) => LeftoverChange::Changed,
    }
}

fn leftover(difference: &LedgerDifference, entry: &str) -> Leftover {
    let before = match (&difference.change, &difference.entry) {
        (EntryChange::Changed(before), now) => match (&**before, now) {
            (Entry::File(before), Entry::File(now)) => format!(", {}", what_changed(before, now)),
            (before, _) => format!(", was {before}"),
        },
        _ => String::new(),
    };
    Leftover {
        change: change(difference),
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
