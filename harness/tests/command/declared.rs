//! What a person declares beside a run: known defects and kept state of their own; and a run that asks nothing.

use std::fs;

use serde_json::Value;

use crate::desk::{Desk, must_say};

#[test]
fn a_persons_own_known_defects_and_kept_state_hold() {
    let case = "contract/egress/source-is-the-hosts";
    let ended = "contract/lifecycle/teardown-leaves-nothing";
    let desk = Desk::with(&[case, ended]);
    let native = "implementations = [\"native\"]";
    let expected = |case: &str| {
        format!(
            "[[expected]]\n{native}\nversions = \"*\"\ncase = \"{case}\"\nissue = \"mine#1\"\nwhy = \"It forgets.\"\n"
        )
    };
    // The case's own steps, and the questions of its table.
    let steps = expected(case);
    let questions = steps.replace(
        "case =",
        "rules = [\"outward\", \"outward-without-ports\", \"no-shadow\", \"whole\", \"fragments\"]\ncase =",
    );
    fs::write(desk.path("expected"), steps + &questions).unwrap();
    let run = format!("run {case} --fault no-masquerade");
    desk.goldpath(&run).must_be(1);
    let known = desk.goldpath(&format!("{run} --expected expected"));
    known.must_be(0);
    must_say(&known.out, &["expected-failure", "mine#1: It forgets."]);
    let stale = desk.goldpath(&format!("run {case} --expected expected"));
    stale.must_be(1);
    must_say(&stale.out, &["passed, but is expected to fail (mine#1"]);

    let kept = format!(
        "[[kept]]\n{native}\nkind = \"sysctl\"\nentry = \"ipv4/*\"\nsource = \"my manual\"\n"
    );
    fs::write(desk.path("kept"), kept).unwrap();
    let run = format!("run {ended} --fault settings-stay");
    desk.goldpath(&run).must_be(1);
    let stays = desk.goldpath(&format!("{run} --kept kept"));
    stays.must_be(0);
    must_say(&stays.out, &["kept by design (my manual): ~ sysctl"]);

    let wrong = |text: &str, says: &[&str]| {
        fs::write(desk.path("wrong"), text).unwrap();
        let ended = desk.goldpath(&format!("run {case} --expected wrong"));
        ended.must_be(2);
        must_say(&ended.err, says);
    };
    wrong("[[expected]]\nimplementation = 1\n", &["wrong: ", "line 2"]);
    wrong(
        &format!("\n{}", expected("contract/egress/no-such-case")),
        &["wrong: line 2: no case is called `contract/egress/no-such-case`"],
    );
    let rule = expected(case).replace("case =", "rules = [\"no-rule\"]\ncase =");
    wrong(&rule, &["wrong: line 1: no rule is called `no-rule`"]);
    let every = |when: &str| {
        rule.replace("no-rule", "*")
            .replace("issue", &format!("{when}\nissue"))
    };
    for when in ["", "when = [\"forwards\"]"] {
        wrong(&every(when), &["`*` is every rule, and needs a `when`"]);
    }
    wrong(
        &expected(case).replace("issue", "when = [\"gateway-moved\"]\nissue"),
        &[
            "`by`, `left` and `when`, but for announcement-lost, are about `rules`, which are not named",
        ],
    );
}

#[test]
fn a_run_that_asks_nothing_is_no_success() {
    let desk = Desk::with(&[
        "contract/internal/containers-reach-each-other",
        "contract/egress/source-is-the-hosts",
    ]);
    let nothing = desk.goldpath("run contract/internal -i recipe --json r.json");
    nothing.must_be(2);
    must_say(&nothing.err, &["nothing was asked"]);
    must_say(
        &nothing.out,
        &[
            "nothing was put to recipe: contract/internal/containers-reach-each-other: recipe does not list internal",
        ],
    );
    assert_eq!(
        serde_json::from_str::<Value>(&desk.read("r.json")).unwrap()["summary"]["not_supported"],
        1
    );
    // Whoever asked something has an answer.
    desk.goldpath("run contract -i recipe").must_be(0);
    desk.goldpath("run contract/internal -i recipe -i native")
        .must_be(0);
}
