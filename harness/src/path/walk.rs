//! The order of one leg's frames, found by following the wires instead of the clock.
//!
//! Within a node, one socket saw all interfaces in path order. Between nodes, a frame that leaves
//! one end of a veth pair enters at the other. Time stamps only decide where to go on after a gap.

use std::collections::{BTreeMap, VecDeque};

use super::evidence::{Evidence, Frame, VerdictEvent};
use super::{Direction, Hook, LegKind};

/// One passage through one node: frames in, netfilter's decisions, frames out.
#[derive(Debug, Default)]
pub(super) struct Transit<'a> {
    pub(super) node: &'a str,
    pub(super) entered: Vec<&'a Frame>,
    pub(super) verdicts: Vec<&'a VerdictEvent>,
    pub(super) left: Vec<&'a Frame>,
    /// What a promiscuous bridge hands up of a packet that it has already forwarded to another port. It is nobody's: the
    /// host's stack drops what is addressed to another hardware address (`PACKET_OTHERHOST`).
    pub(super) copies: Vec<&'a Frame>,
    /// The frame that should have led here and was not captured.
    pub(super) missing: Option<Gap>,
}

/// A frame that the wiring demands and nobody captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) node: String,
    pub(super) interface: String,
    pub(super) direction: Direction,
}

/// Follows one leg through the lab. Frames may come in any order and more than once.
pub(super) fn walk<'a>(evidence: &'a Evidence, leg: LegKind) -> Vec<Transit<'a>> {
    let mut frames = frames_by_node(evidence, leg);
    let mut transits = Vec::new();
    while let Some(start) = next_start(&frames, transits.is_empty().then_some(evidence)) {
        let gap = gap_before(evidence, frames[start].front(), transits.is_empty());
        follow(evidence, &mut frames, start, gap, &mut transits);
    }
    assign_verdicts(evidence, leg, &mut transits);
    transits
}

type Queues<'a> = BTreeMap<&'a str, VecDeque<&'a Frame>>;

fn frames_by_node(evidence: &Evidence, leg: LegKind) -> Queues<'_> {
    let mut queues: BTreeMap<&str, BTreeMap<u64, &Frame>> = BTreeMap::new();
    for frame in evidence
        .frames
        .iter()
        .filter(|f| f.leg == leg && f.headers.fragment_offset == 0)
    {
        let node = queues.entry(&frame.node).or_default();
        node.insert(frame.order, frame);
    }
    queues
        .into_iter()
        .map(|(node, frames)| (node, frames.into_values().collect()))
        .collect()
}

/// The node where the leg begins, or where it goes on after a gap: the earliest frame by the clock,
/// but a leg begins with a frame that leaves its node.
fn next_start<'a>(queues: &Queues<'a>, beginning: Option<&Evidence>) -> Option<&'a str> {
    let fronts = || {
        queues
            .iter()
            .filter_map(|(node, frames)| Some((*node, *frames.front()?)))
    };
    if beginning.is_some() {
        let origin = fronts()
            .filter(|(_, f)| f.direction == Direction::Out)
            .min_by_key(|(_, f)| f.at);
        if let Some((node, _)) = origin {
            return Some(node);
        }
    }
    fronts().min_by_key(|(_, f)| f.at).map(|(node, _)| node)
}

fn gap_before(evidence: &Evidence, front: Option<&&Frame>, beginning: bool) -> Option<Gap> {
    let frame = front?;
    match frame.direction {
        Direction::In => {
            let (node, interface) = peer(evidence, frame)?;
            Some(Gap {
                node: node.to_owned(),
                interface: interface.to_owned(),
                direction: Direction::Out,
            })
        }
        // Going on with a frame that leaves a node: whatever entered it was not captured.
        Direction::Out => (!beginning).then(|| Gap {
            node: frame.node.clone(),
            interface: String::from("?"),
            direction: Direction::In,
        }),
    }
}

