//! A step's probe, and what the step says about its path.

use std::net::IpAddr;

use toml::Spanned;

use super::findings::Findings;
use super::step::Scene;
use crate::case::file::{ExpectFile, ProbeFile, SightingFile};
use crate::case::model::{Ending, Exchange, Expect, Probe, Sighting};
use crate::case::place::{Chain, Endpoint, Place};
use crate::case::step_file::StepFile;
use crate::case::suggest::did_you_mean;
use crate::case::vocabulary::{Family, FateWord, Send};

/// Longest name of an interface in bytes (`IFNAMSIZ` without its NUL).
const INTERFACE_NAME_MAX_BYTES: usize = 15;

/// Reads a step's probe. It must come with `expect`, and nothing about a path may stand without it.
pub(super) fn exchange(findings: &mut Findings<'_>, scene: &Scene<'_>, step: &StepFile) -> Option<Exchange> {
    let probe = step.probe.as_ref().map(|written| (written, probe(findings, scene, written.get_ref())));
    let expect = step.expect.as_ref().map(|written| expect(findings, scene, written.get_ref()));
    let sightings = |findings: &mut Findings<'_>, list: Option<&Spanned<crate::case::one_or_many::OneOrMany<SightingFile>>>| {
        let written = list.map(|list| list.get_ref().0.as_slice()).unwrap_or_default();
        written.iter().filter_map(|one| sighting(findings, scene, one)).collect::<Vec<_>>()
    };
    let seen = sightings(findings, step.seen.as_ref());
    let unseen = sightings(findings, step.unseen.as_ref());
    let meets = chains(findings, step.meets.as_ref());
    let avoids = chains(findings, step.avoids.as_ref());
    for (written, chain) in step.avoids.iter().flat_map(|list| list.get_ref()).zip(&avoids) {
        if meets.contains(chain) {
            findings.note(written.span(), format!("`{chain}` can't be both met and avoided"), "also in `meets`", "keep one");
        }
    }
    let Some((written, probe)) = probe else {
        let orphans = [
            ("expect", step.expect.as_ref().map(Spanned::span)),
            ("seen", step.seen.as_ref().map(Spanned::span)),
            ("unseen", step.unseen.as_ref().map(Spanned::span)),
            ("meets", step.meets.as_ref().map(Spanned::span)),
            ("avoids", step.avoids.as_ref().map(Spanned::span)),
        ];
        for (word, span) in orphans {
            if let Some(span) = span {
                findings.note(span, format!("`{word}` without `probe`"), "about which packet?", "add `probe = { send = …, from = …, to = … }` to this step");
            }
        }
        return None;
    };
    if step.expect.is_none() {
        findings.note(written.span(), "`probe` without `expect`", "what must come of it?", "add `expect = { fate = \"answered\" }` to this step");
    }
    Some(Exchange { probe: probe?, expect: expect??, seen, unseen, meets, avoids })
}

fn probe(findings: &mut Findings<'_>, scene: &Scene<'_>, file: &ProbeFile) -> Option<Probe> {
    let send = findings.word::<Send>(&file.send);
    let from = scene.node(findings, &file.from);
    let to = endpoint(findings, scene, &file.to);
    let port = file.port.as_ref().and_then(|port| findings.number(port, "port", 1..=65535));
    match (send, &file.port) {
        (Some(Send::IcmpEcho), Some(port)) => {
            findings.note(port.span(), "an echo request has no port", "here", "remove it, or send \"udp\" or \"tcp\"");
        }
        (Some(send @ (Send::Udp | Send::Tcp)), None) => {
            findings.note(file.send.span(), format!("a {send} probe needs a port"), "to which port?", "add `port = 80`");
        }
        _ => {}
    }
    let ttl = file.ttl.as_ref().and_then(|ttl| findings.number(ttl, "ttl", 1..=255));
    let size = file.size.as_ref().and_then(|size| findings.number(size, "size", 16..=65000));
    Some(Probe { send: send?, from: from?, to: to?, port, ttl, size, dont_fragment: file.dont_fragment })
}

fn expect(findings: &mut Findings<'_>, scene: &Scene<'_>, file: &ExpectFile) -> Option<Expect> {
    let fate = findings.word::<FateWord>(&file.fate);
    let ttl = file.ttl.as_ref().and_then(|ttl| findings.number(ttl, "ttl", 1..=255));
    let at = file.at.as_ref().and_then(|at| ending(findings, scene, at));
    let leg = file.leg.as_ref().and_then(|leg| findings.word(leg));
    let peer = file.peer.as_ref().and_then(|peer| endpoint(findings, scene, peer));
    let fate = fate?;
    let fields: [(&str, Option<std::ops::Range<usize>>, &[FateWord]); 5] = [
        ("ttl", file.ttl.as_ref().map(Spanned::span), &[FateWord::Answered]),
        ("at", file.at.as_ref().map(Spanned::span), &[FateWord::Dropped, FateWord::Lost]),
        ("leg", file.leg.as_ref().map(Spanned::span), &[FateWord::Dropped, FateWord::Lost]),
        ("reason", file.reason.as_ref().map(Spanned::span), &[FateWord::Rejected, FateWord::Unreachable]),
        ("peer", file.peer.as_ref().map(Spanned::span), &[FateWord::Answered, FateWord::Delivered]),
    ];
    for (field, span, fates) in fields {
        if let Some(span) = span.filter(|_| !fates.contains(&fate)) {
            let fates = fates.iter().map(|fate| fate.as_str()).collect::<Vec<_>>().join(" or ");
            findings.note(span, format!("a path that is {fate} has no `{field}`"), "here", format!("`{field}` belongs to fate {fates}"));
        }
    }
    let reason = file.reason.as_ref().map(|reason| reason.get_ref().clone());
    Some(Expect { fate, ttl, at, leg, reason, peer })
}

