//! Each rule about sizes, events and a person's own rules, by small moments.

use super::super::Moment;
use super::super::{Ask, Flow, OPEN, Question, table};
use super::sketch::{address, networks};
use crate::case::Feature;

#[test]
fn a_network_keeps_its_mtu_and_tells_who_exceeds_it() {
    let mut moment = networks(&["front"])
        .with(10, &[1], &["5353:53/udp"])
        .with(20, &[1], &[]);
    moment.networks[0].mtu = Some(1400);
    let whole = "whole: answered by c20, who sees 10.77.1.10";
    assert_eq!(moment.says("c10 > 10.77.1.20 icmp whole 1400"), whole);
    assert_eq!(
        moment.says("c10 > 10.77.1.20 udp 7001 fragmented 2800"),
        "fragments: answered by c20, who sees 10.77.1.10"
    );
    let large = "too-large: too large for MTU 1400";
    assert_eq!(moment.says("c10 > 10.77.1.20 icmp large 1401"), large);
    assert_eq!(moment.says("c10 > 8.8.8.8 icmp large 1401"), large);
    assert_eq!(moment.says("lan > 10.0.2.15 udp 5353 large 1401"), large);
    moment.features.remove(&Feature::Mtu);
    assert_eq!(
        moment.says("c10 > 10.77.1.20 icmp whole 1400"),
        "whole: unspecified: mtu is not listed"
    );
}

#[test]
fn a_networks_mtu_may_be_larger_than_the_uplinks() {
    let mut moment = networks(&["front"]).with(10, &[1], &[]).with(20, &[1], &[]);
    moment.networks[0].mtu = Some(9000);
    assert_eq!(
        moment.says("c10 > 10.77.1.20 udp 7001 whole 9000"),
        "whole: answered by c20, who sees 10.77.1.10"
    );
    assert_eq!(
        moment.says("host > 10.77.1.10 icmp whole 9000"),
        "whole: answered by c10, who sees 10.77.1.1"
    );
    assert_eq!(
        moment.says("c10 > 10.0.2.50 icmp large 1501"),
        "too-large: too large for MTU 1500"
    );
}

#[test]
fn a_smaller_link_on_the_way_is_told() {
    let mut moment = networks(&["front"]).with(10, &[1], &[]);
    moment.found.path_mtu = 1400;
    assert_eq!(
        moment.says("c10 > 8.8.8.8 udp 7001 large 1401"),
        "too-large: too large for MTU 1400"
    );
    assert_eq!(
        moment.says("c10 > 10.0.2.50 udp 7001 whole 1500"),
        "whole: answered by lan, who sees 10.0.2.15, behind 1 router"
    );
}

/// c10 publishes a port of each protocol, c20 is its neighbour.
fn two() -> Moment {
    networks(&["front", "back"])
        .with(10, &[1], &["8080:80/tcp", "5353:53/udp"])
        .with(20, &[1], &[])
}

#[test]
fn who_stays_is_as_before() {
    let moment = two().without(10);
    assert_eq!(
        moment.says("c20 > 8.8.8.8 tcp 7001"),
        "outward: answered by outside, who sees 203.0.113.2 for 10.0.2.15, behind 3 routers"
    );
    assert_eq!(
        moment.says("c20 > 8.8.8.8 udp 7001 open"),
        "flow-goes-on: answered by outside, who sees 203.0.113.2 for 10.0.2.15, behind 3 routers"
    );
    assert_eq!(
        moment.says("host > 10.77.1.20 icmp open"),
        "flow-goes-on: answered by c20, who sees 10.77.1.1"
    );
}

/// Whether the table of a moment asks this of a flow that was there before.
fn asks_open(moment: &Moment, from: &str, by: Ask) -> bool {
    table(moment).iter().any(|row| {
        let question = &row.question;
        question.flow == Flow::Open && question.from.0 == from && question.ask == by
    })
}

#[test]
fn a_connection_is_asked_while_both_its_ends_stay() {
    let (left, back) = (two().without(10), ["8080:80/tcp", "5353:53/udp"]);
    let back = left.clone().and_then(10, &[1], &back);
    assert!(asks_open(&left, "c20", Ask::Tcp(OPEN)), "to outside");
    assert!(
        !asks_open(&left, "lan", Ask::Tcp(8080)),
        "its other end has gone"
    );
    assert!(
        !asks_open(&back, "lan", Ask::Tcp(8080)),
        "who came back knows nothing of it"
    );
    assert!(
        asks_open(&back, "lan", Ask::Udp(5353)),
        "a datagram needs nobody who knows of it"
    );
    // It had another address before.
    let mut moved = two().without(10);
    moved.gone[0].addresses.clear();
    let moved = moved.and_then(10, &[1], &["5353:53/udp"]);
    let says = moved.says("lan > 10.0.2.15 udp 5353 open");
    assert!(says.starts_with("flow-follows: answered by c10"), "{says}");
    assert_eq!(
        left.says("c20 > 8.8.8.8 tcp 7001 open"),
        "flow-goes-on: answered by outside, who sees 203.0.113.2 for 10.0.2.15, behind 3 routers"
    );
}

