//! A step as it is written: known words, and for every other key a node's commands. Read by hand, because serde's
//! `flatten` would lose the positions that diagnostics point at.

use std::fmt;

use schemars::{JsonSchema, Schema};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use super::one_or_many::OneOrMany;
use super::step_tables::{
    CheckFile, ExpectFile, ListenFile, ListingFile, ProbeFile, RouteFile, SameFile, SightingFile,
    TeardownFile,
};
use super::vocabulary::Table;

/// One step. Commands come first, then services, then what must hold. Any other key is a node's name, and its value the
/// list of commands to run there.
#[derive(Debug, Default, JsonSchema)]
#[schemars(rename = "Step", transform = commands_by_node)]
pub(super) struct StepFile {
    /// Contract cases: a container that ends now.
    #[schemars(with = "Option<String>")]
    pub(super) remove: Option<Spanned<String>>,
    /// Contract cases: a container that has vanished with its namespace, and is removed now.
    #[schemars(with = "Option<String>")]
    pub(super) lose: Option<Spanned<String>>,
    /// Contract cases: a container that starts now. It is not there before.
    #[schemars(with = "Option<String>")]
    pub(super) add: Option<Spanned<String>>,
    /// Contract cases: a container that the implementation must refuse now, and undo what it began.
    #[schemars(with = "Option<String>")]
    pub(super) refused: Option<Spanned<String>>,
    /// Contract cases: the implementation is asked whether all is as it made it.
    #[schemars(with = "Option<CheckFile>")]
    pub(super) check: Option<Spanned<CheckFile>>,
    /// Contract cases, last step: the implementation undoes everything.
    #[schemars(with = "Option<TeardownFile>")]
    pub(super) teardown: Option<Spanned<TeardownFile>>,
    /// An echo service on a node until the case ends, or several.
    #[schemars(with = "Option<OneOrMany<ListenFile>>")]
    pub(super) listen: OneOrMany<ListenFile>,
    /// Contract cases: a route to add before the probe, or several.
    #[schemars(with = "Option<OneOrMany<RouteFile>>")]
    pub(super) route: OneOrMany<RouteFile>,
    /// A marked packet to send.
    #[schemars(with = "Option<ProbeFile>")]
    pub(super) probe: Option<Spanned<ProbeFile>>,
    /// How the probe's path must end.
    #[schemars(with = "Option<ExpectFile>")]
    pub(super) expect: Option<Spanned<ExpectFile>>,
    /// Frames of the probe that must have been seen.
    #[schemars(with = "Option<OneOrMany<SightingFile>>")]
    pub(super) seen: Option<Spanned<OneOrMany<SightingFile>>>,
    /// Frames of the probe that must not exist.
    #[schemars(with = "Option<OneOrMany<SightingFile>>")]
    pub(super) unseen: Option<Spanned<OneOrMany<SightingFile>>>,
    /// Chains of the host that must have spoken about the probe, as `filter/FORWARD`.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) meets: Option<Spanned<Vec<Spanned<String>>>>,
    /// Chains of the host that must not have spoken about the probe.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) avoids: Option<Spanned<Vec<Spanned<String>>>>,
    /// The exact main routing table of a node, or of several.
    #[schemars(with = "Option<OneOrMany<ListingFile>>")]
    pub(super) routes: OneOrMany<ListingFile>,
    /// The exact interfaces of a node, or of several.
    #[schemars(with = "Option<OneOrMany<ListingFile>>")]
    pub(super) interfaces: OneOrMany<ListingFile>,
    /// Nodes that share one network namespace.
    #[schemars(with = "Option<SameFile>")]
    pub(super) same: Option<SameFile>,
    /// Contract cases: every question of this moment is asked here instead of after the last step.
    #[schemars(with = "Option<Table>")]
    pub(super) table: Option<Spanned<String>>,
    /// Every other key, in file order.
    #[schemars(skip)]
    pub(super) others: Vec<(Spanned<String>, Spanned<Commands>)>,
}

