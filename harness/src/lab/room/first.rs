//! The first process of a room: it shows the room's processes in `/proc`, reaps orphans, and is what the room lives by.

use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use super::super::mounts::{PROC_FLAGS, mount_read_only};
use crate::lab::LabError;

/// Tells the process who it is.
const MARKER: &str = "GOLDPATH_ROOM";

/// What belongs to the machine's kernel below `/proc`, as container runtimes have it (OCI runtime specification,
/// "Readonly Paths", with the values of Docker and Podman). `/proc/sys/net` is the network namespace's.
const READ_ONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];
const SETTINGS: &str = "/proc/sys/net";

/// Starts it as a child of the calling thread, which has left the namespaces that the room is not to have.
pub(super) fn start() -> Result<Child, LabError> {
    Command::new("/proc/self/exe")
        .arg0("goldpath-room")
        .env_clear()
        .env(MARKER, "1")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|e| LabError::system("start", "a room's first process", e))
}

/// Waits until it has done its part.
pub(super) fn wait_until_ready(first: &mut Child) -> Result<(), LabError> {
    let mut said = String::new();
    let read = first
        .stdout
        .take()
        .map(|mut out| out.read_to_string(&mut said));
    match read {
        Some(Ok(_)) if said == READY => Ok(()),
        Some(Err(e)) => Err(LabError::system("wait for", "a room's first process", e)),
        Some(Ok(_)) | None => Err(LabError::Specification(format!(
            "a room's first process: {}",
            said.trim()
        ))),
    }
}

const READY: &str = "ready";

/// Is the first process of a room, if this process was started as one; ends never.
pub(crate) fn attend() -> Option<ExitCode> {
    // An inherited marker proves nothing: a first process is nobody's child here.
    if std::env::var_os(MARKER).is_none() || std::process::id() != 1 {
        return None;
    }
    let children = SigSet::from(Signal::SIGCHLD);
    let furnished = children.thread_block().and_then(|()| furnish());
    let said = furnished.map_or_else(|errno| errno.to_string(), |()| String::from(READY));
    {
        let mut out = std::io::stdout();
        // Nobody hears it when the run was ended meanwhile.
        let _ = out.write_all(said.as_bytes());
        let _ = out.flush();
    }
    // What was written is whole when it is closed.
    let _ = nix::unistd::close(1);
    loop {
        // Blocked, so none is lost between the last look and this.
        let _ = children.wait();
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => break,
                Ok(_) | Err(_) => {}
            }
        }
    }
}

fn furnish() -> Result<(), Errno> {
    // Best effort: a container may hide parts of /proc, and then the kernel refuses a whole one.
    if mount(
        Some("proc"),
        "/proc",
        Some("proc"),
        PROC_FLAGS,
        None::<&str>,
    )
    .is_err()
    {
        return Ok(());
    }
    for path in READ_ONLY
        .map(Path::new)
        .into_iter()
        .filter(|path| path.exists())
    {
        mount(
            Some(path),
            path,
            None::<&str>,
            MsFlags::MS_BIND,
            None::<&str>,
        )?;
        mount_read_only(path, PROC_FLAGS)?;
    }
    mount(
        Some(SETTINGS),
        SETTINGS,
        None::<&str>,
        MsFlags::MS_BIND,
        None::<&str>,
    )?;
    let writable = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | PROC_FLAGS;
    mount(None::<&str>, SETTINGS, None::<&str>, writable, None::<&str>)
}
