//! `goldpath list`: which cases there are.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use crate::case::{Case, discover, render, select};

use super::exit::Exit;

/// Which cases there are.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Case ids, parts of them, or globs with `*`; all cases if absent.
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,
    /// Directory of case files; may be given several times.
    #[arg(long, value_name = "DIR", default_value = "cases")]
    pub cases: Vec<PathBuf>,
    /// Prints the cases as JSON, with everything that their files say.
    #[arg(long)]
    pub json: bool,
}

/// Lists the cases on standard output.
pub fn run(args: &Args) -> Exit {
    write(args, &mut io::stdout().lock(), &mut io::stderr().lock()).unwrap_or(Exit::Errored)
}

fn write(args: &Args, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let Some(cases) = chosen(&args.cases, &args.patterns, err)? else {
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

/// The cases that the patterns mean; if the input is wrong, says why and returns none.
pub(super) fn chosen(
    directories: &[PathBuf],
    patterns: &[String],
    err: &mut impl Write,
) -> io::Result<Option<Vec<Case>>> {
    let cases = match discover(directories) {
        Ok(cases) => cases,
        Err(errors) => {
            let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            write!(err, "{}", render(&errors, colour))?;
            return Ok(None);
        }
    };
    match select(cases, patterns) {
        Ok(cases) => Ok(Some(cases)),
        Err(nothing) => {
            writeln!(err, "{nothing}\nall ids: goldpath list")?;
            Ok(None)
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
            patterns: patterns.iter().map(ToString::to_string).collect(),
            cases,
            json,
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
