//! The intent in words: its rules as a page, a table as text, and how much of it is open.

use std::fmt::Write as _;

use super::columns::columns;
use crate::case::NetworkEvent;
use crate::intent::{
    Answer, Ask, CLOSED, Flow, OPEN, Question, Refuser, Routing, Row, Rule, Sees, Share, Size, Why,
    groups,
};

const INTRODUCTION: &str = include_str!("intent.md");

/// All rules as a Markdown page.
pub fn rules_page() -> String {
    let mut text = INTRODUCTION
        .replace("{open}", &OPEN.to_string())
        .replace("{closed}", &CLOSED.to_string());
    for group in groups() {
        let _ = writeln!(text, "\n## {}", group.title);
        for rule in group.rules {
            let _ = write!(text, "\n{}", rule_item(rule));
        }
    }
    text
}

fn rule_item(rule: &Rule) -> String {
    let mut text = format!("### {}\n\n{}\n\n", rule.id, rule.sentence);
    let binds = match rule.open() {
        Some(reason) => format!("*Unspecified*: {reason}."),
        None => format!("*{}*", rule.level),
    };
    let features: Vec<String> = rule.features.iter().map(|one| format!("`{one}`")).collect();
    let needs = if features.is_empty() {
        String::new()
    } else {
        format!(", if the implementation lists {}", features.join(", "))
    };
    let _ = writeln!(text, "{binds}{needs}\n");
    for source in rule.source {
        let _ = writeln!(text, "- {source}");
    }
    text
}

/// What came between two moments.
pub fn event_words(change: Option<&NetworkEvent>) -> String {
    match change {
        None => "at first".to_owned(),
        Some(NetworkEvent::Remove(name)) => format!("after {name} is removed"),
        Some(NetworkEvent::Lose(name)) => {
            format!("after {name} has vanished and is removed")
        }
        Some(NetworkEvent::Add(name)) => format!("after {name} is added"),
        Some(NetworkEvent::Refuse(name)) => format!("after {name} is refused"),
        Some(NetworkEvent::Check { .. }) => "after a check".to_owned(),
        Some(NetworkEvent::Teardown { .. }) => "after teardown".to_owned(),
    }
}

/// A question in one phrase: `c1 → host.uplink 10.0.2.15, tcp 8080`.
pub fn question_words(question: &Question) -> String {
    let Question { from, to, ask, .. } = question;
    let mut text = format!(
        "{} → {} {}, {}",
        from.0,
        to.role,
        to.address,
        ask_words(*ask)
    );
    let how = how_words(question);
    if !how.is_empty() {
        let _ = write!(text, ", {how}");
    }
    text
}

fn ask_words(ask: Ask) -> String {
    match ask {
        Ask::Icmp => "icmp".to_owned(),
        Ask::Tcp(port) => format!("tcp {port}"),
        Ask::Udp(port) => format!("udp {port}"),
        Ask::FromPublished(protocol, port) => format!("{protocol} {OPEN} from {port}"),
        Ask::LateReply => "late icmp".to_owned(),
        Ask::IpProtocol => "another ip protocol".to_owned(),
        Ask::LateTcp(port) => format!("late tcp {port}"),
    }
}

/// What is unusual about a question's packet; empty for a small one that begins a flow by the node's own routes.
fn how_words(question: &Question) -> String {
    let size = match question.size {
        Size::Small => None,
        Size::Whole(bytes) => Some(format!("{bytes} bytes whole")),
        Size::Fragmented(bytes) => Some(format!("{bytes} bytes in fragments")),
        Size::TooLarge(bytes) => Some(format!("{bytes} bytes too large")),
    };
    let way = (question.way == Routing::RouteByHost).then(|| "by a route".to_owned());
    let flow = (question.flow == Flow::Open).then(|| "open flow".to_owned());
    let words: Vec<String> = [size, way, flow].into_iter().flatten().collect();
    words.join(", ")
}

/// An answer in one phrase: `answered by c1, who sees 10.0.2.50, behind 1 router`.
pub fn answer_words(answer: &Answer) -> String {
    match answer {
        Answer::Answered { by, sees, routers } => {
            let sees = match sees {
                Sees::Own(address) | Sees::Exactly(address) => format!(", who sees {address}"),
                Sees::Behind(address, left) => {
                    format!(", who sees {address} for {left}")
                }
                Sees::Hosts => ", who sees the host".to_owned(),
                Sees::OwnOrHosts => ", who sees the asker or the host".to_owned(),
                Sees::Anything => String::new(),
            };
            let routers = match routers {
                None | Some(0) => String::new(),
                Some(1) => ", behind 1 router".to_owned(),
                Some(many) => format!(", behind {many} routers"),
            };
            format!("answered by {by}{sees}{routers}")
        }
        Answer::Refused {
            by: Refuser::Node(node),
        } => format!("refused by {node}"),
        Answer::Refused {
            by: Refuser::Published(container),
        } => format!("refused by {container} as from the address asked"),
        Answer::Unreachable => "unreachable".to_owned(),
        Answer::TooLarge { mtu } => format!("too large for MTU {mtu}"),
        Answer::Blocked => "blocked".to_owned(),
        Answer::NoAnswer => "nobody is answered".to_owned(),
        Answer::NoContainer => "no container is reached".to_owned(),
        Answer::Spread { to } if to.is_empty() => "no container is reached".to_owned(),
        Answer::Spread { to } => format!("comes to {}", to.join(", ")),
        Answer::Unspecified {
            why: Why::NotListed(feature),
        } => format!("unspecified: {feature} is not listed"),
        Answer::Unspecified {
            why: Why::NoPromise(_),
        } => "unspecified".to_owned(),
    }
}

/// A table in aligned columns, the rule last.
pub fn intent_table(rows: &[Row]) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let question = &row.question;
            vec![
                question.from.0.clone(),
                question.to.role.clone(),
                question.to.address.to_string(),
                ask_words(question.ask),
                how_words(question),
                answer_words(&row.answer),
                row.rule.id.to_string(),
            ]
        })
        .collect();
    columns(&cells)
}

/// How much of the table is unspecified, by implementation; also Markdown.
pub fn share_table(shares: &[(String, Share)]) -> String {
    let mut text = String::from(
        "| implementation | cells | feature not listed | no promise | unspecified |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    for (name, share) in shares {
        let per_mille = share.per_mille();
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {}.{} % |",
            share.cells,
            share.not_listed,
            share.no_promise,
            per_mille / 10,
            per_mille % 10
        );
    }
    text
}
