//! Rules of policy routing (ip-rule(8)): which one leads a packet away from the usual tables.

use std::net::IpAddr;

use rtnetlink::packet_route::route::{RouteAttribute, RouteMessage};
use rtnetlink::packet_route::rule::{RuleAction, RuleAttribute, RuleFlags, RuleMessage};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::lookup::{ip, names, table_of, words};
use super::{Lab, LabError};
use crate::address::Subnet;

/// `RT_TABLE_DEFAULT`, `RT_TABLE_MAIN`, `RT_TABLE_LOCAL`: what every namespace begins with.
const USUAL_TABLES: [u32; 3] = [253, 254, 255];

/// A rule that decides about a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// In the words of `ip rule`.
    pub rule: String,
    /// What its table holds for the destination; none where the rule itself decides.
    pub route: Option<String>,
}

impl Lab {
    /// The first rule that somebody added, that matches a packet by its addresses and input interface, and that decides:
    /// by itself or by a route of its table. Marks are not compared, as nobody outside of the kernel knows a packet's.
    pub fn policy(
        &self,
        node: &str,
        source: Option<IpAddr>,
        destination: IpAddr,
        input: Option<&str>,
    ) -> Result<Option<Policy>, LabError> {
        let mut socket = self.live(node)?.socket();
        let names = names(&mut socket)?;
        let question = RouteNetlinkMessage::GetRule(RuleMessage::default());
        let rows = socket.dump("list rules", question)?;
        let mut rules: Vec<RuleMessage> = rows
            .into_iter()
            .filter_map(|row| match row {
                RouteNetlinkMessage::NewRule(rule) => Some(rule),
                _ => None,
            })
            .filter(|rule| rule.header.family == AddressFamily::Inet)
            .collect();
        rules.sort_by_key(priority);
        let question = RouteNetlinkMessage::GetRoute(RouteMessage::default());
        let rows = socket.dump("list routes", question)?;
        let routes: Vec<RouteMessage> = rows
            .into_iter()
            .filter_map(|row| match row {
                RouteNetlinkMessage::NewRoute(route) => Some(route),
                _ => None,
            })
            .collect();
        for rule in &rules {
            if !matches(rule, source, destination, input) {
                continue;
            }
            let own = table(rule);
            let route = routes
                .iter()
                .filter(|route| table_of(route) == own && leads_to(route, destination))
                .max_by_key(|route| route.header.destination_prefix_length);
            let refuses = rule.header.action != RuleAction::ToTable;
            if USUAL_TABLES.contains(&own) && !refuses {
                // What the usual tables decide needs no rule to explain it.
                if route.is_some() {
                    return Ok(None);
                }
                continue;
            }
            if refuses || route.is_some() {
                return Ok(Some(Policy {
                    rule: in_words(rule),
                    route: route.filter(|_| !refuses).map(|route| words(route, &names)),
                }));
            }
        }
        Ok(None)
    }
}

fn priority(rule: &RuleMessage) -> u32 {
    let found = rule
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RuleAttribute::Priority(number) => Some(*number),
            _ => None,
        });
    found.unwrap_or_default()
}

fn table(rule: &RuleMessage) -> u32 {
    let wide = rule
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RuleAttribute::Table(number) => Some(*number),
            _ => None,
        });
    wide.unwrap_or_else(|| u32::from(rule.header.table))
}

fn leads_to(route: &RouteMessage, destination: IpAddr) -> bool {
    let length = route.header.destination_prefix_length;
    let to = route
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RouteAttribute::Destination(address) => ip(address),
            _ => None,
        });
    match to {
        Some(to) => Subnet::around(to, length).contains(destination),
        None => length == 0 && route.header.address_family == AddressFamily::Inet,
    }
}

fn matches(
    rule: &RuleMessage,
    source: Option<IpAddr>,
    destination: IpAddr,
    input: Option<&str>,
) -> bool {
    let header = &rule.header;
    let fits = rule.attributes.iter().all(|attribute| match attribute {
        RuleAttribute::Source(from) => {
            source.is_some_and(|source| Subnet::around(*from, header.src_len).contains(source))
        }
        RuleAttribute::Destination(to) => Subnet::around(*to, header.dst_len).contains(destination),
        RuleAttribute::Iifname(name) => input.unwrap_or("lo") == name,
        _ => true,
    });
    fits != header.flags.contains(RuleFlags::Invert)
}

fn in_words(rule: &RuleMessage) -> String {
    let header = &rule.header;
    let not = if header.flags.contains(RuleFlags::Invert) {
        " not"
    } else {
        ""
    };
    let (mut from, mut rest) = (String::from("all"), String::new());
    for attribute in &rule.attributes {
        match attribute {
            RuleAttribute::Source(address) => from = format!("{address}/{}", header.src_len),
            RuleAttribute::Destination(address) => {
                rest.push_str(&format!(" to {address}/{}", header.dst_len));
            }
            RuleAttribute::Iifname(name) => rest.push_str(&format!(" iif {name}")),
            RuleAttribute::Oifname(name) => rest.push_str(&format!(" oif {name}")),
            RuleAttribute::FwMark(mark) => rest.push_str(&format!(" fwmark {mark:#x}")),
            _ => {}
        }
    }
    let action = match header.action {
        RuleAction::ToTable => format!("lookup {}", table(rule)),
        other => format!("{other:?}").to_lowercase(),
    };
    format!("{}:{not} from {from}{rest} {action}", priority(rule))
}
