//! `goldpath report`: what is done with reports after their runs.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::inputs::Inputs;
use super::output::output;
use super::report_files::ReportFiles;
use crate::adapter::unused;
use crate::files;
use crate::finding::{Finding, What};
use crate::report::{
    self, Report, TruthTable, claims_table, diff, diff_markdown, diff_text, matrix_table, merge,
    not_run_lines, profile_lines, summary_line, truth_text, unasked_lines,
};

/// Merge reports, or read them.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Join the JSON reports of several machines. A trial that is in two of them, or planned and in none, is an error.
    Merge {
        /// JSON reports, as `goldpath run --json` writes them.
        #[arg(value_name = "REPORT", required = true)]
        parts: Vec<PathBuf>,
        #[command(flatten)]
        files: ReportFiles,
    },
    /// Compare two reports, of two builds, days or kernels: say which versions, cases, goldens and results of profiles are
    /// others, list each trial whose outcome is another, and exit 1 if there is one. Two reports of one implementation each are
    /// compared whatever it is called.
    Diff {
        /// The earlier JSON report.
        #[arg(value_name = "A")]
        before: PathBuf,
        /// The later one.
        #[arg(value_name = "B")]
        after: PathBuf,
        /// Write it as Markdown, too, as for a comment.
        #[arg(long, value_name = "FILE")]
        markdown: Option<PathBuf>,
    },
    /// List entries of harness/src/adapter/kept.toml that matched nothing in these reports, so that stale ones can be
    /// removed.
    Kept {
        /// JSON reports of runs of `contract/lifecycle`.
        #[arg(value_name = "REPORT", required = true)]
        reports: Vec<PathBuf>,
    },
}

/// Does what the verb says.
pub fn run(args: &Args) -> Exit {
    match &args.verb {
        Verb::Merge { parts, files } => join(parts, files),
        Verb::Diff {
            before,
            after,
            markdown,
        } => compare(before, after, markdown.as_deref()),
        Verb::Kept { reports } => match list_kept(reports) {
            Ok(text) => {
                let _ = write!(output(), "{text}");
                Exit::Success
            }
            Err(error) => {
                let _ = writeln!(io::stderr(), "cannot list what is kept: {error}");
                Exit::WrongInput
            }
        },
    }
}

/// Says what changed, and ends with 1 if a trial ended otherwise.
fn compare(before: &Path, after: &Path, markdown: Option<&Path>) -> Exit {
    let inputs = Inputs {
        files: vec![before, after],
        ..Inputs::default()
    };
    if let Some((path, reason)) = markdown.and_then(|path| Some((path, inputs.spoiled_by(path)?))) {
        let _ = writeln!(
            io::stderr(),
            "cannot write --markdown to {}: {reason}",
            path.display()
        );
        return Exit::WrongInput;
    }
    let reports = read(before).and_then(|before| read(after).map(|after| (before, after)));
    let (before, after) = match reports {
        Ok(both) => both,
        Err(error) => {
            let _ = writeln!(io::stderr(), "cannot compare the reports: {error}");
            return Exit::WrongInput;
        }
    };
    let difference = diff(&before, &after);
    let _ = write!(output(), "{}", diff_text(&difference));
    if let Some(path) = markdown
        && let Err(error) = files::create_named(path)
            .and_then(|mut file| file.write_all(diff_markdown(&difference).as_bytes()))
    {
        let _ = writeln!(
            io::stderr(),
            "cannot write --markdown to {}: {error}",
            path.display()
        );
        return Exit::Errored;
    }
    match difference.count() {
        0 => Exit::Success,
        _ => Exit::Failed,
    }
}

/// A line for each entry by which nothing was kept, by implementation and version.
fn list_kept(paths: &[PathBuf]) -> Result<String, String> {
    let reports = read_all(paths)?;
    let implementations: BTreeMap<&str, &str> = reports
        .iter()
        .flat_map(|(_, report)| &report.implementations)
        .map(|one| (one.name.as_str(), one.version.as_str()))
        .collect();
    let cases = || reports.iter().flat_map(|(_, report)| &report.cases);
    let mut text = String::new();
    for (name, version) in implementations {
        let of_it = cases().filter(|case| case.implementation == name);
        let kept = of_it.flat_map(|case| &case.findings).filter_map(source);
        let never = unused(asked(name), kept);
        for pattern in never.map_err(|error| error.to_string())? {
            text.push_str(&format!("{name} {version}: {pattern}\n"));
        }
    }
    Ok(text)
}

/// Why something is kept.
fn source(finding: &Finding) -> Option<&str> {
    match &finding.what {
        What::Kept { source, .. } => Some(source),
        _ => None,
    }
}

/// What was asked for by an implementation's name in a report: those of conflists begin with `cni:`.
fn asked(name: &str) -> &str {
    match name.split_once([':', '-']) {
        Some(("cni", _)) => "cni",
        _ => name,
    }
}

/// Joins reports, prints what they come to, and ends as one run of it all would have.
fn join(parts: &[PathBuf], files: &ReportFiles) -> Exit {
    let inputs = Inputs {
        files: parts.iter().map(PathBuf::as_path).collect(),
        ..Inputs::default()
    };
    if let Err(exit) = files.check(&inputs, &mut io::stderr()) {
        return exit;
    }
    let joined =
        match read_all(parts).and_then(|parts| merge(parts).map_err(|error| error.to_string())) {
            Ok(joined) => joined,
            Err(error) => {
                let _ = writeln!(io::stderr(), "cannot join the reports: {error}");
                return Exit::WrongInput;
            }
        };
    let _ = write!(output(), "{}", closing(&joined));
    files
        .write(&joined)
        .err()
        .unwrap_or_else(|| Exit::of(joined.result))
}

/// What is printed when all trials are through.
pub(super) fn closing(report: &Report) -> String {
    let mut text = String::new();
    let truth = TruthTable::of(report).map(|table| truth_text(&table));
    for table in [
        matrix_table(report),
        claims_table(report),
        truth.unwrap_or_default(),
    ] {
        if !table.is_empty() {
            text.push_str(&table);
            text.push('\n');
        }
    }
    text.push_str(&not_run_lines(report));
    text.push_str(&unasked_lines(report));
    let renamed = report.implementations.iter();
    for one in renamed.filter(|one| one.calls_itself.is_some()) {
        text.push_str(&format!("{}\n", one.title()));
        for adjusted in &one.adjusted {
            text.push_str(&format!("  goldpath changes {adjusted}\n"));
        }
    }
    text.push_str(&profile_lines(report));
    format!("{text}{}: {}\n", report.result, summary_line(report))
}

fn read_all(parts: &[PathBuf]) -> Result<Vec<(String, Report)>, String> {
    parts
        .iter()
        .map(|path| read(path).map(|report| (path.display().to_string(), report)))
        .collect()
}

fn read(path: &Path) -> Result<Report, String> {
    let shown = path.display();
    let text = fs::read(path).map_err(|error| {
        format!("cannot read {shown}: {error}\nnext: goldpath run --json {shown}")
    })?;
    report::read(&text).map_err(|error| format!("{shown}: {error}"))
}
