//! The machine-readable report, and its schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::path::render;
use crate::run::{Outcome, ProbeRecord, Trial, TrialResult};

/// Version of the report's format. It grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// One run of the suite.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of goldpath.
    pub goldpath: String,
    /// Kernel release, as `uname -r`.
    pub kernel: String,
    /// How many trials ended in which way.
    pub summary: Summary,
    /// Every trial, sorted by id, implementation and back end.
    pub cases: Vec<CaseReport>,
}

/// How many trials ended in which way. Nothing is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The path is the golden one and every expectation holds.
    pub passed: usize,
    /// The implementation did otherwise.
    pub failed: usize,
    /// Failed as declared.
    pub expected_failure: usize,
    /// A required feature is not claimed.
    pub not_supported: usize,
    /// Switched off by the person who runs it.
    pub disabled: usize,
    /// The harness or the machine broke.
    pub errored: usize,
}

/// One trial.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CaseReport {
    /// The case's id, as `article/a03-forward-policy-drops-bridged-packets`.
    pub id: String,
    /// What must hold, in one sentence.
    pub title: String,
    /// RFC 2119 level: `must`, `should` or `may`.
    pub level: String,
    /// What was under test, as `recipe`.
    pub implementation: String,
    /// Its version as found on this machine; null for recipes and for what is not installed.
    pub version: Option<String>,
    /// Firewall back end, as `iptables-nft`; null where the implementation chooses its own.
    pub backend: Option<String>,
    /// Address families, as `ipv4`.
    pub families: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Claims of the article that a pass supports, as `C4`.
    pub checks: Vec<String>,
    /// Claims of the article that a pass refutes.
    pub refutes: Vec<String>,
    /// Where the requirement comes from.
    pub source: Vec<String>,
    /// Wall-clock time in milliseconds.
    pub duration_ms: f64,
    /// Why it did not pass; empty when it did.
    pub message: String,
    /// Folder with the evidence, if it was saved.
    pub evidence: Option<String>,
    /// Probes with their paths as text.
    pub paths: Vec<PathReport>,
}

/// One probe's path.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PathReport {
    /// Heading, as `c1 → 8.8.8.8  icmp echo`.
    pub probe: String,
    /// How it ended, as `answered`.
    pub fate: String,
    /// The path as the golden shows it.
    pub text: String,
}

impl Summary {
    /// Counts outcomes.
    pub fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let mut summary = Self::default();
        for outcome in outcomes {
            *summary.count(outcome) += 1;
        }
        summary
    }

    fn count(&mut self, outcome: Outcome) -> &mut usize {
        match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed => &mut self.failed,
            Outcome::ExpectedFailure => &mut self.expected_failure,
            Outcome::NotSupported => &mut self.not_supported,
            Outcome::Disabled => &mut self.disabled,
            Outcome::Errored => &mut self.errored,
        }
    }

    /// All trials.
    pub fn total(&self) -> usize {
        let Self {
            passed,
            failed,
            expected_failure,
            not_supported,
            disabled,
            errored,
        } = self;
        passed + failed + expected_failure + not_supported + disabled + errored
    }
}

/// The report's JSON schema, as checked in beside this crate.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Report);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

impl Report {
    /// The report of these trials on the running kernel.
    pub fn of(cases: Vec<CaseReport>) -> Self {
        let kernel =
            nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned());
        Self {
            schema_version: SCHEMA_VERSION,
            goldpath: env!("CARGO_PKG_VERSION").to_owned(),
            kernel: kernel.unwrap_or_default(),
            summary: Summary::of(cases.iter().map(|case| case.outcome)),
            cases,
        }
    }
}

impl CaseReport {
    /// The report of one trial.
    pub fn of(trial: &Trial, result: &TrialResult) -> Self {
        let case = &trial.case;
        let words =
            |claims: &[crate::case::Claim]| claims.iter().map(ToString::to_string).collect();
        Self {
            id: case.id.to_string(),
            title: case.title.clone(),
            level: case.level.to_string(),
            implementation: trial.implementation.as_ref().map_or_else(
                || String::from("recipe"),
                |candidate| candidate.name.clone(),
            ),
            version: trial.implementation.as_ref().and_then(|candidate| {
                let adapter = candidate.adapter.as_ref().ok()?;
                Some(adapter.implementation().version.clone())
            }),
            backend: trial
                .implementation
                .is_none()
                .then(|| trial.backend.to_string()),
            families: case.families.iter().map(ToString::to_string).collect(),
            outcome: result.outcome,
            checks: words(&case.checks),
            refutes: words(&case.refutes),
            source: case.source.clone(),
            duration_ms: result.duration.as_secs_f64() * 1_000.0,
            message: result.message.clone(),
            evidence: result
                .evidence
                .as_ref()
                .map(|path| path.display().to_string()),
            paths: result.probes.iter().map(PathReport::of).collect(),
        }
    }
}

impl PathReport {
    fn of(probe: &ProbeRecord) -> Self {
        Self {
            probe: probe.title.clone(),
            fate: probe.path.fate.to_string(),
            text: render(&probe.path),
        }
    }
}
