//! Assembly and rendering from recorded evidence, and what shuffled, doubled and missing frames do to a path.

use proptest::prelude::*;

use super::*;
use crate::packet::{Headers, IcmpError, Transport};

/// Evidence in the making: each call records the next thing that happened.
#[derive(Default)]
struct Recording {
    evidence: Evidence,
    clock: u64,
}

fn echo(leg: LegKind, source: &str, destination: &str, ttl: u8) -> Headers {
    let (id, sequence) = (7, 1);
    Headers {
        source: source.parse().expect("an address"),
        destination: destination.parse().expect("an address"),
        ttl,
        tos: 0,
        dont_fragment: leg == LegKind::Request,
        fragment_offset: 0,
        more_fragments: false,
        length: 84,
        transport: match leg {
            LegKind::Request => Transport::EchoRequest { id, sequence },
            _ => Transport::EchoReply { id, sequence },
        },
    }
}

impl Recording {
    fn wire(&mut self, one: (&str, &str), other: (&str, &str), bridge: Option<&str>) {
        let own = |end: (&str, &str)| (end.0.to_owned(), end.1.to_owned());
        for (end, peer, bridge) in [(one, other, None), (other, one, bridge)] {
            let node = self.evidence.nodes.entry(end.0.to_owned()).or_default();
            let interface = Interface {
                peer: Some(own(peer)),
                bridge: bridge.map(str::to_owned),
                ..Interface::default()
            };
            node.interfaces.insert(end.1.to_owned(), interface);
        }
    }

    fn frame(&mut self, leg: LegKind, place: &str, direction: Direction, headers: Headers) {
        let (node, interface) = place.split_once(':').expect("node:interface");
        self.clock += 1;
        self.evidence.frames.push(Frame {
            leg,
            node: node.to_owned(),
            interface: interface.to_owned(),
            direction,
            order: self.clock,
            at: 1_000 + self.clock,
            headers,
            destination_mac: String::new(),
            source_mac: String::new(),
        });
    }

    fn verdict(&mut self, hook: Hook, chain: &str, rule: Rule, action: Action, headers: Headers) {
        let (table, chain) = chain.split_once('/').expect("table/chain");
        self.clock += 1;
        let leg = match headers.transport {
            Transport::EchoRequest { .. } => LegKind::Request,
            Transport::Error { .. } => LegKind::Error,
            _ => LegKind::Reply,
        };
        self.evidence.verdicts.push(VerdictEvent {
            leg: Some(leg),
            node: String::from("host"),
            order: self.clock,
            table: table.to_owned(),
            chain: chain.to_owned(),
            hook,
            rule,
            action,
            input: String::new(),
            output: String::new(),
            headers,
        });
    }
}

/// Frames of [`masqueraded`].
const FRAMES: usize = 10;

/// c1 behind a bridge with br_netfilter, masqueraded to `outside`, and back.
fn masqueraded() -> Evidence {
    use Direction::{In, Out};
    use LegKind::{Reply, Request};
    let mut r = Recording::default();
    r.wire(("c1", "eth0"), ("host", "veth0"), Some("hwchiu0"));
    r.wire(("host", "eth0"), ("outside", "eth0"), None);
    let host = r.evidence.nodes.entry(String::from("host")).or_default();
    host.bridge_netfilter = true;
    host.interfaces
        .insert(String::from("hwchiu0"), Interface::default());
    r.evidence.from = String::from("c1");
    let (c1, host, server) = ("10.55.66.2", "10.0.2.15", "8.8.8.8");
    let inside = |ttl| echo(Request, c1, server, ttl);
    r.frame(Request, "c1:eth0", Out, inside(64));
    r.frame(Request, "host:veth0", In, inside(64));
    r.verdict(
        Hook::Prerouting,
        "nat/PREROUTING",
        Rule::Policy,
        Action::Accept,
        inside(64),
    );
    r.frame(Request, "host:hwchiu0", In, inside(64));
    r.verdict(
        Hook::Forward,
        "filter/FORWARD",
        Rule::Text(String::from("-i hwchiu0 -o eth0 -j ACCEPT")),
        Action::Accept,
        inside(63),
    );
    r.verdict(
        Hook::Postrouting,
        "nat/POSTROUTING",
        Rule::Text(String::from("-s 10.55.66.2/32 -o eth0 -j MASQUERADE")),
        Action::Accept,
        inside(63),
    );
    r.frame(Request, "host:eth0", Out, echo(Request, host, server, 63));
    r.frame(Request, "outside:eth0", In, echo(Request, host, server, 63));
    let back = |to, ttl| echo(Reply, server, to, ttl);
    r.frame(Reply, "outside:eth0", Out, back(host, 64));
    r.frame(Reply, "host:eth0", In, back(host, 64));
    r.verdict(
        Hook::Forward,
        "filter/FORWARD",
        Rule::Text(String::from("-i eth0 -o hwchiu0 -j ACCEPT")),
        Action::Accept,
        back(c1, 63),
    );
    r.frame(Reply, "host:hwchiu0", Out, back(c1, 63));
    r.frame(Reply, "host:veth0", Out, back(c1, 63));
    r.frame(Reply, "c1:eth0", In, back(c1, 63));
    r.evidence.answer = Some(Answer::Reply {
        headers: Some(back(c1, 63)),
        peer_seen: None,
    });
    r.evidence
}

