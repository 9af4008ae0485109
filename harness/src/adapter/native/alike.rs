//! Whether a fault changes anything of a case, by the plans alone: what is proven to do the same needs no packet.

use super::event::{Edits, Event, State};
use super::fault::Faults;
use super::plan::{Chain, Found, Place, Plan};
use super::rule::{About, Action, Is, Match, Rule};
use crate::adapter::Scenario;
use crate::case::{Case, CaseKind, NetworkEvent, Policy, Protocol, Subnet};

/// What one event makes: why it was refused, the plan in its normal form, and the edits that lead to it.
type Outcome = (Option<String>, Plan, Edits);

/// Whether these faults change what is made of a contract case, at any of its events. Plans that differ only in rules that
/// nothing can reach, in matches that say nothing, or in an order that does not count, are the same.
pub fn changes(case: &Case, faults: &Faults) -> bool {
    life(case, faults) != life(case, &Faults::default())
}

fn life(case: &Case, faults: &Faults) -> Vec<Outcome> {
    let CaseKind::Contract { host, .. } = &case.kind else {
        return Vec::new();
    };
    let all = Scenario::of(case);
    let at_first = case.at_first();
    let there = |name: &str| at_first.iter().any(|one| one.as_str() == name);
    let mut state = State {
        scenario: all.with_only(there),
        found: Found {
            forwarded: host.forwards,
            has_policy: host.forward == Some(Policy::Drop),
            has_rules: !host.drops.is_empty(),
            filters_bridged: host.bridge_netfilter,
        },
        before: vec![(
            String::from("ipv4/ip_forward"),
            u8::from(host.forwards).to_string(),
        )],
        ..State::default()
    };
    let mut made = Vec::new();
    let mut happens = |event: &Event<'_>| {
        let step = state.step(event, faults);
        state = step.after;
        let plan = normal(&state.plan);
        made.push((step.refusal, plan, step.edits));
    };
    happens(&Event::Setup);
    for change in case.steps.iter().filter_map(|step| step.change.as_ref()) {
        match change {
            NetworkEvent::Remove(name) => happens(&Event::Remove(name.as_str())),
            NetworkEvent::Add(name) | NetworkEvent::Refuse(name) => {
                if let Some(container) = all.container(name.as_str()) {
                    happens(&Event::Add(container));
                }
            }
            NetworkEvent::Check { .. } => {}
            NetworkEvent::Teardown { again, gone, .. } => {
                let lost = gone.as_ref().map(ToString::to_string);
                happens(&Event::Teardown { lost });
                if *again {
                    happens(&Event::Teardown { lost: None });
                }
            }
        }
    }
    // Every case ends so.
    happens(&Event::Teardown { lost: None });
    made
}

fn normal(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let only = match plan.bridges.as_slice() {
        [one] => Some(one.name.clone()),
        _ => None,
    };
    let by_ports = leads_by_ports(&plan);
    for chain in &mut plan.chains {
        for rule in &mut chain.rules {
            rule.about = About::Fault;
            plain(rule, chain.place, only.as_deref(), by_ports);
        }
        say_new_of_the_rest(&mut chain.rules);
        reachable(chain);
        in_order(&mut chain.rules);
    }
    plan
}

/// Whether only connections to ports get another destination: those of protocols that have ports.
fn leads_by_ports(plan: &Plan) -> bool {
    let mut rules = plan.chains.iter().flat_map(|chain| &chain.rules);
    rules.all(|rule| match rule.action {
        Action::Destination(..) => rule.matches.iter().any(|one| matches!(one, Match::To(..))),
        Action::Other(_) => false,
        _ => true,
    })
}

/// Takes away what a rule's matches say twice or need not say, and sorts them.
fn plain(rule: &mut Rule, place: Place, only_bridge: Option<&str>, by_ports: bool) {
    for one in &mut rule.matches {
        if let (Match::In(_, name) | Match::Out(_, name), Some(only)) = (one, only_bridge)
            && name.ends_with('*')
        {
            only.clone_into(name);
        }
    }
    let transport = rule.matches.iter().find_map(|one| match one {
        Match::To(protocol, ..) | Match::From(protocol, _) => Some(protocol.to_string()),
        _ => None,
    });
    // A chain that translates sees the first packet of a connection alone (nft(8), "nat").
    let translates = matches!(
        place,
        Place::Prerouting | Place::Output | Place::Postrouting
    );
    // There no error about a connection is seen.
    let is_led = translates && by_ports && rule.matches.contains(&Match::Translated(true));
    let says_nothing = |one: &Match| match one {
        Match::State(state) => translates && *state == "new",
        Match::Protocol(is, name) => {
            let fits = |known: &str| (known == *name) == (*is == Is::Equal);
            let each = || Protocol::ALL.iter().all(|one| fits(one.as_str()));
            transport.as_deref().is_some_and(fits) || (is_led && each())
        }
        _ => false,
    };
    rule.matches.retain(|one| !says_nothing(one));
    rule.matches.sort_by_key(ToString::to_string);
    rule.matches.dedup();
}

