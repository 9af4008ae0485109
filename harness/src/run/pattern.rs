//! Which trials a pattern means.

use super::TrialId;
use crate::case::{glob, means};

/// Between a case and what runs it.
const SEPARATOR: &str = "::";

/// Whether a pattern `CASE::REST` means a trial: its case by a part, a glob, the whole or a profile, and what follows by the
/// first three.
pub fn is_meant_by(id: &TrialId, pattern: &str) -> bool {
    let Some((case, rest)) = pattern.split_once(SEPARATOR) else {
        return false;
    };
    let own = format!("{}/{}", id.subject, id.family);
    let is_meant = match rest.contains('*') {
        true => glob(&own, rest),
        false => own.contains(rest),
    };
    is_meant && means(&id.case, case)
}

/// The part of a pattern that is about cases: all of it, or what stands before `::`.
pub fn case_part(pattern: &str) -> &str {
    pattern
        .split_once(SEPARATOR)
        .map_or(pattern, |(case, _)| case)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const NAME: &str = "article/a06-x::recipe/iptables-nft/ipv4";

    #[test]
    fn a_pattern_means_trials_by_both_halves() {
        let id: TrialId = NAME.parse().unwrap();
        for pattern in [NAME, "a06::iptables-nft", "article/*::recipe/*", "::ipv4"] {
            assert!(is_meant_by(&id, pattern), "{pattern}");
        }
        for pattern in [
            "a06",
            "a06::iptables-legacy",
            "a07::iptables-nft",
            "a06::*nft",
        ] {
            assert!(!is_meant_by(&id, pattern), "{pattern}");
        }
    }
}
