//! `goldpath cases`: what the program carries, as files.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::output::{lost, output};
use crate::files::write_new;

/// The cases and goldens that the program carries.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Write them to `DIR/cases` and `DIR/golden`. What is there already stays, and nothing is written.
    Export {
        /// The directory; it is made if it is not there.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// Writes the files and says what to do with them.
pub fn run(args: &Args) -> Exit {
    let Verb::Export { folder } = &args.verb;
    export(folder, &mut output(), &mut io::stderr()).unwrap_or_else(lost)
}

fn export(folder: &Path, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let parts = [
        ("cases", goldpath_cases::files()),
        ("golden", goldpath_golden::files()),
    ];
    for (part, _) in &parts {
        let there = folder.join(part);
        if there.symlink_metadata().is_ok() {
            let shown = there.display();
            writeln!(err, "{shown} is there already; name another directory")?;
            return Ok(Exit::WrongInput);
        }
    }
    for (part, files) in &parts {
        let top = folder.join(part);
        for (path, bytes) in files {
            let path = top.join(path);
            if let Err(error) = write_new(folder, &path, bytes) {
                writeln!(err, "cannot write {}: {error}", path.display())?;
                return Ok(Exit::WrongInput);
            }
        }
        writeln!(out, "{}: {} files", top.display(), files.len())?;
    }
    let shown = folder.to_string_lossy();
    let quoted = shlex::try_quote(&shown).unwrap_or_else(|_| shown.clone());
    writeln!(out, "next: cd {quoted} && goldpath run")?;
    Ok(Exit::Success)
}
