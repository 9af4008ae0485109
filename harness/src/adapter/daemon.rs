//! A daemon of an implementation: started in the lab's room, ready when it says so, ended with its owner.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::{AdapterError, Program};
use crate::lab::Room;

/// dockerd takes 0.4 s on an idle machine; one with every core taken by other labs gets fifty times that.
const READY_WAIT: Duration = Duration::from_secs(20);
/// Lines of the log that an error shows.
const TOLD_LINES: usize = 12;

/// A running daemon. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    command: String,
}

impl Daemon {
    /// Starts it, and waits until a line of its log contains `ready`.
    pub(super) fn start(program: &Program, ready: &str, room: &Room) -> Result<Self, AdapterError> {
        let spawned = room.run(|| {
            let mut command = program.command()?;
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
        })?;
        let mut child = spawned.map_err(|source| program.start_error(source))?;
        let (sender, lines) = channel();
        if let Some(stderr) = child.stderr.take() {
            // It ends with the daemon, whose log it has to read to its end: a full pipe would stop the daemon.
            std::thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        let mut daemon = Self {
            child,
            command: program.command_line(),
        };
        daemon.wait_for(ready, &lines)?;
        Ok(daemon)
    }

    fn wait_for(&mut self, ready: &str, lines: &Receiver<String>) -> Result<(), AdapterError> {
        let start = Instant::now();
        let mut log: Vec<String> = Vec::new();
        loop {
            let left = READY_WAIT.saturating_sub(start.elapsed());
            match lines.recv_timeout(left) {
                Ok(line) if line.contains(ready) => return Ok(()),
                Ok(line) => log.push(line),
                Err(why) => {
                    let from = log.len().saturating_sub(TOLD_LINES);
                    let output = log[from..].join("\n");
                    return Err(match (why, self.child.wait_if_gone()) {
                        (RecvTimeoutError::Disconnected, Some(status)) => AdapterError::Failed {
                            command: self.command.clone(),
                            status,
                            output,
                        },
                        _ => AdapterError::Overdue {
                            event: format!("'{ready}' in the log of {}", self.command),
                            seconds: READY_WAIT.as_secs(),
                            output,
                        },
                    });
                }
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself, which is what is wanted here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status of a child whose log has ended.
trait WaitIfGone {
    fn wait_if_gone(&mut self) -> Option<std::process::ExitStatus>;
}

impl WaitIfGone for Child {
    fn wait_if_gone(&mut self) -> Option<std::process::ExitStatus> {
        // The log's end may come a moment before the process's own.
        self.kill().ok()?;
        self.wait().ok()
    }
}
