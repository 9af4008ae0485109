//! The case files of goldpath. The test target `conformance` runs each of them as a trial.

use include_dir::{Dir, include_dir};

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR");

/// Every case file, the format's description and its schema: path below this folder and bytes, sorted by path.
pub fn files() -> Vec<(&'static str, &'static [u8])> {
    let patterns = ["*/**/*.toml", "README.md", "case.schema.json"];
    let found = patterns.iter().flat_map(|pattern| FOLDER.find(pattern));
    let files = found.flatten().filter_map(|entry| entry.as_file());
    let mut files: Vec<_> = files
        .filter_map(|file| Some((file.path().to_str()?, file.contents())))
        .collect();
    files.sort_unstable();
    files
}
