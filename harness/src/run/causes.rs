//! Why a packet ended where no verdict says so: what the lab still answers about the place.
//!
//! Asked only about a probe that ended otherwise than its case wants, while everything stands as it was.

use std::net::IpAddr;

use super::RunError;
use crate::address::Family;
use crate::case::Backend;
use crate::lab::{Lab, LabError};
use crate::packet::Transport;
use crate::path::{Cause, Direction, End, Evidence, Fate, Frame, Hop, LegKind, PacketPath, Step};
use crate::probe::{ProbeRequest, Prober, Service};
use crate::trace::Drops;

/// What explains a loss, or an unreachable that no packet's end explains.
///
/// # Errors
/// A table cannot be read.
pub(super) fn causes(
    lab: &Lab,
    evidence: &Evidence,
    path: &PacketPath,
) -> Result<Vec<Cause>, LabError> {
    match &path.fate {
        Fate::Lost { leg, .. } => match last_frame(evidence, path, *leg) {
            Some(frame) => lost(lab, evidence, path, frame),
            None => unseen(lab, evidence),
        },
        Fate::Unreachable { .. } => refused(lab, evidence, path),
        _ => Ok(Vec::new()),
    }
}

/// What the kernel says to a lost probe when it is sent again, where netfilter ended nothing.
///
/// # Errors
/// The probe cannot be sent.
pub(super) fn dropped(
    lab: &Lab,
    evidence: &Evidence,
    path: &PacketPath,
    again: &ProbeRequest,
    services: &mut [Service],
) -> Result<Vec<Cause>, RunError> {
    let Fate::Lost { leg, .. } = path.fate else {
        return Ok(Vec::new());
    };
    let mut prober = lab.netns(&evidence.from)?.run(|| Prober::open(again))??;
    let Some(drops) = Drops::watch() else {
        return Ok(Vec::new());
    };
    prober.send()?;
    for service in services {
        let served = service.serve();
        served.map_err(|source| RunError::Service { source })?;
    }
    let reasons = drops.reasons(Family::of(again.destination).ether_type());
    if reasons.is_empty() {
        return Ok(Vec::new());
    }
    let last = last_frame(evidence, path, leg);
    Ok(vec![Cause::Dropped {
        node: last.map_or(&evidence.from, |frame| &frame.node).clone(),
        reasons,
    }])
}

/// The frame that the leg's last hop is.
fn last_frame<'a>(evidence: &'a Evidence, path: &PacketPath, leg: LegKind) -> Option<&'a Frame> {
    let is_last = |frame: &&Frame| match path.hops(leg).last() {
        Some(hop) => {
            frame.leg == leg
                && (&frame.node, &frame.interface, frame.direction)
                    == (&hop.node, &hop.interface, hop.direction)
        }
        // Of a stream no leg is drawn.
        None => frame.leg == leg,
    };
    let frames = evidence.frames.iter().filter(is_last);
    frames.max_by_key(|frame| frame.order)
}

/// Nothing was seen at all: the prober's own way out.
fn unseen(lab: &Lab, evidence: &Evidence) -> Result<Vec<Cause>, LabError> {
    let Some(asked) = evidence.asked else {
        return Ok(Vec::new());
    };
    let interface = lab.leaves_by(&evidence.from, asked)?;
    let down = interface.map(|interface| down(lab, &evidence.from, &interface));
    Ok(down.transpose()?.flatten().into_iter().collect())
}

fn lost(
    lab: &Lab,
    evidence: &Evidence,
    path: &PacketPath,
    frame: &Frame,
) -> Result<Vec<Cause>, LabError> {
    if let Some(neighbour) = neighbour(lab, evidence, frame)? {
        return Ok(vec![neighbour]);
    }
    let (node, interface) = (frame.node.as_str(), frame.interface.as_str());
    let found = evidence.nodes.get(node);
    let link = found.and_then(|found| found.interfaces.get(interface));
    let mut causes = Vec::new();
    if let Some((other, end)) = link.and_then(|link| link.peer.as_ref())
        && frame.direction == Direction::Out
    {
        causes.extend(down(lab, other, end)?);
    }
    let is_bridge = found.is_some_and(|found| {
        let mut links = found.interfaces.values();
        links.any(|link| link.bridge.as_deref() == Some(interface))
    });
    let is_port = link.is_some_and(|link| link.bridge.is_some());
    if is_port || (is_bridge && frame.direction == Direction::Out) {
        if let Some((owner, end)) = owner(evidence, &frame.destination_mac) {
            causes.extend(down(lab, owner, end)?);
        }
        causes.extend(bridge_rules(lab, node)?);
    }
    if frame.direction == Direction::In && !is_port {
        causes.extend(routed(lab, evidence, path, frame)?);
    }
    Ok(causes)
}

