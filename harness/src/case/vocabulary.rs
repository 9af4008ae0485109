//! The closed sets of words of a case file. Each word's doc comment is its description in the JSON schema.

use crate::address::Family;
pub use crate::packet::Protocol;

/// A closed set of words that a case file may use in one place.
pub(super) trait Word: Copy + 'static {
    /// What a word of this set is called in messages.
    const NOUN: &'static str;
    /// Every word of the set, in the order of the documentation.
    fn all() -> &'static [Self];
    /// The word as a case file spells it.
    fn word(self) -> &'static str;
}

/// Defines an enum together with its spelling in case files, JSON and the schema.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident, $noun:literal { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            schemars::JsonSchema,
        )]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every word of the set.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as a case file spells it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl $crate::case::vocabulary::Word for $name {
            const NOUN: &'static str = $noun;
            fn all() -> &'static [Self] {
                Self::ALL
            }
            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    };
}
pub(super) use words;

impl Word for Family {
    const NOUN: &'static str = "address family";
    fn all() -> &'static [Self] {
        Self::ALL
    }
    fn word(self) -> &'static str {
        self.as_str()
    }
}

words! {
    /// How strongly a case binds, as in RFC 2119.
    #[derive(Default)]
    Level, "level" {
        /// A failure is a failure of the run.
        #[default]
        Must = "must",
        /// A failure is reported; there may be good reasons for it.
        Should = "should",
        /// The behaviour is optional.
        May = "may",
    }
}

words! {
    /// A ready-made lab of network namespaces: c1, c2, host, gateway, isp and outside.
    LabName, "lab" {
        /// c1 and c2 hang on the host's bridge hwchiu0 by veth0 and veth1 with 10.55.66.2/24 and 10.55.66.3/24. The
        /// bridge has no address, the containers have no default route, FORWARD's policy is DROP.
        Article = "article",
        /// The same nodes, uplink and policies, but c1 and c2 have nothing but `lo` and the host has no bridge.
        Bare = "bare",
    }
}

words! {
    /// Which program the command `iptables` is in a recipe.
    Backend, "firewall back end" {
        /// The front end of nf_tables.
        IptablesNft = "iptables-nft",
        /// The front end of ip_tables.
        IptablesLegacy = "iptables-legacy",
    }
}

words! {
    /// What a probe sends.
    ProbeKind, "kind of probe" {
        /// An ICMP echo request, as `ping` does.
        IcmpEcho = "icmp-echo",
        /// One UDP datagram to `port`.
        Udp = "udp",
        /// A TCP connection to `port`, with one payload.
        Tcp = "tcp",
        /// One TCP segment with FIN and ACK to `port` that belongs to no connection, as a late one. A reset answers it.
        TcpFin = "tcp-fin",
        /// One IP datagram of a protocol that nobody speaks: 253, for experiments (RFC 3692 2.1). Its destination answers that the
        /// protocol is unreachable.
        IpProtocol = "ip-protocol",
        /// One ICMP echo reply to a request that nobody has sent.
        IcmpReply = "icmp-reply",
    }
}

impl ProbeKind {
    /// What it sends, in the words of a path's first line.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::IcmpEcho => "icmp echo",
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::TcpFin => "tcp fin of no connection",
            Self::IpProtocol => "ip protocol that nobody speaks",
            Self::IcmpReply => "icmp echo reply to nobody",
        }
    }
}

impl Word for Protocol {
    const NOUN: &'static str = "protocol";
    fn all() -> &'static [Self] {
        Self::ALL
    }
    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl From<Protocol> for ProbeKind {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Tcp => Self::Tcp,
            Protocol::Udp => Self::Udp,
        }
    }
}

words! {
    /// What becomes of packets that no rule speaks about.
    Policy, "policy" {
        /// They pass.
        Accept = "accept",
        /// They end.
        Drop = "drop",
    }
}

words! {
    /// What a teardown may leave.
    Leaves, "remainder" {
        /// Nothing: links, addresses, routes, rules and their order, policies, settings, sockets, files and the UDP
        /// connections that are led to containers are as before.
        Nothing = "nothing",
    }
}

words! {
    /// How what the host forwards for others ends after a teardown.
    Transit, "end of a transit" {
        /// As before set-up: the same packets, also where the host sees one direction of a connection only, end alike.
        AsBefore = "as-before",
    }
}

words! {
    /// How a packet path ends.
    FateWord, "fate" {
        /// The probing socket got its answer.
        Answered = "answered",
        /// The other side or a filter said no, and the probing node heard it.
        Rejected = "rejected",
        /// There was no way: an errno at the send, or an ICMP error about the route.
        Unreachable = "unreachable",
        /// The packet ended at a named place for a named reason.
        Dropped = "dropped",
        /// No evidence says where the packet went after its last hop.
        Lost = "lost",
        /// Contract cases: dropped, rejected, unreachable or lost, whatever the implementation prefers, and no frame of
        /// it reached another container or the node that it was sent to.
        Blocked = "blocked",
    }
}

