//! Snapshot files in insta's format: a YAML header between `---` lines, then the text.
//!
//! goldpath reads and writes the three lines of that format itself: insta's own assertion panics,
//! prints its own report and takes its settings from the environment of the whole process, none of
//! which fits a runner with several cases at work. A test holds both against each other.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::files;
use crate::path::Drawing;

/// A golden as read from its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Golden {
    /// The text below the header, without the newline that ends the file.
    pub text: String,
    /// Line of the file on which the text begins, counted from 1.
    pub first_line: usize,
    /// SHA-256 of the file, with lines that end as this program ends them.
    pub sha256: String,
}

/// What can be wrong with a golden file.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// The file could not be read or written.
    #[error("cannot {operation} golden {}: {source}", path.display())]
    Io {
        /// `read`, `write` or `create the folder of`.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// Somebody merged and did not finish.
    #[error(
        "{}:{line}: merge marker in a golden; finish the merge, or run `goldpath accept {id}` and read the result",
        path.display()
    )]
    MergeMarker {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// The case.
        id: String,
    },
    /// No case has it.
    #[error(
        "{}: this golden belongs to no case; rename it with its case, or: git rm {}",
        path.display(),
        path.display()
    )]
    Orphan {
        /// The file.
        path: PathBuf,
    },
    /// The header is not insta's.
    #[error(
        "{}:1: not a snapshot file: it must begin with `---`; run `goldpath accept {id}` to write it again",
        path.display()
    )]
    NoHeader {
        /// The file.
        path: PathBuf,
        /// The case.
        id: String,
    },
}

/// Where the golden of a case is kept below `folder`.
pub fn golden_file(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.snap"))
}

/// Reads the golden of a case, `None` if there is none yet.
///
/// # Errors
/// A file that cannot be read, has merge markers, or lacks insta's header.
pub fn read(folder: &Path, id: &str) -> Result<Option<Golden>, GoldenError> {
    let path = golden_file(folder, id);
    let content = match files::read_text(&path) {
        Ok(content) => plain(content),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(GoldenError::Io {
                operation: "read",
                path,
                source,
            });
        }
    };
    let marked = |line: &str| {
        ["<<<<<<<", "|||||||", "=======", ">>>>>>>"]
            .iter()
            .any(|mark| line.starts_with(mark))
    };
    if let Some(line) = content.lines().position(marked) {
        return Err(GoldenError::MergeMarker {
            path,
            line: line + 1,
            id: id.to_owned(),
        });
    }
    parse(&content).map(Some).ok_or(GoldenError::NoHeader {
        path,
        id: id.to_owned(),
    })
}

/// The case of a golden by its path: paths in detail are kept apart, as `detail/IMPLEMENTATION/CASE`.
fn case_of(inner: &str) -> &str {
    let detail = inner.strip_prefix("detail/");
    detail
        .and_then(|rest| rest.split_once('/'))
        .map_or(inner, |(_, id)| id)
}

/// Every golden below `folder` that belongs to no case of `ids`, as the error that it is. No folder, no orphans.
///
/// # Errors
/// A folder that cannot be read.
pub fn orphans(folder: &Path, ids: &BTreeSet<&str>) -> Result<Vec<GoldenError>, GoldenError> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let failed = |source| GoldenError::Io {
            operation: "look for",
            path: next.clone(),
            source,
        };
        let entries = match std::fs::read_dir(&next) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            // A link to a folder is not followed: it may lead back.
            if kind.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "snap")
                && let Ok(inner) = path.with_extension("").strip_prefix(folder)
                && !inner.to_str().is_some_and(|id| ids.contains(case_of(id)))
            {
                found.push(GoldenError::Orphan { path });
            }
        }
    }
    found.sort_by_key(ToString::to_string);
    Ok(found)
}

/// The same text as this program writes it: editors and `git` on other systems add a byte order mark, or end lines with
/// CR LF.
fn plain(content: String) -> String {
    let marked = content.strip_prefix('\u{feff}');
    match (marked, content.contains("\r\n")) {
        (None, false) => content,
        (marked, _) => marked.unwrap_or(&content).replace("\r\n", "\n"),
    }
}

pub(super) fn parse(content: &str) -> Option<Golden> {
    let body = content.strip_prefix("---\n")?;
    let end = body.find("\n---\n")?;
    let (header, text) = (&body[..end], &body[end + "\n---\n".len()..]);
    Some(Golden {
        text: text.trim_end().to_owned(),
        first_line: header.lines().count() + 3,
        sha256: files::sha256(content.as_bytes()),
    })
}

/// Writes what was seen beside the golden as `CASE.snap.new`, where `cargo insta review` finds it.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn write_pending(folder: &Path, id: &str, seen: &Drawing) -> Result<PathBuf, GoldenError> {
    let path = golden_file(folder, id).with_extension("snap.new");
    write(folder, &path, id, seen)?;
    Ok(path)
}

