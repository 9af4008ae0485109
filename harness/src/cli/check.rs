//! `goldpath check`: whether the case files and goldens are right, without running anything.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::chosen::{Chosen, chosen};
use super::exit::Exit;
use super::output::{lost, output};
use crate::golden;

/// Check case files and goldens for mistakes, without running anything.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which cases.
    #[command(flatten)]
    pub chosen: Chosen,
    /// Directory of golden paths, `golden` if absent.
    #[arg(long, value_name = "DIR")]
    pub golden: Option<PathBuf>,
}

/// Checks the files: silent about what is right but for a count.
pub fn run(args: &Args) -> Exit {
    write(args, &mut output(), &mut io::stderr().lock()).unwrap_or_else(lost)
}

fn write(args: &Args, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let Some(cases) = chosen(&args.chosen.cases, &args.chosen.patterns, err)? else {
        return Ok(Exit::WrongInput);
    };
    let goldens = args.golden.as_deref().unwrap_or(Path::new("golden"));
    let mut wrong = Vec::new();
    for case in &cases {
        wrong.extend(golden::read_of(goldens, case).err());
    }
    // The usual goldens are not those of unusual cases.
    let belong = args.golden.is_some() || args.chosen.cases == [Path::new("cases")];
    if args.chosen.patterns.is_empty() && belong {
        let ids: BTreeSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
        match golden::orphans(goldens, &ids) {
            Ok(orphans) => wrong.extend(orphans),
            Err(error) => wrong.push(error),
        }
    }
    for error in &wrong {
        writeln!(err, "{error}")?;
    }
    if !wrong.is_empty() {
        return Ok(Exit::WrongInput);
    }
    let noun = if cases.len() == 1 {
        "case is"
    } else {
        "cases are"
    };
    writeln!(out, "{} {noun} well-formed", cases.len())?;
    Ok(Exit::Success)
}
