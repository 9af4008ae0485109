//! Where a trial's time went, by phase.

use std::fmt;
use std::time::{Duration, Instant};

/// A part of a trial that somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Phase {
    /// Namespaces, links, addresses, routes.
    Lab,
    /// The firewall that the article starts from.
    Firewall,
    /// Taps and trace.
    Arm,
    /// The case's own commands, and its services.
    Commands,
    /// What goes by itself after an event, as the kernel's end of a link, waited for.
    Removals,
    /// Neighbours resolved before a probe.
    Neighbours,
    /// From a probe's socket to the proof of its fate.
    Probe,
    /// Route, forwarding and conntrack tables asked about the path.
    Lookups,
    /// Rendering, judging, and the golden.
    Compare,
    /// All questions of a contract's table asked at once.
    Table,
    /// Evidence saved, and the lab ended.
    End,
}

impl Phase {
    /// All phases, in the order of a trial.
    pub const ALL: [Self; 11] = [
        Self::Lab,
        Self::Firewall,
        Self::Arm,
        Self::Commands,
        Self::Removals,
        Self::Neighbours,
        Self::Probe,
        Self::Lookups,
        Self::Compare,
        Self::Table,
        Self::End,
    ];

    /// The word for it in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Firewall => "firewall",
            Self::Arm => "arm",
            Self::Commands => "commands",
            Self::Removals => "removals",
            Self::Neighbours => "neighbours",
            Self::Probe => "probe",
            Self::Lookups => "lookups",
            Self::Compare => "compare",
            Self::Table => "table",
            Self::End => "end",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Time by phase.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timings {
    spent: [Duration; Phase::ALL.len()],
}

impl Timings {
    /// Time spent in a phase.
    pub fn of(&self, phase: Phase) -> Duration {
        self.spent[phase as usize]
    }
}

/// One line: each phase that took time, in microseconds.
impl fmt::Display for Timings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spent = Phase::ALL.map(|phase| (phase, self.of(phase)));
        let mut separator = "";
        for (phase, time) in spent.iter().filter(|(_, time)| !time.is_zero()) {
            write!(f, "{separator}{phase} {} µs", time.as_micros())?;
            separator = ", ";
        }
        Ok(())
    }
}

/// A stopwatch that runs through the phases without a gap.
#[derive(Debug)]
pub(crate) struct Clock {
    last: Instant,
    timings: Timings,
}

impl Clock {
    /// Starts it.
    pub(crate) fn start() -> Self {
        Self {
            last: Instant::now(),
            timings: Timings::default(),
        }
    }

    /// Gives the time since the last call to a phase.
    pub(super) fn lap(&mut self, phase: Phase) {
        self.lap_at(phase, Instant::now());
    }

    /// The same, of which a part belongs to another phase.
    pub(super) fn lap_but(&mut self, part: (Phase, Duration), phase: Phase) {
        let (other, part) = part;
        self.lap_at(other, self.last + part);
        self.lap(phase);
    }

    fn lap_at(&mut self, phase: Phase, now: Instant) {
        self.timings.spent[phase as usize] += now - self.last;
        self.last = now;
    }

    /// What was measured.
    pub(super) fn timings(&self) -> &Timings {
        &self.timings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_has_its_place() {
        for (position, phase) in Phase::ALL.into_iter().enumerate() {
            assert_eq!(phase as usize, position);
        }
    }

    #[test]
    fn laps_of_one_phase_add_up() {
        let mut clock = Clock::start();
        let begin = clock.last;
        clock.lap_at(Phase::Probe, begin + Duration::from_millis(2));
        clock.lap_at(Phase::End, begin + Duration::from_millis(3));
        clock.lap_at(Phase::Probe, begin + Duration::from_millis(6));
        assert_eq!(clock.timings().of(Phase::Probe), Duration::from_millis(5));
        assert_eq!(clock.timings().to_string(), "probe 5000 µs, end 1000 µs");
    }
}
