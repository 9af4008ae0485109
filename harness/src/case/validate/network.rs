//! Networks of a case.

use std::collections::BTreeMap;
use std::net::IpAddr;

use toml::Spanned;

use super::findings::Findings;
use super::scope::listed;
use crate::address::{Family, PerFamily, Subnet};
use crate::case::file::NetworkFile;
use crate::case::model::Network;
use crate::case::place::NodeName;
use crate::plan::contract;

/// Longest prefix with two addresses for hosts: the gateway and one container.
const LONGEST_PREFIX: u8 = 30;

/// Reads the networks; no two of them may share an address.
pub(super) fn networks(
    findings: &mut Findings<'_>,
    written: &BTreeMap<Spanned<String>, NetworkFile>,
    families: &[Family],
) -> Vec<Network> {
    let mut networks: Vec<Network> = Vec::new();
    for (key, file) in in_file_order(written) {
        let Some(name) = name(findings, key) else {
            continue;
        };
        let span = file.subnet.span();
        let mut subnets = PerFamily::NONE;
        for text in &file.subnet.get_ref().0 {
            let Some(subnet) =
                findings.parsed::<Subnet>(span.clone(), text, "write it as `10.77.1.0/24`")
            else {
                continue;
            };
            if !families.contains(&subnet.family()) {
                let message = format!("`{subnet}` is of a family that the case doesn't list");
                let help = format!("use a subnet of {}", listed(families));
                findings.note(span.clone(), message, "here", help);
            }
            let others = networks
                .iter()
                .flat_map(|network| network.subnets.iter().map(|one| (&network.name, one)));
            for (other, taken) in others.filter(|(_, taken)| taken.overlaps(subnet)) {
                let message = format!("subnet {subnet} of `{name}` overlaps {taken} of `{other}`");
                findings.note(
                    span.clone(),
                    message,
                    "overlaps",
                    "give each network its own prefix",
                );
            }
            if let Some((message, help)) = unusable(subnet) {
                findings.note(span.clone(), message, "here", help);
            }
            if subnets.set(subnet.family(), subnet).is_some() {
                let message = format!("network `{name}` has two {} subnets", subnet.family());
                findings.note(
                    span.clone(),
                    message,
                    "here",
                    "a network has at most one subnet of each family",
                );
            }
        }
        let gateway = file
            .gateway
            .as_ref()
            .and_then(|gateway| self::gateway(findings, gateway, &subnets));
        let mtu = file
            .mtu
            .as_ref()
            .and_then(|mtu| findings.number(mtu, "mtu", 68..=65535));
        networks.push(Network {
            name,
            subnets,
            gateway,
            internal: file.internal,
            mtu,
        });
    }
    networks
}

/// The host's address in a network of these subnets.
fn gateway(
    findings: &mut Findings<'_>,
    written: &Spanned<String>,
    subnets: &PerFamily<Subnet>,
) -> Option<IpAddr> {
    let address = findings.parsed::<IpAddr>(
        written.span(),
        written.get_ref(),
        "write it as `10.77.1.254`",
    )?;
    let fits = subnets.iter().any(|subnet| subnet.has_host(address));
    if !fits && !subnets.is_empty() {
        let message = format!("{address} is not a usable address of this network");
        findings.note(
            written.span(),
            message,
            "outside",
            "choose one of its subnet",
        );
    }
    Some(address)
}

/// Why no container network can have this subnet, and what to write instead.
fn unusable(subnet: Subnet) -> Option<(String, &'static str)> {
    let elsewhere = "choose a free prefix, such as 10.77.1.0/24";
    let in_lab = contract::addresses()
        .into_iter()
        .map(|(_, own)| own)
        .chain([contract::MACHINES])
        .map(|own| Subnet::around(own.address, own.length))
        .find(|taken| taken.overlaps(subnet));
    if let Some(taken) = in_lab {
        let message = format!("subnet {subnet} overlaps {taken}, a network of the lab");
        return Some((message, elsewhere));
    }
    let reserved = [
        ([0, 0, 0, 0], 8, "\"this\" network (RFC 1122)"),
        ([127, 0, 0, 0], 8, "loopback (RFC 1122)"),
        (
            [224, 0, 0, 0],
            3,
            "multicast and what is reserved behind it (RFC 1112)",
        ),
    ];
    for (first, length, what) in reserved {
        if Subnet::around(first.into(), length).overlaps(subnet) {
            let message = format!("no container can have an address in {subnet}: it is {what}");
            return Some((message, elsewhere));
        }
    }
    (subnet.family() == Family::Ipv4 && subnet.length() > LONGEST_PREFIX).then(|| {
        let message = format!("subnet {subnet} has no room for a gateway and a container");
        (message, "a prefix of at most 30 bits")
    })
}

/// The name of a network or a container.
pub(super) fn name(findings: &mut Findings<'_>, key: &Spanned<String>) -> Option<NodeName> {
    match NodeName::new(key.get_ref()) {
        Ok(name) => Some(name),
        Err(error) => {
            findings.note(
                key.span(),
                error.to_string(),
                "this name",
                "names become interface and namespace names",
            );
            None
        }
    }
}

/// Tables come sorted by name; what a person reads is file order.
pub(super) fn in_file_order<T>(
    written: &BTreeMap<Spanned<String>, T>,
) -> Vec<(&Spanned<String>, &T)> {
    let mut entries: Vec<_> = written.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}
