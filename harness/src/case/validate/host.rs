//! The state in which an implementation finds the host.

use std::net::IpAddr;

use toml::Spanned;

use super::findings::Findings;
use crate::case::file::{DropFile, HostFile};
use crate::case::model::{Attachment, Container, Dropped, Host};
use crate::plan::contract;

/// Reads what the case says about the host.
pub(super) fn host(
    findings: &mut Findings<'_>,
    written: &Spanned<HostFile>,
    containers: &[Container],
) -> Host {
    let file = written.get_ref();
    let published = containers.iter().flat_map(|one| &one.publish);
    let mut taken = published.filter(|port| contract::MACHINES_PORTS.contains(&port.host_port));
    if let Some(port) = taken.next().filter(|_| file.own_rules) {
        let message = format!("port {} is led to a person's machine", port.host_port);
        let help = "publish another port, or leave `own_rules` out";
        findings.note(written.span(), message, "by `own_rules`", help);
    }
    let mut addresses: Vec<IpAddr> = Vec::new();
    for entry in &file.addresses {
        if let Some(address) = further(findings, entry) {
            if addresses.contains(&address) {
                let message = format!("the host has {address} twice");
                findings.note(entry.span(), message, "again", "remove it");
            }
            addresses.push(address);
        }
    }
    let drops = file.drops.iter();
    Host {
        forwards: file.forwards,
        forward: file.forward.as_ref().and_then(|word| findings.word(word)),
        input: file.input.as_ref().and_then(|word| findings.word(word)),
        bridge_netfilter: file.bridge_netfilter,
        addresses,
        second_uplink: file.second_uplink,
        own_rules: file.own_rules,
        drops: drops
            .filter_map(|one| dropped(findings, written, one, containers))
            .collect(),
    }
}

/// An address of the uplink's network that nobody has.
fn further(findings: &mut Findings<'_>, written: &Spanned<String>) -> Option<IpAddr> {
    let text = written.get_ref();
    let help = "write an address such as 10.0.2.16; cases/README.md lists the lab's";
    let address = text.parse::<IpAddr>().ok();
    let free = address.filter(|address| contract::is_free(*address));
    if free.is_none() {
        let message = format!("`{text}` is not a free address in 10.0.2.0/24");
        findings.note(written.span(), message, "here", help);
    }
    free
}

fn dropped(
    findings: &mut Findings<'_>,
    host: &Spanned<HostFile>,
    file: &DropFile,
    containers: &[Container],
) -> Option<Dropped> {
    if file.from.is_none() && file.to.is_none() {
        let help = "say `from`, `to` or both";
        findings.note(host.span(), "a rule that drops everything", "here", help);
        return None;
    }
    let mut end = |written: &Option<Spanned<String>>| match written {
        None => Some(None),
        Some(written) => known(findings, written, containers).map(Some),
    };
    let (from, to) = (end(&file.from), end(&file.to));
    Some(Dropped {
        from: from?,
        to: to?,
    })
}

/// An address that is known before the implementation comes.
fn known(
    findings: &mut Findings<'_>,
    written: &Spanned<String>,
    containers: &[Container],
) -> Option<IpAddr> {
    let text = written.get_ref().as_str();
    let asked = containers.iter().find(|one| one.name.as_str() == text);
    let found = match asked.map(|one| &one.attachment) {
        Some(Attachment::Network { address, .. }) => *address,
        Some(_) => None,
        None if text == "lan" => Some(contract::LAN.address),
        None => text
            .parse()
            .ok()
            .filter(|one: &IpAddr| one.is_ipv4() && !one.is_unspecified()),
    };
    if found.is_none() {
        let message = match text.parse::<IpAddr>() {
            Ok(_) => format!("`{text}` is no address that a rule of IPv4 can drop"),
            Err(_) => format!("the address of `{text}` is not known beforehand"),
        };
        let help = "write an address of IPv4, `lan`, or a container that asks for its `address`";
        findings.note(written.span(), message, "here", help);
    }
    found
}
