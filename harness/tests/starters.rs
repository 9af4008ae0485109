//! What `goldpath init` and `goldpath new` write is complete: a starter passes the contract for what it lists.
#![allow(missing_docs, reason = "a test target has no public interface")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "command/desk.rs"]
mod desk;

use std::process::{Command, ExitCode};

use desk::Desk;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

/// A language, the program that it needs, and how its starter is built and named.
struct Language {
    name: &'static str,
    needs: &'static str,
    build: &'static [&'static str],
    program: &'static str,
}

const LANGUAGES: [Language; 4] = [
    Language {
        name: "python",
        needs: "python3",
        build: &[],
        program: "./plugin.py",
    },
    Language {
        name: "sh",
        needs: "jq",
        build: &[],
        program: "./plugin.sh",
    },
    Language {
        name: "go",
        needs: "go",
        build: &["go", "build", "-o", "plugin", "."],
        program: "./plugin",
    },
    Language {
        name: "rust",
        needs: "cargo",
        // What it depends on is among what this workspace has downloaded.
        build: &["cargo", "build", "--quiet", "--offline"],
        program: "target/debug/plugin",
    },
];

/// A few cases say whether it works at all; the whole contract is put to the example by other tests.
const CASES: &str = "contract/egress contract/lifecycle contract/bridge";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = LANGUAGES.iter().map(starter).collect();
    trials.push(Trial::test("new-case-is-well-formed", new_case));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn starter(language: &'static Language) -> Trial {
    let is_there = on_path(language.needs);
    let kind = match is_there {
        true => String::new(),
        false => format!("{} is not installed", language.needs),
    };
    Trial::test(format!("{}-passes", language.name), || passes(language))
        .with_kind(kind)
        .with_ignored_flag(!is_there)
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn passes(language: &Language) -> Result<(), Failed> {
    let desk = Desk::with(&[]);
    let begun = desk.goldpath(&format!("init plugin --language {} mine", language.name));
    assert_eq!(begun.code, 0, "{begun:?}");
    let mine = desk.path("mine");
    let workflow = desk.read("mine/.github/workflows/goldpath.yml");
    assert!(workflow.contains(&format!("implementation: plugin:{}\n", language.program)));
    if let [program, arguments @ ..] = language.build {
        assert!(workflow.contains(&format!("- run: {program}")));
        // As in a folder of its own: cargo would build it where this workspace is built.
        let mut build = Command::new(program);
        build.args(arguments).current_dir(&mine);
        for of_cargo in ["CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_BUILD_TARGET"] {
            build.env_remove(of_cargo);
        }
        let built = build.output()?;
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{said}");
    }
    let line = format!(
        "run {CASES} --cases builtin -i plugin:{} --json report.json",
        language.program
    );
    let ended = desk.command(&line).current_dir(&mine).output()?;
    let said = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{said}");
    let report: Value = serde_json::from_str(&desk.read("mine/report.json"))?;
    let outcomes = report["cases"].as_array().unwrap().iter();
    let outcomes: Vec<&str> = outcomes
        .map(|case| case["outcome"].as_str().unwrap())
        .collect();
    assert!(outcomes.contains(&"passed"), "{outcomes:?}");
    assert!(
        outcomes
            .iter()
            .all(|one| ["passed", "not-supported"].contains(one)),
        "{said}"
    );
    let again = desk.goldpath(&format!("init plugin --language {} mine", language.name));
    again.must_be_wrong_input(&["is there already", "nothing was written"]);
    Ok(())
}

fn new_case() -> Result<(), Failed> {
    let desk = Desk::with(&[]);
    let begun = desk
        .command("new case contract/egress/mine --source page --title")
        .arg("It says \"hello\"")
        .output()?;
    assert_eq!(begun.status.code(), Some(0));
    let checked = desk.goldpath("check");
    assert_eq!(checked.code, 0, "{checked:?}");
    desk.edit(
        "cases/contract/egress/mine.toml",
        "\"bridge\"",
        "\"brigde\"",
    );
    let wrong = desk.goldpath("check");
    wrong.must_be_wrong_input(&["brigde"]);
    desk.edit(
        "cases/contract/egress/mine.toml",
        "\"brigde\"",
        "\"bridge\"",
    );
    let shown = desk.goldpath("show contract/egress/mine -i native");
    assert_eq!(shown.code, 0, "{shown:?}");
    let again = desk.goldpath("new case contract/egress/mine --source page --title t");
    again.must_be_wrong_input(&["is there already", "nothing was written"]);
    let hidden = desk.goldpath("run profile:publish");
    hidden.must_be_wrong_input(&["next: --cases builtin --cases cases"]);
    let carried =
        desk.goldpath("new case contract/egress/other --source s --title t --cases builtin");
    carried.must_be_wrong_input(&["not a folder"]);
    assert!(desk.path("cases/case.schema.json").exists());
    let asked = desk.goldpath("new case");
    asked.must_be_wrong_input(&["ID is missing", "next: goldpath new case"]);
    Ok(())
}
