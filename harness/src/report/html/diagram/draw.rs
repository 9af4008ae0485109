//! A picture as SVG. Colours come from the page's style, so that they follow its light and dark.

use maud::{Markup, html};

use super::lanes::{HEAD, Lanes, MARGIN, text_width};
use super::layout::{INSET, LINE};
use super::mark::{Ink, Mark, Picture, Run};
use crate::path::LegKind;

pub(super) fn svg(picture: &Picture, lanes: &Lanes, title: &str) -> Markup {
    let (width, height) = (picture.width, picture.height);
    let mut marks: Vec<&Mark> = picture.marks.iter().collect();
    marks.sort_by_key(|mark| layer(mark));
    html! {
        svg class="path" role="img" xml:space="preserve" aria-label=(title) width=(width) height=(height)
            viewBox={ "0 0 " (width) " " (height) } {
            title { (title) }
            (nodes(lanes, height))
            @for mark in marks { (draw(mark, width)) }
        }
    }
}

/// What is drawn later lies above.
fn layer(mark: &Mark) -> u8 {
    match mark {
        Mark::Heading { .. } => 0,
        Mark::Note { .. } => 1,
        Mark::Way { .. } => 2,
        Mark::Arrow { .. } | Mark::Start { .. } | Mark::Gap { .. } => 3,
        Mark::Label { .. } => 4,
        Mark::Cross { .. } => 5,
    }
}

fn nodes(lanes: &Lanes, height: i32) -> Markup {
    html! {
        @for node in &lanes.nodes {
            rect class="node" x=(node.left) y=(MARGIN) width=(node.width) height=(height - 2 * MARGIN) rx="8" {}
            text class="name" x=(node.left + node.width / 2) y="27" text-anchor="middle" { (node.name) }
            @for interface in &node.interfaces {
                line class="life" x1=(interface.x) x2=(interface.x) y1=(HEAD - 14) y2=(height - MARGIN - 6) {}
                rect class="interface" x=(interface.x - interface.width / 2) y="37"
                    width=(interface.width) height="20" rx="4" {}
                (text_runs(interface.x, 51, &[Run::new(interface.name.clone(), Ink::Plain)]))
            }
        }
    }
}

fn draw(mark: &Mark, width: i32) -> Markup {
    match mark {
        Mark::Heading { kind, y } => html! {
            line class={ "leg " (kind) } x1=(MARGIN) x2=(width - MARGIN) y1=(y) y2=(y) {}
            rect class={ "flag " (kind) } x=(MARGIN + 6) y=(y - 9) width=(text_width(&kind.to_string()) + 16)
                height="18" rx="9" {}
            text class="flag" x=(MARGIN + 14) y=(y + 4) { (kind) }
        },
        Mark::Way { kind, corners } => {
            let corners = corners.iter().map(|(x, y)| format!("{x},{y}"));
            let corners = corners.collect::<Vec<_>>().join(" ");
            html! { polyline class={ "way " (kind) } points=(corners) {} }
        }
        Mark::Arrow {
            kind,
            x,
            y,
            rightwards,
            wire,
        } => arrow(*kind, *x, *y, *rightwards, *wire),
        Mark::Start { kind, x, y } => html! {
            circle class={ "start " (kind) } cx=(x) cy=(y) r="5" {}
        },
        Mark::Label { x, y, runs } => text_runs(*x, *y, runs),
        Mark::Note {
            x,
            y,
            width,
            tone,
            lines,
        } => {
            let count = i32::try_from(lines.len()).unwrap_or(1);
            let baselines = (0..count).map(|line| y + INSET + 12 + line * LINE);
            html! {
                g class=(tone.class()) {
                    rect x=(x) y=(y) width=(width) height=(count * LINE + 2 * INSET) rx="5" {}
                    @for (line, baseline) in lines.iter().zip(baselines) {
                        (text_runs(x + 8 + line_width(line) / 2, baseline, line))
                    }
                }
            }
        }
        Mark::Cross { x, y } => html! {
            path class="cross" d={ "M" (x - 8) "," (y - 8) "l16,16m0,-16l-16,16" } {}
        },
        Mark::Gap { x, y } => html! { circle class="gap" cx=(x) cy=(y) r="7" {} },
    }
}

fn arrow(kind: LegKind, x: i32, y: i32, rightwards: bool, wire: bool) -> Markup {
    let (length, half) = if wire { (11, 6) } else { (8, 4) };
    let back = if rightwards { -length } else { length };
    html! {
        path class={ "head " (kind) }
            d={ "M" (x) "," (y) "l" (back) ",-" (half) "v" (2 * half) "z" } {}
    }
}

fn line_width(runs: &[Run]) -> i32 {
    let text: String = runs.iter().map(|run| run.text.as_str()).collect();
    text_width(&text)
}

/// One line of text around `x`, each piece as wide as it was counted, whatever the font.
fn text_runs(x: i32, y: i32, runs: &[Run]) -> Markup {
    let mut left = x - line_width(runs) / 2;
    let placed = runs.iter().map(|run| {
        let width = text_width(&run.text);
        let at = left;
        left += width;
        (run, at, width)
    });
    let placed: Vec<_> = placed.collect();
    html! {
        @for (run, left, width) in placed {
            @if run.ink == Ink::Rewritten {
                rect class="rewritten" x=(left - 3) y=(y - 11) width=(width + 6) height="15" rx="3" {}
            }
            text class=(ink(run.ink)) x=(left) y=(y) textLength=(width) { (run.text) }
        }
    }
}

fn ink(ink: Ink) -> &'static str {
    match ink {
        Ink::Plain => "ink",
        Ink::Dim => "ink dim",
        Ink::Rewritten => "ink rewritten",
    }
}