fn follow<'a>(
    evidence: &'a Evidence,
    queues: &mut Queues<'a>,
    start: &'a str,
    gap: Option<Gap>,
    transits: &mut Vec<Transit<'a>>,
) {
    let mut ahead = VecDeque::from([(start, gap)]);
    while let Some((node, missing)) = ahead.pop_front() {
        let transit = take_transit(evidence, queues, node, missing);
        let mut branches = Vec::new();
        for frame in &transit.left {
            if let Some(below) = below(evidence, queues, frame) {
                branches.push(below);
                continue;
            }
            let Some((node, interface)) = peer(evidence, frame) else {
                continue;
            };
            let arrived = is_next(queues, node, interface, Direction::In);
            let missing = (!arrived).then(|| Gap {
                node: node.to_owned(),
                interface: interface.to_owned(),
                direction: Direction::In,
            });
            branches.push((node, missing));
        }
        let entered = transit.entered.last().filter(|_| transit.left.is_empty());
        branches.extend(entered.and_then(|frame| above(evidence, queues, frame)));
        transits.push(transit);
        // Depth first: a flooded packet is followed to the end of one wire before the next.
        for branch in branches.into_iter().rev() {
            ahead.push_front(branch);
        }
    }
}

/// Where a packet goes on that left an interface which stands on another one: out of that one; or back into it, as between
/// two macvlans (`drivers/net/macvlan.c`, `macvlan_queue_xmit`); or straight into its neighbour on it, as between ipvlans.
fn below<'a>(
    evidence: &'a Evidence,
    queues: &Queues<'a>,
    frame: &Frame,
) -> Option<(&'a str, Option<Gap>)> {
    let lower = interface(evidence, frame)?.lower.as_ref()?;
    let (node, name) = lower;
    let next = [Direction::Out, Direction::In];
    if next.iter().any(|way| is_next(queues, node, name, *way)) {
        return Some((node, None));
    }
    let beside =
        stacked_on(evidence, lower).find(|(node, name)| is_next(queues, node, name, Direction::In));
    if let Some((node, _)) = beside {
        return Some((node, None));
    }
    let missing = Gap {
        node: node.clone(),
        interface: name.clone(),
        direction: Direction::Out,
    };
    Some((node, Some(missing)))
}

/// Where a packet goes on that entered an interface on which others stand. Nobody misses it where it does not.
fn above<'a>(
    evidence: &'a Evidence,
    queues: &Queues<'a>,
    frame: &Frame,
) -> Option<(&'a str, Option<Gap>)> {
    let lower = (frame.node.clone(), frame.interface.clone());
    let (node, _) = stacked_on(evidence, &lower)
        .find(|(node, name)| is_next(queues, node, name, Direction::In))?;
    Some((node, None))
}

/// The interfaces that stand on another one.
fn stacked_on<'a>(
    evidence: &'a Evidence,
    lower: &(String, String),
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let nodes = evidence.nodes.iter();
    nodes.flat_map(move |(node, found)| {
        let links = found.interfaces.iter();
        links
            .filter(move |(_, link)| link.lower.as_ref() == Some(lower))
            .map(move |(name, _)| (node.as_str(), name.as_str()))
    })
}

/// Whether a node's next frame is on that interface.
fn is_next(queues: &Queues<'_>, node: &str, interface: &str, direction: Direction) -> bool {
    let next = queues.get(node).and_then(VecDeque::front);
    next.is_some_and(|frame| frame.direction == direction && frame.interface == interface)
}

