//! What scenarios differ in.

/// One thing that scenarios differ in, with the values that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// What it is called in the report of a run.
    pub name: &'static str,
    /// Its values, the plainest first.
    pub values: &'static [&'static str],
    /// Words of the case format that it covers.
    pub words: &'static [&'static str],
}

macro_rules! axes {
    ($($(#[doc = $doc:literal])+ $place:ident: $name:literal, $values:expr, $words:expr;)+) => {
        /// Places of the axes in a choice.
        #[derive(Debug, Clone, Copy)]
        #[repr(usize)]
        pub(super) enum Of {
            $($(#[doc = $doc])+ $place),+
        }

        /// Every axis.
        pub const AXES: &[Axis] = &[$(Axis { name: $name, values: &$values, words: &$words }),+];
    };
}

axes! {
    /// How many networks there are.
    Networks: "networks", ["one", "two", "three"], ["network", "subnet"];
    /// Which of them is internal. The first one is made first, which decides who switches forwarding on.
    Internal: "internal", ["none", "last", "first"], ["internal"];
    /// What networks and containers are called.
    Names: "names", ["short", "long"], ["network", "container"];
    /// The subnets' size.
    Size: "subnet", ["/24", "/28", "/16", "/29, the first one full"], ["subnet"];
    /// The host's address in each network.
    Gateway: "gateway", ["the first address", "the second", "the last"], ["gateway"];
    /// The first network's MTU.
    Mtu: "mtu", ["none asked", "1400", "9000"], ["mtu"];
    /// Containers on each network.
    Members: "members", ["two", "one", "three", "none on the last of several"], ["container"];
    /// A container besides.
    Mode: "mode", ["no other", "none", "host", "container"], ["mode"];
    /// Whether containers ask for addresses that no event needs.
    Address: "address", ["not asked", "asked"], ["address"];
    /// What is published.
    Protocol: "protocol", ["tcp", "udp", "both", "nothing"], ["publish"];
    /// How ports are published.
    Ports: "ports", ["one", "same number", "three in a row", "two to one", "by two containers", "one number by two containers", "high numbers"], ["publish"];
    /// Which address of the host they are published on: of each uplink, where there are two.
    On: "published on", ["every address", "the uplink", "a further address", "loopback", "an address for each"], ["publish", "addresses"];
    /// Whether the host forwarded before.
    Forwards: "host forwards", ["no", "yes"], ["host", "forwards"];
    /// FORWARD's policy as found.
    Policy: "FORWARD", ["not set", "ACCEPT", "DROP"], ["forward"];
    /// INPUT's policy as found.
    Input: "INPUT", ["not set", "DROP"], ["input"];
    /// Whether iptables sees bridged packets.
    BridgeNetfilter: "bridge netfilter", ["off", "on"], ["bridge_netfilter"];
    /// What a person had dropped: to a container, or what has nothing to do with any.
    Drops: "a person's drops", ["none", "from lan", "of others"], ["drops"];
    /// Whether a person has rules in every table, about others.
    OwnRules: "a person's own rules", ["none", "in every table"], ["own_rules"];
    /// How many uplinks the host has.
    Uplinks: "uplinks", ["one", "two"], ["second_uplink"];
    /// The way to the outside.
    Path: "path", ["1500", "1400"], ["path"];
    /// What happens first.
    First: "first event", EVENTS, ["add", "remove", "refused"];
    /// What happens then.
    Second: "second event", EVENTS, ["add", "remove", "refused"];
    /// What happens at last.
    Third: "third event", EVENTS, ["add", "remove", "refused"];
    /// Whom it happens to.
    Whom: "whose event", ["a publisher", "another"], [];
    /// The address of a container that takes another's place.
    Successor: "successor's address", ["its own", "the same"], [];
    /// How the scenario ends. Whoever is removed before a teardown after a loss has vanished, too.
    End: "end", ["it stays", "teardown", "teardown twice", "teardown after a loss", "check"], ["teardown", "check", "lose"];
    /// When the table is asked. Asking can hide stale state: it warms neighbours and makes connections.
    Asked: "table asked", ["at every moment", "at the end", "before the last event"], ["table"];
}

const EVENTS: [&str; 6] = [
    "nothing",
    "removed",
    "back",
    "replaced",
    "refused its port",
    "refused its address",
];

/// Words of the case format that are no axis, each with the reason.
#[cfg(test)]
const NO_AXIS: &[(&str, &str)] = &[
    ("title", "says what a person reads"),
    ("source", "says what a person reads"),
    ("level", "says how strongly a case binds"),
    ("requires", "follows from the scenario"),
    ("checks", "claims of the article"),
    ("refutes", "claims of the article"),
    ("lab", "recipes are not explored"),
    ("backends", "recipes are not explored"),
    ("families", "labs have IPv4 alone"),
    ("disabled", "is for one person's machine"),
    ("no_table", "an explored scenario is nothing but its tables"),
    ("no_table", "the table asks"),
    ("step", "holds the events"),
    ("listen", "the table brings its services"),
    ("route", "the table brings its routes"),
    ("routes", "recipes inspect routing tables"),
    ("interfaces", "recipes inspect interfaces"),
    ("same", "recipes inspect namespaces"),
    ("probe", "the table asks"),
    ("expect", "the table's answers"),
    ("seen", "the table looks at both ends"),
    ("unseen", "the table looks at both ends"),
    ("meets", "packets decide, not chains"),
    ("avoids", "packets decide, not chains"),
];

/// A choice: the number of a value for each axis.
pub(super) type Choice = Vec<usize>;

/// The value that a choice has on an axis.
pub(super) fn value(choice: &[usize], of: Of) -> usize {
    choice.get(of as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Properties of these definitions of the schema of case files.
    fn words(schema: &serde_json::Value, of: &str) -> Vec<String> {
        let place = if of.is_empty() {
            "/properties".to_owned()
        } else {
            format!("/$defs/{of}/properties")
        };
        let found = schema.pointer(&place).and_then(|one| one.as_object());
        let found = found.unwrap_or_else(|| panic!("no {place} in the schema"));
        found.keys().cloned().collect()
    }

    #[test]
    fn every_word_of_the_case_format_is_an_axis_or_has_a_reason() {
        let schema: serde_json::Value = serde_json::from_str(&crate::case::schema()).expect("JSON");
        let axes = AXES.iter().flat_map(|axis| axis.words);
        let known: BTreeSet<&str> = axes
            .copied()
            .chain(NO_AXIS.iter().map(|(word, _)| *word))
            .collect();
        for of in ["", "Step", "Host", "Network", "Container"] {
            for word in words(&schema, of) {
                assert!(known.contains(word.as_str()), "`{word}` of {of} is no axis");
            }
        }
    }
}
