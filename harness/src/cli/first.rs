//! `goldpath` alone: what to type first.

use std::io::{self, Write};

use super::exit::Exit;

const FIRST: &str = "\
goldpath proves how packets travel through container networks.

What to type first:
  goldpath doctor                                what this machine can and cannot do
  sudo goldpath run article                      an article's experiments, each packet's whole path compared
  sudo goldpath show article/a12                 one packet's path, drawn
To test an implementation:
  sudo goldpath run contract -i docker           or podman, netavark, cni, plugin:PROGRAM; or -i all
To write one:
  goldpath init plugin --language python mine    or go, rust, sh: a plugin that passes, and a workflow
To write a case:
  goldpath new case                              asks for the least and writes the file

All commands: goldpath help. One of them: goldpath help run. The cases by subject: goldpath list.
";

/// Says it on standard error: nobody asked for anything, so the command ends as wrong input.
pub(super) fn run() -> Exit {
    // Where nobody reads, there is nobody to tell.
    let _ = io::stderr().write_all(FIRST.as_bytes());
    Exit::WrongInput
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::FIRST;
    use crate::cli::Cli;

    /// Each command is one that the command line takes. `-i` is read, nobody looks for the engine.
    #[test]
    fn what_it_says_can_be_typed() {
        let lines = FIRST.lines().filter_map(|line| line.strip_prefix("  "));
        let typed: Vec<&str> = lines.filter_map(|line| line.split("   ").next()).collect();
        assert!(typed.len() >= 6, "{typed:?}");
        for line in typed {
            let words = line.trim_start_matches("sudo ").split(' ');
            let parsed = Cli::try_parse_from(words);
            assert!(parsed.is_ok(), "{line}: {parsed:?}");
        }
    }
}
