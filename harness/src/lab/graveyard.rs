//! Where finished labs rest until the run ends, since their end is dear and nobody waits for it.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::Lab;
use crate::capture::Tap;

/// A lab takes about 1.2 MB of kernel memory: 300 MB at most. Beyond that the oldest are let go; the kernel reaps their
/// namespaces one after another, about 20 ms each under a lock that the next labs need too.
const KEPT_LABS: usize = 256;

/// Closing a capture socket waits for an RCU grace period or two (8 to 16 ms), and many can wait for the same one.
const CLOSERS: usize = 8;

/// Keeps dead labs, and closes captures off the path. Dropping it waits for what is still being closed.
#[derive(Debug)]
pub struct Graveyard {
    labs: Mutex<VecDeque<Lab>>,
    taps: Option<Sender<Tap>>,
    closers: Vec<JoinHandle<()>>,
}

impl Graveyard {
    /// Opens an empty one, with the threads that close captures.
    pub fn open() -> std::io::Result<Self> {
        let (taps, waiting) = channel();
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
            taps: Some(taps),
            closers,
        })
    }

    /// Takes a finished lab.
    pub fn bury(&self, lab: Lab) {
        let oldest = {
            let mut labs = self.labs.lock().unwrap_or_else(PoisonError::into_inner);
            labs.push_back(lab);
            if labs.len() > KEPT_LABS {
                labs.pop_front()
            } else {
                None
            }
        };
        drop(oldest);
    }

    /// Takes a finished capture.
    pub fn bury_tap(&self, tap: Tap) {
        if let Some(taps) = &self.taps {
            // Without a closer the message comes back, and is closed here.
            let _ = taps.send(tap);
        }
    }

    /// How many labs rest here.
    pub fn labs(&self) -> usize {
        self.labs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}

impl Drop for Graveyard {
    fn drop(&mut self) {
        self.taps = None;
        for closer in self.closers.drain(..) {
            // A closer does nothing that could panic.
            let _ = closer.join();
        }
    }
}

fn close(waiting: &Mutex<Receiver<Tap>>) {
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        match next {
            Ok(tap) => drop(tap),
            Err(_) => return,
        }
    }
}
