//! What each operator does to a plan.

use std::net::IpAddr;

use super::edit::insert;
use super::generated::{HostChange, LinkChange, Purpose, RuleChange, Which};
use crate::adapter::native::plan::{Place, Plan};
use crate::adapter::native::rule::{About, Action, Is, Match, Rule};
use crate::address::{Family, PerFamily};
use crate::case::Protocol;

fn is_for(rule: &Rule, place: Place, purpose: Purpose) -> bool {
    match &rule.about {
        About::Loopback => purpose == Purpose::Loopback,
        About::Publish(_) if place == Place::Output => purpose == Purpose::PublishOwn,
        About::Publish(_) => purpose == Purpose::Publish,
        About::Internal(_) => purpose == Purpose::Internal,
        About::InternalHost(_) => purpose == Purpose::InternalHost,
        About::Established => purpose == Purpose::Established,
        About::Invalid => purpose == Purpose::Invalid,
        About::Isolation { .. } => purpose == Purpose::Isolation,
        About::Unpublished(_) => purpose == Purpose::Unpublished,
        About::Hairpin(_) => purpose == Purpose::Hairpin,
        About::LoopbackAnswer(_) => purpose == Purpose::LoopbackAnswer,
        About::SourcePort { .. } => purpose == Purpose::SourcePort,
        About::Masquerade(_) => purpose == Purpose::Masquerade,
        About::Fault => false,
    }
}

pub(super) fn rules(plan: &mut Plan, change: RuleChange, purpose: Purpose, which: Which) {
    for at in 0..plan.chains.len() {
        let place = plan.chains[at].place;
        let rules = &plan.chains[at].rules;
        let meant = (0..rules.len()).filter(|nth| is_for(&rules[*nth], place, purpose));
        let mut meant: Vec<usize> = meant.collect();
        match which {
            Which::All => {}
            Which::First => meant.truncate(1),
            Which::Last => meant = meant.pop().into_iter().collect(),
        }
        let mut taken: Vec<Rule> = Vec::new();
        for nth in meant.iter().rev() {
            match change {
                RuleChange::Dropped
                | RuleChange::First
                | RuleChange::Last
                | RuleChange::OtherHook => taken.push(plan.chains[at].rules.remove(*nth)),
                _ => alter(&mut plan.chains[at].rules[*nth], change),
            }
        }
        taken.reverse();
        match change {
            RuleChange::First => insert(plan, place, |_| true, taken),
            RuleChange::Last => plan.chains[at].rules.extend(taken),
            RuleChange::OtherHook if !taken.is_empty() => {
                plan.rules(sibling(place)).extend(taken);
                // A place is visited once; what was moved must not be met again.
                return;
            }
            _ => {}
        }
    }
}

/// Another hook where chains of the same type may stand.
fn sibling(place: Place) -> Place {
    match place {
        Place::Prerouting => Place::Output,
        Place::Output => Place::Prerouting,
        Place::Forward => Place::Input,
        Place::Input => Place::Forward,
        Place::Raw | Place::Early => Place::Own,
        Place::Own => Place::Raw,
        // Sources are translated there alone: the rules go.
        Place::Postrouting => Place::Postrouting,
    }
}

fn alter(rule: &mut Rule, change: RuleChange) {
    match change {
        RuleChange::WithoutFirst if !rule.matches.is_empty() => drop(rule.matches.remove(0)),
        RuleChange::WithoutLast => drop(rule.matches.pop()),
        RuleChange::Turned => {
            let first = rule.matches.iter_mut().find_map(|one| match one {
                Match::In(is, _)
                | Match::Out(is, _)
                | Match::Source(is, _)
                | Match::Destination(is, _)
                | Match::Protocol(is, _) => Some(is),
                _ => None,
            });
            if let Some(is) = first {
                *is = match is {
                    Is::Equal => Is::Not,
                    Is::Not => Is::Equal,
                };
            }
        }
        RuleChange::TcpOnly => rule.matches.push(Match::Protocol(Is::Equal, "tcp")),
        RuleChange::UdpOnly => rule.matches.push(Match::Protocol(Is::Equal, "udp")),
        RuleChange::NotIcmp => rule.matches.push(Match::Protocol(Is::Not, "icmp")),
        RuleChange::NewOnly => rule.matches.push(Match::State("new")),
        RuleChange::UplinkInstead => named(rule, "eth0"),
        RuleChange::AnyBridge => named(rule, "gp-*"),
        RuleChange::NextAddress => next_address(rule),
        RuleChange::NextPort => next_port(rule),
        RuleChange::OtherProtocol => {
            for one in &mut rule.matches {
                if let Match::To(protocol, ..) | Match::From(protocol, _) = one {
                    *protocol = match protocol {
                        Protocol::Tcp => Protocol::Udp,
                        Protocol::Udp => Protocol::Tcp,
                    };
                }
            }
        }
        RuleChange::OtherAction => {
            rule.action = match rule.action {
                Action::Accept => Action::Drop,
                _ => Action::Accept,
            };
        }
        _ => {}
    }
}

fn named(rule: &mut Rule, other: &str) {
    for one in &mut rule.matches {
        if let Match::In(_, name) | Match::Out(_, name) = one
            && name != "lo"
        {
            other.clone_into(name);
        }
    }
}

