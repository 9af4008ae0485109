//! The devices of a jail: those that are nobody's, with terminals and shared memory of its own.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::mount::{MsFlags, mount};

use super::super::mounts::{bind, hold, path_of};
use crate::lab::LabError;

/// Devices that a container gets, too (OCI runtime specification, "Default Devices"), and those of tunnels and FUSE.
const DEVICES: [&str; 8] = [
    "null", "zero", "full", "random", "urandom", "tty", "net/tun", "fuse",
];
/// What is linked from /dev (the same, "Dev symbolic links").
const DEVICE_LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// Mounts another `/dev` in place of the calling thread's mount namespace's.
pub(super) fn mount_own() -> Result<(), LabError> {
    let devices = DEVICES.map(|name| hold(&Path::new("/dev").join(name)));
    let failed = |operation, name: &str| {
        let path = format!("/dev/{name}");
        move |source: std::io::Error| LabError::system(operation, path, source)
    };
    let tmpfs = |at: &str, options| {
        let flags = MsFlags::MS_NOSUID;
        mount(Some("goldpath"), at, Some("tmpfs"), flags, Some(options))
            .map_err(|e| LabError::system("mount tmpfs on", at, e))
    };
    tmpfs("/dev", "mode=755")?;
    for folder in ["net", "pts", "shm", "mqueue"] {
        fs::create_dir(Path::new("/dev").join(folder)).map_err(failed("create", folder))?;
    }
    for (name, device) in DEVICES.iter().zip(devices) {
        if let Some(device) = device {
            let path = Path::new("/dev").join(name);
            File::create(&path).map_err(failed("create", name))?;
            bind(&path_of(&device), &path);
        }
    }
    for (name, target) in DEVICE_LINKS {
        symlink(target, Path::new("/dev").join(name)).map_err(failed("link", name))?;
    }
    tmpfs("/dev/shm", "mode=1777")?;
    // Best effort: nothing of a network needs them, and a container's kernel may refuse.
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    for (kind, at, options) in [
        (
            "devpts",
            "/dev/pts",
            Some("newinstance,ptmxmode=0666,mode=0620"),
        ),
        ("mqueue", "/dev/mqueue", None),
    ] {
        let _ = mount(Some(kind), at, Some(kind), flags, options);
    }
    Ok(())
}
