//! The cases that the program carries, so that it works in any directory.

use std::path::{Path, PathBuf};

/// What names them where a directory of case files can be named. A directory of that name is `./builtin`.
pub const BUILTIN: &str = "builtin";

/// The directory that is meant if nobody names one: a checkout's, otherwise none but the cases that the program carries.
pub fn usual_cases() -> PathBuf {
    let checkout = Path::new("cases");
    if checkout.is_dir() {
        checkout.to_owned()
    } else {
        BUILTIN.into()
    }
}

/// Whether the cases that the program carries are among those of these directories.
pub(super) fn has_builtin(directories: &[PathBuf]) -> bool {
    directories.iter().any(|one| one == Path::new(BUILTIN))
}

/// The text of a case that the program carries.
pub fn builtin_text(id: &str) -> Option<String> {
    texts().find(|(one, _)| *one == id).map(|(_, text)| text)
}

/// The id of each case that the program carries.
pub fn builtin_ids() -> impl Iterator<Item = &'static str> {
    goldpath_cases::files()
        .into_iter()
        .filter_map(|(path, _)| path.strip_suffix(".toml"))
}

/// Each case that the program carries, by id, with its text.
pub(super) fn texts() -> impl Iterator<Item = (&'static str, String)> {
    goldpath_cases::files()
        .into_iter()
        .filter_map(|(path, bytes)| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            Some((path.strip_suffix(".toml")?, text))
        })
}
