//! Tables of questions: what a person reads of them, and that they are asked of labs of any size.

use serde_json::Value;

use crate::desk::Desk;

const ISOLATION: &str = "contract/isolation/icmp-between-networks";

/// The answers of a report's trials.
fn answers(report: &Value) -> Vec<&Value> {
    let cases = report["cases"].as_array().unwrap().iter();
    let answers = cases.filter_map(|case| case["answers"].as_array());
    answers.flatten().collect()
}

#[test]
fn answers_show_where_a_fault_parts_from_the_intent() {
    let desk = Desk::with(&[ISOLATION]);
    let run = |fault: &str| {
        let ended = desk.goldpath(&format!(
            "run {ISOLATION} -i native{fault} --answers --json r.json"
        ));
        let report: Value = serde_json::from_str(&desk.read("r.json")).unwrap();
        (ended.code, report)
    };
    let parted = |report: &Value| -> Vec<Value> {
        let all = answers(report).into_iter();
        let parted = all.filter(|one| one["compared"] == "parted");
        parted.map(|one| one["rule"].clone()).collect()
    };

    let (code, report) = run("");
    assert_eq!(code, 0);
    assert!(!answers(&report).is_empty());
    assert_eq!(parted(&report), Vec::<Value>::new());

    let (code, report) = run(" --fault no-isolation");
    assert_eq!(code, 1);
    assert!(parted(&report).contains(&"isolation".into()), "{report:#}");
}

#[test]
fn tables_are_not_asked_and_compared_at_once() {
    let desk = Desk::with(&[ISOLATION]);
    desk.goldpath("run -i native --answers --no-tables")
        .must_be_wrong_input(&["--answers", "--no-tables"]);
}

/// 45 containers have more neighbours than all namespaces together may know (`gc_thresh3`, 1,024).
#[test]
fn many_containers_are_asked_as_few_are() {
    let desk = Desk::with(&[]);
    let ended = desk.goldpath("bench table 45 --rounds 1");
    ended.must_be(0);
    let result: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(result["rounds"], 1);
    assert!(result["questions"].as_u64() > Some(10_000), "{result}");
}
