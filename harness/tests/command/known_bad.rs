//! Plugins with one bug each, of a kind that real implementations have had: a short exploration must find it, and find nothing
//! in the plugin without it. Stories are asked only where an exploration would find the bug by another way.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use rstest::rstest;
use serde_json::Value;

/// A known defect of the plugin: whoever knows its gateway by an address that it no longer has does not reach it.
const GATEWAY_MOVED: &str = r#"
[[expected]]
implementations = ["example"]
versions        = "*"
rules           = ["*"]
when            = ["gateway-moved"]
issue           = "containers/netavark#833"
why             = "The bridge takes the lowest hardware address of its ports."
"#;

/// Types a command in a folder with the example plugin, its text changed so, and with a known defect of it. Returns the command's
/// report.
fn said(changes: &[(&str, &str)], arguments: &str) -> Value {
    let desk = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plugin.py");
    let mut text = fs::read_to_string(example).unwrap();
    for (old, new) in changes {
        assert!(text.contains(old), "the example has no {old}");
        text = text.replacen(old, new, 1);
    }
    let plugin = desk.path().join("plugin.py");
    fs::write(&plugin, text).unwrap();
    fs::write(desk.path().join("known.toml"), GATEWAY_MOVED).unwrap();
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_goldpath"))
        .args(arguments.split(' '))
        .args(["-i", "plugin:./plugin.py", "--json", "report.json"])
        .current_dir(desk.path())
        .env_remove("CI")
        .output()
        .unwrap();
    let report = fs::read(desk.path().join("report.json"));
    let report = report.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    serde_json::from_slice(&report).unwrap()
}

/// The kinds of the first disagreement of an exploration.
fn explored(changes: &[(&str, &str)], seed: u8, scenarios: usize) -> Vec<String> {
    let arguments = format!("explore --seed {seed} --first --scenarios {scenarios}");
    let report = said(changes, &arguments);
    assert_eq!(report["errored"], 0, "{report:#}");
    let found = report["disagreements"].as_array().unwrap();
    let kinds = found
        .iter()
        .flat_map(|one| one["kinds"].as_array().unwrap());
    kinds
        .map(|kind| kind.as_str().unwrap().to_owned())
        .collect()
}

/// The bound is what seed 1 needs, and some more: the stream is the same on every machine.
#[rstest]
#[case::rules_stay_after_a_removal(
    &[("    refresh(work[\"scenario\"])\n", "")],
    "leftover"
)]
#[case::who_has_vanished_is_taken_for_removed(
    &[("    refresh(work[\"scenario\"])\n", "    if pathlib.Path(f\"/run/netns/{inside}\").exists():\n        refresh(work[\"scenario\"])\n")],
    "leftover"
)]
#[case::an_asked_address_is_ignored(
    &[("at = f'ip daddr {port[\"host_address\"]}' if port[\"host_address\"] else ", "at = ")],
    "published-elsewhere"
)]
#[case::the_second_container_flushes_the_first(
    &[("                refresh(scenario)\n", "                refresh({**scenario, \"containers\": [container]})\n")],
    "published"
)]
#[case::a_range_is_one_too_long(
    &[("dport {port[\"host_port\"]} dnat", "dport {port[\"host_port\"]}-{port[\"host_port\"] + 1} dnat")],
    "beside-published"
)]
#[case::forwarding_is_switched_off_at_the_end(
    &[("ip_forward={kept.read_text().strip()}", "ip_forward=0")],
    "leftover"
)]
#[case::everybodys_rules_are_flushed(
    &[("table ip example {}\\ndelete table ip example\\n", "flush ruleset\\n")],
    "implementation"
)]
#[case::removal_by_the_beginning_of_a_name(
    &[("        run(f\"ip link delete v{n}{inside}\", check=False)\n    refresh", "        for link in pathlib.Path(\"/sys/class/net\").glob(f\"v{n}{inside}*\"):\n            run(f\"ip link delete {link.name}\")\n    refresh")],
    "implementation"
)]
#[case::an_internal_network_is_closed_by_no_rule(
    &[("        if network[\"internal\"]:\n            forward +=", "        if False:\n            forward +=")],
    "internal-no-way-out"
)]
#[case::segments_are_made_small(
    &[("publish, forward, leave = [], ['", "publish, forward, leave = [], ['tcp flags syn tcp option maxseg size set 500', '")],
    "outward"
)]
#[case::segments_of_no_connection_come_in(
    &[(", 'oifname \"br-*\" ct state invalid drop'", "")],
    "hidden-ports"
)]
#[case::settings_for_others_are_left(
    &[("    refresh(scenario)\n\n\ndef remove", "    refresh(scenario)\n    pathlib.Path(\"/run/sysctl.d\").mkdir()\n    pathlib.Path(\"/run/sysctl.d/x.conf\").write_text(\"x\")\n\n\ndef remove")],
    "leftover"
)]
#[case::connections_of_all_are_cut(
    &[("        run(f'conntrack -D -p {port[\"protocol\"]}{at} --orig-port-dst {port[\"host_port\"]}', check=False)", "        run(\"conntrack -F\", check=False)")],
    "flow-goes-on"
)]
#[case::who_comes_back_has_no_route_to_its_network(
    &[("                attach(network, n, inside, address)\n                refresh", "                attach(network, n, inside, address)\n                run(f\"ip -n {inside} route del {subnet_of(network)} dev eth0\", check=False)\n                refresh")],
    "internal-neighbours"
)]
#[case::a_lease_stays_in_tmp(
    &[("    name = bridge(network)\n    mtu", "    pathlib.Path(f\"/tmp/lease-{address}\").write_text(inside)\n    name = bridge(network)\n    mtu")],
    "leftover"
)]
#[case::answers_lose_hops(
    &[("+ rules(scenario))", "+ rules(scenario) + '\\ntable ip example { chain ttl { type filter hook prerouting priority mangle; iifname \"eth0\" ct direction reply ip ttl set 32; }; }\\n')")],
    "outward"
)]
#[case::a_route_halves_segments(
    &[("default via {gateway(network)}", "default via {gateway(network)} advmss 600")],
    "outward"
)]
#[case::the_bridge_takes_its_ports_hardware_address(
    &[
        (" address {mac} type bridge", " type bridge"),
        // The kernel draws the ports' addresses: now they are in the order of the containers'.
        ("{mtu} type veth peer name eth0", "{mtu} address 06{mac[2:]} type veth peer name eth0"),
    ],
    "flow-goes-on"
)]
#[case::a_persons_translations_are_flushed(
    &[("    run(\"nft delete table ip example\", check=False)", "    run(\"nft delete table ip example\", check=False)\n    run(\"nft flush table ip nat\", check=False)")],
    "leftover"
)]
#[case::a_published_number_is_taken_over(
    &[("masquerade to :{elsewhere(port)}'", "masquerade'")],
    "no-shadow"
)]
#[case::what_is_no_icmp_tcp_or_udp_comes_in(
    &[("oifname \"{name}\" ct state new", "oifname \"{name}\" meta l4proto {{ icmp, tcp, udp }} ct state new")],
    "hidden-ports"
)]
#[case::published_segments_carry_a_wrong_checksum(
    &[("+ rules(scenario))", "+ rules(scenario) + '\\ntable ip example { chain sum { type filter hook postrouting priority 200; ct status dnat ct direction original tcp checksum set 0xbeef; }; }\\n')")],
    "published"
)]
fn a_bug_is_found(#[case] changes: &[(&str, &str)], #[case] kind: &str) {
    let kinds = explored(changes, 1, 60);
    assert!(kinds.iter().any(|one| one == kind), "{kinds:?}");
}

