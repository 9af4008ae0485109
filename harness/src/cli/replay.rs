//! `goldpath replay`: judges and draws saved trials again.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::output::{lost, output};
use crate::case::{Case, CaseKind, Level, builtin_text, parse, render};
use crate::golden::{self, Golden};
use crate::judge::{Outcome, Recording, Replayed, replay};
use crate::report::words;
use crate::run::TrialId;

/// Assembles, judges and draws saved trials again; needs no root, no engine and no kernel.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Evidence folders of trials, or recordings of `goldpath run --record`.
    #[arg(value_name = "EVIDENCE", required = true)]
    pub evidence: Vec<PathBuf>,
    /// Directory of golden paths. Without it, a trial of a case that the program carries is compared with the golden that it
    /// carries, and any other with nothing.
    #[arg(long, value_name = "DIR", default_value = "golden")]
    pub golden: PathBuf,
}

/// Replays each on standard output. The worst of them says how the command ends.
pub fn run(args: &Args) -> Exit {
    let mut exit = Exit::Success;
    for path in &args.evidence {
        exit = exit.max(one(path, args, &mut output(), &mut io::stderr()).unwrap_or_else(lost));
    }
    exit
}

fn one(path: &Path, args: &Args, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let (recording, case) = match read(path) {
        Ok(read) => read,
        Err(wrong) => {
            writeln!(err, "{}", wrong.trim_end())?;
            writeln!(
                err,
                "next: goldpath run --record DIR, then goldpath replay DIR/…"
            )?;
            return Ok(Exit::WrongInput);
        }
    };
    let golden = match wanted(&args.golden, &case) {
        Ok(golden) => golden,
        Err(wrong) => {
            writeln!(err, "{wrong}")?;
            return Ok(Exit::WrongInput);
        }
    };
    let replayed = replay(&recording, &case, golden.as_ref().map(Option::as_ref));
    write!(
        out,
        "{}\n{}\n\n{}",
        case.title,
        recording.trial,
        drawn(&case, &replayed)
    )?;
    writeln!(out, "\n{}: {}", replayed.outcome, words(&replayed.findings))?;
    Ok(match replayed.outcome {
        Outcome::Errored => Exit::Errored,
        Outcome::Failed if case.level == Level::Must => Exit::Failed,
        _ => Exit::Success,
    })
}

/// A saved trial, and its case as it was then.
fn read(path: &Path) -> Result<(Recording, Case), String> {
    let recording = Recording::read(path).map_err(|error| error.to_string())?;
    let id: TrialId = recording
        .trial
        .parse()
        .map_err(|error| format!("{}: {error}", path.display()))?;
    let file = PathBuf::from(format!("{}.toml", id.case));
    let case = parse(recording.case.clone(), &file, &id.case);
    let case = case.map_err(|errors| {
        format!(
            "{}: its case is not one of this version of goldpath\n{}",
            path.display(),
            render(&errors, false)
        )
    })?;
    Ok((recording, case))
}

/// The golden to compare with: `None` if there is nothing to compare with, `Some(None)` if the golden is not there yet.
fn wanted(folder: &Path, case: &Case) -> Result<Option<Option<Golden>>, String> {
    let id = case.id.as_str();
    if !folder.is_dir() {
        // The case may have another text in this version of goldpath, or somebody has changed it.
        let is_same = builtin_text(id).is_some_and(|text| text == *case.text);
        return Ok(is_same.then(|| golden::builtin(id)));
    }
    let golden = golden::read(folder, id).map_err(|error| error.to_string())?;
    Ok(Some(golden))
}

/// A contract's path by roles is what is compared; the one with real names is what explains it.
fn drawn(case: &Case, replayed: &Replayed) -> String {
    match case.kind {
        CaseKind::Contract { .. } => format!(
            "by roles\n\n{}\nin detail\n\n{}",
            replayed.drawing, replayed.detail
        ),
        CaseKind::Recipe { .. } => replayed.drawing.to_string(),
    }
}
