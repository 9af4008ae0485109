//! Rules that let through and drop.

use super::names::{BRIDGES, bridge};
use super::rule::{About, Action, Is, Match, Rule};
use crate::adapter::{Scenario, ScenarioNetwork};

/// With `route_localnet`, 127.0.0.0/8 would be reachable from the wire (CVE-2020-8558).
pub(super) fn guard_loopback() -> Rule {
    let matches = [
        Match::In(Is::Not, String::from("lo")),
        Match::Destination(Is::Equal, String::from("127.0.0.0/8")),
    ];
    Rule::new(About::Loopback, matches, Action::Drop)
}

/// What the host forwards: internal networks are closed, connections pass, networks are isolated, and what is not published
/// is hidden.
pub(super) fn forward(scenario: &Scenario) -> Vec<Rule> {
    let networks = &scenario.networks;
    let internal = networks.iter().filter(|network| network.internal);
    let mut rules: Vec<Rule> = internal.flat_map(keep_internal).collect();
    let known = [Match::State("established,related")];
    rules.push(Rule::new(About::Established, known, Action::Accept));
    // No rule about a connection's translation sees a segment of no connection (`nft_ct_get_eval`).
    let at_bridges: [fn(Is, String) -> Match; 2] = [Match::In, Match::Out];
    rules.extend(at_bridges.map(|at| {
        let invalid = [
            at(Is::Equal, String::from(BRIDGES)),
            Match::State("invalid"),
        ];
        Rule::new(About::Invalid, invalid, Action::Drop)
    }));
    rules.extend(isolate(networks));
    rules.extend(networks.iter().map(hide_unpublished));
    rules
}

fn keep_internal(network: &ScenarioNetwork) -> [Rule; 2] {
    let (name, bridge) = (&network.name, bridge(&network.name));
    let out = [
        Match::In(Is::Equal, bridge.clone()),
        Match::Out(Is::Not, bridge.clone()),
    ];
    let into = [
        Match::Out(Is::Equal, bridge.clone()),
        Match::In(Is::Not, bridge),
    ];
    [out, into].map(|matches| Rule::new(About::Internal(name.clone()), matches, Action::Drop))
}

/// Of the host, an internal network knows only its own gateway address (moby/libnetwork#1151).
pub(super) fn keep_from_host(scenario: &Scenario) -> Vec<Rule> {
    let internal = scenario.networks.iter().filter(|network| network.internal);
    let rules = |network: &ScenarioNetwork| {
        let (bridge, name) = (bridge(&network.name), network.name.clone());
        network.gateways().into_iter().map(move |gateway| {
            let matches = [
                Match::In(Is::Equal, bridge.clone()),
                Match::Destination(Is::Not, gateway.to_string()),
            ];
            Rule::new(About::InternalHost(name.clone()), matches, Action::Drop)
        })
    };
    internal.flat_map(rules).collect()
}

fn isolate(networks: &[ScenarioNetwork]) -> Vec<Rule> {
    let others = |from: &ScenarioNetwork| {
        let from = from.name.clone();
        let others = networks.iter().filter(|to| to.name != from);
        let rules = others.map(|to| {
            let matches = [
                Match::In(Is::Equal, bridge(&from)),
                Match::Out(Is::Equal, bridge(&to.name)),
                // A published port is for other networks, too.
                Match::Translated(false),
            ];
            let about = About::Isolation {
                from: from.clone(),
                to: to.name.clone(),
            };
            Rule::new(about, matches, Action::Drop)
        });
        rules.collect::<Vec<_>>()
    };
    networks.iter().flat_map(others).collect()
}

fn hide_unpublished(network: &ScenarioNetwork) -> Rule {
    let matches = [
        Match::In(Is::Not, String::from(BRIDGES)),
        Match::Out(Is::Equal, bridge(&network.name)),
        Match::Translated(false),
    ];
    Rule::new(
        About::Unpublished(network.name.clone()),
        matches,
        Action::Drop,
    )
}
