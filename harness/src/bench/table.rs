//! All questions of a scenario, asked at once: how long that takes beside a floor of the same packets.

use std::fmt::Write as _;
use std::path::Path;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{BenchError, Distribution};
use crate::adapter::native::Faults;
use crate::adapter::{Candidate, Selection};
use crate::case::parse;
use crate::finding::Finding;
use crate::lab::FinishedLabs;
use crate::run::{Options, Rerun, TableCost, Trial, table_cost};

/// Two networks, one of which is internal: questions that are answered, refused and blocked.
const SCENARIO: &str = r#"
title    = "A table to measure"
requires = ["bridge"]
source   = ["ci/bench"]

[network.front]
subnet = "10.77.0.0/20"

[network.back]
subnet = "10.78.0.0/20"
internal = true

[[step]]
probe  = { send = "icmp-echo", from = "c1", to = "c2" }
expect = { fate = "answered" }
"#;

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct TableResult {
    /// Containers, half of them on the second network.
    pub containers: usize,
    /// Questions asked.
    pub questions: usize,
    /// Those of them that must not be answered.
    pub unanswered: usize,
    /// Packets that asking takes, without what the kernel answers by itself.
    pub packets: usize,
    /// Times that the table was asked.
    pub rounds: usize,
    /// From the first socket to the last answer and the proof of what is lost.
    pub asked: Option<Distribution>,
    /// The same packets by raw sockets, with captures read.
    pub floor: Option<Distribution>,
    /// Median of the time of one question, in microseconds.
    pub question_us: f64,
}

/// Asks `native` the table of a scenario with so many containers, the first of which publish two ports.
pub fn table(
    containers: usize,
    rounds: usize,
    finished: &FinishedLabs,
) -> Result<TableResult, BenchError> {
    let case = parse(scenario(containers), Path::new("table.toml"), "bench/table");
    let case = case.map_err(|errors| BenchError::Scenario(format!("{errors:?}")))?;
    let native = Candidate::find(&Selection::native(&Faults::default()));
    let trials = Trial::of(&[Arc::new(case)], None, slice::from_ref(&native));
    let trial = trials.first().ok_or(BenchError::Scenario(String::new()))?;
    let words: fn(&[Finding]) -> String = |_| String::new();
    let options = Options::unsaved(Rerun::CargoTest, words);
    let cost = table_cost(trial, &options, rounds, finished)?;
    Ok(TableResult::of(containers, cost))
}

impl TableResult {
    fn of(containers: usize, cost: TableCost) -> Self {
        let middle = |mut times: Vec<Duration>| {
            times.sort_unstable();
            times
                .get(times.len() / 2)
                .map_or(0.0, Duration::as_secs_f64)
        };
        let question_us = middle(cost.asked.clone()) * 1e6 / cost.questions.max(1) as f64;
        Self {
            containers,
            questions: cost.questions,
            unanswered: cost.unanswered,
            packets: cost.packets,
            rounds: cost.asked.len(),
            question_us,
            asked: Distribution::of(cost.asked),
            floor: Distribution::of(cost.sent),
        }
    }
}

fn scenario(containers: usize) -> String {
    let mut text = SCENARIO.to_owned();
    for number in 1..=containers {
        let network = if number % 2 == 1 { "front" } else { "back" };
        let publish = match number {
            1 => "publish = [\"8080:80/tcp\", \"8053:53/udp\"]\n",
            _ => "",
        };
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n[container.c{number}]\nnetwork = \"{network}\"\n{publish}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenario_is_a_case() {
        let case = parse(scenario(3), Path::new("table.toml"), "bench/table");
        assert!(case.is_ok(), "{case:?}");
    }
}
