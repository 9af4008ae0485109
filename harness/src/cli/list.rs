//! `goldpath list`: which cases there are.

use std::io::{self, Write};

use super::asked::Implementations;
use super::chosen::{Chosen, chosen, of_patterns};
use super::exit::Exit;
use super::output::{lost, output};
use crate::adapter::Candidate;
use crate::run::Trial;

/// List the cases.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which cases.
    #[command(flatten)]
    pub chosen: Chosen,
    /// Print the cases as JSON, with all fields of their files.
    #[arg(long)]
    pub json: bool,
    /// Lists trials instead, each by its name, as `run` would run them; starts nothing.
    #[arg(long, conflicts_with = "json")]
    pub trials: bool,
    /// What contract cases are put to.
    #[command(flatten)]
    pub implementations: Implementations,
}

/// Lists the cases on standard output.
pub fn run(args: &Args) -> Exit {
    write(args, &mut output(), &mut io::stderr().lock()).unwrap_or_else(lost)
}

fn write(args: &Args, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    if args.trials {
        return trials(args, out, err);
    }
    let Some(cases) = chosen(&args.chosen.cases, &args.chosen.patterns, err)? else {
        return Ok(Exit::WrongInput);
    };
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &cases)?;
        writeln!(out)?;
        return Ok(Exit::Success);
    }
    let width = cases
        .iter()
        .map(|case| case.id.as_str().len())
        .max()
        .unwrap_or(0);
    for case in &cases {
        write!(
            out,
            "{:width$}  {:8}  {:6}  {}",
            case.id,
            case.kind.as_str(),
            case.level,
            case.title
        )?;
        match &case.disabled {
            Some(reason) => writeln!(out, "  (disabled: {reason})")?,
            None => writeln!(out)?,
        }
    }
    Ok(Exit::Success)
}

fn trials(args: &Args, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let cases = match args.chosen.read_for_trials(err) {
        Ok(cases) => cases,
        Err(exit) => return Ok(exit),
    };
    let patterns = &args.chosen.patterns;
    let asked = args.implementations.or_named_by(patterns).selections();
    let named = asked.map(|all| all.iter().map(|(one, _)| Candidate::named(one)).collect());
    let trials = named
        .and_then(|named: Vec<Candidate>| of_patterns(Trial::of(&cases, None, &named), patterns));
    match trials {
        Ok(trials) => {
            for trial in trials {
                writeln!(out, "{trial}")?;
            }
            Ok(Exit::Success)
        }
        Err(reason) => {
            writeln!(err, "{reason}")?;
            Ok(Exit::WrongInput)
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn list(patterns: &[&str], json: bool) -> (Exit, String, String) {
        let cases = vec![concat!(env!("CARGO_MANIFEST_DIR"), "/tests/good-cases").into()];
        let args = Args {
            chosen: Chosen {
                patterns: patterns.iter().map(ToString::to_string).collect(),
                cases,
            },
            json,
            trials: false,
            implementations: Implementations::default(),
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = write(&args, &mut out, &mut err).unwrap();
        (
            exit,
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap(),
        )
    }

    #[test]
    fn every_case_has_a_line() {
        insta::assert_snapshot!(list(&[], false).1);
    }

    #[test]
    fn trials_are_listed_by_the_name_that_means_them() {
        let list = |patterns: &[&str], implementations: &[&str]| {
            let args = Args {
                chosen: Chosen {
                    patterns: patterns.iter().map(ToString::to_string).collect(),
                    cases: vec![concat!(env!("CARGO_MANIFEST_DIR"), "/tests/good-cases").into()],
                },
                json: false,
                trials: true,
                implementations: Implementations {
                    implementation: implementations
                        .iter()
                        .map(|one| one.parse().unwrap())
                        .collect(),
                    ..Implementations::default()
                },
            };
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let exit = write(&args, &mut out, &mut err).unwrap();
            (exit, String::from_utf8([out, err].concat()).unwrap())
        };
        let (exit, all) = list(&[], &["docker", "docker", "native"]);
        assert_eq!(exit, Exit::Success);
        insta::assert_snapshot!(all);
        let named: Vec<&str> = all.lines().collect();
        for name in named {
            let again = list(&[name], &[]);
            assert_eq!(again, (Exit::Success, format!("{name}\n")));
        }
        let (exit, said) = list(&["source-is-the-hosts::podman"], &["docker"]);
        assert_eq!(exit, Exit::WrongInput);
        insta::assert_snapshot!(said);
    }

    #[test]
    fn json_holds_what_the_files_say() {
        let (exit, out, _) = list(&["egress/source-is-the-hosts"], true);
        let cases: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(exit, Exit::Success);
        assert_eq!(cases[0]["id"], "egress/source-is-the-hosts");
        assert_eq!(cases[0]["kind"]["contract"]["requires"][1], "masquerade");
    }

    #[test]
    fn a_pattern_without_a_case_is_wrong_input_and_shows_near_ids() {
        let (exit, _, err) = list(&["source-is-the-host-s"], false);
        assert_eq!(exit, Exit::WrongInput);
        insta::assert_snapshot!(err);
    }
}
