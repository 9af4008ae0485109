//! Files that an implementation could have written on the jail's file systems in memory, and what it has mounted. What it wrote
//! over the machine's files is on layers (`written.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::sys::stat::makedev;

use super::LedgerDifference;
use super::entry::{Entry, File, Mount};

/// Where programs write what they have to remember, and what others shall read.
const ROOTS: [&str; 6] = [
    "/run",
    "/etc",
    "/dev/shm",
    "/var/lib",
    "/var/cache",
    "/var/tmp",
];
/// What is written there tells of what has been.
const LOGS: &str = "/var/log";
/// The mounts of the jail's first process, which are the jail's. Who enters a jail is no process of its own there
/// (`man 7 pid_namespaces`), so that `/proc/self` leads nowhere.
const MOUNTS: &str = "/proc/1/mountinfo";
/// What the jail's own file systems are mounted from. On another one the whole machine writes, so that nobody could tell
/// whose a file is.
const SOURCE: &str = "goldpath";

/// Longest text in bytes that is read: settings are far shorter.
const TEXT_LIMIT: u64 = 1024 * 1024;

/// Files and folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) files: Vec<File>,
    pub(super) folders: BTreeSet<String>,
}

impl Found {
    pub(super) fn add_file(&mut self, path: &Path, about: &fs::Metadata) {
        self.files.push(File {
            path: path.display().to_string(),
            length: about.len(),
            // Whoever writes cannot set this time.
            written: (about.ctime(), about.ctime_nsec()),
            mode: about.mode(),
            owner: (about.uid(), about.gid()),
        });
    }

    /// Adds a folder for its own sake.
    pub(super) fn add_folder(&mut self, path: &Path, about: &fs::Metadata) {
        self.files.push(File {
            path: format!("{}/", path.display()),
            length: 0,
            written: (0, 0),
            mode: about.mode(),
            owner: (about.uid(), about.gid()),
        });
    }

    /// Adds what is at `real` as if it were at `shown`, with everything below it, but for what is not `is_own` and all below that.
    pub(super) fn add_all(
        &mut self,
        real: &Path,
        shown: &Path,
        is_own: &impl Fn(&fs::Metadata) -> bool,
    ) {
        // Of what goes away meanwhile nothing is left.
        let Ok(about) = real.symlink_metadata() else {
            return;
        };
        if !is_own(&about) {
            return;
        }
        if !about.is_dir() {
            return self.add_file(shown, &about);
        }
        // A file system may lie in one that was read.
        if !self.folders.insert(shown.display().to_string()) {
            return;
        }
        let mut is_empty = true;
        for entry in fs::read_dir(real).into_iter().flatten().flatten() {
            is_empty = false;
            self.add_all(&entry.path(), &shown.join(entry.file_name()), is_own);
        }
        if is_empty {
            self.add_folder(shown, &about);
        }
    }
}

/// Whether what is written at a path is read.
pub(super) fn is_read(path: &Path) -> bool {
    !path.starts_with(LOGS)
}

/// What is on the jail's file systems in memory, as the calling thread sees them, and every mount.
///
/// # Errors
/// The jail's mounts cannot be read.
pub(super) fn read() -> io::Result<(Found, Vec<Mount>)> {
    let mut found = Found::default();
    let text = fs::read_to_string(MOUNTS)?;
    let all = text.lines().filter_map(any_mount).collect();
    let mounts: Vec<_> = text.lines().filter_map(own_mount).collect();
    let devices: BTreeSet<u64> = mounts.iter().map(|(_, device)| *device).collect();
    let is_own = |about: &fs::Metadata| devices.contains(&about.dev());
    for (point, _) in &mounts {
        let point = Path::new(point);
        if ROOTS.iter().any(|root| point.starts_with(root)) {
            found.add_all(point, point, &is_own);
        }
    }
    Ok((found, all))
}

/// Any mount, with its path as the kernel writes it, where `\040` is a space.
fn any_mount(line: &str) -> Option<Mount> {
    let (mount, file_system) = line.split_once(" - ")?;
    Some(Mount {
        point: mount.split_whitespace().nth(4)?.to_owned(),
        kind: file_system.split_whitespace().next()?.to_owned(),
    })
}

/// Where a file system of the jail is mounted that is no layer, and its device:
/// `36 35 0:44 / /run rw - tmpfs goldpath rw` (`man 5 proc_pid_mountinfo`).
fn own_mount(line: &str) -> Option<(&str, u64)> {
    let (mount, file_system) = line.split_once(" - ")?;
    let mut words = mount.split_whitespace().skip(2);
    let (major, minor) = words.next()?.split_once(':')?;
    let point = words.nth(1)?;
    let mut words = file_system.split_whitespace();
    let is_layer = words.next()? == "overlay";
    let is_own = !is_layer && words.next()? == SOURCE;
    is_own.then_some((point, makedev(major.parse().ok()?, minor.parse().ok()?)))
}

/// The texts of the files among these differences, and where symbolic links lead to, by path. What holds a byte of 0 is no text.
pub fn read_texts(differences: &[LedgerDifference]) -> BTreeMap<String, String> {
    let files = differences.iter().filter_map(|one| match &one.entry {
        Entry::File(file) if file.length <= TEXT_LIMIT => Some(&file.path),
        _ => None,
    });
    let text = |path: &String| {
        let kind = Path::new(path).symlink_metadata().ok()?.file_type();
        let bytes = if kind.is_symlink() {
            fs::read_link(path).ok()?.into_os_string().into_vec()
        } else if kind.is_file() {
            fs::read(path).ok()?
        } else {
            return None;
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (!text.contains('\0')).then(|| (path.clone(), text))
    };
    files.filter_map(text).collect()
}
