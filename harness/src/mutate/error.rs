//! Why there is no score.

use std::io;

use super::equivalent::EquivalentError;
use crate::finding::Finding;
use crate::run::{Outcome, StoppedRun};

/// A score could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum MutateError {
    /// Not all trials were run.
    #[error(transparent)]
    Stopped(#[from] StoppedRun),
    /// The list of equivalent mutants is malformed.
    #[error(transparent)]
    Equivalent(#[from] EquivalentError),
    /// What fails without a change proves nothing if it fails with one, too.
    #[error("{trial} is {outcome} without a change")]
    Original {
        /// The trial as it is spelled everywhere.
        trial: String,
        /// How it ended.
        outcome: Outcome,
        /// What it found.
        findings: Vec<Finding>,
    },
    /// The implementation to plant faults in is not there.
    #[error("native: {0}")]
    Native(String),
    /// No scenarios could be drawn.
    #[error("cannot draw scenarios: {0}")]
    Draw(#[source] io::Error),
}
