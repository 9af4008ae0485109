//! A trial as it was seen, saved and read back: whatever its judgement needs.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Known;
use crate::finding::{CellDifference, Defect, Finding, What};
use crate::path::{Cause, Evidence};
use crate::plan::Roles;

/// A trial as it was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// Version of this format.
    pub version: u32,
    /// Version of goldpath that saved it.
    pub goldpath: String,
    /// The trial's name.
    pub trial: String,
    /// The case file's text as it was run.
    pub case: String,
    /// The known defect because of which the trial was expected to fail, if there was one.
    pub defect: Option<Defect>,
    /// What the trial found before its network was undone.
    pub findings: Vec<Finding>,
    /// What was seen, in order.
    pub seen: Vec<Seen>,
}

/// One thing that was seen. A `step` is its position in the case, from 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// What came of a step's change.
    Change {
        /// The step.
        step: usize,
        /// What is wrong with it.
        wrong: Vec<What>,
        /// What is worth telling.
        told: Vec<What>,
    },
    /// A node's routes, in the words of `ip route`.
    Routes {
        /// The step.
        step: usize,
        /// Whose: a position in the step's list.
        list: usize,
        /// The routes.
        are: Vec<String>,
    },
    /// A node's interfaces.
    Interfaces {
        /// The step.
        step: usize,
        /// Whose: a position in the step's list.
        list: usize,
        /// Their names.
        are: Vec<String>,
    },
    /// Whether the nodes that must share a namespace do.
    Namespaces {
        /// The step.
        step: usize,
        /// Whether they do.
        shared: bool,
    },
    /// A step's probe.
    Probe(Box<ProbeSeen>),
    /// What the lab still answered about the last probe, which went wrong.
    Causes {
        /// The causes.
        causes: Vec<Cause>,
        /// Why the lab could not be asked, if so.
        unread: Option<String>,
    },
    /// A question of a table that was answered otherwise than the intent says.
    Cell(Box<CellSeen>),
    /// The implementation said no to a step.
    Refused {
        /// In its words.
        said: String,
    },
    /// The harness or the machine broke.
    Broken {
        /// How.
        said: String,
    },
}

/// A step's probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeSeen {
    /// The step.
    pub step: usize,
    /// What was recorded of it.
    pub evidence: Evidence,
    /// What the step's words meant.
    pub known: Known,
    /// Who was who, in a contract.
    pub roles: Roles,
}

/// A question of a table, asked once more alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellSeen {
    /// How the answer differs; its path is drawn anew.
    pub difference: CellDifference,
    /// What was recorded of the question; none of a declared defect, which is not asked about again.
    pub evidence: Option<Evidence>,
}

impl Seen {
    /// What was recorded of a probe, if this is one.
    pub fn evidence(&self) -> Option<&Evidence> {
        match self {
            Self::Probe(probe) => Some(&probe.evidence),
            Self::Cell(cell) => cell.evidence.as_ref(),
            _ => None,
        }
    }
}

/// Why evidence cannot be played again.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be read or written.
    #[error("cannot {operation} {path}: {source}")]
    File {
        /// `read` or `write`.
        operation: &'static str,
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It is of another version.
    #[error(
        "{path} is evidence of format version {found}, and this goldpath reads {wanted}: run the trial again, its folder has again.sh",
        wanted = Recording::VERSION
    )]
    Version {
        /// The file.
        path: String,
        /// Its version.
        found: u64,
    },
    /// It is not of the format.
    #[error("{path} is no evidence of a trial: {source}")]
    Format {
        /// The file.
        path: String,
        /// Where it isn't.
        source: serde_json::Error,
    },
}

impl Recording {
    /// The version that this goldpath writes and reads.
    pub const VERSION: u32 = 2;
    /// Its file in an evidence folder.
    pub const FILE: &str = "evidence.json";

    /// Reads a folder of evidence, a file of one, or a recording (`.gz`).
    ///
    /// # Errors
    /// It cannot be read, or is of another version or format.
    pub fn read(path: &Path) -> Result<Self, RecordingError> {
        let inside = path.join(Self::FILE);
        let path = if path.is_dir() { &inside } else { path };
        let name = path.display().to_string();
        let text = text(path).map_err(|source| RecordingError::File {
            operation: "read",
            path: name.clone(),
            source,
        })?;
        let format = |source| RecordingError::Format {
            path: name.clone(),
            source,
        };
        let value: Value = serde_json::from_str(&text).map_err(format)?;
        // Version 1 was a list of probes.
        let found = match &value {
            Value::Array(_) => Some(1),
            other => other.get("version").and_then(Value::as_u64),
        };
        match found {
            Some(found) if found != u64::from(Self::VERSION) => {
                Err(RecordingError::Version { path: name, found })
            }
            _ => serde_json::from_value(value).map_err(format),
        }
    }

    /// Whether the implementation said no to a step: what came before is no whole trial, and is not compared.
    pub(super) fn was_refused(&self) -> bool {
        let is_it = |seen: &Seen| matches!(seen, Seen::Refused { .. });
        self.seen.iter().any(is_it)
    }

    /// Writes it, compressed if the file's name ends in `.gz`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), RecordingError> {
        self.put(path).map_err(|source| RecordingError::File {
            operation: "write",
            path: path.display().to_string(),
            source,
        })
    }

    fn put(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = BufWriter::new(File::create(path)?);
        if is_compressed(path) {
            let mut packed = GzEncoder::new(&mut file, Compression::best());
            serde_json::to_writer(&mut packed, self)?;
            packed.finish()?;
        } else {
            serde_json::to_writer_pretty(&mut file, self)?;
        }
        file.flush()
    }
}

fn text(path: &Path) -> io::Result<String> {
    let mut file = BufReader::new(File::open(path)?);
    let mut text = String::new();
    if is_compressed(path) {
        GzDecoder::new(file).read_to_string(&mut text)?;
    } else {
        file.read_to_string(&mut text)?;
    }
    Ok(text)
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}