/// Takes "new" away where earlier rules take all packets of connections, and all of none: native has every connection tracked.
fn say_new_of_the_rest(rules: &mut [Rule]) {
    let (known, invalid) = (Match::State(KNOWN), Match::State("invalid"));
    for nth in 0..rules.len() {
        let (earlier, rest) = rules.split_at_mut(nth);
        let rule = &mut rest[0];
        let takes = |one: &&Rule, state: &Match| ends(one) && one.matches.contains(state);
        let says = |match_: &Match| rule.matches.iter().any(|own| implies(own, match_));
        let takes_known = earlier
            .iter()
            .any(|one| takes(&one, &known) && one.matches.len() == 1);
        let takes_invalid = earlier.iter().any(|one| {
            let mut others = one.matches.iter().filter(|match_| **match_ != invalid);
            takes(&one, &invalid) && others.all(says)
        });
        if takes_known && takes_invalid {
            rule.matches.retain(|one| *one != Match::State("new"));
        }
    }
}

/// States of a packet that belongs to a connection.
const KNOWN: &str = "established,related";

/// Whether whatever has the one has the other.
fn implies(one: &Match, other: &Match) -> bool {
    match (one, other) {
        (Match::In(Is::Equal, name), Match::In(Is::Equal, pattern))
        | (Match::Out(Is::Equal, name), Match::Out(Is::Equal, pattern)) => covers(pattern, name),
        _ => one == other,
    }
}

/// Takes away rules that no packet comes to, or that do what happens without them. The policy of every chain is to accept.
fn reachable(chain: &mut Chain) {
    let mut kept: Vec<Rule> = Vec::new();
    for rule in std::mem::take(&mut chain.rules) {
        let takes_all = |earlier: &Rule| {
            ends(earlier) && earlier.matches.iter().all(|one| rule.matches.contains(one))
        };
        if !kept.iter().any(takes_all) && !rule.matches.iter().any(|one| contradicts(one, &rule)) {
            kept.push(rule);
        }
    }
    while kept
        .last()
        .is_some_and(|rule| rule.action == Action::Accept)
    {
        kept.pop();
    }
    chain.rules = kept;
}

fn ends(rule: &Rule) -> bool {
    !matches!(rule.action, Action::Other(_)) && !rule.matches.iter().any(is_unknown)
}

fn is_unknown(one: &Match) -> bool {
    matches!(one, Match::Other(_))
}

fn contradicts(one: &Match, rule: &Rule) -> bool {
    rule.matches.iter().any(|other| exclude(one, other))
}

/// Sorts neighbours whose order does not count: what they do is the same, or no packet matches both.
fn in_order(rules: &mut [Rule]) {
    let mut sorted = false;
    while !sorted {
        sorted = true;
        for nth in 1..rules.len() {
            let (one, two) = (&rules[nth - 1], &rules[nth]);
            if one.to_string() > two.to_string() && commute(one, two) {
                rules.swap(nth - 1, nth);
                sorted = false;
            }
        }
    }
}

fn commute(one: &Rule, two: &Rule) -> bool {
    let known = !matches!(one.action, Action::Other(_)) && !matches!(two.action, Action::Other(_));
    let apart = || one.matches.iter().any(|match_| contradicts(match_, two));
    known && (one.action == two.action || apart())
}

