//! What a trial found, as values: what was expected where, what was seen, which rule spoke, what the machine said. Text is
//! made of them elsewhere, and nothing reads that text back.

mod cell;
mod path;
mod trial;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use cell::CellDifference;
pub use path::{Ending, Wanted};
pub use trial::{Defect, Leftover, LeftoverChange, Review};

use crate::golden::GoldenDifference;
use crate::path::{Cause, Deed, Hop, LegKind};

/// Something that a trial found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Finding {
    /// Line of the case file that asked for it, counted from 1; null where no single line did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The probe that it is about; null where it is about none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeName>,
    /// What was found.
    #[serde(flatten)]
    pub what: What,
}

/// Which probe of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct ProbeName {
    /// Its number, counted from 1.
    pub number: usize,
    /// Its heading, as `c1 → 8.8.8.8  icmp echo`.
    pub title: String,
}

/// What was found. In JSON, `what` says which it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum What {
    /// The path ended in another way.
    Fate {
        /// The case's word, as `answered`.
        expected: String,
        /// How it ended.
        seen: Ending,
    },
    /// The path ended elsewhere.
    Place {
        /// Node and place, as `host filter/FORWARD policy DROP`.
        expected: String,
        /// How it ended.
        seen: Ending,
    },
    /// Another packet of the exchange ended.
    Leg {
        /// Which one was to end.
        expected: LegKind,
        /// How it ended.
        seen: Ending,
    },
    /// The sender was told something else.
    Reason {
        /// An errno or the name of an ICMP error.
        expected: String,
        /// How it ended.
        seen: Ending,
    },
    /// The reply arrived with another TTL.
    Ttl {
        /// As the case says.
        expected: u8,
        /// As it arrived; null without a reply.
        seen: Option<u8>,
    },
    /// The service saw another client.
    Peer {
        /// As the case calls it.
        expected: String,
        /// Address and port; null where nothing was served.
        seen: Option<String>,
    },
    /// A place must see a packet, and did not.
    Unseen {
        /// A node, or one of its interfaces as `host:eth0`.
        at: String,
        /// The packet.
        wanted: Wanted,
        /// What was seen there of the probe.
        seen: Vec<Hop>,
    },
    /// A place must not see a packet, and did.
    Seen {
        /// A node, or one of its interfaces as `host:eth0`.
        at: String,
        /// The packet.
        unwanted: Wanted,
        /// As it was seen.
        seen: Box<Hop>,
    },
    /// A chain of the host must speak about the probe, and did not.
    Silent {
        /// Table and chain, as `filter/FORWARD`.
        chain: String,
    },
    /// A chain of the host must not speak about the probe, and did.
    Spoke {
        /// Table and chain, as `filter/FORWARD`.
        chain: String,
    },
    /// A node got a blocked request.
    Reached {
        /// The node.
        node: String,
    },
    /// The path has a gap: an interface must have seen the packet.
    Gap {
        /// The node.
        node: String,
        /// Its interface.
        interface: String,
    },
    /// An interface saw one packet twice.
    Doubled {
        /// The node.
        node: String,
        /// Its interface.
        interface: String,
        /// Which packet.
        leg: LegKind,
    },
    /// What netfilter did to a probe that went wrong: the path by roles does not show it. No mistake by itself.
    Netfilter(Deed),
    /// What the lab still answered about a path that ended without a verdict, otherwise than the case wants. No mistake by
    /// itself.
    Cause {
        /// What.
        cause: Cause,
    },
    /// A node's routes or interfaces are others.
    Entries {
        /// `routes` or `interfaces`.
        of: String,
        /// Whose.
        node: String,
        /// As the case lists them; their order means nothing.
        expected: Vec<String>,
        /// As the kernel lists them.
        seen: Vec<String>,
    },
    /// Nodes must share one network namespace, and do not.
    Apart {
        /// The nodes.
        nodes: Vec<String>,
    },
    /// A container must be refused, and was accepted.
    Accepted {
        /// Its name.
        container: String,
    },
    /// The implementation finds something wrong with what it made, and nothing was.
    Check {
        /// Its words.
        said: String,
    },
    /// The implementation must find what was changed, and found nothing new.
    Unnoticed,
    /// Something is left behind: after teardown, or of a container that was removed.
    Leftover(Leftover),
    /// Something is left behind: after teardown, or of a container that was removed, as is documented. No mistake.
    Kept {
        /// Where it is documented.
        source: String,
        /// What is left.
        left: Leftover,
    },
    /// The implementation failed to undo what it made.
    Teardown {
        /// Its words.
        said: String,
    },
    /// The implementation failed to make what the case intends.
    Implementation {
        /// Its words, or what the kernel has instead.
        said: String,
    },
    /// Questions of the table are not answered as the intent says.
    Cell(CellDifference),
    /// The case has no golden path yet.
    NoGolden,
    /// The path is not the golden one.
    Golden {
        /// Where they part.
        difference: Box<GoldenDifference>,
    },
    /// How a person makes what was seen the golden.
    Review {
        /// The case, with the options that `goldpath show` and `goldpath accept` need to mean the same one.
        id: String,
        /// How.
        review: Review,
    },
    /// The failure is a known defect.
    Known(Defect),
    /// The trial passed, and its failure is declared as a known defect: the entry is out of date.
    Stale(Defect),
    /// The trial cannot be put to the implementation or back end.
    NotSupported {
        /// Why.
        reason: String,
    },
    /// The person who runs it has switched it off.
    Disabled {
        /// Why.
        reason: String,
    },
    /// The installed engine cannot make the smallest network that there is: nothing is known about it.
    CannotStart {
        /// As it was asked for.
        implementation: String,
        /// Its words; null where another trial of the run tells them.
        said: Option<String>,
    },
    /// The harness or the machine broke.
    Broken {
        /// What broke, in the words of the harness and the kernel.
        said: String,
    },
    /// What was seen could not be kept.
    NotSaved {
        /// What the kernel said.
        said: String,
    },
}

