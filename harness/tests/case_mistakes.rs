//! Every mistake that a case file can have, as a person reads it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use goldpath::case::{discover, render};
use rstest::rstest;

const RECIPE: &str = "title = \"T\"\nlab = \"article\"\n";
const PROBE: &str = "probe = { send = \"icmp-echo\", from = \"c1\", to = \"10.55.66.3\" }\n";
const ANSWERED: &str = "expect = { fate = \"answered\" }\n";

/// A recipe with one step.
fn recipe(step: &str) -> String {
    format!("{RECIPE}[[step]]\n{step}")
}

/// A contract case with a probe that could pass.
fn contract(head: &str) -> String {
    format!(
        "title = \"T\"\n{head}\n[[step]]\nprobe = {{ send = \"icmp-echo\", from = \"host\", to = \"outside\" }}\n{ANSWERED}"
    )
}

/// A contract case whose last step makes a change.
fn changed(step: &str) -> String {
    let containers = "[network.front]\nsubnet = \"10.77.1.0/24\"\n[container.c1]\nnetwork = \"front\"\n[container.c2]\nnetwork = \"front\"\naddress = \"10.77.1.20\"";
    format!("{}[[step]]\n{step}", contract(containers))
}

/// A contract case in which a ping from a container to c2 is blocked, and these probes are answered.
fn blocked(from: &str, answered: &[(&str, &str, &str, &str)]) -> String {
    let head = "title = \"T\"\n[network.front]\nsubnet = \"10.77.1.0/24\"\n[network.back]\nsubnet = \"10.77.2.0/24\"\n\
        [container.c1]\nnetwork = \"front\"\n[container.c2]\nnetwork = \"back\"\n[container.c3]\nnetwork = \"back\"\n";
    let mut text = format!(
        "{head}[[step]]\nprobe = {{ send = \"icmp-echo\", from = \"{from}\", to = \"c2\" }}\nexpect = {{ fate = \"blocked\" }}\n"
    );
    for (send, from, to, port) in answered {
        text.push_str(&format!(
            "[[step]]\nprobe = {{ send = \"{send}\", from = \"{from}\", to = \"{to}\"{port} }}\n{ANSWERED}"
        ));
    }
    text
}

/// What `goldpath check` says about files, with the directory's name taken out.
fn said(files: &[(&str, &[u8])]) -> String {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    said_of(&[directory.path().to_owned()], directory.path())
}

fn said_of(directories: &[PathBuf], root: &Path) -> String {
    let errors = discover(directories).expect_err("the case is well-formed");
    let root = root.to_str().unwrap();
    render(&errors, false)
        .replace(&format!("{root}/"), "")
        .replace(root, "cases")
        .replace(" \n", "\n")
}

