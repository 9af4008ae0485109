//! What happens in a scenario.

use super::super::axis::{Of, value};
use super::super::numbers::Numbers;
use super::super::sketch::{Container, Event, Place};
use super::{AFTER_A_LOSS, Building, FREE_PORT, REFUSED_PORT, REPLACED};
use crate::case::{Damage, Publish};
use crate::plan::contract;

impl Building<'_> {
    /// Whom an event happens to: a publisher first, or somebody else first.
    fn whom(&self, numbers: &mut Numbers) -> Option<Container> {
        let there = self
            .there
            .iter()
            .filter_map(|name| self.sketch.container(name));
        let (publishers, others): (Vec<&Container>, Vec<&Container>) =
            there.partition(|one| !one.publish.is_empty());
        let (wanted, rest) = match value(self.choice, Of::Whom) {
            0 => (publishers, others),
            _ => (others, publishers),
        };
        let from = if wanted.is_empty() { rest } else { wanted };
        numbers.pick(&from).map(|one| (*one).clone())
    }

    pub(super) fn event(&mut self, event: usize, numbers: &mut Numbers) {
        if event == 0 {
            return;
        }
        let Some(whom) = self.whom(numbers) else {
            return;
        };
        let name = whom.name.clone();
        match event {
            1 => self.remove(&name),
            2 => {
                self.remove(&name);
                self.add(&name);
            }
            REPLACED => {
                self.remove(&name);
                if let Some(successor) = self.successor(&whom) {
                    self.add(&successor);
                }
            }
            _ => {
                let rival = match event {
                    REFUSED_PORT => self.rival_for_port(numbers),
                    _ => self.rival_for_address(&whom),
                };
                match rival {
                    Some(rival) => self.refuse(rival, numbers),
                    // Without a port nobody can be refused; then it comes back instead.
                    None => {
                        self.remove(&name);
                        self.add(&name);
                    }
                }
            }
        }
    }

    fn remove(&mut self, name: &str) {
        self.there.retain(|one| one != name);
        let happens = match value(self.choice, Of::End) {
            AFTER_A_LOSS => Event::Lose,
            _ => Event::Remove,
        };
        self.sketch.events.push(happens(name.to_owned()));
    }

    fn add(&mut self, name: &str) {
        self.there.push(name.to_owned());
        self.sketch.events.push(Event::Add(name.to_owned()));
    }

    /// A container is refused. Of two ports that it asks for one may be free, and is for the next one that asks.
    fn refuse(&mut self, rival: String, numbers: &mut Numbers) {
        let mut ports = self.sketch.containers.iter().flat_map(|one| &one.publish);
        let is_free = ports.all(|port| port.host_port != FREE_PORT);
        let asks = self
            .sketch
            .containers
            .iter_mut()
            .find(|one| one.name == rival);
        let asks = asks.filter(|one| !one.publish.is_empty() && is_free);
        let free = asks.filter(|_| numbers.below(2) == 1).map(|one| {
            let free = Publish {
                address: None,
                host_port: FREE_PORT,
                ..one.publish[0]
            };
            one.publish.insert(0, free);
            (one.clone(), free)
        });
        self.sketch.events.push(Event::Refuse(rival));
        let Some((rival, free)) = free else { return };
        let next = self.network_of(&rival).and_then(|net| self.member(net));
        // A full network has no room for another one.
        if let Some(mut next) = next.filter(|one| !matches!(one.place, Place::On(_, None))) {
            next.publish.push(free);
            let name = next.name.clone();
            self.sketch.containers.push(next);
            self.add(&name);
        }
    }

    fn network_of(&self, container: &Container) -> Option<usize> {
        let Place::On(name, _) = &container.place else {
            return None;
        };
        let mut networks = self.sketch.networks.iter();
        networks.position(|network| network.name == *name)
    }

    /// A container that takes another's ports, and its address where the axis says so.
    fn successor(&mut self, of: &Container) -> Option<String> {
        let network = self.network_of(of)?;
        let mut member = self.member(network)?;
        member.publish.clone_from(&of.publish);
        if value(self.choice, Of::Successor) == 1 {
            member.place.clone_from(&of.place);
        }
        let name = member.name.clone();
        self.sketch.containers.push(member);
        Some(name)
    }

    /// A container that wants a port that another one has: on the same addresses, or on every one where the other has one, and the
    /// other way round.
    fn rival_for_port(&mut self, numbers: &mut Numbers) -> Option<String> {
        let mut there = self
            .there
            .iter()
            .filter_map(|one| self.sketch.container(one));
        let of = there.find(|one| !one.publish.is_empty()).cloned()?;
        let network = self.network_of(&of)?;
        let mut member = self.member(network)?;
        let mut wanted = of.publish.iter().take(1).copied().collect::<Vec<Publish>>();
        if numbers.below(2) == 1 {
            for port in &mut wanted {
                port.address = match port.address {
                    None => Some(contract::UPLINK.address),
                    Some(_) => None,
                };
            }
        }
        member.publish = wanted;
        let name = member.name.clone();
        self.sketch.containers.push(member);
        Some(name)
    }

    /// A container that asks for the address that another one has asked for.
    fn rival_for_address(&mut self, of: &Container) -> Option<String> {
        let network = self.network_of(of)?;
        let mut member = self.member(network)?;
        member.place.clone_from(&of.place);
        let name = member.name.clone();
        self.sketch.containers.push(member);
        Some(name)
    }

    pub(super) fn end(&mut self, numbers: &mut Numbers) {
        let gone = self.there.first().cloned();
        let (again, gone) = match value(self.choice, Of::End) {
            0 => return,
            1 => (false, None),
            2 => (true, None),
            AFTER_A_LOSS => (false, gone),
            _ => return self.check(numbers),
        };
        self.sketch.events.push(Event::Teardown { again, gone });
    }

    /// The implementation finds nothing, and then what somebody took away.
    fn check(&mut self, numbers: &mut Numbers) {
        let there = |name: &String| self.sketch.container(name);
        let there: Vec<&Container> = self.there.iter().filter_map(there).collect();
        let leaves = |one: &&&Container| {
            let network = self.network_of(one);
            network.is_some_and(|place| !self.sketch.networks[place].internal)
        };
        let leaving: Vec<&&Container> = there.iter().filter(leaves).collect();
        let whom = numbers.pick(&leaving).map(|one| one.name.clone());
        let publishes = there.iter().any(|one| !one.publish.is_empty());
        let damage = match (numbers.below(4), whom) {
            (0, _) if publishes => Some(Damage::Rules),
            (1, Some(name)) => Some(Damage::Interfaces(name)),
            (2, Some(name)) => Some(Damage::Addresses(name)),
            (_, name) => name.map(Damage::DefaultRoute),
        };
        self.sketch.events.push(Event::Check(None));
        if damage.is_some() {
            self.sketch.events.push(Event::Check(damage));
        }
    }
}
