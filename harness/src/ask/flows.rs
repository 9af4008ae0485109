//! Flows that were answered, kept to be asked again after an event.

use std::collections::BTreeMap;

use super::socket::Socket;
use crate::case::Protocol;
use crate::intent::{Flow, Question};
use crate::probe::Caller;

/// Flows that were answered, each by the question that began it.
#[derive(Debug, Default)]
pub struct Flows(BTreeMap<Question, OpenFlow>);

/// Both ends of a flow. The asking one is closed first, by a reset that the other one still hears.
#[derive(Debug)]
pub(super) struct OpenFlow {
    pub(super) socket: Socket,
    /// None of an echo request, or if the node that answered is gone.
    pub(super) caller: Option<Caller>,
}

impl Flows {
    /// Whether a question can be asked: one of an open flow needs the flow.
    pub fn can_ask(&self, question: &Question) -> bool {
        question.flow == Flow::New || self.0.contains_key(&begun(question))
    }

    /// Forgets all other nodes: an open socket keeps a namespace, and a connection ends with either end.
    pub fn retain(&mut self, of: impl Fn(&str) -> bool) {
        self.0.retain(|question, flow| {
            let gone = flow.caller.take_if(|caller| !of(&caller.node));
            let ends = gone.is_some_and(|caller| caller.protocol == Protocol::Tcp);
            of(&question.from.0) && !ends
        });
    }

    pub(super) fn keep(&mut self, question: &Question, flow: OpenFlow) {
        self.0.insert(begun(question), flow);
    }

    pub(super) fn take(&mut self, question: &Question) -> Option<OpenFlow> {
        self.0.remove(&begun(question))
    }
}

/// The question that began its flow.
fn begun(question: &Question) -> Question {
    Question {
        flow: Flow::New,
        ..question.clone()
    }
}
