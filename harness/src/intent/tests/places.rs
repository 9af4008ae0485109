//! Each rule about who reaches whom, by small moments.

use super::super::{Ask, table};
use super::sketch::{networks, of_ipv6};
use crate::case::{Feature, Protocol};

#[test]
fn containers_of_one_network_reach_each_other_and_themselves() {
    let moment = networks(&["front"]).with(10, &[1], &[]).with(20, &[1], &[]);
    let answered = "neighbours: answered by c20, who sees 10.77.1.10";
    assert_eq!(moment.says("c10 > 10.77.1.20 icmp"), answered);
    assert_eq!(moment.says("c10 > 10.77.1.20 udp 7001"), answered);
    assert_eq!(
        moment.says("c10 > 10.77.1.20 tcp 7002"),
        "neighbours: refused by c20"
    );
    assert_eq!(
        moment.says("c10 > 10.77.1.20 other"),
        "neighbours: refused by c20"
    );
    assert_eq!(
        moment.says("c10 > 10.77.1.10 tcp 7001"),
        "own-address: answered by c10, who sees 10.77.1.10"
    );
    assert_eq!(
        moment.says("host > 10.77.1.10 tcp 7001"),
        "host-to-container: answered by c10, who sees 10.77.1.1"
    );
}

#[test]
fn a_container_without_a_network_reaches_nobody() {
    let moment = networks(&["front"]).with(10, &[1], &[]).with(20, &[], &[]);
    let unreachable = "without-network: unreachable";
    assert_eq!(moment.says("c20 > 10.77.1.10 icmp"), unreachable);
    assert_eq!(moment.says("c20 > 8.8.8.8 tcp 7001"), unreachable);
    assert_eq!(
        moment.says("c20 > 127.0.0.1 tcp 7001"),
        "without-network: answered by c20, who sees 127.0.0.1"
    );
}

#[test]
fn networks_are_isolated_both_ways_by_address_and_by_gateway() {
    let moment = networks(&["front", "back"])
        .with(10, &[1], &["8080:80/tcp"])
        .with(20, &[2], &[]);
    let blocked = "isolation: blocked";
    assert_eq!(moment.says("c10 > 10.77.2.20 icmp"), blocked);
    assert_eq!(moment.says("c20 > 10.77.1.10 udp 7001"), blocked);
    assert_eq!(moment.says("c20 > 10.77.1.10 other"), blocked);
    assert_eq!(moment.says("c20 > 10.77.1.10 tcp 80"), blocked);
    let at_most_the_host = "other-gateway: no container is reached";
    assert_eq!(moment.says("c10 > 10.77.2.1 tcp 7001"), at_most_the_host);
    assert_eq!(
        moment.says("c20 > 10.77.1.1 tcp 8080"),
        "published-by-another-gateway: unspecified"
    );
}

#[test]
fn what_is_for_everybody_comes_to_the_others_of_the_network_alone() {
    let moment = networks(&["front", "inner"])
        .with(10, &[1], &[])
        .with(11, &[1, 2], &[])
        .with(20, &[2], &[]);
    let spread = |to: &str| format!("everybody: comes to {to}");
    let by_group = |to: &str| format!("group: comes to {to}");
    assert_eq!(moment.says("c10 > 10.77.1.255 udp 7002"), spread("c11"));
    assert_eq!(moment.says("c10 > 224.0.0.251 udp 7002"), by_group("c11"));
    // By the open one of its two networks.
    assert_eq!(moment.says("c11 > 224.0.0.251 udp 7002"), by_group("c10"));
    assert_eq!(moment.says("c11 > 10.77.2.255 udp 7002"), spread("c20"));
    let alone = networks(&["front"]).with(10, &[1], &[]);
    let nobody = "everybody: no container is reached";
    assert_eq!(alone.says("c10 > 10.77.1.255 udp 7002"), nobody);
    let groups = |moment: &super::super::Moment| {
        let rows = table(moment);
        let to = rows.iter().map(|row| row.question.to.address);
        to.filter(std::net::IpAddr::is_multicast).count()
    };
    assert_eq!(
        groups(&moment),
        2,
        "an internal network has no route to a group"
    );
    assert_eq!(groups(&of_ipv6(moment)), 2);
}

