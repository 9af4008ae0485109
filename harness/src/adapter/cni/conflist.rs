//! A list of plugins: somebody's file, or goldpath's own, and what it says.

use std::fmt::Display;
use std::path::Path;

use serde_json::{Value, json};

use crate::adapter::Versions;

/// The only plugin that can be told which addresses to give.
const ADDRESSES: &str = "host-local";
/// What a list without a version is in, as runtimes read it (libcni, `NetworkConfFromBytes`).
const FIRST_VERSION: &str = "0.1.0";

/// Reads a list. A configuration of one plugin is a list of one.
pub(super) fn read(path: &Path) -> Result<Value, String> {
    let wrong = |e: &dyn Display| format!("{}: {e}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| wrong(&e))?;
    parse(&text).map_err(|e| wrong(&e))
}

fn parse(text: &str) -> Result<Value, String> {
    let mut conflist: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if !conflist["name"].is_string() {
        return Err(String::from("it has no \"name\""));
    }
    if conflist["plugins"].is_null() && conflist["type"].is_string() {
        conflist = alone(conflist);
    }
    if plugins(&conflist).next().is_none() {
        return Err(String::from(
            "it has no \"plugins\", and no \"type\" that would make it the only one",
        ));
    }
    for (number, plugin) in plugins(&conflist).enumerate() {
        let which = number + 1;
        if !plugin["type"].is_string() {
            return Err(format!("plugin {which} has no \"type\""));
        }
        match plugin["ipam"]["type"].as_str() {
            Some(ADDRESSES) | None => {}
            Some(other) => {
                return Err(format!(
                    "plugin {which} has addresses from {other}; a case's addresses can be given by {ADDRESSES} only"
                ));
            }
        }
    }
    Ok(conflist)
}

/// The list of one plugin.
fn alone(mut plugin: Value) -> Value {
    let mut list = json!({});
    if let Some(words) = plugin.as_object_mut() {
        for key in ["cniVersion", "name"] {
            list[key] = words.remove(key).unwrap_or_default();
        }
    }
    list["plugins"] = json!([plugin]);
    list
}

/// Sets a word of a plugin: `portmap.backend=nftables`.
pub(super) fn set(conflist: &mut Value, option: &str) -> Result<(), String> {
    let parted = option.split_once('=').and_then(|(place, value)| {
        let (plugin, key) = place.split_once('.')?;
        Some((plugin, key, value))
    });
    let (plugin, key, value) =
        parted.ok_or_else(|| format!("'{option}': write PLUGIN.KEY=VALUE"))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    let all = conflist["plugins"].as_array_mut();
    let mut found = false;
    for one in all
        .into_iter()
        .flatten()
        .filter(|one| one["type"] == plugin)
    {
        one[key] = value.clone();
        found = true;
    }
    if found {
        Ok(())
    } else {
        Err(format!("'{option}': the chain has no plugin {plugin}"))
    }
}

/// What the plugins are told, as options would tell them: also what a conflist says by itself is a condition for declared
/// defects.
pub(super) fn words(conflist: &Value) -> Vec<String> {
    let mut words = Vec::new();
    for plugin in plugins(conflist) {
        let name = plugin["type"].as_str().unwrap_or_default();
        // What a bridge has if nobody says so (cni.dev, bridge plugin), where that is a defect of its own.
        if name == "bridge" && plugin["hairpinMode"].is_null() {
            words.push(String::from("bridge.hairpinMode=false"));
        }
        for (key, value) in plugin.as_object().into_iter().flatten() {
            match value {
                Value::String(text) => words.push(format!("{name}.{key}={text}")),
                Value::Bool(_) | Value::Number(_) => words.push(format!("{name}.{key}={value}")),
                _ => {}
            }
        }
    }
    words
}

pub(super) fn usual(version: &str) -> Value {
    json!({
        "cniVersion": version,
        "name": "goldpath",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni",
                "isGateway": true,
                "ipMasq": true,
                "hairpinMode": true,
                "ipam": { "type": "host-local", "routes": [{ "dst": "0.0.0.0/0" }] },
            },
            { "type": "portmap", "capabilities": { "portMappings": true }, "snat": true },
            { "type": "firewall", "ingressPolicy": "same-bridge" },
            { "type": "tuning" },
        ],
    })
}

/// Plugins of the chain in their order.
pub(super) fn plugins(conflist: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    conflist["plugins"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
}

/// Plugins of the chain in their order, then those that give addresses; each once.
pub(super) fn types(conflist: &Value) -> Vec<String> {
    let own = plugins(conflist).map(|plugin| &plugin["type"]);
    let addresses = plugins(conflist).map(|plugin| &plugin["ipam"]["type"]);
    let mut types: Vec<String> = Vec::new();
    for one in own.chain(addresses).filter_map(Value::as_str) {
        if !types.iter().any(|other| other == one) {
            types.push(one.to_owned());
        }
    }
    types
}

/// The version of the specification that the list is in.
pub(super) fn version(conflist: &Value) -> &str {
    conflist["cniVersion"].as_str().unwrap_or(FIRST_VERSION)
}

/// Whether the list's version has CHECK, and has DEL get what ADD said (CNI specification 0.4.0, "Changelog").
pub(super) fn has_check(conflist: &Value) -> bool {
    Versions::try_from(String::from(">=0.4.0")).is_ok_and(|range| range.contain(version(conflist)))
}

/// Whether runtimes are to ask for CHECK.
pub(super) fn is_checked(conflist: &Value) -> bool {
    has_check(conflist) && conflist["disableCheck"] != true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_of_one_plugin_is_a_list_of_one() {
        let list = parse(
            r#"{"cniVersion": "0.3.1", "name": "mine", "type": "bridge", "isGateway": true}"#,
        );
        let one = json!({ "type": "bridge", "isGateway": true });
        let wanted = json!({ "cniVersion": "0.3.1", "name": "mine", "plugins": [one] });
        assert_eq!(list, Ok(wanted));
    }

    #[test]
    fn what_is_wrong_with_a_list_is_told_with_its_place() {
        let error = |text: &str| parse(text).expect_err(text);
        assert_eq!(error("{"), "EOF while parsing an object at line 1 column 1");
        assert_eq!(error("{}"), "it has no \"name\"");
        assert!(error(r#"{"name": "a"}"#).starts_with("it has no \"plugins\""));
        assert!(error(r#"{"name": "a", "plugins": []}"#).starts_with("it has no \"plugins\""));
        assert_eq!(
            error(r#"{"name": "a", "plugins": [{"type": "bridge"}, {}]}"#),
            "plugin 2 has no \"type\""
        );
        let dhcp = r#"{"name": "a", "plugins": [{"type": "bridge", "ipam": {"type": "dhcp"}}]}"#;
        assert!(error(dhcp).starts_with("plugin 1 has addresses from dhcp"));
    }

    #[test]
    fn check_is_sent_where_the_version_has_it_and_nobody_turns_it_off() {
        let checked = |version: &str, off: bool| {
            is_checked(&json!({ "cniVersion": version, "disableCheck": off }))
        };
        assert!(checked("0.4.0", false) && checked("1.1.0", false));
        assert!(!checked("0.3.1", false), "0.3.1 has no CHECK");
        assert!(!checked("1.0.0", true), "it is turned off");
        assert!(!is_checked(&json!({})), "no version is 0.1.0");
    }
}
