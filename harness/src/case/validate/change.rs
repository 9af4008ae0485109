//! Containers that come and go, and the end of all.

use std::collections::BTreeSet;
use std::net::IpAddr;

use toml::Spanned;

use super::findings::Findings;
use super::network::in_file_order;
use super::scope::Scope;
use crate::case::file::CaseFile;
use crate::case::model::{Attachment, Container, Damage, NetworkEvent, Step};
use crate::case::place::NodeName;
use crate::case::publish::Publish;
use crate::case::step_file::StepFile;
use crate::case::step_tables::CheckFile;
use crate::case::vocabulary::{Leaves, Transit};

/// Reads a step's change, of which there is at most one.
pub(super) fn change(
    findings: &mut Findings<'_>,
    scope: &Scope<'_>,
    file: &StepFile,
) -> Option<NetworkEvent> {
    let spans = [
        ("remove", file.remove.as_ref().map(Spanned::span)),
        ("lose", file.lose.as_ref().map(Spanned::span)),
        ("add", file.add.as_ref().map(Spanned::span)),
        ("refused", file.refused.as_ref().map(Spanned::span)),
        ("check", file.check.as_ref().map(Spanned::span)),
        ("teardown", file.teardown.as_ref().map(Spanned::span)),
    ];
    let mut written = spans
        .into_iter()
        .filter_map(|(word, span)| Some((word, span?)));
    let (word, span) = written.next()?;
    if scope.recipe {
        let message = format!("`{word}` has no meaning in a recipe");
        findings.note(span, message, "here", "write the commands");
        return None;
    }
    if let Some((second, span)) = written.next() {
        let message = format!("`{second}` and `{word}` in one step");
        findings.note(span, message, "here", "make a step of each");
        return None;
    }
    if let Some(check) = &file.check {
        return Some(NetworkEvent::Check {
            finds: findings.word(&check.get_ref().finds)?,
            damage: damage(findings, scope, check.get_ref()),
        });
    }
    if let Some(teardown) = &file.teardown {
        findings.word::<Leaves>(&teardown.get_ref().leaves)?;
        if file.probe.is_some() {
            let help = "probe in a step before";
            findings.note(span, "a probe after the end", "here", help);
        }
        let gone = teardown.get_ref().gone.as_ref();
        let transit = teardown.get_ref().transit.as_ref();
        let asked = transit.and_then(|word| findings.word::<Transit>(word));
        if let Some(word) = transit.filter(|_| !scope.host_forwards) {
            let message = "the host forwards nothing for others, so there is no transit";
            let help = "add `forwards = true` to [host]";
            findings.note(word.span(), message, "here", help);
        }
        return Some(NetworkEvent::Teardown {
            again: teardown.get_ref().again,
            gone: gone.and_then(|name| scope.node(findings, name)),
            transit: asked.is_some(),
        });
    }
    let named = |findings: &mut Findings<'_>, name: &Option<Spanned<String>>| {
        name.as_ref().and_then(|name| scope.node(findings, name))
    };
    let removed = named(findings, &file.remove).map(NetworkEvent::Remove);
    let lost = removed.or_else(|| named(findings, &file.lose).map(NetworkEvent::Lose));
    let added = lost.or_else(|| named(findings, &file.add).map(NetworkEvent::Add));
    added.or_else(|| named(findings, &file.refused).map(NetworkEvent::Refuse))
}

fn damage(findings: &mut Findings<'_>, scope: &Scope<'_>, check: &CheckFile) -> Vec<Damage> {
    let mut of = |name: &Option<Spanned<String>>, damage: fn(NodeName) -> Damage| {
        let name = name.as_ref();
        let name = name.and_then(|name| scope.node(findings, name));
        name.map(damage)
    };
    let damages = [
        of(&check.unplugged, Damage::Interfaces),
        of(&check.unaddressed, Damage::Addresses),
        of(&check.unrouted, Damage::DefaultRoute),
        check.flushed.then_some(Damage::Rules),
    ];
    damages.into_iter().flatten().collect()
}

