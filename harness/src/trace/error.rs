//! What can go wrong between the kernel's report and a verdict.

use std::io;

use crate::lab::LabError;
use crate::program::ProgramError;

/// Recording or resolving netfilter's decisions failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// A system call on a netfilter socket failed.
    #[error("cannot {operation} in node '{node}': {source}")]
    Socket {
        /// What was tried.
        operation: &'static str,
        /// The node.
        node: String,
        /// Errno.
        #[source]
        source: io::Error,
    },
    /// The kernel had to drop reports because the socket's buffer was full.
    #[error(
        "netfilter reports of node '{node}' were lost ({what}): the evidence is incomplete; drain more often or run fewer labs at once"
    )]
    Lost {
        /// The node.
        node: String,
        /// How the loss was noticed.
        what: &'static str,
    },
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
