//! The one line that runs a trial again, for whoever reads why it did not pass.

use super::{Subject, Trial};
use crate::program::quoted;

/// What ran the trial, and so what runs it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rerun {
    /// `goldpath` with these words before the case: the verb, and folders other than the usual ones.
    Goldpath(Vec<String>),
    /// The test target `conformance`.
    CargoTest,
}

impl Rerun {
    /// The case, and the options that other verbs need to mean this trial, to be pasted behind one.
    pub fn also(&self, trial: &Trial) -> String {
        let mut argv = vec![trial.case.id.to_string()];
        if let Self::Goldpath(words) = self {
            argv.extend(words.iter().skip(1).cloned());
        }
        let selection = trial.implementation().map(|one| one.selection.to_string());
        if let Some(selection) = selection.filter(|name| name != "native") {
            argv.extend([String::from("--implementation"), selection]);
        }
        quoted(&argv)
    }

    /// The command line, to be pasted where the first one was typed.
    pub fn line(&self, trial: &Trial) -> String {
        match self {
            Self::Goldpath(words) => {
                let mut argv = vec![String::from("goldpath")];
                argv.extend_from_slice(words);
                argv.push(trial.case.id.to_string());
                argv.extend(match &trial.subject {
                    Subject::Contract { implementation } => {
                        let selection = implementation.selection.to_string();
                        [String::from("--implementation"), selection]
                    }
                    Subject::Recipe { backend } => [String::from("--backend"), backend.to_string()],
                });
                quoted(&argv)
            }
            Self::CargoTest => {
                format!("cargo test -p goldpath-cases --test conformance -- --exact {trial}")
            }
        }
    }
}
