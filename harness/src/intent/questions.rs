//! Which questions a moment allows.

use super::cell::{Cell, From, To};
use super::flows::open_flows;
use super::moment::{Member, Moment, Port};
use super::question::{Ask, Flow, Question, Routing, Size, Target, Vantage};
use super::table::{CLOSED, OPEN, services};
use crate::case::{Feature, Protocol};
use crate::plan::contract::LAN2_NODE;

/// What is asked where both ends are under the same hand, or refusals are promised.
const FULL: [Ask; 5] = [
    Ask::Icmp,
    Ask::Tcp(OPEN),
    Ask::Udp(OPEN),
    Ask::Tcp(CLOSED),
    Ask::Udp(CLOSED),
];
/// What is asked where nothing may arrive: a port without a service would be silent in any case.
const OPENED: [Ask; 3] = [Ask::Icmp, Ask::Tcp(OPEN), Ask::Udp(OPEN)];
/// The same where a filter may have an exception for the best-known service, names (CVE-2024-29018), though nobody listens, or
/// lists the protocols that it stops.
const SHUT: [Ask; 5] = [
    Ask::Icmp,
    Ask::Tcp(OPEN),
    Ask::Udp(OPEN),
    Ask::Udp(53),
    Ask::IpProtocol,
];
/// What belongs to nothing that conntrack knows.
const LATE: [Ask; 2] = [Ask::LateTcp(OPEN), Ask::LateReply];
/// What is asked where the answer is the host's alone.
const BRIEF: [Ask; 2] = [Ask::Icmp, Ask::Tcp(OPEN)];

/// Every question, grouped by who asks.
pub(super) fn questions(moment: &Moment) -> Vec<Question> {
    let mut list = new_flows(moment);
    list.extend(open_flows(moment));
    list
}

/// Every question that begins a flow.
pub(super) fn new_flows(moment: &Moment) -> Vec<Question> {
    let mut list = Vec::new();
    for member in &moment.members {
        let mut asker = Asker::of(moment, &member.name, &mut list);
        match moment.asker(&member.name) {
            Some(From::Member(own, _)) if own.name == member.name => asker.container(member),
            Some(From::Alone(_)) => asker.alone(),
            _ => {}
        }
    }
    Asker::of(moment, "host", &mut list).host();
    Asker::of(moment, "lan", &mut list).lan();
    Asker::of(moment, LAN2_NODE, &mut list).lan2();
    Asker::of(moment, "outside", &mut list).outside();
    list.extend(sizes(moment));
    list
}

/// Every published port by each address that it is published on, from each node that has a way to it.
pub(super) fn of_published_ports(moment: &Moment) -> Vec<Question> {
    let mut list = Vec::new();
    let open = |member: &&Member| !member.nets().is_empty() && !moment.is_internal(member);
    let members = moment.members.iter().filter(open);
    let nodes = members.map(|member| member.name.as_str());
    for name in nodes.chain(["host", "lan", "outside"]) {
        let mut asker = Asker::of(moment, name, &mut list);
        let way = if name == "outside" {
            Routing::RouteByHost
        } else {
            Routing::OwnRoutes
        };
        let loopback = (name == "host").then(|| moment.loopback());
        for target in moment.uplinks().into_iter().chain(loopback) {
            for (_, port) in moment.published().filter(|(_, p)| p.covers(target.address)) {
                asker.ask(&target, [Ask::of(port.protocol, port.host_port)], way);
            }
        }
    }
    list
}

struct Asker<'a> {
    moment: &'a Moment,
    name: &'a str,
    list: &'a mut Vec<Question>,
}

impl<'a> Asker<'a> {
    fn of(moment: &'a Moment, name: &'a str, list: &'a mut Vec<Question>) -> Self {
        Self { moment, name, list }
    }

