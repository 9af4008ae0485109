//! The program in a folder that holds nothing: it works with the cases and goldens that it carries.
#![allow(missing_docs, reason = "a test target has no public interface")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "command/desk.rs"]
mod desk;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use desk::Desk;

/// Every file below a folder that has this ending, by its path in the folder.
fn below(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|one| one == end) {
                found.push(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn empty() -> Desk {
    let desk = Desk::with(&[]);
    fs::remove_dir(desk.path("cases")).unwrap();
    fs::remove_dir(desk.path("golden")).unwrap();
    desk
}

#[test]
fn a_run_needs_no_checkout_and_leaves_nothing() {
    let desk = empty();
    let ended = desk.goldpath("run article/a12-masquerade-to-outside --json report.json");
    assert_eq!(ended.code, 0, "{ended:?}");
    let report: serde_json::Value = serde_json::from_str(&desk.read("report.json")).unwrap();
    let cases = report["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    assert!(cases.iter().all(|case| case["outcome"] == "passed"));
    assert!(!desk.path("golden").exists() && !desk.path("evidence").exists());
}

#[test]
fn the_carried_golden_is_compared() {
    let desk = empty();
    // The positive control of the test above: with another golden in the folder, the same case does not pass.
    let exported = desk.goldpath("cases export .");
    assert_eq!(exported.code, 0, "{exported:?}");
    let id = "article/a12-masquerade-to-outside";
    desk.edit(&format!("golden/{id}.snap"), "ttl 63", "ttl 62");
    fs::remove_dir_all(desk.path("cases")).unwrap();
    let golden = fs::read(desk.path(&format!("golden/{id}.snap"))).unwrap();
    fs::remove_dir_all(desk.path("golden")).unwrap();
    let one = desk.path(&format!("golden/{id}.snap"));
    fs::create_dir_all(one.parent().unwrap()).unwrap();
    fs::write(one, golden).unwrap();
    let ended = desk.goldpath(&format!("run {id}"));
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(desk.path(&format!("golden/{id}.snap.new")).exists());
}

#[test]
fn a_file_replaces_the_carried_case_of_its_id() {
    let desk = empty();
    let id = "article/a12-masquerade-to-outside";
    assert_eq!(desk.goldpath("cases export out").code, 0);
    let mine = format!("mine/{id}.toml");
    fs::create_dir_all(desk.path(&mine).parent().unwrap()).unwrap();
    fs::copy(desk.path(&format!("out/cases/{id}.toml")), desk.path(&mine)).unwrap();
    fs::remove_dir_all(desk.path("out")).unwrap();
    desk.edit(&mine, "title", "disabled = \"not today\"\ntitle");
    let list = |arguments: &str| -> Vec<serde_json::Value> {
        let ended = desk.goldpath(&format!("list --json {arguments}"));
        assert_eq!(ended.code, 0, "{ended:?}");
        serde_json::from_str(&ended.out).unwrap()
    };
    let (carried, added, alone) = (
        list(""),
        list("--cases builtin --cases mine"),
        list("--cases mine"),
    );
    assert_eq!((carried.len(), alone.len()), (added.len(), 1));
    let disabled = |all: &[serde_json::Value]| -> usize {
        let disabled = all.iter().filter(|case| !case["disabled"].is_null());
        disabled.count()
    };
    assert_eq!(disabled(&added), disabled(&carried) + 1);
}

#[test]
fn what_is_exported_is_the_workspaces() {
    let desk = empty();
    assert_eq!(desk.goldpath("cases export out").code, 0);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (folder, end) in [("cases", "toml"), ("golden", "snap")] {
        let (own, written) = (workspace.join(folder), desk.path("out").join(folder));
        let mut expected = below(&own, end);
        expected.retain(|path| path != Path::new("Cargo.toml"));
        assert_eq!(below(&written, end), expected);
        for path in expected {
            assert!(fs::read(own.join(&path)).unwrap() == fs::read(written.join(&path)).unwrap());
        }
    }
    let again = desk.goldpath("cases export out");
    again.must_be_wrong_input(&["out/cases is there already"]);
    let ended = desk.goldpath("check --cases out/cases --golden out/golden");
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_folder_that_is_not_of_goldpath_names_the_carried_cases() {
    let desk = empty();
    fs::create_dir(desk.path("cases")).unwrap();
    let ended = desk.goldpath("list");
    ended.must_be_wrong_input(&["holds no case", "--cases builtin"]);
    assert_eq!(desk.goldpath("list --cases builtin").code, 0);
}

#[test]
fn who_types_nothing_is_told_what_to_type_first() {
    let ended = empty().goldpath("");
    ended.must_be_wrong_input(&[
        "goldpath doctor",
        "goldpath run article",
        "goldpath init plugin",
    ]);
}

#[test]
fn a_wrong_command_line_ends_with_what_to_type() {
    let desk = empty();
    for typed in [
        "lsit",
        "run nothing/here",
        "run profile:corre -i native",
        "run contract -i dokcer",
        "run contract -i plugin:./no",
        "run --cases nowhere",
        "report diff a.json b.json",
        "report merge a.json",
        "replay nowhere",
        "explain nothing",
        "init plugin --language perl",
        "new case",
    ] {
        let ended = desk.goldpath(typed);
        assert_eq!(ended.code, 2, "{typed}: {ended:?}");
        let end: Vec<&str> = ended.err.lines().rev().take(4).collect();
        let says = |word: &str| end.iter().any(|line| line.contains(word));
        let is_told = says("goldpath ") || says("--help") || says("--cases builtin");
        assert!(is_told, "{typed}: {}", ended.err);
    }
}

/// The verbs that a shell completes after `goldpath `, and what begins like these words.
fn completed(desk: &Desk, words: &str) -> Vec<String> {
    let ended = desk.goldpath("completions bash");
    assert_eq!(ended.code, 0, "{ended:?}");
    let script = format!(
        r#"{}
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_goldpath goldpath "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
printf '%s\n' "${{COMPREPLY[@]}}""#,
        ended.out
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_shell_completes_verbs_and_values() {
    let desk = empty();
    assert_eq!(completed(&desk, "goldpath doc"), ["doctor"]);
    assert_eq!(completed(&desk, "goldpath schema sc"), ["score"]);
    assert!(completed(&desk, "goldpath run --ju").contains(&String::from("--junit")));
    for shell in ["zsh", "fish"] {
        let ended = desk.goldpath(&format!("completions {shell}"));
        assert_eq!(ended.code, 0, "{ended:?}");
        for verb in completed(&desk, "goldpath ''")
            .iter()
            .filter(|word| !word.starts_with('-'))
        {
            assert!(ended.out.contains(verb), "{shell} lacks {verb}");
        }
    }
}

#[test]
fn each_verb_has_a_man_page() {
    let desk = empty();
    assert_eq!(desk.goldpath("man out").code, 0);
    let verbs = completed(&desk, "goldpath ''");
    let verbs: Vec<_> = verbs
        .iter()
        .filter(|verb| !verb.starts_with('-') && *verb != "help")
        .collect();
    assert!(verbs.len() > 10, "{verbs:?}");
    for verb in verbs {
        let page = desk.read(&format!("out/goldpath-{verb}.1"));
        assert!(
            page.contains(".SH DESCRIPTION") && page.contains("goldpath 0."),
            "{page}"
        );
    }
    assert!(
        desk.read("out/goldpath-report-diff.1")
            .contains("Compare two reports")
    );
    assert!(!desk.read("out/goldpath-doctor.1").contains("inside"));
    desk.goldpath("man out")
        .must_be_wrong_input(&["out/goldpath.1 is there already"]);
}
