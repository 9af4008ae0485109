//! Whether the kernel still has the tables of iptables-legacy: from 6.17 on many are built without them.

use std::sync::OnceLock;

use super::backend::resolve;
use crate::case::Backend;
use crate::program::{Program, ProgramError, shown};

/// Why this kernel cannot hold rules for a back end, in the words of the back end's own program; `None` if it can, or if the
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
    match Program::new([resolve(Some(backend), "iptables").as_str(), "-S"]).run() {
        Ok(ended) if ended.status.success() => None,
        Ok(ended) => {
            let said = shown(&ended.stderr.text());
            Some(said.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        Err(ProgramError::Missing { .. }) => None,
        Err(error) => Some(error.to_string()),
    }
}
