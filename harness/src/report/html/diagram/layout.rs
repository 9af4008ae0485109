//! Where everything of a path goes: one step below the other.

use super::label;
use super::lanes::{HEAD, Lanes, MARGIN, text_width};
use super::mark::{Ink, Mark, Picture, Run, Tone};
use crate::packet::Headers;
use crate::path::{Action, Direction, Fate, Hop, Leg, LegKind, PacketPath, Step};

/// Height of a note's line.
pub(super) const LINE: i32 = 16;
/// Above and below a note's text.
pub(super) const INSET: i32 = 5;
/// From a lifeline to the note beside it.
const ASIDE: i32 = 13;

/// Lays a path out on its lanes.
pub(super) fn layout(path: &PacketPath, lanes: &Lanes) -> Picture {
    let mut pen = Pen {
        lanes,
        width: lanes.width().max(320),
        y: HEAD,
        marks: Vec::new(),
        at: Vec::new(),
        labelled: None,
    };
    for leg in &path.legs {
        pen.leg(leg, &path.fate);
    }
    if path.legs.is_empty() {
        // Nothing left the sender, so the first table that was asked is its.
        let sender = path.lookups.first().map(|lookup| lookup.node.as_str());
        let x = lanes.x(sender.unwrap_or_default(), "");
        pen.y += 18;
        pen.end(x, &path.fate.to_string(), Tone::Drop);
    }
    Picture {
        width: pen.width,
        height: pen.y + 26,
        marks: pen.marks,
    }
}

struct Pen<'a> {
    lanes: &'a Lanes,
    width: i32,
    y: i32,
    marks: Vec<Mark>,
    /// Corners of the packet's way so far.
    at: Vec<(i32, i32)>,
    /// The headers that the last label showed.
    labelled: Option<Headers>,
}

