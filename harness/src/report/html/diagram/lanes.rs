//! Which nodes and interfaces a picture has, in which order, and where they stand.

use crate::path::{Leg, PacketPath, Step};

/// Room for the nodes' boxes above the first packet.
pub(super) const HEAD: i32 = 70;
/// Width of one monospaced character, in tenths of a pixel, at the font size of `style.css`.
const CHARACTER_TENTHS: usize = 66;
/// Between a node's border and its outermost interface.
const PADDING: i32 = 14;
/// Between two interfaces' boxes.
const BETWEEN: i32 = 10;
/// Between two nodes: with the halves of the boxes beside it, as wide as two IPv4 addresses.
const WIRE: i32 = 104;
/// Around everything.
pub(super) const MARGIN: i32 = 8;

/// The columns of a picture.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Lanes {
    pub(super) nodes: Vec<Node>,
}

/// A node's column.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) interfaces: Vec<Interface>,
    pub(super) left: i32,
    pub(super) width: i32,
}

/// An interface's lifeline.
#[derive(Debug, Clone)]
pub(super) struct Interface {
    pub(super) name: String,
    /// Middle of the box.
    pub(super) x: i32,
    pub(super) width: i32,
}

/// Width of a text in pixels.
pub(super) fn text_width(text: &str) -> i32 {
    i32::try_from((text.chars().count() * CHARACTER_TENTHS).div_ceil(10)).unwrap_or(i32::MAX)
}

impl Lanes {
    /// The columns for all these paths, so that the pictures of one case have the same ones.
    pub(in super::super) fn of<'a>(paths: impl IntoIterator<Item = &'a PacketPath>) -> Self {
        let mut lanes = Self::default();
        for path in paths {
            for lookup in path.lookups.iter().filter(|_| path.legs.is_empty()) {
                lanes.node(&lookup.node, None, None);
            }
            for leg in &path.legs {
                lanes.leg(leg);
            }
        }
        lanes.place();
        lanes
    }

    fn leg(&mut self, leg: &Leg) {
        let places: Vec<(&str, &str)> = leg.steps.iter().map(place).collect();
        for (position, (node, interface)) in places.iter().enumerate() {
            let (before, after) = (&places[..position], &places[position + 1..]);
            let known = |(name, _): &&(&str, &str)| self.nodes.iter().any(|n| n.name == *name);
            let previous = before.last().map(|(name, _)| *name);
            let next = after.iter().find(known).map(|(name, _)| *name);
            let at = self.node(node, previous, next);
            if interface.is_empty() {
                continue;
            }
            let here = |(name, interface): &&(&str, &str)| name == node && !interface.is_empty();
            let previous = before.iter().rev().take_while(|(name, _)| name == node);
            let previous = previous.into_iter().find(here).map(|(_, i)| *i);
            let next = after.iter().take_while(|(name, _)| name == node).find(here);
            let next = next.map(|(_, i)| *i);
            let known = &mut self.nodes[at].interfaces;
            let names: Vec<&str> = known.iter().map(|i| i.name.as_str()).collect();
            let slot = slot(&names, interface, previous, next);
            if let Err(slot) = slot {
                known.insert(
                    slot,
                    Interface {
                        name: (*interface).to_owned(),
                        x: 0,
                        width: 0,
                    },
                );
            }
        }
    }

    fn node(&mut self, name: &str, previous: Option<&str>, next: Option<&str>) -> usize {
        let names: Vec<&str> = self.nodes.iter().map(|n| n.name.as_str()).collect();
        slot(&names, name, previous, next).unwrap_or_else(|slot| {
            self.nodes.insert(
                slot,
                Node {
                    name: name.to_owned(),
                    interfaces: Vec::new(),
                    left: 0,
                    width: 0,
                },
            );
            slot
        })
    }

    fn place(&mut self) {
        let mut left = MARGIN;
        for node in &mut self.nodes {
            node.left = left;
            let mut x = left + PADDING;
            for interface in &mut node.interfaces {
                interface.width = text_width(&interface.name) + 14;
                interface.x = x + interface.width / 2;
                x += interface.width + BETWEEN;
            }
            let content = x - BETWEEN.min(x - left - PADDING) + PADDING - left;
            node.width = content.max(text_width(&node.name) + 2 * PADDING).max(64);
            let spare = (node.width - content) / 2;
            for interface in &mut node.interfaces {
                interface.x += spare;
            }
            left += node.width + WIRE;
        }
    }

    /// Width of all columns.
    pub(super) fn width(&self) -> i32 {
        let last = self.nodes.last();
        last.map_or(0, |node| node.left + node.width) + MARGIN
    }

    /// Where an interface's lifeline is; the middle of its node if it has none.
    pub(super) fn x(&self, node: &str, interface: &str) -> i32 {
        let Some(node) = self.nodes.iter().find(|n| n.name == node) else {
            return MARGIN;
        };
        let found = node.interfaces.iter().find(|i| i.name == interface);
        found.map_or(node.left + node.width / 2, |interface| interface.x)
    }
}

fn place(step: &Step) -> (&str, &str) {
    match step {
        Step::Hop(hop) => (&hop.node, &hop.interface),
        Step::Missing {
            node, interface, ..
        } => (node, interface),
        Step::Verdict(verdict) => (&verdict.node, ""),
        Step::Rewrite(rewrite) => (&rewrite.node, ""),
    }
}

/// Where a name is, or the place that it should take: behind the one before it, or ahead of the one behind it.
fn slot(
    names: &[&str],
    name: &str,
    previous: Option<&str>,
    next: Option<&str>,
) -> Result<usize, usize> {
    let find = |wanted: &str| names.iter().position(|n| *n == wanted);
    if let Some(at) = find(name) {
        return Ok(at);
    }
    Err(match (previous.and_then(find), next.and_then(find)) {
        (Some(previous), _) => previous + 1,
        (None, Some(next)) => next,
        (None, None) => names.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn columns_stand_in_path_order() {
        let lanes = Lanes::of([&sample::dropped(), &sample::answered()]);
        let names: Vec<String> = lanes
            .nodes
            .iter()
            .map(|node| {
                let interfaces: Vec<&str> =
                    node.interfaces.iter().map(|i| i.name.as_str()).collect();
                format!("{}: {}", node.name, interfaces.join(" "))
            })
            .collect();
        assert_eq!(names, ["c1: eth0", "host: veth0 br0 eth0", "outside: eth0"]);
    }
}
