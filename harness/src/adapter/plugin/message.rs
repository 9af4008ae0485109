//! The protocol's messages. The doc comments here are the descriptions of its JSON schema.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::wire;
use crate::adapter::{AdapterError, Scenario};
use crate::case::Feature;
use crate::program::unseen;

/// Version of the protocol. It grows when a field changes its meaning or goes away.
const PROTOCOL: u32 = 2;

/// Verbs that a program may be sent.
const VERBS: [&str; 6] = ["info", "setup", "remove", "add", "check", "teardown"];

/// Characters that a name or a version may have.
const LONGEST: usize = 100;

/// What goldpath writes to the program's standard input: one object, then end of file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub enum Question {
    /// Who are you, and what can you do? Nothing exists yet, and nothing may be changed.
    Info {
        /// Version of this protocol.
        protocol: u32,
        /// Verbs that goldpath may send. Later versions may have more.
        verbs: Vec<String>,
        /// Features that goldpath knows. Later versions may have more: claim only what is here.
        features: Vec<Feature>,
    },
    /// Make the scenario true in the network namespace that you run in, which is the host's.
    Setup {
        /// Version of this protocol.
        protocol: u32,
        #[serde(flatten)]
        /// What to make, and where.
        work: Work,
    },
    /// End this container while the others stay. Asked for only if you claim `replace`.
    Remove {
        /// Version of this protocol.
        protocol: u32,
        /// The container that ends.
        container: String,
        #[serde(flatten)]
        /// What shall be true afterwards, and where.
        work: Work,
    },
    /// Start this container beside the others, or refuse and leave nothing of it. Asked for only if you claim `replace`.
    Add {
        /// Version of this protocol.
        protocol: u32,
        /// The container that starts.
        container: String,
        #[serde(flatten)]
        /// What shall be true afterwards, and where.
        work: Work,
    },
    /// Is all as you made it? What is not is an `error`. Asked for only if you claim `check`.
    Check {
        /// Version of this protocol.
        protocol: u32,
        #[serde(flatten)]
        /// What was made, and where.
        work: Work,
    },
    /// Undo it, down to the last rule. Go on after errors. It is the work that is true now.
    Teardown {
        /// Version of this protocol.
        protocol: u32,
        #[serde(flatten)]
        /// What was made, and where.
        work: Work,
    },
}

/// What to make, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Work {
    /// The intended network.
    #[serde(serialize_with = "wire::write")]
    #[schemars(with = "wire::Intended")]
    pub scenario: Scenario,
    /// Path of each container's network namespace, as `/run/netns/c1`: `ip netns exec c1` works, too. Empty if you
    /// bring the namespaces.
    pub namespaces: BTreeMap<String, String>,
    /// A folder to keep state in from `setup` to `teardown`.
    pub folder: String,
}

/// The answer to `info`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Info {
    /// Version of the protocol that you speak: the one of the question.
    #[serde(default = "first")]
    pub protocol: u32,
    /// Your name in reports: one line of at most 100 characters.
    pub name: String,
    /// Your version: one line of at most 100 characters.
    pub version: String,
    /// What you can do, of the features in the question. Cases that need more are listed as not supported.
    #[schemars(with = "Vec<Feature>")]
    features: Vec<String>,
    /// Verbs that you answer beside `setup`, `teardown` and those that your features ask for, of the verbs in the question.
    #[serde(default)]
    verbs: Vec<String>,
    /// Programs that take part, with their versions.
    #[serde(default)]
    pub tools: BTreeMap<String, String>,
    /// Whether you make the containers' namespaces. Then answer `setup` with a process in each.
    #[serde(default, rename = "brings-namespaces")]
    pub brings_namespaces: bool,
}

/// The answer to `setup`, `remove`, `add`, `check` and `teardown`: `{}` if all went well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// Why it failed, for a person. An exit status other than 0 says the same, with standard error as the reason.
    #[serde(default)]
    pub error: Option<String>,
    /// `setup` and `add`, if you bring the namespaces: a process in each container's, by container.
    #[serde(default)]
    pub pids: BTreeMap<String, u32>,
}

/// All messages, for the schema.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Messages {
    /// What you read.
    question: Question,
    /// What you write when asked for `info`.
    info: Info,
    /// What you write when asked for anything else.
    done: Done,
}

