//! Known defects of engine versions, as data: `expected.toml`.

use std::cmp::Ordering;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer};

use super::Implementation;
use crate::case::{OneOrMany, glob};
use crate::finding::Defect;

/// The checked-in entries.
const ENTRIES: &str = include_str!("expected.toml");

/// A defect that is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The implementations: by what was asked for, or what they call themselves.
    pub implementations: Vec<String>,
    /// The program that has the defect, as `tools` of the report call it; the implementation itself if absent.
    pub program: Option<String>,
    /// Versions that have the defect.
    pub versions: Versions,
    /// An option of the engine's own, or a word of the conflist, with which it shows, with `*` for any text; shown with all if
    /// absent.
    pub option: Option<String>,
    /// The whole version of that program, as the report shows it, with `*` for any text: for a defect of somebody's build.
    pub build: Option<String>,
    /// The cases that show it; every one if there are none.
    #[serde(default, rename = "case", deserialize_with = "one_or_many")]
    pub cases: Vec<String>,
    /// The rules of the intent that it breaks, in each of that case's questions that the other words fit. Without rules it is
    /// about what the case's own steps say.
    #[serde(default)]
    pub rules: Vec<String>,
    /// The protocol of those questions; each if absent.
    pub by: Option<String>,
    /// What is left behind, as the report names it, with `*` for any text, where `rules` are kinds of that; anything if absent.
    pub left: Option<String>,
    /// What else must be so. Of a case's own steps it can only be a [lost announcement](Circumstance::AnnouncementLost).
    #[serde(default)]
    pub when: Vec<Circumstance>,
    /// Where it is tracked: an issue or a CVE.
    pub issue: String,
    /// What is wrong, in one sentence.
    pub why: String,
}

impl Expected {
    /// The defect, as reports have it.
    pub fn defect(&self) -> Defect {
        Defect {
            issue: self.issue.clone(),
            why: self.why.clone(),
            at_times: self.when.contains(&Circumstance::AnnouncementLost),
        }
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(text: D) -> Result<Vec<String>, D::Error> {
    OneOrMany::deserialize(text).map(|OneOrMany(all)| all)
}

/// Stands for every rule in an entry that says `when`.
pub const EVERY_RULE: &str = "*";

/// What a defect of the intent's questions depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Circumstance {
    /// The host forwarded before the implementation came.
    Forwards,
    /// iptables sees bridged packets.
    BridgeNetfilter,
    /// A container asks itself, by whichever address.
    Itself,
    /// The question is about an address that is on an internal network.
    Internal,
    /// A network has lost its last container.
    NetworkEnded,
    /// A container was refused before.
    ContainerRefused,
    /// A removal or teardown came when a container had vanished.
    ContainerVanished,
    /// Who asks or answers knows its gateway by a hardware address that is no longer its own, now or at an earlier table.
    GatewayMoved,
    /// A container came whose link announces its address (`arp_notify`), and who knew the address goes on knowing it by another
    /// hardware address. Of a question, that it asks or answers; of a case's own steps, that it came in one of them.
    AnnouncementLost,
    /// The question is about a number that two containers publish by its protocol, each on another address of the host.
    SameNumber,
    /// A person's mark of the connection says whether or where it goes on: the person's own rules are there, or who asks
    /// stands on the host's second uplink.
    ConnectionMarked,
}

/// A question that was not answered as the intent says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedCell<'a> {
    /// The rule's id.
    pub rule: &'a str,
    /// `icmp`, `tcp` or `udp`.
    pub by: &'static str,
    /// What was left behind, if it is about that.
    pub left: Option<&'a str>,
    /// What holds for it.
    pub circumstances: Vec<Circumstance>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entries {
    #[serde(default)]
    expected: Vec<Expected>,
}

/// A range of versions, as `>=1.13, <28.0`: all bounds hold. `*` holds for every version, also an unknown one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Versions(Vec<(Bound, Vec<u64>)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    From,
    After,
    Before,
    UpTo,
    Exactly,
}

/// Not a range of versions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a range of versions; write `*`, `<28.0` or `>=1.13, <28.0`")]
pub struct VersionsError(String);

impl TryFrom<String> for Versions {
    type Error = VersionsError;

    fn try_from(text: String) -> Result<Self, VersionsError> {
        if text.trim() == "*" {
            return Ok(Self(Vec::new()));
        }
        let wrong = || VersionsError(text.clone());
        let bound = |part: &str| {
            let part = part.trim();
            // The longer sign first: `<` begins both.
            let signs = [
                (">=", Bound::From),
                ("<=", Bound::UpTo),
                (">", Bound::After),
                ("<", Bound::Before),
                ("=", Bound::Exactly),
            ];
            let (sign, bound) = signs.into_iter().find(|(sign, _)| part.starts_with(sign))?;
            let number = part[sign.len()..].trim();
            let is_number = number.chars().all(|c| c.is_ascii_digit() || c == '.');
            let numbers = numbers(number);
            (is_number && !numbers.is_empty()).then_some((bound, numbers))
        };
        let bounds: Option<Vec<_>> = text.split(',').map(bound).collect();
        bounds.map(Self).ok_or_else(wrong)
    }
}