    fn container(&mut self, member: &Member) {
        let moment = self.moment;
        let internal = moment.is_internal(member);
        let elsewhere = if internal {
            Routing::RouteByHost
        } else {
            Routing::OwnRoutes
        };
        let on = |net: &str| member.nets().iter().any(|(name, _)| name == net);
        self.ask(&moment.loopback(), BRIEF, Routing::OwnRoutes);
        for (other, net, target) in moment.containers() {
            let way = if on(net) {
                Routing::OwnRoutes
            } else {
                elsewhere
            };
            if on(net) {
                self.ask(&target, FULL, way);
                self.ask(&target, [Ask::IpProtocol], way);
            } else {
                self.ask(&target, SHUT, way);
            }
            self.ask(&target, container_ports(other), way);
        }
        for (net, target) in moment.gateways() {
            let way = if on(net) {
                Routing::OwnRoutes
            } else {
                elsewhere
            };
            if on(net) {
                self.ask(&target, FULL, way);
            } else {
                self.ask(&target, OPENED, way);
            }
            self.ask(&target, moment.host_ports(), way);
        }
        for (place, target) in moment.uplinks().iter().enumerate() {
            match (internal, place) {
                (true, _) => self.ask(target, OPENED, elsewhere),
                (false, 0) => self.ask(target, FULL, elsewhere),
                (false, _) => self.ask(target, BRIEF, elsewhere),
            }
            self.ask(target, moment.host_ports(), elsewhere);
            if place == 0 && !internal {
                self.ask(target, moment.beside(), elsewhere);
            }
        }
        for target in [moment.lan(), moment.far()] {
            if internal {
                self.ask(&target, [Ask::Icmp], Routing::OwnRoutes);
                self.ask(&target, SHUT, elsewhere);
                self.ask(&target, LATE, elsewhere);
            } else {
                self.ask(&target, FULL, elsewhere);
                self.ask(&target, LATE, elsewhere);
            }
        }
        if !internal {
            self.ask(&moment.lan(), moment.shadowed(&member.name), elsewhere);
        }
        if moment.first_to_leave(member) {
            self.ask(&moment.lan(), [Ask::IpProtocol], elsewhere);
        }
        if !internal {
            self.ask(&moment.far(), moment.host_ports(), elsewhere);
            for target in moment.far_also() {
                self.ask(&target, OPENED, elsewhere);
            }
        }
        if let Some((own, lan2)) = moment.second() {
            self.ask(&own, BRIEF, elsewhere);
            self.ask(&own, moment.host_ports(), elsewhere);
            self.ask(&lan2, OPENED, elsewhere);
            if !internal {
                self.ask(&lan2, LATE, elsewhere);
            }
        }
        self.wired_loopback();
        for (net, target) in moment.lost() {
            if on(&net) {
                self.ask(&target, [Ask::Icmp], Routing::OwnRoutes);
            }
        }
        self.everybody(member);
    }

    fn everybody(&mut self, member: &Member) {
        let moment = self.moment;
        for net in member
            .nets()
            .iter()
            .filter_map(|(name, _)| moment.net(name))
        {
            for target in moment.everybody(member, net) {
                self.ask(&target, [Ask::Udp(CLOSED)], Routing::OwnRoutes);
            }
        }
    }

    fn alone(&mut self) {
        let moment = self.moment;
        let closed = [Ask::Icmp, Ask::Tcp(OPEN), Ask::Tcp(CLOSED)];
        self.ask(&moment.loopback(), closed, Routing::OwnRoutes);
        let containers = moment.containers().map(|(_, _, target)| target);
        let others = moment.uplinks().into_iter().chain(containers);
        for target in others.chain([moment.lan(), moment.far()]) {
            self.ask(&target, OPENED, Routing::OwnRoutes);
        }
    }

