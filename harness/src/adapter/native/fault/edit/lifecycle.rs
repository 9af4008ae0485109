//! What stays, goes and is forgotten when containers are added and removed, and at the end.

use crate::adapter::native::Fault;
use crate::adapter::native::event::{Event, Flows, State, Step, Table};
use crate::adapter::native::names::bridge;
use crate::adapter::native::plan::{Pass, Place, Plan};
use crate::adapter::native::rule::Rule;
use crate::adapter::{Attached, Scenario, ScenarioContainer};

pub(super) fn edit(fault: Fault, plan: &mut Plan, state: &State) {
    match fault {
        Fault::StalePublishFirst => publish_first(plan, state, &state.gone),
        Fault::TakenPortTakenOver => publish_first(plan, state, &state.refused),
        _ => {}
    }
}

/// Puts the published ports of these containers in front of everybody's.
fn publish_first(plan: &mut Plan, state: &State, of: &[ScenarioContainer]) {
    let scenario = Scenario {
        containers: of.to_vec(),
        ..state.scenario.clone()
    };
    let mut theirs = Plan::of(&scenario, &state.found);
    for place in [Place::Prerouting, Place::Output] {
        let stale: Vec<Rule> = std::mem::take(theirs.rules(place));
        plan.rules(place).splice(0..0, stale);
    }
}

pub(super) fn spoil(fault: Fault, step: &mut Step, before: &State, event: &Event<'_>) {
    let ends = matches!(event, Event::Teardown { .. });
    let edits = &mut step.edits;
    match (fault, event) {
        (Fault::BridgeStays, _) if ends => edits.unlinks_all = false,
        (Fault::RulesStay, _) if ends => edits.table = Table::Stays,
        (Fault::RuleLeftFirst, _) if ends => edits.passed.push(Pass {
            matches: String::from("-o gp-+"),
            first: true,
        }),
        (Fault::InvalidDroppedAfterTeardown, _) if ends => edits.left.push(
            "table ip gp-left { chain forward { type filter hook forward priority 0; ct state invalid drop; }; }",
        ),
        (Fault::PingDroppedAfterTeardown, _) if ends => edits.left.push(
            "table ip gp-left { chain input { type filter hook input priority 0; icmp type echo-request drop; }; }",
        ),
        (Fault::SettingsStay, _) if ends => edits.settings.clear(),
        (Fault::BridgeNetfilterStays, _) if ends => {
            edits
                .settings
                .retain(|(name, _)| !name.starts_with("bridge/"));
        }
        (Fault::SecondTeardownFails, _) if ends && before.ended => {
            step.refusal = Some(String::from("nothing is there any more"));
        }
        (Fault::TeardownNeedsContainer, Event::Teardown { lost: Some(name) }) => {
            *step = Step {
                refusal: Some(format!("{name} is not there")),
                after: step.after.clone(),
                ..Step::default()
            };
        }
        (Fault::TakenPortAccepted, Event::Add(one)) if before.taken_port(one).is_some() => {
            step.refusal = None;
        }
        (Fault::TakenAddressAccepted, Event::Add(one)) if before.taken_port(one).is_none() => {
            step.refusal = None;
        }
        (Fault::TakenPortTakenOver, Event::Add(_)) if step.refusal.is_some() => {
            let mut plan = before.plan.clone();
            edit(fault, &mut plan, &step.after);
            step.after.plan = plan;
            edits.table = Table::Replaced;
        }
        (Fault::FlowsStay, _) => edits.forgotten.clear(),
        (Fault::FlowsStayIfPortsDiffer, _) => edits.forgotten.retain(|flows| match flows {
            Flows::By(port) => port.host_port == port.container_port,
            Flows::All => true,
        }),
        (Fault::FlowsOfOthersCut, Event::Remove(_) | Event::Add(_) | Event::Teardown { .. }) => {
            edits.forgotten = vec![Flows::All];
        }
        (Fault::FlowsOfOtherAddressesCut, _) => {
            for flows in &mut edits.forgotten {
                if let Flows::By(port) = flows {
                    port.host_address = None;
                }
            }
        }
        (Fault::BridgeMacChanges, Event::Remove(name)) => {
            change_address(step, before.scenario.container(name));
        }
        (Fault::BridgeMacChanges, Event::Add(container)) => change_address(step, Some(container)),
        _ => {}
    }
}

/// Gives the bridge of a container an address that goes with the number of containers.
fn change_address(step: &mut Step, container: Option<&ScenarioContainer>) {
    if let Some(Attached::Network { name, .. }) = container.map(|one| &one.attached) {
        let count = step.after.scenario.containers.len();
        let address = format!("02:42:00:00:00:{count:02x}");
        step.edits.addresses.push((bridge(name), address));
    }
}
