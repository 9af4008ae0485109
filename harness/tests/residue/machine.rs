//! The test's own machine, and the ledger of it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use goldpath::lab::Netns;
use goldpath::ledger::Ledger;
use libtest_mimic::Failed;
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::waitpid;

use super::start::HOME;

/// Everybody's folders, which are this machine's own here.
const FOLDERS: [&str; 3] = ["/tmp", "/run", "/var/lib"];
const NAMESPACES: &str = "/proc/sys/user/max_net_namespaces";
/// The kernel reaps a lab's namespaces in 20 ms each when it is alone; this bounds a machine with every core taken.
const REAPING_LIMIT: Duration = Duration::from_secs(60);
/// There is no event for a reaped namespace that the one who made it could wait for.
const REAPING_POLL: Duration = Duration::from_millis(1);

/// Copies the command to where it can stay, and empties everybody's folders.
pub(super) fn furnish() -> io::Result<()> {
    let tmpfs = |at: &str| {
        mount(
            Some("machine"),
            at,
            Some("tmpfs"),
            MsFlags::empty(),
            None::<&str>,
        )
        .map_err(io::Error::from)
    };
    tmpfs(HOME)?;
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::copy(env!("CARGO_BIN_EXE_goldpath"), format!("{HOME}/goldpath"))?;
    for folder in ["cases", "golden"] {
        let copied = Command::new("cp")
            .arg("-R")
            .arg(repository.join(folder))
            .arg(HOME)
            .status()?;
        if !copied.success() {
            return Err(io::Error::other(format!("cannot copy {folder}")));
        }
    }
    FOLDERS.into_iter().try_for_each(tmpfs)
}

/// What the machine and its network namespace hold.
pub(super) struct Machine {
    network: Ledger,
    rest: BTreeMap<&'static str, Vec<String>>,
}

impl Machine {
    pub(super) fn read() -> Result<Self, Failed> {
        let own = Netns::current()?;
        let mut files = Vec::new();
        for folder in FOLDERS {
            list(Path::new(folder), &mut files)?;
        }
        let lines = |text: String| text.lines().map(str::to_owned).collect();
        let mut processes = Vec::new();
        let mut namespaces = Vec::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.parse::<u32>().is_ok() {
                namespaces.push(net_of(&entry.path()));
                processes.push(name);
            }
        }
        namespaces.sort();
        namespaces.dedup();
        let rest = BTreeMap::from([
            ("file", files),
            ("mount", lines(fs::read_to_string("/proc/self/mountinfo")?)),
            ("process", processes),
            ("network namespace", namespaces),
            ("cgroup", cgroups()?),
        ]);
        Ok(Self {
            network: Ledger::read(&own)?,
            rest,
        })
    }

    /// What differs, a line each.
    pub(super) fn differences(&self, after: &Self) -> Vec<String> {
        let differences = self.network.diff(&after.network);
        let mut lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
        for (kind, before) in &self.rest {
            let now = &after.rest[kind];
            let gone = before.iter().filter(|one| !now.contains(one));
            let new = now.iter().filter(|one| !before.contains(one));
            lines.extend(gone.map(|one| format!("- {kind} {one}")));
            lines.extend(new.map(|one| format!("+ {kind} {one}")));
        }
        lines
    }
}

fn net_of(process: &Path) -> String {
    let link = fs::read_link(process.join("ns/net")).unwrap_or_default();
    link.display().to_string()
}

fn list(folder: &Path, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        found.push(entry.path().display().to_string());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), found)?;
        }
    }
    Ok(())
}

/// Cgroups below the own one, where the command would make its. Where that is the root they may be anybody's: then those
/// with a process of this pid namespace (others are listed as 0).
fn cgroups() -> io::Result<Vec<String>> {
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let mut all = Vec::new();
    for line in own.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next(), fields.next().unwrap_or("/"));
        let controllers = controllers.unwrap_or_default().trim_start_matches("name=");
        let hierarchy = Path::new("/sys/fs/cgroup").join(controllers);
        let mut found = Vec::new();
        list_folders(&hierarchy.join(path.trim_start_matches('/')), &mut found);
        found.retain(|folder| path != "/" || has_own_process(folder));
        all.extend(found);
    }
    Ok(all)
}

fn has_own_process(cgroup: &str) -> bool {
    let text = fs::read_to_string(Path::new(cgroup).join("cgroup.procs")).unwrap_or_default();
    text.lines().any(|pid| pid != "0")
}

fn list_folders(folder: &Path, found: &mut Vec<String>) {
    // One that is somebody else's may go away meanwhile.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(entry.path().display().to_string());
            list_folders(&entry.path(), found);
        }
    }
}

/// Waits until every descendant has ended. This is the first process of its pid namespace: orphans come to it.
pub(super) fn wait_for_orphans() -> Result<(), Failed> {
    loop {
        match waitpid(None, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Waits until this user namespace has no network namespace but the own one: then there is room for one more.
pub(super) fn settle() -> Result<(), Failed> {
    let usual = fs::read_to_string(NAMESPACES)?;
    fs::write(NAMESPACES, "2")?;
    let since = Instant::now();
    let settled = loop {
        let made = thread::spawn(|| unshare(CloneFlags::CLONE_NEWNET)).join();
        match made {
            Ok(Ok(())) => break Ok(()),
            Ok(Err(Errno::ENOSPC)) if since.elapsed() < REAPING_LIMIT => {
                thread::sleep(REAPING_POLL);
            }
            Ok(Err(Errno::ENOSPC)) => {
                break Err(Failed::from(
                    "network namespaces are still held by somebody",
                ));
            }
            Ok(Err(errno)) => break Err(errno.into()),
            Err(_) => break Err(Failed::from("a thread panicked")),
        }
    };
    fs::write(NAMESPACES, usual.trim())?;
    settled
}
