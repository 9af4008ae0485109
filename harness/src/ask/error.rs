//! What breaks an asking without saying anything about the implementation.

use crate::capture::CaptureError;
use crate::lab::LabError;
use crate::probe::ProbeError;

/// The harness or the machine broke.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// A namespace cannot be entered.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// A socket of the table failed.
    #[error("in netns '{node}': {source}")]
    Probe {
        /// The node.
        node: String,
        /// What failed.
        #[source]
        source: ProbeError,
    },
    /// Frames were lost.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// A system call failed.
    #[error("{operation} in netns '{node}': {source}")]
    System {
        /// What was tried.
        operation: &'static str,
        /// The node.
        node: String,
        /// The errno.
        #[source]
        source: std::io::Error,
    },
}

impl AskError {
    /// What maps an I/O error to this.
    pub fn system<E: Into<std::io::Error>>(
        operation: &'static str,
        node: &str,
    ) -> impl Fn(E) -> Self + use<E> {
        let node = node.to_owned();
        move |source| Self::System {
            operation,
            node: node.clone(),
            source: source.into(),
        }
    }
}
