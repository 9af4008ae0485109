//! Where an implementation under test runs: the lab's host network namespace, and everything else its own.
//!
//! A jail is a process that does nothing: the first one of a pid namespace, with mount, UTS, IPC and cgroup namespaces of
//! its own. What runs in the jail enters them by that process, and ends with it. Of the machine's file system it sees
//! everything but what engines keep there; what it writes is on layers that end with the jail, or refused (`layer.rs`).

mod devices;
mod groups;
mod init;
mod layer;
mod sys;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use nix::sched::{CloneFlags, setns, unshare};
use rustix::process::{Signal, pidfd_send_signal};

use super::{LabError, Netns};
use crate::program::TIME_LIMIT;
pub use groups::Groups;
use init::InitProcess;
pub(super) use init::attend;
pub use layer::Layer;

/// A jail's own namespaces, beside the lab's network namespace.
const OWN: CloneFlags = CloneFlags::CLONE_NEWNS
    .union(CloneFlags::CLONE_NEWPID)
    .union(CloneFlags::CLONE_NEWUTS)
    .union(CloneFlags::CLONE_NEWIPC)
    .union(CloneFlags::CLONE_NEWCGROUP);

/// An engine starts or ends a container in 0.4 s on an idle machine.
const TIME_PER_CONTAINER: Duration = Duration::from_secs(1);

/// Where an implementation runs. Dropping it ends every process in it.
#[derive(Debug)]
pub struct Jail {
    /// Held: dropping it ends every process in the jail.
    init: InitProcess,
    /// The first process, by which others enter.
    entrance: OwnedFd,
    /// How long a program may take here.
    time: Duration,
    state_folders: Vec<&'static str>,
    layers: Vec<Layer>,
    /// Why the jail ended before its time.
    over: OnceLock<String>,
    /// Held: dropping it removes what is left of it, after the processes have ended.
    _groups: Groups,
}

/// What a jail is made of.
#[derive(Debug, Clone, Default)]
pub struct JailOptions<'a> {
    /// A tree of another system to be the root; the machine's own if none.
    pub root: Option<&'a Path>,
    /// Folders with state that is the machine's, not the lab's: leases, containers, images. The jail has empty ones.
    pub state_folders: Vec<&'static str>,
}

impl Jail {
    /// A folder of the jail that its programs may write to; nobody else sees it.
    pub const FOLDER: &'static str = "/run/goldpath";
    /// Where its programs put what is temporary (`TMPDIR`).
    pub const TEMPORARY: &'static str = "/run/tmp";

    /// Folders that only their owner reads: those of implementations' state, and those for what is temporary (FHS 3.0,
    /// `/tmp` and `/var/tmp`).
    pub fn state_folders(&self) -> impl Iterator<Item = &'static str> {
        let all = self.state_folders.iter().copied();
        all.chain([Self::FOLDER, Self::TEMPORARY, "/tmp", "/var/tmp"])
    }

    /// Where programs write, with what they have written.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Makes a jail in `host`, in which `named` namespaces are at `/run/netns/NAME`.
    ///
    /// # Errors
    /// The kernel refuses a namespace or a mount.
    pub fn open<'a>(
        host: &Netns,
        options: &JailOptions<'_>,
        named: impl IntoIterator<Item = (&'a str, &'a Netns)>,
        groups: Groups,
    ) -> Result<Self, LabError> {
        let named: Vec<(&str, &Netns)> = named.into_iter().collect();
        let (mut init, layers) = on_own_thread(|| {
            unshare(CloneFlags::CLONE_FS | OWN)
                .map_err(|e| LabError::system("unshare", "namespaces of a jail", e))?;
            setns(host, CloneFlags::CLONE_NEWNET)
                .map_err(|e| LabError::system("setns", "host", e))?;
            let init = InitProcess::start()?;
            let layers = layer::mount_all(options, &groups)?;
            for (name, netns) in &named {
                netns.bind_name(name)?;
            }
            Ok::<_, LabError>((init, layers))
        })??;
        init.go_on()?;
        Ok(Self {
            entrance: init.entrance()?,
            init,
            time: TIME_LIMIT,
            state_folders: options.state_folders.clone(),
            layers,
            over: OnceLock::new(),
            _groups: groups,
        })
    }

    /// Gives programs time for so many containers: one that starts all of them has more to do.
    #[must_use]
    pub fn with_containers(mut self, count: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.time = TIME_LIMIT + TIME_PER_CONTAINER.saturating_mul(count);
        self
    }

    /// How long a program may take here.
    pub fn time(&self) -> Duration {
        self.time
    }

    /// Runs `inside` in the jail, on a thread of its own: what it starts stays there. `/proc` is that of the jail's
    /// processes; the thread itself is not among them.
    ///
    /// # Errors
    /// The jail is over.
    pub fn run<T: Send>(&self, inside: impl FnOnce() -> T + Send) -> Result<T, LabError> {
        if let Some(why) = self.over.get() {
            return Err(LabError::Over { why: why.clone() });
        }
        on_own_thread(|| {
            // Its own root and working directory: only such a thread may change its mount namespace.
            unshare(CloneFlags::CLONE_FS)
                .map_err(|e| LabError::system("unshare", "file system", e))?;
            setns(&self.entrance, OWN | CloneFlags::CLONE_NEWNET)
                .map_err(|e| LabError::system("enter", "the jail", e))?;
            Ok(inside())
        })?
    }

    /// Whether no program runs in it: nothing but the kernel handles packets there.
    pub fn is_idle(&self) -> bool {
        self.init.is_alone()
    }

    /// Binds a namespace to its name, unless that is still there.
    ///
    /// # Errors
    /// The jail is over, or the kernel refuses the mount.
    pub fn name_again(&self, name: &str, netns: &Netns) -> Result<(), LabError> {
        self.run(|| netns.bind_name(name))?
    }

    /// Ends every process in it, and lets nothing be started there any more.
    pub fn end(&self, why: &str) {
        // The first reason is the one to tell.
        let _ = self.over.set(why.to_owned());
        let _ = pidfd_send_signal(&self.entrance, Signal::KILL);
    }

    /// Why it ended before its time, if it did.
    pub fn over(&self) -> Option<&str> {
        self.over.get().map(String::as_str)
    }

    /// Kills a process by the number that it has in the jail.
    ///
    /// # Errors
    /// There is no such process.
    pub fn kill(&self, pid: u32) -> Result<(), LabError> {
        let process = format!("/proc/{pid}");
        let opened = self.run(|| File::open(&process))?;
        let opened = opened.map_err(|e| LabError::system("open", &process, e))?;
        pidfd_send_signal(opened, Signal::KILL).map_err(|e| LabError::system("kill", process, e))
    }

    /// The network namespace of a process by the number that it has in the jail.
    ///
    /// # Errors
    /// There is no such process.
    pub fn netns_of(&self, pid: u32) -> Result<Netns, LabError> {
        let path = format!("/proc/{pid}/ns/net");
        self.run(|| Netns::open(path.as_ref()))?
    }
}

fn on_own_thread<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, LabError> {
    let done = thread::scope(|scope| scope.spawn(work).join());
    done.map_err(|_| {
        LabError::Specification("a thread in the jail of an implementation panicked".into())
    })
}
