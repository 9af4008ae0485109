//! Faults that nobody chose: one operator, one place, drawn from all there are.
//!
//! A list of faults measures its authors. Here the operators are fixed and everything that they apply to is listed; a seed
//! draws from that list. A place is named by what it is for, so that one fault means the same in every scenario.

use std::fmt;

use super::edit::insert;
use crate::adapter::native::event::{Event, Flows, Step, Table};
use crate::adapter::native::plan::{Place, Plan};
use crate::adapter::native::rule::{About, Action, Is, Match, Rule};
use crate::case::Protocol;

/// One change of the plan or of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Generated {
    /// A change of rules.
    Rule(RuleChange, Purpose, Which),
    /// A change of links.
    Link(LinkChange),
    /// A change of settings or of the host's own FORWARD.
    Host(HostChange),
    /// A change of what an event does.
    Event(EventChange, At),
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words! {
    /// What is done to rules.
    RuleChange {
        /// They are not there.
        Dropped = "dropped",
        /// They come last in their chain.
        Last = "last",
        /// They come first in their chain.
        First = "first",
        /// They are in another chain of the same type.
        OtherHook = "other-hook",
        /// Their first match is gone.
        WithoutFirst = "without-first-match",
        /// Their last match is gone.
        WithoutLast = "without-last-match",
        /// Their first match is turned round.
        Turned = "turned",
        /// They match TCP alone.
        TcpOnly = "tcp-only",
        /// They match UDP alone.
        UdpOnly = "udp-only",
        /// They match everything but ICMP.
        NotIcmp = "not-icmp",
        /// They match the first packet of a connection alone.
        NewOnly = "new-only",
        /// They name the uplink instead of a bridge.
        UplinkInstead = "uplink-instead",
        /// They name any bridge instead of theirs.
        AnyBridge = "any-bridge",
        /// Their address is the next one.
        NextAddress = "next-address",
        /// Their port is the next one.
        NextPort = "next-port",
        /// They name the other protocol.
        OtherProtocol = "other-protocol",
        /// What drops accepts, what accepts drops, and what translates accepts.
        OtherAction = "other-action",
    }
}

words! {
    /// Which rules are meant.
    Purpose {
        /// What keeps 127.0.0.0/8 from the wire.
        Loopback = "loopback",
        /// Published ports, for what comes from others.
        Publish = "publish",
        /// Published ports, for what the host sends.
        PublishOwn = "publish-own",
        /// What closes internal networks.
        Internal = "internal",
        /// What keeps internal networks from the host.
        InternalHost = "internal-host",
        /// What lets connections pass.
        Established = "established",
        /// What drops segments of no connection.
        Invalid = "invalid",
        /// What isolates networks.
        Isolation = "isolation",
        /// What hides unpublished ports.
        Unpublished = "unpublished",
        /// What brings replies back through the host.
        Hairpin = "hairpin",
        /// What has containers answer the host's loopback.
        LoopbackAnswer = "loopback-answer",
        /// What keeps a published port's number from being shadowed.
        SourcePort = "source-port",
        /// What hides containers behind the host.
        Masquerade = "masquerade",
    }
}

words! {
    /// Which of several.
    Which {
        /// All of them.
        All = "all",
        /// The first one.
        First = "first",
        /// The last one.
        Last = "last",
    }
}

words! {
    /// What is done to links.
    LinkChange {
        /// Bridges have no address.
        NoGateway = "no-gateway-address",
        /// Bridges have the next address.
        NextGateway = "next-gateway-address",
        /// Bridges have a longer prefix.
        LongGateway = "longer-gateway-prefix",
        /// Bridges have a smaller MTU.
        SmallBridge = "smaller-bridge-mtu",
        /// Containers have the next address.
        NextAddress = "next-address",
        /// The last container has the first one's address.
        SameAddress = "same-address",
        /// Containers have a longer prefix.
        LongPrefix = "longer-prefix",
        /// Containers have no default route.
        NoRoute = "no-default-route",
        /// The last container has no default route.
        LastWithoutRoute = "last-without-default-route",
        /// Internal containers have a default route, too.
        InternalRoute = "default-route-of-internal",
        /// Containers have a smaller MTU.
        SmallMtu = "smaller-mtu",
        /// The last container has a smaller MTU.
        LastSmallMtu = "last-smaller-mtu",
        /// A wish for an MTU is not kept.
        NoMtu = "mtu-not-kept",
        /// Ports are isolated.
        Isolated = "isolated",
        /// The last port is isolated.
        LastIsolated = "last-isolated",
        /// Ports don't learn.
        NotLearning = "not-learning",
        /// The last container is not attached.
        NotAttached = "last-not-attached",
    }
}

