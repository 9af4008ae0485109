//! The golden packet paths of goldpath. As a workspace member the folder is where `cargo insta review` finds pending paths.

use include_dir::{Dir, include_dir};

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR");

/// A golden by its path below this folder.
pub fn file(path: &str) -> Option<&'static [u8]> {
    FOLDER.get_file(path).map(|file| file.contents())
}

/// Every golden: path below this folder and bytes, sorted by path.
pub fn files() -> Vec<(&'static str, &'static [u8])> {
    let found = FOLDER.find("**/*.snap").into_iter().flatten();
    let files = found.filter_map(|entry| entry.as_file());
    let mut files: Vec<_> = files
        .filter_map(|file| Some((file.path().to_str()?, file.contents())))
        .collect();
    files.sort_unstable();
    files
}
