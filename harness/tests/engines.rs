//! Whatever kills a run while an engine is under test, the machine's tree of control groups is as it was before.
//!
//! This needs the machine's own root: engines make control groups, which no namespace holds. Everything is told from
//! other runs on this machine by the pid namespace, whose inode the names of the groups carry.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use goldpath::adapter::{Candidate, Selection};
use goldpath::lab::sandbox::{self, Entered, Options};
use libtest_mimic::{Arguments, Failed, Trial};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

/// Moments tried for each engine. A trial takes about a second.
const KILLS: u32 = 8;
/// How long a trial goes on when it has its first control group, on an idle machine.
const REST: Duration = Duration::from_millis(600);
/// When it is seen does not matter, as the kill comes at a spread moment after it; an event would ask for a watch on every
/// hierarchy of control groups.
const GROUP_POLL: Duration = Duration::from_millis(2);
/// One container on one network.
const CASE: &str = "contract/bridge/gateway-answers";
const CGROUPS: &str = "/sys/fs/cgroup";

#[expect(clippy::print_stderr, reason = "there is no report before the sandbox")]
fn main() -> ExitCode {
    let is_root = match sandbox::enter(Options::default()) {
        Ok(Entered::Finished(finished)) => return finished.code,
        Ok(Entered::Inside(sandbox)) => !sandbox.is_user_namespace,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(3);
        }
    };
    let engines = ["docker", "podman", "podman-cni"];
    let trials = engines.map(|engine| {
        let selection: Selection = engine.parse().expect("a name that goldpath knows");
        let is_here = is_root && Candidate::find(&selection).adapter.is_ok();
        Trial::test(format!("sigkill_during_a_trial_of_{engine}"), move || {
            killed(engine)
        })
        .with_ignored_flag(!is_here)
    });
    let mut arguments = Arguments::from_args();
    // Each waits for every process of this pid namespace.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

fn killed(engine: &str) -> Result<(), Failed> {
    for number in 0..KILLS {
        let mut child = run(engine).spawn()?;
        let inside = wait_for_group(&mut child)?;
        // The moment is the matter of this test; nothing is waited for.
        let moment = bounded_moment(number);
        std::thread::sleep(moment);
        kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGKILL)?;
        child.wait()?;
        wait_for_orphans()?;
        let left = groups(&inside);
        if !left.is_empty() {
            let milliseconds = moment.as_millis();
            return Err(format!("left after {milliseconds} ms: {left:#?}").into());
        }
    }
    Ok(())
}

/// Waits until the run has made a control group: nothing can be left behind before. Returns the pid namespaces inside.
fn wait_for_group(child: &mut Child) -> Result<BTreeSet<String>, Failed> {
    loop {
        let inside = pid_namespaces()?;
        if !groups(&inside).is_empty() {
            return Ok(inside);
        }
        if let Some(status) = child.try_wait()? {
            return Err(
                format!("{CASE} made no control group that is known here: {status}").into(),
            );
        }
        std::thread::sleep(GROUP_POLL);
    }
}

fn run(engine: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goldpath"));
    command
        .args(["run", CASE, "--implementation", engine])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .env("CI", "true")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// A moment of what is left of a trial, spread evenly by the golden ratio: no two attempts fall together.
fn bounded_moment(number: u32) -> Duration {
    REST.mul_f64((f64::from(number) * 0.618_033_988_749_895).fract())
}

/// Inodes of the pid namespaces below the own one.
fn pid_namespaces() -> Result<BTreeSet<String>, Failed> {
    let own = fs::read_link("/proc/self/ns/pid")?;
    let all = fs::read_dir("/proc")?.flatten();
    Ok(all
        .filter_map(|entry| fs::read_link(entry.path().join("ns/pid")).ok())
        .filter(|link| *link != own)
        .map(|link| {
            link.display()
                .to_string()
                .replace(|c: char| !c.is_ascii_digit(), "")
        })
        .collect())
}

/// Control groups that are named after one of these namespaces, with all below them.
fn groups(namespaces: &BTreeSet<String>) -> Vec<String> {
    let mut all = Vec::new();
    add_folders(Path::new(CGROUPS), &mut all);
    let named = |group: &String| {
        namespaces
            .iter()
            .any(|inode| group.contains(&format!("-{inode}-")))
    };
    all.retain(named);
    all
}

fn add_folders(folder: &Path, found: &mut Vec<String>) {
    // One that is somebody else's may go away meanwhile.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(entry.path().display().to_string());
            add_folders(&entry.path(), found);
        }
    }
}

/// This is the first process of its pid namespace: orphans come to it.
fn wait_for_orphans() -> Result<(), Errno> {
    loop {
        match waitpid(None, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) => return Ok(()),
            Err(errno) => return Err(errno),
        }
    }
}