#[test]
fn an_internal_network_is_closed_both_ways() {
    let moment = networks(&["inner", "front"])
        .with(10, &[1], &[])
        .with(11, &[1], &[])
        .with(20, &[2], &["8080:80/tcp"]);
    let in_ = "internal-no-way-in: blocked";
    assert_eq!(moment.says("c20 > 10.77.1.10 tcp 7001"), in_);
    assert_eq!(moment.says("lan > 10.77.1.10 udp 7001 routed"), in_);
    assert_eq!(moment.says("outside > 10.77.1.10 icmp routed"), in_);
    let out = "internal-no-way-out: blocked";
    assert_eq!(moment.says("c10 > 8.8.8.8 icmp"), out);
    assert_eq!(moment.says("c10 > 8.8.8.8 udp 7001 routed"), out);
    assert_eq!(moment.says("c10 > 10.0.2.50 tcp 7001 routed"), out);
    assert_eq!(moment.says("c10 > 10.77.2.20 tcp 80 routed"), out);
    let host = "internal-host: blocked";
    assert_eq!(moment.says("c10 > 10.0.2.15 tcp 7001 routed"), host);
    assert_eq!(moment.says("c10 > 10.0.2.15 tcp 8080 routed"), host);
    assert_eq!(moment.says("c10 > 10.77.2.1 icmp routed"), host);
    assert_eq!(
        moment.says("c10 > 10.77.1.11 tcp 7001"),
        "internal-neighbours: answered by c11, who sees 10.77.1.10"
    );
    assert_eq!(
        moment.says("c10 > 10.77.1.1 tcp 7001"),
        "internal-gateway: answered by host, who sees 10.77.1.10"
    );
    assert_eq!(
        moment.says("c10 > 10.77.1.1 tcp 8080"),
        "internal-to-published: unspecified"
    );
    assert_eq!(
        moment.says("host > 10.77.1.10 tcp 7001"),
        "host-to-internal: answered by c10, who sees the host"
    );
}

#[test]
fn what_an_internal_container_publishes_is_not_reached_from_elsewhere() {
    let moment = networks(&["inner", "front"])
        .with(10, &[1], &["8080:80/tcp"])
        .with(20, &[2], &[]);
    assert_eq!(
        moment.says("lan > 10.0.2.15 tcp 8080"),
        "internal-published: blocked"
    );
    let open = "internal-published-near: unspecified";
    assert_eq!(moment.says("host > 10.0.2.15 tcp 8080"), open);
    assert_eq!(moment.says("c20 > 10.0.2.15 tcp 8080"), open);
}

#[test]
fn a_route_through_the_host_leads_to_no_unpublished_port() {
    let moment = networks(&["front"]).with(
        10,
        &[1],
        &["8080:80/tcp", "127.0.0.1:8081:81/tcp", "8082:82/tcp"],
    );
    let hidden = "hidden-ports: blocked";
    assert_eq!(moment.says("lan > 10.77.1.10 icmp routed"), hidden);
    assert_eq!(moment.says("outside > 10.77.1.10 tcp 7001 routed"), hidden);
    assert_eq!(
        moment.says("lan > 10.77.1.10 tcp 80 routed"),
        "published-by-route: unspecified"
    );
    assert_eq!(
        moment.says("lan > 10.77.1.10 tcp 81 routed"),
        "loopback-published-by-route: blocked"
    );
}

#[test]
fn a_published_port_is_reached_from_everywhere() {
    let moment = networks(&["front", "back"])
        .with(10, &[1], &["8080:80/tcp"])
        .with(11, &[1], &[])
        .with(20, &[2], &[]);
    assert_eq!(
        moment.says("lan > 10.0.2.15 tcp 8080"),
        "published: answered by c10, who sees 10.0.2.50, behind 1 router"
    );
    assert_eq!(
        moment.says("outside > 10.0.2.15 tcp 8080 routed"),
        "published: answered by c10, who sees 8.8.8.8, behind 3 routers"
    );
    let by_host = "published-from-host: answered by c10, who sees the host";
    assert_eq!(moment.says("host > 10.0.2.15 tcp 8080"), by_host);
    assert_eq!(moment.says("host > 10.77.2.1 tcp 8080"), by_host);
    assert_eq!(
        moment.says("host > 127.0.0.1 tcp 8080"),
        "published-by-loopback: answered by c10, who sees the host"
    );
    let hairpin = "hairpin: answered by c10, who sees the asker or the host";
    assert_eq!(moment.says("c10 > 10.0.2.15 tcp 8080"), hairpin);
    assert_eq!(moment.says("c11 > 10.77.1.1 tcp 8080"), hairpin);
    let other = "published-to-other-networks: answered by c10, who sees the asker or the host";
    assert_eq!(moment.says("c20 > 10.0.2.15 tcp 8080"), other);
    assert_eq!(moment.says("c20 > 10.77.2.1 tcp 8080"), other);
    let on_the_wire = "loopback-on-the-wire: blocked";
    let open = "published-on-the-wire: unspecified";
    assert!(
        moment
            .says("lan > 127.0.0.1 tcp 8080 routed")
            .starts_with(open)
    );
    assert_eq!(moment.says("lan > 127.0.0.1 tcp 7001 routed"), on_the_wire);
    assert_eq!(moment.says("c20 > 127.0.0.1 udp 7001 routed"), on_the_wire);
}

