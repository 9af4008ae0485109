//! Mounts of this run's own, which hide the machine's state from what runs on them.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;

use super::LabError;

/// What nobody needs of the kernel's own file systems.
pub(super) const PROC_FLAGS: MsFlags = MsFlags::MS_NOSUID
    .union(MsFlags::MS_NODEV)
    .union(MsFlags::MS_NOEXEC);

/// A mount of the calling thread's mount namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where it is.
    pub(super) point: PathBuf,
    /// The type of its file system, as `ext4`.
    pub(super) kind: String,
    /// What has to stay when it is mounted anew: in a user namespace the kernel insists on it.
    pub(super) flags: MsFlags,
}

/// The mounts that the calling thread sees, parents first.
pub(super) fn read_mounts() -> Result<Vec<Mount>, LabError> {
    let path = "/proc/thread-self/mountinfo";
    let text = std::fs::read_to_string(path).map_err(|e| LabError::system("read", path, e))?;
    Ok(text.lines().filter_map(mount_of).collect())
}

/// A line of mountinfo (proc_pid_mountinfo(5)).
fn mount_of(line: &str) -> Option<Mount> {
    let (own, of_system) = line.split_once(" - ")?;
    let fields: Vec<&str> = own.split(' ').collect();
    let [_, _, _, _, point, options, ..] = fields[..] else {
        return None;
    };
    let flags = options.split(',').map(|option| match option {
        "nosuid" => MsFlags::MS_NOSUID,
        "nodev" => MsFlags::MS_NODEV,
        "noexec" => MsFlags::MS_NOEXEC,
        "noatime" => MsFlags::MS_NOATIME,
        "nodiratime" => MsFlags::MS_NODIRATIME,
        "relatime" => MsFlags::MS_RELATIME,
        _ => MsFlags::empty(),
    });
    Some(Mount {
        point: unescaped(point),
        kind: of_system.split(' ').next()?.to_owned(),
        flags: flags.collect(),
    })
}

/// A path of mountinfo, where `\040` is a space.
fn unescaped(path: &str) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, others @ ..] = rest {
        let octal = others.get(..3).filter(|_| *first == b'\\');
        let octal = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &others[3..] } else { others };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// Makes one mount of the calling thread's mount namespace read-only; those below it stay as they are.
pub(super) fn mount_read_only(point: &Path, flags: MsFlags) -> nix::Result<()> {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | flags;
    mount(None::<&str>, point, None::<&str>, flags, None::<&str>)
}

/// A descriptor by which a file is found also when something hides it; none if there is none.
pub(super) fn hold(path: &Path) -> Option<OwnedFd> {
    open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).ok()
}

/// The path of a held file.
pub(super) fn path_of(held: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/thread-self/fd/{}", held.as_raw_fd()))
}

/// Shows something at another place, too, with all mounts below it. What cannot be shown is not there.
pub(super) fn bind(what: &Path, at: &Path) {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    let _ = mount(Some(what), at, None::<&str>, flags, None::<&str>);
}

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
    if renewed && umount2("/proc", MntFlags::MNT_DETACH).is_err() {
        return renewed;
    }
    mount(
        Some("proc"),
        "/proc",
        Some("proc"),
        PROC_FLAGS,
        None::<&str>,
    )
    .is_ok()
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
    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
    let groups = open("/sys/fs/cgroup", flags, Mode::empty()).ok();
    if mount(
        Some("sysfs"),
        "/sys",
        Some("sysfs"),
        PROC_FLAGS,
        None::<&str>,
    )
    .is_ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_read_with_what_has_to_stay() {
        let line = r"36 35 98:0 /mnt1 /mnt\0402 rw,nosuid,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let mount = Mount {
            point: "/mnt 2".into(),
            kind: "ext3".into(),
            flags: MsFlags::MS_NOSUID | MsFlags::MS_NOATIME,
        };
        assert_eq!(mount_of(line), Some(mount));
        assert_eq!(mount_of("no line"), None);
    }
}
