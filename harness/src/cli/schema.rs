//! `goldpath schema`: the formats that goldpath reads and writes.

use std::io::Write;

use clap::ValueEnum;

use super::exit::Exit;
use super::output::{lost, output};
use crate::adapter::plugin;
use crate::{case, mutate, report};

/// A format.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Name {
    /// A case file, as `cases/case.schema.json`.
    Case,
    /// The report that `goldpath run --json` writes.
    Report,
    /// The score that `goldpath mutate --json` writes.
    Score,
    /// The requests to a plugin and its answers.
    Plugin,
}

/// Print the JSON schema of case files, reports, scores or the plugin protocol.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which format.
    #[arg(value_name = "NAME")]
    pub name: Name,
}

/// Prints the schema on standard output.
pub fn run(args: &Args) -> Exit {
    let text = match args.name {
        Name::Case => case::schema(),
        Name::Report => report::report_schema(),
        Name::Score => mutate::schema_text(),
        Name::Plugin => plugin::plugin_schema(),
    };
    let printed = output().write_all(text.as_bytes());
    printed.map_or_else(lost, |()| Exit::Success)
}