/// Containers that are there before the first step: those that no step adds before it removes them.
pub(in crate::case) fn at_first<'a>(
    containers: &'a [Container],
    steps: &[Step],
) -> BTreeSet<&'a NodeName> {
    let names = containers.iter().map(|one| &one.name);
    names.filter(|name| !comes_later(name, steps)).collect()
}

fn comes_later(name: &NodeName, steps: &[Step]) -> bool {
    let mut changes = steps.iter().filter_map(|step| step.change.as_ref());
    let first = changes.find(|change| match change {
        NetworkEvent::Add(one)
        | NetworkEvent::Remove(one)
        | NetworkEvent::Lose(one)
        | NetworkEvent::Refuse(one) => one == name,
        NetworkEvent::Check { .. } | NetworkEvent::Teardown { .. } => false,
    });
    matches!(first, Some(NetworkEvent::Add(_) | NetworkEvent::Refuse(_)))
}

/// A container is removed while it is there, added while it is not, and where steps have probes knows its address; the end
/// comes last.
pub(super) fn in_order(findings: &mut Findings<'_>, file: &CaseFile, steps: &[Step]) {
    let declared = |name: &NodeName| {
        let mut keys = file.container.iter();
        keys.find(|(key, _)| key.get_ref() == name.as_str())
            .map(|(_, container)| container)
    };
    let first = steps.iter().filter_map(|step| step.change.as_ref());
    // A table asks whatever addresses there are.
    let probes = steps.iter().any(|step| step.exchange.is_some());
    let mut seen: Vec<(&NodeName, bool)> = Vec::new();
    for (written, step) in file.step.iter().zip(steps) {
        let Some(change) = &step.change else { continue };
        let (name, wanted) = match change {
            NetworkEvent::Remove(name) | NetworkEvent::Lose(name) => (name, true),
            NetworkEvent::Add(name) | NetworkEvent::Refuse(name) => (name, false),
            NetworkEvent::Check { damage, .. } => {
                let is_there = |name: &NodeName| {
                    let seen = seen.iter().find(|(one, _)| *one == name);
                    let at_first = || declared(name).is_some() && !comes_later(name, steps);
                    seen.map_or_else(at_first, |(_, there)| *there)
                };
                let containers = damage.iter().filter_map(Damage::container);
                for name in containers.filter(|name| !is_there(name)) {
                    let message = format!("there is no container `{name}` to take something from");
                    let help = "name a container that is there, or remove the word";
                    findings.note(written.span(), message, "here", help);
                }
                continue;
            }
            NetworkEvent::Teardown { .. } => continue,
        };
        let span = [
            &written.get_ref().remove,
            &written.get_ref().lose,
            &written.get_ref().add,
            &written.get_ref().refused,
        ];
        let span = span.into_iter().flatten().next().map(Spanned::span);
        let span = span.unwrap_or_else(|| written.span());
        match declared(name) {
            None => {
                let message = format!("this case has no container `{name}`");
                findings.note(span, message, "here", "name a container");
                continue;
            }
            Some(container)
                if probes
                    && !matches!(change, NetworkEvent::Refuse(_))
                    && container.network.is_some()
                    && container.address.is_none() =>
            {
                let message = format!("`{name}` is added or removed, and has no `address`");
                let help =
                    "add `address = …` to it, so that nothing depends on the order of containers";
                findings.note(span.clone(), message, "here", help);
            }
            Some(_) => {}
        }
        let there = seen.iter().find(|(one, _)| *one == name);
        if there.is_some_and(|(_, there)| *there != wanted) {
            let (verb, state) = if wanted {
                ("remove", "is not")
            } else {
                ("add", "is")
            };
            let message = format!("cannot {verb} `{name}`, which {state} there");
            findings.note(span, message, "here", "see the steps before");
        }
        seen.retain(|(one, _)| *one != name);
        seen.push((name, matches!(change, NetworkEvent::Add(_))));
    }
    let ends = first.filter(|change| matches!(change, NetworkEvent::Teardown { .. }));
    let last = steps.last().and_then(|step| step.change.as_ref());
    let at_the_end = usize::from(matches!(last, Some(NetworkEvent::Teardown { .. })));
    if ends.count() > at_the_end
        && let Some(written) = file
            .step
            .iter()
            .find(|one| one.get_ref().teardown.is_some())
    {
        let help = "move the step to the end";
        findings.note(written.span(), "steps after `teardown`", "here", help);
    }
}

