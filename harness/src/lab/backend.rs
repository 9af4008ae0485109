//! The two programs that hide behind the name `iptables`.

use crate::case::Backend;

/// The program to run where a case says `program`: as it is written where no back end is meant.
pub(super) fn resolve(backend: Option<Backend>, program: &str) -> String {
    let suffix = match backend {
        Some(Backend::IptablesNft) => "nft",
        Some(Backend::IptablesLegacy) => "legacy",
        None => return program.to_string(),
    };
    for family in ["iptables", "ip6tables"] {
        if let Some(tool @ ("" | "-save" | "-restore")) = program.strip_prefix(family) {
            return format!("{family}-{suffix}{tool}");
        }
    }
    program.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tools_of_iptables_are_resolved() {
        let nft = |program| resolve(Some(Backend::IptablesNft), program);
        let legacy = |program| resolve(Some(Backend::IptablesLegacy), program);
        assert_eq!(nft("iptables"), "iptables-nft");
        assert_eq!(legacy("iptables-save"), "iptables-legacy-save");
        assert_eq!(legacy("ip6tables-restore"), "ip6tables-legacy-restore");
        assert_eq!(nft("iptables-legacy"), "iptables-legacy");
        assert_eq!(nft("ip"), "ip");
        assert_eq!(resolve(None, "iptables"), "iptables");
    }
}