/// The protocol's JSON schema, as checked in beside this crate.
pub fn plugin_schema() -> String {
    let schema = schemars::schema_for!(Messages);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

impl Question {
    /// Who are you?
    pub fn info() -> Self {
        Self::Info {
            protocol: PROTOCOL,
            verbs: VERBS.map(String::from).to_vec(),
            features: Feature::ALL.to_vec(),
        }
    }

    /// Make this true.
    pub fn setup(work: Work) -> Self {
        Self::Setup {
            protocol: PROTOCOL,
            work,
        }
    }

    /// End this container.
    pub fn remove(container: &str, work: Work) -> Self {
        Self::Remove {
            protocol: PROTOCOL,
            container: container.to_owned(),
            work,
        }
    }

    /// Start this container.
    pub fn add(container: &str, work: Work) -> Self {
        Self::Add {
            protocol: PROTOCOL,
            container: container.to_owned(),
            work,
        }
    }

    /// Is this still true?
    pub fn check(work: Work) -> Self {
        Self::Check {
            protocol: PROTOCOL,
            work,
        }
    }

    /// Undo this.
    pub fn teardown(work: Work) -> Self {
        Self::Teardown {
            protocol: PROTOCOL,
            work,
        }
    }

    /// The verb.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Info { .. } => "info",
            Self::Setup { .. } => "setup",
            Self::Remove { .. } => "remove",
            Self::Add { .. } => "add",
            Self::Check { .. } => "check",
            Self::Teardown { .. } => "teardown",
        }
    }

    /// As it is written to the program.
    pub fn text(&self) -> String {
        // Names, numbers and addresses: nothing that JSON cannot hold.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Reads an answer.
///
/// # Errors
/// It is no JSON, or not of the protocol's form.
pub(super) fn answer<T: DeserializeOwned>(
    question: &Question,
    said: &str,
) -> Result<T, AdapterError> {
    // serde also reads an object from an array of its fields.
    let is_other = !said.trim().is_empty() && !said.trim_start().starts_with('{');
    let read = if is_other {
        Err(serde::de::Error::custom("it is not one JSON object"))
    } else {
        serde_json::from_str(said)
    };
    read.map_err(|error| AdapterError::unread(question.verb(), &error, said))
}

/// What an answer to `info` means that says no version.
fn first() -> u32 {
    1
}

impl Info {
    /// What it can do.
    pub fn features(&self) -> BTreeSet<Feature> {
        let known = |name: &String| Feature::ALL.iter().find(|one| one.as_str() == name);
        self.features.iter().filter_map(known).copied().collect()
    }

    /// Why goldpath cannot work with a program that answers so: another version, or words that were not in the question.
    pub(super) fn is_not_spoken(&self) -> Option<String> {
        match self.protocol {
            PROTOCOL => {}
            1 => {
                return Some(format!(
                    "it speaks protocol 1, this goldpath speaks {PROTOCOL}. Say \"protocol\": {PROTOCOL} in it; a network has \
                     `subnets` (each with `subnet` and `gateway`) in place of `subnet` and `gateway`, and a container is \
                     attached to `networks` (a list, each with `name` and `addresses`) in place of `network` (with `address`)"
                ));
            }
            other => {
                return Some(format!(
                    "it speaks protocol {other}, this goldpath speaks {PROTOCOL}: answer in the question's version"
                ));
            }
        }
        let is_feature = |name: &str| Feature::ALL.iter().any(|one| one.as_str() == name);
        let features = self.features.iter();
        let feature = features.map(|name| ("features", name, is_feature(name)));
        let verbs = self.verbs.iter();
        let verb = verbs.map(|name| ("verbs", name, VERBS.contains(&name.as_str())));
        let (field, name, _) = feature.chain(verb).find(|(.., is_known)| !is_known)?;
        Some(format!(
            "`{field}` has `{}`, which is not in the question's `{field}`: claim only what both sides know",
            crate::program::shown(name)
        ))
    }

    /// What is wrong with what the program calls itself and others; none if it can be shown in one line and be part of a
    /// file's name.
    pub(super) fn mistake(&self) -> Option<String> {
        let tools = self.tools.iter();
        let tools = tools.flat_map(|(name, version)| [("tools", name), ("tools", version)]);
        let own = [("name", &self.name), ("version", &self.version)];
        let is_dots = self.name.chars().all(|c| c == '.');
        let wrong = own.into_iter().chain(tools).find_map(|(field, text)| {
            let length = text.chars().count();
            let what = if text.trim().is_empty() {
                String::from("is empty")
            } else if length > LONGEST {
                format!("has {length} characters, at most {LONGEST} are shown")
            } else {
                format!("has the character U+{:04X}", u32::from(unseen(text)?))
            };
            Some(format!("`{field}` {what}"))
        });
        wrong.or_else(|| is_dots.then(|| String::from("`name` is no name of a file")))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use crate::adapter::Pool;
    use crate::address::PerFamily;

    use super::*;
    use crate::adapter::{Attached, ScenarioContainer, ScenarioNetwork};

    #[test]
    fn the_schema_is_the_checked_in_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/plugin.schema.json");
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            kept == plugin_schema(),
            "run: goldpath schema plugin > harness/plugin.schema.json"
        );
    }

    #[test]
    fn an_empty_answer_is_told_as_one() {
        let error = answer::<Done>(&Question::info(), " \n").expect_err("no JSON");
        insta::assert_snapshot!(error, @"the answer to info: it wrote nothing to its standard output; one JSON object is expected");
        let refused = AdapterError::Refused {
            question: String::from("setup of mine"),
            message: String::from(" "),
        };
        insta::assert_snapshot!(refused, @"setup of mine: it refused and gave no reason (an empty error)");
    }

    #[test]
    fn another_protocol_and_words_of_nobody_are_refused_with_what_to_change() {
        let refused = |said: &str| {
            let info = answer::<Info>(&Question::info(), said).expect("of the form");
            info.is_not_spoken().unwrap_or_default()
        };
        let info = |more: &str| format!(r#"{{"name": "mine", "version": "1", {more}}}"#);
        assert_eq!(
            refused(&info(
                r#""protocol": 2, "features": ["bridge"], "verbs": ["check"]"#
            )),
            ""
        );
        let old = refused(&info(r#""features": ["bridge"]"#));
        for word in [
            "protocol 1",
            "\"protocol\": 2",
            "`subnets`",
            "`networks`",
            "`addresses`",
        ] {
            assert!(old.contains(word), "no {word} in {old}");
        }
        let new = refused(&info(r#""protocol": 3, "features": []"#));
        assert!(new.starts_with("it speaks protocol 3"), "{new}");
        let typo = refused(&info(r#""protocol": 2, "features": ["brigde"]"#));
        assert!(typo.starts_with("`features` has `brigde`"), "{typo}");
        let verb = refused(&info(
            r#""protocol": 2, "features": [], "verbs": ["reload"]"#,
        ));
        assert!(verb.starts_with("`verbs` has `reload`"), "{verb}");
    }

    #[test]
    fn every_list_of_the_scenario_is_one() {
        let scenario = Scenario {
            networks: vec![ScenarioNetwork {
                name: "front".into(),
                pools: PerFamily::from(Pool::of("10.77.1.0/24".parse().expect("a subnet"))),
                internal: false,
                mtu: None,
            }],
            containers: vec![ScenarioContainer {
                name: "c1".into(),
                attached: Attached::Network {
                    name: "front".into(),
                    addresses: IpAddr::from([10, 77, 1, 9]).into(),
                },
                publish: Vec::new(),
            }],
        };
        let question = Question::setup(Work {
            scenario,
            namespaces: BTreeMap::new(),
            folder: String::from("/run/goldpath"),
        });
        let written = serde_json::to_value(&question).expect("JSON");
        let expected = serde_json::json!({
            "networks": [{
                "name": "front",
                "subnets": [{ "subnet": "10.77.1.0/24", "gateway": "10.77.1.1" }],
                "internal": false,
                "mtu": null,
            }],
            "containers": [{
                "name": "c1",
                "attached": { "networks": [{ "name": "front", "addresses": ["10.77.1.9"] }] },
                "publish": [],
            }],
        });
        assert_eq!(written["scenario"], expected);
    }

    #[test]
    fn an_answer_that_is_no_object_is_refused() {
        for said in ["[]", "[null, {}]", "\"ok\"", "null"] {
            let error = answer::<Done>(&Question::info(), said).expect_err(said);
            assert!(
                error.to_string().contains("it is not one JSON object"),
                "{error}"
            );
        }
        assert_eq!(
            answer::<Done>(&Question::info(), " {}\n").ok(),
            Some(Done::default())
        );
    }

    #[test]
    fn an_answer_with_a_word_that_is_not_of_the_protocol_is_refused() {
        let said = r#"{"protocol": 2, "name": "mine", "version": "1", "features": ["bridge"], "feature": []}"#;
        let error = answer::<Info>(&Question::info(), said).expect_err("unknown field");
        assert!(
            error.to_string().contains("unknown field `feature`"),
            "{error}"
        );
    }
}