impl Finding {
    /// About the whole trial.
    pub fn of(what: What) -> Self {
        Self {
            line: None,
            probe: None,
            what,
        }
    }

    /// About a step of the case.
    pub fn at(line: usize, what: What) -> Self {
        Self {
            line: Some(line),
            ..Self::of(what)
        }
    }

    /// About a probe.
    pub fn about(mut self, probe: ProbeName) -> Self {
        self.probe = Some(probe);
        self
    }

    /// Whether it is a question of a table whose answer nobody has declared.
    pub fn is_undeclared(&self) -> bool {
        matches!(&self.what, What::Cell(cell) if cell.known.is_none())
    }

    /// Whether it fails nobody by itself: a weaker rule that is not kept, or what is told beside another finding.
    pub fn is_mild(&self) -> bool {
        match &self.what {
            What::Cell(cell) => cell.level != "must",
            What::Netfilter(_) | What::Cause { .. } | What::NotSaved { .. } => true,
            _ => false,
        }
    }

    /// The nodes at which it was found, without those that are only spoken of.
    pub fn nodes(&self) -> Vec<&str> {
        match &self.what {
            What::Fate { seen, .. }
            | What::Place { seen, .. }
            | What::Leg { seen, .. }
            | What::Reason { seen, .. } => seen.node().into_iter().collect(),
            What::Unseen { at, .. } | What::Seen { at, .. } => {
                vec![at.split(':').next().unwrap_or(at)]
            }
            What::Silent { .. } | What::Spoke { .. } => vec!["host"],
            What::Reached { node }
            | What::Gap { node, .. }
            | What::Doubled { node, .. }
            | What::Entries { node, .. } => vec![node],
            What::Netfilter(deed) => vec![&deed.node],
            What::Cause { cause } => vec![cause.node()],
            What::Apart { nodes } => nodes.iter().map(String::as_str).collect(),
            What::Golden { difference } => difference.nodes(),
            _ => Vec::new(),
        }
    }

    /// The next hop that did not answer ARP, if that ended a path.
    pub fn silent(&self) -> Option<&str> {
        match &self.what {
            What::Fate { seen, .. }
            | What::Place { seen, .. }
            | What::Leg { seen, .. }
            | What::Reason { seen, .. } => seen.silent.as_deref(),
            _ => None,
        }
    }
}