fn take_transit<'a>(
    evidence: &Evidence,
    queues: &mut Queues<'a>,
    node: &'a str,
    missing: Option<Gap>,
) -> Transit<'a> {
    let mut transit = Transit {
        node,
        missing,
        ..Transit::default()
    };
    let Some(queue) = queues.get_mut(node) else {
        return transit;
    };
    // A gap of an entering frame: what this node still holds may belong to an earlier passage of
    // its own, so only frames that leave it go on from here.
    let skipped = transit
        .missing
        .as_ref()
        .is_some_and(|gap| gap.direction == Direction::In && gap.interface != "?");
    while let Some(frame) = queue.front() {
        let continues = match (frame.direction, transit.entered.last()) {
            (Direction::Out, _) => false,
            (Direction::In, None) => !skipped,
            (Direction::In, Some(last)) => bridge(evidence, last) == Some(frame.interface.as_str()),
        };
        if !continues {
            break;
        }
        transit.entered.extend(queue.pop_front());
    }
    while let Some(frame) = queue.front() {
        if frame.direction == Direction::In {
            break;
        }
        transit.left.extend(queue.pop_front());
    }
    // br_handle_frame_finish forwards first and hands up then. Nothing else enters by a bridge's own device without having
    // entered by a port.
    let handed_up = transit
        .entered
        .first()
        .and_then(|port| bridge(evidence, port));
    let is_new = |frame: &&Frame| {
        !transit
            .entered
            .iter()
            .any(|one| one.interface == frame.interface)
    };
    if let Some(device) = handed_up.filter(|_| !transit.left.is_empty())
        && let Some(copy) = queue.front().filter(|frame| is_new(frame))
        && copy.direction == Direction::In
        && copy.interface == device
    {
        transit.copies.extend(queue.pop_front());
    }
    transit
}

fn interface<'a>(evidence: &'a Evidence, frame: &Frame) -> Option<&'a super::Interface> {
    let node = evidence.nodes.get(&frame.node)?;
    node.interfaces.get(&frame.interface)
}

pub(super) fn bridge<'a>(evidence: &'a Evidence, frame: &Frame) -> Option<&'a str> {
    interface(evidence, frame)?.bridge.as_deref()
}

/// The other end of the wire; `lo` is wired to itself.
fn peer<'a>(evidence: &'a Evidence, frame: &'a Frame) -> Option<(&'a str, &'a str)> {
    if frame.interface == "lo" {
        return Some((&frame.node, &frame.interface));
    }
    let (node, interface) = interface(evidence, frame)?.peer.as_ref()?;
    Some((node, interface))
}

/// Hands each node's decisions to its passages, in the order of both.
fn assign_verdicts<'a>(evidence: &'a Evidence, leg: LegKind, transits: &mut Vec<Transit<'a>>) {
    let mut by_node: BTreeMap<&str, BTreeMap<u64, &VerdictEvent>> = BTreeMap::new();
    for verdict in &evidence.verdicts {
        if verdict.leg == Some(leg) {
            let node = by_node.entry(&verdict.node).or_default();
            node.insert(verdict.order, verdict);
        }
    }
    for (node, verdicts) in by_node {
        let mut next = 0;
        for group in passages(verdicts.into_values()) {
            let fits = |transit: &Transit<'_>| transit.node == node && transit.may_meet(group[0]);
            let found = transits.iter().skip(next).position(fits);
            if let Some(ahead) = found {
                next += ahead + 1;
                transits[next - 1].verdicts = group;
            } else {
                // Decided before any interface saw the packet, as in OUTPUT.
                transits.push(Transit {
                    node,
                    verdicts: group,
                    ..Transit::default()
                });
            }
        }
    }
}

impl Transit<'_> {
    /// Whether a passage that began with this decision can be this one.
    fn may_meet(&self, first: &VerdictEvent) -> bool {
        match first.hook {
            Hook::Output => self.entered.is_empty(),
            Hook::Prerouting | Hook::Input | Hook::Forward => !self.entered.is_empty(),
            Hook::Postrouting => true,
        }
    }
}

fn passages<'a>(verdicts: impl Iterator<Item = &'a VerdictEvent>) -> Vec<Vec<&'a VerdictEvent>> {
    let mut groups: Vec<Vec<&VerdictEvent>> = Vec::new();
    for verdict in verdicts {
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|v| v.hook.leads_to(verdict.hook)) => {
                group.push(verdict);
            }
            _ => groups.push(vec![verdict]),
        }
    }
    groups
}
