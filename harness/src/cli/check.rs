//! `goldpath check`: whether the case files are right, without running anything.

use std::io::{self, Write};
use std::path::PathBuf;

use super::exit::Exit;
use super::list::chosen;

/// Whether the case files are right, without running anything.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Case ids, parts of them, or globs with `*`; all files are checked, these must exist.
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,
    /// Directory of case files; may be given several times.
    #[arg(long, value_name = "DIR", default_value = "cases")]
    pub cases: Vec<PathBuf>,
    /// Directory of golden paths.
    #[arg(long, value_name = "DIR", default_value = "golden")]
    pub golden: PathBuf,
    /// Prints the JSON schema of case files and checks nothing.
    #[arg(long)]
    pub schema: bool,
}

/// Checks the files: silent about what is right but for a count.
pub fn run(args: &Args) -> Exit {
    write(args, &mut io::stdout().lock(), &mut io::stderr().lock()).unwrap_or(Exit::Errored)
}

fn write(args: &Args, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    if args.schema {
        write!(out, "{}", crate::case::schema())?;
        return Ok(Exit::Success);
    }
    let Some(cases) = chosen(&args.cases, &args.patterns, err)? else {
        return Ok(Exit::WrongInput);
    };
    let noun = if cases.len() == 1 {
        "case is"
    } else {
        "cases are"
    };
    writeln!(out, "{} {noun} well-formed", cases.len())?;
    Ok(Exit::Success)
}
