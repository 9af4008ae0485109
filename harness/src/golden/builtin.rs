//! The golden of a case: a file's, or the one that the program carries for a case that it carries.

use std::path::Path;

use super::file::{Golden, GoldenError, golden_file, parse, read};
use crate::case::Case;

/// Reads the golden of a case, `None` if there is none yet. What the folder has comes before what the program carries, and a
/// case that somebody wrote never has a golden of the program's.
///
/// # Errors
/// As [`read`].
pub fn read_of(folder: &Path, case: &Case) -> Result<Option<Golden>, GoldenError> {
    let id = case.id.as_str();
    let found = read(folder, id)?;
    Ok(found.or_else(|| builtin(id).filter(|_| case.is_builtin())))
}

/// The golden that the program carries for a case of this id.
pub fn builtin(id: &str) -> Option<Golden> {
    let path = golden_file(Path::new(""), id);
    parse(std::str::from_utf8(goldpath_golden::file(path.to_str()?)?).ok()?)
}
