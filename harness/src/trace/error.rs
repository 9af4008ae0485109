//! What can go wrong between the kernel's report and a verdict.

use std::io;

use crate::lab::LabError;
use crate::netlink::NetlinkError;
use crate::program::ProgramError;

/// Recording or resolving netfilter's decisions failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// A netfilter socket failed, or its reports were lost.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// A sysctl could not be written.
    #[error("cannot write '{value}' to {path} in node '{node}': {source}")]
    Sysctl {
        /// File under /proc/sys.
        path: &'static str,
        /// What was written.
        value: &'static str,
        /// The node.
        node: String,
        /// Errno.
        #[source]
        source: io::Error,
    },
    /// A program that prints the ruleset could not be run to its end.
    #[error("in node '{node}': {source}")]
    Program {
        /// The node.
        node: String,
        /// Why.
        #[source]
        source: ProgramError,
    },
    /// A program that prints the ruleset failed.
    #[error("'{program}' in node '{node}' ended with {status}: {stderr}")]
    ProgramFailed {
        /// argv as a person would type it.
        program: String,
        /// The node.
        node: String,
        /// Exit status.
        status: std::process::ExitStatus,
        /// What it complained about.
        stderr: String,
    },
    /// The node's namespace cannot be entered.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// Somebody has deleted the rules that mark packets for the trace.
    #[error(
        "goldpath's table of rules is gone from node '{node}': who removes rules must leave those of others"
    )]
    Gone {
        /// The node.
        node: String,
    },
    /// A report names a rule or chain that the ruleset does not hold.
    #[error(
        "netfilter reported {what} in node '{node}', which is not in its ruleset: the rules changed between the packet and the reading"
    )]
    Unresolved {
        /// Table, chain and rule.
        what: String,
        /// The node.
        node: String,
    },
}
