//! The process leaves the caller's namespaces before it does anything else.
//!
//! A thread of the outer process unshares and starts the program again as pid 1 of a new pid namespace. The others stay
//! where they were started, wait, and look around when the run is over. When the outer process dies, the kernel kills
//! pid 1, and with it every process, mount and namespace of the run, and a sweeper removes the control groups of engines:
//! nothing is left, also after `kill -9`.

mod inner;
mod outer;
mod residue;
mod root;
mod sweeper;

use std::process::ExitCode;

use thiserror::Error;

use super::jail::attend;

pub use residue::Residue;
use sweeper::sweep;

/// Tells the inner process who it is: the number of its end of the outer process's pipe, and after a comma that of the machine's
/// counters of neighbours, if they are open.
const MARKER: &str = "GOLDPATH_SANDBOX";

/// How to enter the sandbox.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// When to make a user namespace.
    pub user_namespace: UserNamespace,
    /// Whether the outer process looks for what the run left behind.
    pub look: Look,
}

/// Whether the outer process looks for what the run left behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Look {
    /// It only waits.
    #[default]
    Away,
    /// It looks before and after.
    Around,
}

/// When to make a user namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UserNamespace {
    /// Root needs none.
    #[default]
    UnlessRoot,
    /// Also as root, to see what an unprivileged person sees.
    Always,
}

/// Which side of [`enter`] this process is on.
#[derive(Debug)]
pub enum Entered {
    /// The inner process: do the work.
    Inside(Sandbox),
    /// The outer process: the work is done.
    Finished(Finished),
}

/// What the outer process knows when the inner one has ended.
#[derive(Debug)]
#[must_use = "the exit code is the inner process's word"]
pub struct Finished {
    /// How the inner process ended, as a shell puts it.
    pub code: ExitCode,
    /// What is there that was not there before; none if nobody was to look.
    pub residue: Option<Residue>,
}

/// What the inner process has around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sandbox {
    /// Whether capabilities hold for this user namespace only.
    pub is_user_namespace: bool,
}

/// Why the sandbox cannot be entered.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The kernel denies the namespaces, or capabilities in them.
    #[error("cannot {operation}: {source}; this needs {capability}, please run: {cure}")]
    Denied {
        /// What was denied.
        operation: &'static str,
        /// The capability that is missing.
        capability: &'static str,
        /// What to type.
        cure: String,
        /// The errno.
        #[source]
        source: std::io::Error,
    },
    /// A system call failed.
    #[error("cannot {operation}: {source}")]
    System {
        /// What was tried.
        operation: &'static str,
        /// The errno.
        #[source]
        source: std::io::Error,
    },
    /// A chroot without the kernel's file system of processes.
    #[error("/proc is not mounted here; please run: mount -t proc proc /proc")]
    NoProc,
    /// The outer process died while the inner one started.
    #[error("the process that started the sandbox is gone")]
    Orphaned,
    /// Called after other threads were started.
    #[error("the sandbox must be entered before any thread starts, at the top of main")]
    Threads,
}

impl SandboxError {
    fn system(operation: &'static str, source: impl Into<std::io::Error>) -> Self {
        Self::System {
            operation,
            source: source.into(),
        }
    }
}

/// Does the work of a helper process, if this process was started as one: the sweeper of control groups, or the first
/// process of a jail. [`enter`] does it, too: a program that reads its arguments before that calls it at the top of `main`.
pub fn help() -> Option<ExitCode> {
    sweep().or_else(attend)
}

/// Leaves the caller's network, mount and pid namespaces (and, when not root, its user namespace).
///
/// To be called at the top of `main`, before any thread exists. Returns twice, in two processes.
pub fn enter(options: Options) -> Result<Entered, SandboxError> {
    if let Some(code) = help() {
        let residue = None;
        return Ok(Entered::Finished(Finished { code, residue }));
    }
    match std::env::var(MARKER) {
        // The marker alone proves nothing, it may have been inherited: pid 1 is what makes it true.
        Ok(marker) if std::process::id() == 1 => inner::furnish(&marker).map(Entered::Inside),
        Ok(_) | Err(_) => outer::supervise(options).map(Entered::Finished),
    }
}
