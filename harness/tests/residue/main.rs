//! Whatever ends a run, the machine is as it was before.
//!
//! The machine is this test's own: a user namespace with network, mount and pid namespaces of its own and empty `/tmp`,
//! `/run` and `/var/lib`. So nothing that others do at the same time disturbs the comparison, nothing has to be filtered,
//! and the kernel's count of network namespaces is exact.

mod machine;
mod start;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use goldpath::lab::sandbox::{self, Entered, Options, UserNamespace};
use libtest_mimic::{Arguments, Failed, Trial};
use nix::mount::{MsFlags, mount, umount};
use nix::sys::signal::{Signal, kill};

use machine::Machine;
use start::{HOME, bounded_moment, must, pid_of, report, start, written};

type Checked = Result<(), Failed>;

/// How many moments are tried. As many labs fit in a minute.
const KILLS: u64 = 200;
/// What the issue asks for.
const INTERRUPT_LIMIT: Duration = Duration::from_secs(1);
const CLEAN: &str =
    "nothing left behind: 0 namespaces, 0 links, 0 mounts, 0 processes, 0 cgroups, 0 files";

#[expect(clippy::print_stderr, reason = "there is no report before the sandbox")]
fn main() -> ExitCode {
    let options = Options {
        user_namespace: UserNamespace::Always,
        ..Options::default()
    };
    match sandbox::enter(options) {
        Ok(Entered::Finished(finished)) => return finished.code,
        Ok(Entered::Inside(_)) => {}
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(3);
        }
    }
    if let Err(error) = machine::furnish() {
        eprintln!("{error}");
        return ExitCode::from(3);
    }
    let trials = vec![
        Trial::test("a_leftover_is_seen", seen),
        Trial::test("a_passing_run", passing),
        Trial::test("a_failing_run", failing),
        Trial::test("a_panic_in_a_case", panic),
        Trial::test("ctrl_c_ends_within_a_second", || told(Signal::SIGINT, 130)),
        Trial::test("sigterm_ends_within_a_second", || {
            told(Signal::SIGTERM, 143)
        }),
        Trial::test("sigkill_at_random_moments", killed),
        Trial::test("a_full_disk_for_evidence", full_disk),
        Trial::test("a_closed_stdout", closed),
        Trial::test("two_runs_at_once", two),
    ];
    let mut arguments = Arguments::from_args();
    // Each compares the whole machine.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Runs `body` and compares the machine before and after.
fn unchanged(body: impl FnOnce() -> Checked) -> Checked {
    let before = Machine::read()?;
    body()?;
    machine::settle()?;
    must(
        before.differences(&Machine::read()?).join("\n"),
        String::new(),
    )
}

/// The control: what is left would be found.
fn seen() -> Checked {
    let ip = |line: &str| Command::new("ip").args(line.split(' ')).status();
    let before = Machine::read()?;
    ip("link add left type bridge")?;
    ip("address add 10.9.9.1/24 dev left")?;
    ip("link set left up")?;
    ip("rule add to 10.9.9.9 table 99")?;
    let qdisc = "qdisc add dev left root pfifo limit 5";
    Command::new("tc").args(qdisc.split(' ')).status()?;
    Command::new("nft")
        .args(["add", "table", "left"])
        .status()?;
    std::fs::write("/tmp/left", "")?;
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
    let socket = std::net::UdpSocket::bind("10.9.9.1:99")?;
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn()?;
    let differences = before.differences(&Machine::read()?);
    drop(child.stdin.take());
    child.wait()?;
    drop(socket);
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "0")?;
    std::fs::remove_file("/tmp/left")?;
    Command::new("nft")
        .args(["delete", "table", "left"])
        .status()?;
    ip("rule del to 10.9.9.9 table 99")?;
    ip("link del left")?;
    let kinds = [
        "+ link",
        "+ address",
        "+ route",
        "+ policy-rule",
        "+ qdisc",
        "+ table",
        "+ sysctl",
        "+ socket",
        "+ file",
        "+ process",
    ];
    let missing = kinds.iter().filter(|kind| {
        let found = |line: &String| line.starts_with(**kind);
        !differences.iter().any(found)
    });
    must(missing.collect::<Vec<_>>(), Vec::new())?;
    must(before.differences(&Machine::read()?), Vec::new())
}

