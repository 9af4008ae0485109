//! `goldpath profiles`: the named sets of cases.

use std::io::{self, Write};
use std::path::PathBuf;

use super::chosen::chosen;
use super::exit::Exit;
use super::output::{lost, output};
use crate::case::{BUILTIN, released};
use crate::report::profiles_page;

/// Describe the profiles, which are named sets of contract cases, as a Markdown page. `goldpath run profile:NAME` runs one.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print instead the list of cases that are no longer new in this next version, for whoever raises the version.
    #[arg(long, value_name = "VERSION", hide = true)]
    released: Option<String>,
}

/// Prints the page on standard output.
pub fn run(args: &Args) -> Exit {
    if let Some(next) = &args.released {
        let written = write!(output(), "{}", released(next));
        return written.map_or_else(lost, |()| Exit::Success);
    }
    write(&mut output(), &mut io::stderr()).unwrap_or_else(lost)
}

fn write(out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let Some(cases) = chosen(&[PathBuf::from(BUILTIN)], &[], err)? else {
        return Ok(Exit::Errored);
    };
    write!(out, "{}", profiles_page(&cases))?;
    Ok(Exit::Success)
}