/// What ends a packet between an interface and the routing decision of its node.
fn routed(
    lab: &Lab,
    evidence: &Evidence,
    path: &PacketPath,
    frame: &Frame,
) -> Result<Vec<Cause>, LabError> {
    let (node, interface) = (frame.node.as_str(), frame.interface.as_str());
    let mut causes = Vec::new();
    let source = frame.headers.source;
    let setting = lab.reverse_path_filter(node, interface)?;
    if setting > 0 && !source.is_loopback() {
        let back = lab.leaves_by(node, source)?;
        if back.is_none() || (setting == 1 && back.as_deref() != Some(interface)) {
            causes.push(Cause::ReversePath {
                node: node.to_owned(),
                interface: interface.to_owned(),
                setting,
                source,
                back,
            });
        }
    }
    let destination = destination(path, frame);
    let own = evidence.nodes.get(node).map(|node| &node.addresses);
    let is_own = own.is_some_and(|own| destination.is_some_and(|to| own.contains(&to)));
    if is_own {
        causes.extend(down(lab, node, "lo")?);
        return Ok(causes);
    }
    if !lab.forwards(node, interface)? {
        causes.push(Cause::NotForwarding {
            node: node.to_owned(),
            interface: interface.to_owned(),
        });
    }
    if let Some(destination) = destination {
        causes.extend(policy(
            lab,
            node,
            Some(source),
            destination,
            Some(interface),
        )?);
    }
    Ok(causes)
}

/// Where the node's routing sends the packet of a frame: behind the translation that conntrack or a rule makes; none if that
/// is not known.
fn destination(path: &PacketPath, frame: &Frame) -> Option<IpAddr> {
    let headers = &frame.headers;
    let address = |end: &str| {
        let with_port = end.parse::<std::net::SocketAddr>().map(|end| end.ip());
        with_port.or_else(|_| end.parse()).ok()
    };
    let is_reply = path.bindings.iter().find(|binding| {
        let (from, to) = &binding.reply;
        binding.node == frame.node
            && address(from) == Some(headers.source)
            && address(to) == Some(headers.destination)
    });
    if let Some(binding) = is_reply {
        return address(&binding.original.0);
    }
    let steps = path.steps(frame.leg);
    let is_frame = |step: &Step| matches!(step, Step::Hop(hop) if hop.node == frame.node && hop.interface == frame.interface);
    let behind = steps
        .iter()
        .rposition(is_frame)
        .map_or(steps, |at| &steps[at..]);
    let rewritten = behind.iter().find_map(|step| match step {
        Step::Rewrite(rewrite) if rewrite.end == End::Destination => Some(address(&rewrite.is)),
        _ => None,
    });
    let translates = behind
        .iter()
        .any(|step| matches!(step, Step::Verdict(verdict) if verdict.translates()));
    match rewritten {
        Some(rewritten) => rewritten,
        None => (!translates).then_some(headers.destination),
    }
}

/// A packet that a node refuses to route.
fn refused(lab: &Lab, evidence: &Evidence, path: &PacketPath) -> Result<Vec<Cause>, LabError> {
    let told = path.hops(LegKind::Error).find(|hop| !hop.is_redirect());
    let policy = match told {
        Some(Hop { node, headers, .. }) => {
            let Transport::Error { quoted, .. } = &headers.transport else {
                return Ok(Vec::new());
            };
            // The error quotes the packet as it was before its node translated it.
            let entered = path
                .hops(LegKind::Request)
                .filter(|hop| hop.node == *node && hop.direction == Direction::In)
                .last();
            let routed = path
                .steps(LegKind::Request)
                .iter()
                .rev()
                .find_map(|step| match step {
                    Step::Rewrite(rewrite)
                        if rewrite.node == *node && rewrite.end == End::Destination =>
                    {
                        rewrite
                            .is
                            .parse::<std::net::SocketAddr>()
                            .ok()
                            .map(|end| end.ip())
                    }
                    _ => None,
                });
            let destination = routed.unwrap_or(quoted.destination);
            let input = entered.map(|hop| hop.interface.as_str());
            policy(lab, node, Some(quoted.source), destination, input)?
        }
        None => match evidence.asked {
            Some(asked) => policy(lab, &evidence.from, None, asked, None)?,
            None => None,
        },
    };
    Ok(policy.into_iter().collect())
}

