//! A question, seen from its moment: who asks, whose the address is, and who has published the port.

use std::net::IpAddr;

use super::answer::{Answer, Refuser, Sees};
use super::moment::{Attached, Gone, Member, Moment, Net, Port};
use super::question::{Ask, Question, Routing, Size};
use super::rule::Rule;
use crate::address::Family;
use crate::case::{Feature, Policy, Protocol};
use crate::plan::contract::LAN2_NODE;
use crate::plan::{ServiceSpec, Services};

/// The asking node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From<'a> {
    /// A container with these networks and its addresses in them.
    Member(&'a Member, &'a [(String, IpAddr)]),
    /// A container without a network.
    Alone(&'a Member),
    Host,
    Lan,
    /// The host's neighbour on its second uplink.
    Lan2,
    Outside,
}

/// Whose the asked address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To<'a> {
    /// The asking container's own.
    Own,
    /// 127.0.0.0/8 or ::1 within the asking node.
    Loopback,
    /// 127.0.0.0/8 on the wire.
    WiredLoopback,
    /// A container's in this network.
    Container(&'a Member, &'a Net),
    /// The host's in a network that has containers.
    Gateway(&'a Net),
    /// The host's towards the outside.
    Uplink(IpAddr),
    /// Nobody's now: a container's that is gone, in the network of this name.
    Gone(&'a str),
    /// Everybody's on the asking container's link in this network: its broadcast address, or a group's.
    Everybody(&'a Net),
    Lan,
    /// The host's neighbour's on its second uplink.
    Lan2,
    Outside,
}

/// A question with what its moment says about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) moment: &'a Moment,
    pub(super) question: &'a Question,
    pub(super) services: &'a Services,
    pub(super) from: From<'a>,
    pub(super) to: To<'a>,
}

impl<'a> Cell<'a> {
    /// The cell, if the moment has both ends.
    pub(super) fn of(
        moment: &'a Moment,
        question: &'a Question,
        services: &'a Services,
    ) -> Option<Self> {
        let from = moment.asker(&question.from.0)?;
        let to = moment.owner(from, question.to.address, question.way)?;
        Some(Self {
            moment,
            question,
            services,
            from,
            to,
        })
    }

    /// The same moment, asked something else by the same node at the same address.
    pub(super) fn asking<'b>(&'b self, question: &'b Question) -> Cell<'b> {
        Cell { question, ..*self }
    }

    /// Whether it goes by a route that the prober adds.
    pub(super) fn routed(&self) -> bool {
        self.question.way == Routing::RouteByHost
    }

    /// Whether it asks for an address of the host.
    pub(super) fn asks_host(&self) -> bool {
        let own_loopback = matches!((self.from, self.to), (From::Host, To::Loopback));
        own_loopback || matches!(self.to, To::Gateway(_) | To::Uplink(_) | To::WiredLoopback)
    }

    /// The protocol and port that it asks for.
    pub(super) fn port(&self) -> Option<(Protocol, u16)> {
        self.question.ask.port()
    }

    /// Who publishes the asked port on the asked address of the host.
    pub(super) fn published(&self) -> Option<(&'a Member, &'a Port)> {
        let address = self.question.to.address;
        let mut ports = self.on_this_port();
        self.asks_host()
            .then(|| ports.find(|(_, port)| port.covers(address)))?
    }

    /// Who publishes the asked port, on whatever address of the host.
    pub(super) fn on_this_port(&self) -> impl Iterator<Item = (&'a Member, &'a Port)> + use<'a> {
        let asked = self.port();
        self.moment
            .published()
            .filter(move |(_, port)| asked == Some((port.protocol, port.host_port)))
    }

    /// Who had published the asked port on the asked address and is gone.
    pub(super) fn published_before(&self) -> Option<&'a Gone> {
        let (asked, address) = (self.port(), self.question.to.address);
        let had =
            |port: &Port| asked == Some((port.protocol, port.host_port)) && port.covers(address);
        let mut gone = self.moment.gone.iter();
        gone.find(|one| self.asks_host() && one.publish.iter().any(had))
    }

    /// Whether the implementation lists a feature.
    pub(super) fn lists(&self, feature: Feature) -> bool {
        self.moment.features.contains(&feature)
    }

    /// The network that the asking container shares with the asked one, with the asked gateway, or with everybody there.
    pub(super) fn shared(&self) -> Option<&'a Net> {
        let (From::Member(_, nets), To::Container(_, net) | To::Gateway(net) | To::Everybody(net)) =
            (self.from, self.to)
        else {
            return None;
        };
        nets.iter()
            .any(|(name, _)| *name == net.name)
            .then_some(net)
    }

    /// Whether the asking container is on internal networks only.
    pub(super) fn internal_asks(&self) -> bool {
        matches!(self.from, From::Member(member, _) if self.moment.is_internal(member))
    }

    /// The network by which the asking container leaves for elsewhere.
    pub(super) fn leaves_by(&self) -> Option<&'a Net> {
        let From::Member(member, _) = self.from else {
            return None;
        };
        self.moment.way_out(member)
    }

    /// The asking node's own address on the way to the asked one.
    pub(super) fn own_address(&self) -> Option<IpAddr> {
        let found = &self.moment.found;
        match (self.from, self.to) {
            (From::Lan, _) => Some(found.lan),
            (From::Lan2, To::Uplink(_)) => found.second.map(|one| one.client),
            (From::Lan2, _) => found.second.map(|one| one.neighbour),
            (From::Outside, _) => Some(found.outside),
            (From::Member(..), To::Own) | (_, To::Loopback) => Some(self.question.to.address),
            (From::Member(_, nets), _) => {
                let net = self.shared().or_else(|| self.leaves_by())?;
                let in_net = nets.iter().find(|(name, _)| *name == net.name);
                in_net.map(|(_, address)| *address)
            }
            (From::Host, To::Container(_, net)) => Some(net.gateway),
            (From::Host, To::Lan | To::Outside) => found.addresses.first().copied(),
            (From::Host, To::Lan2) => found.second.map(|one| one.own),
            (From::Host | From::Alone(_), _) => None,
        }
    }

    /// That the service sees the asking node's own address.
    pub(super) fn own(&self) -> Sees {
        self.own_address().map_or(Sees::Anything, Sees::Own)
    }

    /// The answer of a node that the packet reaches: its service's, or its kernel's.
    pub(super) fn reaches(&self, node: &str, sees: Sees, routers: Option<u8>) -> Answer {
        let listens = |(protocol, port)| {
            self.services
                .contains(&ServiceSpec::of(node, protocol, port))
        };
        let answers = match self.question.ask {
            Ask::Icmp => true,
            Ask::Tcp(_) | Ask::Udp(_) | Ask::FromPublished(..) => self.port().is_some_and(listens),
            Ask::LateTcp(_) | Ask::LateReply | Ask::IpProtocol => false,
        };
        if answers {
            let by = node.to_owned();
            return Answer::Answered { by, sees, routers };
        }
        Answer::Refused {
            by: Refuser::Node(node.to_owned()),
        }
    }

    /// That each other container of the network gets it.
    pub(super) fn spread(&self, net: &Net) -> Answer {
        let is_on = |member: &&Member| member.nets().iter().any(|(name, _)| *name == net.name);
        let members = self.moment.members.iter().filter(is_on);
        let others = members.filter(|member| member.name != self.question.from.0);
        Answer::Spread {
            to: others.map(|member| member.name.clone()).collect(),
        }
    }

    /// The answer of the container behind a published port.
    pub(super) fn is_led(
        &self,
        (member, port): (&Member, &Port),
        sees: Sees,
        routers: Option<u8>,
    ) -> Answer {
        let by = member.name.clone();
        let service = ServiceSpec::of(&by, port.protocol, port.container_port);
        if self.services.contains(&service) {
            return Answer::Answered { by, sees, routers };
        }
        Answer::Refused {
            by: Refuser::Published(by),
        }
    }

    /// What the host answers without any container network: its service's answer, a refusal, or what its INPUT chain makes of it.
    pub(super) fn hosts_own(&self) -> Answer {
        let found = &self.moment.found;
        let let_in = self
            .port()
            .is_some_and(|port| found.lets_in.contains(&port));
        if found.input == Some(Policy::Drop) && self.from != From::Host && !let_in {
            return Answer::Blocked;
        }
        let (sees, routers) = match self.from {
            From::Host => (Sees::Hosts, 0),
            From::Outside => (self.own(), 2),
            From::Lan | From::Lan2 | From::Member(..) | From::Alone(_) => (self.own(), 0),
        };
        self.reaches("host", sees, Some(routers))
    }

    /// Source and destination as the host's FORWARD chain sees them, if the request passes it.
    pub(super) fn forwarded(&self) -> Option<(IpAddr, IpAddr)> {
        let source = self.own_address()?;
        if self.from == From::Host {
            return None;
        }
        let led = self.published().and_then(|(member, _)| member.address());
        let destination = match self.to {
            To::Container(..) if self.shared().is_none() => Some(self.question.to.address),
            To::Lan | To::Lan2 | To::Outside if !self.direct() => Some(self.question.to.address),
            _ => led,
        };
        Some((source, destination?))
    }

    /// Whether nothing of the host is on the way: between lan and outside by the lab's own routes.
    pub(super) fn direct(&self) -> bool {
        let ends = matches!(
            (self.from, self.to),
            (From::Lan, To::Outside) | (From::Outside, To::Lan)
        );
        ends && !self.routed()
    }

    /// Networks and links on the way, by their MTU in bytes.
    pub(super) fn mtus(&self) -> Vec<u16> {
        let found = &self.moment.found;
        let of = |net: &Net| net.mtu.unwrap_or(found.uplink_mtu);
        let mut mtus = Vec::new();
        match self.from {
            From::Member(..) => {
                mtus.extend(self.shared().or_else(|| self.leaves_by()).map(of));
            }
            From::Lan | From::Lan2 => mtus.push(found.uplink_mtu),
            From::Outside => mtus.extend([found.uplink_mtu, found.path_mtu]),
            From::Host | From::Alone(_) => {}
        }
        match self.to {
            To::Container(_, net) => mtus.push(of(net)),
            To::Lan | To::Lan2 => mtus.push(found.uplink_mtu),
            To::Outside => mtus.extend([found.uplink_mtu, found.path_mtu]),
            _ => {}
        }
        let led = self.published().and_then(|(member, _)| member.first_net());
        mtus.extend(led.and_then(|name| self.moment.net(name)).map(of));
        mtus
    }

    /// Whether an MTU that was asked for is on the way.
    pub(super) fn has_mtu(&self) -> bool {
        let asked = |net: &Net| net.mtu.is_some();
        let led = self.published().and_then(|(member, _)| member.first_net());
        let to = match self.to {
            To::Container(_, net) => Some(net),
            _ => led.and_then(|name| self.moment.net(name)),
        };
        let from = self.shared().or_else(|| self.leaves_by());
        from.into_iter().chain(to).any(asked)
    }

    /// The first feature that the rule's answer needs and the implementation does not list.
    pub(super) fn lacks(&self, rule: &Rule, answer: &Answer) -> Option<Feature> {
        let found = &self.moment.found;
        let protocol = self.port().map(|(protocol, _)| protocol);
        let counts = |feature: &&Feature| match feature {
            Feature::PublishTcp => protocol != Some(Protocol::Udp),
            Feature::PublishUdp => protocol != Some(Protocol::Tcp),
            _ => true,
        };
        let arrives = !matches!(
            answer,
            Answer::Blocked | Answer::NoContainer | Answer::NoAnswer
        );
        let touches = !matches!(rule.id, super::rules::AS_FOUND);
        // A neighbour's packet passes FORWARD too, where an implementation has iptables see bridged packets.
        let passes = self.forwarded().is_some()
            || matches!(
                (self.from, self.to),
                (From::Member(..), To::Container(..) | To::Everybody(_))
            );
        // What containers begin gets out; between neighbours it is seen under bridge-netfilter alone, and who lets containers out
        // need have no rule for a network without a way out.
        let past_the_policy = match (self.from, self.to) {
            (From::Member(..), To::Container(..) | To::Everybody(_)) => Feature::EarlierPolicy,
            (From::Member(..), _) => Feature::EarlierPolicyOutward,
            _ => Feature::EarlierPolicy,
        };
        let conditions = [
            (self.moment.family == Family::Ipv6 && touches).then_some(Feature::Ipv6),
            (found.forward == Some(Policy::Drop) && passes && arrives && touches)
                .then_some(past_the_policy),
            (self.question.size != Size::Small && self.has_mtu()).then_some(Feature::Mtu),
            // Without gateways nobody need have that address.
            matches!((self.from, self.to), (From::Host, To::Gateway(_)))
                .then_some(Feature::Gateway),
        ];
        if matches!(answer, Answer::Unspecified { .. }) {
            return None;
        }
        let features = rule.features.iter().filter(counts).copied();
        let mut needed = features.chain(conditions.into_iter().flatten());
        needed.find(|feature| !self.moment.features.contains(feature))
    }
}

