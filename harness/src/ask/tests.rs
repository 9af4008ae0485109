//! What the judgement says of what was seen, without a lab.

use std::net::IpAddr;

use super::change::Field;
use super::seen::{Arrival, Heard, Leg, Options, Sight};
use super::*;
use crate::case::Protocol;
use crate::intent::{
    Answer, Ask, Flow, Question, Refuser, Routing, Row, Sees, Size, Target, Vantage, rules,
};
use crate::packet::{Checksums, IcmpError};

const C1: [u8; 4] = [10, 77, 1, 2];
const C2: [u8; 4] = [10, 77, 2, 2];

fn row(ask: Ask, answer: Answer) -> Row {
    let question = Question {
        from: Vantage("c1".into()),
        to: Target {
            address: C2.into(),
            role: "c2".into(),
        },
        ask,
        size: Size::Small,
        way: Routing::OwnRoutes,
        flow: Flow::New,
    };
    let rule = rules().next().expect("there are rules");
    Row {
        question,
        answer,
        rule,
        unchanged: rule,
    }
}

fn ground() -> Ground {
    Ground {
        hosts: [IpAddr::from([10, 0, 2, 15])].into(),
        containers: ["c1", "c2", "c3"].map(String::from).into(),
        aliases: [("twin".into(), "c2".into())].into(),
        owners: [
            (C1.into(), "c1".into()),
            (C2.into(), "c2".into()),
            ([8, 8, 8, 8].into(), "outside".into()),
        ]
        .into(),
        smallest_mtu: 1400,
        misled: [].into(),
        unheard: [].into(),
    }
}

fn sight(node: &str, leg: Leg, outgoing: bool) -> Sight {
    Sight {
        node: node.into(),
        leg,
        outgoing,
        for_another: false,
        source: C1.into(),
        destination: C2.into(),
        ttl: if outgoing { 64 } else { 63 },
        checksums: Checksums::Right,
        tos: 0,
        dont_fragment: true,
        options: None,
    }
}

/// What is seen of a question to c2 that it answers.
fn answered() -> Seen {
    Seen {
        spoken_to: None,
        from: "c1".into(),
        heard: vec![Heard::Answer(C2.into())],
        got: vec![Arrival {
            node: "c2".into(),
            peer: (C1, 10_000).into(),
            bytes: 16,
        }],
        sights: vec![
            sight("c1", Leg::Request, true),
            sight("c2", Leg::Request, false),
        ],
        unresolved: None,
    }
}

fn silent() -> Seen {
    Seen {
        from: "c1".into(),
        sights: vec![sight("c1", Leg::Request, true)],
        ..Seen::default()
    }
}

fn refused(by: &str, error: Leg) -> Seen {
    let mut seen = silent();
    seen.heard = vec![Heard::Errno("ECONNREFUSED".into())];
    seen.sights.push(sight(by, error, true));
    let mut told = sight("c1", error, false);
    told.source = C2.into();
    seen.sights.push(told);
    seen
}

fn by_c2() -> Answer {
    Answer::Answered {
        by: "c2".into(),
        sees: Sees::Own(C1.into()),
        routers: Some(1),
    }
}

fn wrong(answer: Answer, seen: &Seen) -> Vec<Wrong> {
    let difference = judge(&row(Ask::Udp(7001), answer), seen, &ground());
    difference.map(|one| one.wrong).unwrap_or_default()
}

#[test]
fn the_end_that_answered_an_open_flow_may_send_first() {
    let mut seen = answered();
    seen.spoken_to = Some(true);
    assert_eq!(wrong(by_c2(), &seen), []);
    seen.spoken_to = Some(false);
    assert_eq!(wrong(by_c2(), &seen), [Wrong::Unheard("c2".into())]);
    let mut cut = silent();
    cut.spoken_to = Some(false);
    assert_eq!(
        wrong(by_c2(), &cut),
        [Wrong::Ending, Wrong::Unheard("c2".into())]
    );
}

#[test]
fn a_published_number_is_not_taken_over() {
    let shadows = |port: u16| {
        let mut seen = answered();
        seen.got[0].peer.set_port(port);
        let asked = row(Ask::FromPublished(Protocol::Udp, 5353), by_c2());
        let asked = |ground: &Ground| judge(&asked, &seen, ground).map(|one| one.wrong);
        let mut no_container = ground();
        no_container.containers.remove("c1");
        (asked(&ground()), asked(&no_container))
    };
    let (is, must) = (49_152, 5353);
    let renumbered = Wrong::SourcePort { is, must };
    assert_eq!(shadows(is), (None, Some(vec![renumbered])));
    assert_eq!(shadows(must), (Some(vec![Wrong::Shadows(must)]), None));
}

