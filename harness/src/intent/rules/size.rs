//! How large a packet may be.

use super::super::answer::Answer;
use super::super::cell::Cell;
use super::super::question::{Question, Size};
use super::super::rule::{Group, Rank, Rule, RuleId, Says, decide};
use crate::case::{Feature, Level};

pub(super) const GROUP: Group = Group {
    title: "Sizes",
    rules: &[
        Rule {
            id: RuleId("whole"),
            rank: Rank::Sized,
            sentence: "A packet as large as the smallest MTU on its way, which is the network's as asked for or the uplink's, passes whole.",
            level: Level::Must,
            features: &[Feature::Gateway],
            source: &["cases bridge/whole-packets, mtu-as-asked"],
            says: Says::Is(|cell| match cell.question.size {
                Size::Whole(bytes) if bytes <= mtu(cell)? => when_small(cell),
                _ => None,
            }),
        },
        Rule {
            id: RuleId("fragments"),
            rank: Rank::Sized,
            sentence: "A larger packet that may be fragmented arrives with its whole payload.",
            level: Level::Must,
            features: &[Feature::Gateway],
            source: &[
                "RFC 791 3.2",
                "RFC 4787 11",
                "cases path/fragments-through-masquerade, fragments-to-a-published-port",
            ],
            says: Says::Is(|cell| match cell.question.size {
                Size::Fragmented(_) if !is_joined(cell) => when_small(cell),
                _ => None,
            }),
        },
        Rule {
            id: RuleId("joined-fragments"),
            rank: Rank::Sized,
            sentence: "Fragments larger than 1500 bytes may be lost within a bridge whose packets iptables sees.",
            level: Level::May,
            features: &[],
            source: &[
                "Linux net/bridge/br_nf_core.c br_dst_default_metrics, net/ipv4/ip_output.c ip_fragment",
            ],
            says: Says::Open(
                "the kernel joins fragments for conntrack, and takes 1500 for the bridge's MTU when it parts them again",
                |cell| matches!(cell.question.size, Size::Fragmented(_)) && is_joined(cell),
            ),
        },
        Rule {
            id: RuleId("too-large"),
            rank: Rank::Sized,
            sentence: "The sender of a larger packet that must not be fragmented receives an error with the MTU of the link that it does not fit.",
            level: Level::Must,
            features: &[Feature::Gateway],
            source: &[
                "RFC 1191 3",
                "RFC 5508 4.2",
                "cases path/fragmentation-needed-returns, fragmentation-needed-of-an-answer",
            ],
            says: Says::Is(|cell| match cell.question.size {
                Size::TooLarge(bytes) => {
                    let mtu = mtu(cell).filter(|mtu| bytes > *mtu)?;
                    when_small(cell).map(|_| Answer::TooLarge { mtu })
                }
                _ => None,
            }),
        },
    ],
};

/// The MTU of the route that br_netfilter gives a packet within a bridge (`br_dst_default_metrics`), in bytes.
const BRIDGE_ROUTE_MTU: u16 = 1500;

/// Whether br_netfilter joins the packet's fragments, and these are too large for the route that it gives them.
fn is_joined(cell: &Cell<'_>) -> bool {
    cell.moment.found.bridge_netfilter && mtu(cell).is_some_and(|mtu| mtu > BRIDGE_ROUTE_MTU)
}

fn mtu(cell: &Cell<'_>) -> Option<u16> {
    cell.mtus().into_iter().min()
}

/// The answer to the same packet if it were small, where it has one.
fn when_small(cell: &Cell<'_>) -> Option<Answer> {
    let small = Question {
        size: Size::Small,
        ..cell.question.clone()
    };
    let (answer, _) = decide(&cell.asking(&small));
    matches!(answer, Answer::Answered { .. }).then_some(answer)
}