#[rstest]
#[case::unknown_field_of_the_case("titel = \"T\"\nlab = \"article\"\n".to_owned())]
#[case::unknown_field_or_node(recipe(&format!("{PROBE}expct = {{ fate = \"answered\" }}\n")))]
#[case::unknown_field_of_a_probe(recipe(&format!("probe = {{ send = \"icmp-echo\", form = \"c1\", to = \"c2\" }}\n{ANSWERED}")))]
#[case::unknown_node(recipe(&format!("probe = {{ send = \"icmp-echo\", from = \"c9\", to = \"c2\" }}\n{ANSWERED}")))]
#[case::unknown_fate(recipe(&format!("{PROBE}expect = {{ fate = \"answerd\" }}\n")))]
#[case::unknown_claim_level_and_lab("title = \"T\"\nlab = \"articel\"\nlevel = \"shall\"\nchecks = [\"C11\"]\n[[step]]\nsame = { namespace = [\"c1\", \"c2\"] }\n".to_owned())]
#[case::wrong_type(recipe(&format!("{PROBE}expect = {{ fate = \"answered\", ttl = \"64\" }}\n")))]
#[case::commands_are_no_list(recipe(&format!("host = \"true\"\n{PROBE}{ANSWERED}")))]
#[case::malformed_address(recipe(&format!("probe = {{ send = \"icmp-echo\", from = \"c1\", to = \"10.55.66.300\" }}\n{ANSWERED}seen = {{ at = \"c2\", source = \"10.55.66.2/24\" }}\n")))]
#[case::ipv6_in_an_ipv4_case(recipe(&format!("probe = {{ send = \"icmp-echo\", from = \"c1\", to = \"2001:db8::1\" }}\n{ANSWERED}")))]
#[case::family_without_a_lab(contract("families = [\"ipv4\", \"ipv6\"]"))]
#[case::address_outside_its_network(contract(
    "[network.front]\nsubnet = \"10.77.1.0/24\"\n[container.c1]\nnetwork = \"front\"\naddress = \"10.77.2.9\""
))]
#[case::overlapping_subnets(contract(
    "[network.front]\nsubnet = \"10.77.0.0/16\"\n[network.back]\nsubnet = \"10.77.1.0/24\""
))]
#[case::subnet_of_the_lab(contract(
    "[network.front]\nsubnet = \"10.0.0.0/8\"\n[network.back]\nsubnet = \"203.0.113.128/25\"\n[network.far]\nsubnet = \"8.8.8.0/24\""
))]
#[case::subnet_that_no_network_can_have(contract(
    "[network.front]\nsubnet = \"127.9.0.0/16\"\n[network.back]\nsubnet = \"239.1.1.0/24\"\n[network.far]\nsubnet = \"10.77.1.2/31\""
))]
#[case::address_of_the_gateway(contract(
    "[network.front]\nsubnet = \"10.77.1.0/24\"\n[container.c1]\nnetwork = \"front\"\naddress = \"10.77.1.1\""
))]
#[case::published_on_an_address_that_the_host_has_not(contract(
    "[host]\naddresses = [\"10.0.2.16\"]\n[network.front]\nsubnet = \"10.77.1.0/24\"\n[container.c1]\nnetwork = \"front\"\npublish = [\"10.0.2.17:80:80\", \"192.0.2.9:81:80\", \"10.0.2.15:82:80\", \"10.0.2.16:83:80\", \"127.0.0.2:84:80\", \"0.0.0.0:85:80\", \"10.77.1.1:86:80\"]"
))]
#[case::host_bits_in_a_subnet(contract("[network.front]\nsubnet = \"10.77.1.9/24\""))]
#[case::host_port_published_twice(contract(
    "[network.front]\nsubnet = \"10.77.1.0/24\"\n[container.c1]\nnetwork = \"front\"\npublish = [\"8080:80\"]\n[container.c2]\nnetwork = \"front\"\npublish = [\"127.0.0.1:8080:81\"]"
))]
#[case::unknown_network_and_mode(contract(
    "[network.front]\nsubnet = \"10.77.1.0/24\"\n[container.c1]\nnetwork = \"frnt\"\n[container.c2]\nmode = \"bridge\""
))]
#[case::container_named_as_a_node(format!("{RECIPE}[container.host]\nmode = \"none\"\n[[step]]\nsame = {{ namespace = [\"c1\", \"c2\"] }}\n"))]
#[case::chain_of_shared_namespaces(format!("{RECIPE}[container.c3]\nmode = \"container:c4\"\n[container.c4]\nmode = \"container:c1\"\n[[step]]\nsame = {{ namespace = [\"c3\", \"c1\"] }}\n"))]
#[case::commands_in_a_contract("title = \"T\"\n[[step]]\nhost = [\"true\"]\nprobe = { send = \"icmp-echo\", from = \"host\", to = \"outside\" }\nexpect = { fate = \"answered\" }\n".to_owned())]
#[case::no_step(RECIPE.to_owned())]
#[case::cannot_fail(recipe("host = [\"true\"]\n"))]
#[case::probe_without_expect(recipe(PROBE))]
#[case::expect_without_probe(recipe(ANSWERED))]
#[case::ttl_and_size_out_of_range(recipe(
    "probe = { send = \"icmp-echo\", from = \"c1\", to = \"c2\", ttl = 0, size = 8 }\nexpect = { fate = \"answered\", ttl = 256 }\n"
))]
#[case::udp_without_port(recipe(&format!("probe = {{ send = \"udp\", from = \"c1\", to = \"c2\" }}\n{ANSWERED}")))]
#[case::field_of_another_fate(recipe(&format!("{PROBE}expect = {{ fate = \"answered\", reason = \"ENETUNREACH\" }}\n")))]
#[case::command_names_a_back_end(recipe(&format!("host = [\"iptables-nft -P FORWARD ACCEPT\"]\n{PROBE}{ANSWERED}")))]
#[case::command_with_an_open_quote(recipe(&format!("host = [\"echo 'open\"]\n{PROBE}{ANSWERED}")))]
#[case::command_is_empty(recipe(&format!("host = [\" \"]\n{PROBE}{ANSWERED}")))]
#[case::command_for_a_shell(recipe(&format!("host = [\"echo 0 | tee /proc/sys/net/ipv4/ip_forward\"]\n{PROBE}{ANSWERED}")))]
#[case::negative_without_control(recipe(&format!("{PROBE}expect = {{ fate = \"dropped\" }}\n")))]
#[case::blocked_without_its_target(blocked("c1", &[("icmp-echo", "c1", "host.uplink", "")]))]
#[case::blocked_without_its_kind(blocked("c1", &[("tcp", "c1", "host.uplink", ", port = 1"), ("tcp", "c3", "c2", ", port = 1")]))]
#[case::blocked_without_its_prober(blocked("c1", &[("icmp-echo", "c3", "c2", "")]))]
#[case::blocked_at_a_port_of_the_host_that_nobody_serves(format!(
    "{}[[step]]\nprobe = {{ send = \"tcp\", from = \"c1\", to = \"host.uplink\", port = 9 }}\nexpect = {{ fate = \"blocked\" }}\n",
    blocked("c1", &[("icmp-echo", "c1", "host.uplink", ""), ("tcp", "c1", "c3", ", port = 1"), ("icmp-echo", "c2", "c3", "")])
))]
#[case::not_a_chain(recipe(&format!("{PROBE}{ANSWERED}meets = [\"FORWARD\"]\n")))]
#[case::taken_address_of_the_host(contract("[host]\naddresses = [\"10.0.2.15\", \"10.9.9.9\"]"))]
#[case::rule_that_drops_everything(contract("[[host.drops]]"))]
#[case::rule_for_an_unknown_address(contract(
    "[[host.drops]]\nto = \"c1\"\n[network.front]\nsubnet = \"10.77.1.0/24\"\n[container.c1]\nnetwork = \"front\""
))]
#[case::rule_for_an_address_of_ipv6(contract("[[host.drops]]\nto = \"::1\""))]
#[case::service_that_is_there_already(contract(
    "[[step]]\nlisten = { at = \"lan\", protocol = \"tcp\", port = 80 }\n[[step]]\nlisten = { at = \"lan\", protocol = \"tcp\", port = 80 }"
))]
#[case::unknown_policy(contract("[host]\nforward = \"reject\""))]
#[case::change_in_a_recipe(recipe(&format!("remove = \"c1\"\n{PROBE}{ANSWERED}")))]
#[case::container_that_goes_without_an_address(changed(&format!(
    "remove = \"c1\"\n[[step]]\nprobe = {{ send = \"icmp-echo\", from = \"c2\", to = \"host.uplink\" }}\n{ANSWERED}"
)))]
#[case::container_that_is_removed_twice(changed("remove = \"c2\"\n[[step]]\nremove = \"c2\"\n"))]
#[case::node_that_is_no_container(changed("remove = \"lan\"\n"))]
#[case::vanishing_node_without_a_network(changed(
    "teardown = { leaves = \"nothing\", gone = \"lan\" }\n"
))]
#[case::two_changes_in_a_step(changed("remove = \"c2\"\nteardown = { leaves = \"nothing\" }\n"))]
#[case::steps_after_the_end(changed(
    "teardown = { leaves = \"nothing\" }\n[[step]]\nremove = \"c2\"\n"
))]
#[case::unknown_remainder(changed("teardown = { leaves = \"something\" }\n"))]
#[case::damage_of_nobody(changed("check = { finds = \"something\", unrouted = \"lan\" }\n"))]
#[case::unknown_finding(changed("check = { finds = \"all\", unplugged = \"c2\" }\n"))]
#[case::probe_after_the_end(changed(&format!("teardown = {{ leaves = \"nothing\" }}\nprobe = {{ send = \"icmp-echo\", from = \"host\", to = \"c1\" }}\n{ANSWERED}")))]
#[case::echo_request_with_a_source_port(recipe(&format!("probe = {{ send = \"icmp-echo\", from = \"c1\", to = \"c2\", source_port = 9 }}\n{ANSWERED}")))]
#[case::protocol_without_ports_with_a_port(recipe(
    "probe = { send = \"ip-protocol\", from = \"c1\", to = \"c2\", port = 9 }\nexpect = { fate = \"rejected\", reason = \"protocol unreachable\" }\n"
))]
#[case::protocol_without_ports_without_control(contract(
    "[network.front]\nsubnet = \"10.77.1.0/24\"\n[container.c1]\nnetwork = \"front\"\n[[step]]\nprobe = { send = \"ip-protocol\", from = \"c1\", to = \"lan\" }\nexpect = { fate = \"blocked\" }\n"
))]
#[case::echo_reply_without_control(contract(
    "[network.front]\nsubnet = \"10.77.1.0/24\"\n[container.c1]\nnetwork = \"front\"\n[[step]]\nprobe = { send = \"icmp-reply\", from = \"c1\", to = \"outside\" }\nexpect = { fate = \"blocked\" }\n"
))]
#[case::gateway_outside_its_network(contract(
    "[network.front]\nsubnet = \"10.77.1.0/24\"\ngateway = \"10.77.1.255\"\n"
))]
#[case::address_of_the_gateway_that_was_asked_for(contract(
    "[network.front]\nsubnet = \"10.77.1.0/24\"\ngateway = \"10.77.1.9\"\n[container.c1]\nnetwork = \"front\"\naddress = \"10.77.1.9\"\n"
))]
#[case::port_of_a_persons_machine(contract(
    "[host]\nown_rules = true\n[network.front]\nsubnet = \"10.99.0.0/25\"\n[container.c1]\nnetwork = \"front\"\npublish = [\"2222:80/tcp\"]\n"
))]
#[case::invalid_toml("title = \"T\nlab = 3".to_owned())]
fn mistakes_are_told_with_their_place(#[case] text: String) {
    // The test's name ends in `case_01_unknown_field`; the snapshot is called by the words after the number.
    let thread = std::thread::current();
    let name = thread
        .name()
        .unwrap()
        .rsplit("::case_")
        .next()
        .unwrap()
        .trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
    insta::assert_snapshot!(name, said(&[("area/case.toml", text.as_bytes())]));
}

