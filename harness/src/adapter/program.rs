//! Programs of an implementation, run in the lab's jail with nothing of the machine's environment.

use super::AdapterError;
use crate::lab::Jail;
use crate::program::{self, Ended, KEPT, ProgramError, Running};

/// Where an implementation's programs look for others.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command line with what it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(program::Program);

impl Program {
    /// The program with its arguments.
    pub fn new<T: Into<String>>(argv: impl IntoIterator<Item = T>) -> Self {
        let program = program::Program::new(argv).bare();
        Self(
            program
                .env("PATH", PATH)
                .env("HOME", Jail::FOLDER)
                .env("TMPDIR", Jail::TEMPORARY)
                // Python keeps what it has compiled beside a program, wherever that is.
                .env("PYTHONDONTWRITEBYTECODE", "1"),
        )
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<T: Into<String>>(self, more: impl IntoIterator<Item = T>) -> Self {
        Self(self.0.args(more))
    }

    /// Adds a variable of its environment.
    #[must_use]
    pub fn env(self, name: &str, value: &str) -> Self {
        Self(self.0.env(name, value))
    }

    /// What it reads on its standard input.
    #[must_use]
    pub fn input(self, text: impl Into<String>) -> Self {
        Self(self.0.input(text))
    }

    /// The command line, to be pasted into a shell.
    pub fn command_line(&self) -> String {
        self.0.command_line()
    }

    /// Runs it in the jail to its end and returns what it wrote. What it leaves behind stays until the jail ends.
    ///
    /// # Errors
    /// It could not be run to its end, or its status says that it failed.
    pub fn run(&self, jail: &Jail) -> Result<String, AdapterError> {
        self.judge(&self.output(jail)?)
    }

    /// Runs it where the calling thread is: only to ask for a version.
    pub(super) fn run_here(&self) -> Result<String, AdapterError> {
        self.judge(&self.0.run()?)
    }

    fn judge(&self, ended: &Ended) -> Result<String, AdapterError> {
        if !ended.status.success() {
            return Err(AdapterError::Failed {
                command: self.command_line(),
                status: ended.status,
                output: ended.said(),
            });
        }
        ended.stdout.whole().ok_or_else(|| AdapterError::Answer {
            question: self.command_line(),
            reason: format!(
                "it wrote {} bytes; of an answer {} MiB are read",
                ended.stdout.written(),
                KEPT >> 20
            ),
        })
    }

    /// Runs it in the jail to its end, whatever its status.
    ///
    /// # Errors
    /// It could not be run to its end.
    pub fn output(&self, jail: &Jail) -> Result<Ended, AdapterError> {
        let program = self.0.clone().with_followers().within(jail.time());
        let ended = jail.run(|| program.run())?;
        if let Err(error @ (ProgramError::Overdue { .. } | ProgramError::Flood { .. })) = &ended {
            // What it has started is anywhere in the jail by now, and the next question would only wait as long.
            jail.end(error.to_string().lines().next().unwrap_or_default());
        }
        Ok(ended?)
    }

    /// Starts it in the jail.
    pub(super) fn start(&self, jail: &Jail) -> Result<Running, AdapterError> {
        let program = self.0.clone().with_followers();
        Ok(jail.run(|| program.start())??)
    }

    /// Runs it where the calling thread is: only to ask for a version.
    pub(crate) fn version(&self) -> String {
        self.0.version()
    }

    /// What it complains about when it is run where the calling thread is.
    pub(super) fn complaint(&self) -> String {
        let ended = self.0.run();
        ended.map_or_else(|_| String::new(), |ended| ended.stderr.text())
    }
}