fn passing() -> Checked {
    unchanged(|| {
        let output = start(&["a01", "a12"]).output()?;
        must(output.status.code(), Some(0))?;
        must(written(&output).lines().last(), Some(CLEAN))
    })
}

fn failing() -> Checked {
    unchanged(|| {
        let output = start(&["a01", "a12", "--golden", "/mnt/none"]).output()?;
        must(output.status.code(), Some(1))?;
        must(written(&output).lines().last(), Some(CLEAN))
    })
}

fn panic() -> Checked {
    unchanged(|| {
        let output = start(&["a01", "a12"])
            .env("GOLDPATH_TEST_PANIC", "article/a01-route-without-default")
            .output()?;
        must(output.status.code(), Some(3))?;
        let text = written(&output);
        must(text.contains("2 passed, 0 failed, 2 errored"), true)?;
        must(text.lines().last(), Some(CLEAN))
    })
}

/// A signal after the first result: the report has what had finished.
fn told(signal: Signal, code: i32) -> Checked {
    unchanged(|| {
        let json = format!("{HOME}/told.json");
        let mut child = start(&["article", "--json", &json])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let mut text = String::new();
        lines.read_line(&mut text)?;
        let since = Instant::now();
        kill(pid_of(&child), signal)?;
        lines.read_to_string(&mut text)?;
        let status = child.wait()?;
        let took = since.elapsed();
        must(status.code(), Some(code))?;
        if took >= INTERRUPT_LIMIT {
            return Err(format!("{signal} took {} ms", took.as_millis()).into());
        }
        must(text.contains(&format!("interrupted by {signal}: ")), true)?;
        // On a machine with every core taken the kernel takes longer to close than a person is made to wait.
        let end = text.lines().last().unwrap_or_default();
        must(end == CLEAN || end.starts_with("killed; "), true)?;
        machine::wait_for_orphans()?;
        must(report(&json)?.summary.passed >= 1, true)
    })
}

fn killed() -> Checked {
    let since = Instant::now();
    must(start(&["a01"]).output()?.status.code(), Some(0))?;
    let longest = since.elapsed();
    machine::settle()?;
    let before = Machine::read()?;
    for number in 0..KILLS {
        let moment = bounded_moment(number, longest);
        let mut child = start(&["a01"]).stdout(Stdio::null()).spawn()?;
        // The moment is the matter of this test; nothing is waited for.
        std::thread::sleep(moment);
        kill(pid_of(&child), Signal::SIGKILL)?;
        child.wait()?;
        machine::wait_for_orphans()?;
        machine::settle()?;
        let differences = before.differences(&Machine::read()?);
        let at = format!("killed after {} µs", moment.as_micros());
        must((at.as_str(), differences), (at.as_str(), Vec::new()))?;
    }
    Ok(())
}

fn full_disk() -> Checked {
    unchanged(|| {
        let full = format!("{HOME}/full");
        std::fs::create_dir_all(&full)?;
        let flags = MsFlags::empty();
        mount(
            Some("full"),
            full.as_str(),
            Some("tmpfs"),
            flags,
            Some("size=8k"),
        )?;
        let output = start(&["a01", "--golden", "/mnt/none", "--evidence", &full]).output();
        umount(full.as_str())?;
        let output = output?;
        must(output.status.code(), Some(1))?;
        let text = written(&output);
        must(text.contains("0 passed, 2 failed\n"), true)?;
        must(text.contains("cannot write evidence to /mnt/full"), true)
    })
}

fn closed() -> Checked {
    unchanged(|| {
        let json = format!("{HOME}/closed.json");
        let mut child = start(&["a01", "--json", &json])
            .stdout(Stdio::piped())
            .spawn()?;
        drop(child.stdout.take());
        must(child.wait()?.code(), Some(0))?;
        must(report(&json)?.summary.passed, 2)
    })
}

fn two() -> Checked {
    unchanged(|| {
        let run = || {
            start(&["article", "--jobs", "2"])
                .stdout(Stdio::piped())
                .spawn()
        };
        let (first, second) = (run()?, run()?);
        for child in [first, second] {
            let output = child.wait_with_output()?;
            let text = written(&output);
            if output.status.code() != Some(0) {
                return Err(text.into());
            }
            must(text.lines().last(), Some(CLEAN))?;
        }
        Ok(())
    })
}
