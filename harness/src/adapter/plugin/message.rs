//! The protocol's messages. The doc comments here are the descriptions of its JSON schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::adapter::{AdapterError, Scenario};
use crate::case::Feature;
use crate::program::unseen;

/// Version of the protocol. It grows when a field changes its meaning or goes away.
const PROTOCOL: u32 = 1;

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
    /// Your name in reports: one line of at most 100 characters.
    pub name: String,
    /// Your version: one line of at most 100 characters.
    pub version: String,
    /// What you can do. Cases that need more are listed as not supported.
    pub features: Vec<Feature>,
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
        Self::Info { protocol: PROTOCOL }
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
        // Names, numbers and addresses: nothing that JSON can't hold.
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

impl Info {
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
    use super::*;

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
        let said = r#"{"name": "mine", "version": "1", "features": ["bridge"], "feature": []}"#;
        let error = answer::<Info>(&Question::info(), said).expect_err("unknown field");
        assert!(
            error.to_string().contains("unknown field `feature`"),
            "{error}"
        );
    }
}
