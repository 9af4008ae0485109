//! Settings of the calling thread's network namespace, as `/proc` shows them.

use std::fs;
use std::path::Path;

use super::entry::{Entry, Sysctl};

const SETTINGS: &str = "/proc/sys/net";
/// A count, not a setting.
const CONNTRACK_COUNT: &str = "netfilter/nf_conntrack_count";

/// All settings, sorted.
pub(super) fn sysctls() -> Vec<Entry> {
    let mut found = Vec::new();
    add_settings(Path::new(SETTINGS), &mut found);
    found.sort();
    found.into_iter().map(Entry::Sysctl).collect()
}

fn add_settings(folder: &Path, found: &mut Vec<Sysctl>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            add_settings(&path, found);
        } else if !path.ends_with(CONNTRACK_COUNT)
            // Some are for writing only.
            && let Ok(value) = fs::read_to_string(&path)
        {
            let name = path.strip_prefix(SETTINGS).unwrap_or(&path);
            found.push(Sysctl {
                name: name.display().to_string(),
                value: value.trim_end().to_owned(),
            });
        }
    }
}
