//! Faults that nobody chose: one operator, one place, drawn from all there are.
//!
//! A list of faults measures its authors. Here the operators are fixed and everything that they apply to is listed; a seed
//! draws from that list. A place is named by what it is for, so that one fault means the same in every scenario.

use std::fmt;

use super::apply::{host, links, rules};
use crate::adapter::native::event::{Event, Flows, Step, Table};
use crate::adapter::native::plan::Plan;

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
        /// Ports get nothing that is sent to a group.
        NoGroups = "no-groups",
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
