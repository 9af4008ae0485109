//! The inner process: pid 1 of the sandbox furnishes its mounts and limits, once.

use std::fs::File;
use std::os::fd::{AsFd, RawFd};

use nix::fcntl::{FcntlArg, fcntl};
use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::close;

use super::outer::FORWARDED;
use super::root::hold_root;
use super::{MARKER, Sandbox, SandboxError};
use crate::lab::mounts::{make_private, mount_empty_run, mount_own_sysfs};
use crate::lab::{LabError, overflow};

/// More descriptors than a long run holds: a lab keeps about twenty, and finished labs are kept. Programs that close every
/// possible descriptor at their start take as long as this number is high.
const DESCRIPTORS: u64 = 65_536;

/// The descriptor table's size from the start. In a process with threads it grows by an RCU grace period (8 ms) each
/// time, in the middle of a case.
const TABLE: u64 = 8_192;

/// Prepares the first process of the sandbox.
pub(super) fn furnish(marker: &str) -> Result<Sandbox, SandboxError> {
    die_with_parent(marker)?;
    make_room()?;
    hold_root()?;
    let is_user_namespace =
        std::fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| !is_whole(&map));
    mount_own()?;
    let signals = SigSet::all();
    // One that came while they were blocked would be lost to a first process. The end of a child is no reason to end.
    let ending = SigSet::from_iter(FORWARDED);
    let pending = SignalFd::with_flags(&ending, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
        .and_then(|fd| fd.read_signal())
        .map_err(|e| SandboxError::system("look for signals", e))?;
    if let Some(signal) = pending {
        std::process::exit(128 + i32::try_from(signal.ssi_signo).unwrap_or_default());
    }
    signals
        .thread_unblock()
        .map_err(|e| SandboxError::system("unblock signals", e))?;
    Ok(Sandbox { is_user_namespace })
}

/// The initial user namespace maps everybody to themselves.
fn is_whole(map: &str) -> bool {
    map.split_whitespace().eq(["0", "0", "4294967295"])
}

fn die_with_parent(marker: &str) -> Result<(), SandboxError> {
    set_pdeathsig(Signal::SIGKILL)
        .map_err(|e| SandboxError::system("ask to die with the parent", e))?;
    let (pipe, counters) = marker.split_once(',').unwrap_or((marker, ""));
    if let Ok(counters) = counters.parse() {
        overflow::keep(counters);
    }
    let number: RawFd = pipe.parse().map_err(|_| SandboxError::Orphaned)?;
    let pipe = File::open(format!("/proc/self/fd/{number}"))
        .map_err(|e| SandboxError::system(MARKER, e))?;
    close(number).map_err(|e| SandboxError::system("close the pipe", e))?;
    // The parent may have died before the line above: then its end of the pipe is closed.
    let mut state = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
    poll(&mut state, PollTimeout::ZERO)
        .map_err(|e| SandboxError::system("look for the parent", e))?;
    match state[0].any() {
        Some(true) => Err(SandboxError::Orphaned),
        Some(false) | None => Ok(()),
    }
}

fn make_room() -> Result<(), SandboxError> {
    let limit = |e| SandboxError::system("raise the limit of open files", e);
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(limit)?;
    let wanted = hard.min(DESCRIPTORS).max(soft);
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).map_err(limit)?;
    let null = File::open("/dev/null").map_err(|e| SandboxError::system("open /dev/null", e))?;
    let highest = i32::try_from(wanted.min(TABLE) - 1).unwrap_or(i32::MAX);
    let grown = fcntl(&null, FcntlArg::F_DUPFD_CLOEXEC(highest)).map_err(limit)?;
    close(grown).map_err(limit)
}

fn mount_own() -> Result<(), SandboxError> {
    let other = |operation| {
        move |error: LabError| SandboxError::system(operation, std::io::Error::other(error))
    };
    make_private().map_err(other("make mounts private"))?;
    let careful = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    // Best effort, as a container may hide parts of /proc and then the kernel refuses a whole one. The old one works
    // too: it shows the processes by their outer numbers.
    let _ = mount(Some("proc"), "/proc", Some("proc"), careful, None::<&str>);
    mount_own_sysfs();
    mount_empty_run().map_err(other("mount tmpfs on /run"))
}
