//! Finished labs, kept until the run ends: to take one down costs more than to keep it, and nobody waits for it.

use std::fs;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use nix::sys::resource::{Resource, getrlimit};

use super::{Lab, LiveNode, Netns};

/// What a finished lab takes of the kernel's memory: 300 KB for each of six namespaces, rounded up.
const LAB_BYTES: u64 = 2 << 20;
/// The part of the available memory that finished labs may take, as a divisor.
const MEMORY_SHARE: u64 = 8;
/// Where the available memory cannot be read: 300 MB.
const FEWEST_LABS: u64 = 150;
/// Descriptors that a finished lab keeps, one for each namespace, rounded up; living ones need their share too.
const LAB_DESCRIPTORS: u64 = 16;

/// Closing a capture socket or a mount namespace waits for an RCU grace period or two (8 to 16 ms), and many can wait for the
/// same one.
const CLOSERS: usize = 8;

/// Keeps finished labs, and drops on threads of its own what takes long to drop. Dropping it waits for what is still being closed.
#[derive(Debug)]
pub struct FinishedLabs {
    /// The namespaces of each lab.
    labs: Mutex<Vec<Vec<Netns>>>,
    /// How many labs are kept at most.
    limit: usize,
    to_close: Option<Sender<ToClose>>,
    closers: Vec<JoinHandle<()>>,
}

/// What the closers close, by dropping it.
type ToClose = Box<dyn Send>;

impl FinishedLabs {
    /// Opens an empty one, with the threads that close what it takes.
    pub fn open() -> std::io::Result<Self> {
        let (to_close, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let closers = (0..CLOSERS)
            .map(|_| {
                let waiting = Arc::clone(&waiting);
                thread::Builder::new()
                    .name("closer".into())
                    .spawn(move || close(&waiting))
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Self {
            labs: Mutex::default(),
            limit: limit(),
            to_close: Some(to_close),
            closers,
        })
    }

    /// Takes a finished lab. Its sockets are closed; only what its namespaces are held by stays open, since every
    /// program that a run starts inherits and closes all descriptors.
    ///
    /// When there are too many, the older half is closed at once: the kernel reaps in batches, and a batch of a
    /// thousand namespaces holds the lock that the next labs need hardly longer than a batch of six.
    pub fn keep(&self, lab: Lab) {
        let (mut namespaces, mut sockets) = (Vec::new(), Vec::new());
        for LiveNode {
            netns,
            socket,
            netfilter,
        } in lab.nodes.into_values()
        {
            namespaces.push(netns);
            let socket = socket.into_inner().unwrap_or_else(PoisonError::into_inner);
            sockets.push((socket, netfilter));
        }
        self.close(sockets);
        let oldest: Vec<_> = {
            let mut labs = self.labs.lock().unwrap_or_else(PoisonError::into_inner);
            labs.push(namespaces);
            let many = if labs.len() > self.limit {
                labs.len() / 2
            } else {
                0
            };
            labs.drain(..many).collect()
        };
        if !oldest.is_empty() {
            self.close(oldest);
        }
    }

    /// Takes what takes long to drop, as a finished capture: a closer drops it.
    pub fn close(&self, finished: impl Send + 'static) {
        if let Some(closers) = &self.to_close {
            // Without a closer the message comes back, and is closed here.
            let _ = closers.send(Box::new(finished));
        }
    }

    /// How many labs are kept.
    pub fn labs(&self) -> usize {
        self.labs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}

impl Drop for FinishedLabs {
    fn drop(&mut self) {
        self.to_close = None;
        for closer in self.closers.drain(..) {
            // A closer does nothing that could panic.
            let _ = closer.join();
        }
    }
}

fn close(waiting: &Mutex<Receiver<ToClose>>) {
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        match next {
            Ok(finished) => drop(finished),
            Err(_) => return,
        }
    }
}

/// How many finished labs the machine can keep.
fn limit() -> usize {
    let available = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| available(&text));
    let by_memory = available.map_or(FEWEST_LABS, |bytes| bytes / MEMORY_SHARE / LAB_BYTES);
    let descriptors = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
    let limit = by_memory.min(descriptors / LAB_DESCRIPTORS).max(1);
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// `MemAvailable` in bytes (proc_meminfo(5)).
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_available_memory_is_read() {
        let text = "MemTotal:       24684084 kB\nMemAvailable:   23288376 kB\n";
        assert_eq!(available(text), Some(23_288_376 << 10));
        assert_eq!(available("MemTotal: 1 kB\n"), None);
    }
}