impl StepFile {
    /// The words that are no nodes.
    pub(super) const WORDS: [&str; 18] = [
        "remove",
        "lose",
        "add",
        "refused",
        "check",
        "teardown",
        "listen",
        "route",
        "probe",
        "expect",
        "seen",
        "unseen",
        "meets",
        "avoids",
        "routes",
        "interfaces",
        "same",
        "table",
    ];
}

/// Lets the schema accept a list of commands under every other key.
fn commands_by_node(schema: &mut Schema) {
    let commands = schemars::json_schema!({
        "description": "Commands that run in the node of this name, in order, without a shell.",
        "type": "array",
        "items": { "type": "string" },
    });
    schema.insert("additionalProperties".to_owned(), commands.to_value());
}

/// The value under a node's key, or whatever else stands there; what it must be depends on the key.
#[derive(Debug)]
pub(super) enum Commands {
    /// A list, of texts as it should be (`Some`) or of something else.
    List(Vec<Spanned<Option<String>>>),
    /// No list.
    Other,
}

impl<'de> Deserialize<'de> for Commands {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Anything;
        impl<'de> Visitor<'de> for Anything {
            type Value = Commands;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of commands")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Commands, A::Error> {
                let mut list = Vec::new();
                while let Some(entry) = seq.next_element::<Spanned<Entry>>()? {
                    let span = entry.span();
                    list.push(Spanned::new(span, entry.into_inner().0));
                }
                Ok(Commands::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Commands, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Commands::Other)
            }
            fn visit_str<E>(self, _: &str) -> Result<Commands, E> {
                Ok(Commands::Other)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Commands, E> {
                Ok(Commands::Other)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Commands, E> {
                Ok(Commands::Other)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Commands, E> {
                Ok(Commands::Other)
            }
        }
        deserializer.deserialize_any(Anything)
    }
}

/// An element of a list of commands, if it is a text.
#[derive(Debug)]
struct Entry(Option<String>);

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Entry;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a command")
            }
            fn visit_str<E>(self, text: &str) -> Result<Entry, E> {
                Ok(Entry(Some(text.to_owned())))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Entry(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Entry, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Entry(None))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Entry, E> {
                Ok(Entry(None))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Entry, E> {
                Ok(Entry(None))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Entry, E> {
                Ok(Entry(None))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl<'de> Deserialize<'de> for StepFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = StepFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a step")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StepFile, A::Error> {
                let mut step = StepFile::default();
                while let Some(key) = map.next_key::<Spanned<String>>()? {
                    match key.get_ref().as_str() {
                        "remove" => step.remove = Some(map.next_value()?),
                        "lose" => step.lose = Some(map.next_value()?),
                        "add" => step.add = Some(map.next_value()?),
                        "refused" => step.refused = Some(map.next_value()?),
                        "check" => step.check = Some(map.next_value()?),
                        "teardown" => step.teardown = Some(map.next_value()?),
                        "listen" => step.listen = map.next_value()?,
                        "route" => step.route = map.next_value()?,
                        "probe" => step.probe = Some(map.next_value()?),
                        "expect" => step.expect = Some(map.next_value()?),
                        "seen" => step.seen = Some(map.next_value()?),
                        "unseen" => step.unseen = Some(map.next_value()?),
                        "meets" => step.meets = Some(map.next_value()?),
                        "avoids" => step.avoids = Some(map.next_value()?),
                        "routes" => step.routes = map.next_value()?,
                        "interfaces" => step.interfaces = map.next_value()?,
                        "same" => step.same = Some(map.next_value()?),
                        "table" => step.table = Some(map.next_value()?),
                        _ => step.others.push((key, map.next_value()?)),
                    }
                }
                // The map comes sorted by key; what runs first is what stands first.
                step.others.sort_by_key(|(key, _)| key.span().start);
                Ok(step)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}
