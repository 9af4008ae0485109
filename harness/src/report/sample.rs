//! A small report with every outcome, a parting and hostile text, for the tests of all formats.

use std::net::IpAddr;

use super::{CaseReport, Conclusion, ImplementationReport, PathReport, Report, Summary};
use crate::packet::{Headers, Transport};
use crate::path::{
    Action, Direction, End, Fate, Hook, Hop, Leg, LegKind, Lookup, PacketPath, Rewrite, Rule, Step,
    Verdict, draw, render,
};
use crate::run::{Outcome, Tool};

/// Text that would be markup where it isn't escaped.
pub(super) const HOSTILE: &str = "\"'><script>alert(1)</script>&amp;\u{1}]]>";

pub(super) fn report() -> Report {
    let cases = vec![
        case(
            "egress/masquerade",
            "<b>other",
            Outcome::Failed,
            vec![dropped()],
        ),
        case(
            "egress/masquerade",
            "recipe/iptables-legacy",
            Outcome::Passed,
            vec![answered()],
        ),
        case(
            "egress/masquerade",
            "recipe/iptables-nft",
            Outcome::Passed,
            vec![answered()],
        ),
        CaseReport {
            level: String::from("should"),
            ..case(
                "policy/advice",
                "recipe/iptables-nft",
                Outcome::Failed,
                vec![dropped()],
            )
        },
        case(
            "policy/known",
            "recipe/iptables-nft",
            Outcome::ExpectedFailure,
            vec![],
        ),
        case(
            "policy/off",
            "recipe/iptables-nft",
            Outcome::Disabled,
            vec![],
        ),
        case(
            "publish/broken",
            "recipe/iptables-nft",
            Outcome::Errored,
            vec![],
        ),
        case(
            "publish/cannot",
            "recipe/iptables-nft",
            Outcome::NotSupported,
            vec![],
        ),
    ];
    Report {
        schema_version: goldpath_report::SCHEMA_VERSION,
        goldpath: String::from("0.1.0"),
        kernel: String::from("6.1.0"),
        strict: false,
        result: Conclusion::of(&cases, cases.len(), false),
        summary: Summary::of(&cases),
        implementations: vec![ImplementationReport {
            name: String::from("recipe"),
            calls_itself: None,
            version: String::from("0.1.0"),
            adjusted: Vec::new(),
            tools: vec![
                Tool {
                    name: String::from("nft"),
                    version: String::from("nftables v1.0.6"),
                    path: Some(String::from("/usr/sbin/nft")),
                },
                Tool {
                    name: String::from("told"),
                    version: String::new(),
                    path: None,
                },
            ],
        }],
        commands: vec![String::from("goldpath run --json r.json")],
        planned: cases.iter().map(|case| case.trial().to_string()).collect(),
        profiles: Vec::new(),
        cases,
    }
}

fn case(id: &str, column: &str, outcome: Outcome, paths: Vec<PacketPath>) -> CaseReport {
    let (implementation, backend) = column
        .split_once('/')
        .map_or((column, None), |(name, backend)| (name, Some(backend)));
    let message = match outcome {
        Outcome::Passed => String::new(),
        _ => format!("because of {HOSTILE}\nand more"),
    };
    CaseReport {
        answers: Vec::new(),
        id: id.to_owned(),
        title: String::from("A container reaches the outside from the host's address"),
        level: String::from("must"),
        implementation: implementation.to_owned(),
        backend: backend.map(str::to_owned),
        version: None,
        families: vec![String::from("ipv4")],
        outcome,
        checks: vec![String::from("C6")],
        refutes: Vec::new(),
        contract: format!("title = '{HOSTILE}'\n"),
        case_sha256: String::from("0"),
        golden_sha256: None,
        source: vec![String::from("https://example.org/?a=1&b=2")],
        duration_ms: 12.5,
        waited_ms: 0.0,
        message,
        findings: Vec::new(),
        evidence: None,
        again: format!("goldpath run {id}"),
        paths: paths.into_iter().map(path).collect(),
    }
}

/// A path as a report has it.
pub(super) fn path(path: PacketPath) -> PathReport {
    PathReport {
        probe: String::from("c1 → 8.8.8.8  icmp echo"),
        fate: path.fate.to_string(),
        text: render(&path),
        lines: draw(&path),
        path,
    }
}

