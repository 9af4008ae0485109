//! The two programs that hide behind the name `iptables`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which implementation runs a case's `iptables` commands.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// Rules become nftables rules, which nft's trace sees.
    IptablesNft,
    /// Rules go into the kernel's x_tables.
    IptablesLegacy,
}

impl Backend {
    /// Both.
    pub const ALL: [Self; 2] = [Self::IptablesNft, Self::IptablesLegacy];

    /// The program to run where a case says `program`.
    pub fn resolve(self, program: &str) -> String {
        let suffix = match self {
            Self::IptablesNft => "nft",
            Self::IptablesLegacy => "legacy",
        };
        for family in ["iptables", "ip6tables"] {
            if let Some(tool @ ("" | "-save" | "-restore")) = program.strip_prefix(family) {
                return format!("{family}-{suffix}{tool}");
            }
        }
        program.to_string()
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IptablesNft => "iptables-nft",
            Self::IptablesLegacy => "iptables-legacy",
        })
    }
}

/// A back end's name that isn't one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no back end; there are iptables-nft and iptables-legacy")]
pub struct UnknownBackend(String);

impl FromStr for Backend {
    type Err = UnknownBackend;

    fn from_str(text: &str) -> Result<Self, UnknownBackend> {
        Self::ALL
            .into_iter()
            .find(|one| one.to_string() == text)
            .ok_or_else(|| UnknownBackend(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tools_of_iptables_are_resolved() {
        assert_eq!(Backend::IptablesNft.resolve("iptables"), "iptables-nft");
        assert_eq!(
            Backend::IptablesLegacy.resolve("iptables-save"),
            "iptables-legacy-save"
        );
        assert_eq!(
            Backend::IptablesLegacy.resolve("ip6tables-restore"),
            "ip6tables-legacy-restore"
        );
        assert_eq!(
            Backend::IptablesNft.resolve("iptables-legacy"),
            "iptables-legacy"
        );
        assert_eq!(Backend::IptablesNft.resolve("ip"), "ip");
    }

    #[test]
    fn a_back_end_reads_what_it_writes() {
        for backend in Backend::ALL {
            assert_eq!(backend.to_string().parse(), Ok(backend));
        }
        assert!("iptables".parse::<Backend>().is_err());
    }
}
