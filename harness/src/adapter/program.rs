//! Programs of an implementation, run in the lab's room with nothing of the machine's environment.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::AdapterError;
use crate::lab::{CommandError, Room, find_program, quoted};

/// The slowest one, a `docker run` beside twenty other labs on two cores, took 8 s. One that waits for something that
/// never comes would stop the whole run.
const PROGRAM_WAIT: Duration = Duration::from_secs(60);

/// Where an implementation's programs look for others.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command line with what it reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    argv: Vec<String>,
    environment: Vec<(String, String)>,
    input: String,
}

impl Program {
    /// The program with its arguments.
    pub fn new<T: Into<String>>(argv: impl IntoIterator<Item = T>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            ..Self::default()
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
        self.environment.push((name.into(), value.into()));
        self
    }

    /// What it reads on its standard input.
    #[must_use]
    pub fn input(mut self, text: impl Into<String>) -> Self {
        self.input = text.into();
        self
    }

    /// The command line, to be pasted into a shell.
    pub fn command_line(&self) -> String {
        quoted(&self.argv)
    }

    /// Runs it in the room to its end and returns what it wrote.
    ///
    /// # Errors
    /// It could not be started, or its status says that it failed.
    pub fn run(&self, room: &Room) -> Result<String, AdapterError> {
        self.judge(&self.output(room)?)
    }

    /// Runs it where the calling thread is.
    pub(super) fn run_here(&self) -> Result<String, AdapterError> {
        self.judge(&self.output_here()?)
    }

    fn judge(&self, output: &Output) -> Result<String, AdapterError> {
        let (stdout, stderr) = texts(output);
        if output.status.success() {
            Ok(stdout)
        } else {
            Err(AdapterError::Failed {
                command: self.command_line(),
                status: output.status,
                output: format!("{}\n{}", stderr.trim(), stdout.trim()),
            })
        }
    }

    /// Runs it in the room to its end, whatever its status.
    ///
    /// # Errors
    /// It could not be started.
    pub fn output(&self, room: &Room) -> Result<Output, AdapterError> {
        room.run(|| self.output_here())?
    }

    /// Runs it where the calling thread is: only to ask for a version.
    pub(crate) fn version(&self) -> String {
        let output = self.output_here();
        let text = output.map(|output| texts(&output).0).unwrap_or_default();
        text.lines().next().unwrap_or_default().trim().to_owned()
    }

    /// What it complains about when it is run where the calling thread is.
    pub(super) fn complaint(&self) -> String {
        let output = self.output_here();
        output.map(|output| texts(&output).1).unwrap_or_default()
    }

    fn output_here(&self) -> Result<Output, AdapterError> {
        let failed = |source| self.start_error(source);
        let mut child = self
            .command()
            .map_err(failed)?
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that stops reading says why by its status.
            let _ = stdin.write_all(self.input.as_bytes());
        }
        let group = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
        let (ended, ends) = channel::<()>();
        thread::scope(|scope| {
            let watch = scope.spawn(move || {
                let late = ends.recv_timeout(PROGRAM_WAIT) == Err(RecvTimeoutError::Timeout);
                // Its group, as what it started may hold its output open.
                let killed = late.then(|| killpg(group, Signal::SIGKILL));
                killed.is_some()
            });
            let output = child.wait_with_output().map_err(failed)?;
            drop(ended);
            if watch.join().unwrap_or_default() {
                return Err(AdapterError::Overdue {
                    event: format!("the end of {}", self.command_line()),
                    seconds: PROGRAM_WAIT.as_secs(),
                    output: texts(&output).1,
                });
            }
            Ok(output)
        })
    }

    /// The command with its environment, to be started by the caller.
    pub(super) fn command(&self) -> std::io::Result<Command> {
        let (program, arguments) = self
            .argv
            .split_first()
            .ok_or_else(|| std::io::Error::other("an empty command"))?;
        let path = find_program(program).map_err(|error: CommandError| {
            std::io::Error::new(std::io::ErrorKind::NotFound, error.to_string())
        })?;
        let mut command = Command::new(path);
        command
            .args(arguments)
            .env_clear()
            .envs([
                ("PATH", PATH),
                ("LC_ALL", "C"),
                ("HOME", Room::FOLDER),
                ("TMPDIR", "/run/tmp"),
            ])
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    pub(super) fn start_error(&self, source: std::io::Error) -> AdapterError {
        AdapterError::Start {
            command: self.command_line(),
            source,
        }
    }
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}
