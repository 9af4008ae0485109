//! Places that a step names: endpoints, interfaces, endings, chains.

use std::net::IpAddr;

use toml::Spanned;

use super::findings::Findings;
use super::scope::{Scope, listed};
use crate::address::Family;
use crate::case::model::Ending;
use crate::case::place::{Chain, Endpoint, Place};
use crate::case::suggest::did_you_mean;
use crate::plan::contract::LAN2_NODE;

/// Longest name of an interface in bytes (`IFNAMSIZ` without its NUL).
const INTERFACE_NAME_MAX_BYTES: usize = 15;

/// An address, a node or a role.
pub(super) fn endpoint(
    findings: &mut Findings<'_>,
    scope: &Scope<'_>,
    written: &Spanned<String>,
) -> Option<Endpoint> {
    let text = written.get_ref().as_str();
    if let Ok(address) = text.parse::<IpAddr>() {
        let family = Family::of(address);
        if !scope.families.contains(&family) {
            let families = listed(scope.families);
            let message =
                format!("`{address}` is an {family} address, and the case lists {families}");
            findings.note(
                written.span(),
                message,
                "wrong family",
                format!("use an address of {families}"),
            );
        }
        return Some(Endpoint::Address(address));
    }
    if text.contains(':') || text.starts_with(|c: char| c.is_ascii_digit()) {
        findings.note(
            written.span(),
            format!("`{text}` is not an IP address"),
            "malformed",
            "an address has no prefix and no port",
        );
        return None;
    }
    if let Some((owner, role)) = text.split_once('.') {
        return endpoint_by_role(findings, scope, written, owner, role);
    }
    scope.node(findings, written).map(Endpoint::Node)
}

fn endpoint_by_role(
    findings: &mut Findings<'_>,
    scope: &Scope<'_>,
    written: &Spanned<String>,
    owner: &str,
    role: &str,
) -> Option<Endpoint> {
    if scope.recipe {
        findings.note(
            written.span(),
            "a recipe names addresses, not roles",
            "a role",
            "write an address; cases/README.md lists those of the labs",
        );
        return None;
    }
    let network = scope
        .networks
        .iter()
        .find(|network| network.name.as_str() == owner);
    let has_second = scope.names().any(|node| node == LAN2_NODE);
    match (owner, role, network) {
        ("host", "uplink", _) => Some(Endpoint::HostUplink),
        ("host", "second", _) if has_second => Some(Endpoint::HostSecond),
        (_, "gateway", Some(network)) => Some(Endpoint::NetworkGateway(network.name.clone())),
        _ => {
            let of_host = ["host.uplink"].into_iter();
            let of_host = of_host.chain(has_second.then_some("host.second"));
            let networks = scope.networks.iter();
            let known: Vec<String> = of_host
                .map(str::to_owned)
                .chain(networks.map(|network| format!("{}.gateway", network.name)))
                .collect();
            let help = did_you_mean(
                written.get_ref(),
                known.iter().map(String::as_str),
                "roles of this case",
            );
            findings.note(
                written.span(),
                format!("unknown role `{}`", written.get_ref()),
                "not known",
                help,
            );
            None
        }
    }
}

/// A node, or one of its interfaces.
pub(super) fn place(
    findings: &mut Findings<'_>,
    scope: &Scope<'_>,
    written: &Spanned<String>,
) -> Option<Place> {
    let Some((node, interface)) = written.get_ref().split_once(':') else {
        return scope.node(findings, written).map(|node| Place {
            node,
            interface: None,
        });
    };
    let node = scope.node(findings, &Spanned::new(written.span(), node.to_owned()));
    if interface.is_empty()
        || interface.len() > INTERFACE_NAME_MAX_BYTES
        || interface.contains(['/', ' ', ':'])
    {
        let help = format!("NODE:INTERFACE, with a name of 1 to {INTERFACE_NAME_MAX_BYTES} bytes");
        findings.note(
            written.span(),
            format!("`{interface}` is not an interface's name"),
            "here",
            help,
        );
        return None;
    }
    if !scope.recipe {
        findings.note(
            written.span(),
            "a contract case names no interface",
            "here",
            "write the node alone",
        );
        return None;
    }
    Some(Place {
        node: node?,
        interface: Some(interface.to_owned()),
    })
}

/// Where a path ended.
pub(super) fn ending(
    findings: &mut Findings<'_>,
    scope: &Scope<'_>,
    written: &Spanned<String>,
) -> Option<Ending> {
    let text = written.get_ref().trim();
    let (node, place) = text.split_once([' ', ':']).unwrap_or((text, ""));
    let node = scope.node(findings, &Spanned::new(written.span(), node.to_owned()))?;
    Some(Ending {
        node,
        place: place.trim().to_owned(),
    })
}

/// Chains of the host.
pub(super) fn chains(
    findings: &mut Findings<'_>,
    written: Option<&Spanned<Vec<Spanned<String>>>>,
) -> Vec<Chain> {
    let entries = written
        .map(|list| list.get_ref().as_slice())
        .unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| findings.parsed(entry.span(), entry.get_ref(), "as `filter/FORWARD`"))
        .collect()
}