#[test]
fn an_answer_is_for_the_asking_node_alone() {
    let mut seen = answered();
    let mut frame = sight("c9", Leg::Reply, false);
    frame.for_another = true;
    seen.sights.push(frame);
    let mut ground = ground();
    let judged = |ground: &Ground| judge(&row(Ask::Udp(7001), by_c2()), &seen, ground);
    assert_eq!(judged(&ground), None, "c9 is no container");
    ground.containers.insert("c9".into());
    let wrong = judged(&ground).map(|one| one.wrong);
    assert_eq!(wrong, Some(vec![Wrong::Overheard("c9".into())]));
}

#[test]
fn a_checksum_is_not_taken_away() {
    let mut seen = answered();
    seen.sights[1].checksums = Checksums::Absent;
    let lost = Wrong::Changed("c2".into(), Field::Checksum);
    assert_eq!(wrong(by_c2(), &seen), [lost]);
    seen.sights[0].checksums = Checksums::Absent;
    assert_eq!(wrong(by_c2(), &seen), [], "its sender wrote none");
}

#[test]
fn an_answer_is_held_against_both_ends() {
    assert_eq!(wrong(by_c2(), &answered()), []);
    let twin = Answer::Answered {
        by: "twin".into(),
        sees: Sees::Own(C1.into()),
        routers: Some(1),
    };
    assert_eq!(wrong(twin, &answered()), [], "one namespace, two names");
    assert_eq!(wrong(by_c2(), &silent()), [Wrong::Ending]);

    let mut elsewhere = answered();
    elsewhere.got[0].node = "c3".into();
    assert_eq!(wrong(by_c2(), &elsewhere), [Wrong::Ending]);

    let mut twice = answered();
    twice.got.push(twice.got[0].clone());
    twice.heard.push(twice.heard[0].clone());
    assert_eq!(
        wrong(by_c2(), &twice),
        [Wrong::Copies(2), Wrong::Answers(2)]
    );

    let mut translated = answered();
    translated.got[0].peer = ([10, 0, 2, 15], 10_000).into();
    let saw = Wrong::Saw([10, 0, 2, 15].into());
    assert_eq!(wrong(by_c2(), &translated), [saw]);

    let mut detour = answered();
    detour.sights[1].ttl = 62;
    assert_eq!(wrong(by_c2(), &detour), [Wrong::Ttl { is: 62, must: 63 }]);

    let mut spoilt = answered();
    spoilt.sights[1].checksums = Checksums::Wrong;
    assert_eq!(wrong(by_c2(), &spoilt), [Wrong::Checksum("c2".into())]);
    spoilt.sights[1].checksums = Checksums::NotYet;
    assert_eq!(wrong(by_c2(), &spoilt), []);
}

#[test]
fn an_answer_that_is_lost_names_who_got_the_question() {
    let mut seen = answered();
    seen.heard.clear();
    let difference = judge(&row(Ask::Udp(7001), by_c2()), &seen, &ground());
    let text = difference.expect("it differs").ending.to_string();
    assert_eq!(text, "it reached c2, whose answer did not come back");
}

#[test]
fn an_echo_request_is_answered_by_who_made_the_reply() {
    let mut seen = answered();
    seen.got.clear();
    seen.sights.push(sight("c2", Leg::Reply, true));
    seen.sights.push(sight("c1", Leg::Reply, false));
    assert_eq!(wrong(by_c2(), &seen), []);
    // Who passes it on sees it come first, in whatever order the nodes are read.
    seen.sights.insert(0, sight("host", Leg::Reply, true));
    seen.sights.insert(0, sight("host", Leg::Reply, false));
    assert_eq!(wrong(by_c2(), &seen), []);
    seen.sights[4].node = "gateway".into();
    assert_eq!(
        wrong(by_c2(), &seen),
        [Wrong::Ending],
        "somebody else answers for it"
    );
}

#[test]
fn what_is_blocked_gets_to_nobody_who_must_not_have_it() {
    assert_eq!(wrong(Answer::Blocked, &silent()), []);
    let told = refused("host", Leg::Error(IcmpError::PortUnreachable));
    assert_eq!(wrong(Answer::Blocked, &told), [], "however it is kept away");
    let reached = || Wrong::Reached("c2".into());
    assert_eq!(
        wrong(Answer::Blocked, &answered()),
        [Wrong::Ending, reached()]
    );

    let mut leaked = silent();
    leaked.sights.push(sight("c3", Leg::Request, false));
    assert_eq!(
        wrong(Answer::Blocked, &leaked),
        [Wrong::Reached("c3".into())]
    );
    leaked.sights[1].for_another = true;
    assert_eq!(
        wrong(Answer::Blocked, &leaked),
        [],
        "a bridge sends to all its ports"
    );

    let mut out = silent();
    out.sights.push(sight("outside", Leg::Request, false));
    let mut to_outside = row(Ask::Icmp, Answer::Blocked);
    to_outside.question.to.address = [8, 8, 8, 8].into();
    let difference = judge(&to_outside, &out, &ground()).expect("it differs");
    assert_eq!(difference.wrong, [Wrong::Reached("outside".into())]);
}