impl Moment {
    /// The moments before this one, the last one first.
    pub fn earlier(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(self.before.as_deref(), |one| one.before.as_deref())
    }

    /// The network of that name.
    pub fn net(&self, name: &str) -> Option<&Net> {
        self.networks.iter().find(|net| net.name == name)
    }

    /// The container of that name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// Whether a container has networks, and only internal ones.
    pub(super) fn is_internal(&self, member: &Member) -> bool {
        let mut nets = member.nets().iter().filter_map(|(name, _)| self.net(name));
        !member.nets().is_empty() && nets.all(|net| net.internal)
    }

    /// The network by which a container leaves for elsewhere.
    pub(super) fn way_out(&self, member: &Member) -> Option<&Net> {
        let mut nets = member.nets().iter().filter_map(|(name, _)| self.net(name));
        let open = nets.clone().find(|net| !net.internal);
        open.or_else(|| nets.next())
    }

    /// Whether a network has containers now.
    pub(super) fn has_members(&self, net: &str) -> bool {
        let mut members = self.members.iter();
        members.any(|member| member.nets().iter().any(|(name, _)| name == net))
    }

    /// Whether a network has lost its last container.
    pub fn has_ended_network(&self) -> bool {
        let mut lost = self.gone.iter().flat_map(|gone| &gone.addresses);
        lost.any(|(net, _)| !self.has_members(net))
    }