/// An address, a node or a role.
fn endpoint(findings: &mut Findings<'_>, scene: &Scene<'_>, written: &Spanned<String>) -> Option<Endpoint> {
    let text = written.get_ref().as_str();
    if let Ok(address) = text.parse::<IpAddr>() {
        let family = Family::of(address);
        if !scene.families.contains(&family) {
            let families = scene.families.iter().map(|family| family.as_str()).collect::<Vec<_>>().join(", ");
            let message = format!("`{address}` is an {family} address in a case of {families}");
            findings.note(written.span(), message, "wrong family", format!("add \"{family}\" to `families`, or use another address"));
        }
        return Some(Endpoint::Address(address));
    }
    if text.contains(':') || text.starts_with(|c: char| c.is_ascii_digit()) {
        findings.note(written.span(), format!("`{text}` is not an IP address"), "malformed", "an address has no prefix and no port");
        return None;
    }
    if let Some((owner, role)) = text.split_once('.') {
        return endpoint_by_role(findings, scene, written, owner, role);
    }
    scene.node(findings, written).map(Endpoint::Node)
}

fn endpoint_by_role(findings: &mut Findings<'_>, scene: &Scene<'_>, written: &Spanned<String>, owner: &str, role: &str) -> Option<Endpoint> {
    if scene.recipe {
        findings.note(written.span(), "a recipe names addresses, not roles", "a role", "write the address; the labs' are in cases/README.md");
        return None;
    }
    let network = scene.networks.iter().find(|network| network.name.as_str() == owner);
    match (owner, role, network) {
        ("host", "uplink", _) => Some(Endpoint::HostUplink),
        (_, "gateway", Some(network)) => Some(Endpoint::NetworkGateway(network.name.clone())),
        _ => {
            let known: Vec<String> = std::iter::once("host.uplink".to_owned())
                .chain(scene.networks.iter().map(|network| format!("{}.gateway", network.name)))
                .collect();
            let help = did_you_mean(written.get_ref(), known.iter().map(String::as_str), "roles of this case");
            findings.note(written.span(), format!("unknown role `{}`", written.get_ref()), "not known", help);
            None
        }
    }
}

fn sighting(findings: &mut Findings<'_>, scene: &Scene<'_>, file: &SightingFile) -> Option<Sighting> {
    let at = place(findings, scene, &file.at);
    let leg = file.leg.as_ref().and_then(|leg| findings.word(leg));
    let source = file.source.as_ref().and_then(|source| endpoint(findings, scene, source));
    let destination = file.destination.as_ref().and_then(|destination| endpoint(findings, scene, destination));
    let ttl = file.ttl.as_ref().and_then(|ttl| findings.number(ttl, "ttl", 1..=255));
    Some(Sighting { at: at?, leg, source, destination, ttl })
}

fn place(findings: &mut Findings<'_>, scene: &Scene<'_>, written: &Spanned<String>) -> Option<Place> {
    let Some((node, interface)) = written.get_ref().split_once(':') else {
        return scene.node(findings, written).map(|node| Place { node, interface: None });
    };
    let node = scene.node(findings, &Spanned::new(written.span(), node.to_owned()));
    if interface.is_empty() || interface.len() > INTERFACE_NAME_MAX_BYTES || interface.contains(['/', ' ', ':']) {
        let help = format!("NODE:INTERFACE, with a name of 1 to {INTERFACE_NAME_MAX_BYTES} bytes");
        findings.note(written.span(), format!("`{interface}` is not an interface's name"), "here", help);
        return None;
    }
    if !scene.recipe {
        findings.note(written.span(), "a contract case names no interface", "here", "write the node alone");
        return None;
    }
    Some(Place { node: node?, interface: Some(interface.to_owned()) })
}

fn ending(findings: &mut Findings<'_>, scene: &Scene<'_>, written: &Spanned<String>) -> Option<Ending> {
    let text = written.get_ref().trim();
    let (node, place) = text.split_once([' ', ':']).unwrap_or((text, ""));
    let node = scene.node(findings, &Spanned::new(written.span(), node.to_owned()))?;
    Some(Ending { node, place: place.trim().to_owned() })
}

fn chains(findings: &mut Findings<'_>, written: Option<&Spanned<Vec<Spanned<String>>>>) -> Vec<Chain> {
    let entries = written.map(|list| list.get_ref().as_slice()).unwrap_or_default();
    entries.iter().filter_map(|entry| findings.parsed(entry.span(), entry.get_ref(), "as `filter/FORWARD`")).collect()
}