/// c1 to c2 over the bridge, dropped by FORWARD's policy.
fn dropped() -> Evidence {
    let mut r = Recording::default();
    r.wire(("c1", "eth0"), ("host", "veth0"), Some("hwchiu0"));
    r.wire(("c2", "eth0"), ("host", "veth1"), Some("hwchiu0"));
    r.evidence.from = String::from("c1");
    let packet = || echo(LegKind::Request, "10.55.66.2", "10.55.66.3", 64);
    r.frame(LegKind::Request, "c1:eth0", Direction::Out, packet());
    r.frame(LegKind::Request, "host:veth0", Direction::In, packet());
    r.verdict(
        Hook::Forward,
        "filter/FORWARD",
        Rule::Policy,
        Action::Drop,
        packet(),
    );
    r.evidence
}

/// c1's request ends beyond the host's NAT, and what `outside` says about it comes as far as the host, whose address it is
/// for. Returns what was recorded, and the error.
fn discarded() -> (Recording, Headers) {
    use Direction::{In, Out};
    use LegKind::{Error, Request};
    let mut r = Recording::default();
    r.wire(("c1", "eth0"), ("host", "veth0"), None);
    r.wire(("host", "eth0"), ("outside", "eth0"), None);
    r.evidence.from = String::from("c1");
    let (c1, host, server) = ("10.55.66.2", "10.0.2.15", "8.8.8.8");
    let own = host.parse().expect("an address");
    let node = r.evidence.nodes.entry(String::from("host")).or_default();
    node.addresses.push(own);
    for (place, direction, source) in [
        ("c1:eth0", Out, c1),
        ("host:veth0", In, c1),
        ("host:eth0", Out, host),
        ("outside:eth0", In, host),
    ] {
        r.frame(Request, place, direction, echo(Request, source, server, 2));
    }
    let mut error = echo(Error, server, host, 64);
    error.transport = Transport::Error {
        error: IcmpError::TtlExceeded,
        quoted: Box::new(echo(Request, host, server, 1)),
    };
    r.frame(Error, "outside:eth0", Out, error.clone());
    r.frame(Error, "host:eth0", In, error.clone());
    (r, error)
}

#[test]
fn an_error_about_the_request_ends_where_a_rule_drops_it() {
    let (mut r, error) = discarded();
    let rule = Rule::Text(String::from("icmp type time-exceeded drop"));
    r.verdict(Hook::Forward, "goldpath/forward", rule, Action::Drop, error);
    let path = assemble(&r.evidence);
    assert!(path.is_settled());
    assert_eq!(
        path.fate.to_string(),
        "error dropped at host goldpath/forward icmp type time-exceeded drop"
    );
}

#[test]
fn an_error_about_the_request_that_nobody_translates_back_is_lost() {
    let path = assemble(&discarded().0.evidence);
    assert!(!path.is_settled());
    assert_eq!(
        path.fate.to_string(),
        "error lost after host:eth0, no verdict"
    );
}

#[test]
fn a_redirect_ends_nothing() {
    let (mut r, mut error) = discarded();
    r.evidence
        .frames
        .retain(|frame| frame.leg == LegKind::Request);
    let c1 = "10.55.66.2".parse().expect("an address");
    r.evidence.nodes.entry("c1".into()).or_default().addresses = vec![c1];
    error.destination = c1;
    for (icmp_type, fate) in [
        (5, "request lost after outside:eth0, no verdict"),
        (12, "unreachable: icmp type 12 code 1"),
    ] {
        let Transport::Error { error: kind, .. } = &mut error.transport else {
            panic!("no error");
        };
        *kind = IcmpError::Other { icmp_type, code: 1 };
        r.frame(LegKind::Error, "host:veth0", Direction::Out, error.clone());
        r.frame(LegKind::Error, "c1:eth0", Direction::In, error.clone());
        let path = assemble(&r.evidence);
        assert_eq!(path.fate.to_string(), fate);
    }
}