impl Versions {
    /// Whether a version lies in the range.
    pub fn contain(&self, version: &str) -> bool {
        let version = numbers(version);
        self.0.iter().all(|(bound, limit)| {
            let order = compare(&version, limit);
            !version.is_empty()
                && match bound {
                    Bound::From => order != Ordering::Less,
                    Bound::After => order == Ordering::Greater,
                    Bound::Before => order == Ordering::Less,
                    Bound::UpTo => order != Ordering::Greater,
                    Bound::Exactly => order == Ordering::Equal,
                }
        })
    }
}

/// The numbers at a version's beginning: 20, 10 and 24 of `20.10.24+dfsg1`.
fn numbers(version: &str) -> Vec<u64> {
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.');
    let digits = &version[..end.unwrap_or(version.len())];
    digits
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}

/// Compares number by number; `1.4` is `1.4.0`.
fn compare(one: &[u64], two: &[u64]) -> Ordering {
    let length = one.len().max(two.len());
    let at = |numbers: &[u64], place: usize| numbers.get(place).copied().unwrap_or(0);
    (0..length)
        .map(|place| at(one, place).cmp(&at(two, place)))
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

/// The entries. A test holds that they are well-formed.
static KNOWN: LazyLock<Vec<Expected>> = LazyLock::new(|| parse(ENTRIES).unwrap_or_default());

/// Reads somebody's own entries.
///
/// # Errors
/// They are not in the format of `expected.toml`; the error tells the place.
pub(super) fn parse(text: &str) -> Result<Vec<Expected>, toml::de::Error> {
    toml::from_str(text).map(|entries: Entries| entries.expected)
}

/// Why this implementation is expected to fail the steps of this case, if it is: by `own` entries first. `seen` is what was so in
/// one of them.
pub fn expected<'a>(
    found: &Implementation,
    case: &str,
    seen: &[Circumstance],
    own: &'a [Expected],
) -> Option<&'a Expected> {
    first(found, case, own, |entry| {
        entry.rules.is_empty() && entry.when.iter().all(|one| seen.contains(one))
    })
}

/// Why this implementation is expected to answer this question of a case's table otherwise, if it is: by `own` entries first.
pub fn expected_answer<'a>(
    found: &Implementation,
    case: &str,
    asked: &AskedCell<'_>,
    own: &'a [Expected],
) -> Option<&'a Expected> {
    first(found, case, own, |entry| {
        let holds = |one: &Circumstance| asked.circumstances.contains(one);
        let of_rule = |rule: &String| rule == EVERY_RULE || rule == asked.rule;
        let is_left = |one: &String| asked.left.is_some_and(|left| glob(left, one));
        entry.rules.iter().any(of_rule)
            && entry.left.as_ref().is_none_or(is_left)
            && entry.by.as_ref().is_none_or(|by| by == asked.by)
            && entry.when.iter().all(holds)
    })
}

fn first<'a>(
    found: &Implementation,
    case: &str,
    own: &'a [Expected],
    is_it: impl Fn(&Expected) -> bool,
) -> Option<&'a Expected> {
    let asked = |entry: &Expected| entry.implementations.contains(&found.name);
    // A plugin may call itself as it likes, and has none of what is known of others.
    let calls_itself = |entry: &Expected| {
        let name = found.calls_itself.as_ref();
        name.is_some_and(|name| entry.implementations.contains(name))
    };
    let own = own.iter().filter(|one| asked(one) || calls_itself(one));
    own.chain(KNOWN.iter().filter(|one| asked(one)))
        .find(|entry| {
            let version = || match &entry.program {
                Some(program) => found.version_of(program),
                None => found.version(),
            };
            let has = |option: &String| found.options.iter().any(|one| glob(one, option));
            let is_built = |build: &String| {
                let part = entry.program.as_ref().and_then(|one| found.parts.get(one));
                part.is_some_and(|part| glob(part.version(), build))
            };
            // Who has nothing known of this case is not asked for its version.
            (entry.cases.is_empty() || entry.cases.iter().any(|one| one == case))
                && is_it(entry)
                && entry.option.as_ref().is_none_or(has)
                && entry.build.as_ref().is_none_or(is_built)
                && entry.versions.contain(version())
        })
}

#[cfg(test)]
mod tests {
    use super::super::Part;
    use super::*;

    fn versions(text: &str) -> Versions {
        Versions::try_from(text.to_owned()).expect("a range")
    }

    #[test]
    fn a_range_has_its_ends() {
        let range = versions(">=1.13, <28.0");
        for inside in ["1.13", "20.10.24+dfsg1", "27.5.1", "1.13.0"] {
            assert!(range.contain(inside), "{inside}");
        }
        for outside in ["1.12.6", "28", "28.0.0", "29.1", ""] {
            assert!(!range.contain(outside), "{outside}");
        }
        assert!(versions("*").contain("unknown"));
        assert!(versions("=1.4").contain("1.4.0"));
        assert!(Versions::try_from(String::from("28.0")).is_err());
    }

