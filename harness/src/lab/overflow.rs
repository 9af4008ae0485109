//! Whether the kernel's table of neighbours was full: one table for all namespaces of the machine, of 1,024 entries unless somebody
//! has changed that (`gc_thresh3`, arp(7)). Who finds it full cannot resolve a neighbour, and its packets are lost.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt as _;
use std::sync::OnceLock;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// The machine's own namespace alone shows the counters (net/core/neighbour.c, `neigh_table_init`).
const COUNTERS: &str = "/proc/net/stat/arp_cache";
/// More than the counters of 400 processors.
const MOST_BYTES: usize = 64 * 1024;

static FILE: OnceLock<File> = OnceLock::new();

/// Opens the counters for a process that is about to be started in another namespace; none if this machine does not show them.
pub(super) fn open() -> Option<OwnedFd> {
    let file = OwnedFd::from(File::open(COUNTERS).ok()?);
    fcntl(file.as_fd(), FcntlArg::F_SETFD(FdFlag::empty())).ok()?;
    Some(file)
}

/// Keeps the counters that the process before has opened.
pub(super) fn keep(descriptor: RawFd) {
    let path = format!("/proc/self/fd/{descriptor}");
    let is_it = std::fs::read_link(path).is_ok_and(|file| file.ends_with("stat/arp_cache"));
    if is_it && let Ok(file) = File::open(format!("/proc/self/fd/{descriptor}")) {
        let _ = nix::unistd::close(descriptor);
        let _ = FILE.set(file);
    }
}

/// How often the table was full since the machine started; none if that cannot be known.
pub fn overflows() -> Option<u64> {
    let mut bytes = vec![0; MOST_BYTES];
    let length = FILE.get()?.read_at(&mut bytes, 0).ok()?;
    counted(std::str::from_utf8(bytes.get(..length)?).ok()?)
}

/// The sum over all processors of the column `table_fulls`.
fn counted(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    let mut names = lines.next()?.split_whitespace();
    let column = names.position(|name| name == "table_fulls")?;
    let of = |line: &str| {
        let word = line.split_whitespace().nth(column)?;
        u64::from_str_radix(word, 16).ok()
    };
    lines.map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counters_of_all_processors_are_added() {
        let text = "entries  allocs   table_fulls\n0000020a 000c0894 0000a13f\n0000020a 000dc240 00000010\n";
        assert_eq!(counted(text), Some(0xa14f));
        assert_eq!(counted("entries  allocs\n0 0\n"), None);
        assert_eq!(counted(""), None);
    }
}
