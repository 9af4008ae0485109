//! What the host as it was found changes.

use super::super::{Row, table};
use super::sketch::networks;
use crate::case::{Feature, Policy, Protocol};

#[test]
fn an_input_chain_that_drops_lets_in_what_a_person_accepts() {
    let mut moment = networks(&["front"]).with(10, &[1], &[]);
    moment.found.input = Some(Policy::Drop);
    moment.found.lets_in.push((Protocol::Udp, super::OPEN));
    assert_eq!(
        moment.says("c10 > 10.77.1.1 udp 7001"),
        "gateway: answered by host, who sees 10.77.1.10"
    );
    assert_eq!(moment.says("c10 > 10.77.1.1 tcp 7001"), "gateway: blocked");
    assert_eq!(moment.says("lan > 10.0.2.15 icmp"), "as-found: blocked");
    assert_eq!(
        moment.says("host > 10.0.2.15 tcp 7001"),
        "as-found: answered by host, who sees the host"
    );
}

#[test]
fn what_the_host_forwarded_before_it_still_forwards() {
    let mut moment = networks(&["front"]).with(10, &[1], &["8080:80/tcp"]);
    assert_eq!(
        moment.says("lan > 8.8.8.8 icmp routed"),
        "no-router-before: unspecified"
    );
    moment.found.forwards = true;
    assert_eq!(
        moment.says("lan > 8.8.8.8 icmp routed"),
        "transit: answered by outside, who sees 203.0.113.2 for 10.0.2.50, behind 3 routers"
    );
    assert_eq!(
        moment.says("lan > 8.8.8.8 tcp 8080 routed"),
        "transit-one-way: refused by outside"
    );
    moment.found.forward = Some(Policy::Drop);
    assert_eq!(moment.says("lan > 8.8.8.8 icmp routed"), "transit: blocked");
}

#[test]
fn a_host_that_lets_nobody_in_still_leads_to_published_ports() {
    let mut moment = networks(&["front"]).with(10, &[1], &["8080:80/tcp"]);
    moment.found.input = Some(Policy::Drop);
    assert_eq!(
        moment.says("lan > 10.0.2.15 tcp 8080"),
        "published: answered by c10, who sees 10.0.2.50, behind 1 router"
    );
    assert_eq!(moment.says("lan > 10.0.2.15 tcp 7001"), "as-found: blocked");
    assert_eq!(
        moment.says("c10 > 10.0.2.15 tcp 8080"),
        "published-past-input: unspecified"
    );
    let asks_lan = |row: &&Row| {
        row.question.from.0 == "host" && row.question.to.role == "lan" && row.may_go_on()
    };
    let rows = table(&moment);
    assert_eq!(rows.iter().filter(asks_lan).count(), 3);
}

#[test]
fn a_policy_from_before_matters_to_what_must_pass_it() {
    let mut moment = networks(&["front"]).with(10, &[1], &["8080:80/tcp"]);
    moment.found.forward = Some(Policy::Drop);
    moment.features.remove(&Feature::EarlierPolicy);
    let unspecified = "unspecified: earlier-policy is not listed";
    let outward =
        "outward: answered by outside, who sees 203.0.113.2 for 10.0.2.15, behind 3 routers";
    assert_eq!(moment.says("c10 > 8.8.8.8 icmp"), outward);
    assert_eq!(
        moment.says("lan > 10.0.2.15 tcp 8080"),
        format!("published: {unspecified}")
    );
    assert_eq!(
        moment.says("host > 10.77.1.10 icmp"),
        "host-to-container: answered by c10, who sees 10.77.1.1"
    );
    assert_eq!(
        moment.says("lan > 10.77.1.10 icmp routed"),
        "hidden-ports: blocked"
    );
    moment.features.remove(&Feature::EarlierPolicyOutward);
    assert_eq!(
        moment.says("c10 > 8.8.8.8 icmp"),
        "outward: unspecified: earlier-policy-outward is not listed"
    );
}
