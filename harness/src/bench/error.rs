//! Why a measurement could not be made.

use crate::capture::CaptureError;
use crate::lab::{CommandError, LabError};
use crate::run::RunError;

/// Why a measurement could not be made. A bad result is no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// A lab could not be built.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// Its rules could not be set.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Frames were lost, which a burst is to find out.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// A probe could not be followed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A socket refused.
    #[error("cannot {operation} in node '{node}': {source}")]
    Socket {
        /// What was tried.
        operation: &'static str,
        /// The node.
        node: String,
        /// The errno.
        #[source]
        source: nix::errno::Errno,
    },
    /// The scenario of a table is no case, which is a mistake of goldpath's own.
    #[error("the scenario is no case: {0}")]
    Scenario(String),
    /// More containers than one bridge has ports.
    #[error("a bridge has at most 1023 ports, not {0}")]
    TooMany(usize),
}

impl BenchError {
    /// What maps an errno to this.
    pub(super) fn socket(
        operation: &'static str,
        node: &str,
    ) -> impl Fn(nix::errno::Errno) -> Self + use<> {
        let node = node.to_owned();
        move |source| Self::Socket {
            operation,
            node: node.clone(),
            source,
        }
    }
}
