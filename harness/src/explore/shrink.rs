//! What a scenario can do without.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::sketch::{Container, Event, Host, Place, Sketch};
use crate::case::Damage;
use crate::plan::contract::SECOND_UPLINK;

/// Scenarios that are smaller by one thing, the largest thing first. Each can be made.
pub fn smaller(sketch: &Sketch) -> Vec<Sketch> {
    let mut found = Vec::new();
    let mut changed = |change: &dyn Fn(&mut Sketch)| {
        let mut smaller = sketch.clone();
        change(&mut smaller);
        if smaller != *sketch && is_possible(&smaller) && !found.contains(&smaller) {
            found.push(smaller);
        }
    };
    for network in &sketch.networks {
        changed(&|one| without_network(one, &network.name));
    }
    for container in &sketch.containers {
        changed(&|one| without_container(one, &container.name));
    }
    let events = sketch.events.len();
    for from in 0..events {
        // An event alone, and with the next: who was removed and came back.
        for to in [from + 2, from + 1] {
            changed(&|one| without_events(one, from, to.min(events)));
        }
    }
    for (place, container) in sketch.containers.iter().enumerate() {
        for port in 0..container.publish.len() {
            changed(&|one| {
                one.containers[place].publish.remove(port);
            });
        }
    }
    plain_host(&sketch.host, &mut changed);
    for place in 0..sketch.networks.len() {
        changed(&|one| one.networks[place].internal = false);
        changed(&|one| one.networks[place].mtu = None);
        changed(&|one| one.networks[place].gateway = None);
    }
    for place in &sketch.asked {
        changed(&|one| {
            one.asked.remove(place);
        });
    }
    for place in 0..sketch.containers.len() {
        changed(&|one| {
            if let Place::On(_, address) = &mut one.containers[place].place {
                *address = None;
            }
        });
    }
    found
}

fn plain_host(host: &Host, changed: &mut impl FnMut(&dyn Fn(&mut Sketch))) {
    changed(&|one| one.host.drops.clear());
    changed(&|one| one.host.policy = None);
    changed(&|one| one.host.input = None);
    changed(&|one| one.host.forwards = false);
    changed(&|one| one.host.bridge_netfilter = false);
    changed(&|one| {
        one.host.second_uplink = false;
        publish_no_more_on(one, SECOND_UPLINK.address);
    });
    changed(&|one| one.host.own_rules = false);
    changed(&|one| one.host.path_mtu = None);
    for address in &host.addresses {
        changed(&|one| {
            one.host.addresses.retain(|other| other != address);
            publish_no_more_on(one, *address);
        });
    }
}

fn publish_no_more_on(sketch: &mut Sketch, address: IpAddr) {
    for container in &mut sketch.containers {
        container
            .publish
            .retain(|port| port.address != Some(address));
    }
}

fn without_network(sketch: &mut Sketch, name: &str) {
    sketch.networks.retain(|network| network.name != name);
    let on = |place: &Place| matches!(place, Place::On(network, _) if network == name);
    let members = sketch.containers.iter().filter(|one| on(&one.place));
    let members: Vec<String> = members.map(|one| one.name.clone()).collect();
    for member in members {
        without_container(sketch, &member);
    }
}

fn without_container(sketch: &mut Sketch, name: &str) {
    let gone = |one: &Container| one.name == name || one.place == Place::Of(name.to_owned());
    sketch.containers.retain(|one| !gone(one));
    sketch.host.drops.retain(|one| one != name);
    while let Some(place) = sketch.events.iter().position(|event| is_about(event, name)) {
        without_events(sketch, place, place + 1);
    }
}

fn is_about(event: &Event, name: &str) -> bool {
    match event {
        Event::Remove(one) | Event::Lose(one) | Event::Add(one) | Event::Refuse(one) => one == name,
        Event::Teardown { gone, .. } => gone.as_deref() == Some(name),
        Event::Check(damage) => {
            let container = damage.as_ref().and_then(Damage::container);
            container.is_some_and(|one| one == name)
        }
    }
}

/// Takes events away; the moments at which the table is asked move with the others.
fn without_events(sketch: &mut Sketch, from: usize, to: usize) {
    sketch.events.drain(from..to);
    let count = to - from;
    let moved = |place: &usize| {
        if *place < from {
            Some(*place)
        } else if *place >= to {
            Some(place - count)
        } else {
            None
        }
    };
    let asked: BTreeSet<usize> = sketch.asked.iter().filter_map(moved).collect();
    sketch.asked = asked;
}