#[test]
fn a_masqueraded_echo_is_drawn_with_its_rewrites() {
    let path = assemble(&masqueraded());
    assert!(path.is_settled());
    insta::assert_snapshot!(render(&path));
}

#[test]
fn a_drop_is_named_by_chain_and_policy() {
    let path = assemble(&dropped());
    assert!(path.is_settled());
    insta::assert_snapshot!(render(&path));
}

#[test]
fn without_a_verdict_the_packet_is_lost_after_its_last_hop() {
    let mut evidence = dropped();
    evidence.verdicts.clear();
    let path = assemble(&evidence);
    assert!(!path.is_settled());
    assert_eq!(
        path.fate.to_string(),
        "request lost after host:veth0, no verdict"
    );
}

#[test]
fn a_connection_that_breaks_off_ends_where_its_stream_does() {
    let mut evidence = masqueraded();
    evidence.answer = None;
    let mut last = evidence.frames[FRAMES / 2 - 1].clone();
    last.leg = LegKind::Stream;
    last.at += 1_000;
    evidence.frames.push(last);
    let path = assemble(&evidence);
    assert!(!path.is_settled());
    assert_eq!(
        path.fate.to_string(),
        "stream lost after outside:eth0, no verdict"
    );
    let mut verdict = evidence.verdicts[1].clone();
    verdict.leg = Some(LegKind::Stream);
    verdict.action = Action::Drop;
    evidence.verdicts.push(verdict);
    assert_eq!(
        assemble(&evidence).fate.to_string(),
        "stream dropped at host filter/FORWARD -i hwchiu0 -o eth0 -j ACCEPT"
    );
}

#[test]
fn a_rejecting_rule_is_not_the_end_until_its_error_arrives() {
    let mut evidence = dropped();
    let rule = String::from("-j REJECT --reject-with icmp-port-unreachable");
    evidence.verdicts[0].rule = Rule::Text(rule);
    assert!(!assemble(&evidence).is_settled());
}

#[test]
fn a_refused_send_is_unreachable() {
    let evidence = Evidence {
        from: String::from("c1"),
        sent: Sent::Refused(String::from("ENETUNREACH")),
        ..Evidence::default()
    };
    let path = assemble(&evidence);
    assert!(path.is_settled());
    assert_eq!(path.fate.to_string(), "unreachable: ENETUNREACH");
}

/// A bridge that does not know the destination's port floods the packet: both wires are followed.
#[test]
fn a_flooded_packet_is_followed_on_every_wire() {
    let mut r = Recording::default();
    for (container, port) in [("c1", "veth0"), ("c2", "veth1"), ("c3", "veth2")] {
        r.wire((container, "eth0"), ("host", port), Some("hwchiu0"));
    }
    r.evidence.from = String::from("c1");
    let packet = || echo(LegKind::Request, "10.55.66.2", "10.55.66.3", 64);
    for (place, direction) in [
        ("c1:eth0", Direction::Out),
        ("host:veth0", Direction::In),
        ("host:veth1", Direction::Out),
        ("host:veth2", Direction::Out),
        ("c2:eth0", Direction::In),
        ("c3:eth0", Direction::In),
    ] {
        r.frame(LegKind::Request, place, direction, packet());
    }
    let path = assemble(&r.evidence);
    let places: Vec<String> = path
        .hops(LegKind::Request)
        .map(|hop| format!("{}:{}", hop.node, hop.interface))
        .collect();
    assert_eq!(
        places,
        [
            "c1:eth0",
            "host:veth0",
            "host:veth1",
            "host:veth2",
            "c2:eth0",
            "c3:eth0"
        ]
    );
    assert!(
        !path.legs[0]
            .steps
            .iter()
            .any(|s| matches!(s, Step::Missing { .. }))
    );
}

