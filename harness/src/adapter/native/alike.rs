//! Whether a fault changes anything of a case, by the plans alone: what is proven to do the same needs no packet.

use super::event::{Edits, Event, State};
use super::fault::Faults;
use super::normal::normal;
use super::plan::{Found, Plan};
use crate::adapter::Scenario;
use crate::case::{Case, CaseKind, NetworkEvent, Policy};

/// What one event makes: why it was refused, the plan in its normal form, and the edits that lead to it.
type Outcome = (Option<String>, Plan, Edits);

/// Whether these faults change what is made of a contract case, at any of its events. Plans that differ only in rules that
/// nothing can reach, in matches that say nothing, or in an order that does not count, are the same.
pub fn changes(case: &Case, faults: &Faults) -> bool {
    life(case, faults) != life(case, &Faults::default())
}

fn life(case: &Case, faults: &Faults) -> Vec<Outcome> {
    let CaseKind::Contract { host, .. } = &case.kind else {
        return Vec::new();
    };
    let all = Scenario::of(case);
    let at_first = case.at_first();
    let there = |name: &str| at_first.iter().any(|one| one.as_str() == name);
    let mut state = State {
        scenario: all.with_only(there),
        found: Found {
            forwarded: host.forwards,
            has_policy: host.forward == Some(Policy::Drop),
            has_rules: !host.drops.is_empty(),
            filters_bridged: host.bridge_netfilter,
        },
        before: vec![(
            String::from("ipv4/ip_forward"),
            u8::from(host.forwards).to_string(),
        )],
        ..State::default()
    };
    let mut made = Vec::new();
    let mut happens = |event: &Event<'_>| {
        let step = state.step(event, faults);
        state = step.after;
        let plan = normal(&state.plan);
        made.push((step.refusal, plan, step.edits));
    };
    happens(&Event::Setup);
    for change in case.steps.iter().filter_map(|step| step.change.as_ref()) {
        match change {
            NetworkEvent::Remove(name) | NetworkEvent::Lose(name) => {
                happens(&Event::Remove(name.as_str()))
            }
            NetworkEvent::Add(name) | NetworkEvent::Refuse(name) => {
                if let Some(container) = all.container(name.as_str()) {
                    happens(&Event::Add(container));
                }
            }
            NetworkEvent::Check { .. } => {}
            NetworkEvent::Teardown { again, gone, .. } => {
                let lost = gone.as_ref().map(ToString::to_string);
                happens(&Event::Teardown { lost });
                if *again {
                    happens(&Event::Teardown { lost: None });
                }
            }
        }
    }
    // Every case ends so.
    happens(&Event::Teardown { lost: None });
    made
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::adapter::native::Generated;
    use crate::case::parse;

    const CASE: &str = "title = \"T\"\nrequires = [\"bridge\", \"publish-tcp\", \"replace\"]\nsource = [\"S\"]\n\
        [network.front]\nsubnet = \"10.77.1.0/24\"\n[network.back]\nsubnet = \"10.77.2.0/24\"\n\
        [container.c1]\nnetwork = \"front\"\naddress = \"10.77.1.5\"\npublish = [\"8080:80/tcp\", \"8081:81/tcp\"]\n\
        [container.c2]\nnetwork = \"back\"\n[[step]]\nremove = \"c1\"\n[[step]]\ntable = \"as intended\"\n";

    fn changes_it(fault: &str) -> bool {
        changes_case(CASE, fault)
    }

    fn changes_case(text: &str, fault: &str) -> bool {
        let case = parse(text.to_owned(), Path::new("a/b.toml"), "a/b");
        let case = case.unwrap_or_else(|errors| panic!("{errors:?}"));
        changes(
            &case,
            &fault.parse().unwrap_or_else(|error| panic!("{error}")),
        )
    }

    #[test]
    fn what_no_packet_can_tell_is_no_change() {
        // All published ports are of TCP; connections that begin are all that is translated; two ports don't overlap.
        for fault in [
            "rule:tcp-only:publish:all",
            "rule:not-icmp:publish:all",
            "rule:new-only:publish:all",
            "rule:last:publish:first",
            "rule:dropped:internal:all",
            // Only TCP connections are led anywhere.
            "rule:not-icmp:hairpin:all",
            // Who is left there begins a connection.
            "rule:new-only:unpublished:all",
            // 127.0.0.0/8 is no container's.
            "rule:last:loopback-answer:last",
            // What belongs to a connection is not what belongs to none.
            "rule:first:invalid:all",
            "rule:first:invalid:last",
            // What has its destination in a network leaves by its bridge.
            "rule:first:source-port:all",
            "rule:other-hook:hairpin:last",
            // Each bridge has such a rule of its own.
            "rule:any-bridge:unpublished:first",
            "rule:any-bridge:loopback-answer:all",
        ] {
            assert!(!changes_it(fault), "{fault}");
        }
    }

    #[test]
    fn no_connection_crosses_a_closed_network() {
        let internal = CASE.replace("[network.back]", "[network.back]\ninternal = true");
        let internal = internal.replace("\"bridge\"", "\"bridge\", \"internal\"");
        for fault in [
            "rule:first:established:all",
            "rule:new-only:internal:all",
            "rule:last:internal:first",
        ] {
            assert!(!changes_case(&internal, fault), "{fault}");
        }
        for fault in [
            "rule:dropped:internal:first",
            "rule:not-icmp:internal:all",
            "rule:turned:internal:last",
        ] {
            assert!(changes_case(&internal, fault), "{fault}");
        }
    }

    #[test]
    fn what_a_packet_can_tell_is_a_change() {
        for fault in [
            "rule:udp-only:publish:all",
            "rule:next-port:publish:last",
            "rule:dropped:masquerade:first",
            "rule:turned:isolation:all",
            "rule:tcp-only:unpublished:all",
            "rule:udp-only:hairpin:all",
            "rule:first:masquerade:all",
            "event:rules-stay:remove",
            "link:no-default-route",
            "no-masquerade",
        ] {
            assert!(changes_it(fault), "{fault}");
        }
        let all = Generated::all();
        let changing = all
            .iter()
            .filter(|one| changes_it(&one.to_string()))
            .count();
        assert!(changing > 200, "{changing} of {}", all.len());
    }
}