impl Pen<'_> {
    fn leg(&mut self, leg: &Leg, fate: &Fate) {
        self.y += 22;
        let (kind, y) = (leg.kind, self.y);
        self.marks.push(Mark::Heading { kind, y });
        self.y += 8;
        self.labelled = None;
        let mut crossed = false;
        let mut steps = leg.steps.iter().enumerate().peekable();
        while let Some((position, step)) = steps.next() {
            match step {
                Step::Hop(hop) => self.hop(
                    kind,
                    hop,
                    &leg.steps[..position],
                    &leg.steps[position + 1..],
                ),
                Step::Verdict(verdict) => {
                    let mut lines = label::verdict(verdict);
                    let mut tone = Tone::Pass;
                    while let Some((_, Step::Rewrite(rewrite))) = steps.peek()
                        && verdict.translates()
                    {
                        lines.push(label::rewrite(rewrite));
                        tone = Tone::Rewrite;
                        steps.next();
                    }
                    let x = self.x(&verdict.node);
                    if verdict.action == Action::Drop {
                        crossed = true;
                        self.cross(x, lines, Tone::Drop);
                    } else {
                        self.note(x, lines, tone);
                    }
                }
                Step::Rewrite(rewrite) => {
                    let conntrack = vec![Run::new("conntrack", Ink::Plain)];
                    let x = self.x(&rewrite.node);
                    self.note(x, vec![conntrack, label::rewrite(rewrite)], Tone::Rewrite);
                }
                Step::Missing {
                    node, interface, ..
                } => {
                    self.y += 14;
                    let (x, y) = (self.lanes.x(node, interface), self.y);
                    self.marks.push(Mark::Gap { x, y });
                    let text = format!("{node}:{interface} not captured");
                    self.note(x, label::wrapped(&text), Tone::Unknown);
                }
            }
        }
        match fate {
            Fate::Dropped { leg, node, place } if *leg == kind && !crossed => {
                let x = self.x(node);
                self.y += 10;
                self.end(x, &format!("dropped: {place}"), Tone::Drop);
            }
            Fate::Lost { leg, .. } if *leg == kind => {
                let x = self.at.last().map_or(MARGIN, |(x, _)| *x);
                self.y += 10;
                self.end(x, "lost here, no verdict", Tone::Unknown);
            }
            _ => {}
        }
        self.finish_way(kind);
    }

    /// Where the packet is, or its node's middle if it wasn't seen yet.
    fn x(&self, node: &str) -> i32 {
        self.at
            .last()
            .map_or_else(|| self.lanes.x(node, ""), |(x, _)| *x)
    }

    fn hop(&mut self, kind: LegKind, hop: &Hop, before: &[Step], after: &[Step]) {
        let x = self.lanes.x(&hop.node, &hop.interface);
        let previous = hops(before).last();
        let wire = previous.is_some_and(|previous| crosses(previous, hop));
        let from = if wire {
            self.at.last().map(|(x, _)| *x)
        } else {
            let mut here = hops(before).filter(|seen| seen.node == hop.node);
            let last = here.next_back();
            last.map(|seen| self.lanes.x(&seen.node, &seen.interface))
        };
        let ahead: Vec<&Hop> = std::iter::once(hop).chain(hops(after)).collect();
        // Over the next wire the packet says what it is; within a node only if there is no such wire.
        let leaves = ahead.windows(2).any(|pair| crosses(pair[0], pair[1]));
        let Some(from) = from else {
            self.finish_way(kind);
            self.y += 14;
            let y = self.y;
            self.marks.push(Mark::Start { kind, x, y });
            self.at.push((x, y));
            if !leaves {
                self.label(hop, x);
            }
            return;
        };
        if self.at.last().is_some_and(|(x, _)| *x != from) {
            // Another copy of a flooded packet goes on from an earlier place.
            self.finish_way(kind);
        }
        self.y += if wire { 38 } else { 22 };
        let y = self.y;
        self.at.push((from, y));
        self.at.push((x, y));
        if from != x {
            self.marks.push(Mark::Arrow {
                kind,
                x,
                y,
                rightwards: x > from,
                wire,
            });
        }
        if wire || (!leaves && self.changed(hop)) {
            self.label(hop, i32::midpoint(from, x));
        }
    }

    fn changed(&self, hop: &Hop) -> bool {
        let ends = |h: &Headers| (h.source_text(), h.destination_text(), h.ttl);
        let before = self.labelled.as_ref();
        before.is_none_or(|before| ends(before) != ends(&hop.headers))
    }

    fn label(&mut self, hop: &Hop, x: i32) {
        let before = self.labelled.replace(hop.headers.clone());
        let y = self.y;
        for (runs, y) in [
            (label::addresses(&hop.headers, before.as_ref()), y - 8),
            (label::details(&hop.headers, before.as_ref()), y + 15),
        ] {
            let half = line_width(&runs) / 2 + 4;
            let x = x.max(half).min((self.width - half).max(half));
            self.marks.push(Mark::Label { x, y, runs });
        }
        self.y += 12;
    }

    fn note(&mut self, x: i32, lines: Vec<Vec<Run>>, tone: Tone) {
        let text = lines.iter().map(|line| line_width(line)).max().unwrap_or(0);
        let width = text + 16;
        let height = i32::try_from(lines.len()).unwrap_or(1) * LINE + 2 * INSET;
        let right = x + ASIDE;
        let left = x - ASIDE - width;
        // Beside the lifeline, on the side where there is room.
        let side = if right + width + MARGIN <= self.width || left < MARGIN {
            right
        } else {
            left
        };
        self.width = self.width.max(side + width + MARGIN);
        self.y += 9;
        self.marks.push(Mark::Note {
            x: side,
            y: self.y,
            width,
            tone,
            lines,
        });
        self.y += height;
        if let Some((x, _)) = self.at.last().copied() {
            self.at.push((x, self.y));
        }
    }

    fn cross(&mut self, x: i32, lines: Vec<Vec<Run>>, tone: Tone) {
        let height = i32::try_from(lines.len()).unwrap_or(1) * LINE + 2 * INSET;
        let y = self.y + 9 + height / 2;
        if !self.at.is_empty() {
            self.at.push((x, y));
        }
        self.note(x, lines, tone);
        if self.at.len() > 1 {
            self.at.pop();
        }
        self.marks.push(Mark::Cross { x, y });
    }

    fn end(&mut self, x: i32, text: &str, tone: Tone) {
        self.cross(x, label::wrapped(text), tone);
    }

    fn finish_way(&mut self, kind: LegKind) {
        let corners = std::mem::take(&mut self.at);
        if corners.len() > 1 {
            self.marks.push(Mark::Way { kind, corners });
        }
    }
}

fn hops(steps: &[Step]) -> impl DoubleEndedIterator<Item = &Hop> {
    steps.iter().filter_map(|step| match step {
        Step::Hop(hop) => Some(hop),
        _ => None,
    })
}

/// Whether the packet went over a wire from one hop to the other.
fn crosses(from: &Hop, to: &Hop) -> bool {
    from.direction == Direction::Out && to.direction == Direction::In && from.node != to.node
}

fn line_width(runs: &[Run]) -> i32 {
    let text: String = runs.iter().map(|run| run.text.as_str()).collect();
    text_width(&text)
}
