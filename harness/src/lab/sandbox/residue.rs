//! What a run left behind, as the outer process sees it from where it was started. It only reads.
//!
//! A process, and the namespaces that it is in, belong to the run if it is in the run's pid namespace: that is certain.
//! Links, mounts, cgroups and files are compared by name with what was there before, and may also be another program's
//! that was at work at the same time.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::sweeper::inode;
use crate::lab::group::run_of;

/// Folders whose entries are compared. `/tmp` and its like are everybody's: there only own names count.
const FOLDERS: [&str; 3] = ["/run", "/run/netns", "/var/lib"];
/// How everything begins that goldpath names outside its sandbox.
const OWN_PREFIX: &str = "goldpath";
const CGROUPS: &str = "/sys/fs/cgroup";

/// What a run left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Residue {
    /// Whether the kernel was done with the inner process. After a signal nobody waits for that longer than a second.
    pub is_settled: bool,
    /// Namespaces of processes that are left, as `net:[4026531840]`.
    pub namespaces: BTreeSet<String>,
    /// Links that the starting network namespace did not have before.
    pub links: BTreeSet<String>,
    /// Mounts that the starting mount namespace did not have before, as `/mnt (tmpfs)`.
    pub mounts: BTreeSet<String>,
    /// Processes of the run, as `4711 iptables`.
    pub processes: BTreeSet<String>,
    /// Cgroups below the own one that were not there before.
    pub cgroups: BTreeSet<String>,
    /// Files that were not there before.
    pub files: BTreeSet<String>,
}

impl Residue {
    fn kinds(&self) -> [(&'static str, &BTreeSet<String>); 6] {
        [
            ("namespaces", &self.namespaces),
            ("links", &self.links),
            ("mounts", &self.mounts),
            ("processes", &self.processes),
            ("cgroups", &self.cgroups),
            ("files", &self.files),
        ]
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.kinds().iter().all(|(_, found)| found.is_empty())
    }

    /// Whether something was found that can be nobody else's.
    pub fn is_certain(&self) -> bool {
        self.is_settled && !self.processes.is_empty()
    }
}

/// `nothing left behind: 0 namespaces, 0 links, …`, or what was found.
impl fmt::Display for Residue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self
            .kinds()
            .map(|(kind, found)| format!("{} {kind}", found.len()));
        let word = if !self.is_settled {
            "killed; the kernel is still closing what it held"
        } else if self.is_empty() {
            "nothing left behind"
        } else {
            "left behind, or made by another program meanwhile"
        };
        write!(f, "{word}: {}", counts.join(", "))?;
        for (kind, found) in self.kinds() {
            for one in found {
                write!(f, "\n  {kind}: {one}")?;
            }
        }
        Ok(())
    }
}

/// What was there before the run.
#[derive(Debug)]
pub(super) struct Surroundings {
    links: BTreeSet<String>,
    mounts: BTreeSet<String>,
    cgroups: BTreeSet<String>,
    files: BTreeSet<String>,
}

impl Surroundings {
    /// Reads them. What cannot be read counts as empty, before and after.
    pub(super) fn read() -> Self {
        Self {
            links: links(),
            mounts: mounts(),
            cgroups: cgroups(),
            files: files(),
        }
    }

    /// Reads them again, and looks for processes of the run's pid namespace.
    pub(super) fn residue(&self, pid_namespace: Option<&Path>) -> Residue {
        let now = Self::read();
        let new = |now: &BTreeSet<String>, before: &BTreeSet<String>| {
            now.difference(before).cloned().collect()
        };
        let mut residue = Residue {
            links: new(&now.links, &self.links),
            mounts: new(&now.mounts, &self.mounts),
            cgroups: now
                .cgroups
                .difference(&self.cgroups)
                .filter(|cgroup| !is_populated(Path::new(cgroup)))
                .filter(|cgroup| !is_of_another_run(cgroup, pid_namespace))
                .cloned()
                .collect(),
            files: new(&now.files, &self.files),
            is_settled: true,
            ..Residue::default()
        };
        if let Some(pid_namespace) = pid_namespace {
            residue.add_processes(pid_namespace);
        }
        residue
    }
}

impl Residue {
    fn add_processes(&mut self, pid_namespace: &Path) {
        for process in entries(Path::new("/proc")) {
            let link = |kind: &str| fs::read_link(process.join("ns").join(kind)).ok();
            if link("pid").as_deref() != Some(pid_namespace) {
                continue;
            }
            let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
            let number = process.file_name().unwrap_or_default().to_string_lossy();
            self.processes.insert(format!("{number} {}", name.trim()));
            let kinds = ["net", "mnt", "pid"].into_iter().filter_map(link);
            self.namespaces
                .extend(kinds.map(|path| path.display().to_string()));
        }
    }
}

