//! A daemon of an implementation: started in the lab's jail, ready when it says so, ended with its owner.

use std::time::Duration;

use super::{AdapterError, Program};
use crate::lab::Jail;
use crate::program::Attended;

/// dockerd takes 0.4 s on an idle machine. Docker 28 took 22 s with seven other jobs on each core and none of its 200 MB of
/// programs in memory yet.
const READY_WAIT: Duration = Duration::from_secs(60);

/// A running daemon. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Daemon {
    _running: Attended,
}

impl Daemon {
    /// Starts it, and waits until its log contains `ready`.
    pub(super) fn start(program: &Program, ready: &str, jail: &Jail) -> Result<Self, AdapterError> {
        let mut running = program.start(jail)?;
        if running.says(ready, READY_WAIT)? {
            let _running = running.attend()?;
            return Ok(Self { _running });
        }
        let ended = running.finish()?;
        Err(AdapterError::Failed {
            command: program.command_line(),
            status: ended.status,
            output: ended.said(),
        })
    }
}