#[test]
fn the_host_may_answer_where_no_container_may_get_it() {
    let mut seen = answered();
    seen.got[0].node = "host".into();
    seen.sights[1].node = "host".into();
    assert_eq!(wrong(Answer::NoContainer, &seen), []);
    assert_eq!(wrong(Answer::Blocked, &seen), [Wrong::Ending]);
    assert_eq!(
        wrong(Answer::NoContainer, &answered()),
        [Wrong::Reached("c2".into())]
    );
}

#[test]
fn what_is_for_everybody_must_come_to_each_and_to_no_other() {
    let to = |nodes: &[&str]| Answer::Spread {
        to: nodes.iter().map(|node| (*node).to_owned()).collect(),
    };
    let seen = answered();
    assert_eq!(wrong(to(&["c2"]), &seen), []);
    let missed = Wrong::Missed("c1".into());
    assert_eq!(wrong(to(&["c2", "c1"]), &seen), [missed]);
    assert_eq!(wrong(to(&[]), &seen), [Wrong::Reached("c2".into())]);
}

#[test]
fn a_refusal_is_that_of_the_node_and_of_the_address_asked() {
    let answer = || Answer::Refused {
        by: Refuser::Node("c2".into()),
    };
    let error = Leg::Error(IcmpError::PortUnreachable);
    let unspoken = Leg::Error(IcmpError::ProtocolUnreachable);
    for leg in [Leg::Reset, error, unspoken] {
        assert_eq!(wrong(answer(), &refused("c2", leg)), []);
        assert_eq!(wrong(answer(), &refused("host", leg)), [Wrong::Ending]);
    }
    let mut translated = refused("c2", error);
    translated.sights[2].source = [10, 0, 2, 15].into();
    let from = Wrong::RefusedFrom([10, 0, 2, 15].into());
    assert_eq!(wrong(answer(), &translated), [from]);
    assert_eq!(wrong(answer(), &silent()), [Wrong::Ending]);
}

#[test]
fn unreachable_is_told_by_errno_error_or_an_unanswered_arp_request() {
    let with = |change: fn(&mut Seen)| {
        let mut seen = silent();
        change(&mut seen);
        wrong(Answer::Unreachable, &seen)
    };
    assert_eq!(with(|_| ()), [Wrong::Ending]);
    assert_eq!(
        with(|seen| seen.heard = vec![Heard::Errno("ENETUNREACH".into())]),
        []
    );
    assert_eq!(with(|seen| seen.unresolved = Some(C2.into())), []);
    let error = |seen: &mut Seen| {
        let leg = Leg::Error(IcmpError::HostUnreachable);
        seen.sights.push(sight("c1", leg, false));
    };
    assert_eq!(with(error), []);
    let refused = |seen: &mut Seen| seen.heard = vec![Heard::Errno("ECONNREFUSED".into())];
    assert_eq!(with(refused), [Wrong::Ending]);
}

#[test]
fn too_large_is_told_with_the_mtu() {
    let told = |mtu| {
        let mut seen = silent();
        let leg = Leg::Error(IcmpError::FragmentationNeeded { mtu });
        seen.sights.push(sight("c1", leg, false));
        wrong(Answer::TooLarge { mtu: 1400 }, &seen)
    };
    assert_eq!(told(1400), []);
    assert_eq!(told(1500), [Wrong::Ending]);
    assert_eq!(
        wrong(Answer::TooLarge { mtu: 1400 }, &silent()),
        [Wrong::Ending]
    );
}

#[test]
fn a_difference_is_worded_by_question_answer_and_ending() {
    let row = row(Ask::Tcp(7001), Answer::Blocked);
    let difference = judge(&row, &answered(), &ground()).expect("it differs");
    let question = QuestionText(&row.question).to_string();
    assert_eq!(question, "c1 → c2 (10.77.2.2) by tcp 7001");
    assert_eq!(AnswerText(&row.answer).to_string(), "blocked");
    let ending = difference.ending.to_string();
    assert_eq!(ending, "answered by c2, which saw 10.77.1.2");
}

/// A way through a router from c1 to c2 and back, whose handshake arrives as `come` has it.
fn connected(come: impl Fn(&mut Sight)) -> Seen {
    let mut seen = answered();
    seen.sights.push(sight("c2", Leg::Reply, true));
    seen.sights.push(sight("c1", Leg::Reply, false));
    for sight in &mut seen.sights {
        sight.options = Some(Options {
            segment: Some(1460),
            others: vec![4, 2],
        });
    }
    come(&mut seen.sights[1]);
    seen
}

