//! `goldpath completions`: what a shell completes.

use std::io::Write;

use clap::{Command, ValueEnum};
use clap_complete::{Shell, generate};

use super::exit::Exit;
use super::output::{lost, output};

/// A shell.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Name {
    /// For `/usr/share/bash-completion/completions/goldpath`.
    Bash,
    /// For `/usr/share/zsh/vendor-completions/_goldpath`.
    Zsh,
    /// For `/usr/share/fish/vendor_completions.d/goldpath.fish`.
    Fish,
}

/// Print the completions of this command line for a shell.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which shell.
    #[arg(value_name = "SHELL")]
    pub shell: Name,
}

/// Prints the completions on standard output.
pub fn run(args: &Args, mut command: Command) -> Exit {
    let shell = match args.shell {
        Name::Bash => Shell::Bash,
        Name::Zsh => Shell::Zsh,
        Name::Fish => Shell::Fish,
    };
    // Into memory first: it panics where it cannot write.
    let mut text = Vec::new();
    let name = command.get_name().to_owned();
    generate(shell, &mut command, name, &mut text);
    let printed = output().write_all(&text);
    printed.map_or_else(lost, |()| Exit::Success)
}
