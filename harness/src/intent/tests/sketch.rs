//! Small moments, and questions in a few words.

use std::net::{IpAddr, Ipv4Addr};

use super::super::*;
use crate::address::Family;
use crate::case::{Feature, Protocol};
use crate::report::answer_words;

/// A moment with these networks, the first one 10.77.1.0/24, and nobody on them. A name that begins with `in` is an internal
/// network's.
pub(super) fn networks(names: &[&str]) -> Moment {
    let net = |(name, third): (&&str, u8)| Net {
        name: (*name).to_owned(),
        subnet: format!("10.77.{third}.0/24").parse().expect("a subnet"),
        gateway: address(third, 1),
        internal: name.starts_with("in"),
        mtu: None,
    };
    let own = Ipv4Addr::from_octets;
    Moment {
        family: Family::Ipv4,
        features: Feature::all_but(&[]),
        found: Found {
            second: None,
            addresses: vec![own([10, 0, 2, 15]).into()],
            forwards: false,
            forward: None,
            input: None,
            lets_in: Vec::new(),
            bridge_netfilter: false,
            marks: false,
            drops: Vec::new(),
            lan: own([10, 0, 2, 50]).into(),
            outside: own([8, 8, 8, 8]).into(),
            outside_also: vec![own([192, 168, 77, 7]).into()],
            beyond: own([203, 0, 113, 2]).into(),
            uplink_mtu: 1500,
            path_mtu: 1500,
        },
        networks: names.iter().zip(1..).map(net).collect(),
        members: Vec::new(),
        gone: Vec::new(),
        refused: false,
        vanished: false,
        ended: false,
        before: None,
    }
}

/// An address of the network with this number.
pub(super) fn address(network: u8, host: u8) -> IpAddr {
    Ipv4Addr::from_octets([10, 77, network, host]).into()
}

/// The same with addresses of IPv6: 10.77.1.10 becomes fd77:1::10, 10.0.2.15 fd00:2::15.
pub(super) fn of_ipv6(mut moment: Moment) -> Moment {
    moment.family = Family::Ipv6;
    for net in &mut moment.networks {
        let third = third(net.gateway);
        net.subnet = format!("fd77:{third}::/64").parse().expect("a subnet");
        net.gateway = ipv6(net.gateway);
    }
    for member in &mut moment.members {
        if let Attached::Networks(nets) = &mut member.attached {
            nets.iter_mut().for_each(|(_, own)| *own = ipv6(*own));
        }
    }
    let found = &mut moment.found;
    found.addresses.iter_mut().for_each(|own| *own = ipv6(*own));
    for own in [&mut found.lan, &mut found.outside, &mut found.beyond] {
        *own = ipv6(*own);
    }
    moment
}

fn third(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(v4) => v4.octets()[2],
        IpAddr::V6(_) => 0,
    }
}

fn ipv6(address: IpAddr) -> IpAddr {
    let IpAddr::V4(v4) = address else {
        return address;
    };
    let [_, second, third, host] = v4.octets();
    format!("fd{second:02}:{third}::{host}")
        .parse()
        .expect("an address")
}

impl Moment {
    /// With a container `c` and this number, which is also the last of its address, on the networks with these numbers.
    pub(super) fn with(mut self, number: u8, networks: &[u8], publish: &[&str]) -> Self {
        let on = |network: &u8| {
            let net = &self.networks[usize::from(*network) - 1];
            (net.name.clone(), address(*network, number))
        };
        let attached = match networks {
            [] => Attached::None,
            some => Attached::Networks(some.iter().map(on).collect()),
        };
        self.members.push(Member {
            name: format!("c{number}"),
            attached,
            publish: publish.iter().map(|text| port(text)).collect(),
        });
        self
    }

    /// After the container with this number went.
    pub(super) fn without(&self, number: u8) -> Self {
        let mut next = self.clone();
        let name = format!("c{number}");
        let member = self.member(&name).expect("it is there").clone();
        next.members.retain(|one| one.name != name);
        next.gone.push(Gone {
            addresses: member.nets().to_vec(),
            name,
            publish: member.publish,
        });
        next.before = Some(Box::new(self.clone()));
        next
    }

    /// After a container came, as [`Moment::with`] has it.
    pub(super) fn and_then(&self, number: u8, networks: &[u8], publish: &[&str]) -> Self {
        let mut next = self.clone().with(number, networks, publish);
        let name = format!("c{number}");
        next.gone.retain(|gone| gone.name != name);
        next.before = Some(Box::new(self.clone()));
        next
    }

    /// The rule and the answer to a question of the table, as `lan > 10.0.2.15 tcp 8080 routed`: it must be in there.
    pub(super) fn says(&self, words: &str) -> String {
        said(self, words, &table(self))
    }

    /// The same of the table of refusals.
    pub(super) fn says_without_listener(&self, words: &str) -> String {
        said(self, words, &refusals(self))
    }
}

fn said(moment: &Moment, words: &str, rows: &[Row]) -> String {
    let question = question(words);
    let is_it = |row: &&Row| {
        Question {
            to: question.to.clone(),
            ..row.question.clone()
        } == question
            && row.question.to.address == question.to.address
    };
    let row = rows.iter().find(is_it);
    let row = row.unwrap_or_else(|| panic!("{words} is not asked in {moment:#?}"));
    format!("{}: {}", row.rule.id, answer_words(&row.answer))
}

fn question(words: &str) -> Question {
    let words: Vec<&str> = words.split(' ').collect();
    let [from, ">", to, rest @ ..] = words.as_slice() else {
        panic!("FROM > ADDRESS ASK …");
    };
    let mut question = Question {
        from: Vantage((*from).to_owned()),
        to: Target {
            address: to.parse().expect("an address"),
            role: String::new(),
        },
        ask: Ask::Icmp,
        size: Size::Small,
        way: Routing::OwnRoutes,
        flow: Flow::New,
    };
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        let mut number = || {
            rest.next()
                .and_then(|word| word.parse().ok())
                .expect("a number")
        };
        match *word {
            "icmp" => question.ask = Ask::Icmp,
            "tcp" => question.ask = Ask::Tcp(number()),
            "udp" => question.ask = Ask::Udp(number()),
            "shadow" => question.ask = Ask::FromPublished(Protocol::Tcp, number()),
            "latereply" => question.ask = Ask::LateReply,
            "other" => question.ask = Ask::IpProtocol,
            "late" => question.ask = Ask::LateTcp(number()),
            "whole" => question.size = Size::Whole(number()),
            "fragmented" => question.size = Size::Fragmented(number()),
            "large" => question.size = Size::TooLarge(number()),
            "routed" => question.way = Routing::RouteByHost,
            "open" => question.flow = Flow::Open,
            other => panic!("{other} is no word of a question"),
        }
    }
    question
}

fn port(text: &str) -> Port {
    let publish: crate::case::Publish = text.parse().expect("a published port");
    Port {
        address: publish.address,
        host_port: publish.host_port,
        container_port: publish.container_port,
        protocol: publish.protocol,
    }
}
