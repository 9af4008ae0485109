//! Why a program gave no status of its own.

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use thiserror::Error;

/// A program that could not be run to its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// There is no such program here.
    #[error("'{program}' is not installed{}", cure(.package))]
    Missing {
        /// The program.
        program: String,
        /// The Debian package that has it, where known.
        package: Option<&'static str>,
    },
    /// A path that leads to no program.
    #[error("cannot run '{program}': {reason}")]
    NotAProgram {
        /// The path.
        program: String,
        /// What is there instead, and what to type where that helps.
        reason: String,
    },
    /// The command line has no first word.
    #[error("an empty command")]
    Empty,
    /// It could not be started or waited for.
    #[error("cannot {operation} {command}: {source}{}", start_hint(source))]
    System {
        /// `start`, `wait for` or `attend`.
        operation: &'static str,
        /// The command line, quoted for a shell.
        command: String,
        /// The errno.
        #[source]
        source: io::Error,
    },
    /// It was still at work when its time was over.
    #[error("{command} did not {event} within {} s and was ended{}", limit.as_secs(), said(.output))]
    Overdue {
        /// The command line, quoted for a shell.
        command: String,
        /// What it was to do, as `end`.
        event: String,
        /// Its limit.
        limit: Duration,
        /// What it wrote until then, to be shown.
        output: String,
    },
    /// It wrote without an end.
    #[error("{command} wrote more than {} MiB and was ended{}", limit >> 20, said(.output))]
    Flood {
        /// The command line, quoted for a shell.
        command: String,
        /// Bytes that one output may have.
        limit: u64,
        /// The beginning and the end of it, to be shown.
        output: String,
    },
}

/// What to look at where the kernel refuses a file that is there and may be run (execve(2)).
pub fn start_hint(error: &io::Error) -> &'static str {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOEXEC) => {
            "; a script begins with a line that names its interpreter, as #!/bin/sh"
        }
        Some(Errno::ENOENT) => "; is the interpreter there that its first line names?",
        _ => "",
    }
}

fn cure(package: &Option<&'static str>) -> String {
    package.map_or_else(String::new, |package| {
        format!("; please run: sudo apt-get install {package}")
    })
}

fn said(output: &str) -> String {
    match output.trim() {
        "" => String::from("; it wrote nothing"),
        text => format!("; it wrote:\n{text}"),
    }
}
