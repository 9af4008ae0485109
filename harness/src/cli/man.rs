//! `goldpath man`: the manual of each verb.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;

use super::exit::Exit;
use super::output::{lost, output};
use crate::files::write_new;

/// Write the man pages of goldpath and of each of its commands. What is there already stays, and nothing is written.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory; it is made if it is not there.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Writes the pages and says how to read one.
pub fn run(args: &Args, command: Command) -> Exit {
    write(&args.folder, command, &mut output(), &mut io::stderr()).unwrap_or_else(lost)
}

fn write(
    folder: &Path,
    command: Command,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let pages = pages(command)?;
    let paths = pages.iter().map(|(name, _)| folder.join(name));
    if let Some(there) = paths
        .into_iter()
        .find(|path| path.symlink_metadata().is_ok())
    {
        let shown = there.display();
        writeln!(
            err,
            "{shown} is there already, and nothing was written; name another directory"
        )?;
        return Ok(Exit::WrongInput);
    }
    for (name, text) in &pages {
        let path = folder.join(name);
        if let Err(error) = write_new(folder, &path, text) {
            writeln!(err, "cannot write {}: {error}", path.display())?;
            return Ok(Exit::WrongInput);
        }
    }
    writeln!(out, "{}: {} man pages", folder.display(), pages.len())?;
    writeln!(out, "next: man {}", folder.join("goldpath.1").display())?;
    Ok(Exit::Success)
}

/// Each page's file name and text, of the command itself and of everything below it that is not hidden.
fn pages(mut command: Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    command.build();
    let mut pages = Vec::new();
    collect(&command, &mut pages)?;
    Ok(pages)
}

fn collect(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let mut text = Vec::new();
    let version = concat!("goldpath ", env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone()).manual("goldpath").source(version);
    page.render(&mut text)?;
    pages.push((format!("{name}.1"), text));
    let below = command.get_subcommands();
    for one in below.filter(|one| !one.is_hide_set() && one.get_name() != "help") {
        collect(one, pages)?;
    }
    Ok(())
}