/// The first disagreement of seed 1 is another one that the same bug makes.
#[rstest]
#[case::a_subnet_is_taken_for_24(
    &[
        ("return subnet_of(network).split(\"/\")[1]", "return \"24\""),
        ("default via {gateway(network)}", "default via {gateway(network)} dev eth0 onlink"),
    ],
    "neighbours"
)]
#[case::everybodys_source_is_translated(
    &[("leave.append(f'ip saddr {subnet} oifname", "leave.append(f'oifname \"eth0\" masquerade')\n            leave.append(f'ip saddr {subnet} oifname")],
    "transit"
)]
fn a_bug_is_found_by_another_seed(#[case] changes: &[(&str, &str)], #[case] kind: &str) {
    let kinds = explored(changes, 2, 60);
    assert!(kinds.iter().any(|one| one == kind), "{kinds:?}");
}

/// That is declared by what it depends on, and not by each rule that it may break. `a_bug_is_found` shows it undeclared.
#[test]
fn a_gateway_that_moved_is_declared_as_that() {
    let bug = (" address {mac} type bridge", " type bridge");
    let arguments = "explore --seed 1 --first --scenarios 16 --expected known.toml";
    let report = said(&[bug], arguments);
    assert_eq!(report["disagreements"], serde_json::json!([]), "{report:#}");
}

/// The container is the first that is refused, so that only who asks once more after that finds its way closed.
#[test]
fn who_refused_once_is_shut_out() {
    let change = (
        "+ rules(scenario))",
        "+ rules(scenario) + '\\ntable ip example { set shut { type ipv4_addr . inet_service; flags dynamic; size 64; }; chain refusal { type filter hook forward priority 1; ct status dnat ct direction reply tcp flags & rst == rst tcp sequence 0 add @shut { ip saddr . tcp sport }; ct direction original ip daddr . tcp dport @shut drop; }; }\\n')",
    );
    let story = "run contract/publish/tcp-from-a-neighbour --cases builtin";
    let sound = said(&[], story);
    assert_eq!(sound["cases"][0]["outcome"], "passed", "{sound:#}");
    let report = said(&[change], story);
    let findings = report["cases"][0]["findings"].as_array().unwrap();
    let rules: Vec<_> = findings.iter().map(|one| &one["rule"]).collect();
    assert!(rules.contains(&&"hairpin".into()), "{rules:?}");
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    assert_eq!(explored(&[], 1, 8), Vec::<String>::new());
}

