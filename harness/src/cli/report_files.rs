//! The files that a report is written to.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::exit::Exit;
use crate::mutate::Scores;
use crate::report::{Report, html, junit, markdown};

type Format = fn(&Report, Option<&Scores>) -> io::Result<String>;

/// Where the report goes; each format may be asked for.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Reports")]
pub struct ReportFiles {
    /// Writes the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Writes the report as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Writes the report as Markdown, as for GitHub's step summary.
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Writes the report as one page that needs no network.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Adds the table of this score to Markdown and HTML, as `goldpath mutate --json` writes it.
    #[arg(long, value_name = "FILE")]
    pub score: Option<PathBuf>,
}

impl ReportFiles {
    /// Writes the files that were asked for and says which could not be.
    ///
    /// # Errors
    /// [`Exit::Errored`] if some file could not be written; the others are.
    pub fn write(&self, report: &Report) -> Result<(), Exit> {
        let asked: [(&Option<PathBuf>, Format); 4] = [
            (&self.json, |report, _| json(report)),
            (&self.junit, |report, _| junit(report)),
            (&self.markdown, |report, score| Ok(markdown(report, score))),
            (&self.html, |report, score| Ok(html(report, score))),
        ];
        let score = match self.score.as_deref().map(read_score).transpose() {
            Ok(score) => score,
            Err(reason) => {
                let _ = writeln!(io::stderr(), "{reason}");
                return Err(Exit::WrongInput);
            }
        };
        let mut written = Ok(());
        for (path, format) in asked {
            let Some(path) = path else { continue };
            if let Err(error) =
                format(report, score.as_ref()).and_then(|text| fs::write(path, text))
            {
                let shown = path.display();
                let _ = writeln!(io::stderr(), "cannot write the report to {shown}: {error}");
                written = Err(Exit::Errored);
            }
        }
        written
    }
}

fn read_score(path: &Path) -> Result<Scores, String> {
    let shown = path.display();
    let text = fs::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("{shown} is no score: {error}"))
}

fn json(report: &Report) -> io::Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(report)?))
}