    /// Every port that is published now, with its container.
    pub fn published(&self) -> impl Iterator<Item = (&Member, &Port)> {
        self.members
            .iter()
            .flat_map(|member| member.publish.iter().map(move |port| (member, port)))
            .filter(|(member, _)| !member.nets().is_empty())
    }

    /// The node behind a name: containers that share a namespace are one.
    pub(super) fn asker(&self, name: &str) -> Option<From<'_>> {
        match name {
            "host" => return Some(From::Host),
            "lan" => return Some(From::Lan),
            LAN2_NODE => return self.found.second.map(|_| From::Lan2),
            "outside" => return Some(From::Outside),
            _ => {}
        }
        let member = self.member(name)?;
        match &member.attached {
            Attached::None => Some(From::Alone(member)),
            Attached::Host => Some(From::Host),
            Attached::Container(other) => self.asker(other),
            Attached::Networks(nets) => Some(From::Member(member, nets)),
        }
    }

    fn owner<'a>(&'a self, from: From<'_>, address: IpAddr, way: Routing) -> Option<To<'a>> {
        if address.is_loopback() {
            return Some(match way {
                Routing::OwnRoutes => To::Loopback,
                Routing::RouteByHost => To::WiredLoopback,
            });
        }
        if address.is_multicast() {
            let From::Member(member, _) = from else {
                return None;
            };
            return self.way_out(member).map(To::Everybody);
        }
        for member in &self.members {
            for (net, own) in member.nets() {
                if *own == address {
                    let asks = matches!(from, From::Member(asker, _) if asker.name == member.name);
                    return if asks {
                        Some(To::Own)
                    } else {
                        self.net(net).map(|net| To::Container(member, net))
                    };
                }
            }
        }
        let has_broadcast = |net: &&Net| net.subnet.broadcast() == Some(address);
        if let Some(net) = self.networks.iter().find(has_broadcast) {
            return Some(To::Everybody(net));
        }
        let has_gateway = |net: &&Net| net.gateway == address && self.has_members(&net.name);
        if let Some(net) = self.networks.iter().find(has_gateway) {
            return Some(To::Gateway(net));
        }
        if self.found.addresses.contains(&address) {
            return Some(To::Uplink(address));
        }
        if address == self.found.lan {
            return Some(To::Lan);
        }
        match self.found.second {
            Some(second) if address == second.own => return Some(To::Uplink(address)),
            Some(second) if address == second.neighbour => return Some(To::Lan2),
            _ => {}
        }
        if address == self.found.outside || self.found.outside_also.contains(&address) {
            return Some(To::Outside);
        }
        let mut lost = self.gone.iter().flat_map(|gone| &gone.addresses);
        lost.find(|(_, had)| *had == address)
            .map(|(net, _)| To::Gone(net))
    }
}

impl Member {
    /// Its networks with its addresses in them; none if it uses another namespace.
    pub fn nets(&self) -> &[(String, IpAddr)] {
        match &self.attached {
            Attached::Networks(nets) => nets,
            Attached::None | Attached::Host | Attached::Container(_) => &[],
        }
    }

    /// Its first address.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.nets().first().map(|(_, address)| *address)
    }

    fn first_net(&self) -> Option<&str> {
        self.nets().first().map(|(name, _)| name.as_str())
    }
}

impl Port {
    /// Whether it is published on this address of the host.
    pub fn covers(&self, address: IpAddr) -> bool {
        self.address
            .is_none_or(|on| on.is_unspecified() || on == address)
    }
}