    #[test]
    fn the_entries_read_and_name_cases_that_exist() {
        let entries = parse(ENTRIES).expect("well-formed");
        for entry in &entries {
            assert!(!entry.cases.is_empty() || !entry.rules.is_empty());
            assert!(entry.build.is_none() || entry.program.is_some());
            for case in &entry.cases {
                let file = format!("{}/../cases/{case}.toml", env!("CARGO_MANIFEST_DIR"));
                assert!(std::path::Path::new(&file).is_file(), "{file}");
            }
            assert!(entry.issue.contains('#') || entry.issue.starts_with("CVE-"));
        }
    }

    #[test]
    fn an_entry_is_found_by_name_version_and_case() {
        let case = "contract/publish/unpublished-on-a-host-that-forwards";
        let of = |version: &str| {
            let docker = Implementation::known("docker", version, [].into());
            expected(&docker, case, &[], &[])
        };
        assert!(of("20.10.24").is_some_and(|entry| entry.issue == "moby/moby#48724"));
        assert_eq!(of("28.1.0"), None);
    }

    #[test]
    fn an_entry_of_rules_is_about_the_questions_that_fit_it() {
        let docker = Implementation::known("docker", "20.10.24", [].into());
        let case = "contract/publish/udp-hairpin-itself";
        let of = |rule, by| {
            let circumstances = Vec::new();
            let asked = AskedCell {
                rule,
                by,
                left: None,
                circumstances,
            };
            expected_answer(&docker, case, &asked, &[])
        };
        assert!(of("hairpin", "udp").is_some());
        assert_eq!(of("hairpin", "tcp"), None);
        assert_eq!(of("published", "udp"), None);
        // It forwards only where the question says so.
        assert_eq!(of("hidden-ports", "tcp"), None);
    }

    #[test]
    fn what_may_be_left_behind_is_named() {
        let of = |left| {
            let asked = AskedCell {
                rule: "leftover-chain",
                by: "",
                left,
                circumstances: Vec::new(),
            };
            let parts = [("netavark".into(), Part::known("netavark 1.4.0"))];
            let podman = Implementation::known("podman", "4.3.1", parts.into());
            expected_answer(&podman, "explored/scenario-1", &asked, &[]).is_some()
        };
        assert!(of(Some("ip nat NETAVARK-DN-92583B9ACB519: of a network")));
        assert!(!of(Some("ip filter NETAVARK_FORWARD: of a network")));
        assert!(!of(None));
    }

    #[test]
    fn a_defect_of_an_option_is_one_of_those_who_have_it() {
        let of = |options: &[&str]| {
            let options = options.iter().map(ToString::to_string).collect();
            let cni = Implementation::known("cni", "1.9.1", [].into()).with_options(options);
            let case = "contract/lifecycle/teardown-without-the-container";
            expected(&cni, case, &[], &[]).is_some()
        };
        assert!(of(&["bridge.mtu=1450", "ptp.ipMasq=true"]));
        assert!(!of(&["bridge.ipMasq=false"]));
        assert!(!of(&[]));
    }

    #[test]
    fn a_defect_of_a_build_is_none_of_others() {
        let of = |version: &str| {
            let parts = [("bridge".into(), Part::known(version))];
            let cni = Implementation::known("cni", "1.9.1", parts.into());
            let options = vec![String::from("bridge.ipMasqBackend=nftables")];
            let case = "contract/lifecycle/teardown-leaves-nothing";
            expected(&cni.with_options(options), case, &[], &[]).is_some()
        };
        assert!(of("1.9.1+ds1-1"));
        assert!(!of("1.9.1"), "upstream's build knows the message");
    }

    #[test]
    fn a_defect_of_steps_that_shows_at_times_is_one_where_it_was_seen() {
        let podman = |netavark| {
            let parts = [("netavark".into(), Part::known(netavark))];
            Implementation::known("podman", "5.4.2", parts.into())
        };
        let case = "contract/lifecycle/returning-container-is-reached-at-once";
        let seen = [Circumstance::AnnouncementLost];
        let new = podman("netavark 1.14.0");
        let known = expected(&new, case, &seen, &[]).expect("it was seen");
        assert!(known.defect().at_times);
        assert_eq!(expected(&new, case, &[], &[]), None);
        // Older ones announce nothing: that is always so.
        let old = expected(&podman("netavark 1.4.0"), case, &[], &[]).map(Expected::defect);
        assert!(!old.expect("it is always so").at_times);
    }

    #[test]
    fn a_defect_of_a_program_goes_by_its_version() {
        let case = "contract/publish/tcp-from-another-network";
        let of = |netavark: &str| {
            let parts = [("netavark".into(), Part::known(netavark))];
            let podman = Implementation::known("podman", "4.3.1", parts.into());
            expected(&podman, case, &[], &[])
        };
        assert!(of("netavark 1.4.0").is_some());
        assert_eq!(of("netavark 2.1.0"), None);
    }
}
