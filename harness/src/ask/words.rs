//! What was asked and what came of it, in words.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use super::ending::Ending;
use super::judge::{Ground, Wrong};
use crate::intent::{Answer, Ask, Flow, OPEN, Question, Refuser, Routing, Sees, Size};

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ending => f.write_str("it ended otherwise"),
            Self::Missed(node) => write!(f, "{node} must get it and has not"),
            Self::Reached(node) => write!(f, "{node} must not get it and got it"),
            Self::Copies(copies) => write!(f, "services got it {copies} times"),
            Self::Answers(answers) => write!(f, "{answers} answers came back"),
            Self::Cut(bytes) => write!(f, "the service got {bytes} bytes of it"),
            Self::Saw(peer) => write!(f, "the service must not see {peer}"),
            Self::Ttl { is, must } => write!(f, "it arrived with ttl {is} instead of {must}"),
            Self::ReplyTtl { is, must } => {
                write!(f, "the answer came with ttl {is} instead of {must}")
            }
            Self::Announced { node, bytes } => write!(
                f,
                "{node} announced a maximum segment size of {bytes} bytes, though every link carries more"
            ),
            Self::Overheard(node) => {
                write!(f, "{node} got a frame of the answer, which is not for it")
            }
            Self::Checksum(node) => write!(f, "a packet came to {node} with a wrong checksum"),
            Self::Changed(node, field) => {
                write!(
                    f,
                    "a packet came to {node} with another {field} than it was sent with"
                )
            }
            Self::Unheard(node) => write!(
                f,
                "what {node} sent in it by itself, before it was asked, did not come"
            ),
            Self::Left(address) => write!(f, "it left the host's segment from {address}"),
            Self::Shadows(port) => write!(
                f,
                "it left from port {port}, which the host publishes: for whoever was asked, that port now leads to the asking node"
            ),
            Self::SourcePort { is, must } => {
                write!(f, "it was sent from port {must} and came from {is}")
            }
            Self::RefusedFrom(address) => write!(f, "the refusal came from {address}"),
        }
    }
}

/// A question in words, with the asked address.
#[derive(Debug, Clone, Copy)]
pub struct QuestionText<'a>(pub &'a Question);

/// A question by roles alone, which is the same of every implementation.
#[derive(Debug, Clone, Copy)]
pub struct QuestionByRoles<'a>(pub &'a Question);

impl fmt::Display for QuestionText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Question { from, to, .. } = self.0;
        let address = to.address.to_string();
        write!(f, "{} → {}", from.0, to.role)?;
        if to.role != address {
            write!(f, " ({address})")?;
        }
        how(f, self.0)
    }
}

impl fmt::Display for QuestionByRoles<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Question { from, to, .. } = self.0;
        write!(f, "{} → {}", from.0, to.role)?;
        how(f, self.0)
    }
}

/// By which packet, how large, by which way.
fn how(f: &mut fmt::Formatter<'_>, question: &Question) -> fmt::Result {
    match question.ask {
        Ask::Icmp => f.write_str(" by icmp echo")?,
        Ask::Tcp(port) => write!(f, " by tcp {port}")?,
        Ask::Udp(port) => write!(f, " by udp {port}")?,
        Ask::FromPublished(protocol, port) => write!(f, " by {protocol} {OPEN} from {port}")?,
        Ask::LateReply => f.write_str(" by an icmp echo reply to nobody")?,
        Ask::IpProtocol => f.write_str(" by an ip protocol that nobody speaks")?,
        Ask::LateTcp(port) => write!(f, " by a tcp segment of no connection to {port}")?,
    }
    match question.size {
        Size::Small => {}
        Size::Whole(bytes) => write!(f, ", whole packet of {bytes} bytes")?,
        Size::Fragmented(bytes) => write!(f, ", {bytes} bytes in fragments")?,
        Size::TooLarge(bytes) => write!(f, ", {bytes} bytes that may not be fragmented")?,
    }
    if question.way == Routing::RouteByHost {
        f.write_str(", by a route through the host")?;
    }
    if question.flow == Flow::Open {
        f.write_str(", in a flow that was open before")?;
    }
    Ok(())
}

/// An answer in words.
#[derive(Debug, Clone, Copy)]
pub struct AnswerText<'a>(pub &'a Answer);

impl fmt::Display for AnswerText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Answer::Answered { by, sees, .. } => {
                write!(f, "answered by {by}")?;
                match sees {
                    Sees::Own(address) | Sees::Exactly(address) => {
                        write!(f, ", which sees {address},")
                    }
                    Sees::Behind(address, left) => {
                        write!(f, ", which sees {address} for {left},")
                    }
                    Sees::Hosts => f.write_str(", which sees an address of the host,"),
                    Sees::OwnOrHosts | Sees::Anything => Ok(()),
                }
            }
            Answer::Refused {
                by: Refuser::Node(node) | Refuser::Published(node),
            } => write!(f, "refused by {node}"),
            Answer::Unreachable => f.write_str("unreachable"),
            Answer::TooLarge { mtu } => write!(f, "too large for {mtu}"),
            Answer::Blocked => f.write_str("blocked"),
            Answer::NoContainer => f.write_str("no container"),
            Answer::Spread { to } if to.is_empty() => f.write_str("no container"),
            Answer::Spread { to } => write!(f, "every container there: {}", to.join(", ")),
            Answer::NoAnswer => f.write_str("no answer"),
            Answer::Unspecified { .. } => f.write_str("nothing"),
        }
    }
}

