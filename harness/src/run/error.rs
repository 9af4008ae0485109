//! What breaks a trial without saying anything about the implementation.

use nix::errno::Errno;

use crate::adapter::AdapterError;
use crate::ask::AskError;
use crate::capture::CaptureError;
use crate::golden::GoldenError;
use crate::judge::RecordingError;
use crate::lab::{CommandError, LabError};
use crate::probe::ProbeError;
use crate::trace::TraceError;

/// The harness or the machine broke: the trial is `errored`, never `failed`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A lab could not be built or read.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// A command of the case failed.
    #[error("line {line} of the case: {source}")]
    Command {
        /// Line of the case file.
        line: usize,
        /// What it said.
        source: CommandError,
    },
    /// A command of the lab's own set-up failed.
    #[error("before the first step: {0}")]
    Preparation(CommandError),
    /// The implementation under test did not make what the case intends. This is a failure of it, not of the harness.
    #[error("setup: {0}")]
    Implementation(AdapterError),
    /// A rule could not be taken away or put back.
    #[error("the rule {rule}: {source}")]
    Rule {
        /// Table, chain and text.
        rule: String,
        /// What was said.
        source: Box<CommandError>,
    },
    /// After a rule was put back, not everything is as before.
    #[error("the host is not as it was before a rule was taken away: {what}")]
    NotPutBack {
        /// What differs.
        what: String,
    },
    /// What is to be measured does not work.
    #[error("nothing was measured: not answered as intended: {question}")]
    NotMeasured {
        /// The first question that differs.
        question: String,
    },
    /// Frames were lost or a tap broke.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// Netfilter's reports were lost or not understood.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A probe could not be made.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// A table could not be asked.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A golden could not be read or written.
    #[error(transparent)]
    Golden(#[from] GoldenError),
    /// A recording could not be written.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// A service of the case broke.
    #[error("a listening service broke: {source}")]
    Service {
        /// What the kernel said.
        source: std::io::Error,
    },
    /// A service of the case could not be started.
    #[error("cannot listen on {protocol} port {port} of '{node}': {source}")]
    Listen {
        /// Node's name.
        node: String,
        /// `tcp` or `udp`.
        protocol: String,
        /// Port.
        port: u16,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// Waiting failed.
    #[error("cannot wait for evidence: {errno}")]
    Poll {
        /// What the kernel said.
        errno: Errno,
    },
    /// The kernel had no room to remember neighbours in, so that what was lost is nobody's fault.
    #[error(
        "the kernel's one table of neighbours for all namespaces was full while packets were sent, {times} times: other labs or \
         containers use it, too. Next: --jobs 1, end what else runs, or sudo sysctl net.ipv4.neigh.default.gc_thresh3=8192"
    )]
    Crowded {
        /// How often it was tried.
        times: usize,
    },
    /// The case names something that this lab has no address for.
    #[error("'{endpoint}' has no address in this lab")]
    NoAddress {
        /// As the case has it.
        endpoint: String,
    },
    /// Evidence could not be saved.
    #[error("cannot write evidence to {}: {source}", path.display())]
    Evidence {
        /// The file or folder.
        path: std::path::PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The entries of what implementations keep could not be read.
    #[error("read what implementations keep: {0}")]
    Kept(String),
    /// The thread that runs trials could not get mounts of its own.
    #[error("{0}")]
    Mounts(String),
    /// A trial panicked.
    #[error("goldpath has a defect: {0}")]
    Panic(String),
}
