//! A program at work: its input written, its outputs read, its end awaited, all at once on one thread.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, ChildStdin, ExitStatus};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

use super::{FLOOD, Kept, Program, ProgramError, plain, shown};

/// Bytes read at a time: what a pipe holds.
const PIPE: usize = 64 << 10;
/// Characters of a version: the longest that an engine gives has less than half.
const VERSION_LENGTH: usize = 200;

/// How a program ended, and what it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Kept,
    /// Its standard error.
    pub stderr: Kept,
}

impl Ended {
    /// Both outputs, complaints first, to be shown.
    pub fn said(&self) -> String {
        both(&self.stdout, &self.stderr)
    }

    /// The first line of its standard output, as a version is asked for, to be shown.
    pub fn first_line(&self) -> String {
        let text = self.stdout.text();
        let line = text.lines().next().unwrap_or_default().trim();
        plain(line).chars().take(VERSION_LENGTH).collect()
    }
}

fn both(stdout: &Kept, stderr: &Kept) -> String {
    let texts = [stderr, stdout].map(|kept| shown(&kept.text()));
    let texts = texts.into_iter().filter(|text| !text.is_empty());
    texts.collect::<Vec<_>>().join("\n")
}

/// A program at work. Dropping it ends it.
#[derive(Debug)]
pub struct Running {
    command: String,
    child: Child,
    /// Readable when the first process has ended.
    end: OwnedFd,
    input: Input,
    outputs: [Output; 2],
    limit: Duration,
    deadline: Instant,
}

#[derive(Debug)]
struct Input {
    pipe: Option<ChildStdin>,
    text: Vec<u8>,
    written: usize,
}

#[derive(Debug)]
struct Output {
    /// None when nobody can write to it any more.
    pipe: Option<OwnedFd>,
    kept: Kept,
}