#[test]
fn two_ports_of_the_host_lead_to_one_of_a_container() {
    let moment = networks(&["front"]).with(10, &[1], &["8080:80/tcp", "9090:80/tcp"]);
    for port in [8080, 9090] {
        assert_eq!(
            moment.says(&format!("lan > 10.0.2.15 tcp {port}")),
            "published: answered by c10, who sees 10.0.2.50, behind 1 router"
        );
    }
}

#[test]
fn what_is_beside_a_published_port_stays_the_hosts() {
    let moment = networks(&["front"])
        .with(10, &[1], &["8080:80/tcp"])
        .with(20, &[1], &[]);
    let refused = "beside-published: refused by host";
    for from in ["lan", "host", "c10", "c20"] {
        assert_eq!(
            moment.says(&format!("{from} > 10.0.2.15 tcp 8081")),
            refused
        );
        assert_eq!(
            moment.says(&format!("{from} > 10.0.2.15 tcp 8079")),
            refused
        );
        assert_eq!(
            moment.says(&format!("{from} > 10.0.2.15 udp 8080")),
            refused
        );
    }
}

#[test]
fn a_port_on_one_address_is_the_hosts_by_the_others() {
    let mut moment = networks(&["front", "back"])
        .with(
            10,
            &[1],
            &["10.0.2.16:8080:80/tcp", "127.0.0.1:8081:81/tcp"],
        )
        .with(20, &[2], &[]);
    moment.found.addresses.push([10, 0, 2, 16].into());
    let refused = "published-elsewhere: refused by host";
    assert_eq!(moment.says("lan > 10.0.2.15 tcp 8080"), refused);
    assert_eq!(moment.says("lan > 10.0.2.15 tcp 8081"), refused);
    assert_eq!(moment.says("host > 127.0.0.1 tcp 8080"), refused);
    assert_eq!(moment.says("c20 > 10.77.2.1 tcp 8080"), refused);
    assert_eq!(
        moment.says("c20 > 10.77.1.1 tcp 8080"),
        "published-elsewhere-by-another-gateway: no container is reached"
    );
    assert_eq!(
        moment.says("lan > 10.0.2.16 tcp 8080"),
        "published: answered by c10, who sees 10.0.2.50, behind 1 router"
    );
    assert_eq!(
        moment.says("host > 127.0.0.1 tcp 8081"),
        "published-by-loopback: answered by c10, who sees the host"
    );
}

#[test]
fn a_published_port_without_a_listener_refuses() {
    let moment = networks(&["front"]).with(10, &[1], &["8080:80/tcp"]);
    let refused = "published: refused by c10 as from the address asked";
    let asked = "lan > 10.0.2.15 tcp 8080";
    assert_eq!(moment.says_without_listener(asked), refused);
    let asked = "outside > 10.0.2.15 tcp 8080 routed";
    assert_eq!(moment.says_without_listener(asked), refused);
    assert_eq!(
        moment.says_without_listener("host > 10.0.2.15 tcp 8080"),
        "published-from-host: refused by c10 as from the address asked"
    );
    let by_proxy = "published-without-listener: unspecified";
    let asked = "host > 127.0.0.1 tcp 8080";
    assert_eq!(moment.says_without_listener(asked), by_proxy);
    let asked = "c10 > 10.0.2.15 tcp 8080";
    assert_eq!(moment.says_without_listener(asked), by_proxy);
}

#[test]
fn containers_reach_the_host_and_what_is_beyond() {
    let moment = networks(&["front"]).with(10, &[1], &["8080:80/tcp"]);
    assert_eq!(
        moment.says("c10 > 10.77.1.1 tcp 7001"),
        "gateway: answered by host, who sees 10.77.1.10"
    );
    assert_eq!(
        moment.says("c10 > 10.77.1.1 udp 7002"),
        "host-refuses: refused by host"
    );
    assert_eq!(
        moment.says("c10 > 10.0.2.15 icmp"),
        "hosts-address: answered by host, who sees 10.77.1.10"
    );
    assert_eq!(
        moment.says("c10 > 10.0.2.50 udp 7001"),
        "outward: answered by lan, who sees 10.0.2.15, behind 1 router"
    );
    assert_eq!(
        moment.says("c10 > 8.8.8.8 tcp 7001"),
        "outward: answered by outside, who sees 203.0.113.2 for 10.0.2.15, behind 3 routers"
    );
    // A closed port, and one that the host publishes itself.
    for port in [7002, 8080] {
        assert_eq!(
            moment.says(&format!("c10 > 8.8.8.8 tcp {port}")),
            "outward: refused by outside"
        );
    }
    assert_eq!(
        moment.says("c10 > 8.8.8.8 late 7001"),
        "late-segment: blocked"
    );
    assert_eq!(
        moment.says("c10 > 8.8.8.8 latereply"),
        "late-segment: blocked"
    );
}