#[rstest::rstest]
#[case::type_of_service(|sight: &mut Sight| sight.tos = 0x10, Field::Tos)]
#[case::fragmentation(|sight: &mut Sight| sight.dont_fragment = false, Field::DontFragment)]
#[case::too_small(|sight: &mut Sight| segments(sight, 500), Field::SegmentSize)]
#[case::larger(|sight: &mut Sight| segments(sight, 8960), Field::SegmentSize)]
#[case::stripped(|sight: &mut Sight| sight.options = Some(Options { segment: Some(1460), others: vec![] }), Field::Options)]
fn what_no_router_may_change_is_compared(#[case] come: fn(&mut Sight), #[case] field: Field) {
    let is_wrong = [Wrong::Changed("c2".into(), field)];
    assert_eq!(wrong(by_c2(), &connected(come)), is_wrong);
    assert_eq!(wrong(by_c2(), &connected(|_| {})), []);
}

fn segments(sight: &mut Sight, size: u16) {
    if let Some(options) = &mut sight.options {
        options.segment = Some(size);
    }
}

#[test]
fn a_router_may_clamp_segments_to_an_mtu() {
    assert_eq!(
        wrong(by_c2(), &connected(|sight| segments(sight, 1360))),
        []
    );
}

#[test]
fn an_answer_passes_the_routers_that_its_request_passed() {
    let mut seen = connected(|_| {});
    seen.sights[3].ttl = 32;
    let is_wrong = [Wrong::ReplyTtl { is: 32, must: 63 }];
    assert_eq!(wrong(by_c2(), &seen), is_wrong);
}

#[test]
fn a_container_takes_segments_that_every_link_carries() {
    let announced = |bytes| {
        let mut seen = connected(|sight| segments(sight, bytes));
        segments(&mut seen.sights[0], bytes);
        wrong(by_c2(), &seen)
    };
    let is_wrong = [Wrong::Announced {
        node: "c1".into(),
        bytes: 600,
    }];
    assert_eq!(announced(600), is_wrong);
    assert_eq!(announced(1360), []);
}

#[test]
fn a_proxy_sends_packets_of_its_own() {
    let by_proxy = Answer::Answered {
        by: "c2".into(),
        sees: Sees::Anything,
        routers: None,
    };
    let other = |sight: &mut Sight| {
        sight.options = None;
        sight.tos = 0x10;
    };
    assert_eq!(wrong(by_proxy.clone(), &connected(other)), []);
    // A handshake that arrives went through no proxy.
    let changed = connected(|sight| segments(sight, 500));
    let is_wrong = [Wrong::Changed("c2".into(), Field::SegmentSize)];
    assert_eq!(wrong(by_proxy, &changed), is_wrong);
}

#[test]
fn the_labs_router_sees_the_address_by_which_a_packet_left_the_host() {
    let behind = |left: [u8; 4]| Answer::Answered {
        by: "c2".into(),
        sees: Sees::Behind(C1.into(), left.into()),
        routers: Some(1),
    };
    let mut seen = answered();
    seen.sights.insert(1, sight("gateway", Leg::Request, false));
    assert_eq!(wrong(behind(C1), &seen), []);
    assert_eq!(
        wrong(behind([10, 0, 2, 15]), &seen),
        [Wrong::Left(C1.into())]
    );
}

fn asked_by(node: &str, addresses: u8) -> impl Iterator<Item = Row> {
    (0..addresses).map(move |nth| {
        let mut row = row(Ask::Icmp, Answer::Blocked);
        row.question.from = Vantage(node.into());
        row.question.to.address = [10, 77, 3, nth].into();
        row
    })
}

#[test]
fn a_small_table_is_asked_at_once_and_in_its_order() {
    let rows: Vec<Row> = asked_by("c2", 3).chain(asked_by("c1", 3)).collect();
    assert_eq!(parts(&rows), [rows.iter().collect::<Vec<_>>()]);
}

#[test]
fn of_a_large_table_each_node_asks_all_of_its_questions_in_one_part() {
    let nodes = ["c1", "c2", "c3", "c4"];
    let rows: Vec<Row> = nodes.iter().flat_map(|node| asked_by(node, 90)).collect();
    let parts = parts(&rows);
    let lengths: Vec<usize> = parts.iter().map(Vec::len).collect();
    assert_eq!(lengths, [180, 180]);
    let mut first = parts[0].iter().map(|row| row.asker());
    assert!(first.all(|asker| ["c1", "c2"].contains(&asker)));
}