fn headers(source: &str, destination: &str, ttl: u8, reply: bool) -> Headers {
    let address = |text: &str| -> IpAddr { text.parse().unwrap_or(IpAddr::from([0, 0, 0, 0])) };
    Headers {
        source: address(source),
        destination: address(destination),
        ttl,
        tos: 0,
        dont_fragment: true,
        fragment_offset: 0,
        more_fragments: false,
        length: 84,
        transport: if reply {
            Transport::EchoReply { id: 1, sequence: 1 }
        } else {
            Transport::EchoRequest { id: 1, sequence: 1 }
        },
    }
}

fn hop(place: &str, direction: Direction, headers: &Headers) -> Step {
    let (node, interface) = place.split_once(':').unwrap_or((place, ""));
    Step::Hop(Hop {
        node: node.to_owned(),
        interface: interface.to_owned(),
        direction,
        headers: headers.clone(),
        sender: None,
    })
}

fn verdict(chain: &str, rule: &str, action: Action) -> Step {
    Step::Verdict(Verdict {
        node: String::from("host"),
        hook: Hook::Forward,
        chain: chain.to_owned(),
        rule: match rule {
            "" => Rule::Policy,
            text => Rule::Text(text.to_owned()),
        },
        action,
    })
}

fn rewrite(end: End, was: &str, is: &str) -> Step {
    Step::Rewrite(Rewrite {
        node: String::from("host"),
        end,
        was: was.to_owned(),
        is: is.to_owned(),
    })
}

fn lookups() -> Vec<Lookup> {
    vec![Lookup {
        node: String::from("c1"),
        table: String::from("route"),
        answer: String::from("8.8.8.8 via 10.55.66.1 dev eth0"),
    }]
}

/// Out through a masquerading host and back.
pub(super) fn answered() -> PacketPath {
    use Direction::{In, Out};
    let inside = headers("10.55.66.2", "8.8.8.8", 64, false);
    let outside = headers("10.0.2.15", "8.8.8.8", 63, false);
    let back = headers("8.8.8.8", "10.0.2.15", 64, true);
    let home = headers("8.8.8.8", "10.55.66.2", 63, true);
    let request = vec![
        hop("c1:eth0", Out, &inside),
        hop("host:veth0", In, &inside),
        hop("host:br0", In, &inside),
        verdict("filter/FORWARD", "", Action::Accept),
        verdict("nat/POSTROUTING", "-o eth0 -j MASQUERADE", Action::Accept),
        rewrite(End::Source, "10.55.66.2", "10.0.2.15"),
        hop("host:eth0", Out, &outside),
        hop("outside:eth0", In, &outside),
    ];
    let reply = vec![
        hop("outside:eth0", Out, &back),
        hop("host:eth0", In, &back),
        rewrite(End::Destination, "10.0.2.15", "10.55.66.2"),
        verdict("filter/FORWARD", "", Action::Accept),
        hop("host:br0", Out, &home),
        hop("host:veth0", Out, &home),
        hop("c1:eth0", In, &home),
    ];
    PacketPath {
        legs: vec![
            Leg {
                kind: LegKind::Request,
                steps: request,
            },
            Leg {
                kind: LegKind::Reply,
                steps: reply,
            },
        ],
        fate: Fate::Answered,
        settled: true,
        bindings: Vec::new(),
        lookups: lookups(),
        fragments: Vec::new(),
    }
}

/// Ended by a rule in the host.
pub(super) fn dropped() -> PacketPath {
    let inside = headers("10.55.66.2", "8.8.8.8", 64, false);
    PacketPath {
        legs: vec![Leg {
            kind: LegKind::Request,
            steps: vec![
                hop("c1:eth0", Direction::Out, &inside),
                hop("host:veth0", Direction::In, &inside),
                verdict("filter/FORWARD", "-j <DROP>", Action::Drop),
            ],
        }],
        fate: Fate::Dropped {
            leg: LegKind::Request,
            node: String::from("host"),
            place: String::from("filter/FORWARD -j <DROP>"),
        },
        settled: true,
        bindings: Vec::new(),
        lookups: lookups(),
        fragments: Vec::new(),
    }
}
