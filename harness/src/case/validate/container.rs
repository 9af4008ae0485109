//! Containers of a case.

use std::collections::BTreeMap;
use std::net::IpAddr;

use toml::Spanned;

use super::findings::Findings;
use super::network::{in_file_order, name};
use crate::case::file::ContainerFile;
use crate::case::model::{Attachment, Container, Host, Network};
use crate::case::place::NodeName;
use crate::case::publish::Publish;
use crate::case::suggest::did_you_mean;
use crate::plan::contract;

/// Reads the containers; names, attachments, addresses and published ports must fit together.
pub(super) fn containers(
    findings: &mut Findings<'_>,
    written: &BTreeMap<Spanned<String>, ContainerFile>,
    networks: &[Network],
    reserved: &[NodeName],
    recipe: bool,
) -> Vec<Container> {
    let mut containers: Vec<Container> = Vec::new();
    let names: Vec<&str> = reserved
        .iter()
        .map(NodeName::as_str)
        .chain(written.keys().map(|key| key.get_ref().as_str()))
        .collect();
    for (key, file) in in_file_order(written) {
        let Some(name) = name(findings, key) else {
            continue;
        };
        if reserved.contains(&name) {
            findings.note(
                key.span(),
                format!("the lab already has a node named `{name}`"),
                "taken",
                "choose another name",
            );
        }
        let attachment = match (&file.mode, &file.network) {
            (Some(mode), None) => mode_of(findings, mode, &names, &name),
            (None, Some(network)) if !recipe => {
                network_of(findings, network, file.address.as_ref(), networks)
            }
            (None, Some(network)) => {
                findings.note(
                    network.span(),
                    "a recipe has no networks",
                    "here",
                    "`mode = \"none\"`, then attach it by commands",
                );
                None
            }
            (Some(mode), Some(_)) => {
                findings.note(
                    mode.span(),
                    format!("container `{name}` has both a mode and a network"),
                    "and a network",
                    "keep one",
                );
                None
            }
            (None, None) => {
                let help = if recipe {
                    "add `mode = \"none\"`, `\"host\"` or `\"container:NAME\"`"
                } else {
                    "add `network = \"NAME\"` or `mode = \"none\"`"
                };
                findings.note(
                    key.span(),
                    format!("container `{name}` has neither a mode nor a network"),
                    "this one",
                    help,
                );
                None
            }
        };
        if let (Some(address), None) = (&file.address, &file.network) {
            findings.note(
                address.span(),
                "an address needs a network",
                "here",
                "add `network = \"NAME\"`, or remove it",
            );
        }
        let mut publish = Vec::new();
        for entry in &file.publish {
            if file.network.is_none() {
                findings.note(
                    entry.span(),
                    "only a container on a network publishes ports",
                    "here",
                    "add `network = \"NAME\"`, or remove it",
                );
                continue;
            }
            let Some(port) = findings.parsed::<Publish>(
                entry.span(),
                entry.get_ref(),
                "as `8080:80/tcp` or `127.0.0.1:8080:80/udp`",
            ) else {
                continue;
            };
            publish.push(port);
        }
        containers.push(Container {
            name,
            attachment: attachment.unwrap_or(Attachment::None),
            publish,
        });
    }
    for (key, file) in written {
        let attachment = |name: &str| {
            containers
                .iter()
                .find(|one| one.name.as_str() == name)
                .map(|one| &one.attachment)
        };
        if let (Some(Attachment::Container(other)), Some(mode)) =
            (attachment(key.get_ref()), &file.mode)
            && let Some(Attachment::Container(third)) = attachment(other.as_str())
        {
            let message =
                format!("`{other}` has no namespace of its own; it uses that of `{third}`");
            let help = "name a container that has its own namespace";
            findings.note(mode.span(), message, "a chain", help);
        }
    }
    containers
}