/// Whether no packet matches both.
fn exclude(one: &Match, two: &Match) -> bool {
    match (one, two) {
        (Match::In(is, name), Match::In(other_is, other))
        | (Match::Out(is, name), Match::Out(other_is, other)) => match (is, other_is) {
            (Is::Equal, Is::Equal) => !covers(name, other) && !covers(other, name),
            (Is::Equal, Is::Not) => covers(other, name),
            (Is::Not, Is::Equal) => covers(name, other),
            (Is::Not, Is::Not) => false,
        },
        (Match::To(protocol, from, to), Match::To(other, other_from, other_to)) => {
            protocol != other || to < other_from || other_to < from
        }
        (Match::To(protocol, ..), Match::From(other, _))
        | (Match::From(other, _), Match::To(protocol, ..)) => protocol != other,
        (Match::From(protocol, port), Match::From(other, other_port)) => {
            protocol != other || port != other_port
        }
        (Match::To(protocol, ..) | Match::From(protocol, _), Match::Protocol(is, name))
        | (Match::Protocol(is, name), Match::To(protocol, ..) | Match::From(protocol, _)) => {
            (protocol.to_string() == *name) != (*is == Is::Equal)
        }
        (Match::Protocol(Is::Equal, name), Match::Protocol(is, other)) => {
            (name == other) != (*is == Is::Equal)
        }
        (Match::Translated(one), Match::Translated(two)) => one != two,
        (Match::State(one), Match::State(two)) => one
            .split(',')
            .all(|state| !two.split(',').any(|other| other == state)),
        (Match::Source(is, of), Match::Source(other_is, other))
        | (Match::Destination(is, of), Match::Destination(other_is, other)) => {
            let (Some(of), Some(other)) = (subnet(of), subnet(other)) else {
                return false;
            };
            match (is, other_is) {
                (Is::Equal, Is::Equal) => !of.overlaps(other),
                (Is::Equal, Is::Not) => lies_in(of, other),
                (Is::Not, Is::Equal) => lies_in(other, of),
                (Is::Not, Is::Not) => false,
            }
        }
        _ => false,
    }
}

/// A prefix, or an address as one.
fn subnet(text: &str) -> Option<Subnet> {
    let whole = |address: std::net::IpAddr| {
        Subnet::around(address, if address.is_ipv4() { 32 } else { 128 })
    };
    text.parse().ok().or_else(|| text.parse().ok().map(whole))
}

fn lies_in(one: Subnet, other: Subnet) -> bool {
    one.length() >= other.length() && one.overlaps(other)
}

/// Whether every interface of the one name has the other, too.
fn covers(pattern: &str, name: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(pattern == name, |beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::adapter::native::Generated;
    use crate::case::parse;

    const CASE: &str = "title = \"T\"\nrequires = [\"bridge\", \"publish-tcp\", \"replace\"]\nsource = [\"S\"]\n\
        [network.front]\nsubnet = \"10.77.1.0/24\"\n[network.back]\nsubnet = \"10.77.2.0/24\"\n\
        [container.c1]\nnetwork = \"front\"\naddress = \"10.77.1.5\"\npublish = [\"8080:80/tcp\", \"8081:81/tcp\"]\n\
        [container.c2]\nnetwork = \"back\"\n[[step]]\nremove = \"c1\"\n[[step]]\ntable = \"as intended\"\n";

    fn changes_it(fault: &str) -> bool {
        let case = parse(CASE.to_owned(), Path::new("a/b.toml"), "a/b");
        let case = case.unwrap_or_else(|errors| panic!("{errors:?}"));
        changes(
            &case,
            &fault.parse().unwrap_or_else(|error| panic!("{error}")),
        )
    }

    #[test]
    fn what_no_packet_can_tell_is_no_change() {
        // All published ports are of TCP; connections that begin are all that is translated; two ports don't overlap.
        for fault in [
            "rule:tcp-only:publish:all",
            "rule:not-icmp:publish:all",
            "rule:new-only:publish:all",
            "rule:last:publish:first",
            "rule:dropped:internal:all",
            // Only TCP connections are led anywhere.
            "rule:not-icmp:hairpin:all",
            // Who is left there begins a connection.
            "rule:new-only:unpublished:all",
            // 127.0.0.0/8 is no container's.
            "rule:last:loopback-answer:last",
            // What belongs to a connection is not what belongs to none.
            "rule:first:invalid:all",
        ] {
            assert!(!changes_it(fault), "{fault}");
        }
    }

    #[test]
    fn what_a_packet_can_tell_is_a_change() {
        for fault in [
            "rule:udp-only:publish:all",
            "rule:next-port:publish:last",
            "rule:dropped:masquerade:first",
            "rule:turned:isolation:all",
            "rule:tcp-only:unpublished:all",
            "rule:udp-only:hairpin:all",
            "rule:first:masquerade:all",
            "event:rules-stay:remove",
            "link:no-default-route",
            "no-masquerade",
        ] {
            assert!(changes_it(fault), "{fault}");
        }
        let all = Generated::all();
        let changing = all
            .iter()
            .filter(|one| changes_it(&one.to_string()))
            .count();
        assert!(changing > 200, "{changing} of {}", all.len());
    }
}
