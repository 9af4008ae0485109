//! Published ports.

use super::{drop_rules, insert, narrow};
use crate::adapter::native::Fault;
use crate::adapter::native::event::State;
use crate::adapter::native::names::BRIDGES;
use crate::adapter::native::plan::{Place, Plan};
use crate::adapter::native::rule::{About, Action, Is, Match, Published, Rule};
use crate::address::Family;
use crate::case::Protocol;
use crate::plan::contract;

pub(super) fn edit(fault: Fault, plan: &mut Plan, state: &State) {
    match fault {
        Fault::NoPublishTcp => without(plan, |way| way.port.protocol == Protocol::Tcp),
        Fault::NoPublishUdp => without(plan, |way| way.port.protocol == Protocol::Udp),
        Fault::NoPublishFromHost => plan.rules(Place::Output).clear(),
        Fault::PublishFromHostOnly => plan.rules(Place::Prerouting).clear(),
        Fault::NoLoopbackPublish => {
            let loopback = Match::Destination(Is::Equal, String::from("127.0.0.0/8"));
            let rule = Rule::new(About::Fault, [loopback], Action::Accept);
            insert(plan, Place::Output, |_| true, vec![rule]);
        }
        Fault::PublishFirstPortOnly => {
            let ways = ways(plan);
            without(plan, |way| ways.first() != Some(way));
        }
        Fault::PublishFirstUplinkOnly => {
            let by_second = Match::In(Is::Equal, contract::SECOND_INTERFACE.to_owned());
            let rule = Rule::new(About::Fault, [by_second], Action::Accept);
            insert(plan, Place::Prerouting, |_| true, vec![rule]);
        }
        Fault::PublishOncePerPort => without_later(plan, |one, two| one == two),
        Fault::PublishOneProtocolPerPort => without_later(plan, |one, two| one != two),
        Fault::PublishToLastContainer => {
            let published = plan.rules(Place::Prerouting).iter();
            let mut published = published.filter(|rule| rule.way().is_some());
            if let Some(Action::Destination(last, _)) =
                published.next_back().map(|rule| rule.action.clone())
            {
                lead(plan, |_, to, _| *to = last);
            }
        }
        Fault::PublishToGateway => lead(plan, |way, to, _| {
            if let Some(network) = state.scenario.network(&way.network) {
                *to = *network.gateways().get(Family::of(*to)).unwrap_or(to);
            }
        }),
        Fault::PublishWrongContainerPort => {
            lead(plan, |_, _, port| *port = port.saturating_add(1));
        }
        Fault::PublishWrongHostPort => matched(plan, |one| {
            if let Match::To(protocol, from, to) = one {
                *one = Match::To(*protocol, from.saturating_add(1), to.saturating_add(1));
            }
        }),
        Fault::PublishRangeTooWide => matched(plan, |one| {
            if let Match::To(protocol, from, to) = one {
                *one = Match::To(*protocol, *from, to.saturating_add(9));
            }
        }),
        Fault::PublishWrongProtocol => matched(plan, |one| {
            if let Match::To(protocol, ..) = one {
                *protocol = match protocol {
                    Protocol::Tcp => Protocol::Udp,
                    Protocol::Udp => Protocol::Tcp,
                };
            }
        }),
        Fault::PublishBothProtocols => matched(plan, |one| {
            if let Match::To(_, from, _) = one {
                *one = Match::Other(format!("meta l4proto {{ tcp, udp }} th dport {from}"));
            }
        }),
        Fault::PublishOnEveryAddress => matched(plan, |one| {
            if let Match::Destination(..) = one {
                *one = Match::Local;
            }
        }),
        Fault::PublishOnLoopbackOnly => matched(plan, |one| {
            if *one == Match::Local {
                *one = Match::Destination(Is::Equal, String::from("127.0.0.1"));
            }
        }),
        Fault::PublishTakesTransit => {
            for rule in plan.every_rule().filter(|rule| is_published(rule)) {
                rule.matches.retain(|one| *one != Match::Local);
            }
        }
        Fault::PublishReplyUntranslated => untracked(plan),
        Fault::PublishHidesClient if !ways(plan).is_empty() => {
            let out = Match::Out(Is::Equal, BRIDGES.to_owned());
            let matches = [out, Match::Translated(true)];
            let rule = Rule::new(About::Fault, matches, Action::Masquerade);
            plan.rules(Place::Postrouting).push(rule);
        }
        Fault::NoHairpin => drop_rules(plan, is_hairpin),
        Fault::NoHairpinForUdp => narrow(plan, is_hairpin, &Match::Protocol(Is::Equal, "tcp")),
        Fault::NoHairpinForItself => hairpin_each(plan, |to, subnet| {
            let others = Match::Source(Is::Not, to.clone());
            let members = Match::Source(Is::Equal, subnet);
            vec![others, members, Match::Destination(Is::Equal, to)]
        }),
        Fault::NoHairpinForNeighbours => hairpin_each(plan, |to, _| {
            let own = Match::Source(Is::Equal, to.clone());
            vec![own, Match::Destination(Is::Equal, to)]
        }),
        _ => {}
    }
}

