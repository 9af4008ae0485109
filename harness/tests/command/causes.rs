//! A loss without a verdict names what the machine can still be asked. Each cause is planted in the example plugin, or in a
//! recipe, and must come out of the report as what it is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use rstest::rstest;
use serde_json::{Value, json};

const NETWORK: &str = "title = \"T\"\nrequires = [\"bridge\"]\n[network.front]\nsubnet = \"10.77.1.0/24\"\n\
    [container.c1]\nnetwork = \"front\"\naddress = \"10.77.1.10\"\n[container.c2]\nnetwork = \"front\"\naddress = \"10.77.1.20\"\n";

/// A filter of traffic control that drops frames of ethertype 0x0800: 2 is `TC_ACT_SHOT`.
const NO_IP: &str = "bpf direct-action bytecode '4,40 0 0 12,21 0 1 2048,6 0 0 2,6 0 0 0'";

/// Causes of the only probe of a contract case, which goes from one node to another, with commands planted behind the
/// example's set-up.
fn causes(from: &str, to: &str, planted: &[&str]) -> Vec<Value> {
    let case = format!(
        "{NETWORK}[[step]]\nprobe = {{ send = \"icmp-echo\", from = \"{from}\", to = \"{to}\" }}\nexpect = {{ fate = \"answered\" }}\n"
    );
    let desk = tempfile::tempdir().unwrap();
    let path = |name: &str| desk.path().join(name);
    fs::create_dir_all(path("cases/area")).unwrap();
    fs::write(path("cases/area/subject.toml"), case).unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plugin.py");
    let text = fs::read_to_string(example).unwrap();
    let end = "    refresh(scenario)\n\n\ndef remove(work):";
    assert!(text.contains(end), "the example's set-up ends otherwise");
    let commands: String = planted
        .iter()
        .map(|command| {
            let argv = shlex::split(command).unwrap();
            format!("    subprocess.run({argv:?}, check=True, stdout=sys.stderr)\n")
        })
        .collect();
    let planted = text.replacen(end, &end.replace("\n\n\n", &format!("\n{commands}\n\n")), 1);
    fs::write(path("plugin.py"), planted).unwrap();
    fs::set_permissions(path("plugin.py"), fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_goldpath"))
        .args([
            "run",
            "-i",
            "plugin:./plugin.py",
            "--no-tables",
            "--json",
            "report.json",
        ])
        .current_dir(desk.path())
        .env_remove("CI")
        .output()
        .unwrap();
    let report = fs::read(path("report.json"));
    let report = report.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let report: Value = serde_json::from_slice(&report).unwrap();
    let findings = report["cases"][0]["findings"].as_array();
    let findings = findings.unwrap_or_else(|| panic!("no finding: {output:?}"));
    let causes = findings.iter().filter(|one| one["what"] == "cause");
    causes.map(|one| one["cause"].clone()).collect()
}

#[rstest]
#[case::forwarding_of_one_interface(
    "c1", "outside",
    &["sysctl -q -w net.ipv4.conf.eth0.forwarding=0"],
    json!({ "not-forwarding": { "node": "host", "interface": "eth0" } })
)]
#[case::strict_reverse_path(
    "lan", "host.uplink",
    &["sysctl -q -w net.ipv4.conf.eth0.rp_filter=1", "ip route add 10.0.2.50/32 dev br-front"],
    json!({ "reverse-path": { "node": "host", "interface": "eth0", "setting": 1, "source": "10.0.2.50", "back": "br-front" } })
)]
#[case::policy_rule(
    "c1", "outside",
    &["ip route add unreachable default table 100", "ip rule add priority 100 from 10.77.1.0/24 lookup 100"],
    json!({ "policy-rule": { "node": "host", "rule": "100: from 10.77.1.0/24 lookup 100", "route": "unreachable default" } })
)]
#[case::nobody_has_the_hardware_address(
    "c2", "c1",
    &["ip -n c2 neigh add 10.77.1.10 lladdr 02:00:00:00:00:99 dev eth0 nud permanent"],
    json!({ "neighbour": {
        "node": "c2", "interface": "eth0", "mac": "02:00:00:00:00:99", "owner": null,
        "entry": "10.77.1.10 (permanent)", "holder": "c1:eth0 has 02:42:0a:4d:01:0a",
    } })
)]
#[case::loopback_is_down(
    "c1", "c1",
    &["ip -n c1 link set lo down"],
    json!({ "down": { "node": "c1", "interface": "lo" } })
)]
#[case::bridge_rules(
    "c1", "c2",
    &["nft add table bridge firewall", "nft add chain bridge firewall pass { type filter hook forward priority 0; }",
      "nft add rule bridge firewall pass ip protocol icmp drop"],
    json!({ "bridge-rules": { "node": "host", "rules": ["firewall/pass ip protocol icmp drop"] } })
)]
#[case::traffic_control(
    "c1", "outside",
    &["tc qdisc add dev br-front clsact", &format!("tc filter add dev br-front ingress {NO_IP}")],
    json!({ "dropped": { "node": "host", "reasons": ["TC_INGRESS"] } })
)]
#[case::a_martian_address(
    "lan", "host.uplink",
    &["ip route add unreachable 10.0.2.50/32", "ip address add 10.0.2.50/32 dev lo"],
    json!({ "dropped": { "node": "host", "reasons": ["IP_LOCAL_SOURCE"] } })
)]
#[case::traffic_control_of_the_reply(
    "lan", "host.uplink",
    &["tc qdisc add dev eth0 clsact", &format!("tc filter add dev eth0 egress {NO_IP}")],
    json!({ "dropped": { "node": "host", "reasons": ["TC_EGRESS"] } })
)]
fn a_planted_cause_is_named(
    #[case] from: &str,
    #[case] to: &str,
    #[case] planted: &[&str],
    #[case] expected: Value,
) {
    let found = causes(from, to, planted);
    assert!(found.contains(&expected), "{found:#?}");
}
