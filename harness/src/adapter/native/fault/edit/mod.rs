//! Each fault as an edit: of the plan, which is what is there at one moment, or of a step, which is what an event changes.

mod egress;
mod filter;
mod lifecycle;
mod links;
mod publish;
mod written;

use std::net::IpAddr;

use super::Fault;
use crate::adapter::native::event::{Event, State, Step};
use crate::adapter::native::plan::{Place, Plan};
use crate::adapter::native::rule::{Match, Rule};

impl Fault {
    /// Breaks the plan of how it stands.
    pub(in crate::adapter::native) fn edit(self, plan: &mut Plan, state: &State) {
        egress::edit(self, plan, state);
        filter::edit(self, plan);
        lifecycle::edit(self, plan, state);
        links::edit(self, plan, state);
        publish::edit(self, plan, state);
        written::edit(self, plan);
    }

    /// Breaks what an event changes.
    pub(in crate::adapter::native) fn spoil(
        self,
        step: &mut Step,
        before: &State,
        event: &Event<'_>,
    ) {
        lifecycle::spoil(self, step, before, event);
    }
}

/// Takes the rules away that `is_meant`.
fn drop_rules(plan: &mut Plan, is_meant: impl Fn(&Rule) -> bool) {
    for chain in &mut plan.chains {
        chain.rules.retain(|rule| !is_meant(rule));
    }
}

/// Has the rules that `is_meant` match less: before what says whether the destination was translated.
fn narrow(plan: &mut Plan, is_meant: impl Fn(&Rule) -> bool, to: &Match) {
    for rule in plan.every_rule().filter(|rule| is_meant(rule)) {
        let last = rule.matches.iter();
        let translated = last
            .clone()
            .position(|one| matches!(one, Match::Translated(_)));
        let place = translated.unwrap_or(rule.matches.len());
        rule.matches.insert(place, to.clone());
    }
}

/// Puts rules in front of the first one of a chain that `is_meant`; behind all if there is none.
pub(super) fn insert(
    plan: &mut Plan,
    place: Place,
    is_meant: impl Fn(&Rule) -> bool,
    new: Vec<Rule>,
) {
    let rules = plan.rules(place);
    let at = rules.iter().position(is_meant).unwrap_or(rules.len());
    rules.splice(at..at, new);
}

/// An address near the gateway's that nobody has.
fn elsewhere(gateway: IpAddr) -> IpAddr {
    near(gateway, 254)
}

/// The address with another last byte.
fn near(address: IpAddr, last: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            IpAddr::from([a, b, c, last])
        }
        IpAddr::V6(v6) => IpAddr::from((v6.to_bits() & !0xff | u128::from(last)).to_be_bytes()),
    }
}
