//! What a run comes to: no result says more, or something else, than what was seen.

use std::fs;

use serde_json::Value;

use crate::desk::{Desk, must_say};

const ANSWERED: &str = "article/a06-forward-accept-lets-through";

impl Desk {
    /// Writes a case of its own.
    fn write_case(&self, id: &str, text: &str) {
        let path = self.path(&format!("cases/{id}.toml"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// A copy of a case that passes, of this level, which then expects what does not happen.
fn failing(level: &str) -> Desk {
    let desk = Desk::with(&[ANSWERED]);
    let case = format!("cases/{ANSWERED}.toml");
    desk.edit(&case, "title", &format!("level = \"{level}\"\ntitle"));
    desk.edit(&case, "ttl = 64", "ttl = 9");
    desk
}

const REPORTS: &str = "--json r.json --junit r.xml --markdown r.md --html r.html";

#[test]
fn a_recommendation_that_is_not_kept_is_reported_and_fails_a_strict_run_alone() {
    let must = failing("must");
    must.goldpath("run --backend iptables-nft").must_be(1);

    for level in ["should", "may"] {
        let desk = failing(level);
        let ended = desk.goldpath(&format!("run --backend iptables-nft {REPORTS}"));
        ended.must_be(0);
        must_say(
            &ended.out,
            &[
                "failed ",
                "ttl of the reply: expected 9",
                &format!("(level {level}: a recommendation)"),
                "conformant: 0 passed, 0 failed; recommendations not kept: 1",
            ],
        );
        let report = desk.report("r.json");
        assert_eq!(report["cases"][0]["outcome"], "failed");
        assert_eq!(report["summary"]["failed"], 0);
        assert_eq!(report["summary"]["recommendations_not_kept"], 1);
        assert_eq!(report["result"], "conformant");
        must_say(
            &desk.read("r.xml"),
            &["failures=\"0\"", "skipped=\"1\"", "recommendation not kept"],
        );
        must_say(&desk.read("r.md"), &["recommendations not kept: 1"]);
        must_say(&desk.read("r.html"), &["<dt>recommendations not kept</dt>"]);

        let strict = desk.goldpath("run --backend iptables-nft --strict --json s.json");
        strict.must_be(1);
        must_say(
            &strict.out,
            &["failed: 0 passed, 0 failed; recommendations not kept: 1"],
        );
        // Who joins reports asks as strictly as who ran.
        desk.goldpath("report merge s.json").must_be(1);
        desk.goldpath("report merge r.json").must_be(0);
    }
}

#[test]
fn interfaces_and_routes_compare_without_order() {
    let desk = Desk::with(&[]);
    let case = |interfaces: &str, routes: &str| {
        format!(
            "title = \"T\"\nlab = \"article\"\nbackends = [\"iptables-nft\"]\n[[step]]\n\
             interfaces = {{ of = \"host\", are = [{interfaces}] }}\n\
             routes = {{ of = \"gateway\", are = [{routes}] }}\n"
        )
    };
    let right = [
        "\"lo\"",
        "\"eth0\"",
        "\"veth0\"",
        "\"veth1\"",
        "\"hwchiu0\"",
    ];
    let routes = "\"203.0.113.0/24 dev eth1 src 203.0.113.2\", \"10.0.2.0/24 dev eth0 src 10.0.2.2\", \"default via 203.0.113.1 dev eth1\"";
    desk.write_case("x/any-order", &case(&right.join(", "), routes));
    let ended = desk.goldpath("accept");
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    desk.goldpath("run").must_be(0);
    // Each as often: a list that names one twice is not what is there.
    desk.write_case(
        "x/any-order",
        &case("\"lo\", \"lo\", \"eth0\", \"veth0\", \"veth1\"", routes),
    );
    let ended = desk.goldpath("run");
    ended.must_be(1);
    must_say(&ended.out, &["interfaces of host: expected [lo; lo; "]);
}

#[test]
fn what_the_network_does_not_carry_is_a_failure_and_no_broken_machine() {
    let desk = Desk::with(&[ANSWERED]);
    let case = format!("cases/{ANSWERED}.toml");
    // The bridge port carries less than the container sends: the kernel says ENOBUFS to whoever sends.
    desk.edit(
        &case,
        "host = [",
        "host = [\"ip link set dev veth0 mtu 68\", ",
    );
    let ended = desk.goldpath("run --backend iptables-nft");
    ended.must_be(1);
    must_say(
        &ended.out,
        &["fate: expected answered, seen unreachable: ENOBUFS, as c1 itself says"],
    );
}

#[test]
fn a_fault_that_means_nothing_is_wrong_input() {
    let contract = "contract/egress/source-is-the-hosts";
    let desk = Desk::with(&[ANSWERED, contract]);
    let fault = "--fault no-masquerade";
    let recipes = [
        "plants bugs in the native implementation",
        "no contract case",
    ];
    desk.goldpath(&format!("run {ANSWERED} {fault}"))
        .must_be_wrong_input(&recipes);
    desk.goldpath(&format!("show {ANSWERED} {fault}"))
        .must_be_wrong_input(&recipes);
    desk.goldpath(&format!("mutate {ANSWERED} {fault}"))
        .must_be_wrong_input(&recipes);
    let others = ["plants bugs in the native implementation", "-i native"];
    desk.goldpath(&format!("run {contract} -i recipe {fault}"))
        .must_be_wrong_input(&others);
    desk.goldpath(&format!("show {contract} -i recipe {fault}"))
        .must_be_wrong_input(&others);
    // Where it means something it is planted, also beside an implementation that can have none.
    desk.goldpath(&format!("run {contract} -i native -i recipe {fault}"))
        .must_be(1);
}

/// A defect of Docker that `expected.toml` declares for every version.
const DOCKERS_DEFECT: &str = "contract/egress/invalid-never-leaves-untranslated";

#[test]
fn a_plugin_that_calls_itself_docker_inherits_nothing_of_docker() {
    let desk = Desk::with(&[DOCKERS_DEFECT]);
    let drops = "'iifname \"br-*\" ct state invalid drop', ";
    desk.write_plugin("mine", drops, "");
    desk.edit(
        "mine",
        "\"name\": \"example\", \"version\": \"1\"",
        "\"name\": \"docker\", \"version\": \"20.10.24\"",
    );
    let ended = desk.goldpath("run -i plugin:./mine --json r.json --markdown r.md --html r.html");
    ended.must_be(0);
    must_say(
        &ended.out,
        &["failed  ", "plugin:./mine (calls itself docker) 20.10.24"],
    );
    let report = desk.report("r.json");
    assert_eq!(report["cases"][0]["outcome"], "failed");
    assert_eq!(report["cases"][0]["implementation"], "plugin:./mine");
    assert_eq!(report["implementations"][0]["name"], "plugin:./mine");
    assert_eq!(report["implementations"][0]["calls_itself"], "docker");
    must_say(&desk.read("r.md"), &["plugin:./mine (calls itself docker)"]);
    must_say(&desk.read("r.html"), &["calls itself docker"]);
}

#[test]
fn what_a_plugin_answers_is_of_the_protocol_or_refused() {
    let case = "contract/egress/source-is-the-hosts";
    let desk = Desk::with(&[case]);
    let fails = |said: &str| {
        let ended = desk.goldpath("run -i plugin:./mine");
        ended.must_be(1);
        must_say(&ended.out, &["failed  ", said]);
    };
    desk.write_plugin("mine", "print(\"{}\")", "print(\"[]\")");
    fails("the answer to setup: it is not one JSON object");
    desk.write_plugin("mine", "print(\"{}\")", "print('{\"pids\": {\"c1\": 1}}')");
    fails("its `info` does not say \"brings-namespaces\": true");
    desk.write_plugin(
        "mine",
        "print(\"{}\")",
        "print('{\"pids\": {\"host\": 1}}')",
    );
    desk.edit(
        "mine",
        "\"version\": \"1\"",
        "\"version\": \"1\", \"brings-namespaces\": True",
    );
    desk.edit(
        "mine",
        "    settle(scenario, [])\n    with open",
        "    return\n    with open",
    );
    fails("`pids` has host, which is no container of the scenario");
}

#[test]
fn a_kernel_without_legacy_tables_does_not_support_their_trials() {
    let desk = Desk::with(&[ANSWERED]);
    // What iptables-legacy 1.8.9 says and how it ends where the kernel has no such table. Its version it says all the same.
    let refuses = "#!/bin/sh\n[ \"$1\" != --version ] || exec echo 'iptables v1.8.9 (legacy)'\necho \"iptables v1.8.9 (legacy): cannot initialize iptables table \\`filter': Table does not exist (do you need to insmod?)\" >&2\nexit 3\n";
    for name in [
        "iptables-legacy",
        "iptables-legacy-save",
        "iptables-legacy-restore",
    ] {
        desk.write_program(&format!("bin/{name}"), refuses);
    }
    let path = format!(
        "{}:{}",
        desk.path("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let goldpath = |arguments: &str| {
        let output = desk.command(arguments).env("PATH", &path).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    let (code, said) = goldpath("run --json r.json");
    assert_eq!(code, Some(0), "{said}");
    must_say(
        &said,
        &[
            "1 passed, 0 failed, 1 not-supported",
            "no tables for iptables-legacy",
            "Table does not exist",
        ],
    );
    let report = desk.report("r.json");
    let outcome = |backend: &str| {
        let cases = report["cases"].as_array().unwrap();
        let case = cases
            .iter()
            .find(|case| case["backend"] == backend)
            .unwrap();
        case["outcome"].clone()
    };
    assert_eq!(outcome("iptables-legacy"), "not-supported");
    assert_eq!(outcome("iptables-nft"), "passed");

    let (code, said) = goldpath("doctor");
    assert_eq!(code, Some(0), "{said}");
    must_say(
        &said,
        &[
            "without  ip_tables",
            "trials on iptables-legacy are not supported",
            "the article suite can run here",
        ],
    );
    fs::remove_file(desk.path(&format!("golden/{ANSWERED}.snap"))).unwrap();
    let (code, said) = goldpath("accept");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn an_engine_that_cannot_start_is_errored_once_and_the_others_run() {
    let cases = [
        "contract/egress/source-is-the-hosts",
        "contract/bridge/gateway-answers",
    ];
    let desk = Desk::with(&cases);
    for plugin in ["bridge", "portmap", "firewall", "tuning"] {
        desk.write_program(
            &format!("bin/{plugin}"),
            "#!/bin/sh\necho 'broken as installed' >&2\nexit 1\n",
        );
    }
    let mut command = desk.command("run -i cni -i native --jobs 1 --json r.json");
    let output = command.env("CNI_PATH", desk.path("bin")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    let why = "cni cannot start on this machine, as installed: setup";
    assert_eq!(said.matches(why).count(), 1, "{said}");
    must_say(
        &said,
        &[
            "broken as installed",
            "cni cannot start on this machine: 1 more trials errored, none of them run",
            "2 passed, 0 failed, 2 errored",
        ],
    );
    let report = desk.report("r.json");
    let outcomes = |name: &str| -> Vec<String> {
        let cases = report["cases"].as_array().unwrap().iter();
        let of_it = cases.filter(|case| case["implementation"] == name);
        of_it
            .map(|case| case["outcome"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(outcomes("cni"), ["errored", "errored"]);
    assert_eq!(outcomes("native"), ["passed", "passed"]);
}

#[test]
fn the_line_that_runs_a_trial_again_runs_the_same_on_the_same() {
    let contract = "contract/egress/source-is-the-hosts";
    let desk = Desk::with(&[contract, ANSWERED]);
    desk.write_plugin(
        "my own/plugin",
        "leave.append(f'ip saddr {subnet} oifname != \"{name}\" masquerade')",
        "pass",
    );
    desk.edit(&format!("cases/{ANSWERED}.toml"), "ttl = 64", "ttl = 9");
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_goldpath"))
        .parent()
        .unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let shell = |line: &str| {
        let mut command = std::process::Command::new("sh");
        let ended = command
            .args(["-c", line])
            .current_dir(desk.path(""))
            .env("PATH", &path)
            .env_remove("CI");
        ended.output().unwrap()
    };
    let failed = |name: &str| {
        let report = desk.report(name);
        let cases = report["cases"].as_array().unwrap().clone();
        cases
            .into_iter()
            .filter(|case| case["outcome"] == "failed")
            .collect::<Vec<_>>()
    };
    shell("goldpath run -i native -i 'plugin:my own/plugin' --fault no-masquerade --json all.json");
    let all = failed("all.json");
    let column = |case: &Value| (case["implementation"].clone(), case["backend"].clone());
    let columns: Vec<_> = all.iter().map(column).collect();
    assert_eq!(
        columns.len(),
        4,
        "two back ends, native and the plugin: {columns:?}"
    );
    let mut reviewed = 0;
    for case in all {
        let again = case["again"].as_str().unwrap();
        // What accepts the path means the same one.
        let mut findings = case["findings"].as_array().unwrap().iter();
        if let Some(review) = findings.find(|one| one["what"] == "review") {
            reviewed += 1;
            let id = review["id"].as_str().unwrap();
            let name = case["implementation"].as_str().unwrap();
            assert!(name == "recipe" || id.contains(name), "{review}");
        }
        let ended = shell(&format!("{again} --json one.json"));
        let said = String::from_utf8_lossy(&ended.stdout);
        assert_eq!(ended.status.code(), Some(1), "{again}\n{said}");
        let ran = desk.report("one.json")["cases"].as_array().unwrap().len();
        let same = failed("one.json");
        assert_eq!((ran, same.len()), (1, 1), "{again}");
        for what in ["id", "implementation", "backend", "version"] {
            assert_eq!(same[0][what], case[what], "{again}");
        }
        // Whole findings hold sequence numbers of TCP.
        assert!(kinds(&same[0]) == kinds(&case), "{again}");
    }
    assert!(reviewed > 0, "no path to be accepted");
}

#[test]
fn a_trial_has_one_name_everywhere() {
    let contract = "contract/egress/source-is-the-hosts";
    let desk = Desk::with(&[contract, ANSWERED]);
    desk.edit(&format!("cases/{ANSWERED}.toml"), "ttl = 64", "ttl = 9");
    let of_native = "-i native{no-masquerade}";
    let listed = desk.goldpath(&format!("list --trials {of_native}")).out;
    let mut names: Vec<&str> = listed.lines().collect();
    names.sort_unstable();
    let recipe = format!("{ANSWERED}::recipe/iptables-nft/ipv4");
    assert!(names.contains(&recipe.as_str()), "{names:?}");
    assert_eq!(names.len(), 3, "{names:?}");

    let ended = desk.goldpath(&format!(
        "run {of_native} --no-tables --json r.json --junit r.xml"
    ));
    ended.must_be(1);
    must_say(&ended.out, &names);
    must_say(&desk.read("r.xml"), &names);
    let report = desk.report("r.json");
    assert_eq!(report["planned"], serde_json::json!(names));
    for case in report["cases"].as_array().unwrap() {
        let folder = desk.path(case["evidence"].as_str().unwrap());
        let again = desk.read(folder.join("again.sh").to_str().unwrap());
        assert!(again.contains(case["again"].as_str().unwrap()), "{again}");
    }
    let folder = |name: &str| desk.path("evidence").join(name).is_dir();
    assert!(folder(&recipe.replace("::", "/")));
    assert!(folder(&format!(
        "{contract}/native%7Bno-masquerade%7D/ipv4"
    )));

    for name in names {
        let ended = desk.goldpath(&format!("run {name} --no-tables --json one.json"));
        ended.must_be(1);
        let one = desk.report("one.json");
        assert_eq!(one["planned"], serde_json::json!([name]));
    }
    desk.goldpath(&format!("run {ANSWERED}::podman"))
        .must_be_wrong_input(&["no trial matches", "goldpath list --trials"]);
    // A verb about cases takes no trials.
    desk.goldpath(&format!("check {recipe}"))
        .must_be_wrong_input(&["no case matches"]);
}

/// Which findings a trial of a report has, in order, with where its path left the golden.
fn kinds(case: &Value) -> Vec<(Value, Value)> {
    let findings = case["findings"].as_array().unwrap().iter();
    findings
        .map(|one| (one["what"].clone(), one["difference"]["lines"].clone()))
        .collect()
}

#[test]
fn evidence_of_a_failure_is_judged_again_to_the_same_end() {
    let contract = "contract/egress/source-is-the-hosts";
    let desk = Desk::with(&[contract, ANSWERED]);
    desk.edit(&format!("cases/{ANSWERED}.toml"), "ttl = 64", "ttl = 9");
    desk.goldpath("run -i native{no-masquerade} --no-tables --json r.json")
        .must_be(1);
    let report = desk.report("r.json");
    for case in report["cases"].as_array().unwrap() {
        let folder = case["evidence"].as_str().unwrap();
        let ended = desk.goldpath(&format!("replay {folder}"));
        ended.must_be(1);
        assert_eq!(ended.err, "");
        let saved: Value =
            serde_json::from_str(&desk.read(&format!("{folder}/evidence.json"))).unwrap();
        assert_eq!(saved["findings"], case["findings"], "{folder}");
        let first = case["message"].as_str().unwrap().lines().next().unwrap();
        must_say(&ended.out, &["failed: ", first]);
        for path in case["paths"].as_array().unwrap() {
            must_say(&ended.out, &[path["text"].as_str().unwrap().trim_end()]);
        }
    }
}

#[test]
fn an_engine_on_legacy_tables_shows_its_verdicts() {
    let desk = Desk::with(&["contract/egress/source-is-the-hosts"]);
    desk.write_plugin(
        "mine",
        "leave.append(f'ip saddr {subnet} oifname != \"{name}\" masquerade')",
        "pass",
    );
    let rule = "iptables-legacy -t nat -A POSTROUTING -s 10.77.1.0/24 -o eth0 -j SNAT --to-source 10.0.2.99";
    desk.edit(
        "mine",
        "    refresh(scenario)\n\n\ndef remove",
        &format!("    refresh(scenario)\n    run(\"{rule}\")\n\n\ndef remove"),
    );
    let ended = desk.goldpath("run -i plugin:./mine --no-tables --json r.json");
    ended.must_be(1);
    let report = desk.report("r.json");
    let findings = report["cases"][0]["findings"].as_array().unwrap();
    let deed = findings
        .iter()
        .find(|finding| finding["what"] == "netfilter");
    let deed = deed.unwrap_or_else(|| panic!("{}", ended.out));
    assert_eq!(deed["rule"]["chain"], "nat/POSTROUTING", "{deed}");
    assert_eq!(
        deed["rule"]["text"],
        "-s 10.77.1.0/24 -o eth0 -j SNAT --to-source 10.0.2.99"
    );
}
