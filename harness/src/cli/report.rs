//! `goldpath report`: what is done with reports after their runs.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::report_files::ReportFiles;
use crate::report::{Report, claims_table, matrix_table, merge, summary_line};

/// What is done with reports after their runs.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Joins the JSON reports of several machines. A trial in two of them, or planned and in none, is an error.
    Merge {
        /// JSON reports, as `goldpath run --json` writes them.
        #[arg(value_name = "REPORT", required = true)]
        parts: Vec<PathBuf>,
        #[command(flatten)]
        files: ReportFiles,
    },
}

/// Joins reports, prints what they come to, and ends as one run of it all would have.
pub fn run(args: &Args) -> Exit {
    let Verb::Merge { parts, files } = &args.verb;
    let joined =
        match read_all(parts).and_then(|parts| merge(parts).map_err(|error| error.to_string())) {
            Ok(joined) => joined,
            Err(error) => {
                let _ = writeln!(io::stderr(), "cannot join the reports: {error}");
                return Exit::WrongInput;
            }
        };
    let _ = write!(io::stdout(), "{}", closing(&joined));
    files
        .write(&joined)
        .err()
        .unwrap_or_else(|| Exit::of(&joined.summary))
}

/// What is printed when all trials are through.
pub(super) fn closing(report: &Report) -> String {
    let mut text = String::new();
    for table in [matrix_table(report), claims_table(report)] {
        if !table.is_empty() {
            text.push_str(&table);
            text.push('\n');
        }
    }
    format!("{text}{}: {}\n", report.result, summary_line(report))
}

fn read_all(parts: &[PathBuf]) -> Result<Vec<(String, Report)>, String> {
    parts
        .iter()
        .map(|path| read(path).map(|report| (path.display().to_string(), report)))
        .collect()
}

fn read(path: &Path) -> Result<Report, String> {
    let text =
        fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_slice(&text)
        .map_err(|error| format!("{} is no report: {error}", path.display()))
}
