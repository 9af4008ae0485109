//! Whether the kernel still has the tables of iptables-legacy: from 6.17 on many are built without them.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::find_program_for;
use crate::case::Backend;

/// Why this kernel can't hold rules for a back end, in the words of the back end's own program; `None` if it can, or if the
/// program is not installed, which is told elsewhere. Only legacy tables are asked about: a kernel without nf_tables can
/// trace nothing. The answer of the first call holds for the process; it is to be called inside the
/// [sandbox](super::sandbox), where the caller may list rules.
pub fn unsupported(backend: Backend) -> Option<&'static str> {
    static LEGACY: OnceLock<Option<String>> = OnceLock::new();
    match backend {
        Backend::IptablesNft => None,
        Backend::IptablesLegacy => LEGACY.get_or_init(|| refusal(backend)).as_deref(),
    }
}

/// What a back end's program complains about when it is to list the rules of the calling thread's network namespace.
pub fn refusal(backend: Backend) -> Option<String> {
    let path = find_program_for(backend, "iptables").ok()?;
    let mut command = Command::new(path);
    let listed = command
        .arg("-S")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output();
    match listed {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Some(said.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        Err(error) => Some(error.to_string()),
    }
}