#[test]
fn what_is_blocked_needs_no_answer_of_the_same_target() {
    let plain = [
        ("icmp-echo", "c1", "host.uplink", ""),
        ("icmp-echo", "c2", "c3", ""),
    ];
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("area")).unwrap();
    fs::write(
        directory.path().join("area/case.toml"),
        blocked("c1", &plain),
    )
    .unwrap();
    if let Err(errors) = discover(&[directory.path().to_owned()]) {
        panic!("{}", render(&errors, false));
    }
}

#[test]
fn a_file_that_is_not_utf8_names_the_line() {
    insta::assert_snapshot!(said(&[("area/case.toml", b"title = \"T\"\n# \xff\n")]));
}

#[test]
fn an_id_has_only_plain_characters() {
    let text = recipe(&format!("{PROBE}{ANSWERED}"));
    insta::assert_snapshot!(said(&[("area/Some_Case.toml", text.as_bytes())]));
}

#[test]
fn ids_that_differ_only_in_case_are_the_same() {
    let text = recipe(&format!("{PROBE}{ANSWERED}"));
    insta::assert_snapshot!(said(&[
        ("area/case.toml", text.as_bytes()),
        ("area/Case.toml", text.as_bytes())
    ]));
}

#[test]
fn two_directories_may_not_share_an_id() {
    let root = tempfile::tempdir().unwrap();
    let text = recipe(&format!("{PROBE}{ANSWERED}"));
    let directories = ["one", "two"].map(|name| root.path().join(name));
    for directory in &directories {
        fs::create_dir_all(directory.join("area")).unwrap();
        fs::write(directory.join("area/case.toml"), &text).unwrap();
    }
    insta::assert_snapshot!(said_of(&directories, root.path()));
}

#[test]
fn a_directory_without_cases_and_a_missing_one_are_mistakes() {
    let root = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(said_of(
        &[root.path().to_owned(), root.path().join("missing")],
        root.path()
    ));
}

#[test]
fn the_mistakes_of_all_files_are_told_at_once() {
    let one = recipe(&format!(
        "host = [\"\"]\nrouter = [\"true\"]\n{PROBE}expect = {{ fate = \"lost\" }}\n"
    ));
    insta::assert_snapshot!(said(&[
        ("area/one.toml", one.as_bytes()),
        ("area/two.toml", b"title = 3")
    ]));
}

#[test]
fn the_projects_own_cases_are_well_formed() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases");
    if let Err(errors) = discover(&[cases]) {
        panic!("{}", render(&errors, false));
    }
}
