//! The machine-readable report of trials that ran.

use goldpath_report::{
    CaseReport, Conclusion, ImplementationReport, PathReport, Report, SCHEMA_VERSION, Summary,
};

use super::profiles::profile_reports;
use super::words::message;
use crate::files::sha256;
use crate::path::Drawing;
use crate::run::{Phase, ProbeRecord, Trial, TrialResult};

/// The report of these trials, of all `planned` ones, on the running kernel.
pub fn report(
    mut cases: Vec<CaseReport>,
    planned: &[Trial],
    implementations: Vec<ImplementationReport>,
    command: String,
    strict: bool,
) -> Report {
    let kernel =
        nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned());
    cases.sort_by_cached_key(CaseReport::trial);
    let mut planned: Vec<String> = planned.iter().map(Trial::to_string).collect();
    planned.sort();
    Report {
        schema_version: SCHEMA_VERSION,
        goldpath: env!("CARGO_PKG_VERSION").to_owned(),
        kernel: kernel.unwrap_or_default(),
        strict,
        result: Conclusion::of(&cases, planned.len(), strict),
        summary: Summary::of(&cases),
        implementations,
        commands: vec![command],
        planned,
        profiles: profile_reports(&cases, strict),
        cases,
    }
}

/// The report of one trial.
pub fn case_report(trial: &Trial, result: &TrialResult) -> CaseReport {
    let case = &trial.case;
    let words = |claims: &[crate::case::Claim]| claims.iter().map(ToString::to_string).collect();
    CaseReport {
        id: case.id.to_string(),
        title: case.title.clone(),
        level: result.level.to_string(),
        implementation: trial.implementation().map_or_else(
            || String::from("recipe"),
            |candidate| candidate.name.clone(),
        ),
        version: trial.implementation().and_then(|candidate| {
            let adapter = candidate.adapter.as_ref().ok()?;
            Some(adapter.implementation().version().to_owned())
        }),
        backend: trial.backend().map(|backend| backend.to_string()),
        families: vec![trial.family.to_string()],
        outcome: result.outcome,
        checks: words(&case.checks),
        refutes: words(&case.refutes),
        contract: case.text.to_string(),
        case_sha256: sha256(case.text.as_bytes()),
        golden_sha256: result.golden_sha256.clone(),
        source: case.source.clone(),
        duration_ms: result.duration.as_secs_f64() * 1_000.0,
        waited_ms: result.timings.of(Phase::Removals).as_secs_f64() * 1_000.0,
        message: message(&result.findings, result.evidence.as_deref(), &result.rerun),
        findings: result.findings.clone(),
        again: result.rerun.clone(),
        evidence: result
            .evidence
            .as_ref()
            .map(|path| path.display().to_string()),
        paths: result.probes.iter().map(path_report).collect(),
        answers: result.answers.clone(),
    }
}

fn path_report(probe: &ProbeRecord) -> PathReport {
    PathReport {
        probe: probe.title.clone(),
        fate: probe.path.fate.to_string(),
        text: Drawing {
            lines: probe.drawn.clone(),
        }
        .to_string(),
        lines: probe.drawn.clone(),
        path: probe.path.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{report_schema, sample};

    #[test]
    fn the_schema_that_is_checked_in_is_current() {
        let checked_in = include_str!("../../report.schema.json");
        assert!(
            checked_in == report_schema(),
            "out of date; type: target/debug/goldpath schema report > harness/report.schema.json"
        );
    }

    #[test]
    fn a_report_reads_back_as_it_was_written() -> Result<(), serde_json::Error> {
        let text = serde_json::to_string(&sample::report())?;
        let read: Report = serde_json::from_str(&text)?;
        assert_eq!(serde_json::to_string(&read)?, text);
        Ok(())
    }
}
