//! Which trials a pattern means.

use super::TrialId;
use crate::case::glob;

/// Between a case and what runs it.
const SEPARATOR: &str = "::";

/// Whether a pattern `CASE::REST` means a trial: its case by a part, a glob or the whole, and what follows likewise.
pub fn is_meant_by(id: &TrialId, pattern: &str) -> bool {
    let Some((case, rest)) = pattern.split_once(SEPARATOR) else {
        return false;
    };
    let own = format!("{}/{}", id.subject, id.family);
    let means = |text: &str, pattern: &str| match pattern.contains('*') {
        true => glob(text, pattern),
        false => text.contains(pattern),
    };
    means(&id.case, case) && means(&own, rest)
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