fn policy(
    lab: &Lab,
    node: &str,
    source: Option<IpAddr>,
    destination: IpAddr,
    input: Option<&str>,
) -> Result<Option<Cause>, LabError> {
    let found = lab.policy(node, source, destination, input)?;
    Ok(found.map(|policy| Cause::PolicyRule {
        node: node.to_owned(),
        rule: policy.rule,
        route: policy.route,
    }))
}

/// Whether the frame is addressed to who does not have the address that it is meant for.
fn neighbour(lab: &Lab, evidence: &Evidence, frame: &Frame) -> Result<Option<Cause>, LabError> {
    let mac = frame.destination_mac.as_str();
    // The lowest bit of the first byte says that a frame is for a group (IEEE 802).
    let first = mac
        .get(..2)
        .and_then(|byte| u8::from_str_radix(byte, 16).ok());
    let Some((sender, out)) = owner(evidence, &frame.source_mac) else {
        return Ok(None);
    };
    if first.is_none_or(|first| first & 1 == 1) || mac == "00:00:00:00:00:00" {
        return Ok(None);
    }
    let known = lab.known_by(sender, mac)?;
    let holder = match &known {
        Some(known) => lab.holder(known.address)?,
        None => None,
    };
    let holds = holder.as_ref().and_then(|(node, interface)| {
        let found = evidence.nodes.get(node)?.interfaces.get(interface)?;
        Some(found.mac.clone())
    });
    let owner = owner(evidence, mac);
    if owner.is_some() && holds.as_deref().is_none_or(|holds| holds == mac) {
        return Ok(None);
    }
    let holder = holder
        .zip(holds)
        .map(|((node, interface), holds)| format!("{node}:{interface} has {holds}"));
    Ok(Some(Cause::Neighbour {
        node: sender.to_owned(),
        interface: known
            .as_ref()
            .map_or(out, |known| known.interface.as_str())
            .to_owned(),
        mac: mac.to_owned(),
        owner: owner.map(|(node, interface)| format!("{node}:{interface}")),
        entry: known.map(|known| format!("{} ({})", known.address, known.state)),
        holder,
    }))
}

/// Who has a hardware address.
fn owner<'a>(evidence: &'a Evidence, mac: &str) -> Option<(&'a str, &'a str)> {
    let mut all = evidence.nodes.iter().flat_map(|(node, found)| {
        let links = found.interfaces.iter();
        links.map(move |(name, link)| (node.as_str(), name.as_str(), link))
    });
    let (node, name, _) = all.find(|(_, _, link)| !mac.is_empty() && link.mac == mac)?;
    Some((node, name))
}

fn down(lab: &Lab, node: &str, interface: &str) -> Result<Option<Cause>, LabError> {
    Ok((!lab.is_up(node, interface)?).then(|| Cause::Down {
        node: node.to_owned(),
        interface: interface.to_owned(),
    }))
}

/// Rules of a node's bridges that end packets.
fn bridge_rules(lab: &Lab, node: &str) -> Result<Option<Cause>, LabError> {
    let command = "nft --stateless list ruleset bridge";
    let argv: Vec<String> = command.split(' ').map(str::to_owned).collect();
    // Without nft there are no such rules to be listed.
    let Ok(listed) = lab.run(node, &argv, Backend::IptablesNft) else {
        return Ok(None);
    };
    let rules = ending(&listed.stdout);
    Ok((!rules.is_empty()).then(|| Cause::BridgeRules {
        node: node.to_owned(),
        rules,
    }))
}

/// Rules and policies that end packets, each behind its table and chain, of what `nft list ruleset bridge` prints.
fn ending(listed: &str) -> Vec<String> {
    let (mut table, mut chain) = ("", "");
    let mut rules = Vec::new();
    for line in listed.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["table", "bridge", name, "{"] => table = name,
            ["chain", name, "{"] => chain = name,
            ["type", ..] if line.contains("policy drop") => {
                rules.push(format!("{table}/{chain} policy drop"));
            }
            ["type", ..] => {}
            _ if words
                .iter()
                .any(|word| matches!(*word, "drop" | "reject" | "queue")) =>
            {
                rules.push(format!("{table}/{chain} {line}"));
            }
            _ => {}
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_end_packets_are_named_with_their_chain() {
        let listed = "table bridge filter {\n\tchain FORWARD {\n\t\ttype filter hook forward priority -200; policy accept;\n\
            \t\tether type ip counter accept\n\t\tip protocol icmp counter drop\n\t}\n\tchain in {\n\
            \t\ttype filter hook input priority 0; policy drop;\n\t}\n}\n";
        let rules = ending(listed);
        assert_eq!(
            rules,
            [
                "filter/FORWARD ip protocol icmp counter drop",
                "filter/in policy drop"
            ]
        );
    }
}
