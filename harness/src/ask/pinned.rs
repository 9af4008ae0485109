//! A thread that stays on its processor.

use nix::sched::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;

/// Keeps the calling thread on the processor that it runs on: what it sends is queued there, in order.
pub(super) struct Pinned(Option<CpuSet>);

impl Pinned {
    pub(super) fn here() -> Self {
        let own = Pid::from_raw(0);
        let before = sched_getaffinity(own).ok();
        let mut only = CpuSet::new();
        let pinned = sched_getcpu().and_then(|cpu| {
            only.set(cpu)?;
            sched_setaffinity(own, &only)
        });
        // Where it is not allowed the order is lost, and the bound for what comes late stays.
        Self(before.filter(|_| pinned.is_ok()))
    }

    /// Whether it is so.
    pub(super) fn in_order(&self) -> bool {
        self.0.is_some()
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = sched_setaffinity(Pid::from_raw(0), before);
        }
    }
}
