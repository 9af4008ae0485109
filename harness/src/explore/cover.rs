//! The stream of scenarios: drawn from a seed, the early ones so that every pair of values of two axes occurs.

use std::collections::BTreeSet;

use super::axis::{AXES, Axis, Choice, Of, value};
use super::build::{FULL, REFUSED_PORT, build};
use super::numbers::Numbers;
use super::sketch::Sketch;
use crate::case::Feature;

/// Within so many scenarios every pair of values of two axes has occurred, whatever the seed.
pub const PAIRS_WITHIN: usize = 120;
/// Choices of which the one with the most new pairs is taken.
const CANDIDATES: usize = 24;
/// Number of the value "nothing" of the axis of what is published.
const NOTHING: usize = 3;

/// How often a poor value is drawn again.
const AGAIN: usize = 2;
/// Values with which many questions have no answer, or are not there: nothing is published, a network has nobody to talk to, the
/// host is closed to containers; or with which there are many of one kind.
const POOR: [(Of, usize); 10] = [
    (Of::Networks, 0),
    (Of::Size, FULL),
    (Of::Members, 1),
    (Of::Members, 3),
    (Of::Protocol, NOTHING),
    (Of::On, 3),
    (Of::Drops, 1),
    (Of::Input, 1),
    (Of::First, 0),
    (Of::Asked, 1),
];

/// Two values of two axes, as (axis, value) of each.
type Pair = ((usize, usize), (usize, usize));

/// One scenario of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its number from 0.
    pub number: usize,
    /// What is to be made.
    pub sketch: Sketch,
    /// The values that it has, by axis; none where an axis says nothing about it.
    pub values: Vec<Option<usize>>,
    /// What it is made of.
    choice: Choice,
    /// What is drawn besides, from its beginning.
    numbers: Numbers,
}

impl Sample {
    /// The same scenario as far as these features go: on an axis whose value needs another one, the plainest value that does
    /// without. So every scenario asks every implementation for something. Returns also what it does without.
    pub fn within(&self, features: &BTreeSet<Feature>) -> (Sketch, BTreeSet<Feature>) {
        let made = |choice: &Choice| build(choice, &mut self.numbers.clone());
        let lacks = |choice: &Choice| -> BTreeSet<Feature> {
            let needs = made(choice).requires();
            needs.difference(features).copied().collect()
        };
        let without = lacks(&self.choice);
        if without.is_empty() {
            return (self.sketch.clone(), without);
        }
        let mut plain = vec![0; AXES.len()];
        if !lacks(&plain).is_empty() {
            plain[Of::Protocol as usize] = NOTHING;
        }
        let needs_more = |axis: usize, value: usize| {
            let mut alone = plain.clone();
            alone[axis] = value;
            !lacks(&alone).is_empty()
        };
        let mut choice = self.choice.clone();
        for axis in 0..choice.len() {
            if needs_more(axis, choice[axis]) {
                choice[axis] = plain[axis];
            }
        }
        (made(&choice), without)
    }
}

/// Scenarios without end. It depends on the seed alone.
#[derive(Debug, Clone)]
pub struct Stream {
    seed: u64,
    number: usize,
    missing: BTreeSet<Pair>,
}

impl Stream {
    /// The stream of a seed.
    pub fn of(seed: u64) -> Self {
        Self {
            seed,
            number: 0,
            missing: wanted(),
        }
    }

    /// How many pairs of values there are, and how many have not occurred yet.
    pub fn pairs(&self) -> (usize, usize) {
        (wanted().len(), self.missing.len())
    }

    /// Pairs that have not occurred yet, as `axis: value, axis: value`.
    pub fn missing(&self) -> Vec<String> {
        let named = |(axis, value): (usize, usize)| {
            let axis = AXES.get(axis);
            let of = axis.and_then(|axis| axis.values.get(value));
            format!("{}: {}", axis.map_or("", |a| a.name), of.unwrap_or(&""))
        };
        let pairs = self.missing.iter();
        pairs
            .map(|(one, two)| format!("{}, {}", named(*one), named(*two)))
            .collect()
    }

    /// A choice with a pair that is missing yet, and with many of them.
    fn choose(&self, numbers: &mut Numbers) -> Choice {
        let nth = numbers.below(self.missing.len());
        let fixed = self.missing.iter().nth(nth).copied();
        let mut best: (usize, Choice) = (0, drawn(numbers));
        for _ in 0..CANDIDATES {
            let mut choice = drawn(numbers);
            if let Some(((one, its), (two, other))) = fixed {
                choice[one] = its;
                choice[two] = other;
            }
            let values = effective(&choice);
            let new = pairs(&values)
                .filter(|pair| self.missing.contains(pair))
                .count();
            if new > best.0 {
                best = (new, choice);
            }
        }
        best.1
    }
}

