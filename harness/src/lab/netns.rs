//! Anonymous network namespaces, held by file descriptors, and the mounts that a worker thread keeps to itself.
//!
//! A held descriptor leaves nothing behind, also after SIGKILL. `setns` moves one thread, so nothing here may be used on
//! an async runtime's threads.

use std::fs::File;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::fstat;
use rustix::fs::CWD;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use super::LabError;
use crate::netlink::RouteSocket;

/// The calling thread's network namespace. `/proc/self/ns/net` would be the main thread's.
const OWN: &str = "/proc/thread-self/ns/net";
/// Where `ip` looks for namespaces by name.
const NAMES: &str = "/run/netns";

/// A network namespace that lives as long as this value.
#[derive(Debug)]
pub struct Netns {
    fd: OwnedFd,
}

impl Netns {
    /// Makes a new, empty namespace; the calling thread stays where it is.
    pub fn create() -> Result<Self, LabError> {
        let mut made = Self::create_many(1)?;
        made.pop()
            .ok_or_else(|| LabError::Specification("no namespace was made".into()))
    }

    /// Makes `count` new, empty namespaces, with one way back at the end instead of one for each.
    pub fn create_many(count: usize) -> Result<Vec<Self>, LabError> {
        let _back = NetnsGuard {
            previous: open_own()?,
            _thread: PhantomData,
        };
        (0..count)
            .map(|_| {
                unshare(CloneFlags::CLONE_NEWNET)
                    .map_err(|e| LabError::system("unshare", "network namespace", e))?;
                Ok(Self { fd: open_own()? })
            })
            .collect()
    }

    /// The calling thread's namespace.
    pub fn current() -> Result<Self, LabError> {
        Ok(Self { fd: open_own()? })
    }

    /// The namespace that a path names, as `/proc/PID/ns/net` of a container's first process.
    pub fn open(path: &Path) -> Result<Self, LabError> {
        let file = File::open(path)
            .map_err(|e| LabError::system("open", path.display().to_string(), e))?;
        Ok(Self { fd: file.into() })
    }

    /// A second descriptor of the same namespace.
    pub fn try_clone(&self) -> Result<Self, LabError> {
        let fd = self
            .fd
            .try_clone()
            .map_err(|e| LabError::system("duplicate", "network namespace", e))?;
        Ok(Self { fd })
    }

    /// Moves the calling thread here until the guard is dropped.
    pub fn enter(&self) -> Result<NetnsGuard, LabError> {
        let guard = NetnsGuard {
            previous: open_own()?,
            _thread: PhantomData,
        };
        setns(&self.fd, CloneFlags::CLONE_NEWNET)
            .map_err(|e| LabError::system("setns", "network namespace", e))?;
        Ok(guard)
    }

    /// Runs `inside` with the calling thread in this namespace.
    pub fn run<T>(&self, inside: impl FnOnce() -> T) -> Result<T, LabError> {
        let _guard = self.enter()?;
        Ok(inside())
    }

    /// Opens a route socket here for `node`, and joins the multicast `groups` (`RTNLGRP_*`).
    pub(crate) fn route_socket(&self, node: &str, groups: &[u32]) -> Result<RouteSocket, LabError> {
        self.run(|| RouteSocket::open(node, groups))?
            .map_err(|e| LabError::system("open netlink socket in", node, e))
    }

    /// The inode that names this namespace in `ls -l /proc/PID/ns/net`.
    pub fn inode(&self) -> Result<u64, LabError> {
        Ok(fstat(&self.fd)
            .map_err(|e| LabError::system("stat", "network namespace", e))?
            .st_ino)
    }

    /// A path that names this namespace to child processes for as long as this value lives.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            self.fd.as_raw_fd()
        ))
    }

    /// Bind-mounts the namespace at `/run/netns/NAME` of the calling thread's mount namespace, so that
    /// `ip link set X netns NAME` works as written, unless that is there. Call [`privatise_thread_mounts`] on this thread first.
    pub(super) fn bind_name(&self, name: &str) -> Result<(), LabError> {
        let target = Path::new(NAMES).join(name);
        if target.exists() {
            return Ok(());
        }
        std::fs::create_dir_all(NAMES).map_err(|e| LabError::system("create", NAMES, e))?;
        File::create(&target)
            .map_err(|e| LabError::system("create", target.display().to_string(), e))?;
        // By the descriptor: a thread in a jail is not in the jail's /proc.
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::AT_EMPTY_PATH;
        open_tree(&self.fd, "", flags)
            .and_then(|tree| {
                let empty = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
                move_mount(tree, "", CWD, &target, empty)
            })
            .map_err(|e| LabError::system("bind-mount", target.display().to_string(), e))
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Brings the calling thread back to the namespace that it came from.
#[must_use = "the thread leaves the namespace when this is dropped"]
#[derive(Debug)]
pub struct NetnsGuard {
    previous: OwnedFd,
    // A guard dropped on another thread would move that one.
    _thread: PhantomData<*const ()>,
}

impl Drop for NetnsGuard {
    fn drop(&mut self) {
        if setns(&self.previous, CloneFlags::CLONE_NEWNET).is_err() {
            // A thread lost in the wrong namespace would configure, and send from, a network that isn't its own.
            std::process::abort();
        }
    }
}

fn open_own() -> Result<OwnedFd, LabError> {
    Ok(File::open(OWN)
        .map_err(|e| LabError::system("open", OWN, e))?
        .into())
}