/// Addresses that ports are published on must be the host's: a further one is declared, so that the host has it.
pub(super) fn published(
    findings: &mut Findings<'_>,
    written: &BTreeMap<Spanned<String>, ContainerFile>,
    host: &Host,
    networks: &[Network],
) {
    let gateways = networks.iter().flat_map(Network::gateways);
    let own: Vec<IpAddr> = host
        .addresses
        .iter()
        .copied()
        .chain([contract::UPLINK.address])
        .chain(
            host.second_uplink
                .then_some(contract::SECOND_UPLINK.address),
        )
        .chain(gateways)
        .collect();
    for entry in in_file_order(written)
        .into_iter()
        .flat_map(|(_, file)| &file.publish)
    {
        // What is malformed was noted before.
        let address = entry.get_ref().parse::<Publish>().ok();
        let Some(address) = address.and_then(|port| port.address) else {
            continue;
        };
        if address.is_ipv4()
            && !address.is_loopback()
            && !address.is_unspecified()
            && !own.contains(&address)
        {
            let message = format!("the host has no address {address} to publish a port on");
            let help = if contract::is_free(address) {
                format!("add it: `[host]` with `addresses = [\"{address}\"]`")
            } else {
                let known: Vec<String> = own.iter().map(ToString::to_string).collect();
                format!("the host has 127.0.0.0/8, {}", known.join(", "))
            };
            findings.note(entry.span(), message, "here", help);
        }
    }
}

fn mode_of(
    findings: &mut Findings<'_>,
    mode: &Spanned<String>,
    names: &[&str],
    own: &NodeName,
) -> Option<Attachment> {
    match mode.get_ref().as_str() {
        "none" => Some(Attachment::None),
        "host" => Some(Attachment::Host),
        text => {
            let Some(other) = text.strip_prefix("container:") else {
                let help = did_you_mean(text, ["none", "host", "container:NAME"], "known modes");
                findings.note(
                    mode.span(),
                    format!("unknown mode `{text}`"),
                    "not known",
                    help,
                );
                return None;
            };
            let known = NodeName::new(other)
                .ok()
                .filter(|name| names.contains(&name.as_str()) && name != own);
            if known.is_none() {
                let others = names.iter().copied().filter(|name| *name != own.as_str());
                let help = did_you_mean(other, others, "nodes");
                findings.note(
                    mode.span(),
                    format!("there is no other container named `{other}`"),
                    "not known",
                    help,
                );
            }
            known.map(Attachment::Container)
        }
    }
}

fn network_of(
    findings: &mut Findings<'_>,
    network: &Spanned<String>,
    address: Option<&Spanned<String>>,
    networks: &[Network],
) -> Option<Attachment> {
    let wanted = network.get_ref().as_str();
    let Some(found) = networks.iter().find(|one| one.name.as_str() == wanted) else {
        let help = did_you_mean(
            wanted,
            networks.iter().map(|one| one.name.as_str()),
            "networks of this case",
        );
        findings.note(
            network.span(),
            format!("unknown network `{wanted}`"),
            "not known",
            help,
        );
        return None;
    };
    let address = address.and_then(|written| {
        let Ok(address) = written.get_ref().parse::<IpAddr>() else {
            findings.note(
                written.span(),
                format!("`{}` is not an IP address", written.get_ref()),
                "malformed",
                "write it as `10.77.1.9`, without a prefix",
            );
            return None;
        };
        if !found.subnets.iter().any(|subnet| subnet.has_host(address)) {
            let subnets = found
                .subnets
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" and ");
            let message = format!("{address} is not a usable address in network `{wanted}`");
            findings.note(
                written.span(),
                message,
                "outside",
                format!("`{wanted}` is {subnets}"),
            );
        }
        if found.gateways().any(|gateway| gateway == address) {
            let message =
                format!("{address} is the gateway of network `{wanted}`, which the host has");
            findings.note(written.span(), message, "taken", "choose another address");
        }
        Some(address)
    });
    Some(Attachment::Network {
        network: found.name.clone(),
        address,
    })
}
