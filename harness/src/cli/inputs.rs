//! What a command reads, so that it does not write over it.

use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

/// Files and folders that a command reads.
#[derive(Debug, Clone, Default)]
pub(super) struct Inputs<'a> {
    /// Folders of case files.
    pub(super) cases: &'a [PathBuf],
    /// The folder of goldens.
    pub(super) golden: Option<&'a Path>,
    /// Other files.
    pub(super) files: Vec<&'a Path>,
}

impl<'a> Inputs<'a> {
    /// The same and one more file, if there is one.
    pub(super) fn with(&self, file: Option<&'a Path>) -> Self {
        let mut inputs = self.clone();
        inputs.files.extend(file);
        inputs
    }

    /// Why nothing may be written to this path, none if it may.
    pub(super) fn spoiled_by(&self, path: &Path) -> Option<String> {
        let ends = |end: &str| path.extension().is_some_and(|own| own == end);
        let below = |folder: &Path| {
            place(folder)
                .is_some_and(|folder| place(path).is_some_and(|path| path.starts_with(folder)))
        };
        if path.is_dir() {
            return Some(String::from("it is a folder"));
        }
        if place(path).is_none() {
            return Some(String::from("its folder is not there"));
        }
        if !may_write(path) {
            return Some(String::from("you may not write there"));
        }
        if ends("toml") && self.cases.iter().any(|folder| below(folder)) {
            return Some(String::from("it would be read as a case"));
        }
        if ends("snap") && self.golden.is_some_and(below) {
            return Some(String::from("it would be read as a golden"));
        }
        let own = self.files.iter().find(|file| is_same(file, path))?;
        Some(format!("{} is what this command reads", own.display()))
    }
}

/// Why a folder cannot be made or written to, none if it can. Nothing is made.
pub(super) fn wrong_with_folder(folder: &Path) -> Option<String> {
    let there = folder.ancestors().find(|one| one.exists());
    let there = there.unwrap_or_else(|| Path::new("."));
    if !there.is_dir() {
        return Some(format!("{} is no folder", there.display()));
    }
    let denied = access(there, AccessFlags::W_OK).is_err();
    denied.then(|| format!("you may not write to {}", there.display()))
}

/// Whether this user may write a file, or make it where it is not there.
fn may_write(path: &Path) -> bool {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let there = if path.exists() { path } else { folder };
    access(there, AccessFlags::W_OK).is_ok()
}

/// Whether two paths lead to one file, whether it is there or not. Devices, as /dev/null, take as much as they are given.
pub(super) fn is_same(one: &Path, two: &Path) -> bool {
    let is_device = one.metadata().is_ok_and(|of| !of.is_file());
    !is_device && place(one).is_some_and(|one| place(two) == Some(one))
}

/// A path without links and dots; the file need not be there, its folder must.
fn place(path: &Path) -> Option<PathBuf> {
    if let Ok(found) = path.canonicalize() {
        return Some(found);
    }
    let folder = match path.parent()? {
        here if here.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    Some(folder.canonicalize().ok()?.join(path.file_name()?))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn one_file_is_known_by_any_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("score.json"), "").unwrap();
        std::os::unix::fs::symlink("score.json", path("link")).unwrap();
        std::fs::create_dir(path("cases")).unwrap();
        let cases = [path("cases")];
        let score = path("score.json");
        let inputs = Inputs {
            cases: &cases,
            golden: None,
            files: vec![&score],
        };
        let told = |name: &str| inputs.spoiled_by(&path(name)).unwrap_or_default();
        assert!(told("cases/../link").ends_with("score.json is what this command reads"));
        assert_eq!(told("cases/x.toml"), "it would be read as a case");
        assert_eq!(told("cases"), "it is a folder");
        assert_eq!(told("nowhere/x.json"), "its folder is not there");
        assert_eq!(told("cases/x.json"), "");
        assert_eq!(told("x.toml"), "");
        assert!(is_same(&path("new"), &path("cases/../new")));
        assert!(!is_same(Path::new("/dev/null"), Path::new("/dev/null")));
        assert_eq!(wrong_with_folder(&path("cases/new/folder")), None);
        assert_eq!(wrong_with_folder(Path::new("new")), None);
        let below_a_file = wrong_with_folder(&path("score.json/x")).unwrap_or_default();
        assert!(below_a_file.ends_with("score.json is no folder"));
    }
}