/// dockerd has containerd write its stack there before it ends it for being slow (moby, `killDaemon`).
#[test]
fn a_temporary_file_that_names_nothing_stays() {
    let change = (
        "    refresh(scenario)\n\n\ndef remove",
        "    refresh(scenario)\n    pathlib.Path(\"/run/tmp/x.log\").write_text(\"stack\")\n\n\ndef remove",
    );
    assert_eq!(explored(&[change], 1, 8), Vec::<String>::new());
}

/// Each rule of the plugin taken away: the table notices the absence of all that packets match, and of none that is there twice.
#[test]
fn the_absence_of_a_rule_is_noticed_unless_another_says_the_same() {
    let rules = |changes: &[(&str, &str)]| {
        let score = said(
            changes,
            "mutate --live contract/isolation/tcp-between-networks",
        );
        score["live"]["implementations"]["plugin:./plugin.py"].clone()
    };
    let each = rules(&[]);
    assert!(each["matched"].as_u64() >= Some(5), "{each:#}");
    assert_eq!(each["noticed"], each["matched"], "{each:#}");
    assert_eq!(each["errored"], serde_json::json!({}));

    let hides =
        "f'iifname != \"{name}\" oifname \"{name}\" ct state new ct status & dnat == 0 drop'";
    let (once, twice) = (
        format!("forward.append({hides})"),
        format!("forward += 2 * [{hides}]"),
    );
    let doubled = rules(&[(&once, &twice)]);
    let rules = doubled["rules"].as_array().unwrap();
    let is_noticed = |words: &str| {
        let says = |rule: &&Value| {
            rule["rule"]
                .as_str()
                .is_some_and(|text| text.contains(words))
        };
        let rule = rules.iter().find(says).unwrap();
        rule["noticed"].as_u64() > Some(0)
    };
    assert!(!is_noticed("dnat drop"), "{doubled:#}");
    assert!(
        is_noticed("oifname \"br-*\" ct state invalid drop"),
        "{doubled:#}"
    );
}

/// Of an implementation that makes no network no rule is taken away, and that is told.
#[test]
fn what_makes_no_network_is_told_instead_of_its_rules() {
    let fails = (
        "    {\"setup\": setup",
        "    sys.exit(3)\n    {\"setup\": setup",
    );
    let score = said(
        &[fails],
        "mutate --live contract/egress/source-is-the-hosts",
    );
    let rules = &score["live"]["implementations"]["plugin:./plugin.py"];
    assert_eq!(rules["moments"], 0);
    assert_eq!(rules["errored"].as_object().unwrap().len(), 1, "{rules:#}");
}

/// What comes of a case for a plugin that lists `check` and answers it by these lines of Python.
fn outcome_by_check(lines: &[&str], case: &str) -> Value {
    let features = (
        "\"features\": FEATURES",
        "\"features\": FEATURES + [\"check\"]",
    );
    let check = format!(
        "elif question[\"verb\"] == \"check\":\n    {}\nelse:\n    {{\"setup\"",
        lines.join("\n    ")
    );
    let report = said(
        &[features, ("else:\n    {\"setup\"", &check)],
        &format!("run {case}"),
    );
    report["cases"][0]["outcome"].clone()
}

/// A check that looks whether its table is there, and one that looks for its rules: deleted rules leave the table.
#[rstest]
#[case::looks_for_its_rules("\"dnat\"", "passed")]
#[case::looks_for_its_table("\"table\"", "failed")]
fn a_check_notices_deleted_rules(#[case] looks_for: &str, #[case] outcome: &str) {
    let said = "said = subprocess.run(\"nft list table ip example\".split(), stdout=subprocess.PIPE, text=True).stdout";
    let answers = format!(
        "json.dump({{}} if {looks_for} in said else {{\"error\": \"they are gone\"}}, sys.stdout)"
    );
    let case = "contract/lifecycle/check-finds-flushed-rules";
    assert_eq!(outcome_by_check(&[said, &answers], case), outcome);
}

/// A check that looks inside the containers, and one that looks at the host alone.
#[rstest]
#[case::looks_inside("question[\"namespaces\"].items()", "passed")]
#[case::looks_at_the_host_alone("()", "failed")]
fn a_check_notices_what_a_container_has_lost(#[case] looks_at: &str, #[case] outcome: &str) {
    let wanted = "wanted = (\"route show default\", \"-4 address show scope global\")";
    let shown = "shown = lambda path, what: subprocess.run(f\"nsenter --net={path} ip {what}\".split(), stdout=subprocess.PIPE, text=True).stdout";
    let lost = format!(
        "lost = [f\"{{name}}: no {{what}}\" for name, path in {looks_at} for what in wanted if not shown(path, what)]"
    );
    let answers = "json.dump({\"error\": \", \".join(lost)} if lost else {}, sys.stdout)";
    let case = "contract/lifecycle/check-finds-a-missing-route";
    assert_eq!(
        outcome_by_check(&[wanted, shown, &lost, answers], case),
        outcome
    );
}
