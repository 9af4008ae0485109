//! What leaves, and with which address.

use super::{drop_rules, narrow};
use crate::adapter::native::Fault;
use crate::adapter::native::event::State;
use crate::adapter::native::names::BRIDGES;
use crate::adapter::native::plan::{Place, Plan, every_pass};
use crate::adapter::native::rule::{About, Action, Is, Match, Rule};
use crate::plan::contract;

/// An address of the uplink's segment that nobody has.
const NOBODYS: &str = "10.0.2.99";

pub(super) fn edit(fault: Fault, plan: &mut Plan, state: &State) {
    let is_masquerade = |rule: &Rule| matches!(rule.about, About::Masquerade(_));
    let leaves =
        |rule: &Rule| matches!(rule.about, About::Masquerade(_) | About::SourcePort { .. });
    match fault {
        Fault::NoMasquerade => drop_rules(plan, leaves),
        Fault::MasqueradeWrongInterface => turn_out(plan, |is| *is = Is::Equal),
        Fault::MasqueradeWithinSubnet => {
            for rule in plan.every_rule().filter(|rule| is_masquerade(rule)) {
                rule.matches.retain(|one| !matches!(one, Match::Out(..)));
            }
        }
        Fault::MasqueradeWrongSource => {
            for rule in plan.every_rule().filter(|rule| is_masquerade(rule)) {
                rule.action = Action::Source(NOBODYS.to_owned());
            }
        }
        Fault::MasqueradeToGateway => {
            for rule in plan.every_rule() {
                if let About::Masquerade(network) = &rule.about
                    && let Some(network) = state.scenario.network(network)
                {
                    let gateways = network.gateways();
                    let gateway = rule.family().and_then(|family| gateways.get(family));
                    if let Some(gateway) = gateway {
                        rule.action = Action::Source(gateway.to_string());
                    }
                }
            }
        }
        Fault::MasqueradeFirstUplinkOnly => {
            let first = Match::Out(Is::Not, contract::SECOND_INTERFACE.to_owned());
            narrow(plan, is_masquerade, &first);
        }
        Fault::MasqueradeAsFirstUplink => {
            for rule in plan.every_rule().filter(|rule| is_masquerade(rule)) {
                rule.action = Action::Source(contract::UPLINK.address.to_string());
            }
        }
        Fault::MasqueradeForTcpOnly => {
            narrow(plan, is_masquerade, &Match::Protocol(Is::Equal, "tcp"));
        }
        Fault::MasqueradeNotForUdp => {
            narrow(plan, is_masquerade, &Match::Protocol(Is::Not, "udp"));
        }
        Fault::MasqueradeFirstNetworkOnly => {
            let first = state.scenario.networks.first().map(|one| one.name.clone());
            drop_rules(plan, |rule| match &rule.about {
                About::Masquerade(network) | About::SourcePort { network, .. } => {
                    Some(network) != first.as_ref()
                }
                _ => false,
            });
        }
        Fault::SourcePortShadows => {
            drop_rules(plan, |rule| matches!(rule.about, About::SourcePort { .. }));
        }
        Fault::InvalidLeaks => drop_rules(plan, |rule| rule.about == About::Invalid),
        Fault::NoForwarding => {
            let forward = plan.settings.iter_mut();
            for (_, value) in forward.filter(|(name, _)| name == "ipv4/ip_forward") {
                "0".clone_into(value);
            }
        }
        Fault::HostSourceHidden => {
            let out = Match::Out(Is::Equal, BRIDGES.to_owned());
            let own = Match::Other(String::from("fib saddr type local"));
            let uplink = Action::Source(contract::UPLINK.address.to_string());
            let rule = Rule::new(About::Fault, [out, own], uplink);
            plan.rules(Place::Postrouting).insert(0, rule);
        }
        Fault::PolicyDrop => plan.policy = Some("DROP"),
        Fault::PolicyNotRestored if !state.found.forwarded => plan.policy = Some("DROP"),
        Fault::PolicyNotPassed => plan.passes.clear(),
        Fault::EarlierDropOverruled if state.found.has_rules => {
            plan.passes = every_pass(&state.scenario, true);
        }
        Fault::ForeignRulesFlushed => plan.flushes = true,
        _ => {}
    }
}

/// Changes by which interface packets leave that get the host's address.
fn turn_out(plan: &mut Plan, change: impl Fn(&mut Is)) {
    for rule in plan.every_rule() {
        if matches!(rule.about, About::Masquerade(_)) {
            for one in &mut rule.matches {
                if let Match::Out(is, _) = one {
                    change(is);
                }
            }
        }
    }
}