    fn host(&mut self) {
        let moment = self.moment;
        let way = Routing::OwnRoutes;
        let closed = [Ask::Icmp, Ask::Tcp(OPEN), Ask::Tcp(CLOSED)];
        self.ask(&moment.loopback(), closed, way);
        self.ask(&moment.loopback(), moment.host_ports(), way);
        for target in moment.uplinks() {
            self.ask(&target, closed, way);
            self.ask(&target, moment.host_ports(), way);
        }
        self.ask(&moment.uplinks()[0], moment.beside(), way);
        for (_, target) in moment.gateways() {
            self.ask(&target, BRIEF, way);
            self.ask(&target, moment.host_ports(), way);
        }
        for (member, _, target) in moment.containers() {
            self.ask(&target, FULL, way);
            self.ask(&target, container_ports(member), way);
        }
        for target in [moment.lan(), moment.far()] {
            self.ask(&target, FULL, way);
        }
        if let Some((own, lan2)) = moment.second() {
            self.ask(&own, moment.host_ports(), way);
            self.ask(&lan2, OPENED, way);
        }
        for (_, target) in moment.lost() {
            self.ask(&target, [Ask::Icmp], way);
        }
    }

    fn lan(&mut self) {
        let moment = self.moment;
        for (place, target) in moment.uplinks().iter().enumerate() {
            self.ask(target, FULL, Routing::OwnRoutes);
            self.ask(target, moment.host_ports(), Routing::OwnRoutes);
            if place == 0 {
                self.ask(target, moment.beside(), Routing::OwnRoutes);
            }
        }
        self.ask(&moment.far(), FULL, Routing::OwnRoutes);
        self.inwards();
        for (_, target) in moment.gateways() {
            self.ask(&target, BRIEF, Routing::RouteByHost);
        }
        if moment.found.forwards {
            self.ask(&moment.far(), FULL, Routing::RouteByHost);
            self.ask(&moment.far(), moment.host_ports(), Routing::RouteByHost);
            self.ask(&moment.far(), moment.shadowed("lan"), Routing::RouteByHost);
            if let Some((_, lan2)) = moment.second() {
                self.ask(&lan2, OPENED, Routing::RouteByHost);
            }
        } else {
            self.ask(&moment.far(), [Ask::Icmp], Routing::RouteByHost);
        }
        self.wired_loopback();
    }

    fn lan2(&mut self) {
        let moment = self.moment;
        let Some((own, _)) = moment.second() else {
            return;
        };
        self.ask(&own, FULL, Routing::OwnRoutes);
        self.ask(&own, moment.host_ports(), Routing::OwnRoutes);
        self.ask(&own, moment.beside(), Routing::OwnRoutes);
        // What nobody promises is asked from lan alone.
        let promised = moment.features.contains(&Feature::HiddenPorts);
        for (_, _, target) in moment.containers().filter(|_| promised) {
            self.ask(&target, SHUT, Routing::RouteByHost);
            self.ask(&target, LATE, Routing::RouteByHost);
        }
        self.ask(&moment.loopback(), OPENED, Routing::RouteByHost);
    }

    fn outside(&mut self) {
        let moment = self.moment;
        for target in moment.uplinks() {
            self.ask(&target, OPENED, Routing::RouteByHost);
            self.ask(&target, moment.host_ports(), Routing::RouteByHost);
        }
        self.inwards();
    }

    /// Straight to containers by a route through the host.
    fn inwards(&mut self) {
        let moment = self.moment;
        for (member, _, target) in moment.containers() {
            // What lan sends by a protocol without ports the kernel takes for an answer to what the container has sent there.
            let answers = |ask: &Ask| self.name == "lan" && *ask == Ask::IpProtocol;
            let shut = SHUT.into_iter().filter(|ask| !answers(ask));
            self.ask(&target, shut.collect::<Vec<_>>(), Routing::RouteByHost);
            self.ask(&target, container_ports(member), Routing::RouteByHost);
            self.ask(&target, LATE, Routing::RouteByHost);
        }
        for (_, target) in moment.lost() {
            self.ask(&target, [Ask::Icmp], Routing::RouteByHost);
        }
    }

