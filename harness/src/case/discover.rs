//! Finds and reads the case files below some directories.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::builtin::{self, BUILTIN, has_builtin};
use super::error::CaseError;
use super::file::CaseFile;
use super::id::{CaseId, CaseIdError};
use super::model::Case;
use super::suggest::did_you_mean;
use super::validate::validate;
use crate::files;

/// All cases sorted by id, or every mistake in any of them.
pub type Discovered = Result<Vec<Case>, Vec<CaseError>>;

/// Cargo's manifest lies beside the cases, because they are a crate's test target.
const NOT_A_CASE: &str = "Cargo.toml";

/// Reads every `*.toml` below the directories. Hidden files and directories are left out.
pub fn discover(directories: &[PathBuf]) -> Discovered {
    discover_where(directories, |_| true)
}

/// Reads the files of the cases whose id is wanted: who runs a single trial need not read every other case. A file has the
/// place of the case that the program carries under the same id.
pub fn discover_where(directories: &[PathBuf], is_wanted: impl Fn(&str) -> bool) -> Discovered {
    let mut cases = Vec::new();
    let mut errors = Vec::new();
    let mut taken: BTreeMap<String, PathBuf> = BTreeMap::new();
    for directory in directories.iter().filter(|one| *one != Path::new(BUILTIN)) {
        let mut walk = Walk::default();
        walk.through(directory);
        let Walk { files, wrong, .. } = walk;
        if !wrong.is_empty() {
            errors.extend(wrong);
            continue;
        }
        if files.is_empty() {
            let help = "a case is a file AREA/SUBJECT-CONDITION.toml below it; `--cases builtin` has those of goldpath";
            errors
                .push(CaseError::of_path(directory, "the directory holds no case").with_help(help));
        }
        for file in files {
            let id = file
                .strip_prefix(directory)
                .unwrap_or(&file)
                .with_extension("")
                .to_string_lossy()
                .into_owned();
            if let Some(first) = taken.insert(id.to_lowercase(), file.clone()) {
                let help = format!(
                    "the other is {}; ids that differ only in case are the same",
                    first.display()
                );
                errors.push(
                    CaseError::of_path(&file, format!("two cases have the id `{id}`"))
                        .with_help(help),
                );
            }
            if !is_wanted(&id) {
                continue;
            }
            match read_case(&file, &id) {
                Ok(case) => cases.push(case),
                Err(found) => errors.extend(found),
            }
        }
    }
    if has_builtin(directories) {
        let free = builtin::texts().filter(|(id, _)| is_wanted(id) && !taken.contains_key(*id));
        for (id, text) in free {
            let path = Path::new(BUILTIN).join(format!("{id}.toml"));
            match parse(text, &path, id) {
                Ok(case) => cases.push(case),
                Err(found) => errors.extend(found),
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    cases.sort_by(|one: &Case, two| one.id.cmp(&two.id));
    Ok(cases)
}

/// Case files below a directory, sorted by path.
#[derive(Default)]
struct Walk {
    files: Vec<PathBuf>,
    wrong: Vec<CaseError>,
    /// Directories that were seen, by device and inode: a link may lead to one a second time, and back to one for ever.
    seen: BTreeMap<(u64, u64), PathBuf>,
}

impl Walk {
    fn through(&mut self, directory: &Path) {
        if let Err(error) = self.enter(directory) {
            let what = format!("cannot read the cases directory: {error}");
            let help = "name an existing directory with `--cases DIR`, or goldpath's own with `--cases builtin`";
            self.wrong
                .push(CaseError::of_path(directory, what).with_help(help));
        }
    }

    fn enter(&mut self, directory: &Path) -> io::Result<()> {
        let metadata = std::fs::metadata(directory)?;
        let identity = (metadata.dev(), metadata.ino());
        if let Some(first) = self.seen.insert(identity, directory.to_owned()) {
            let what = format!("this is {} once more", first.display());
            self.wrong.push(
                CaseError::of_path(directory, what).with_help("remove the link that leads there"),
            );
            return Ok(());
        }
        let mut entries: Vec<PathBuf> = std::fs::read_dir(directory)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        entries.sort();
        for entry in entries {
            let name = entry
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            if name.starts_with('.') || name == NOT_A_CASE {
                continue;
            }
            if entry.is_dir() {
                self.through(&entry);
            } else if entry
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                self.files.push(entry);
            }
        }
        Ok(())
    }
}

/// Reads one case file.
pub fn read_case(path: &Path, id: &str) -> Result<Case, Vec<CaseError>> {
    let one = |error: CaseError| vec![error];
    let bytes = files::read(path).map_err(|error| {
        one(CaseError::of_path(
            path,
            format!("cannot read the case file: {error}"),
        ))
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        one(
            CaseError::of_path(path, format!("the case file is not UTF-8 in line {line}"))
                .with_help("save it as UTF-8"),
        )
    })?;
    parse(text, path, id)
}

/// Reads one case from its text.
pub fn parse(text: String, path: &Path, id: &str) -> Result<Case, Vec<CaseError>> {
    let text: Arc<str> = text.into();
    let mut errors = Vec::new();
    let id = CaseId::new(id).map_err(|error| {
        let help = match &error {
            CaseIdError::Character { .. } => "name files and directories with a-z, 0-9 and - only",
            CaseIdError::Empty(_) => "give every part of the path a name",
        };
        errors.push(CaseError::of_path(path, error.to_string()).with_help(help));
    });
    let file =
        toml::from_str::<CaseFile>(&text).map_err(|error| errors.push(syntax(&error, path, &text)));
    match (id, file) {
        (Ok(id), Ok(file)) => validate(&file, id, path, &text),
        (Err(()), Ok(file)) => {
            // The id's mistake is noted; the stand-in lets the rest of the file be checked too.
            if let Ok(id) = CaseId::new("unnamed") {
                errors.extend(validate(&file, id, path, &text).err().unwrap_or_default());
            }
            Err(errors)
        }
        (_, Err(())) => Err(errors),
    }
}

/// A mistake of syntax, type or field, in toml's words and with our help.
fn syntax(error: &toml::de::Error, path: &Path, text: &Arc<str>) -> CaseError {
    let span = error.span().unwrap_or(0..0);
    let message = error.message();
    // Serde words these in one way only: "unknown field `fat`, expected one of `fate`, `ttl`".
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match (message.split_once(','), quoted.split_first()) {
        (Some((what, _)), Some((written, known))) if message.starts_with("unknown field") => {
            CaseError::at(path, text, span, what, "no such field").with_help(did_you_mean(
                written,
                known.iter().copied(),
                "fields",
            ))
        }
        _ => CaseError::at(path, text, span, message, "here")
            .with_help("the format is described in cases/README.md"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::render;
    use crate::fuzz::{feed_text, files};

    #[test]
    fn foreign_text_does_no_harm() {
        let mut seeds = files("cases", "toml");
        seeds.extend([
            b"[network.n]\nsubnet = \"10.77.1.0/24\"\n[container.c]\nnetwork = \"n\"\npublish = [\"8080:80/tcp\"]\n".to_vec(),
            // Deeper than any recursion may go.
            [b"title = ".to_vec(), b"[".repeat(4_000)].concat(),
            b"a.".repeat(2_000),
        ]);
        let path = Path::new("cases/area/subject.toml");
        feed_text("case", &seeds, |text| {
            if let Err(errors) = parse(text.to_owned(), path, "area/subject") {
                assert!(!render(&errors, false).is_empty());
            }
        });
    }
}