/// Makes what was seen the golden of the case and removes a pending one.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn accept(folder: &Path, id: &str, seen: &Drawing) -> Result<PathBuf, GoldenError> {
    let path = golden_file(folder, id);
    write(folder, &path, id, seen)?;
    // A pending golden that is not there is what was wanted.
    let _ = std::fs::remove_file(path.with_extension("snap.new"));
    Ok(path)
}

fn write(root: &Path, path: &Path, id: &str, seen: &Drawing) -> Result<(), GoldenError> {
    let failed = |operation| {
        let path = path.to_owned();
        move |source| GoldenError::Io {
            operation,
            path,
            source,
        }
    };
    files::must_not_link(root, path).map_err(failed("write"))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed("create the folder of"))?;
    }
    let mut file = files::create(path).map_err(failed("write"))?;
    write!(
        file,
        "---\nsource: cases/conformance.rs\ndescription: cases/{id}.toml\n---\n{}\n",
        seen.to_string().trim_end()
    )
    .map_err(failed("write"))
}

#[cfg(test)]
mod tests {
    use super::super::compare;
    use super::*;
    use crate::fuzz::{feed_text, files};

    fn accept(folder: &Path, id: &str, text: &str) -> Result<PathBuf, GoldenError> {
        super::accept(folder, id, &Drawing::read(text))
    }

    #[test]
    fn what_is_accepted_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        accept(folder.path(), "area/subject", "fate: answered\n").expect("written");
        let golden = read(folder.path(), "area/subject").expect("readable");
        let golden = golden.expect("there");
        assert_eq!(golden.text, "fate: answered");
        assert_eq!(golden.first_line, 5);
    }

    #[test]
    fn insta_agrees_with_an_accepted_golden() {
        let folder = tempfile::tempdir().expect("a folder");
        accept(folder.path(), "subject", "one\n  two").expect("written");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(folder.path());
        settings.set_prepend_module_to_snapshot(false);
        settings.bind(|| insta::assert_snapshot!("subject", "one\n  two"));
    }

    #[test]
    fn a_merge_marker_is_named_by_its_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = accept(folder.path(), "subject", "one\n<<<<<<< HEAD\ntwo").expect("written");
        let error = read(folder.path(), "subject").expect_err("unfinished");
        let shown = error
            .to_string()
            .replace(&path.display().to_string(), "FILE");
        insta::assert_snapshot!(shown, @"FILE:6: merge marker in a golden; finish the merge, or run `goldpath accept subject` and read the result");
    }

    #[test]
    fn a_golden_without_a_case_is_an_orphan() {
        let folder = tempfile::tempdir().expect("a folder");
        accept(folder.path(), "area/kept", "one").expect("written");
        accept(folder.path(), "detail/native/area/kept", "one").expect("written");
        let left = accept(folder.path(), "area/left", "one").expect("written");
        write_pending(folder.path(), "area/pending", &Drawing::read("one")).expect("written");
        let ids = BTreeSet::from(["area/kept"]);
        let found = orphans(folder.path(), &ids).expect("readable");
        assert!(matches!(&found[..], [GoldenError::Orphan { path }] if *path == left));
        let nowhere = orphans(&folder.path().join("nowhere"), &ids).expect("nothing");
        assert!(nowhere.is_empty());
    }

    #[test]
    fn a_file_without_header_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(golden_file(folder.path(), "subject"), "fate: answered").expect("written");
        assert!(matches!(
            read(folder.path(), "subject"),
            Err(GoldenError::NoHeader { .. })
        ));
    }

    #[test]
    fn a_golden_from_another_system_says_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = accept(folder.path(), "subject", "one\n  two").expect("written");
        let original = read(folder.path(), "subject").expect("readable");
        let text = std::fs::read_to_string(&path).expect("readable");
        let with_returns = text.replace('\n', "\r\n");
        for foreign in [
            format!("\u{feff}{text}"),
            with_returns.clone(),
            format!("\u{feff}{with_returns}"),
        ] {
            std::fs::write(&path, foreign).expect("written");
            assert_eq!(read(folder.path(), "subject").expect("readable"), original);
        }
    }

    #[test]
    fn foreign_text_does_no_harm() {
        feed_text("golden", &files("golden", "snap"), |text| {
            let golden = parse(text);
            if let Some(golden) = &golden {
                assert!(golden.first_line <= text.lines().count() + 1);
            }
            let seen = Drawing::read("probe 1  c1 → c2  icmp echo\n\nwho gets it\n");
            let _ = compare(golden.as_ref(), &seen);
        });
    }
}
