//! A node's network namespace, entered by a short-lived thread for what can't be done from outside.

use std::fs::{self, File};
use std::io;
use std::process::Command;

use nix::sched::{CloneFlags, setns};

use super::TraceError;
use crate::lab::find_program;

/// The namespace that sockets were opened in.
pub(super) struct Node {
    pub(super) name: String,
    netns: File,
}

impl Node {
    /// The calling thread's namespace.
    pub(super) fn current(name: &str) -> Result<Self, TraceError> {
        let netns = File::open("/proc/thread-self/ns/net");
        let netns = netns.map_err(|source| TraceError::Socket {
            operation: "open the network namespace",
            node: name.to_owned(),
            source,
        })?;
        Ok(Self {
            name: name.to_owned(),
            netns,
        })
    }

    /// What a program prints inside the namespace.
    pub(super) fn output(&self, argv: &[&str]) -> Result<String, TraceError> {
        let program = || shlex::try_join(argv.iter().copied()).unwrap_or_default();
        let (first, rest) = argv.split_first().unwrap_or((&"", &[]));
        // Also where the caller's PATH has no `sbin`.
        let found = find_program(first).unwrap_or_else(|_| first.into());
        let output = self.inside(|| Command::new(&found).args(rest).output());
        let output = output.map_err(|source| TraceError::Program {
            program: program(),
            node: self.name.clone(),
            source,
        })?;
        if !output.status.success() {
            return Err(TraceError::ProgramFailed {
                program: program(),
                node: self.name.clone(),
                status: output.status,
                stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Writes a sysctl of the namespace: /proc/sys/net follows the calling thread.
    pub(super) fn sysctl(&self, path: &'static str, value: &'static str) -> Result<(), TraceError> {
        self.inside(|| fs::write(path, value))
            .map_err(|source| TraceError::Sysctl {
                path,
                value,
                node: self.name.clone(),
                source,
            })
    }

    fn inside<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setns(&self.netns, CloneFlags::CLONE_NEWNET)?;
                work()
            });
            thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the thread in the namespace panicked")))
        })
    }
}