#[test]
fn only_the_first_that_leaves_does_so_by_a_protocol_without_ports() {
    let asks = |moment: &Moment, from: &str| {
        table(moment).iter().any(|row| {
            let Question {
                from: by, to, ask, ..
            } = &row.question;
            by.0 == from && to.role == "lan" && *ask == Ask::IpProtocol
        })
    };
    let left = two().without(10);
    assert!(asks(&two(), "c10"));
    assert!(!asks(&two(), "c20"), "masquerade would drop it");
    assert!(!asks(&left, "c20"), "c10 is remembered");
    assert_eq!(
        two().says("c10 > 10.0.2.50 other"),
        "outward-without-ports: refused by lan"
    );
}

#[test]
fn nobody_answers_for_who_went() {
    let moment = two().without(10);
    assert_eq!(
        moment.says("c20 > 10.77.1.10 icmp"),
        "gone-address: blocked"
    );
    assert_eq!(
        moment.says("host > 10.77.1.10 icmp"),
        "gone-address: blocked"
    );
    assert_eq!(
        moment.says("lan > 10.77.1.10 icmp routed"),
        "gone-address: blocked"
    );
    assert_eq!(
        moment.says("lan > 10.0.2.15 tcp 8080"),
        "gone-port: refused by host"
    );
    assert_eq!(
        moment.says("c20 > 10.0.2.15 udp 5353"),
        "gone-port: refused by host"
    );
    assert_eq!(
        moment.says("lan > 10.0.2.15 udp 5353 open"),
        "flow-ends: no container is reached"
    );
}

#[test]
fn a_network_ends_with_its_last_container() {
    let full = two().with(30, &[2], &[]);
    assert!(!full.has_ended_network());
    assert!(
        !full.without(10).has_ended_network(),
        "another one is on the first network"
    );
    let ended = full.without(30);
    assert!(ended.has_ended_network());
    assert!(!ended.and_then(40, &[2], &[]).has_ended_network());
}

#[test]
fn a_port_that_went_leads_nobody_by_another_gateway() {
    let moment = two().with(30, &[2], &[]).without(10);
    assert_eq!(
        moment.says("c30 > 10.77.1.1 tcp 8080"),
        "gone-port-elsewhere: no container is reached"
    );
}

#[test]
fn a_port_follows_its_container_and_so_do_its_flows() {
    let moment = two()
        .without(10)
        .and_then(30, &[1], &["8080:80/tcp", "5353:53/udp"]);
    assert_eq!(
        moment.says("lan > 10.0.2.15 tcp 8080"),
        "published: answered by c30, who sees 10.0.2.50, behind 1 router"
    );
    let follows = "flow-follows: answered by c30, who sees 10.0.2.50, behind 1 router";
    assert_eq!(moment.says("lan > 10.0.2.15 udp 5353 open"), follows);
    // It was open before, whatever has happened since.
    let later = moment.without(20);
    assert_eq!(later.says("lan > 10.0.2.15 udp 5353 open"), follows);
}

#[test]
fn who_comes_back_is_reached_at_once() {
    let moment = two().without(10).and_then(10, &[1], &["8080:80/tcp"]);
    assert_eq!(
        moment.says("c20 > 10.77.1.10 icmp"),
        "came-back: answered by c10, who sees 10.77.1.20"
    );
    assert_eq!(
        moment.says("lan > 10.0.2.15 tcp 8080"),
        "came-back: answered by c10, who sees 10.0.2.50, behind 1 router"
    );
    assert_eq!(
        moment.says("lan > 10.77.1.10 icmp routed"),
        "hidden-ports: blocked"
    );
}

#[test]
fn after_teardown_the_host_is_as_before() {
    let mut moment = two().without(10).without(20);
    moment.networks.clear();
    moment.ended = true;
    assert_eq!(
        moment.says("host > 10.77.1.10 icmp"),
        "after-teardown: blocked"
    );
    assert_eq!(
        moment.says("lan > 10.77.1.10 icmp routed"),
        "after-teardown: blocked"
    );
    assert_eq!(
        moment.says("lan > 10.0.2.15 tcp 8080"),
        "gone-port: refused by host"
    );
    assert_eq!(
        moment.says("lan > 10.0.2.15 udp 5353 open"),
        "flow-ends: no container is reached"
    );
}

#[test]
fn a_persons_drops_stay() {
    let mut moment = two();
    let lan = moment.found.lan;
    moment.found.drops.push((Some(lan), Some(address(1, 10))));
    let dropped = "earlier-drop: blocked";
    assert_eq!(moment.says("lan > 10.0.2.15 tcp 8080"), dropped);
    assert_eq!(moment.says("lan > 10.77.1.10 icmp routed"), dropped);
    assert_eq!(
        moment.says("c10 > 10.0.2.50 icmp"),
        "earlier-drop-of-answers: unspecified"
    );
    assert_eq!(
        moment.says("c20 > 10.77.1.10 tcp 80"),
        "neighbours: answered by c10, who sees 10.77.1.20"
    );
    moment.found.drops.push((None, Some(address(1, 20))));
    assert_eq!(
        moment.says("c10 > 10.77.1.20 icmp"),
        "earlier-drop-of-neighbours: unspecified"
    );
}
