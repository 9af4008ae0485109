//! Why an implementation could not be asked, or refused.

use std::io;
use std::process::ExitStatus;

use thiserror::Error;

use crate::lab::LabError;
use crate::program::{ProgramError, shown, start_hint};

/// What an implementation said no to, or did not say at all.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AdapterError {
    /// A program of the implementation failed.
    #[error("{command}: {status}{}", said(.output))]
    Failed {
        /// The command line, quoted for a shell.
        command: String,
        /// Exit code or signal.
        status: ExitStatus,
        /// What it wrote, complaints first.
        output: String,
    },
    /// A program could not be started or talked to.
    #[error("cannot start {command}: {source}{}", start_hint(source))]
    Start {
        /// The command line, quoted for a shell.
        command: String,
        /// The errno.
        #[source]
        source: io::Error,
    },
    /// An answer does not have the form that its protocol asks for.
    #[error("the answer to {question}: {reason}")]
    Answer {
        /// What was asked, as `setup` or `docker network create`.
        question: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The implementation says that it failed.
    #[error("{question}: {}", words(.message))]
    Refused {
        /// What it was asked for.
        question: String,
        /// Its own words.
        message: String,
    },
    /// A file of the implementation could not be written or read.
    #[error("cannot {operation} {path}: {source}")]
    File {
        /// `write` or `read`.
        operation: &'static str,
        /// Which.
        path: String,
        /// The errno.
        #[source]
        source: io::Error,
    },
    /// After set-up something is not there.
    #[error("after setup: {0}")]
    NotRealised(String),
    /// A program of the implementation is not there, or could not be run to its end.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The lab refused.
    #[error(transparent)]
    Lab(#[from] LabError),
}

impl AdapterError {
    /// An answer that cannot be read.
    pub(super) fn unread(
        question: impl Into<String>,
        error: &serde_json::Error,
        answer: &str,
    ) -> Self {
        let reason = match answer.trim() {
            "" => {
                String::from("it wrote nothing to its standard output; one JSON object is expected")
            }
            text => format!("{}; it wrote: {}", shown(&error.to_string()), shown(text)),
        };
        Self::Answer {
            question: question.into(),
            reason,
        }
    }
}

fn words(message: &str) -> &str {
    match message.trim() {
        "" => "it refused and gave no reason (an empty error)",
        words => words,
    }
}

fn said(output: &str) -> String {
    match output.trim() {
        "" => String::from(", and it wrote nothing"),
        text => format!("\n{text}"),
    }
}