/// What must come of a question, in words that are the same whoever is asked.
pub fn expected_in_brief(answer: &Answer) -> &'static str {
    match answer {
        Answer::Answered { sees, .. } => match sees {
            Sees::Own(_) => "answered by who sees the asker",
            Sees::Exactly(_) | Sees::Behind(..) | Sees::Hosts => "answered by who sees the host",
            Sees::OwnOrHosts | Sees::Anything => "answered",
        },
        Answer::Refused { .. } => "refused",
        Answer::Unreachable => "unreachable",
        Answer::TooLarge { .. } => "too large",
        Answer::Blocked => "blocked",
        Answer::NoContainer => "no container",
        Answer::NoAnswer => "no answer",
        Answer::Spread { .. } => "comes to everybody",
        Answer::Unspecified { .. } => "unspecified",
    }
}

/// How a question ended, in words that are the same whoever has answered and by which address.
pub fn ended_in_brief(ending: &Ending, asker: &str, ground: &Ground) -> String {
    let kinds = |nodes: &[String]| {
        let kinds: BTreeSet<&str> = nodes.iter().map(|node| kind(node, asker, ground)).collect();
        Vec::from_iter(kinds).join(" and ")
    };
    match ending {
        Ending::Answered { by, saw } => {
            let seen: BTreeSet<&str> = saw.iter().map(|one| whose(*one, asker, ground)).collect();
            let mut text = String::from("answered");
            if !by.is_empty() {
                text.push_str(" by ");
                text.push_str(&kinds(by));
            }
            if !seen.is_empty() {
                text.push_str(", which sees ");
                text.push_str(&Vec::from_iter(seen).join(" and "));
            }
            text
        }
        Ending::Unanswered { by } => format!("reaches {}, unanswered", kinds(by)),
        Ending::Refused { by: Some(by) } => format!("refused by {}", kind(by, asker, ground)),
        Ending::Refused { by: None } => "refused".to_owned(),
        Ending::Unreachable(_) => "unreachable".to_owned(),
        Ending::TooLarge { .. } => "too large".to_owned(),
        Ending::Closed => "closed".to_owned(),
        Ending::Silent => "silent".to_owned(),
    }
}

/// What is wrong beside the ending, in words that are the same whoever has answered and by which address.
pub fn wrong_in_brief(wrong: &Wrong, asker: &str, ground: &Ground) -> Option<String> {
    let kind = |node| kind(node, asker, ground);
    let whose = |address: &IpAddr| whose(*address, asker, ground);
    let text = match wrong {
        // The ending says it.
        Wrong::Ending | Wrong::Saw(_) => return None,
        Wrong::Missed(node) => format!("does not reach {}", kind(node)),
        Wrong::Reached(node) => format!("reaches {}", kind(node)),
        Wrong::Overheard(node) => format!("the answer also reaches {}", kind(node)),
        Wrong::Announced { .. } => "small segments are announced".to_owned(),
        Wrong::Checksum(_) => "a checksum is wrong".to_owned(),
        Wrong::Changed(_, field) => format!("the {field} changes"),
        Wrong::Unheard(node) => format!("what {} sends first does not come", kind(node)),
        Wrong::Left(address) => format!("leaves from an address of {}", whose(address)),
        Wrong::Shadows(_) => "leaves from a published port".to_owned(),
        Wrong::SourcePort { .. } => "leaves from another port".to_owned(),
        Wrong::RefusedFrom(address) => format!("from an address of {}", whose(address)),
        Wrong::Copies(_)
        | Wrong::Answers(_)
        | Wrong::Cut(_)
        | Wrong::Ttl { .. }
        | Wrong::ReplyTtl { .. } => wrong.to_string(),
    };
    Some(text)
}

fn kind<'a>(node: &'a str, asker: &str, ground: &Ground) -> &'a str {
    match node {
        _ if node == asker => "itself",
        _ if ground.containers.contains(node) => "a container",
        "host" => "the host",
        other => other,
    }
}

fn whose(address: IpAddr, asker: &str, ground: &Ground) -> &'static str {
    match ground.owners.get(&address).map(String::as_str) {
        Some(owner) if owner == asker => "the asker",
        Some(owner) if ground.containers.contains(owner) => "a container",
        _ if address.is_loopback() || ground.hosts.contains(&address) => "the host",
        // Behind the lab's gateway, which translates once more.
        Some("gateway") => "the host",
        _ => "somebody else",
    }
}