/// Whether the events can happen in this order, and every container and address is there that is spoken of.
fn is_possible(sketch: &Sketch) -> bool {
    if sketch.containers.is_empty() {
        return false;
    }
    let mut there: BTreeSet<&str> = sketch.at_first();
    if there.iter().any(|name| collides(sketch, &there, name)) {
        return false;
    }
    let addressed = |name: &str| {
        let place = sketch.container(name).map(|one| &one.place);
        !matches!(place, Some(Place::On(_, None)) | None)
    };
    let is_known = |to: &String| addressed(to) || to.parse::<IpAddr>().is_ok();
    if !sketch.host.drops.iter().all(is_known) {
        return false;
    }
    // A network that has another gateway, or its first address for it, may give away what a container has asked for.
    let is_free = |one: &Container| {
        let Place::On(own, Some(address)) = &one.place else {
            return true;
        };
        let mut networks = sketch.networks.iter();
        networks.any(|net| net.name == *own && net.is_for_containers(address))
    };
    if !sketch.containers.iter().all(is_free) {
        return false;
    }
    let last = sketch.events.len().saturating_sub(1);
    sketch
        .events
        .iter()
        .enumerate()
        .all(|(place, event)| match event {
            Event::Remove(name) | Event::Lose(name) => there.remove(name.as_str()),
            Event::Add(name) => there.insert(name) && !collides(sketch, &there, name),
            Event::Refuse(name) => {
                let is_refused =
                    collides(sketch, &there, name) || is_full_for(sketch, &there, name);
                !there.contains(name.as_str()) && is_refused
            }
            Event::Check(None) => true,
            Event::Check(Some(damage)) => {
                let is_there = |one: &String| there.contains(one.as_str());
                place == last
                    && match damage.container() {
                        Some(name) => is_there(name),
                        // Without published ports there need be no rules.
                        None => sketch
                            .containers
                            .iter()
                            .any(|one| is_there(&one.name) && !one.publish.is_empty()),
                    }
            }
            Event::Teardown { gone, .. } => {
                place == last && gone.as_deref().is_none_or(|name| there.contains(name))
            }
        })
}

/// Whether a container's port or address is another one's that is there.
fn collides(sketch: &Sketch, there: &BTreeSet<&str>, name: &str) -> bool {
    let own = sketch.container(name).map(|one| one.publish.as_slice());
    let others = sketch.containers.iter();
    let mut others = others.filter(|one| one.name != name && there.contains(one.name.as_str()));
    let place = sketch.container(name).map(|one| &one.place);
    others.any(|other| {
        let address = matches!(place, Some(Place::On(_, Some(_)))) && Some(&other.place) == place;
        let ports = own.unwrap_or_default().iter();
        address
            || ports
                .clone()
                .any(|port| other.publish.iter().any(|taken| taken.collides(port)))
    })
}

/// Whether a container asks for an address where those that are there have them all.
fn is_full_for(sketch: &Sketch, there: &BTreeSet<&str>, name: &str) -> bool {
    let Some(Place::On(own, None)) = sketch.container(name).map(|one| &one.place) else {
        return false;
    };
    let mut networks = sketch.networks.iter();
    let Some(network) = networks.find(|network| network.name == *own) else {
        return false;
    };
    let members = sketch.containers.iter().filter(|one| {
        there.contains(one.name.as_str()) && matches!(&one.place, Place::On(net, _) if net == own)
    });
    let members = members.count();
    network.hosts().nth(members).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::cover::Stream;

    /// How much there is of a scenario.
    fn weight(sketch: &Sketch) -> usize {
        sketch.to_string().len()
    }

    #[test]
    fn what_is_smaller_is_smaller_and_ends() {
        for sample in Stream::of(3).take(40) {
            let mut sketch = sample.sketch;
            let mut steps = 0;
            while let Some(next) = smaller(&sketch).into_iter().next() {
                assert!(weight(&next) < weight(&sketch), "{sketch}\n---\n{next}");
                sketch = next;
                steps += 1;
            }
            assert!(steps < 100);
            assert_eq!(sketch.containers.len(), 1, "{sketch}");
        }
    }

    #[test]
    fn a_bug_of_two_things_shrinks_to_these() {
        // Fails where an internal network is there and some container publishes UDP.
        let fails = |sketch: &Sketch| {
            let udp = |port: &crate::case::Publish| port.protocol == crate::case::Protocol::Udp;
            let mut ports = sketch.containers.iter().flat_map(|one| &one.publish);
            sketch.networks.iter().any(|one| one.internal) && ports.any(udp)
        };
        let mut sketch = Stream::of(5)
            .map(|one| one.sketch)
            .find(fails)
            .expect("one of them");
        while let Some(next) = smaller(&sketch).into_iter().find(fails) {
            sketch = next;
        }
        assert_eq!(
            (sketch.networks.len(), sketch.containers.len()),
            (2, 1),
            "{sketch}"
        );
        assert_eq!(
            (sketch.events.len(), sketch.asked.len()),
            (0, 0),
            "{sketch}"
        );
    }
}