impl FateWord {
    /// Whether the packet did not arrive, so that the case needs a positive control.
    pub fn is_negative(self) -> bool {
        self != Self::Answered
    }
}

words! {
    /// What an implementation must find when it is asked whether all is as it made it.
    Finding, "finding" {
        /// All is as it made it.
        Nothing = "nothing",
        /// Something is not, which it did not find when it was asked before.
        Something = "something",
    }
}

words! {
    /// What all questions of this moment must be answered with.
    Table, "table" {
        /// What the intended network promises: `goldpath intent CASE`.
        AsIntended = "as intended",
    }
}

words! {
    /// Which packet of an exchange.
    Leg, "leg" {
        /// What the probing node sent.
        Request = "request",
        /// What came back.
        Reply = "reply",
        /// An ICMP error about the request or the reply.
        Error = "error",
    }
}

impl From<Leg> for crate::path::LegKind {
    fn from(leg: Leg) -> Self {
        match leg {
            Leg::Request => Self::Request,
            Leg::Reply => Self::Reply,
            Leg::Error => Self::Error,
        }
    }
}

words! {
    /// What an implementation must be able to do for a contract case to be put to it.
    Feature, "feature" {
        /// Containers on one network reach each other by a link of theirs.
        Bridge = "bridge",
        /// Containers reach the host, which is their gateway, and what it leads to; the host reaches them. Who lists
        /// `bridge` lists this, too.
        Gateway = "gateway",
        /// A container without any network.
        NoneMode = "none-mode",
        /// A container in the host's namespace.
        HostMode = "host-mode",
        /// A container in another container's namespace.
        ContainerMode = "container-mode",
        /// Containers reach the outside from the host's address.
        Masquerade = "masquerade",
        /// Host ports lead to container ports over TCP.
        PublishTcp = "publish-tcp",
        /// Host ports lead to container ports over UDP.
        PublishUdp = "publish-udp",
        /// The host itself reaches published ports, by its own address and by 127.0.0.1.
        PublishLocal = "publish-local",
        /// A port is published on one address of the host.
        PublishAddress = "publish-address",
        /// A container reaches itself or its neighbour by the host's published port.
        Hairpin = "hairpin",
        /// Ports that are not published cannot be reached by a route through the host.
        HiddenPorts = "hidden-ports",
        /// Networks are isolated from each other.
        Isolation = "isolation",
        /// A network without a way out.
        Internal = "internal",
        /// An internal network does not reach the host by its other addresses either.
        InternalHost = "internal-host",
        /// The MTU of a network can be set.
        Mtu = "mtu",
        /// A container's address can be asked for.
        StaticAddress = "static-address",
        /// Containers get out and are reached where FORWARD's policy was DROP before. Who lists this lists `earlier-policy-outward`, too.
        EarlierPolicy = "earlier-policy",
        /// Containers get out where FORWARD's policy was DROP before; whether they are reached is another promise.
        EarlierPolicyOutward = "earlier-policy-outward",
        /// Packets that a person's rule of FORWARD drops stay dropped, though the rule is older than the network.
        EarlierRules = "earlier-rules",
        /// A host port that is taken is refused, and what was begun is undone.
        PortConflict = "port-conflict",
        /// A container that asks for the address of another one, or for any where none is left, is refused, and what was begun is undone.
        AddressConflict = "address-conflict",
        /// A container is removed or added while others stay.
        Replace = "replace",
        /// The gateway's hardware address stays when containers come and go.
        StableGateway = "stable-gateway",
        /// What was torn down, or what has lost its container, can be torn down.
        RepeatedTeardown = "repeated-teardown",
        /// The implementation can be asked whether all is as it made it.
        Check = "check",
        /// Networks may have IPv6 subnets.
        Ipv6 = "ipv6",
    }
}

impl Feature {
    /// Every feature but these.
    pub fn all_but(lacking: &[Self]) -> std::collections::BTreeSet<Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|feature| !lacking.contains(feature)).collect()
    }

    /// Every feature with the sentence that the schema has for it.
    pub fn described() -> impl Iterator<Item = (Self, String)> {
        let schema = schemars::schema_for!(Self);
        let words = schema
            .get("oneOf")
            .and_then(|words| words.as_array().cloned());
        let sentence = |word: serde_json::Value| {
            let text = word.get("description").and_then(serde_json::Value::as_str);
            text.unwrap_or_default().replace('\n', " ")
        };
        let words = words.unwrap_or_default().into_iter().map(sentence);
        Self::ALL.iter().copied().zip(words)
    }

    /// These, and what they say by themselves: containers of a bridge have the host as their gateway, and who lets everything
    /// past a policy lets out what containers begin.
    pub fn with_implied(
        mut features: std::collections::BTreeSet<Self>,
    ) -> std::collections::BTreeSet<Self> {
        if features.contains(&Self::Bridge) {
            features.insert(Self::Gateway);
        }
        if features.contains(&Self::EarlierPolicy) {
            features.insert(Self::EarlierPolicyOutward);
        }
        features
    }
}
