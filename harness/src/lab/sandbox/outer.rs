//! The outer process: makes the namespaces, starts the inner process, passes signals on, and waits.

use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{Pid, Uid, getgid, getuid, pipe2};

use super::residue::{Residue, Surroundings};
use super::sweeper::Sweeper;
use super::{Finished, Look, MARKER, Options, SandboxError, UserNamespace};
use crate::lab::overflow;

/// What a person types to stop the run; the inner process is told, and the outer one waits for it.
pub(super) const FORWARDED: [Signal; 4] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
];

/// How long the inner process may take to report after it was told to stop, and the kernel to take it down. It has
/// nothing to wait for then and is killed after this.
const REPORT_WAIT: Duration = Duration::from_millis(600);
/// How long the kernel may take after that, so that all is over within a second. It closes captures by RCU grace periods,
/// which are long where every core is taken, and needs nobody for it: then this process ends first, and says so.
const CLOSING_WAIT: Duration = Duration::from_millis(200);

/// The thread that left the caller's namespaces and started the inner process. The kernel kills that process when the
/// thread ends, so it stays.
struct Starter {
    child: Child,
    /// What `/proc/PID/ns/pid` of every process of the run reads.
    pid_namespace: Option<PathBuf>,
    stay: Sender<()>,
    thread: JoinHandle<()>,
}

/// Runs the inner process to its end.
pub(super) fn supervise(options: Options) -> Result<Finished, SandboxError> {
    let tasks = std::fs::read_dir("/proc/self/task").map_err(|_| SandboxError::NoProc)?;
    if tasks.count() != 1 {
        return Err(SandboxError::Threads);
    }
    let before = (options.look == Look::Around).then(Surroundings::read);
    let is_user_namespace =
        options.user_namespace == UserNamespace::Always || !Uid::effective().is_root();
    if is_user_namespace {
        make_user_namespace()?;
    }

    // Blocked before any other thread or process exists, so that no signal falls between; the inner process unblocks them.
    let mut signals = SigSet::empty();
    FORWARDED.into_iter().for_each(|signal| signals.add(signal));
    signals.add(Signal::SIGCHLD);
    signals
        .thread_block()
        .map_err(|e| SandboxError::system("block signals", e))?;
    let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
        .map_err(|e| SandboxError::system("listen to signals", e))?;

    // Its descriptor is closed when this process is gone, however it went.
    let (reader, _writer) =
        pipe2(OFlag::O_CLOEXEC).map_err(|e| SandboxError::system("make a pipe", e))?;
    let mut starter = Starter::start(reader)?;
    // The machine's tree of control groups is closed to a user namespace, and so are the engines that need it.
    let sweeper = match &starter.pid_namespace {
        Some(run) if !is_user_namespace => Some(Sweeper::start(&starter.child, run)?),
        _ => None,
    };
    let (code, is_over) = wait(&mut starter.child, &signals)?;
    if let Some(sweeper) = sweeper.filter(|_| is_over) {
        sweeper.wait();
    }
    // The starter still holds the pid namespace: let go, its number would soon be another's.
    let residue = before.map(|before| Residue {
        is_settled: is_over,
        ..before.residue(starter.pid_namespace.as_deref())
    });
    drop(starter.stay);
    // It only waited for this.
    let _ = starter.thread.join();
    Ok(Finished { code, residue })
}

impl Starter {
    fn start(reader: OwnedFd) -> Result<Self, SandboxError> {
        let (stay, leave) = channel();
        let (tell, told) = channel();
        let body = move || {
            let started = leave_and_start(&reader);
            drop(reader);
            let pid_namespace = std::fs::read_link("/proc/thread-self/ns/pid_for_children").ok();
            // Whoever started this thread listens until it has the answer.
            let _ = tell.send(started.map(|child| (child, pid_namespace)));
            // Ends with an error when the other end is dropped, which is what it waits for.
            let _: Result<(), _> = leave.recv();
        };
        let thread = thread::Builder::new()
            .name("starter".into())
            .spawn(body)
            .map_err(|e| SandboxError::system("start a thread", e))?;
        let (child, pid_namespace) = told.recv().map_err(|_| SandboxError::Orphaned)??;
        Ok(Self {
            child,
            pid_namespace,
            stay,
            thread,
        })
    }
}

/// Takes the calling thread out of its namespaces and starts the inner process.
fn leave_and_start(reader: &OwnedFd) -> Result<Child, SandboxError> {
    let counters = overflow::open();
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID)
        .map_err(|e| denied("unshare network, mount and pid namespaces", e))?;
    fcntl(reader, FcntlArg::F_SETFD(FdFlag::empty()))
        .map_err(|e| SandboxError::system("pass the pipe on", e))?;
    let mut marker = reader.as_raw_fd().to_string();
    if let Some(counters) = &counters {
        let _ = write!(marker, ",{}", counters.as_raw_fd());
    }
    let mut arguments = std::env::args_os();
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        std::os::unix::process::CommandExt::arg0(&mut command, name);
    }
    command
        .args(arguments)
        .env(MARKER, marker)
        .spawn()
        .map_err(|e| SandboxError::system("start the sandbox's first process", e))
}