impl Running {
    pub(super) fn start(program: &Program) -> Result<Self, ProgramError> {
        let mut command = program.command()?;
        let line = program.command_line();
        let failed = |source: io::Error| ProgramError::System {
            operation: "start",
            command: line.clone(),
            source,
        };
        let mut child = program.tree.spawn(&mut command).map_err(failed)?;
        let stdout = child.stdout.take().map(OwnedFd::from);
        let stderr = child.stderr.take().map(OwnedFd::from);
        let input = Input {
            pipe: child.stdin.take(),
            text: program.input.clone().into_bytes(),
            written: 0,
        };
        let output = |pipe| Output {
            pipe,
            kept: Kept::up_to(program.kept),
        };
        let outputs = [output(stdout), output(stderr)];
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let opened = pid
            .ok_or(rustix::io::Errno::SRCH)
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()));
        let end = match opened {
            Ok(end) => end,
            Err(errno) => {
                end_now(&mut child);
                return Err(failed(errno.into()));
            }
        };
        let running = Self {
            command: line.clone(),
            child,
            end,
            input,
            outputs,
            limit: program.time,
            deadline: Instant::now() + program.time,
        };
        running.unblock().map_err(failed)?;
        Ok(running)
    }

    /// No pipe may make this side wait: the program could wait for it in turn.
    fn unblock(&self) -> io::Result<()> {
        let outputs = self
            .outputs
            .iter()
            .filter_map(|output| output.pipe.as_ref());
        let ends = outputs.map(AsFd::as_fd);
        for end in ends.chain(self.input.pipe.as_ref().map(AsFd::as_fd)) {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(())
    }

    /// Waits for its end, or brings it about.
    ///
    /// # Errors
    /// Its time was over, or it wrote without an end.
    pub fn finish(mut self) -> Result<Ended, ProgramError> {
        while !self.goes_on_until(self.deadline, "end", self.limit)? {}
        let status = self.child.wait().map_err(|e| self.failed("wait for", e))?;
        let [stdout, stderr] = std::mem::take(&mut self.outputs).map(|one| one.kept);
        Ok(Ended {
            status,
            stdout,
            stderr,
        })
    }

    /// Waits until it has written `words`, as a daemon that is ready does. Returns whether it has; if not, it has ended.
    ///
    /// # Errors
    /// It wrote something else for longer than `limit`, or without an end.
    pub fn says(&mut self, words: &str, limit: Duration) -> Result<bool, ProgramError> {
        let deadline = Instant::now() + limit;
        let event = format!("say '{words}'");
        loop {
            let has_ended = self.goes_on_until(deadline, &event, limit)?;
            let mut texts = self.outputs.iter().map(|one| one.kept.text());
            let has_said = texts.any(|text| text.contains(words));
            if has_said || has_ended {
                return Ok(has_said);
            }
        }
    }

    /// Reads on, on a thread of its own, for as long as the program lives.
    ///
    /// # Errors
    /// There is no thread or descriptor for it.
    pub fn attend(mut self) -> Result<Attended, ProgramError> {
        let end = self.end.try_clone().map_err(|e| self.failed("attend", e))?;
        let command = self.command.clone();
        let thread = thread::Builder::new()
            .name("attendant".into())
            // Nobody is told of a failure: what it was read for is over.
            .spawn(move || while let Ok(false) = self.exchange(Duration::MAX) {});
        let thread = thread.map_err(|source| ProgramError::System {
            operation: "attend",
            command,
            source,
        })?;
        Ok(Attended {
            end,
            thread: Some(thread),
        })
    }

    /// Does what can be done next. Returns whether the program has ended; one that does not until `deadline`, or writes
    /// without an end, is ended here.
    fn goes_on_until(
        &mut self,
        deadline: Instant,
        event: &str,
        limit: Duration,
    ) -> Result<bool, ProgramError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let is_flood = self.outputs.iter().any(|one| one.kept.written() > FLOOD);
        if !left.is_zero() && !is_flood {
            return self.exchange(left).map_err(|e| self.failed("wait for", e));
        }
        end_now(&mut self.child);
        let command = self.command.clone();
        let output = both(&self.outputs[0].kept, &self.outputs[1].kept);
        Err(if is_flood {
            ProgramError::Flood {
                command,
                limit: FLOOD,
                output,
            }
        } else {
            ProgramError::Overdue {
                command,
                event: event.to_owned(),
                limit,
                output,
            }
        })
    }

    fn failed(&self, operation: &'static str, source: io::Error) -> ProgramError {
        ProgramError::System {
            operation,
            command: self.command.clone(),
            source,
        }
    }

    /// Waits until something can be done, and does it. Returns whether the first process has ended; then everything that
    /// it has written is read.
    fn exchange(&mut self, longest: Duration) -> io::Result<bool> {
        // Rounded up, so that the last wait does not end before its time again and again.
        let timeout = PollTimeout::try_from(longest.as_millis() + 1).unwrap_or(PollTimeout::MAX);
        let mut waiting = vec![PollFd::new(self.end.as_fd(), PollFlags::POLLIN)];
        let pipes = self.outputs.iter().filter_map(|one| one.pipe.as_ref());
        waiting.extend(pipes.map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN)));
        let input = self.input.pipe.as_ref();
        waiting.extend(input.map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLOUT)));
        match poll(&mut waiting, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let has_ended = waiting[0].any() == Some(true);
        self.input.write()?;
        for output in &mut self.outputs {
            output.read(has_ended)?;
        }
        Ok(has_ended)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end_now(&mut self.child);
    }
}

