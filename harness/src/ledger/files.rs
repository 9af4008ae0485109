//! Files that an implementation could have written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::sys::stat::makedev;

use super::LedgerDifference;
use super::entry::{Entry, File};
use crate::lab::Layer;

/// Where programs write what they have to remember, and what others shall read.
const ROOTS: [&str; 6] = [
    "/run",
    "/etc",
    "/dev/shm",
    "/var/lib",
    "/var/cache",
    "/var/tmp",
];
/// Where nobody has to write, and where so much may lie that only what was written in the jail is looked at.
const OTHERS: [&str; 4] = ["/tmp", "/root", "/home", "/srv"];
/// The mounts of the jail's first process, which are the jail's. Who enters a jail is no process of its own there
/// (`man 7 pid_namespaces`), so that `/proc/self` leads nowhere.
const MOUNTS: &str = "/proc/1/mountinfo";
/// What the jail's own file systems are mounted from. On another one the whole machine writes, so that nobody could tell
/// whose a file is.
const SOURCE: &str = "goldpath";

/// Settings are shorter; what is longer is some data base, and no text.
const TEXT_LIMIT: u64 = 64 * 1024;

/// Files, and the folders that there are.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<File>,
    pub(super) folders: BTreeSet<String>,
}

/// All of them on the jail's own file systems, sorted, as the calling thread sees them.
///
/// # Errors
/// The jail's mounts cannot be read.
pub(super) fn read() -> io::Result<Found> {
    let mut found = Found::default();
    let mounts = fs::read_to_string(MOUNTS)?;
    let own: BTreeSet<u64> = mounts.lines().filter_map(own_device).collect();
    for root in ROOTS {
        // Links as /var/run lead to where it is looked anyway.
        if Path::new(root)
            .symlink_metadata()
            .is_ok_and(|one| one.is_dir())
        {
            add(Path::new(root), &own, &mut found);
        }
    }
    found.files.sort();
    Ok(found)
}

/// The device of a file system of the jail: `36 35 0:44 / /run rw - tmpfs goldpath rw` (`man 5 proc_pid_mountinfo`).
fn own_device(line: &str) -> Option<u64> {
    let (mount, file_system) = line.split_once(" - ")?;
    let (major, minor) = mount.split_whitespace().nth(2)?.split_once(':')?;
    let is_own = file_system.split_whitespace().nth(1) == Some(SOURCE);
    is_own.then_some(makedev(major.parse().ok()?, minor.parse().ok()?))
}

/// What was written elsewhere, and the folders there that are new.
pub(super) fn read_written(layers: &[Layer]) -> Found {
    let mut found = Found::default();
    for layer in layers {
        if OTHERS.iter().any(|other| layer.at.starts_with(other)) {
            found.folders.insert(layer.at.display().to_string());
            add_written(&layer.written(), &layer.at, &mut found);
        }
    }
    found.files.sort();
    found
}

/// Files below a folder of a layer's upper half, which is seen at `at`.
fn add_written(folder: &Path, at: &Path, found: &mut Found) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, shown) = (entry.path(), at.join(entry.file_name()));
        let Ok(about) = entry.metadata() else {
            continue;
        };
        let is_empty = || fs::read_dir(&path).is_ok_and(|mut inside| inside.next().is_none());
        // Of a folder that was there before the upper half has another one, with what is new in it.
        if about.is_dir() && (!is_empty() || shown.is_dir()) {
            add_written(&path, &shown, found);
        } else if about.is_dir() {
            found.files.push(File {
                path: format!("{}/", shown.display()),
                length: 0,
                written: (0, 0),
            });
        } else if about.is_file() || about.is_symlink() {
            // What was taken away stands there as a device.
            found.files.push(File {
                path: shown.display().to_string(),
                length: about.len(),
                written: (about.mtime(), about.mtime_nsec()),
            });
        }
    }
}

fn add(folder: &Path, own: &BTreeSet<u64>, found: &mut Found) {
    let is_own = |about: &fs::Metadata| own.contains(&about.dev());
    let is_own_folder = folder.metadata().is_ok_and(|about| is_own(&about));
    found.folders.insert(folder.display().to_string());
    let mut is_empty = true;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        is_empty = false;
        // Of what goes away meanwhile nothing is left.
        let Ok(about) = entry.metadata() else {
            continue;
        };
        if about.is_dir() {
            add(&entry.path(), own, found);
        } else if is_own(&about) {
            found.files.push(File {
                path: entry.path().display().to_string(),
                length: about.len(),
                written: (about.mtime(), about.mtime_nsec()),
            });
        }
    }
    if is_empty && is_own_folder {
        found.files.push(File {
            path: format!("{}/", folder.display()),
            length: 0,
            written: (0, 0),
        });
    }
}

/// The texts of the files among these differences, as far as they are texts, by path.
pub fn read_texts(differences: &[LedgerDifference]) -> BTreeMap<String, String> {
    let files = differences.iter().filter_map(|one| match &one.entry {
        Entry::File(file) if (1..=TEXT_LIMIT).contains(&file.length) => Some(&file.path),
        _ => None,
    });
    let is_file = |path: &&String| {
        Path::new(path)
            .symlink_metadata()
            .is_ok_and(|one| one.is_file())
    };
    let text = |path: &String| Some((path.clone(), fs::read_to_string(path).ok()?));
    let texts = files.filter(is_file).filter_map(text);
    texts.filter(|(_, text)| !text.contains('\0')).collect()
}