/// Waits for the inner process, and passes signals on. Returns how it ended, and whether the kernel is done with it.
fn wait(child: &mut Child, signals: &SignalFd) -> Result<(ExitCode, bool), SandboxError> {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default());
    let mut killed_for = None;
    let mut deadline: Option<(Signal, Instant)> = None;
    loop {
        let timeout = deadline.map_or(PollTimeout::NONE, |(_, at)| {
            let left = at.saturating_duration_since(Instant::now()).as_millis() + 1;
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        let mut state = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        match poll(&mut state, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(e) => return Err(SandboxError::system("wait for a signal", e)),
        }
        while let Some(received) = signals
            .read_signal()
            .map_err(|e| SandboxError::system("read a signal", e))?
        {
            let number = i32::try_from(received.ssi_signo).unwrap_or_default();
            let signal = match Signal::try_from(number) {
                Ok(Signal::SIGCHLD) | Err(_) => continue,
                Ok(signal) => signal,
            };
            // The kernel spares the first process of a pid namespace every signal that it has no handler for, and so a
            // run would go on after Ctrl-C.
            if takes(pid, signal) {
                // It may have ended meanwhile; then SIGCHLD is pending too.
                let _ = kill(pid, signal);
                deadline.get_or_insert((signal, Instant::now() + REPORT_WAIT));
            } else {
                killed_for.get_or_insert(signal);
                deadline.get_or_insert((signal, Instant::now() + CLOSING_WAIT));
                let _ = kill(pid, Signal::SIGKILL);
            }
        }
        let ended = child
            .try_wait()
            .map_err(|e| SandboxError::system("wait for the sandbox", e))?;
        if let Some(status) = ended {
            // A shell's convention, so that scripts see the same number as without a sandbox.
            let signal = killed_for
                .map(|signal| signal as i32)
                .or_else(|| status.signal());
            let code = status.code().or_else(|| signal.map(|signal| 128 + signal));
            return Ok((code.map_or(ExitCode::FAILURE, exit_code), true));
        }
        if let Some((signal, at)) = deadline
            && Instant::now() >= at
        {
            if killed_for.is_some() {
                return Ok((exit_code(128 + signal as i32), false));
            }
            killed_for = Some(signal);
            let _ = kill(pid, Signal::SIGKILL);
            deadline = Some((signal, Instant::now() + CLOSING_WAIT));
        }
    }
}

fn exit_code(code: i32) -> ExitCode {
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Whether a process catches a signal, or blocks it to wait for it (`man proc_pid_status`).
fn takes(pid: Pid, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status
        .lines()
        .filter_map(|line| line.split_once(":\t"))
        .any(|(key, value)| {
            let mask = u64::from_str_radix(value, 16).unwrap_or_default();
            matches!(key, "SigCgt" | "SigBlk") && mask & (1 << (signal as i32 - 1)) != 0
        })
}

/// Maps the own user and group to root of a new user namespace.
fn make_user_namespace() -> Result<(), SandboxError> {
    let (uid, gid) = (getuid(), getgid());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|e| denied("unshare a user namespace", e))?;
    let write = |path: &'static str, text: String| {
        std::fs::write(path, text).map_err(|e| denied_io("map own user into the user namespace", e))
    };
    // The kernel wants this before an unprivileged gid_map (user_namespaces(7)).
    write("/proc/self/setgroups", "deny".into())?;
    write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    write("/proc/self/gid_map", format!("0 {gid} 1"))
}

fn denied(operation: &'static str, errno: Errno) -> SandboxError {
    denied_io(operation, errno.into())
}

fn denied_io(operation: &'static str, source: io::Error) -> SandboxError {
    let setting =
        |name: &str| std::fs::read_to_string(format!("/proc/sys/{name}")).unwrap_or_default();
    let cure = if setting("kernel/apparmor_restrict_unprivileged_userns").trim() == "1" {
        format!(
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, or {}",
            with_sudo()
        )
    } else if setting("kernel/unprivileged_userns_clone").trim() == "0" {
        format!(
            "sudo sysctl kernel.unprivileged_userns_clone=1, or {}",
            with_sudo()
        )
    } else if setting("user/max_user_namespaces").trim() == "0" {
        format!(
            "sudo sysctl user.max_user_namespaces=10000, or {}",
            with_sudo()
        )
    } else {
        format!("{} (in a container: docker run --privileged)", with_sudo())
    };
    SandboxError::Denied {
        operation,
        capability: "CAP_SYS_ADMIN and CAP_NET_ADMIN",
        cure,
        source,
    }
}

fn with_sudo() -> String {
    let arguments: Vec<String> = std::env::args().collect();
    let words = arguments.iter().map(String::as_str);
    format!(
        "sudo -E {}",
        shlex::try_join(words).unwrap_or_else(|_| "goldpath".into())
    )
}
