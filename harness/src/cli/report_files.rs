//! The files that a report is written to.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::inputs::{Inputs, is_same};
use crate::files;
use crate::mutate::Scores;
use crate::report::{Report, html, html_beside, junit, markdown};

type Format = fn(&Report, Option<&Scores>) -> io::Result<String>;

/// Where the report goes; each format may be asked for.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Reports")]
pub struct ReportFiles {
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the report as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write the report as Markdown, as for GitHub's step summary.
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Write the report as a page that needs no network. The paths are in files of a folder beside it, called as the page
    /// with .d for .html, and are loaded when a case is opened.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the paths into the page, too, which becomes one large file.
    #[arg(long, requires = "html")]
    pub embed: bool,
    /// Add the table of this score, which `goldpath mutate --json` wrote, to Markdown and HTML.
    #[arg(long, value_name = "FILE")]
    pub score: Option<PathBuf>,
}

impl ReportFiles {
    /// Says before anything is started what is wrong with the files that were asked for: two reports in one, one that
    /// would overwrite what the command reads, and one that cannot be written.
    ///
    /// # Errors
    /// [`Exit::WrongInput`].
    pub(super) fn check(&self, inputs: &Inputs<'_>, err: &mut impl Write) -> Result<(), Exit> {
        let mut seen: Vec<(&str, &Path)> = Vec::new();
        let asked = [
            ("--json", &self.json),
            ("--junit", &self.junit),
            ("--markdown", &self.markdown),
            ("--html", &self.html),
        ];
        let asked = asked
            .into_iter()
            .filter_map(|(option, path)| Some((option, path.as_deref()?)));
        let score = self.score.as_deref();
        for (option, path) in asked {
            let shown = path.display();
            let mut wrong = inputs.with(score).spoiled_by(path);
            if let Some((first, _)) = seen.iter().find(|(_, other)| is_same(other, path)) {
                wrong = Some(format!("{first} already writes it"));
            }
            if let Some(reason) = wrong {
                let _ = writeln!(err, "cannot write {option} to {shown}: {reason}");
                return Err(Exit::WrongInput);
            }
            seen.push((option, path));
        }
        let beside = self
            .html
            .as_deref()
            .filter(|_| !self.embed)
            .and_then(folder_beside);
        if let Some(folder) =
            beside.filter(|folder| folder.symlink_metadata().is_ok_and(|of| !of.is_dir()))
        {
            let _ = writeln!(
                err,
                "cannot write the report's paths to {}: it is no folder",
                folder.display()
            );
            return Err(Exit::WrongInput);
        }
        if let Err(reason) = score.map(read_score).transpose() {
            let _ = writeln!(err, "{reason}");
            return Err(Exit::WrongInput);
        }
        Ok(())
    }

    /// Writes the files that were asked for and says which could not be.
    ///
    /// # Errors
    /// [`Exit::Errored`] if some file could not be written; the others are.
    pub fn write(&self, report: &Report) -> Result<(), Exit> {
        let asked: [(&Option<PathBuf>, Format); 3] = [
            (&self.json, |report, _| json(report)),
            (&self.junit, |report, _| junit(report)),
            (&self.markdown, |report, score| Ok(markdown(report, score))),
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
            if let Err(error) = format(report, score.as_ref())
                .and_then(|text| files::create_named(path)?.write_all(text.as_bytes()))
            {
                let shown = path.display();
                let _ = writeln!(io::stderr(), "cannot write the report to {shown}: {error}");
                written = Err(Exit::Errored);
            }
        }
        if let Some(path) = &self.html
            && let Err(error) = self.write_page(path, report, score.as_ref())
        {
            let shown = path.display();
            let _ = writeln!(io::stderr(), "cannot write the report to {shown}: {error}");
            written = Err(Exit::Errored);
        }
        written
    }

    /// The page, last: what it loads is there before it.
    fn write_page(&self, path: &Path, report: &Report, score: Option<&Scores>) -> io::Result<()> {
        let folder = (!self.embed).then(|| folder_beside(path)).flatten();
        let text = match &folder {
            None => html(report, score),
            Some(folder) => {
                let name = folder.file_name().unwrap_or_default().to_string_lossy();
                let page = html_beside(report, score, &name);
                for (name, text) in page.beside {
                    files::create_below(folder, &folder.join(name))?.write_all(text.as_bytes())?;
                }
                page.text
            }
        };
        files::create_named(path)?.write_all(text.as_bytes())
    }
}

/// The folder of what a page loads. None where nothing can be beside it, as for `/dev/stdout`.
fn folder_beside(path: &Path) -> Option<PathBuf> {
    if path.metadata().is_ok_and(|of| !of.is_file()) {
        return None;
    }
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(".html").unwrap_or(name);
    Some(path.with_file_name(format!("{stem}.d")))
}

fn read_score(path: &Path) -> Result<Scores, String> {
    let shown = path.display();
    let text = fs::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("{shown} is no score: {error}"))
}

fn json(report: &Report) -> io::Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(report)?))
}
