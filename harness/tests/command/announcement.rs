//! An implementation that loses the kernel's announcement of a container, as netavark does on a busy machine.

use std::fs;

use crate::desk::Desk;

/// How the example attaches a container, and what this test does instead: the kernel draws the hardware address, and the port is
/// disabled by the time that the container's link comes up.
const ATTACHES: [&str; 2] = [
    r#"run(f"ip link add v{n}{inside}{mtu} type veth peer name eth0{mtu} address {mac} netns {inside}")
    run(f"ip link set v{n}{inside} master {name} up")"#,
    r#"run(f"ip link add v{n}{inside}{mtu} type veth peer name eth0{mtu} netns {inside}")
    run(f"ip netns exec {inside} sysctl -q -w net.ipv4.conf.eth0.arp_notify=ANNOUNCES")
    run(f"ip link set v{n}{inside} master {name} up")
    state = pathlib.Path(f"/sys/class/net/{name}/brif/v{n}{inside}/state")
    while state.read_text().strip() != "0":
        pass"#,
];

#[test]
fn what_is_declared_of_a_lost_announcement_is_no_excuse_for_none() {
    let desk = Desk::with(&["contract/lifecycle/returning-container-is-reached-at-once"]);
    let expected = r#"
        [[expected]]
        implementations = ["example"]
        versions = "*"
        case = "contract/lifecycle/returning-container-is-reached-at-once"
        when = ["announcement-lost"]
        issue = "mine#1"
        why = "The port is disabled when the announcement comes."

        [[expected]]
        implementations = ["example"]
        versions = "*"
        rules = ["came-back"]
        when = ["announcement-lost"]
        issue = "mine#1"
        why = "The port is disabled when the announcement comes."
        "#;
    fs::write(desk.path("expected.toml"), expected).unwrap();
    let outcomes = |announces: &str| {
        let [old, new] = ATTACHES;
        desk.write_plugin("mine", old, &new.replace("ANNOUNCES", announces));
        // What is not kept is a recommendation.
        let ended = desk.goldpath("run -i plugin:./mine --expected expected.toml --json r.json");
        ended.must_be(0);
        desk.report("r.json")["cases"][0]["outcome"].clone()
    };
    assert_eq!(outcomes("1"), "expected-failure");
    assert_eq!(outcomes("0"), "failed");
}
