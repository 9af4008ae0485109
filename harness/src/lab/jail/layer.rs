//! The file system of a jail: the machine's, read-only, with throw-away layers where programs write.
//!
//! Each folder at the top gets a layer of its own over what is there, but for those that hold programs and the kernel's
//! file systems. A layer is an overlay whose upper half is in memory and ends with the jail. Where the kernel has none,
//! the folder is read-only.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::mount::{MsFlags, mount};

use super::super::mounts::{
    Mount, bind, hold, make_private, mount_empty_run, mount_read_only, path_of, read_mounts,
};
use super::groups::Groups;
use super::{Jail, JailOptions, devices, sys};
use crate::lab::{LabError, tree};

/// A daemon that asks a resolver which does not answer waits 10 s for it.
const RESOLVER: &str = "/etc/resolv.conf";
/// Folders at the top without a layer: programs, what starts the machine, and what has mounts of its own here.
const WITHOUT_LAYER: [&str; 13] = [
    "bin",
    "boot",
    "dev",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "lost+found",
    "proc",
    "run",
    "sbin",
    "sys",
    "usr",
];
/// File systems with a layer of their own inside one of these folders, as `/var/tmp` may be. More are seen read-only:
/// an engine at work on the machine has some for each container.
const LAYERS_INSIDE: usize = 16;
/// Where the upper halves are, until the jail's own `/run` hides them.
const STORE: &str = "/run";
/// An overlay: its upper half holds what was written in the jail and nothing else, its lower half is the machine's.
#[derive(Debug)]
pub struct Layer {
    /// Where the layer lies.
    pub at: PathBuf,
    upper: OwnedFd,
    lower: OwnedFd,
    /// When it was laid, in seconds and nanoseconds since 1970. What the lower half has of later the machine itself has changed.
    pub since: (i64, i64),
}

impl Layer {
    /// A layer at `at` of these halves; none if one of them cannot be held.
    pub(in crate::lab) fn of(at: &Path, upper: &Path, lower: OwnedFd) -> Option<Self> {
        let (at, upper) = (at.to_owned(), hold(upper)?);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let since = (
            i64::try_from(now.as_secs()).ok()?,
            now.subsec_nanos().into(),
        );
        Some(Self {
            at,
            upper,
            lower,
            since,
        })
    }

    /// A path by which the calling thread finds the upper half.
    pub fn written(&self) -> PathBuf {
        path_of(&self.upper)
    }

    /// A path by which the calling thread finds the lower half.
    pub fn below(&self) -> PathBuf {
        path_of(&self.lower)
    }
}

/// Makes the calling thread's mount namespace a jail's. Returns its layers.
pub(super) fn mount_all(
    options: &JailOptions<'_>,
    groups: &Groups,
) -> Result<Vec<Layer>, LabError> {
    make_private()?;
    let mounts = read_mounts()?;
    let groups = groups.make(&mounts);
    for one in mounts.iter().filter(|one| !is_replaced(&one.point)) {
        // One that is covered by another cannot be reached, and needs nothing.
        let _ = mount_read_only(&one.point, one.flags);
    }
    let states = &options.state_folders;
    let layers = match options.root {
        // All of it is on one layer.
        Some(root) => tree::enter(root)?.into_iter().collect(),
        None => {
            mount_empty_run()?;
            lay_layers(&mounts, states)?
        }
    };
    devices::mount_own()?;
    sys::mount_own(STORE, &groups);
    mount_empty_run()?;
    let below_run = states.iter().filter(|folder| folder.starts_with("/run/"));
    for folder in [Jail::FOLDER, "/run/netns", Jail::TEMPORARY]
        .iter()
        .chain(below_run)
    {
        fs::create_dir_all(folder).map_err(|e| LabError::system("create", *folder, e))?;
    }
    hide_state(states)?;
    Ok(layers)
}

/// Whether something else is mounted there later.
fn is_replaced(point: &Path) -> bool {
    ["/proc", "/run"].iter().any(|top| point.starts_with(top))
}

fn lay_layers(mounts: &[Mount], states: &[&str]) -> Result<Vec<Layer>, LabError> {
    let listed = fs::read_dir("/").map_err(|e| LabError::system("list", "/", e))?;
    let folders = listed.flatten().filter(|entry| {
        let name = entry.file_name();
        let has_layer = !WITHOUT_LAYER.iter().any(|other| name == *other);
        has_layer && entry.file_type().is_ok_and(|kind| kind.is_dir())
    });
    let (mut number, mut layers) = (0, Vec::new());
    let mut layer = |lower: &Path, at: &Path| -> Result<(), LabError> {
        number += 1;
        layers.extend(lay(lower, at, number)?);
        Ok(())
    };
    for folder in folders.map(|entry| entry.path()) {
        // They are hidden by the layer over the folder, and have to be mounted on it again.
        let inside = mounts
            .iter()
            .filter(|one| one.point != folder && one.point.starts_with(&folder));
        let inside = inside.filter(|one| !states.iter().any(|state| one.point.starts_with(state)));
        let inside: Vec<(&Mount, OwnedFd)> = inside
            .filter_map(|one| Some((one, hold(&one.point)?)))
            .collect();
        layer(&folder, &folder)?;
        for (place, (one, held)) in inside.iter().enumerate() {
            if place < LAYERS_INSIDE && one.point.is_dir() {
                layer(&path_of(held), &one.point)?;
            } else {
                bind(&path_of(held), &one.point);
            }
        }
    }
    Ok(layers)
}

/// Lays a layer over a folder; where there can be none, what is below is seen, read-only.
fn lay(lower: &Path, at: &Path, number: usize) -> Result<Option<Layer>, LabError> {
    let half = |name: &str| PathBuf::from(format!("{STORE}/{number}/{name}"));
    let (upper, work) = (half("upper"), half("work"));
    for half in [&upper, &work] {
        let shown = half.display().to_string();
        fs::create_dir_all(half).map_err(|e| LabError::system("create", shown, e))?;
    }
    // The folder is seen with the attributes of its upper half.
    if let Ok(about) = lower.metadata() {
        let _ = fs::set_permissions(&upper, about.permissions());
    }
    let below = hold(lower);
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.display(),
        upper.display(),
        work.display()
    );
    let kind = Some("overlay");
    let laid = mount(
        Some("goldpath"),
        at,
        kind,
        MsFlags::empty(),
        Some(options.as_str()),
    );
    if laid.is_err() {
        bind(lower, at);
        return Ok(None);
    }
    Ok(below.and_then(|below| Layer::of(at, &upper, below)))
}

fn hide_state(states: &[&str]) -> Result<(), LabError> {
    for folder in states
        .iter()
        .filter(|folder| !folder.starts_with("/run/") && Path::new(folder).is_dir())
    {
        mount(
            Some("goldpath"),
            *folder,
            Some("tmpfs"),
            MsFlags::MS_NOSUID,
            None::<&str>,
        )
        .map_err(|e| LabError::system("mount tmpfs on", *folder, e))?;
    }
    if Path::new(RESOLVER).exists() {
        let empty = "/run/resolv.conf";
        File::create(empty).map_err(|e| LabError::system("create", empty, e))?;
        mount(
            Some(empty),
            RESOLVER,
            None::<&str>,
            MsFlags::MS_BIND,
            None::<&str>,
        )
        .map_err(|e| LabError::system("bind-mount", RESOLVER, e))?;
    }
    Ok(())
}
