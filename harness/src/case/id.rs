//! A case's id: its path below the cases directory.

use std::fmt;

use serde::Serialize;

/// A case's name everywhere: file, golden, report. `area/subject-condition`, of `a-z`, `0-9`, `-` and `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CaseId(String);

/// Why a text is not a case's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaseIdError {
    /// A character outside the allowed ones.
    #[error("case id `{id}` holds `{character}`")]
    Character {
        /// The id.
        id: String,
        /// The character.
        character: char,
    },
    /// An empty id, or an empty part between two slashes.
    #[error("case id `{0}` has an empty part")]
    Empty(String),
}

impl CaseId {
    /// Checks the characters.
    pub fn new(id: impl Into<String>) -> Result<Self, CaseIdError> {
        let id = id.into();
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '/';
        if let Some(character) = id.chars().find(|c| !allowed(*c)) {
            return Err(CaseIdError::Character { id, character });
        }
        if id.split('/').any(str::is_empty) {
            return Err(CaseIdError::Empty(id));
        }
        Ok(Self(id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_lower_case_letters_digits_and_dashes() {
        assert!(CaseId::new("article/a16-forward-rules-by-interface").is_ok());
        assert!(matches!(
            CaseId::new("article/A16"),
            Err(CaseIdError::Character { character: 'A', .. })
        ));
        assert!(matches!(
            CaseId::new("a b"),
            Err(CaseIdError::Character { character: ' ', .. })
        ));
        assert_eq!(CaseId::new("a//b"), Err(CaseIdError::Empty("a//b".into())));
    }
}
