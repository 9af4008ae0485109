//! Every question that a moment allows, with its answer.
//!
//! The answers suppose these services, and no others: [`services`] lists them, and whoever asks starts exactly them.
//!
//! - `host`, `lan`, `outside` and each container with a namespace of its own listen on [`OPEN`], TCP and UDP.
//! - Each container listens on the container's port of each port that it publishes.
//! - Nobody listens on [`CLOSED`], nor on a published number on the host.
//!
//! What a published port answers when nobody listens behind it is a table of its own, [`refusals`]: whoever asks it stops
//! the services of published ports before.

use std::collections::BTreeSet;

use super::answer::Answer;
use super::cell::Cell;
use super::moment::{Attached, Moment};
use super::question::{Ask, Flow, Question};
use super::questions::{new_flows, of_published_ports, questions};
use super::rule::{Rule, decide, decide_unchanged};
use crate::plan::{ServiceSpec, Services, contract};

/// A question, its answer, and the rule that gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The question.
    pub question: Question,
    /// What must come of it.
    pub answer: Answer,
    /// Why.
    pub rule: &'static Rule,
    /// The rule that would decide if nothing had changed.
    pub unchanged: &'static Rule,
}

impl Row {
    /// Whether no promise binds.
    pub fn is_unspecified(&self) -> bool {
        matches!(self.answer, Answer::Unspecified { .. })
    }

    /// The node that asks.
    pub fn asker(&self) -> &str {
        &self.question.from.0
    }

    /// Whether its answer shows that what was sent before has left the kernel's queues. A connection is asked by several packets.
    pub fn is_control(&self) -> bool {
        let of_its_own = matches!(self.question.ask, Ask::Icmp | Ask::Udp(_));
        of_its_own
            && matches!(self.answer, Answer::Answered { .. })
            && self.question.flow == Flow::New
    }
}

/// Port on which every node has a service that is not published, TCP and UDP.
pub const OPEN: u16 = 7_001;
/// Port on which nobody listens.
pub const CLOSED: u16 = 7_002;

/// All questions of a moment. The order depends on the moment alone, and no question is there twice.
pub fn table(moment: &Moment) -> Vec<Row> {
    answered(moment, &questions(moment), &services(moment))
}

/// The same without flows that were there before.
pub(super) fn table_of_new_flows(moment: &Moment) -> Vec<Row> {
    answered(moment, &new_flows(moment), &services(moment))
}

/// What published ports answer when no container listens on the container's port.
pub fn refusals(moment: &Moment) -> Vec<Row> {
    let silent = open_services(moment);
    answered(moment, &of_published_ports(moment), &silent)
}

/// Who listens where while the table is asked.
pub fn services(moment: &Moment) -> Services {
    let mut services = open_services(moment);
    for (member, port) in moment.published() {
        services.insert(ServiceSpec::of(
            &member.name,
            port.protocol,
            port.container_port,
        ));
    }
    services
}

/// The answer to one question, if these services are there; none if the moment has not both its ends.
pub fn answer(moment: &Moment, question: &Question, services: &Services) -> Option<Row> {
    let cell = Cell::of(moment, question, services)?;
    let (answer, rule) = decide(&cell);
    Some(Row {
        question: question.clone(),
        answer,
        rule,
        unchanged: decide_unchanged(&cell).1,
    })
}

fn answered(moment: &Moment, questions: &[Question], services: &Services) -> Vec<Row> {
    let mut asked = BTreeSet::new();
    questions
        .iter()
        .filter(|question| asked.insert(*question))
        .filter_map(|question| answer(moment, question, services))
        .collect()
}

fn open_services(moment: &Moment) -> Services {
    let own = |attached: &Attached| matches!(attached, Attached::None | Attached::Networks(_));
    let members = moment
        .members
        .iter()
        .filter(|member| own(&member.attached))
        .map(|member| member.name.as_str());
    let lan2 = moment.found.second.map(|_| contract::LAN2_NODE);
    contract::ENDS
        .into_iter()
        .chain(lan2)
        .chain(members)
        .flat_map(|node| ServiceSpec::of_each_protocol(node, OPEN))
        .collect()
}
