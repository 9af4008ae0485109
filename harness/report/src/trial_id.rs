//! The one name of a trial: in lists, filters, reports, partitions, test runners and evidence folders.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Between a case and what it is put to.
const SEPARATOR: &str = "::";

/// A trial's name, written `CASE::SUBJECT/FAMILY`, as `article/a06::recipe/iptables-nft/ipv4` or `egress/x::docker/ipv4`. The
/// same in every run and on every machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct TrialId {
    /// The case's id.
    pub case: String,
    /// What it is put to: `recipe/BACKEND`, or an implementation as a person asks for it.
    pub subject: String,
    /// The address family; several joined by `+` in reports of format version 1.
    pub family: String,
}

/// Not a trial's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no trial: write CASE::SUBJECT/FAMILY, as article/a06::recipe/iptables-nft/ipv4")]
pub struct NoTrialId(String);

impl TrialId {
    /// Its folder below one for all trials. No two trials have the same, and no name in it needs quotes or is refused by a store of
    /// build artefacts.
    pub fn folder(&self) -> PathBuf {
        let subject = match self.subject.split_once('/') {
            Some(("recipe", backend)) => PathBuf::from("recipe").join(backend),
            _ => PathBuf::from(escaped(&self.subject)),
        };
        PathBuf::from(&self.case).join(subject).join(&self.family)
    }
}

/// A name as one component of a path: what is neither letter, digit nor one of `. _ = -` is written `%` and its bytes' numbers.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'=' | b'-' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

impl fmt::Display for TrialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{SEPARATOR}{}/{}",
            self.case, self.subject, self.family
        )
    }
}

impl FromStr for TrialId {
    type Err = NoTrialId;

    fn from_str(text: &str) -> Result<Self, NoTrialId> {
        let parts = text.split_once(SEPARATOR);
        let parts = parts.and_then(|(case, rest)| Some((case, rest.rsplit_once('/')?)));
        match parts {
            Some((case, (subject, family)))
                if ![case, subject, family].iter().any(|part| part.is_empty()) =>
            {
                Ok(Self {
                    case: case.to_owned(),
                    subject: subject.to_owned(),
                    family: family.to_owned(),
                })
            }
            _ => Err(NoTrialId(text.to_owned())),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = [
        "article/a06-x::recipe/iptables-nft/ipv4",
        "egress/x::recipe/ipv4",
        "egress/x::plugin:./my own/plugin/ipv4",
        "egress/x::plugin:._my own_plugin/ipv4",
        "egress/x::docker=./a{userland-proxy=false}/ipv4",
    ];

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for name in NAMES {
            assert_eq!(name.parse::<TrialId>().unwrap().to_string(), name);
        }
        for wrong in ["article/a06", "a::b", "::b/ipv4", "a::/ipv4", "a::b/"] {
            assert!(wrong.parse::<TrialId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_trial_has_a_folder_of_its_own() {
        let folder = |name: &str| name.parse::<TrialId>().unwrap().folder();
        assert_eq!(
            folder(NAMES[0]),
            PathBuf::from("article/a06-x/recipe/iptables-nft/ipv4")
        );
        assert_eq!(
            folder(NAMES[2]),
            PathBuf::from("egress/x/plugin%3A.%2Fmy%20own%2Fplugin/ipv4")
        );
        let folders: std::collections::BTreeSet<_> = NAMES.map(folder).into();
        assert_eq!(folders.len(), NAMES.len());
    }
}