#[test]
fn a_network_without_a_host_in_it_has_nobody_at_its_gateways_address() {
    let mut moment = networks(&["front"]).with(10, &[1], &[]).with(11, &[1], &[]);
    moment.features.remove(&Feature::Gateway);
    let says = |question: &str| moment.says(question);
    assert_eq!(
        says("host > 10.77.1.1 icmp"),
        "as-found: unspecified: gateway is not listed"
    );
    assert_eq!(
        says("c10 > 10.77.1.255 udp 7002"),
        "everybody: comes to c11"
    );
    assert_eq!(
        says("c10 > 224.0.0.251 udp 7002"),
        "group: unspecified: gateway is not listed"
    );
}

#[test]
fn who_sends_from_a_published_number_leaves_from_another() {
    let mut moment = networks(&["front"])
        .with(
            10,
            &[1],
            &["8080:80/tcp", "7001:7001/udp", "127.0.0.1:9090:90/tcp"],
        )
        .with(20, &[1], &[]);
    moment.found.forwards = true;
    let shadows = |name: &str| {
        let rows = table(&moment).into_iter();
        let asks = rows.filter(|row| row.question.from.0 == name);
        let asks = asks.map(|row| row.question.ask);
        asks.filter(|ask| matches!(ask, Ask::FromPublished(..)))
            .collect::<Vec<_>>()
    };
    let tcp = Ask::FromPublished(Protocol::Tcp, 8080);
    let why = "its own service has the other number, and the third is published for the host alone";
    assert_eq!(
        (shadows("c10"), shadows("c20")),
        (vec![tcp], vec![tcp]),
        "{why}"
    );
    // Through the host, which translates nothing of lan's.
    assert_eq!(shadows("lan"), [tcp]);
    assert_eq!(
        moment.says("c20 > 10.0.2.50 shadow 8080"),
        "no-shadow: answered by lan, who sees 10.0.2.15, behind 1 router"
    );
}

#[test]
fn a_feature_that_is_not_listed_promises_nothing() {
    let mut moment = networks(&["front", "back"])
        .with(10, &[1], &["8080:80/tcp"])
        .with(20, &[2], &[]);
    moment.features.remove(&Feature::Isolation);
    moment.features.remove(&Feature::PublishUdp);
    assert_eq!(
        moment.says("c20 > 10.77.1.10 icmp"),
        "isolation: unspecified: isolation is not listed"
    );
    assert_eq!(
        moment.says("lan > 10.0.2.15 tcp 8080"),
        "published: answered by c10, who sees 10.0.2.50, behind 1 router"
    );
}

#[test]
fn a_container_on_two_networks_has_an_address_in_each() {
    let moment = networks(&["front", "back"])
        .with(10, &[1], &[])
        .with(20, &[2], &[])
        .with(30, &[1, 2], &[]);
    assert_eq!(
        moment.says("c10 > 10.77.1.30 tcp 7001"),
        "neighbours: answered by c30, who sees 10.77.1.10"
    );
    assert_eq!(
        moment.says("c30 > 10.77.2.20 tcp 7001"),
        "neighbours: answered by c20, who sees 10.77.2.30"
    );
    assert_eq!(
        moment.says("c10 > 10.77.2.30 tcp 7001"),
        "isolation: blocked"
    );
}

#[test]
fn ipv6_has_the_same_rules_but_for_its_loopback() {
    let moment = of_ipv6(networks(&["front"]).with(10, &[1], &["8080:80/tcp"]));
    assert_eq!(
        moment.says("c10 > fd77:1::1 icmp"),
        "gateway: answered by host, who sees fd77:1::10"
    );
    assert_eq!(
        moment.says("lan > fd00:2::15 tcp 8080"),
        "published: answered by c10, who sees fd00:2::50, behind 1 router"
    );
    assert_eq!(
        moment.says("host > ::1 tcp 8080"),
        "published-by-ipv6-loopback: unspecified"
    );
}
