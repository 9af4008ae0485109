//! The root that the run was started with becomes the root of its mount namespace.
//!
//! Who enters a mount namespace gets the namespace's root. In a chroot that is the machine's, and programs of the jail of
//! an implementation would be the machine's, too, and work on its files.

use std::env::current_dir;
use std::fs::{File, read_dir};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns};
use nix::unistd::{chdir, fchdir, pivot_root};
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use super::SandboxError;

/// Makes `/` the root of the calling process's mount namespace, which is its own, if it is another.
pub(super) fn hold_root() -> Result<(), SandboxError> {
    let failed = |operation| move |e: std::io::Error| SandboxError::system(operation, e);
    let before = root().map_err(failed("look at /"))?;
    let folder = File::open(".").map_err(failed("open the working directory"))?;
    let path = current_dir().ok();
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    // Outside a chroot it is not needed, and a kernel that refuses it is no obstacle.
    let tree = open_tree(CWD, "/", flags | OpenTreeFlags::AT_RECURSIVE);
    let own = File::open("/proc/self/ns/mnt").map_err(failed("open the mount namespace"))?;
    setns(own, CloneFlags::CLONE_NEWNS)
        .map_err(|e| SandboxError::system("enter the own mount namespace", e))?;
    if root().map_err(failed("look at the namespace's /"))? == before {
        return fchdir(folder)
            .map_err(|e| SandboxError::system("return to the working directory", e));
    }
    let tree = tree.map_err(|e| SandboxError::system("copy the mounts of the chroot", e))?;
    // Any folder will do: it is a place for a moment, in a namespace that nobody else sees.
    let mut entries = read_dir("/")
        .map_err(failed("list the namespace's /"))?
        .flatten();
    let place = entries.find(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let place = place.ok_or(SandboxError::Orphaned)?.path();
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    let nothing = None::<&str>;
    mount(nothing, "/", nothing, private, nothing)
        .map_err(|e| SandboxError::system("make mounts private", e))?;
    move_mount(
        tree,
        "",
        CWD,
        &place,
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )
    .map_err(|e| SandboxError::system("mount the chroot", e))?;
    mount(nothing, &place, nothing, private, nothing)
        .map_err(|e| SandboxError::system("make the chroot's mounts private", e))?;
    // The old root ends up on the new one (pivot_root(2), "pivot_root(".", ".")").
    chdir(&place)
        .and_then(|()| pivot_root(".", "."))
        .and_then(|()| umount2(".", MntFlags::MNT_DETACH))
        .and_then(|()| chdir(path.as_deref().unwrap_or("/".as_ref())))
        .map_err(|e| SandboxError::system("make the chroot the root of its mount namespace", e))
}

/// What `/` is: mount, device and inode.
fn root() -> std::io::Result<(u64, u32, u32, u64)> {
    let stat = statx(
        CWD,
        "/",
        AtFlags::empty(),
        StatxFlags::INO | StatxFlags::MNT_ID,
    )?;
    Ok((
        stat.stx_mnt_id,
        stat.stx_dev_major,
        stat.stx_dev_minor,
        stat.stx_ino,
    ))
}
