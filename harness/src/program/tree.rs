//! Where a program's processes live, which decides what ends with it.

use std::fs::File;
use std::io;
use std::process::{Child, Command};

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};

/// The calling thread's pid namespace, which it does not leave.
const OWN: &str = "/proc/thread-self/ns/pid";

/// What a program's processes are in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Tree {
    /// A pid namespace whose first process is the program: it ends with it.
    #[default]
    Own,
    /// The one that the calling thread's children get.
    Shared,
}

impl Tree {
    /// Starts the command.
    pub(super) fn spawn(self, command: &mut Command) -> io::Result<Child> {
        if self == Self::Shared {
            return command.spawn();
        }
        let own = File::open(OWN)?;
        match unshare(CloneFlags::CLONE_NEWPID) {
            Ok(()) => {}
            // Outside the sandbox, where only versions are asked for, nobody may make one.
            Err(Errno::EPERM) => return command.spawn(),
            Err(errno) => return Err(errno.into()),
        }
        let spawned = command.spawn();
        // The next child would be born into a namespace that has ended.
        setns(own, CloneFlags::CLONE_NEWPID)?;
        spawned
    }
}
