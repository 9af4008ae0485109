//! `goldpath list`: which cases there are.

use std::io::{self, Write};

use super::chosen::{Chosen, chosen};
use super::exit::Exit;
use super::output::{lost, output};

/// Which cases there are.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which cases.
    #[command(flatten)]
    pub chosen: Chosen,
    /// Prints the cases as JSON, with everything that their files say.
    #[arg(long)]
    pub json: bool,
}

/// Lists the cases on standard output.
pub fn run(args: &Args) -> Exit {
    write(args, &mut output(), &mut io::stderr().lock()).unwrap_or_else(lost)
}

fn write(args: &Args, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
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