words! {
    /// What is done to settings and to FORWARD.
    HostChange {
        /// Forwarding is not switched on.
        NoForwarding = "no-forwarding",
        /// 127.0.0.1 leads to no bridge.
        NoRouteLocalnet = "no-route-localnet",
        /// Of the networks, only the first one's bridge is led to from 127.0.0.1.
        FirstRouteLocalnet = "route-localnet-of-the-first",
        /// Nothing passes a policy.
        NoPass = "no-pass",
        /// What comes from containers does not pass a policy.
        NoPassIn = "no-pass-in",
        /// What goes to containers does not pass a policy.
        NoPassOut = "no-pass-out",
        /// What passes stands in front of a person's rules.
        PassFirst = "pass-first",
        /// FORWARD's policy is DROP.
        PolicyDrop = "policy-drop",
        /// Everybody's rules go.
        Flush = "flush",
    }
}

words! {
    /// What is done to an event's changes.
    EventChange {
        /// The rules stay as they were.
        RulesStay = "rules-stay",
        /// All rules go.
        RulesGo = "rules-go",
        /// Links stay.
        LinksStay = "links-stay",
        /// Connections go on.
        FlowsStay = "flows-stay",
        /// Everybody's connections are cut.
        FlowsGo = "flows-go",
        /// What passes a policy goes.
        PassesGo = "passes-go",
        /// What passes a policy stays.
        PassesStay = "passes-stay",
        /// Settings go back.
        SettingsGo = "settings-go",
        /// Settings stay.
        SettingsStay = "settings-stay",
        /// What is taken is given.
        NotRefused = "not-refused",
    }
}

words! {
    /// At which event.
    At {
        /// A container is added.
        Add = "add",
        /// A container is removed.
        Remove = "remove",
        /// Everything ends.
        End = "end",
    }
}

impl Generated {
    /// Everything that can be drawn, in an order that does not change.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for change in RuleChange::ALL {
            for purpose in Purpose::ALL {
                all.extend(
                    Which::ALL
                        .iter()
                        .map(|which| Self::Rule(*change, *purpose, *which)),
                );
            }
        }
        all.extend(LinkChange::ALL.iter().copied().map(Self::Link));
        all.extend(HostChange::ALL.iter().copied().map(Self::Host));
        for change in EventChange::ALL {
            all.extend(At::ALL.iter().map(|at| Self::Event(*change, *at)));
        }
        all
    }

    /// What is changed, without where: scores are given by it.
    pub fn operator(self) -> &'static str {
        match self {
            Self::Rule(change, ..) => change.word(),
            Self::Link(change) => change.word(),
            Self::Host(change) => change.word(),
            Self::Event(change, _) => change.word(),
        }
    }

    /// Breaks the plan of how it stands.
    pub(in crate::adapter::native) fn edit(self, plan: &mut Plan) {
        match self {
            Self::Rule(change, purpose, which) => rules(plan, change, purpose, which),
            Self::Link(change) => links(plan, change),
            Self::Host(change) => host(plan, change),
            Self::Event(..) => {}
        }
    }

    /// Breaks what an event changes.
    pub(in crate::adapter::native) fn spoil(
        self,
        step: &mut Step,
        before: &[(String, String)],
        event: &Event<'_>,
    ) {
        let Self::Event(change, at) = self else {
            return;
        };
        let now = match event {
            Event::Setup => return,
            Event::Add(_) => At::Add,
            Event::Remove(_) => At::Remove,
            Event::Teardown { .. } => At::End,
        };
        if now != at {
            return;
        }
        let edits = &mut step.edits;
        match change {
            EventChange::RulesStay => edits.table = Table::Stays,
            EventChange::RulesGo => edits.table = Table::Deleted,
            EventChange::LinksStay => {
                edits.unlinked.clear();
                edits.unlinks_all = false;
            }
            EventChange::FlowsStay => edits.forgotten.clear(),
            EventChange::FlowsGo => edits.forgotten = vec![Flows::All],
            EventChange::PassesGo => {
                edits.passed_no_more.append(&mut step.after.plan.passes);
            }
            EventChange::PassesStay => edits.passed_no_more.clear(),
            EventChange::SettingsGo => edits.settings = before.to_vec(),
            EventChange::SettingsStay => edits.settings.clear(),
            EventChange::NotRefused => step.refusal = None,
        }
    }
}

