//! Routes for marked packets alone: what a prober adds to ask by another way, without a change for anybody else.
//!
//! They stand in a table of their own, to which only packets with one type of service are led. A socket can ask for it
//! (`IP_TOS`) and each router on the way can be told to heed it. Of answers only echo replies carry it (RFC 1122 3.2.2.6).
//!
//! Where one leads to 127.0.0.0/8, the node's own addresses come after them meanwhile: they would be found first.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rtnetlink::packet_route::route::RouteAttribute;
use rtnetlink::packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::build::route;
use super::{Lab, LabError};
use crate::netlink::Batch;

use crate::address::Prefix;

/// The type of service of packets that go by detours: "low delay" (RFC 791 3.1), which every kernel heeds in a rule.
pub const DETOUR_TOS: u8 = 0x10;
/// The table, of the numbers that nobody has named (`/etc/iproute2/rt_tables`).
const TABLE: u8 = 77;
/// The table of a node's own addresses (`RT_TABLE_LOCAL`).
const LOCAL: u8 = 255;
/// Priorities of rules: where a node's own addresses usually are, the detours', and where own ones come after these.
const FIRST: u32 = 0;
const DETOURS: u32 = 1;
const AFTER: u32 = 2;

/// One address that a node's marked packets reach by another next hop.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Detour {
    /// The node.
    pub node: String,
    /// The address.
    pub to: IpAddr,
    /// The next hop.
    pub via: IpAddr,
}

impl Lab {
    /// Adds detours, each once.
    pub fn add_detours(&self, detours: &[Detour]) -> Result<(), LabError> {
        for (node, detours) in by_node(detours) {
            let mut batch = Batch::default();
            if shadows_own(&detours) {
                let later = RouteNetlinkMessage::NewRule(own(AFTER));
                batch.create("add rule", "local addresses after detours", later);
            }
            batch.create("add rule", "detour", RouteNetlinkMessage::NewRule(rule()));
            if shadows_own(&detours) {
                let first = RouteNetlinkMessage::DelRule(own(FIRST));
                batch.change("remove rule", "local addresses first", first);
            }
            for detour in detours {
                let object = format!("{} via {}", detour.to, detour.via);
                batch.create("add route", object, of_table(detour)?);
            }
            self.live(node)?.socket().commit(batch)?;
        }
        Ok(())
    }

    /// Takes detours away.
    pub fn remove_detours(&self, detours: &[Detour]) -> Result<(), LabError> {
        for (node, detours) in by_node(detours) {
            let mut batch = Batch::default();
            if shadows_own(&detours) {
                let first = RouteNetlinkMessage::NewRule(own(FIRST));
                batch.create("add rule", "local addresses first", first);
                let later = RouteNetlinkMessage::DelRule(own(AFTER));
                batch.change("remove rule", "local addresses after detours", later);
            }
            let message = RouteNetlinkMessage::DelRule(rule());
            batch.change("remove rule", "detour", message);
            for detour in detours {
                if let RouteNetlinkMessage::NewRoute(route) = of_table(detour)? {
                    let object = format!("{} via {}", detour.to, detour.via);
                    let message = RouteNetlinkMessage::DelRoute(route);
                    batch.change("remove route", object, message);
                }
            }
            self.live(node)?.socket().commit(batch)?;
        }
        Ok(())
    }
}

fn by_node(detours: &[Detour]) -> BTreeMap<&str, Vec<&Detour>> {
    let mut nodes: BTreeMap<&str, Vec<&Detour>> = BTreeMap::new();
    for detour in detours {
        nodes.entry(&detour.node).or_default().push(detour);
    }
    nodes
}

/// Whether one leads to what is every node's own.
fn shadows_own(detours: &[&Detour]) -> bool {
    detours.iter().any(|detour| detour.to.is_loopback())
}

/// The rule that leads to a node's own addresses (ip-rule(8): the first one, of priority 0).
fn own(priority: u32) -> RuleMessage {
    let mut rule = RuleMessage::default();
    rule.header.family = AddressFamily::Inet;
    rule.header.table = LOCAL;
    rule.header.action = RuleAction::ToTable;
    rule.attributes.push(RuleAttribute::Priority(priority));
    rule
}

fn rule() -> RuleMessage {
    let mut rule = RuleMessage::default();
    rule.attributes.push(RuleAttribute::Priority(DETOURS));
    rule.header.family = AddressFamily::Inet;
    rule.header.tos = DETOUR_TOS;
    rule.header.table = TABLE;
    rule.header.action = RuleAction::ToTable;
    rule
}

fn of_table(detour: &Detour) -> Result<RouteNetlinkMessage, LabError> {
    let mut message = route(Some(Prefix::of_one(detour.to)), detour.via)?;
    if let RouteNetlinkMessage::NewRoute(route) = &mut message {
        route.header.table = TABLE;
        route
            .attributes
            .retain(|one| !matches!(one, RouteAttribute::Table(_)));
    }
    Ok(message)
}
