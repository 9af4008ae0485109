//! What can go wrong while a lab is built, asked or prepared.

use std::io;

use thiserror::Error;

use crate::netlink::NetlinkError;

/// A refusal of the kernel, or a lab that cannot be built as stated.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LabError {
    /// A netlink request was refused, or its answer is not understood.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// A system call failed.
    #[error("cannot {operation} {object}: {source}")]
    System {
        /// What was tried, as `open`.
        operation: &'static str,
        /// What it was about, as a path or a node's name.
        object: String,
        /// The errno.
        #[source]
        source: io::Error,
    },
    /// The specification names something that it doesn't define, or defines it twice.
    #[error("lab specification: {0}")]
    Specification(String),
    /// The kernel lacks a part that this lab needs.
    #[error("the kernel has no {part}; please run: {cure}")]
    Missing {
        /// What is missing.
        part: &'static str,
        /// The command that brings it.
        cure: &'static str,
    },
    /// The jail of an implementation was ended before its time.
    #[error("nothing can be asked any more: {why}")]
    Over {
        /// What made it necessary.
        why: String,
    },
    /// An event that the lab waits for did not come in time.
    #[error("{event} in netns '{node}' did not happen within {seconds} s")]
    Overdue {
        /// What was waited for, as `neighbour 10.0.2.2 on eth0 resolved`.
        event: String,
        /// Where.
        node: String,
        /// The bound.
        seconds: u64,
    },
}

impl LabError {
    /// Wraps the errno of a system call.
    pub fn system(
        operation: &'static str,
        object: impl Into<String>,
        source: impl Into<io::Error>,
    ) -> Self {
        Self::System {
            operation,
            object: object.into(),
            source: source.into(),
        }
    }

    /// The errno of a refused netlink request or system call.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Netlink(error) => error.errno(),
            Self::System { source, .. } => source.raw_os_error(),
            Self::Specification(_)
            | Self::Missing { .. }
            | Self::Over { .. }
            | Self::Overdue { .. } => None,
        }
    }
}
