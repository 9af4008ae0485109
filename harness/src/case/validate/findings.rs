//! The findings about one file, and the small readers that make them.

use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;

use crate::case::error::CaseError;
use crate::case::suggest::did_you_mean;
use crate::case::vocabulary::Word;

/// What was found wrong with one file.
pub(super) struct Findings<'a> {
    path: &'a Path,
    text: &'a Arc<str>,
    pub(super) errors: Vec<CaseError>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(path: &'a Path, text: &'a Arc<str>) -> Self {
        Self {
            path,
            text,
            errors: Vec::new(),
        }
    }

    /// Notes a mistake, with what to say at the place and what to type instead.
    pub(super) fn note(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        label: &str,
        help: impl Into<String>,
    ) {
        self.errors
            .push(CaseError::at(self.path, self.text, span, message, label).with_help(help));
    }

    /// The line of a position, from one.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.text
            .get(..span.start)
            .map_or(0, |before| before.matches('\n').count())
            + 1
    }

    /// A word of a closed set.
    pub(super) fn word<T: Word>(&mut self, written: &Spanned<String>) -> Option<T> {
        let text = written.get_ref().as_str();
        let found = T::all().iter().find(|word| word.word() == text).copied();
        if found.is_none() {
            let known = T::all().iter().map(|word| word.word());
            let help = did_you_mean(text, known, "known words");
            self.note(
                written.span(),
                format!("unknown {} `{text}`", T::NOUN),
                "not known",
                help,
            );
        }
        found
    }

    /// Words of a closed set, each at most once.
    pub(super) fn words<T: Word + PartialEq>(&mut self, written: &[Spanned<String>]) -> Vec<T> {
        let mut words = Vec::new();
        for entry in written {
            if let Some(word) = self.word::<T>(entry) {
                if words.contains(&word) {
                    self.note(
                        entry.span(),
                        format!("{} `{}` is listed twice", T::NOUN, word.word()),
                        "again",
                        "remove it",
                    );
                } else {
                    words.push(word);
                }
            }
        }
        words
    }

    /// A number within bounds.
    pub(super) fn number<T: TryFrom<i64>>(
        &mut self,
        written: &Spanned<i64>,
        noun: &str,
        range: RangeInclusive<i64>,
    ) -> Option<T> {
        let value = *written.get_ref();
        let number = if range.contains(&value) {
            T::try_from(value).ok()
        } else {
            None
        };
        if number.is_none() {
            let help = format!("{noun} is {} to {}", range.start(), range.end());
            self.note(
                written.span(),
                format!("{noun} {value} is out of range"),
                "out of range",
                help,
            );
        }
        number
    }

    /// A value of a type that reads itself.
    pub(super) fn parsed<T: std::str::FromStr>(
        &mut self,
        span: Range<usize>,
        text: &str,
        help: &str,
    ) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.note(span, error.to_string(), "cannot be read", help);
                None
            }
        }
    }
}
