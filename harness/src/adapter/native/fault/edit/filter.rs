//! What is let through, and what is dropped.

use super::{drop_rules, insert, narrow};
use crate::adapter::native::Fault;
use crate::adapter::native::plan::{Place, Plan};
use crate::adapter::native::rule::{About, Action, Is, Match, Rule};
use crate::plan::contract;

pub(super) fn edit(fault: Fault, plan: &mut Plan) {
    let isolates = |rule: &Rule| matches!(rule.about, About::Isolation { .. });
    let hides = |rule: &Rule| matches!(rule.about, About::Unpublished(_));
    let keeps_from_host = |rule: &Rule| matches!(rule.about, About::InternalHost(_));
    match fault {
        Fault::LoopbackOpenToNeighbours => {
            drop_rules(plan, |rule| rule.about == About::Loopback);
        }
        // Isolation would hide it as well: a network that is reachable from another one has none of both.
        Fault::UnpublishedReachable => drop_rules(plan, hides),
        Fault::UnpublishedUdpReachable => narrow(plan, hides, &Match::Protocol(Is::Not, "udp")),
        Fault::UnpublishedPingReachable => narrow(plan, hides, &Match::Protocol(Is::Not, "icmp")),
        Fault::NoIsolation => drop_rules(plan, isolates),
        Fault::IsolationForTcpOnly => narrow(plan, isolates, &Match::Protocol(Is::Equal, "tcp")),
        Fault::IsolationForIcmpOnly => narrow(plan, isolates, &Match::Protocol(Is::Equal, "icmp")),
        Fault::IsolationOneWay => {
            let mut rules = plan.every_rule();
            let first = rules.find_map(|rule| match &rule.about {
                About::Isolation { from, .. } => Some(from.clone()),
                _ => None,
            });
            drop(rules);
            drop_rules(
                plan,
                |rule| matches!(&rule.about, About::Isolation { from, .. } if Some(from) != first.as_ref()),
            );
        }
        Fault::IsolationAgainstPublished => {
            for rule in plan.every_rule().filter(|rule| isolates(rule)) {
                let matches = &mut rule.matches;
                matches.retain(|one| !matches!(one, Match::Translated(_)));
            }
        }
        Fault::IsolationOpenForPublished => {
            let published = plan.rules(Place::Prerouting).iter();
            let open = published.filter_map(|rule| {
                let (Action::Destination(to, port), Some(way)) = (&rule.action, rule.way()) else {
                    return None;
                };
                let to = Match::Destination(Is::Equal, to.to_string());
                let port = Match::To(way.port.protocol, *port, *port);
                Some(Rule::new(About::Fault, [to, port], Action::Accept))
            });
            let open: Vec<Rule> = open.collect();
            insert(
                plan,
                Place::Forward,
                |rule| isolates(rule) || hides(rule),
                open,
            );
        }
        Fault::InternalByRouteOnly => {
            drop_rules(plan, |rule| {
                matches!(rule.about, About::Internal(_) | About::InternalHost(_))
            });
        }
        Fault::InternalOpenForUdp => {
            let leaves = |rule: &Rule| {
                let first = rule.matches.first();
                matches!(rule.about, About::Internal(_)) && matches!(first, Some(Match::In(..)))
            };
            narrow(plan, leaves, &Match::Protocol(Is::Not, "udp"));
        }
        Fault::InternalReachesHost => drop_rules(plan, keeps_from_host),
        Fault::InternalReachesOtherGateways => {
            for rule in plan.every_rule().filter(|rule| keeps_from_host(rule)) {
                for one in &mut rule.matches {
                    if let Match::Destination(..) = one {
                        let uplink = contract::UPLINK.address.to_string();
                        *one = Match::Destination(Is::Equal, uplink);
                    }
                }
            }
        }
        Fault::InternalReachesHostByIcmp => {
            narrow(plan, keeps_from_host, &Match::Protocol(Is::Equal, "tcp"));
        }
        Fault::NeighboursMeetForward => {
            let rule = |name: &String| {
                let matches = [
                    Match::In(Is::Equal, name.clone()),
                    Match::Out(Is::Equal, name.clone()),
                    Match::Translated(false),
                ];
                Rule::new(About::Fault, matches, Action::Drop)
            };
            let rules = bridges(plan).iter().map(rule).collect();
            insert(plan, Place::Forward, |_| true, rules);
        }
        // Of what is let through, the first packet of each connection.
        Fault::DuplicatePackets => {
            let rule = |name: &String| {
                let text = format!("oifname \"{name}\" dup to ip daddr device \"{name}\"");
                Rule::written(About::Fault, text)
            };
            let rules: Vec<Rule> = bridges(plan).iter().map(rule).collect();
            plan.rules(Place::Forward).extend(rules);
        }
        _ => {}
    }
}

fn bridges(plan: &Plan) -> Vec<String> {
    plan.bridges.iter().map(|one| one.name.clone()).collect()
}
