//! Recorded trials, judged and drawn again: assembly, drawing and judgement on what real kernels showed, without root.
//!
//! `goldpath run article contract -i native --record harness/tests/recorded` makes the recordings anew.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use goldpath::case::{Case, CaseKind, discover, parse};
use goldpath::finding::What;
use goldpath::golden;
use goldpath::judge::{Outcome, Recording, Replayed, Seen, replay};
use goldpath::path::{Action, Direction, LegKind, Rule};
use goldpath::run::TrialId;

/// Masqueraded on its way out, by a rule that its golden shows.
const MASQUERADED: &str = "article/a12-masquerade-to-outside/recipe/iptables-nft/ipv4.json.gz";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded")
}

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden")
}

fn recorded(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            recorded(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn all() -> Vec<PathBuf> {
    let mut found = Vec::new();
    recorded(&root(), &mut found);
    found.sort();
    found
}

fn case_of(recording: &Recording) -> Case {
    let id: TrialId = recording.trial.parse().unwrap();
    parse(recording.case.clone(), Path::new("recorded"), &id.case).unwrap()
}

fn replayed(recording: &Recording) -> Replayed {
    let case = case_of(recording);
    let golden = golden::read(&goldens(), case.id.as_str()).unwrap();
    replay(recording, &case, Some(golden.as_ref()))
}

#[test]
fn every_recorded_trial_passes_and_is_drawn_as_its_golden() {
    for path in all() {
        let recording = Recording::read(&path).unwrap();
        let id: TrialId = recording.trial.parse().unwrap();
        let named = format!("{}.json.gz", id.folder().display());
        assert_eq!(path, root().join(named), "the file is named by its trial");
        let ended = replayed(&recording);
        assert!(
            ended.outcome == Outcome::Passed,
            "{}: {:?}\nIf its golden changed for a reason, record it again: goldpath run {} -i native --record harness/tests/recorded",
            recording.trial,
            ended.findings,
            id.case,
        );
    }
}

#[test]
fn every_recipe_is_recorded_and_no_case_that_is_gone() {
    let cases = discover(&[goldens().join("../cases")]).unwrap();
    let all: BTreeSet<PathBuf> = all().into_iter().collect();
    let mut of_cases = BTreeSet::new();
    for case in &cases {
        let folder = root().join(case.id.as_str());
        let recordings: Vec<&PathBuf> = all
            .iter()
            .filter(|path| path.starts_with(&folder))
            .collect();
        if let (CaseKind::Recipe { backends, .. }, None) = (&case.kind, &case.disabled) {
            assert_eq!(
                recordings.len(),
                backends.len(),
                "goldpath run {} --record harness/tests/recorded",
                case.id
            );
        }
        of_cases.extend(recordings.into_iter().cloned());
    }
    assert_eq!(all, of_cases, "a case is gone, its recording is not");
}

/// A recording with something done to the evidence of its first probe.
fn spoiled(spoil: impl Fn(&mut goldpath::path::Evidence)) -> Replayed {
    let mut recording = Recording::read(&root().join(MASQUERADED)).unwrap();
    let probe = recording.seen.iter_mut().find_map(|seen| match seen {
        Seen::Probe(probe) => Some(probe),
        _ => None,
    });
    spoil(&mut probe.unwrap().evidence);
    replayed(&recording)
}

#[test]
fn a_frame_that_was_not_captured_is_missed_where_it_was() {
    assert_eq!(spoiled(|_| {}).outcome, Outcome::Passed);
    let ended = spoiled(|evidence| {
        let is_it = |frame: &goldpath::path::Frame| {
            frame.node == "gateway"
                && frame.interface == "eth0"
                && frame.direction == Direction::In
                && frame.leg == LegKind::Request
        };
        assert_eq!(
            evidence.frames.iter().filter(|frame| is_it(frame)).count(),
            1
        );
        evidence.frames.retain(|frame| !is_it(frame));
    });
    assert_eq!(ended.outcome, Outcome::Failed);
    let gap = ended
        .findings
        .iter()
        .find_map(|finding| match &finding.what {
            What::Gap { node, interface } => Some((node.as_str(), interface.as_str())),
            _ => None,
        });
    assert_eq!(gap, Some(("gateway", "eth0")), "{:?}", ended.findings);
}

#[test]
fn frames_and_verdicts_in_another_order_make_the_same_path() {
    let before = spoiled(|_| {});
    let after = spoiled(|evidence| evidence.frames.reverse());
    assert_eq!(after.drawing, before.drawing);
}

#[test]
fn another_rule_parts_the_path_from_its_golden() {
    let ended = spoiled(|evidence| {
        let rules = evidence.verdicts.iter_mut();
        let masquerade = rules.filter(|said| said.chain == "POSTROUTING");
        for said in masquerade {
            said.rule = Rule::Text(String::from("-j SNAT --to-source 10.0.2.99"));
            said.action = Action::Accept;
        }
    });
    assert_eq!(ended.outcome, Outcome::Failed);
    let parted = ended.findings.iter().any(|finding| match &finding.what {
        What::Golden { difference } => difference.probe == Some(1),
        _ => false,
    });
    assert!(parted, "{:?}", ended.findings);
}

fn goldpath(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goldpath"));
    let output = command
        .arg("replay")
        .args(arguments)
        .arg("--golden")
        .arg(goldens());
    let output = output.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code(), text)
}

#[test]
fn the_command_draws_a_recording_and_refuses_what_is_none() {
    let recording = root().join(MASQUERADED);
    let (code, said) = goldpath(&[recording.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    for word in ["who filters it", "-j MASQUERADE", "\npassed:"] {
        assert!(said.contains(word), "no {word} in\n{said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evidence.json");
    let refused = |text: &str| {
        fs::write(&file, text).unwrap();
        goldpath(&[folder.path().to_str().unwrap()])
    };
    for (text, why) in [
        (
            "[]",
            "evidence of format version 1, and this goldpath reads 2",
        ),
        ("{\"version\": 3}", "evidence of format version 3"),
        (
            "{\"version\": 2}",
            "is no evidence of a trial: missing field",
        ),
        ("no JSON", "is no evidence of a trial"),
    ] {
        let (code, said) = refused(text);
        assert_eq!(code, Some(2), "{text}");
        assert!(said.contains(why), "{said}");
    }
    let (code, said) = goldpath(&[folder.path().join("none").to_str().unwrap()]);
    assert_eq!(code, Some(2));
    assert!(said.contains("cannot read"), "{said}");
}