/// Only what has a network namespace and links of its own can vanish with them.
pub(super) fn can_vanish(
    findings: &mut Findings<'_>,
    files: &[Spanned<StepFile>],
    containers: &[Container],
) {
    let named = |name: &Spanned<String>| {
        let mut containers = containers.iter();
        containers.find(|one| one.name.as_str() == name.get_ref())
    };
    let on_network = |name: &Spanned<String>| {
        named(name).is_some_and(|one| matches!(one.attachment, Attachment::Network { .. }))
    };
    for file in files {
        let teardown = file.get_ref().teardown.as_ref();
        let gone = teardown.and_then(|teardown| teardown.get_ref().gone.as_ref());
        // What is no container at all was noted before.
        let lost = file.get_ref().lose.as_ref();
        let lost = lost.filter(|name| named(name).is_some());
        for name in [lost, gone].into_iter().flatten() {
            if !on_network(name) {
                let message = format!("`{}` is on no network and cannot vanish", name.get_ref());
                let help = "name a container with `network`";
                findings.note(name.span(), message, "here", help);
            }
        }
    }
}

/// The containers that are there together, before each step and at the end.
fn together<'a>(containers: &'a [Container], steps: &'a [Step]) -> Vec<BTreeSet<&'a NodeName>> {
    let mut there = at_first(containers, steps);
    let mut together = vec![there.clone()];
    for change in steps.iter().filter_map(|step| step.change.as_ref()) {
        match change {
            NetworkEvent::Remove(name) | NetworkEvent::Lose(name) => drop(there.remove(name)),
            NetworkEvent::Add(name) => drop(there.insert(name)),
            NetworkEvent::Refuse(_)
            | NetworkEvent::Check { .. }
            | NetworkEvent::Teardown { .. } => {}
        }
        together.push(there.clone());
    }
    together
}

/// Two containers that are there at the same time don't have one address, and don't publish one port of the host unless one
/// is to be refused. A container that takes another's place may have what that one had.
pub(super) fn collisions(
    findings: &mut Findings<'_>,
    file: &CaseFile,
    containers: &[Container],
    steps: &[Step],
) {
    let together = together(containers, steps);
    let meet = |one: &NodeName, other: &NodeName| {
        let mut moments = together.iter();
        moments.any(|names| names.contains(one) && names.contains(other))
    };
    let mut addressed: Vec<(&NodeName, IpAddr)> = Vec::new();
    let mut published: Vec<(&NodeName, Publish)> = Vec::new();
    for (key, written) in in_file_order(&file.container) {
        let Some(container) = containers
            .iter()
            .find(|one| one.name.as_str() == key.get_ref())
        else {
            continue;
        };
        let Attachment::Network { address, .. } = &container.attachment else {
            continue;
        };
        if let (Some(address), Some(written)) = (address, &written.address) {
            let mut others = addressed.iter();
            if others.any(|(owner, taken)| taken == address && meet(owner, &container.name)) {
                let message = format!("two containers have the address {address}");
                findings.note(written.span(), message, "again", "choose another address");
            }
            addressed.push((&container.name, *address));
        }
        for entry in &written.publish {
            let Ok(port) = entry.get_ref().parse::<Publish>() else {
                continue;
            };
            let own = &container.name;
            let meets = |other: &NodeName| other == own || meet(own, other);
            let taken = published
                .iter()
                .find(|(owner, taken)| taken.collides(&port) && meets(owner));
            if let Some((owner, taken)) = taken {
                let message = format!(
                    "host port {}/{} is published twice",
                    port.host_port, port.protocol
                );
                let help = format!("`{owner}` already has `{taken}`");
                findings.note(entry.span(), message, "again", help);
            }
            published.push((own, port));
        }
    }
}
