//! What a picture is made of.

use crate::path::LegKind;

/// A picture before it becomes SVG.
#[derive(Debug, Clone, Default)]
pub(super) struct Picture {
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) marks: Vec<Mark>,
}

/// One thing in the picture.
#[derive(Debug, Clone)]
pub(super) enum Mark {
    /// The beginning of a leg.
    Heading { kind: LegKind, y: i32 },
    /// The packet's way, as corners of a line.
    Way {
        kind: LegKind,
        corners: Vec<(i32, i32)>,
    },
    /// The packet leaving a node, or moving within one.
    Arrow {
        kind: LegKind,
        x: i32,
        y: i32,
        rightwards: bool,
        wire: bool,
    },
    /// The packet's beginning.
    Start { kind: LegKind, x: i32, y: i32 },
    /// Headers beside an arrow, centred.
    Label { x: i32, y: i32, runs: Vec<Run> },
    /// What was said about the packet.
    Note {
        x: i32,
        y: i32,
        width: i32,
        tone: Tone,
        lines: Vec<Vec<Run>>,
    },
    /// The packet's end.
    Cross { x: i32, y: i32 },
    /// A frame that is missing.
    Gap { x: i32, y: i32 },
}

/// A piece of a line of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) ink: Ink,
}

/// How a piece of text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Dim,
    /// On red, as the article marks what became another.
    Rewritten,
}

/// What a note means for the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// It goes on.
    Pass,
    /// It was changed.
    Rewrite,
    /// It ends here.
    Drop,
    /// Nobody knows.
    Unknown,
}

impl Run {
    pub(super) fn new(text: impl Into<String>, ink: Ink) -> Self {
        Self {
            text: text.into(),
            ink,
        }
    }
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Pass => "note pass",
            Self::Rewrite => "note rewrite",
            Self::Drop => "note drop",
            Self::Unknown => "note unknown",
        }
    }
}
