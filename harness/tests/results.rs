//! What a run comes to: no result says more, or something else, than what was seen.
//!
//! Runs that build labs need root or user namespaces, as `goldpath` does.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;

use std::fs;

use serde_json::Value;

use desk::{Desk, must_say};

const ANSWERED: &str = "article/a06-forward-accept-lets-through";

impl Desk {
    /// Writes a case of its own.
    fn write_case(&self, id: &str, text: &str) {
        let path = self.path(&format!("cases/{id}.toml"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn report(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
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
