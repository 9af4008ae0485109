//! One mistake in a case file, as a diagnostic that points at it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};

/// Columns of a rendered diagnostic: what a terminal and a CI log both show without wrapping.
const RENDER_COLUMNS: usize = 110;

/// A mistake in a case file, or in where it lies. All of them are collected; none stops the search for the next.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct CaseError {
    /// The file or directory that is wrong.
    pub path: PathBuf,
    /// What is wrong, as a sentence fragment.
    pub message: String,
    /// What to type instead.
    pub help: Option<String>,
    /// Where in the file, and what to say there.
    place: Option<(Range<usize>, String)>,
    /// The file's text, kept for rendering.
    text: Option<NamedSource<Arc<str>>>,
}

impl CaseError {
    /// A mistake about a file or directory as a whole.
    pub(super) fn of_path(path: &Path, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            message: message.into(),
            help: None,
            place: None,
            text: None,
        }
    }

    /// A mistake at a place in a file.
    pub(super) fn at(
        path: &Path,
        text: &Arc<str>,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            message: message.into(),
            help: None,
            place: Some((span, label.into())),
            text: Some(NamedSource::new(
                path.display().to_string(),
                Arc::clone(text),
            )),
        }
    }

    /// Adds what to type instead.
    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Line and column, counted from one, where the mistake is in a file's text.
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        let (span, _) = self.place.as_ref()?;
        let text: &str = self.text.as_ref()?.inner();
        let before = text.get(..span.start)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Some((
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        ))
    }
}

impl Diagnostic for CaseError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.text.as_ref().map(|text| text as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (span, label) = self.place.as_ref()?;
        Some(Box::new(std::iter::once(LabeledSpan::new(
            Some(label.clone()),
            span.start,
            span.len(),
        ))))
    }
}

/// All mistakes as text for a terminal or a log, with their count at the end.
pub fn render(errors: &[CaseError], colour: bool) -> String {
    let theme = if colour {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(RENDER_COLUMNS)
        .with_links(false);
    let mut out = String::new();
    for error in errors {
        // Writing to a String cannot fail; a failed render still names the mistake.
        if handler.render_report(&mut out, error).is_err() {
            out.push_str(&error.message);
        }
        if error.text.is_none() {
            out.push_str(&format!("  in {}\n", error.path.display()));
        }
        out.push('\n');
    }
    let noun = if errors.len() == 1 {
        "problem"
    } else {
        "problems"
    };
    out.push_str(&format!("{} {noun}; nothing was started\n", errors.len()));
    out
}
