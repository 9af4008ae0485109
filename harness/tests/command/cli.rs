//! The built command as a person uses it: exit codes, and what it says when something is wrong.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::desk::{Desk, must_say};

const CASE: &str = "article/a12-masquerade-to-outside";
const DROPPED: &str = "article/a03-forward-policy-drops-bridged-packets";

#[test]
fn what_passes_ends_with_0() {
    let ended = Desk::with(&[CASE]).goldpath("run");
    ended.must_be(0);
    must_say(&ended.out, &["2 passed, 0 failed"]);
}

#[test]
fn one_changed_rule_ends_with_1_and_says_everything() {
    let desk = Desk::with(&[CASE]);
    let (rule, other) = ("-d 9.9.9.9 -j MASQUERADE", "-o eth0 -j MASQUERADE");
    desk.edit(&format!("cases/{CASE}.toml"), other, rule);
    let ended = desk.goldpath("run --backend iptables-nft");
    ended.must_be(1);
    let folder = format!("evidence/{CASE}/recipe/iptables-nft/ipv4");
    must_say(
        &ended.out,
        &[
            "the path differs from its golden at line 6",
            "in       probe 1  c1 → 8.8.8.8  icmp echo",
            "expected fate: answered",
            "seen     fate: reply dropped at isp net unreachable",
            "after    host              .                                               filter/FORWARD policy: accept",
            "expected host              .  source 10.55.66.2 → 10.0.2.15",
            "seen     host              .                                               nat/POSTROUTING policy: accept",
            "rule responsible: nat/POSTROUTING policy: accept; the golden has nat/POSTROUTING -s 10.55.66.2/32 -o eth0 -j MASQUERADE: accept",
            &format!("evidence: {folder}"),
            &format!("again: goldpath run {CASE} --backend iptables-nft"),
            &format!("goldpath accept {CASE}"),
            "0 passed, 1 failed",
        ],
    );
    must_say(
        &desk.read(&format!("{folder}/trace.txt")),
        &["nat/POSTROUTING", "8.8.8.8"],
    );
    must_say(
        &desk.read(&format!("{folder}/ruleset.nft")),
        &["table ip nat", "9.9.9.9"],
    );
    must_say(
        &desk.read(&format!("{folder}/links.txt")),
        &["# c1", "# host", "hwchiu0"],
    );
    must_say(
        &desk.read(&format!("{folder}/again.sh")),
        &["#!/bin/sh", CASE],
    );
    must_say(
        &desk.read(&format!("golden/{CASE}.snap.new")),
        &["reply dropped at isp"],
    );
    let capture = desk.path(&format!("{folder}/all.pcapng"));
    let mut capture = pcap::Capture::from_file(capture).unwrap();
    let mut frames = 0;
    while capture.next_packet().is_ok() {
        frames += 1;
    }
    // Five interfaces out, five back to where it ends, and the error.
    assert!(frames >= 10, "{frames} frames");
}

#[test]
fn a_command_that_fails_ends_with_3_and_says_why() {
    let desk = Desk::with(&[CASE]);
    let (route, wrong) = ("default via 10.55.66.1", "default via 10.99.0.1");
    desk.edit(&format!("cases/{CASE}.toml"), route, wrong);
    let ended = desk.goldpath("run --backend iptables-nft");
    ended.must_be(3);
    let words = [
        "errored",
        "line 13 of the case: in netns 'c1': ip route add default via 10.99.0.1: exit status: 2",
        "Error: Nexthop has invalid gateway",
    ];
    must_say(&ended.out, &words);
}

