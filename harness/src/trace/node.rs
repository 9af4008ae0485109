//! A node's network namespace, entered for what cannot be done from outside.

use std::fs;

use super::TraceError;
use crate::lab::{LabError, Netns};
use crate::program::{Program, shown};

/// The namespace that sockets were opened in.
pub(super) struct Node {
    pub(super) name: String,
    netns: Netns,
}

impl Node {
    /// The calling thread's namespace.
    pub(super) fn current(name: &str) -> Result<Self, LabError> {
        Ok(Self {
            name: name.to_owned(),
            netns: Netns::current()?,
        })
    }

    /// What a program prints inside the namespace.
    pub(super) fn output(&self, argv: &[&str]) -> Result<String, TraceError> {
        let program = Program::new(argv.iter().copied()).keeping_all();
        let ended = self.netns.run(|| program.run())?;
        let ended = ended.map_err(|source| TraceError::Program {
            node: self.name.clone(),
            source,
        })?;
        if !ended.status.success() {
            return Err(TraceError::ProgramFailed {
                program: program.command_line(),
                node: self.name.clone(),
                status: ended.status,
                stderr: shown(&ended.stderr.text()),
            });
        }
        Ok(ended.stdout.text())
    }

    /// Writes a sysctl of the namespace: /proc/sys/net follows the calling thread.
    pub(super) fn sysctl(&self, path: &'static str, value: &'static str) -> Result<(), TraceError> {
        self.netns
            .run(|| fs::write(path, value))?
            .map_err(|source| TraceError::Sysctl {
                path,
                value,
                node: self.name.clone(),
                source,
            })
    }
}
