//! One case, what it is put to, and one address family: the unit that runs, passes or fails.

use std::fmt;
use std::sync::Arc;

use super::TrialId;
use crate::adapter::{
    Adapter, AskedCell, Candidate, Circumstance, Expected, expected, expected_answer,
};
use crate::address::Family;
use crate::case::{Backend, Case, CaseKind};
use crate::finding::Defect;
use crate::lab::unsupported;

/// One case on one subject, in one address family.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What runs.
    pub case: Arc<Case>,
    /// What it is put to.
    pub subject: Subject,
    /// The family of every address in it.
    pub family: Family,
}

/// What a case is put to.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A recipe, whose `iptables` commands mean this back end.
    Recipe {
        /// The back end.
        backend: Backend,
    },
    /// A contract, which an implementation realises with whatever it chooses.
    Contract {
        /// The implementation with its build and options.
        implementation: Candidate,
    },
}

impl Trial {
    /// Every trial of these cases, in each of their families: a recipe's back ends side by side, with `only` no other back end; a
    /// contract on each of the implementations.
    pub fn of(
        cases: &[Arc<Case>],
        only: Option<Backend>,
        implementations: &[Candidate],
    ) -> Vec<Self> {
        let mut trials = Vec::new();
        for case in cases {
            let subjects: Vec<Subject> = match &case.kind {
                CaseKind::Recipe { backends, .. } => backends
                    .iter()
                    .filter(|backend| only.is_none_or(|only| only == **backend))
                    .map(|backend| Subject::Recipe { backend: *backend })
                    .collect(),
                CaseKind::Contract { .. } => implementations
                    .iter()
                    .map(|one| Subject::Contract {
                        implementation: one.clone(),
                    })
                    .collect(),
            };
            for subject in subjects {
                trials.extend(case.families.iter().map(|family| Self {
                    case: Arc::clone(case),
                    subject: subject.clone(),
                    family: *family,
                }));
            }
        }
        trials
    }

    /// Its name.
    pub fn id(&self) -> TrialId {
        TrialId {
            case: self.case.id.to_string(),
            subject: self.subject.to_string(),
            family: self.family.to_string(),
        }
    }

    /// The implementation that realises a contract; none for a recipe.
    pub fn implementation(&self) -> Option<&Candidate> {
        match &self.subject {
            Subject::Contract { implementation } => Some(implementation),
            Subject::Recipe { .. } => None,
        }
    }

    /// The back end that a recipe's `iptables` means; none for a contract, whose implementation chooses by itself.
    pub fn backend(&self) -> Option<Backend> {
        match &self.subject {
            Subject::Recipe { backend } => Some(*backend),
            Subject::Contract { .. } => None,
        }
    }

    /// The adapter of the implementation, if there is one and it is here.
    pub(super) fn adapter(&self) -> Option<&dyn Adapter> {
        Some(self.implementation()?.adapter.as_ref().ok()?.as_ref())
    }

    /// The known defect because of which this implementation is expected to fail this case, if there is one, given what was `seen`
    /// in one of its steps.
    pub fn expected_failure(&self, seen: &[Circumstance]) -> Option<Defect> {
        let found = self.adapter()?.implementation();
        let own = &self.implementation()?.declared.expected;
        expected(found, self.case.id.as_str(), seen, own).map(Expected::defect)
    }

    /// The known defect because of which this implementation answers a question of the case's table otherwise, if there is one.
    pub fn known(&self, asked: &AskedCell<'_>) -> Option<Defect> {
        let found = self.adapter()?.implementation();
        let own = &self.implementation()?.declared.expected;
        expected_answer(found, self.case.id.as_str(), asked, own).map(Expected::defect)
    }

    /// Why this case cannot be put to this subject, if it cannot: known before anything runs. To be called inside the sandbox,
    /// where the kernel is asked for its tables.
    pub fn not_supported(&self) -> Option<String> {
        match (&self.subject, &self.case.kind) {
            (Subject::Recipe { backend }, _) => {
                let said = unsupported(*backend)?;
                Some(format!("this kernel has no tables for {backend}: {said}"))
            }
            (Subject::Contract { implementation }, CaseKind::Contract { requires, .. }) => {
                implementation.refuses(requires)
            }
            (Subject::Contract { .. }, CaseKind::Recipe { .. }) => None,
        }
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id().fmt(f)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recipe { backend } => write!(f, "recipe/{backend}"),
            Self::Contract { implementation } => f.write_str(&implementation.name),
        }
    }
}