#[test]
fn the_report_is_as_its_schema_says() {
    let desk = Desk::with(&[DROPPED]);
    desk.goldpath("run --json report.json").must_be(0);
    let schema: Value = serde_json::from_str(include_str!("../../report.schema.json")).unwrap();
    let report: Value = serde_json::from_str(&desk.read("report.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    schema.validate(&report).unwrap();
    assert_eq!(report["summary"]["passed"], 2);
    assert_eq!(report["cases"][0]["id"], DROPPED);
    assert_eq!(
        report["cases"][0]["paths"].as_array().map(Vec::len),
        Some(2)
    );

    let mut wrong = report.clone();
    wrong["cases"][1]["outcome"] = "vanished".into();
    let violation = schema.validate(&wrong).unwrap_err();
    assert_eq!(violation.instance_path().as_str(), "/cases/1/outcome");
    let mut wrong = report;
    wrong["summary"].as_object_mut().unwrap().remove("errored");
    assert!(!schema.is_valid(&wrong));
}

/// So that two reports are known to be of one suite (`goldpath report diff`).
#[test]
fn a_report_names_what_it_ran_by_the_bytes_of_the_files() {
    let desk = Desk::with(&[CASE]);
    desk.goldpath("run --json report.json").must_be(0);
    let sum = |file: String| {
        let ended = Command::new("sha256sum").arg(desk.path(&file)).output();
        String::from_utf8(ended.unwrap().stdout).unwrap()[..64].to_owned()
    };
    let report: Value = serde_json::from_str(&desk.read("report.json")).unwrap();
    let cases = report["cases"].as_array().unwrap();
    assert_ne!(cases.len(), 0);
    for case in cases {
        assert_eq!(case["case_sha256"], sum(format!("cases/{CASE}.toml")));
        assert_eq!(case["golden_sha256"], sum(format!("golden/{CASE}.snap")));
    }
}

#[test]
fn the_schema_checked_in_is_the_one_generated() {
    let ended = Desk::with(&[]).goldpath("schema report");
    ended.must_be(0);
    assert_eq!(ended.out, include_str!("../../report.schema.json"));
}

#[test]
fn a_golden_with_merge_markers_ends_with_2_before_anything_starts() {
    let desk = Desk::with(&[CASE, DROPPED]);
    let golden = format!("golden/{DROPPED}.snap");
    desk.edit(&golden, "fate:", "<<<<<<< HEAD\nfate:");
    let words = [
        format!("{golden}:6: merge marker"),
        format!("goldpath accept {DROPPED}"),
    ];
    let words = [words[0].as_str(), words[1].as_str()];
    desk.goldpath("run").must_be_wrong_input(&words);
    desk.goldpath("check --golden golden")
        .must_be_wrong_input(&words);
    desk.goldpath("check").must_be_wrong_input(&words);
    desk.goldpath(&format!("check {CASE}")).must_be(0);
    assert!(!desk.path("evidence").exists());
}

#[test]
fn a_golden_without_a_case_is_an_error_of_check() {
    let desk = Desk::with(&[CASE, DROPPED]);
    desk.goldpath("check").must_be(0);
    fs::remove_file(desk.path(&format!("cases/{DROPPED}.toml"))).unwrap();
    let words = [&*format!(
        "golden/{DROPPED}.snap: this golden belongs to no case"
    )];
    desk.goldpath("check").must_be_wrong_input(&words);
    desk.goldpath("check --cases cases")
        .must_be_wrong_input(&words);
    desk.goldpath(&format!("check {CASE}")).must_be(0);
}

#[test]
fn a_missing_program_ends_with_2_and_names_its_package() {
    let desk = Desk::with(&[CASE]);
    let (add, other) = (
        "\"ip address add",
        "\"brctl-of-nowhere show\", \"ip address add",
    );
    desk.edit(&format!("cases/{CASE}.toml"), add, other);
    let words =
        ["'brctl-of-nowhere' is not installed; please run: sudo apt-get install bridge-utils"];
    desk.goldpath("run").must_be_wrong_input(&words);
    desk.goldpath(&format!("show {CASE}"))
        .must_be_wrong_input(&words);
    desk.goldpath("accept").must_be_wrong_input(&words);
    // Known from the case files, and a case that is not run needs nothing.
    desk.edit(
        &format!("cases/{CASE}.toml"),
        "title",
        "disabled = \"not today\"\ntitle",
    );
    let ended = desk.goldpath("run");
    ended.must_be(0);
    must_say(&ended.out, &["2 disabled"]);
}

#[test]
fn a_plugin_that_is_no_program_is_named_as_what_it_is() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::with(&[]);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let contract = workspace
        .join("cases/contract/egress")
        .display()
        .to_string();
    let plugin = |name: &str, text: &str, mode: u32| {
        fs::write(desk.path(name), text).unwrap();
        fs::set_permissions(desk.path(name), fs::Permissions::from_mode(mode)).unwrap();
        desk.goldpath(&format!(
            "run --cases {contract} source-is-the-hosts -i plugin:./{name}"
        ))
    };
    let ended = |name: &str, text: &str, mode: u32, words: &[&str]| {
        let ended = plugin(name, text, mode);
        ended.must_be(2);
        must_say(&ended.err, words);
    };
    ended("plain", "#!/bin/sh\n", 0o644, &["cannot run", "chmod +x"]);
    ended("binary", "no line\n", 0o755, &["cannot start", "#!/bin/sh"]);
    ended("silent", "#!/bin/sh\n", 0o755, &["it wrote nothing"]);
    ended(
        "lost",
        "#!/nowhere/sh\n",
        0o755,
        &["cannot start", "interpreter"],
    );
    fs::create_dir(desk.path("folder")).unwrap();
    let folder = desk.goldpath(&format!("run --cases {contract} -i plugin:./folder"));
    folder.must_be(2);
    must_say(&folder.err, &["it is a folder"]);
    let nowhere = desk.goldpath(&format!("run --cases {contract} -i plugin:./nowhere"));
    nowhere.must_be(2);
    must_say(&nowhere.err, &["cannot find ./nowhere: No such file"]);
}

#[test]
fn programs_are_found_without_a_path() {
    let desk = Desk::with(&[CASE]);
    let output = desk
        .command("run")
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_folder_without_cases_ends_with_2() {
    let desk = Desk::with(&[]);
    desk.goldpath("run").must_be_wrong_input(&["cases"]);
    desk.goldpath("run --cases nowhere")
        .must_be_wrong_input(&["nowhere"]);
    desk.goldpath("check").must_be_wrong_input(&["cases"]);
}

#[test]
fn the_same_id_twice_ends_with_2() {
    let desk = Desk::with(&[CASE]);
    fs::create_dir_all(desk.path("more/article")).unwrap();
    let name = format!("{CASE}.toml");
    fs::copy(
        desk.path(&format!("cases/{name}")),
        desk.path(&format!("more/{name}")),
    )
    .unwrap();
    let ended = desk.goldpath("run --cases cases --cases more");
    ended.must_be_wrong_input(&[&format!("cases/{name}"), &format!("more/{name}")]);
}

#[test]
fn an_unknown_node_ends_with_2_and_its_line() {
    let desk = Desk::with(&[CASE]);
    desk.edit(
        &format!("cases/{CASE}.toml"),
        "from = \"c1\"",
        "from = \"c9\"",
    );
    desk.goldpath("run")
        .must_be_wrong_input(&[&format!("{CASE}.toml:14"), "c9"]);
}

#[test]
fn wrong_arguments_end_with_2() {
    let desk = Desk::with(&[CASE]);
    let backend = ["--backend", "iptables-nft and iptables-legacy"];
    desk.goldpath("run --backend foo")
        .must_be_wrong_input(&backend);
    desk.goldpath("run --jobs 0")
        .must_be_wrong_input(&["--jobs"]);
    desk.goldpath("run nothing-like-it")
        .must_be_wrong_input(&["nothing-like-it"]);
    desk.goldpath("walk").must_be_wrong_input(&["walk"]);
}

#[test]
fn a_report_overwrites_nothing_that_is_read_and_no_other_report() {
    let desk = Desk::with(&[CASE]);
    fs::write(desk.path("part.json"), "no JSON").unwrap();
    fs::write(desk.path("part.d"), "no folder").unwrap();
    let case = desk.read(&format!("cases/{CASE}.toml"));
    for (arguments, words) in [
        (
            "run --json a --html ./a",
            ["--html to ./a", "--json already"],
        ),
        (
            &*format!("run --json cases/{CASE}.toml"),
            ["--json to", "as a case"],
        ),
        ("run --junit golden/new.snap", ["--junit to", "as a golden"]),
        ("run --html cases", ["--html to cases", "a folder"]),
        ("run --html part", ["paths to part.d", "no folder"]),
        ("run --embed", ["--embed", "--html"]),
        ("run --html nowhere/x.html", ["--html to", "is not there"]),
        (
            "run --score part.json --markdown part.json",
            ["--markdown to part.json", "this command reads"],
        ),
        ("run --score part.json", ["part.json", "no score"]),
        (
            "run -i plugin:part.json --json part.json",
            ["--json to part.json", "this command reads"],
        ),
        (
            "report merge part.json --json part.json",
            ["--json to part.json", "this command reads"],
        ),
        (
            "mutate --baseline part.json --json part.json",
            ["--json to part.json", "this command reads"],
        ),
        (
            "mutate --live -i plugin:part.json --json part.json",
            ["--json to part.json", "this command reads"],
        ),
        (
            "mutate --live article",
            ["no contract case", "goldpath list"],
        ),
        ("mutate --seed 5", ["--generated", "--live"]),
        ("mutate --scenarios 5", ["required", "--live"]),
    ] {
        desk.goldpath(arguments).must_be_wrong_input(&words);
    }
    assert_eq!(desk.read(&format!("cases/{CASE}.toml")), case);
    assert_eq!(desk.read("part.json"), "no JSON");
    assert!(!desk.path("a").exists());
}

#[test]
fn output_that_is_lost_is_an_error_and_a_closed_pipe_is_none() {
    let desk = Desk::with(&[CASE]);
    for arguments in [
        "run --json all.json",
        "list",
        "check",
        "faults",
        "explain a12",
        "show a12 --backend iptables-nft",
        "doctor",
        "schema report",
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = desk.command(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments}");
        let said = String::from_utf8(output.stderr).unwrap();
        must_say(&said, &["cannot write to standard output: No space left"]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let closed = desk.command(arguments).stdout(writer).output().unwrap();
        assert_eq!(closed.status.code(), Some(0), "{arguments}");
    }
    // The report is written all the same.
    let report: Value = serde_json::from_str(&desk.read("all.json")).unwrap();
    assert_eq!(report["summary"]["passed"], 2);
}

#[test]
fn a_vague_name_lists_each_case_once() {
    let desk = Desk::with(&[CASE, DROPPED]);
    let ended = desk.goldpath("show article");
    ended.must_be_wrong_input(&[]);
    let said = format!("`article` means several cases: {DROPPED}, {CASE}\n");
    assert_eq!(ended.err, said);
}

#[test]
fn a_macvlan_is_a_way_that_the_wiring_allows() {
    let desk = Desk::with(&[]);
    let macvlan = |name: &str| {
        format!(
            "\"ip link add {name} link eth0 type macvlan mode bridge\", \"ip link set {name} netns {name}\""
        )
    };
    let own = |name: &str, address: &str| {
        format!("{name} = [\"ip link set {name} up\", \"ip address add {address}/24 dev {name}\"]")
    };
    let case = format!(
        "title = \"T\"\nlab = \"bare\"\nbackends = [\"iptables-nft\"]\n[[step]]\nhost = [{}, {}]\n{}\n{}\n\
         probe = {{ send = \"icmp-echo\", from = \"c1\", to = \"10.0.2.2\" }}\nexpect = {{ fate = \"answered\" }}\n\
         [[step]]\nprobe = {{ send = \"icmp-echo\", from = \"c1\", to = \"10.0.2.61\" }}\nexpect = {{ fate = \"answered\" }}\n",
        macvlan("c1"),
        macvlan("c2"),
        own("c1", "10.0.2.60"),
        own("c2", "10.0.2.61"),
    );
    fs::create_dir_all(desk.path("cases/area")).unwrap();
    fs::write(desk.path("cases/area/macvlan.toml"), case).unwrap();
    desk.goldpath("run --json all.json").must_be(1);
    let report: Value = serde_json::from_str(&desk.read("all.json")).unwrap();
    let findings = report["cases"][0]["findings"].as_array().unwrap();
    let found: Vec<&str> = findings
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["no-golden", "review"], "{findings:#?}");
}

#[test]
fn accept_makes_a_golden_that_the_next_run_agrees_with() {
    let desk = Desk::with(&[CASE]);
    let golden = format!("golden/{CASE}.snap");
    let original = desk.read(&golden);
    fs::remove_file(desk.path(&golden)).unwrap();
    let ended = desk.goldpath("run");
    ended.must_be(1);
    must_say(&ended.out, &["there is no golden path for this case yet"]);
    desk.goldpath("accept").must_be(0);
    assert_eq!(desk.read(&golden), original);
    assert!(!desk.path(&format!("{golden}.new")).exists());
    desk.goldpath("run").must_be(0);
}

#[test]
fn doctor_says_whether_the_suite_can_run() {
    let desk = Desk::with(&[]);
    let ended = desk.goldpath("doctor --json");
    ended.must_be(0);
    let said: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(said["article_suite_can_run"], true);
    let findings = said["findings"].as_array().unwrap();
    let sandbox = findings.iter().find(|finding| finding["name"] == "sandbox");
    assert_eq!(sandbox.unwrap()["state"], "ok");
    must_say(&desk.goldpath("doctor").out, &["kernel", "br_netfilter"]);
}
