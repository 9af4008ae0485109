//! The first process of a jail: it shows the jail's processes in `/proc`, reaps orphans, and is what the jail lives by.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

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

/// The process. Dropping it ends it, and everything in its jail with it.
#[derive(Debug)]
pub(super) struct InitProcess(Child);

impl InitProcess {
    /// Starts it as a child of the calling thread, which has left the namespaces that the jail is not to have, and waits
    /// until it runs: in a root with another C library it could not be loaded any more.
    pub(super) fn start() -> Result<Self, LabError> {
        let started = Command::new("/proc/self/exe")
            .arg0("goldpath-jail")
            .env_clear()
            .env(MARKER, "1")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let failed = |e| LabError::system("start", "a jail's first process", e);
        let mut init = Self(started.map_err(failed)?);
        let mut said = [0; STARTED.len()];
        let output = init.0.stdout.as_mut();
        let output = output.ok_or_else(|| failed(ErrorKind::BrokenPipe.into()))?;
        output.read_exact(&mut said).map_err(failed)?;
        Ok(init)
    }

    /// A descriptor of it.
    pub(super) fn entrance(&self) -> Result<OwnedFd, LabError> {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        pid.ok_or(rustix::io::Errno::SRCH)
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()))
            .map_err(|e| LabError::system("open", "a jail's first process", e))
    }

    /// Whether the jail has no other process. What cannot be read is taken for one that has.
    pub(super) fn is_alone(&self) -> bool {
        let processes = std::fs::read_dir(format!("/proc/{}/root/proc", self.0.id()));
        let is_process = |name: &str| name.parse::<u32>().is_ok();
        let count = |entries: std::fs::ReadDir| {
            let names = entries.flatten().map(|entry| entry.file_name());
            names
                .filter(|name| name.to_str().is_some_and(is_process))
                .count()
        };
        processes.is_ok_and(|entries| count(entries) == 1)
    }

    /// Has it do its part, where the mounts are those of the jail, and waits until it has.
    pub(super) fn go_on(&mut self) -> Result<(), LabError> {
        let mut said = String::new();
        let told = match (self.0.stdin.take(), self.0.stdout.take()) {
            (Some(mut input), Some(mut output)) => input.write_all(GO.as_bytes()).and_then(|()| {
                drop(input);
                output.read_to_string(&mut said)
            }),
            _ => Err(ErrorKind::BrokenPipe.into()),
        };
        told.map_err(|e| LabError::system("wait for", "a jail's first process", e))?;
        if said == READY {
            return Ok(());
        }
        let said = said.trim();
        Err(LabError::Specification(format!(
            "a jail's first process: {said}"
        )))
    }
}

impl Drop for InitProcess {
    fn drop(&mut self) {
        // It may have ended by itself, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const STARTED: &str = "started";
const GO: &str = "go";
const READY: &str = "ready";

/// Is the first process of a jail, if this process was started as one; ends only if there is to be no jail.
pub(crate) fn attend() -> Option<ExitCode> {
    // An inherited marker proves nothing: a first process is nobody's child here.
    if std::env::var_os(MARKER).is_none() || std::process::id() != 1 {
        return None;
    }
    let children = SigSet::from(Signal::SIGCHLD);
    say(STARTED);
    let mut told = String::new();
    let heard = std::io::stdin().read_to_string(&mut told);
    if heard.is_err() || told != GO {
        // Who started it is gone, or could not make the mounts.
        return Some(ExitCode::FAILURE);
    }
    let mounted = children.thread_block().and_then(|()| mount_proc());
    let said = mounted.map_or_else(|errno| errno.to_string(), |()| String::from(READY));
    say(&said);
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

/// Nobody hears it when the run was ended meanwhile.
fn say(text: &str) {
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

fn mount_proc() -> Result<(), Errno> {
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
