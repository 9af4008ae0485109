//! Which version a plugin is of.

use std::path::Path;

use crate::adapter::Program;

/// `1.1.1` of `CNI bridge plugin v1.1.1`, which a plugin says when it is asked for nothing.
pub(super) fn plugin_version(path: &Path) -> String {
    let said = Program::new([path.display().to_string()]).complaint();
    let word = said.split_whitespace().find(|word| {
        let digits = word.strip_prefix('v').unwrap_or_default();
        digits.starts_with(|c: char| c.is_ascii_digit())
    });
    match word {
        Some(word) => word.trim_start_matches('v').to_owned(),
        None => packaged_version(path),
    }
}

/// Distributions build the plugins without their version; then their package manager knows it.
fn packaged_version(path: &Path) -> String {
    let path = path.display().to_string();
    let owner = Program::new(["dpkg-query", "--search", &path]).version();
    let Some((package, _)) = owner.split_once(':') else {
        return String::from("unknown");
    };
    Program::new(["dpkg-query", "--showformat=${Version}", "--show", package]).version()
}
