//! The outer process: makes the namespaces, starts the inner process, passes signals on, and waits.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Pid, Uid, getgid, getuid, pipe2};

use super::{MARKER, Options, SandboxError, UserNamespace};

/// What a person types to stop the run; the inner process is told, and the outer one waits for it.
const FORWARDED: [Signal; 4] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
];

/// Runs the inner process to its end.
pub(super) fn supervise(options: Options) -> Result<ExitCode, SandboxError> {
    let tasks = std::fs::read_dir("/proc/self/task")
        .map_err(|e| SandboxError::system("list own threads", e))?;
    if tasks.count() != 1 {
        return Err(SandboxError::Threads);
    }
    if options.user_namespace == UserNamespace::Always || !Uid::effective().is_root() {
        make_user_namespace()?;
    }
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID)
        .map_err(|e| denied("unshare network, mount and pid namespaces", e))?;

    // Blocked before the child exists, so that no signal falls between; the inner process unblocks them.
    let mut signals = SigSet::empty();
    FORWARDED.into_iter().for_each(|signal| signals.add(signal));
    signals.add(Signal::SIGCHLD);
    signals
        .thread_block()
        .map_err(|e| SandboxError::system("block signals", e))?;

    let (reader, _writer) =
        pipe2(OFlag::O_CLOEXEC).map_err(|e| SandboxError::system("make a pipe", e))?;
    fcntl(&reader, FcntlArg::F_SETFD(FdFlag::empty()))
        .map_err(|e| SandboxError::system("pass the pipe on", e))?;
    let mut arguments = std::env::args_os();
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        std::os::unix::process::CommandExt::arg0(&mut command, name);
    }
    command
        .args(arguments)
        .env(MARKER, reader.as_raw_fd().to_string());
    let child = command
        .spawn()
        .map_err(|e| SandboxError::system("start the sandbox's first process", e))?;
    drop(reader);
    wait(child, &signals)
}

fn wait(mut child: Child, signals: &SigSet) -> Result<ExitCode, SandboxError> {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default());
    let mut killed_for = None;
    loop {
        match signals
            .wait()
            .map_err(|e| SandboxError::system("wait for a signal", e))?
        {
            Signal::SIGCHLD => {
                let ended = child
                    .try_wait()
                    .map_err(|e| SandboxError::system("wait for the sandbox", e))?;
                if let Some(status) = ended {
                    // A shell's convention, so that scripts see the same number as without a sandbox.
                    let signal = killed_for
                        .map(|signal| signal as i32)
                        .or_else(|| status.signal());
                    let code = status.code().or_else(|| signal.map(|signal| 128 + signal));
                    return Ok(code
                        .and_then(|code| u8::try_from(code).ok())
                        .map_or(ExitCode::FAILURE, ExitCode::from));
                }
            }
            signal => {
                // The kernel spares the first process of a pid namespace every signal that it has no handler for, and
                // so a run would go on after Ctrl-C.
                let passed_on = if takes(pid, signal) {
                    signal
                } else {
                    Signal::SIGKILL
                };
                if passed_on == Signal::SIGKILL {
                    killed_for = Some(signal);
                }
                // It may have ended meanwhile; then SIGCHLD is pending too.
                let _ = kill(pid, passed_on);
            }
        }
    }
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
