//! A report: one run of the suite.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answers::AnswersReport;
use crate::finding::{Finding, What};
use crate::path::{Line, PacketPath};
use crate::{Conclusion, Outcome, Summary, Tool, TrialId};

/// Version of the report's format. It grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 2;

/// One run of the suite.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Report {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of goldpath, and of the suite that it carries.
    pub goldpath: String,
    /// Kernel release, as `uname -r`.
    pub kernel: String,
    /// Whether the run also fails by a recommendation that is not kept (`--strict`).
    #[serde(default)]
    pub strict: bool,
    /// The run in one word.
    pub result: Conclusion,
    /// How many trials ended in which way.
    pub summary: Summary,
    /// What was under test, with the versions of the programs that took part.
    pub implementations: Vec<ImplementationReport>,
    /// Command lines that made this report; several if it was merged.
    pub commands: Vec<String>,
    /// Every trial of the whole run by name, also those that other partitions run.
    pub planned: Vec<String>,
    /// Every trial of this run, sorted by name.
    pub cases: Vec<CaseReport>,
    /// What each profile came to, for each implementation that at least one of its cases was put to.
    #[serde(default)]
    pub profiles: Vec<ProfileReport>,
}

/// A named set of cases, put to one implementation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct ProfileReport {
    /// The profile, as `core`.
    pub name: String,
    /// The implementation, as in `implementations`.
    pub implementation: String,
    /// What it came to. A case that was skipped or not run makes it partial, also a recommendation.
    pub result: Conclusion,
    /// How many of its trials ended in which way, without provisional ones.
    pub summary: Summary,
    /// Ids of its cases that were not put to the implementation in this run.
    pub missing: Vec<String>,
    /// Ids of cases that are new in this version and were run: the result does not depend on them.
    pub provisional: Vec<String>,
}

/// Something under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct ImplementationReport {
    /// What was asked for, as `recipe` or `plugin:./mine`.
    pub name: String,
    /// The name that it gives itself, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_itself: Option<String>,
    /// Its version.
    pub version: String,
    /// What goldpath fills in, leaves out or sets otherwise in the configuration that it was given, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjusted: Vec<String>,
    /// Programs that took part.
    pub tools: Vec<Tool>,
}

/// One trial.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct CaseReport {
    /// The case's id, as `article/a03-forward-policy-drops-bridged-packets`.
    pub id: String,
    /// What must hold, in one sentence.
    pub title: String,
    /// RFC 2119 level: `must`, `should` or `may`.
    pub level: String,
    /// What was under test, as it was asked for: `recipe`, `docker`, `plugin:./mine`.
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
    /// The case file as it was run.
    pub contract: String,
    /// SHA-256 of the case file, in hexadecimal digits.
    #[serde(default)]
    pub case_sha256: String,
    /// SHA-256 of the golden file that the paths were compared with, in hexadecimal digits; null where there was none.
    #[serde(default)]
    pub golden_sha256: Option<String>,
    /// Where the requirement comes from.
    pub source: Vec<String>,
    /// Wall-clock time in milliseconds.
    pub duration_ms: f64,
    /// The part of it in which what goes by itself after an event, as the kernel's end of a link, was waited for.
    #[serde(default)]
    pub waited_ms: f64,
    /// Why it did not pass, and what must not be hidden where it did: for programs.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// The findings in words, for a person; empty where there are none. The wording may change in any version.
    pub message: String,
    /// Folder with the evidence, if it was saved.
    pub evidence: Option<String>,
    /// The command line that runs this trial alone.
    #[serde(default)]
    pub again: String,
    /// Probes with their paths as text.
    pub paths: Vec<PathReport>,
    /// What came of each question of its tables, if that was asked for (`--answers`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<AnswersReport>,
}

/// One probe's path.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct PathReport {
    /// Heading, as `c1 → 8.8.8.8  icmp echo`.
    pub probe: String,
    /// How it ended, as `answered`.
    pub fate: String,
    /// The path as the golden shows it: in a contract, by roles.
    pub text: String,
    /// The same line by line, each with what it is.
    #[serde(default)]
    pub lines: Vec<Line>,
    /// The path itself: hops with all their headers, verdicts, rewrites.
    pub path: PacketPath,
}

/// The report's JSON schema, as `goldpath schema report` prints it.
pub fn report_schema() -> String {
    let schema = schemars::schema_for!(Report);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

impl ImplementationReport {
    /// What was asked for, with the name that it gives itself where that is another one, and its version.
    pub fn title(&self) -> String {
        let Self { name, version, .. } = self;
        match &self.calls_itself {
            Some(own) => format!("{name} (calls itself {own}) {version}"),
            None => format!("{name} {version}"),
        }
    }
}

impl Report {
    /// Counts its trials again and concludes from them.
    pub fn recount(&mut self) {
        self.summary = Summary::of(&self.cases);
        self.result = Conclusion::of(&self.cases, self.planned.len(), self.strict);
    }
}

impl CaseReport {
    /// The trial's name, the same in every run.
    pub fn trial(&self) -> TrialId {
        TrialId {
            case: self.id.clone(),
            subject: self.column(),
            family: self.families.join("+"),
        }
    }

    /// Whether the case is one that a failure does not fail the run by: its level is `should` or `may`.
    pub fn is_recommendation(&self) -> bool {
        self.level != "must"
    }

    /// Whether it was not run because its engine cannot start, as another trial tells.
    pub fn is_not_run(&self) -> bool {
        let is_it =
            |finding: &Finding| matches!(finding.what, What::CannotStart { said: None, .. });
        self.findings.iter().any(is_it)
    }

    /// Whether a recommendation was not kept.
    pub fn is_not_kept(&self) -> bool {
        self.is_recommendation() && self.outcome == Outcome::Failed
    }

    /// What ran it: implementation and back end, as `recipe/iptables-nft`.
    pub fn column(&self) -> String {
        match &self.backend {
            Some(backend) => format!("{}/{backend}", self.implementation),
            None => self.implementation.clone(),
        }
    }
}
