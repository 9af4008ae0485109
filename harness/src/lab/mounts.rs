//! Mounts of this run's own, which hide the machine's state from what runs on them.

use std::os::fd::AsRawFd;

use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;

use super::LabError;

/// Gives the calling thread a mount namespace of its own with an empty `/run`: two labs at work at the same time share
/// neither `/run/xtables.lock` (iptables-legacy) nor `/run/netns`.
pub fn privatise_thread_mounts() -> Result<(), LabError> {
    unshare(CloneFlags::CLONE_FS | CloneFlags::CLONE_NEWNS)
        .map_err(|e| LabError::system("unshare", "mount namespace", e))?;
    make_private()?;
    mount_empty_run()
}

/// Puts another procfs on `/proc` of the calling thread's mount namespace, in place of the one from the call before.
///
/// All namespaces that were asked for a setting through one procfs share a chain of its name cache: with 1,800 of them
/// alive each path below `/proc/sys/net` takes 100 µs. Every mount has a cache of its own.
///
/// Best effort: a container may hide parts of /proc, and then the kernel refuses a whole one. The old one works too.
/// `renewed` says whether the call before put one there, and what this returns is for the next.
pub fn renew_thread_proc(renewed: bool) -> bool {
    let careful = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    if renewed && umount2("/proc", MntFlags::MNT_DETACH).is_err() {
        return renewed;
    }
    mount(Some("proc"), "/proc", Some("proc"), careful, None::<&str>).is_ok()
}

/// Mounts an empty tmpfs on `/run` of the calling thread's mount namespace.
pub(super) fn mount_empty_run() -> Result<(), LabError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(
        Some("goldpath"),
        "/run",
        Some("tmpfs"),
        flags,
        Some("mode=755"),
    )
    .map_err(|e| LabError::system("mount tmpfs on", "/run", e))
}

/// Keeps what is mounted from here on in the calling thread's mount namespace.
pub(super) fn make_private() -> Result<(), LabError> {
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
        .map_err(|e| LabError::system("make private", "/", e))
}

/// Mounts a sysfs of the calling thread's network namespace: one shows the namespace that it was mounted in, and
/// programs look for bridges there. The cgroups below stay those of before.
///
/// Best effort: inside a container the kernel may refuse it.
pub(super) fn mount_own_sysfs() {
    let careful = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
    let groups = open("/sys/fs/cgroup", flags, Mode::empty()).ok();
    if mount(Some("sysfs"), "/sys", Some("sysfs"), careful, None::<&str>).is_ok()
        && let Some(groups) = groups
    {
        let old = format!("/proc/thread-self/fd/{}", groups.as_raw_fd());
        let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
        let _ = mount(
            Some(old.as_str()),
            "/sys/fs/cgroup",
            None::<&str>,
            bind,
            None::<&str>,
        );
    }
}
