//! Where an implementation under test runs: the lab's host namespace, and mounts that hide the machine's state.
//!
//! Everything that it writes below `/run` and its usual state folders is on file systems of this room alone, and gone
//! with it.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};

use super::mounts::{make_private, mount_empty_run, mount_own_sysfs};
use super::{LabError, Netns, tree};

/// A daemon that asks a resolver which does not answer waits 10 s for it.
const RESOLVER: &str = "/etc/resolv.conf";

/// A mount namespace together with the lab's host namespace.
#[derive(Debug)]
pub struct Room {
    mounts: OwnedFd,
    host: Netns,
    state_folders: Vec<&'static str>,
}

/// What a room is furnished with.
#[derive(Debug, Clone, Default)]
pub struct Furniture<'a> {
    /// A tree of another system to be the root; the machine's own if none.
    pub root: Option<&'a Path>,
    /// Folders with state that is the machine's, not the lab's: leases, containers, images. The room has empty ones.
    pub state_folders: Vec<&'static str>,
}

impl Room {
    /// A folder of the room that its programs may write to; nobody else sees it.
    pub const FOLDER: &'static str = "/run/goldpath";

    /// Folders in which implementations keep their state.
    pub fn state_folders(&self) -> impl Iterator<Item = &'static str> {
        let all = self.state_folders.iter().copied();
        all.chain([Self::FOLDER])
    }

    /// Furnishes a room in `host`, in which `named` namespaces are at `/run/netns/NAME`.
    pub fn furnish<'a>(
        host: &Netns,
        furniture: &Furniture<'_>,
        named: impl IntoIterator<Item = (&'a str, &'a Netns)>,
    ) -> Result<Self, LabError> {
        let named: Vec<(&str, &Netns)> = named.into_iter().collect();
        let made = thread::scope(|scope| {
            scope
                .spawn(|| -> Result<OwnedFd, LabError> {
                    unshare(CloneFlags::CLONE_FS | CloneFlags::CLONE_NEWNS)
                        .map_err(|e| LabError::system("unshare", "mount namespace", e))?;
                    setns(host, CloneFlags::CLONE_NEWNET)
                        .map_err(|e| LabError::system("setns", "host", e))?;
                    mount_own(furniture)?;
                    for (name, netns) in &named {
                        netns.bind_name(name)?;
                    }
                    let own = "/proc/thread-self/ns/mnt";
                    Ok(File::open(own)
                        .map_err(|e| LabError::system("open", own, e))?
                        .into())
                })
                .join()
        });
        let mounts = made.map_err(|_| panicked())??;
        Ok(Self {
            mounts,
            host: host.try_clone()?,
            state_folders: furniture.state_folders.clone(),
        })
    }

    /// Runs `inside` in the room, on a thread of its own: what it starts stays there.
    pub fn run<T: Send>(&self, inside: impl FnOnce() -> T + Send) -> Result<T, LabError> {
        let ran = thread::scope(|scope| {
            scope
                .spawn(|| {
                    // Its own root and working directory: only such a thread may change its mount namespace.
                    unshare(CloneFlags::CLONE_FS)
                        .map_err(|e| LabError::system("unshare", "file system", e))?;
                    setns(&self.mounts, CloneFlags::CLONE_NEWNS)
                        .map_err(|e| LabError::system("setns", "mount namespace", e))?;
                    setns(&self.host, CloneFlags::CLONE_NEWNET)
                        .map_err(|e| LabError::system("setns", "host", e))?;
                    Ok(inside())
                })
                .join()
        });
        ran.map_err(|_| panicked())?
    }
}

fn panicked() -> LabError {
    LabError::Specification("a thread in the room of an implementation panicked".into())
}

fn mount_own(furniture: &Furniture<'_>) -> Result<(), LabError> {
    make_private()?;
    if let Some(root) = furniture.root {
        tree::enter(root)?;
    }
    mount_empty_run()?;
    let (below_run, others): (Vec<&str>, Vec<&str>) = furniture
        .state_folders
        .iter()
        .partition(|folder| folder.starts_with("/run/"));
    for folder in [Room::FOLDER, "/run/netns", "/run/tmp"]
        .iter()
        .chain(&below_run)
    {
        std::fs::create_dir_all(folder).map_err(|e| LabError::system("create", *folder, e))?;
    }
    for folder in others.iter().filter(|folder| Path::new(folder).is_dir()) {
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
    mount_own_sysfs();
    Ok(())
}