impl Iterator for Stream {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        let part = u64::try_from(self.number).unwrap_or(u64::MAX);
        let mut numbers = Numbers::part(self.seed, part);
        let choice = if self.missing.is_empty() {
            drawn(&mut numbers)
        } else {
            self.choose(&mut numbers)
        };
        let values = effective(&choice);
        for pair in pairs(&values) {
            self.missing.remove(&pair);
        }
        let sample = Sample {
            number: self.number,
            sketch: build(&choice, &mut numbers.clone()),
            values,
            choice,
            numbers,
        };
        self.number += 1;
        Some(sample)
    }
}

/// A value for each axis. One that leaves little to ask is drawn again, so that few scenarios are poor, and all values occur.
fn drawn(numbers: &mut Numbers) -> Choice {
    let axes = AXES.iter().enumerate();
    let draw = |(axis, of): (usize, &Axis)| {
        let mut value = numbers.below(of.values.len());
        for _ in 0..AGAIN {
            if POOR
                .iter()
                .any(|(poor, its)| *poor as usize == axis && *its == value)
            {
                value = numbers.below(of.values.len());
            }
        }
        value
    };
    axes.map(draw).collect()
}

/// The values that say something about the scenario: how a port is published says nothing where none is.
fn effective(choice: &[usize]) -> Vec<Option<usize>> {
    let at = |of| value(choice, of);
    let internal_only = at(Of::Networks) == 0 && at(Of::Internal) != 0;
    let publishes = at(Of::Protocol) != NOTHING && !internal_only;
    let events = [Of::First, Of::Second, Of::Third].map(at);
    let mut values: Vec<Option<usize>> = choice.iter().copied().map(Some).collect();
    let mut moot = |of: Of| values[of as usize] = None;
    if !publishes {
        moot(Of::Ports);
        moot(Of::On);
        for of in [Of::First, Of::Second, Of::Third] {
            if at(of) == REFUSED_PORT {
                moot(of);
            }
        }
    }
    if internal_only {
        moot(Of::Protocol);
    }
    if !events
        .iter()
        .any(|event| ![0, REFUSED_PORT].contains(event))
    {
        moot(Of::Whom);
    }
    if !events.contains(&3) {
        moot(Of::Successor);
    }
    if events.iter().all(|event| *event == 0) {
        moot(Of::Asked);
    }
    values
}

fn pairs(values: &[Option<usize>]) -> impl Iterator<Item = Pair> + '_ {
    let known = || {
        let values = values.iter().enumerate();
        values.filter_map(|(axis, value)| value.map(|value| (axis, value)))
    };
    known().flat_map(move |one| {
        known()
            .filter(move |two| one.0 < two.0)
            .map(move |two| (one, two))
    })
}

/// Every pair of values that can occur.
fn wanted() -> BTreeSet<Pair> {
    let needs_a_port = |(axis, value): (usize, usize)| {
        axis == Of::Ports as usize
            || axis == Of::On as usize
            || ([Of::First as usize, Of::Second as usize, Of::Third as usize].contains(&axis)
                && value == REFUSED_PORT)
    };
    let nothing = (Of::Protocol as usize, NOTHING);
    let mut wanted = BTreeSet::new();
    for (one, first) in AXES.iter().enumerate() {
        for (two, second) in AXES.iter().enumerate().skip(one + 1) {
            for a in 0..first.values.len() {
                for b in 0..second.values.len() {
                    let pair = ((one, a), (two, b));
                    let never = (pair.0 == nothing && needs_a_port(pair.1))
                        || (pair.1 == nothing && needs_a_port(pair.0));
                    if !never {
                        wanted.insert(pair);
                    }
                }
            }
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_values_occurs_early_whatever_the_seed() {
        for seed in 0..4 {
            let mut stream = Stream::of(seed);
            let (all, _) = stream.pairs();
            assert!(all > 2000, "{all}");
            stream.by_ref().take(PAIRS_WITHIN).for_each(drop);
            assert_eq!(stream.missing(), Vec::<String>::new(), "seed {seed}");
        }
    }

    #[test]
    fn a_scenario_is_made_plainer_until_an_implementation_can_be_asked() {
        let all: BTreeSet<Feature> = Feature::ALL.iter().copied().collect();
        let few = BTreeSet::from([Feature::Bridge, Feature::PublishTcp, Feature::StaticAddress]);
        for sample in Stream::of(9).take(60) {
            let (sketch, without) = sample.within(&all);
            assert_eq!((sketch, without.len()), (sample.sketch.clone(), 0));
            let (sketch, without) = sample.within(&few);
            assert!(sketch.requires().is_subset(&few), "{sketch}");
            assert_eq!(without.is_empty(), sketch == sample.sketch);
        }
    }

    #[test]
    fn the_stream_depends_on_the_seed_alone() {
        let of = |seed| Stream::of(seed).take(30).collect::<Vec<_>>();
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
    }
}
