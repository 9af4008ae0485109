//! The plan of a scenario, and that each fault changes it or an event.

use std::net::IpAddr;

use super::event::{Event, State, Step};
use super::plan::Found;
use super::{Fault, Faults, Generated};
use crate::adapter::{Attached, Pool, PublishedPort, Scenario, ScenarioContainer, ScenarioNetwork};
use crate::address::{PerFamily, Subnet};
use crate::case::Protocol;

fn network(name: &str, number: u8, internal: bool, mtu: Option<u16>) -> ScenarioNetwork {
    ScenarioNetwork {
        name: name.into(),
        pools: Pool::of(Subnet::around([10, 77, number, 0].into(), 24)).into(),
        internal,
        mtu,
    }
}

fn container(
    name: &str,
    on: &str,
    publish: &[(u16, Protocol, Option<IpAddr>)],
) -> ScenarioContainer {
    let port =
        |(host_port, protocol, host_address): &(u16, Protocol, Option<IpAddr>)| PublishedPort {
            host_address: *host_address,
            host_port: *host_port,
            container_port: 80,
            protocol: *protocol,
        };
    ScenarioContainer {
        name: name.into(),
        attached: Attached::Network {
            name: on.into(),
            addresses: PerFamily::NONE,
        },
        publish: publish.iter().map(port).collect(),
    }
}

/// A scenario that has something of everything.
fn everything() -> State {
    let uplink = Some(IpAddr::from([10, 0, 2, 15]));
    let loopback = Some(IpAddr::from([127, 0, 0, 1]));
    let scenario = Scenario {
        networks: vec![
            network("front", 1, false, Some(1400)),
            network("back", 2, false, None),
            network("inner", 3, true, None),
        ],
        containers: vec![
            container(
                "c1",
                "front",
                &[(8080, Protocol::Tcp, None), (8080, Protocol::Udp, None)],
            ),
            container(
                "c2",
                "front",
                &[
                    (8081, Protocol::Tcp, uplink),
                    (8081, Protocol::Tcp, loopback),
                ],
            ),
            container("c3", "back", &[]),
            container("c4", "inner", &[]),
        ],
    };
    State {
        scenario,
        found: Found {
            forwarded: false,
            has_policy: true,
            has_rules: true,
            filters_bridged: false,
        },
        before: vec![("ipv4/ip_forward".into(), "0".into())],
        ..State::default()
    }
}

/// Everything that happens to a network in its life, with what each event changes.
fn life(faults: &Faults) -> Vec<Step> {
    let setup = everything().step(&Event::Setup, faults);
    let removed = setup.after.step(&Event::Remove("c1"), faults);
    let rival = container("c5", "front", &[(8081, Protocol::Tcp, uplink())]);
    let rivalled = removed.after.step(&Event::Add(&rival), faults);
    let mut twin = container("c7", "front", &[]);
    twin.attached = Attached::Network {
        name: "front".into(),
        addresses: IpAddr::from([10, 77, 1, 3]).into(),
    };
    let twinned = rivalled.after.step(&Event::Add(&twin), faults);
    let late = container("c6", "back", &[(8080, Protocol::Udp, uplink())]);
    let added = twinned.after.step(&Event::Add(&late), faults);
    let lost = Some(String::from("c2"));
    let ended = added.after.step(&Event::Teardown { lost }, faults);
    let again = ended.after.step(&Event::Teardown { lost: None }, faults);
    vec![setup, removed, rivalled, twinned, added, ended, again]
}

fn uplink() -> Option<IpAddr> {
    Some(IpAddr::from([10, 0, 2, 15]))
}

#[test]
fn rules_read_as_nft_writes_them() {
    let setup = everything().step(&Event::Setup, &Faults::default());
    insta::assert_snapshot!(setup.after.plan);
}

#[test]
fn every_fault_changes_the_plan_or_an_event() {
    let right = life(&Faults::default());
    for fault in Fault::ALL {
        let wrong = life(&Faults::from_iter([*fault]));
        assert_ne!(right, wrong, "{fault}");
    }
}

#[test]
fn most_generated_faults_change_a_plan_that_has_everything() {
    let right = life(&Faults::default());
    let all = Generated::all();
    let equal = |fault: &&Generated| life(&Faults::from(**fault)) == right;
    let names: Vec<String> = all.iter().filter(equal).map(ToString::to_string).collect();
    assert!(all.len() > 700, "{}", all.len());
    // What a purpose's rules do not have cannot be changed: no port in a rule that hides a network.
    assert!(
        names.len() * 2 < all.len(),
        "{} of {}",
        names.len(),
        all.len()
    );
}

#[test]
fn who_has_an_address_keeps_it() {
    let setup = everything().step(&Event::Setup, &Faults::default());
    let removed = setup.after.step(&Event::Remove("c1"), &Faults::default());
    let address = |step: &Step| {
        let mut ports = step.after.plan.ports.iter();
        ports
            .find(|port| port.container == "c2")
            .map(|port| port.addresses)
    };
    assert!(address(&setup).is_some());
    assert_eq!(address(&setup), address(&removed));
    assert!(removed.edits.ports.is_empty(), "nobody is attached anew");
    assert_eq!(removed.edits.unlinked.len(), 1);
}

#[test]
fn the_end_undoes_what_was_made() {
    let life = life(&Faults::default());
    let [.., ended, again] = life.as_slice() else {
        panic!("a life has an end");
    };
    assert_eq!(ended.edits.passed_no_more.len(), 6, "two for each network");
    assert_eq!(
        ended.edits.settings,
        [("ipv4/ip_forward".into(), "0".into())]
    );
    assert!(ended.edits.unlinks_all);
    assert_eq!(again.edits, super::event::Edits::default());
}