fn links() -> BTreeSet<String> {
    let listed = nix::net::if_::if_nameindex();
    listed.map_or_else(
        |_| BTreeSet::new(),
        |listed| {
            listed
                .iter()
                .map(|link| link.name().to_string_lossy().into_owned())
                .collect()
        },
    )
}

/// Mount point and type of each line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)), with a number where several are
/// stacked.
fn mounts() -> BTreeSet<String> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let point = line.split(' ').nth(4).unwrap_or_default();
        let kind = line
            .split_once(" - ")
            .and_then(|(_, rest)| rest.split(' ').next());
        let name = format!("{point} ({})", kind.unwrap_or_default());
        let mut unique = name.clone();
        let mut height = 1;
        while !found.insert(unique) {
            height += 1;
            unique = format!("{name} #{height}");
        }
    }
    found
}

/// Folders below the own cgroup of each hierarchy, which is where programs that goldpath starts would make theirs.
fn cgroups() -> BTreeSet<String> {
    let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let controllers = controllers.trim_start_matches("name=");
        let path = path.trim_start_matches('/');
        // Version 2 is mounted at the top, or beside version 1.
        let mounts: &[&str] = if controllers.is_empty() {
            &["", "unified"]
        } else {
            &[controllers]
        };
        for mount in mounts {
            let root = Path::new(CGROUPS).join(mount);
            if root.join("cgroup.procs").exists() {
                add_folders(&root.join(path), &mut found);
            }
        }
    }
    found
}

/// Whether a cgroup has the name that another run of goldpath gave it.
fn is_of_another_run(cgroup: &str, pid_namespace: Option<&Path>) -> bool {
    let own = pid_namespace.map(inode);
    cgroup
        .split('/')
        .find_map(run_of)
        .is_some_and(|run| own != Some(run))
}

/// Whether a process is in a cgroup or below it. Such a one is somebody else's when every process of the run has ended,
/// and where one has not it is listed itself.
fn is_populated(cgroup: &Path) -> bool {
    // Version 2 says it in one word, version 1 doesn't.
    let events = fs::read_to_string(cgroup.join("cgroup.events")).unwrap_or_default();
    let processes = fs::read_to_string(cgroup.join("cgroup.procs")).unwrap_or_default();
    events.lines().any(|line| line == "populated 1") || !processes.trim().is_empty()
}

fn add_folders(folder: &Path, found: &mut BTreeSet<String>) {
    let Ok(listed) = fs::read_dir(folder) else {
        return;
    };
    let folders = listed
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    for entry in folders {
        add_folders(&entry.path(), found);
        found.insert(entry.path().display().to_string());
    }
}

fn files() -> BTreeSet<String> {
    let name = |path: PathBuf| path.display().to_string();
    let own = |path: &PathBuf| {
        let file = path.file_name().unwrap_or_default();
        file.to_string_lossy().starts_with(OWN_PREFIX)
    };
    let temporary = entries(&std::env::temp_dir()).into_iter().filter(own);
    FOLDERS
        .iter()
        .flat_map(|folder| entries(Path::new(folder)))
        .chain(temporary)
        .map(name)
        .collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map_or_else(
        |_| Vec::new(),
        |listed| listed.flatten().map(|entry| entry.path()).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_with_every_zero() {
        let residue = Residue {
            is_settled: true,
            ..Residue::default()
        };
        assert_eq!(
            residue.to_string(),
            "nothing left behind: 0 namespaces, 0 links, 0 mounts, 0 processes, 0 cgroups, 0 files"
        );
    }

    #[test]
    fn what_was_found_is_named() {
        let mut residue = Residue::default();
        residue.links.insert("veth7".into());
        let text = residue.to_string();
        assert!(
            text.contains(" 1 links,") && text.ends_with("\n  links: veth7"),
            "{text}"
        );
    }

    #[test]
    fn own_surroundings_hold_still() {
        let own = fs::read_link("/proc/self/ns/pid").expect("a link");
        let residue = Surroundings::read().residue(Some(&own));
        let me = format!("{} ", std::process::id());
        assert!(residue.processes.iter().any(|found| found.starts_with(&me)));
        assert!(residue.is_certain());
    }

    #[test]
    fn cgroups_of_another_run_are_not_ours() {
        let ours = Some(Path::new("pid:[4026532001]"));
        let root = "/sys/fs/cgroup/systemd";
        let is_another = |name: &str| is_of_another_run(&format!("{root}/{name}"), ours);
        assert!(is_another("goldpath-podman-4026532002-0/libpod-1"));
        assert!(!is_another("goldpath-podman-4026532001-0/libpod-1"));
        assert!(!is_another("somebody-elses"), "named, as it may be ours");
    }
}
