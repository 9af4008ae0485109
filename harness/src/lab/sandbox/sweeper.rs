//! The sweeper: a process beside the run that outlives it, also a killed one, and removes the control groups that engines
//! made. They are the one thing that doesn't go away with the run's namespaces.
//!
//! It stays in the namespaces of the person who started the run, has a process group of its own, and holds nothing but a
//! descriptor of the run's first process, which tells it when every process of the run has ended.

use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::SandboxError;
use crate::lab::group;

/// Tells the sweeper which run it is for: the inode of the run's pid namespace.
const MARKER: &str = "GOLDPATH_SWEEPER";

/// The sweeper's process.
#[derive(Debug)]
pub(super) struct Sweeper(Child);

impl Sweeper {
    /// Starts it for the run whose first process is `inner`.
    pub(super) fn start(inner: &Child, pid_namespace: &Path) -> Result<Self, SandboxError> {
        let pid = i32::try_from(inner.id()).ok().and_then(Pid::from_raw);
        let end = pid
            .ok_or(rustix::io::Errno::SRCH)
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()))
            .map_err(|e| {
                SandboxError::system("open a descriptor of the sandbox's first process", e)
            })?;
        Command::new("/proc/self/exe")
            .arg0("goldpath-sweeper")
            .env(MARKER, inode(pid_namespace).to_string())
            .current_dir("/")
            .stdin(end)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map(Self)
            .map_err(|e| SandboxError::system("start the sweeper of control groups", e))
    }

    /// Waits until it has swept: after the run's end.
    pub(super) fn wait(mut self) {
        // It is this process's own child, so there is nothing to go wrong.
        let _ = self.0.wait();
    }
}

/// The number of `pid:[4026531836]`.
pub(super) fn inode(pid_namespace: &Path) -> u64 {
    let shown = pid_namespace.to_string_lossy();
    let digits = shown.trim_start_matches("pid:[").trim_end_matches(']');
    digits.parse().unwrap_or_default()
}

/// Does the sweeper's work, if this process was started for it; it ends then.
pub(super) fn sweep() -> Option<ExitCode> {
    let run: u64 = std::env::var(MARKER).ok()?.parse().ok()?;
    let end = std::io::stdin();
    let mut state = [PollFd::new(end.as_fd(), PollFlags::POLLIN)];
    // A signal that is not for it changes nothing.
    while poll(&mut state, PollTimeout::NONE) == Err(Errno::EINTR) {}
    group::remove_of_run(run);
    Some(ExitCode::SUCCESS)
}
