//! Standard output, and whether it could be written.
//!
//! A verb goes on when its output is lost: its reports are still to be written. The loss is kept here and turns into the
//! exit code at the end.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Stdout, Write};
use std::process::ExitCode;
use std::sync::Mutex;

use super::exit::Exit;
use crate::program::plain;

/// The first error of this process's standard output.
static FAILED: Mutex<Option<io::Error>> = Mutex::new(None);

/// Standard output that remembers its first error.
#[derive(Debug)]
pub(super) struct Output(Stdout);

/// Where verbs write their results.
pub(super) fn output() -> Output {
    Output(io::stdout())
}

/// How the command ends that would end with `code`: errored, if its output was lost. Whoever closes a pipe, as `head`, has
/// read what was wanted.
pub(super) fn ended(code: ExitCode) -> ExitCode {
    // The error is remembered by `flush` itself.
    let _ = output().flush();
    let failed = FAILED.lock().ok().and_then(|mut failed| failed.take());
    match failed {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "cannot write to standard output: {error}");
            Exit::Errored.into()
        }
        _ => code,
    }
}

/// How a verb ends that has stopped because its output is lost.
#[expect(clippy::needless_pass_by_value, reason = "made for `unwrap_or_else`")]
pub(super) fn lost(error: io::Error) -> Exit {
    if error.kind() == ErrorKind::BrokenPipe {
        Exit::Success
    } else {
        Exit::Errored
    }
}

fn remembered<T>(result: io::Result<T>) -> io::Result<T> {
    if let Err(error) = &result
        && error.kind() != ErrorKind::Interrupted
        && let Ok(mut failed) = FAILED.lock()
    {
        failed.get_or_insert_with(|| {
            error
                .raw_os_error()
                .map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
        });
    }
    result
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        remembered(self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        remembered(self.0.flush())
    }

    /// goldpath itself moves no cursor, and what it shows is full of names that others chose.
    fn write_fmt(&mut self, text: Arguments<'_>) -> io::Result<()> {
        self.write_all(plain(&text.to_string()).as_bytes())
    }
}
