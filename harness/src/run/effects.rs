//! What a trial leaves behind that can be read without watching it: what the probing sockets were told, and the
//! kernel's own counters. With capture and trace on or off they must be the same.

use std::time::Instant;

use super::observe::{EVIDENCE_WAIT, Watch};
use super::schedule::on_own_mounts;
use super::trial_run::TrialRun;
use super::{Options, Rerun, RunError, Trial};
use crate::case::Backend;
use crate::judge::Seen;
use crate::lab::{FinishedLabs, Lab};
use crate::path::{Answer, Sent};

/// One probe as its socket and the host's counters tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeEffect {
    /// What the kernel said to sending it.
    pub sent: Sent,
    /// What came back: for a ping its headers, for a connection whom the service saw.
    pub answer: Option<Answer>,
    /// Packets and bytes of each rule and policy of the host, and packets that each of its interfaces received.
    pub counters: Vec<String>,
}

/// Runs a trial and returns what its probes left behind, without a judgement.
///
/// Nothing tells when an unwatched probe that gets no answer has ended, so it is given the time that the counters take
/// to become those of `like`, the same trial watched; at most as long as a watched probe may stay unproven.
///
/// # Errors
/// The harness or the machine broke.
pub fn probe_effects(
    trial: &Trial,
    watch: Watch,
    like: &[ProbeEffect],
    finished: &FinishedLabs,
) -> Result<Vec<ProbeEffect>, RunError> {
    let options = Options {
        watch,
        ..Options::unsaved(Rerun::CargoTest, |_| String::new())
    };
    on_own_mounts(|| {
        let mut running = TrialRun::start(trial, &options, finished)?;
        let mut effects = Vec::new();
        for (position, step) in trial.case.steps.iter().enumerate() {
            let like = like.get(effects.len());
            if let (Watch::Nothing, Some(like)) = (watch, like) {
                let (counters, backend) = (like.counters.clone(), trial.backend());
                let answered = like.answer.is_some();
                running.observer.end_unwatched(Box::new(move |lab| {
                    Ok(!answered && read_counters(lab, backend)? == counters)
                }));
            }
            running.step(position)?;
            let evidence = running.seen.iter().rev().find_map(Seen::evidence);
            if let (Some(_), Some(evidence)) = (&step.exchange, evidence) {
                effects.push(ProbeEffect {
                    sent: evidence.sent.clone(),
                    answer: evidence.answer.clone(),
                    counters: counters_at_rest(running.lab.live(), trial.backend(), like)?,
                });
            }
        }
        running.lab.end(running.observer, finished);
        Ok(effects)
    })?
}

/// The counters once they are `like`'s or two readings agree: a TCP connection closes after its answer.
fn counters_at_rest(
    lab: &Lab,
    backend: Option<Backend>,
    like: Option<&ProbeEffect>,
) -> Result<Vec<String>, RunError> {
    let deadline = Instant::now() + EVIDENCE_WAIT;
    let mut before = Vec::new();
    loop {
        let now = read_counters(lab, backend)?;
        let at_rest = now == before || like.is_some_and(|like| now == like.counters);
        if at_rest || Instant::now() > deadline {
            return Ok(now);
        }
        before = now;
    }
}

fn read_counters(lab: &Lab, backend: Option<Backend>) -> Result<Vec<String>, RunError> {
    let run = |words: &[&str]| {
        let argv: Vec<String> = words.iter().map(ToString::to_string).collect();
        let written = lab.run("host", &argv, backend);
        written
            .map(|written| written.stdout)
            .map_err(RunError::Preparation)
    };
    let saved = run(&["iptables-save", "-c"])?;
    // Comments hold the time of day.
    let rules = saved.lines().filter(|line| !line.starts_with('#'));
    let mut counters: Vec<String> = rules.map(str::to_owned).collect();
    let links = run(&["ip", "-json", "-statistics", "link", "show"])?;
    let links: Vec<serde_json::Value> = serde_json::from_str(&links).unwrap_or_default();
    for link in links {
        let received = &link["stats64"]["rx"]["packets"];
        counters.push(format!("{} received {received}", link["ifname"]));
    }
    Ok(counters)
}
