//! A command line with what it reads and how far it may go.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::find::{find_program, folders};
use super::tree::Tree;
use super::{Ended, FLOOD, KEPT, ProgramError, Running, TIME_LIMIT};

/// A program with its arguments, run where the calling thread is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    argv: Vec<String>,
    variables: Vec<(String, String)>,
    is_bare: bool,
    pub(super) input: String,
    pub(super) time: Duration,
    pub(super) kept: usize,
    pub(super) tree: Tree,
}

impl Program {
    /// The program with its arguments.
    pub fn new<T: Into<String>>(argv: impl IntoIterator<Item = T>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            variables: Vec::new(),
            is_bare: false,
            input: String::new(),
            time: TIME_LIMIT,
            kept: KEPT,
            tree: Tree::default(),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<T: Into<String>>(mut self, more: impl IntoIterator<Item = T>) -> Self {
        self.argv.extend(more.into_iter().map(Into::into));
        self
    }

    /// Adds a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Leaves out the caller's environment.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.is_bare = true;
        self
    }

    /// What it reads on its standard input, which ends after it.
    #[must_use]
    pub fn input(mut self, text: impl Into<String>) -> Self {
        self.input = text.into();
        self
    }

    /// Gives it more or less time than [`TIME_LIMIT`].
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Keeps all that it writes, up to [`FLOOD`]: for goldpath's own questions about rules, of which there may be many.
    #[must_use]
    pub fn keeping_all(mut self) -> Self {
        self.kept = usize::try_from(FLOOD).unwrap_or(usize::MAX);
        self
    }

    /// Lets what it leaves behind go on, in the pid namespace that the calling thread's children get. Somebody else ends
    /// that namespace.
    #[must_use]
    pub fn with_followers(mut self) -> Self {
        self.tree = Tree::Shared;
        self
    }

    /// The command line, to be pasted into a shell.
    pub fn command_line(&self) -> String {
        quoted(&self.argv)
    }

    /// Runs it to its end, whatever its status.
    ///
    /// # Errors
    /// It is not there, could not be started, or had to be ended.
    pub fn run(&self) -> Result<Ended, ProgramError> {
        self.start()?.finish()
    }

    /// Starts it. Its time runs from now, also while nobody waits for it.
    ///
    /// # Errors
    /// It is not there, or could not be started.
    pub fn start(&self) -> Result<Running, ProgramError> {
        Running::start(self)
    }

    /// The first line that it writes; empty if there is none.
    pub fn version(&self) -> String {
        let ended = self.run();
        ended.map_or_else(|_| String::new(), |ended| ended.first_line())
    }

    /// As the kernel takes it: found, with its environment, and with pipes for its output.
    pub(super) fn command(&self) -> Result<Command, ProgramError> {
        let (program, arguments) = self.argv.split_first().ok_or(ProgramError::Empty)?;
        let mut command = Command::new(find_program(program)?);
        if self.is_bare {
            command.env_clear();
        } else if let Ok(path) = env::join_paths(folders()) {
            command.env("PATH", path);
        }
        command
            .args(arguments)
            .env("LC_ALL", "C")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            // A person's Ctrl-C is for goldpath, which ends what it has started.
            .process_group(0)
            .stdin(if self.input.is_empty() {
                Stdio::null()
            } else {
                Stdio::piped()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }
}

/// A command line that can be pasted into a shell.
pub fn quoted(argv: &[String]) -> String {
    shlex::try_join(argv.iter().map(String::as_str)).unwrap_or_else(|_| argv.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_pasted() {
        let argv = ["iptables", "-m", "comment", "--comment", "two words"];
        let line = Program::new(argv).command_line();
        assert_eq!(line, "iptables -m comment --comment 'two words'");
    }

    #[test]
    fn a_version_is_the_first_line_without_colour() {
        let script = "printf '\\033[1mmine 1.0\\033[0m\\nmore\\n'";
        let version = Program::new(["sh", "-c", script]).version();
        assert_eq!(version, "\\u{1b}[1mmine 1.0\\u{1b}[0m");
    }

    #[test]
    fn programs_speak_plain_english() {
        let program = Program::new(["sh", "-c", "echo $LC_ALL"]).bare();
        assert_eq!(program.version(), "C");
    }
}