fn next_address(rule: &mut Rule) {
    let next = |text: &str| Some(behind(text.parse().ok()?, 1).to_string());
    if let Action::Destination(to, _) = &mut rule.action {
        *to = behind(*to, 1);
        return;
    }
    for one in &mut rule.matches {
        if let Match::Source(_, text) | Match::Destination(_, text) = one
            && let Some(other) = next(text)
        {
            *text = other;
        }
    }
}

fn next_port(rule: &mut Rule) {
    for one in &mut rule.matches {
        match one {
            Match::To(_, from, to) => {
                *from = from.saturating_add(1);
                *to = to.saturating_add(1);
            }
            Match::From(_, port) => *port = port.saturating_add(1),
            _ => {}
        }
    }
}

/// The MTU in bytes that links get.
const SMALL: u16 = 1280;

/// The address so many behind another one.
fn behind(address: IpAddr, count: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4(v4.to_bits().wrapping_add(count.into()).into()),
        IpAddr::V6(v6) => IpAddr::V6(v6.to_bits().wrapping_add(count.into()).into()),
    }
}

pub(super) fn links(plan: &mut Plan, change: LinkChange) {
    match change {
        LinkChange::NoGateway => {
            plan.bridges
                .iter_mut()
                .for_each(|one| one.addresses = PerFamily::NONE);
        }
        LinkChange::NextGateway => {
            for prefix in plan.gateways() {
                // Far enough to be no container's.
                prefix.address = behind(prefix.address, 150);
            }
        }
        LinkChange::LongGateway => {
            for prefix in plan.gateways() {
                prefix.length = Family::of(prefix.address).width();
            }
        }
        LinkChange::SmallBridge => plan
            .bridges
            .iter_mut()
            .for_each(|one| one.mtu = Some(SMALL)),
        LinkChange::NextAddress => {
            for prefix in plan
                .ports
                .iter_mut()
                .flat_map(|one| one.addresses.iter_mut())
            {
                prefix.address = behind(prefix.address, 100);
            }
        }
        LinkChange::SameAddress => {
            let first = plan
                .ports
                .first()
                .map(|one| (one.bridge.clone(), one.addresses));
            if let (Some((bridge, addresses)), Some(last)) = (first, plan.ports.last_mut())
                && last.bridge == bridge
            {
                last.addresses = addresses;
            }
        }
        LinkChange::LongPrefix => {
            for prefix in plan
                .ports
                .iter_mut()
                .flat_map(|one| one.addresses.iter_mut())
            {
                prefix.length = Family::of(prefix.address).width() - 2;
            }
        }
        LinkChange::NoRoute => {
            plan.ports
                .iter_mut()
                .for_each(|one| one.gateways = PerFamily::NONE);
        }
        LinkChange::LastWithoutRoute => plan
            .ports
            .iter_mut()
            .rev()
            .take(1)
            .for_each(|one| one.gateways = PerFamily::NONE),
        LinkChange::InternalRoute => {
            for port in &mut plan.ports {
                let bridge = plan.bridges.iter().find(|one| one.name == port.bridge);
                if let Some(bridge) = bridge.filter(|_| port.gateways.is_empty()) {
                    port.gateways = bridge.addresses.map(|own| own.address);
                }
            }
        }
        LinkChange::SmallMtu => plan.ports.iter_mut().for_each(|one| one.mtu = Some(SMALL)),
        LinkChange::LastSmallMtu => plan
            .ports
            .iter_mut()
            .rev()
            .take(1)
            .for_each(|one| one.mtu = Some(SMALL)),
        LinkChange::NoMtu => {
            plan.bridges.iter_mut().for_each(|one| one.mtu = None);
            plan.ports.iter_mut().for_each(|one| one.mtu = None);
        }
        LinkChange::Isolated => plan.ports.iter_mut().for_each(|one| one.isolated = true),
        LinkChange::LastIsolated => plan
            .ports
            .iter_mut()
            .rev()
            .take(1)
            .for_each(|one| one.isolated = true),
        LinkChange::NotLearning => plan.ports.iter_mut().for_each(|one| one.learns = false),
        LinkChange::NoGroups => plan.ports.iter_mut().for_each(|one| one.groups = false),
        LinkChange::NotAttached => drop(plan.ports.pop()),
    }
}

pub(super) fn host(plan: &mut Plan, change: HostChange) {
    let is_localnet = |name: &str| name.ends_with("/route_localnet");
    match change {
        HostChange::NoForwarding => plan.settings.retain(|(name, _)| name != "ipv4/ip_forward"),
        HostChange::NoRouteLocalnet => plan.settings.retain(|(name, _)| !is_localnet(name)),
        HostChange::FirstRouteLocalnet => {
            let mut seen = false;
            plan.settings
                .retain(|(name, _)| !is_localnet(name) || !std::mem::replace(&mut seen, true));
        }
        HostChange::NoPass => plan.passes.clear(),
        HostChange::NoPassIn => plan.passes.retain(|one| !one.matches.starts_with("-i")),
        HostChange::NoPassOut => plan.passes.retain(|one| !one.matches.starts_with("-o")),
        HostChange::PassFirst => plan.passes.iter_mut().for_each(|one| one.first = true),
        HostChange::PolicyDrop => plan.policy = Some("DROP"),
        HostChange::Flush => plan.flushes = true,
    }
}
