//! A plan in its normal form: two plans with one form do the same to every packet.

use super::plan::{Bridge, Chain, Place, Plan};
use super::rule::{About, Action, Is, Match, Rule};
use crate::address::Subnet;
use crate::case::Protocol;

/// The normal form: without rules that nothing can reach, without matches that say nothing, and with one order for all that do the
/// same.
pub(super) fn normal(plan: &Plan) -> Plan {
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
            if matches!(chain.place, Place::Forward | Place::Postrouting) {
                say_by_which_bridge(rule, &plan.bridges);
            }
        }
        name_each_bridge(&mut chain.rules, &plan.bridges);
        say_new_of_the_rest(&mut chain.rules);
        if chain.place == Place::Forward {
            say_new_where_closed(&mut chain.rules, &plan.bridges);
        }
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

/// Adds by which bridge a packet leaves whose translated destination lies in the network of one: routes lead there by no other way.
fn say_by_which_bridge(rule: &mut Rule, bridges: &[Bridge]) {
    if !rule.matches.contains(&Match::Translated(true)) {
        return;
    }
    let leads_to = |bridge: &&Bridge| {
        let own = bridge.addresses.iter();
        let mut own = own.map(|own| Subnet::around(own.address, own.length));
        let to = rule.matches.iter().find_map(|one| match one {
            Match::Destination(Is::Equal, to) => subnet(to),
            _ => None,
        });
        to.is_some_and(|to| own.any(|of| lies_in(to, of)))
    };
    let mut led = bridges.iter().filter(leads_to);
    if let (Some(bridge), None) = (led.next(), led.next()) {
        let out = Match::Out(Is::Equal, bridge.name.clone());
        rule.matches.push(out);
        rule.matches.sort_by_key(ToString::to_string);
        rule.matches.dedup();
    }
}

/// A rule for any bridge is a rule for each.
fn name_each_bridge(rules: &mut Vec<Rule>, bridges: &[Bridge]) {
    let pattern = |one: &Match| match one {
        Match::In(Is::Equal, name) | Match::Out(Is::Equal, name) => name.ends_with('*'),
        _ => false,
    };
    while let Some(at) = rules
        .iter()
        .position(|rule| rule.matches.iter().any(pattern))
    {
        let any = rules.remove(at);
        let for_each = bridges.iter().filter_map(|bridge| {
            let mut rule = any.clone();
            let one = rule.matches.iter_mut().find(|one| pattern(one))?;
            let (Match::In(_, name) | Match::Out(_, name)) = one else {
                return None;
            };
            covers(name, &bridge.name).then(|| name.clone_from(&bridge.name))?;
            rule.matches.sort_by_key(ToString::to_string);
            Some(rule)
        });
        let for_each: Vec<Rule> = for_each.collect();
        rules.splice(at..at, for_each);
    }
}

/// Says "new" of what drops all that crosses a bridge, in and out, where nothing lets a new packet pass and what belongs to no
/// connection is dropped: no connection begins there, so that none is known.
fn say_new_where_closed(rules: &mut [Rule], bridges: &[Bridge]) {
    let new = Match::State("new");
    let is_known = |rule: &Rule| rule.matches == [Match::State(KNOWN)];
    if !rules
        .iter()
        .all(|rule| rule.action == Action::Drop || rule.action == Action::Accept && is_known(rule))
    {
        return;
    }
    for bridge in bridges {
        let name = || bridge.name.clone();
        let crossing = [
            [Match::In(Is::Equal, name()), Match::Out(Is::Not, name())],
            [Match::In(Is::Not, name()), Match::Out(Is::Equal, name())],
        ];
        let invalid = [Match::In(Is::Equal, name()), Match::Out(Is::Equal, name())];
        let drops = |rule: &Rule, all: &[&Match]| {
            rule.action == Action::Drop && rule.matches.iter().all(|one| all.contains(&one))
        };
        let is_closed = crossing.iter().all(|way| {
            let all: Vec<&Match> = way.iter().chain([&new]).collect();
            rules.iter().any(|rule| drops(rule, &all))
        });
        let stays_closed = invalid.iter().all(|at| {
            let all = [at, &Match::State("invalid")];
            rules.iter().any(|rule| drops(rule, &all))
        });
        if !(is_closed && stays_closed) {
            continue;
        }
        for rule in rules.iter_mut() {
            let crosses = crossing.iter().any(|way| {
                let mut said = rule.matches.iter().filter(|one| **one != new);
                said.clone().count() == way.len() && said.all(|one| way.contains(one))
            });
            if crosses && !rule.matches.contains(&new) {
                rule.matches.push(new.clone());
                rule.matches.sort_by_key(ToString::to_string);
            }
        }
    }
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
        let is_taken = kept
            .iter()
            .any(|earlier| ends(earlier) && takes_all(earlier, &rule));
        if !is_taken && !rule.matches.iter().any(|one| contradicts(one, &rule)) {
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

/// Whether every packet that the one matches the other matches, too.
fn takes_all(wide: &Rule, narrow: &Rule) -> bool {
    let said = |match_: &Match| narrow.matches.iter().any(|own| implies(own, match_));
    wide.matches.iter().all(said)
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

/// Of all orders that do the same, the first by the rules' text: two rules change places if what they do is the same, or if no
/// packet matches both.
fn in_order(rules: &mut Vec<Rule>) {
    let mut rest = std::mem::take(rules);
    while !rest.is_empty() {
        let may_be_first = |nth: &usize| {
            let (earlier, rule) = (&rest[..*nth], &rest[*nth]);
            earlier.iter().all(|one| commute(one, rule))
        };
        let first = (0..rest.len()).filter(may_be_first);
        let first = first.min_by_key(|nth| rest[*nth].to_string());
        rules.push(rest.remove(first.unwrap_or_default()));
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
    text.parse()
        .ok()
        .or_else(|| text.parse().ok().map(Subnet::of_one))
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
