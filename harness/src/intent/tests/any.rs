//! What holds of the table of any moment, of which nobody thought.

use proptest::prelude::*;

use super::super::{Attached, Moment};
use super::hold;
use super::sketch::networks;
use crate::case::{Feature, Policy};

const PORTS: [&str; 6] = [
    "8080:80/tcp",
    "8081:80/tcp",
    "5353:53/udp",
    "127.0.0.1:9090:90/tcp",
    "10.0.2.16:9091:91/udp",
    "8080:81/udp",
];

/// What happens to a container: it goes, or it comes to these networks with this port.
#[derive(Debug, Clone)]
enum Event {
    Goes(u8),
    Comes(u8, Vec<u8>, usize),
}

fn event() -> impl Strategy<Value = Event> {
    let networks = prop_oneof![
        Just(vec![1]),
        Just(vec![2]),
        Just(vec![3]),
        Just(vec![4]),
        Just(vec![1, 2]),
        Just(vec![])
    ];
    prop_oneof![
        (10_u8..14).prop_map(Event::Goes),
        (10_u8..14, networks, 0..=PORTS.len())
            .prop_map(|(number, nets, port)| Event::Comes(number, nets, port)),
    ]
}

fn moment() -> impl Strategy<Value = Moment> {
    let policy = prop_oneof![
        Just(None),
        Just(Some(Policy::Drop)),
        Just(Some(Policy::Accept))
    ];
    let features = proptest::sample::subsequence(Feature::ALL, 0..=Feature::ALL.len());
    let mtu = prop_oneof![Just(None), Just(Some(1400)), Just(Some(9000))];
    let found = (
        any::<bool>(),
        policy.clone(),
        policy,
        any::<bool>(),
        any::<bool>(),
    );
    (
        found,
        features,
        mtu,
        proptest::collection::vec(event(), 0..7),
    )
        .prop_map(
            |((forwards, forward, input, further, drops), features, mtu, events)| {
                let mut moment = networks(&["front", "inner", "back", "inmost"]);
                moment.features = features.into_iter().collect();
                moment.networks[0].mtu = mtu;
                moment.found.forwards = forwards;
                moment.found.forward = forward;
                moment.found.input = input;
                if further {
                    moment.found.addresses.push([10, 0, 2, 16].into());
                }
                if drops {
                    moment.found.drops.push((Some(moment.found.lan), None));
                    moment
                        .found
                        .drops
                        .push((Some([10, 77, 1, 11].into()), None));
                }
                events.iter().fold(moment, happen)
            },
        )
}

fn happen(moment: Moment, event: &Event) -> Moment {
    let there = |number: u8| moment.member(&format!("c{number}")).is_some();
    match event {
        Event::Goes(number) if there(*number) => moment.without(*number),
        Event::Comes(number, nets, port) if !there(*number) => {
            let ports: Vec<&str> = PORTS.get(*port).copied().into_iter().collect();
            let ports = if nets.is_empty() { Vec::new() } else { ports };
            let taken = |text: &&&str| {
                let member = networks(&["x"]).with(1, &[1], &[text]).members.remove(0);
                let mut published = moment.published();
                published.any(|(_, port)| port.host_port == member.publish[0].host_port)
            };
            if ports.iter().any(|text| taken(&text)) {
                return moment;
            }
            moment.and_then(*number, nets, &ports)
        }
        _ => moment,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_moment_has_one_answer_to_each_question(moment in moment()) {
        hold("any", &moment);
        prop_assert!(moment.members.iter().all(|one| one.attached != Attached::Host));
    }
}