/// A packet to the node's own address leaves and enters by `lo`: OUTPUT speaks before, INPUT behind.
/// c1 and c2 on a promiscuous bridge, as containerd's own conflist makes it: the bridge hands up a copy of what it has
/// forwarded.
#[test]
fn a_promiscuous_bridge_loses_no_reply_that_arrived() {
    use Direction::{In, Out};
    use LegKind::{Reply, Request};
    let mut r = Recording::default();
    r.wire(("c1", "eth0"), ("host", "veth1"), Some("cni0"));
    r.wire(("c2", "eth0"), ("host", "veth2"), Some("cni0"));
    let host = r.evidence.nodes.entry(String::from("host")).or_default();
    host.interfaces
        .insert(String::from("cni0"), Interface::default());
    r.evidence.from = String::from("c1");
    let (c1, c2) = ("10.88.0.2", "10.88.0.3");
    let asked = || echo(Request, c1, c2, 64);
    r.frame(Request, "c1:eth0", Out, asked());
    r.frame(Request, "host:veth1", In, asked());
    r.frame(Request, "host:veth2", Out, asked());
    r.frame(Request, "c2:eth0", In, asked());
    r.frame(Request, "host:cni0", In, asked());
    let said = || echo(Reply, c2, c1, 64);
    r.frame(Reply, "c2:eth0", Out, said());
    r.frame(Reply, "host:veth2", In, said());
    r.frame(Reply, "host:veth1", Out, said());
    r.frame(Reply, "c1:eth0", In, said());
    r.frame(Reply, "host:cni0", In, said());
    r.evidence.answer = Some(Answer::Reply {
        headers: None,
        peer_seen: None,
    });
    let path = assemble(&r.evidence);
    assert_eq!(path.fate, Fate::Answered);
    assert!(path.is_settled());
    let hops: Vec<String> = path
        .hops(Reply)
        .map(|hop| format!("{}:{}", hop.node, hop.interface))
        .collect();
    assert_eq!(
        hops,
        [
            "c2:eth0",
            "host:veth2",
            "host:veth1",
            "host:cni0",
            "c1:eth0"
        ]
    );
    // What the stack itself sends through the bridge is another passage.
    r.frame(Request, "host:cni0", Out, asked());
    let path = assemble(&r.evidence);
    assert!(
        path.hops(Request)
            .last()
            .is_some_and(|hop| hop.direction == Out)
    );
}

#[test]
fn a_packet_over_lo_meets_output_before_and_input_behind() {
    let mut r = Recording::default();
    r.evidence.from = String::from("host");
    let packet = || echo(LegKind::Request, "10.0.2.15", "10.0.2.15", 64);
    let policy = |r: &mut Recording, hook, chain| {
        r.verdict(hook, chain, Rule::Policy, Action::Accept, packet());
    };
    policy(&mut r, Hook::Output, "filter/OUTPUT");
    r.frame(LegKind::Request, "host:lo", Direction::Out, packet());
    r.frame(LegKind::Request, "host:lo", Direction::In, packet());
    policy(&mut r, Hook::Input, "filter/INPUT");
    let path = assemble(&r.evidence);
    let words: Vec<String> = path
        .steps(LegKind::Request)
        .iter()
        .map(|step| match step {
            Step::Hop(hop) => hop.direction.arrow().to_string(),
            Step::Verdict(verdict) => verdict.chain.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(words, ["filter/OUTPUT", ">", "<", "filter/INPUT"]);
}

proptest! {
    #[test]
    fn shuffled_and_doubled_frames_give_the_same_path(
        order in Just((0..FRAMES).collect::<Vec<_>>()).prop_shuffle(),
        doubled in proptest::collection::vec(0..FRAMES, 0..6),
    ) {
        let recorded = masqueraded();
        prop_assert_eq!(recorded.frames.len(), FRAMES);
        let mut evidence = recorded.clone();
        evidence.frames = order.iter().chain(&doubled).map(|&n| recorded.frames[n].clone()).collect();
        evidence.verdicts.reverse();
        prop_assert_eq!(assemble(&evidence), assemble(&recorded));
    }

    /// Whichever frame is missing, the path never claims it, and says that something is missing or unproven.
    #[test]
    fn a_missing_frame_is_reported_and_never_invented(missing in 0..FRAMES) {
        let recorded = masqueraded();
        let mut evidence = recorded.clone();
        let gone = evidence.frames.remove(missing);
        let path = assemble(&evidence);
        let shown: Vec<&Hop> = path.legs.iter().flat_map(|leg| &leg.steps).filter_map(|step| match step {
            Step::Hop(hop) => Some(hop),
            _ => None,
        }).collect();
        prop_assert_eq!(shown.len(), evidence.frames.len(), "every frame is shown once");
        let invented = shown.iter().any(|hop| {
            (&hop.node, &hop.interface, hop.direction, &hop.headers)
                == (&gone.node, &gone.interface, gone.direction, &gone.headers)
        });
        prop_assert!(!invented);
        let bridge_device = gone.interface == "hwchiu0";
        // A bridge device has no wire: only its ports tell that a frame is missing.
        prop_assert!(bridge_device || !path.is_settled(), "{}", render(&path));
    }

    #[test]
    fn any_subset_of_frames_assembles(kept in proptest::collection::vec(any::<bool>(), FRAMES)) {
        let mut evidence = masqueraded();
        let mut keep = kept.iter();
        evidence.frames.retain(|_| *keep.next().unwrap_or(&true));
        let path = assemble(&evidence);
        let hops = path.legs.iter().flat_map(|l| &l.steps).filter(|s| matches!(s, Step::Hop(_))).count();
        prop_assert_eq!(hops, evidence.frames.len());
    }
}