    fn wired_loopback(&mut self) {
        let target = self.moment.loopback();
        self.ask(&target, OPENED, Routing::RouteByHost);
        self.ask(&target, self.moment.host_ports(), Routing::RouteByHost);
    }

    fn ask(&mut self, to: &Target, asks: impl IntoIterator<Item = Ask>, way: Routing) {
        for ask in asks {
            self.list.push(question(self.name, to, ask, way));
        }
    }
}

/// How large packets may be: once for each pair of networks and direction, and for each published UDP port from outside and by
/// the host's loopback, where a proxy may pass them on.
fn sizes(moment: &Moment) -> Vec<Question> {
    let udp = |(_, port): &(&Member, &Port)| port.protocol == Protocol::Udp;
    let published: Vec<&Port> = moment
        .published()
        .filter(udp)
        .map(|(_, port)| port)
        .collect();
    let mut small = Vec::new();
    let mut ask = |from: &str, to: &Target, ask: Ask, way: Routing| {
        small.push(question(from, to, ask, way));
    };
    for net in &moment.networks {
        let in_net = moment.containers().filter(|(_, name, _)| *name == net.name);
        let mut in_net = in_net.map(|(member, _, target)| (member.name.as_str(), target));
        let Some((first, target)) = in_net.next() else {
            continue;
        };
        let neighbour = in_net.next();
        for kind in [Ask::Icmp, Ask::Udp(OPEN)] {
            ask("host", &target, kind, Routing::OwnRoutes);
            if let Some((_, neighbour)) = &neighbour {
                ask(first, neighbour, kind, Routing::OwnRoutes);
            }
            if !net.internal {
                ask(first, &moment.lan(), kind, Routing::OwnRoutes);
                ask(first, &moment.far(), kind, Routing::OwnRoutes);
            }
        }
    }
    for target in moment.uplinks() {
        for port in published.iter().filter(|port| port.covers(target.address)) {
            let by = Ask::Udp(port.host_port);
            ask("lan", &target, by, Routing::OwnRoutes);
            ask("outside", &target, by, Routing::RouteByHost);
        }
    }
    let loopback = moment.loopback();
    for port in published
        .iter()
        .filter(|port| port.covers(loopback.address))
    {
        ask(
            "host",
            &loopback,
            Ask::Udp(port.host_port),
            Routing::OwnRoutes,
        );
    }
    let services = services(moment);
    small
        .iter()
        .filter_map(|question| Cell::of(moment, question, &services))
        .flat_map(|cell| sizes_of(&cell))
        .collect()
}

fn sizes_of(cell: &Cell<'_>) -> Vec<Question> {
    let Some(mtu) = cell.mtus().into_iter().min() else {
        return Vec::new();
    };
    let larger = Size::Fragmented(mtu.saturating_mul(2));
    if cell.to == To::Loopback {
        // Whom it is too large for there, the kernel or a proxy behind it, is nobody's promise.
        return vec![Question {
            size: larger,
            ..cell.question.clone()
        }];
    }
    let mut sizes = vec![Size::Whole(mtu), larger];
    // Where nobody asked for an MTU, a link may also be larger than the uplink.
    if cell.has_mtu() || mtu < cell.moment.found.uplink_mtu {
        sizes.push(Size::TooLarge(mtu.saturating_add(1)));
    }
    let of = |size| Question {
        size,
        ..cell.question.clone()
    };
    sizes.into_iter().map(of).collect()
}

fn question(from: &str, to: &Target, ask: Ask, way: Routing) -> Question {
    Question {
        from: Vantage(from.to_owned()),
        to: to.clone(),
        ask,
        size: Size::Small,
        way,
        flow: Flow::New,
    }
}

fn container_ports(member: &Member) -> impl Iterator<Item = Ask> {
    let ports = member.publish.iter();
    ports.map(|port| Ask::of(port.protocol, port.container_port))
}
