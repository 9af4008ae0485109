//! What the machine answers when it is asked why a packet went no further, where no verdict says so.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something about a node that ends a packet in silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Cause {
    /// The interface that the packet came in by does not forward (`net.ipv4.conf.IF.forwarding`).
    NotForwarding {
        /// Node's name.
        node: String,
        /// Interface's name.
        interface: String,
    },
    /// The way back to the source does not lead out of the interface that the packet came in by (`rp_filter`).
    ReversePath {
        /// Node's name.
        node: String,
        /// Interface's name.
        interface: String,
        /// 1 strict, 2 loose: the larger one of the interface's and of `all`.
        setting: u8,
        /// The packet's source.
        source: IpAddr,
        /// The interface that the way back leaves by; none if there is no way.
        back: Option<String>,
    },
    /// A policy rule leads the packet to a table other than the usual ones, or refuses it.
    PolicyRule {
        /// Node's name.
        node: String,
        /// In the words of `ip rule`, as `100: from 10.77.1.0/24 lookup 100`.
        rule: String,
        /// What the table holds for the destination, in the words of `ip route`; none where the rule itself decides.
        route: Option<String>,
    },
    /// The frame is addressed to who does not have the address that it is meant for.
    Neighbour {
        /// The node that sent the frame.
        node: String,
        /// Its interface.
        interface: String,
        /// The frame's destination.
        mac: String,
        /// Who has that hardware address, as `c2:eth0`; none if nobody has.
        owner: Option<String>,
        /// What the sending node holds about it: address and state, as `10.77.1.10 permanent`.
        entry: Option<String>,
        /// Who has the entry's address and by which hardware address, as `c1:eth0 has 02:42:0a:4d:01:0a`.
        holder: Option<String>,
    },
    /// An interface on the way is down.
    Down {
        /// Node's name.
        node: String,
        /// Interface's name.
        interface: String,
    },
    /// The packet ended within a bridge that has rules of nftables' family `bridge`, which ebtables writes, too.
    BridgeRules {
        /// Node's name.
        node: String,
        /// Rules and policies that end packets, as `filter/FORWARD ip protocol icmp drop`.
        rules: Vec<String>,
    },
    /// The same probe, sent again, was dropped, and the kernel says why.
    Dropped {
        /// The node that had it last.
        node: String,
        /// Names of `enum skb_drop_reason` (Linux include/net/dropreason-core.h), as `TC_INGRESS`.
        reasons: Vec<String>,
    },
}

impl Cause {
    /// The node that it is about.
    pub fn node(&self) -> &str {
        match self {
            Self::NotForwarding { node, .. }
            | Self::ReversePath { node, .. }
            | Self::PolicyRule { node, .. }
            | Self::Neighbour { node, .. }
            | Self::Down { node, .. }
            | Self::BridgeRules { node, .. }
            | Self::Dropped { node, .. } => node,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotForwarding { node, interface } => write!(
                f,
                "{node} forwards nothing that comes in by {interface} (net.ipv4.conf.{interface}.forwarding is 0)"
            ),
            Self::ReversePath {
                node,
                interface,
                setting,
                source,
                back,
            } => {
                let kind = if *setting == 1 { "strict" } else { "loose" };
                write!(
                    f,
                    "rp_filter of {node}:{interface} is {setting} ({kind}), and "
                )?;
                match back {
                    Some(back) => write!(f, "the way back to {source} leaves by {back}"),
                    None => write!(f, "there is no way back to {source}"),
                }
            }
            Self::PolicyRule { node, rule, route } => {
                write!(f, "the policy rule `{rule}` of {node} takes the packet")?;
                match route {
                    Some(route) => write!(f, "; its table has: {route}"),
                    None => Ok(()),
                }
            }
            Self::Neighbour {
                node,
                interface,
                mac,
                owner,
                entry,
                holder,
            } => {
                let owner = owner.as_deref().unwrap_or("nobody");
                write!(f, "the frame is addressed to {mac}, which {owner} has")?;
                if let Some(entry) = entry {
                    write!(f, ": {node} knows it on {interface} for {entry}")?;
                }
                match holder {
                    Some(holder) => write!(f, "; {holder}"),
                    None => Ok(()),
                }
            }
            Self::Down { node, interface } => {
                write!(f, "{node}:{interface} is down (ip link set {interface} up)")
            }
            Self::BridgeRules { node, rules } => write!(
                f,
                "the bridge of {node} has rules that end packets (nft list ruleset bridge): {}",
                rules.join("; ")
            ),
            Self::Dropped { node, reasons } => write!(
                f,
                "sent again, the packet went no further than {node}, and the kernel gave the reason {} \
                (include/net/dropreason-core.h)",
                reasons.join(", ")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_names_the_place_and_what_is_there() {
        let node = || String::from("host");
        let interface = || String::from("eth0");
        let source = IpAddr::from([10, 0, 2, 50]);
        let causes = [
            Cause::NotForwarding {
                node: node(),
                interface: interface(),
            },
            Cause::ReversePath {
                node: node(),
                interface: interface(),
                setting: 1,
                source,
                back: Some("br-front".into()),
            },
            Cause::ReversePath {
                node: node(),
                interface: interface(),
                setting: 2,
                source,
                back: None,
            },
            Cause::PolicyRule {
                node: node(),
                rule: "100: from 10.77.1.0/24 lookup 100".into(),
                route: Some("unreachable default".into()),
            },
            Cause::Neighbour {
                node: "c2".into(),
                interface: interface(),
                mac: "02:00:00:00:00:99".into(),
                owner: None,
                entry: Some("10.77.1.2 permanent".into()),
                holder: Some("c1:eth0 has 02:42:0a:4d:01:02".into()),
            },
            Cause::Down {
                node: "c1".into(),
                interface: "lo".into(),
            },
            Cause::BridgeRules {
                node: node(),
                rules: vec!["filter/FORWARD ip protocol icmp drop".into()],
            },
            Cause::Dropped {
                node: node(),
                reasons: vec!["TC_INGRESS".into()],
            },
        ];
        let words: Vec<String> = causes.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(words.join("\n"), @r"
        host forwards nothing that comes in by eth0 (net.ipv4.conf.eth0.forwarding is 0)
        rp_filter of host:eth0 is 1 (strict), and the way back to 10.0.2.50 leaves by br-front
        rp_filter of host:eth0 is 2 (loose), and there is no way back to 10.0.2.50
        the policy rule `100: from 10.77.1.0/24 lookup 100` of host takes the packet; its table has: unreachable default
        the frame is addressed to 02:00:00:00:00:99, which nobody has: c2 knows it on eth0 for 10.77.1.2 permanent; c1:eth0 has 02:42:0a:4d:01:02
        c1:lo is down (ip link set lo up)
        the bridge of host has rules that end packets (nft list ruleset bridge): filter/FORWARD ip protocol icmp drop
        sent again, the packet went no further than host, and the kernel gave the reason TC_INGRESS (include/net/dropreason-core.h)
        ");
    }
}
