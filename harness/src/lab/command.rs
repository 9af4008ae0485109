//! Programs run in a node's namespace, as a case's commands say.

use std::path::PathBuf;
use std::process::ExitStatus;

use thiserror::Error;

use super::backend::resolve;
use super::restore::Script;
use super::{Lab, LabError};
use crate::case::Backend;
use crate::program::{Ended, Program, ProgramError, find_program, quoted, shown};

/// Why a command in a lab failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// It ran, and its status says that it failed.
    #[error("in netns '{node}': {command}: {status}{}", said(.stdout, .stderr))]
    Failed {
        /// The node.
        node: String,
        /// The command line, quoted for a shell.
        command: String,
        /// Exit code or signal.
        status: ExitStatus,
        /// What it wrote.
        stdout: String,
        /// What it complained about.
        stderr: String,
    },
    /// It gave no status of its own.
    #[error("in netns '{node}': {source}")]
    Program {
        /// The node.
        node: String,
        /// Why.
        #[source]
        source: ProgramError,
    },
    /// There is no such node, or its namespace cannot be entered.
    #[error(transparent)]
    Lab(#[from] LabError),
}

fn said(stdout: &str, stderr: &str) -> String {
    let both = [shown(stderr), shown(stdout)];
    both.iter()
        .filter(|text| !text.is_empty())
        .map(|text| format!("\n{text}"))
        .collect()
}

/// What a command that succeeded wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Its standard output.
    pub stdout: String,
    /// Its warnings.
    pub stderr: String,
}

impl Lab {
    /// Runs a program to its end in a node's namespace. `iptables` and its kin are those of `backend`; without one, the machine's
    /// own.
    pub fn run(
        &self,
        node: &str,
        argv: &[String],
        backend: impl Into<Option<Backend>>,
    ) -> Result<Written, CommandError> {
        self.run_with_input(node, argv, "", backend)
    }

    /// Like [`run`](Self::run), with text on the program's standard input, as `iptables-restore` reads.
    pub fn run_with_input(
        &self,
        node: &str,
        argv: &[String],
        input: &str,
        backend: impl Into<Option<Backend>>,
    ) -> Result<Written, CommandError> {
        let failed = |source| CommandError::Program {
            node: node.into(),
            source,
        };
        let (program, arguments) = argv.split_first().ok_or(failed(ProgramError::Empty))?;
        let program = Program::new([resolve(backend.into(), program)])
            .args(arguments)
            .input(input);
        let ended = self.netns(node)?.run(|| program.run())?;
        let Ended {
            status,
            stdout,
            stderr,
        } = ended.map_err(failed)?;
        let (stdout, stderr) = (stdout.text(), stderr.text());
        if status.success() {
            Ok(Written { stdout, stderr })
        } else {
            Err(CommandError::Failed {
                node: node.into(),
                command: quoted(argv),
                status,
                stdout,
                stderr,
            })
        }
    }
}

impl Lab {
    /// Runs commands in their order, and those of `iptables` that stand together in one process
    /// (`restore.rs`). An error comes with the position of its command.
    pub fn run_together(
        &self,
        node: &str,
        commands: &[&[String]],
        backend: impl Into<Option<Backend>>,
    ) -> Result<(), (usize, CommandError)> {
        let backend = backend.into();
        let mut done = 0;
        while done < commands.len() {
            let (script, count) = Script::of(commands[done..].iter().copied());
            if count < 2 {
                self.run(node, commands[done], backend)
                    .map_err(|error| (done, error))?;
                done += 1;
                continue;
            }
            let argv = ["iptables-restore", "--noflush"].map(String::from);
            if let Err(error) = self.run_with_input(node, &argv, &script.text(), backend) {
                let undone = match &error {
                    CommandError::Failed { stderr, .. } => script.undone(stderr),
                    _ => None,
                };
                let Some(first) = undone else {
                    return Err((done, error));
                };
                // Once more one by one from what was not committed, so that the error is the command's own.
                let again = commands.iter().enumerate().take(done + count);
                for (position, command) in again.skip(done + first) {
                    self.run(node, command, backend)
                        .map_err(|error| (position, error))?;
                }
            }
            done += count;
        }
        Ok(())
    }
}

/// Where a case's `program` is: `iptables` and its kin are those of `backend`.
///
/// # Errors
/// It is not installed.
pub fn find_program_for(
    backend: impl Into<Option<Backend>>,
    program: &str,
) -> Result<PathBuf, ProgramError> {
    find_program(&resolve(backend.into(), program))
}