/// A program at work whose outputs are read, and that nobody waits for. Dropping it ends it.
#[derive(Debug)]
pub struct Attended {
    end: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Attended {
    fn drop(&mut self) {
        // It may have ended by itself, which is as well.
        let _ = pidfd_send_signal(&self.end, rustix::process::Signal::KILL);
        // It does nothing that could panic.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Default for Output {
    fn default() -> Self {
        Self {
            pipe: None,
            kept: Kept::up_to(0),
        }
    }
}

impl Input {
    /// Writes as much as the pipe takes, and closes it after the last byte.
    fn write(&mut self) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else {
            return Ok(());
        };
        match pipe.write(&self.text[self.written..]) {
            Ok(count) => self.written += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            // A program that stops reading says why by its status.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.pipe = None,
            Err(error) => return Err(error),
        }
        if self.written == self.text.len() {
            self.pipe = None;
        }
        Ok(())
    }
}

impl Output {
    /// Reads what is there, once; to its end if the writer has ended. What the writer has left behind may go on writing,
    /// and so no more is read than a pipe can hold.
    fn read(&mut self, has_ended: bool) -> io::Result<()> {
        let Some(pipe) = &self.pipe else {
            return Ok(());
        };
        let mut left = if has_ended { capacity(pipe.as_fd()) } else { 1 };
        let mut buffer = [0; PIPE];
        while left > 0 {
            match rustix::io::read(pipe, &mut buffer) {
                Ok(0) => {
                    self.pipe = None;
                    break;
                }
                Ok(count) => {
                    self.kept.push(&buffer[..count]);
                    left = left.saturating_sub(count);
                }
                Err(rustix::io::Errno::AGAIN) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }
}

fn capacity(pipe: BorrowedFd<'_>) -> usize {
    let size = fcntl(pipe, FcntlArg::F_GETPIPE_SZ);
    size.ok()
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(PIPE)
}

/// Ends a program and waits for its end. It may have ended by itself, which is as well.
fn end_now(child: &mut Child) {
    if let Ok(None) = child.try_wait() {
        let group = i32::try_from(child.id()).unwrap_or(i32::MAX);
        let _ = killpg(nix::unistd::Pid::from_raw(group), Signal::SIGKILL);
        let _ = child.kill();
        let _ = child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        Program::new(["sh", "-c", script])
    }

    #[test]
    fn both_outputs_and_the_status_come_back() {
        let ended = shell("echo out; echo err >&2; exit 7").run().expect("ran");
        assert_eq!(ended.status.code(), Some(7));
        assert_eq!(ended.stdout.whole().as_deref(), Some("out\n"));
        assert_eq!(ended.said(), "err\nout");
    }

    #[test]
    fn who_keeps_the_output_open_is_not_waited_for() {
        for program in [
            shell("sleep 1000 & echo done"),
            shell("setsid sleep 1000 & echo done"),
        ] {
            let ended = program.run().expect("an end");
            assert_eq!(ended.stdout.whole().as_deref(), Some("done\n"));
        }
    }

    #[test]
    fn input_that_nobody_reads_stops_nothing() {
        let ended = shell("exit 3")
            .input("x".repeat(1 << 20))
            .run()
            .expect("an end");
        assert_eq!(ended.status.code(), Some(3));
    }

    #[test]
    fn a_program_that_neither_reads_nor_ends_is_ended() {
        let sleeper = shell("sleep 1000").within(Duration::from_millis(50));
        let error = sleeper.input("x".repeat(1 << 20)).run().expect_err("ended");
        assert!(matches!(&error, ProgramError::Overdue { .. }), "{error}");
    }

    #[test]
    fn a_program_may_write_much_before_it_reads() {
        let script = "head -c 300000 /dev/zero; wc -c";
        let ended = shell(script)
            .input("x".repeat(1 << 20))
            .run()
            .expect("an end");
        assert_eq!(ended.stdout.written(), 300_000 + "1048576\n".len() as u64);
    }

    #[test]
    fn of_a_long_output_the_ends_are_kept() {
        let script = "echo first; head -c 100000000 /dev/zero; echo last";
        let kept = shell(script).run().expect("an end").stdout;
        assert_eq!(kept.written(), 100_000_000 + "first\nlast\n".len() as u64);
        assert_eq!(kept.cut(), kept.written() - super::super::KEPT as u64);
        assert!(kept.text().starts_with("first\n") && kept.text().ends_with("last\n"));
        assert!(shown(&kept.text()).len() < super::super::SHOWN + 64);
    }

    #[test]
    fn a_program_that_prints_for_ever_is_ended() {
        let error = shell("yes").run().expect_err("ended");
        assert!(matches!(&error, ProgramError::Flood { .. }), "{error}");
        assert!(
            error
                .to_string()
                .starts_with("sh -c yes wrote more than 256 MiB and was ended")
        );
    }

    #[test]
    fn a_daemon_is_ready_when_it_says_so() {
        let mut ready = shell("echo starting; echo ready; sleep 1000")
            .start()
            .expect("started");
        assert!(ready.says("ready", Duration::from_secs(60)).expect("words"));
        drop(ready.attend().expect("attended"));
        let mut broken = shell("echo no; exit 1").start().expect("started");
        assert!(
            !broken
                .says("ready", Duration::from_secs(60))
                .expect("an end")
        );
        let ended = broken.finish().expect("an end");
        assert_eq!(
            (ended.status.code(), ended.said()),
            (Some(1), String::from("no"))
        );
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let program = shell("echo before; sleep 1000").within(Duration::from_millis(50));
        let error = program.run().expect_err("ended");
        assert!(matches!(&error, ProgramError::Overdue { .. }), "{error}");
    }
}