impl fmt::Display for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(change, purpose, which) => {
                write!(
                    f,
                    "rule:{}:{}:{}",
                    change.word(),
                    purpose.word(),
                    which.word()
                )
            }
            Self::Link(change) => write!(f, "link:{}", change.word()),
            Self::Host(change) => write!(f, "host:{}", change.word()),
            Self::Event(change, at) => write!(f, "event:{}:{}", change.word(), at.word()),
        }
    }
}

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

fn rules(plan: &mut Plan, change: RuleChange, purpose: Purpose, which: Which) {
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
    let next = |text: &str| -> Option<String> {
        let address: std::net::Ipv4Addr = text.parse().ok()?;
        Some(std::net::Ipv4Addr::from(u32::from(address).wrapping_add(1)).to_string())
    };
    if let Action::Destination(std::net::IpAddr::V4(to), _) = &mut rule.action {
        *to = u32::from(*to).wrapping_add(1).into();
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

fn links(plan: &mut Plan, change: LinkChange) {
    let next = |address: &mut std::net::IpAddr| {
        if let std::net::IpAddr::V4(v4) = address {
            *v4 = u32::from(*v4).wrapping_add(1).into();
        }
    };
    match change {
        LinkChange::NoGateway => plan.bridges.iter_mut().for_each(|one| one.address = None),
        LinkChange::NextGateway => {
            for prefix in plan
                .bridges
                .iter_mut()
                .filter_map(|one| one.address.as_mut())
            {
                // Far enough to be no container's.
                (0..150).for_each(|_| next(&mut prefix.address));
            }
        }
        LinkChange::LongGateway => {
            for prefix in plan
                .bridges
                .iter_mut()
                .filter_map(|one| one.address.as_mut())
            {
                prefix.length = 32;
            }
        }
        LinkChange::SmallBridge => plan
            .bridges
            .iter_mut()
            .for_each(|one| one.mtu = Some(SMALL)),
        LinkChange::NextAddress => {
            for port in &mut plan.ports {
                (0..100).for_each(|_| next(&mut port.address.address));
            }
        }
        LinkChange::SameAddress => {
            let first = plan
                .ports
                .first()
                .map(|one| (one.bridge.clone(), one.address));
            if let (Some((bridge, address)), Some(last)) = (first, plan.ports.last_mut())
                && last.bridge == bridge
            {
                last.address = address;
            }
        }
        LinkChange::LongPrefix => plan
            .ports
            .iter_mut()
            .for_each(|one| one.address.length = 30),
        LinkChange::NoRoute => plan.ports.iter_mut().for_each(|one| one.gateway = None),
        LinkChange::LastWithoutRoute => plan
            .ports
            .iter_mut()
            .rev()
            .take(1)
            .for_each(|one| one.gateway = None),
        LinkChange::InternalRoute => {
            for port in &mut plan.ports {
                let bridge = plan.bridges.iter().find(|one| one.name == port.bridge);
                let gateway = bridge.and_then(|one| one.address).map(|one| one.address);
                port.gateway = port.gateway.or(gateway);
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
        LinkChange::NotAttached => drop(plan.ports.pop()),
    }
}

fn host(plan: &mut Plan, change: HostChange) {
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