fn is_published(rule: &Rule) -> bool {
    matches!(rule.about, About::Publish(_))
}

fn is_hairpin(rule: &Rule) -> bool {
    matches!(rule.about, About::Hairpin(_))
}

/// The published ports that lead somewhere, in their order.
fn ways(plan: &mut Plan) -> Vec<Published> {
    let rules = plan.rules(Place::Output).iter();
    rules.filter_map(|rule| rule.way().cloned()).collect()
}

/// Takes everything away that is about the ports that are meant.
fn without(plan: &mut Plan, is_meant: impl Fn(&Published) -> bool) {
    drop_rules(plan, |rule| rule.way().is_some_and(&is_meant));
}

/// Of several on one number, takes those away whose protocol stands so to an earlier one's.
fn without_later(plan: &mut Plan, stands: impl Fn(Protocol, Protocol) -> bool) {
    let ways = ways(plan);
    let later = |way: &Published| {
        let place = ways.iter().position(|one| one == way).unwrap_or_default();
        ways[..place].iter().any(|earlier| {
            earlier.port.host_port == way.port.host_port
                && stands(earlier.port.protocol, way.port.protocol)
        })
    };
    without(plan, later);
}

/// Changes where published ports lead.
fn lead(plan: &mut Plan, change: impl Fn(&Published, &mut std::net::IpAddr, &mut u16)) {
    for rule in plan.every_rule() {
        if let (About::Publish(way), Action::Destination(to, port)) =
            (&rule.about, &mut rule.action)
        {
            change(way, to, port);
        }
    }
}

/// Changes what published ports match.
fn matched(plan: &mut Plan, change: impl Fn(&mut Match)) {
    let rules = plan.every_rule().filter(|rule| is_published(rule));
    rules.flat_map(|rule| &mut rule.matches).for_each(change);
}

/// Translates so that no connection remembers it, and nothing turns the answers back.
fn untracked(plan: &mut Plan) {
    let published = plan.rules(Place::Output).iter();
    let rules = published.filter_map(|rule| {
        let (Action::Destination(to, to_port), Some(way)) = (&rule.action, rule.way()) else {
            return None;
        };
        let (protocol, port) = (way.port.protocol, way.port.host_port);
        let text = format!(
            "fib daddr type local {protocol} dport {port} ip daddr set {to} {protocol} dport set {to_port} notrack"
        );
        Some(Rule::written(About::Fault, text))
    });
    let rules = rules.collect();
    insert(plan, Place::Raw, |_| true, rules);
}

/// Puts a rule for each published port in the place of each network's hairpin rule.
fn hairpin_each(plan: &mut Plan, matches: impl Fn(String, String) -> Vec<Match>) {
    let published = plan.rules(Place::Output).iter();
    let targets = published.filter_map(|rule| match &rule.action {
        Action::Destination(to, _) => Some(to.to_string()),
        _ => None,
    });
    let targets: Vec<String> = targets.collect();
    let each = |rule: Rule| -> Vec<Rule> {
        let Some(Match::Source(_, subnet)) = rule.matches.first().filter(|_| is_hairpin(&rule))
        else {
            return vec![rule];
        };
        let one = |to: &String| {
            let mut matches = matches(to.clone(), subnet.clone());
            matches.push(Match::Translated(true));
            Rule::new(About::Fault, matches, Action::Masquerade)
        };
        targets.iter().map(one).collect()
    };
    let rules = plan.rules(Place::Postrouting);
    *rules = std::mem::take(rules).into_iter().flat_map(each).collect();
}
