//! Programs that are not goldpath's own: none can hold a run up, flood it, or stay behind unseen.
//!
//! A program is looked for first, speaks plain English (`LC_ALL=C`), and is over when its first process has ended, whoever
//! still holds its output. It has a time limit, [`TIME_LIMIT`] where nobody says otherwise. Its outputs are read while it
//! runs and kept up to [`KEPT`]; the rest is counted. One that writes [`FLOOD`] is ended. It is the first process of a pid
//! namespace, so that the kernel ends whatever it has started, also what has left its session, with it.

mod command;
mod error;
mod find;
mod kept;
mod running;
mod text;
mod tree;

pub use command::{Program, quoted};
pub use error::{ProgramError, start_hint};
pub use find::{find_program, folders, no_program, system_folders};
pub use kept::Kept;
pub use running::{Attended, Ended, Running};
pub use text::{SHOWN, plain, shown, shown_within, unseen};

use std::time::Duration;

/// The slowest program seen, a `docker run` beside twenty other labs on two cores, took 8 s. One that waits for something
/// that never comes would stop the whole run.
pub const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Bytes kept of each output. The longest answer that is asked for, that to a `setup` of 1,000 containers, has 30 KiB.
pub const KEPT: usize = 1 << 20;

/// Bytes of one output after which a program is ended. No program has that much to say, and one that prints for ever
/// writes it within a second.
pub const FLOOD: u64 = 256 << 20;
