//! Bridges, veth pairs, addresses and MTUs.

use std::net::IpAddr;

use super::{elsewhere, near};
use crate::adapter::native::Fault;
use crate::adapter::native::event::State;
use crate::adapter::native::names::bridge;
use crate::adapter::native::plan::Plan;
use crate::adapter::native::rule::Action;
use crate::address::{Family, PerFamily};

/// The MTU in bytes that containers get without being asked.
const TOO_SMALL: u16 = 1280;

pub(super) fn edit(fault: Fault, plan: &mut Plan, state: &State) {
    match fault {
        Fault::NoDefaultRoute => {
            plan.ports
                .iter_mut()
                .for_each(|port| port.gateways = PerFamily::NONE);
        }
        Fault::WrongDefaultRoute => {
            for port in &mut plan.ports {
                port.gateways = port.gateways.map(elsewhere);
            }
        }
        Fault::NoGatewayAddress => {
            plan.bridges
                .iter_mut()
                .for_each(|one| one.addresses = PerFamily::NONE);
        }
        Fault::GatewayElsewhere => {
            for address in plan.gateways() {
                address.address = elsewhere(address.address);
            }
        }
        Fault::GatewayAddressAlone => {
            for address in plan.gateways() {
                address.length = Family::of(address.address).width();
            }
        }
        Fault::WrongPrefixLength => {
            let addresses = plan
                .ports
                .iter_mut()
                .flat_map(|port| port.addresses.iter_mut());
            addresses.for_each(|one| one.length = Family::of(one.address).width() - 2);
        }
        Fault::AddressTwice => {
            for network in &state.scenario.networks {
                let members = state.scenario.members(&network.name);
                let first = members.first().map(|(_, addresses)| *addresses);
                let first = first.unwrap_or_default();
                for address in members.into_iter().flat_map(|(_, addresses)| addresses) {
                    let of_first = first.get(Family::of(address));
                    readdress(plan, address, *of_first.unwrap_or(&address));
                }
            }
        }
        Fault::StaticAddressIgnored => {
            for network in &state.scenario.networks {
                let members = state.scenario.members(&network.name).into_iter();
                let gateways = network.gateways();
                for ((_, addresses), last) in members.zip(100_u8..) {
                    for from in addresses {
                        if let Some(gateway) = gateways.get(Family::of(from)) {
                            readdress(plan, from, near(*gateway, last));
                        }
                    }
                }
            }
        }
        Fault::ContainerMacByLot => plan.ports.iter_mut().for_each(|port| port.mac = None),
        Fault::MtuTooSmall => {
            plan.bridges
                .iter_mut()
                .for_each(|one| one.mtu = Some(TOO_SMALL));
            plan.ports
                .iter_mut()
                .for_each(|one| one.mtu = Some(TOO_SMALL));
        }
        Fault::MtuIgnored => {
            plan.bridges.iter_mut().for_each(|one| one.mtu = None);
            plan.ports.iter_mut().for_each(|one| one.mtu = None);
        }
        Fault::MtuOfTheBridgeOnly => plan.ports.iter_mut().for_each(|one| one.mtu = None),
        Fault::NeighboursKeptApart => {
            plan.ports.iter_mut().for_each(|port| port.isolated = true);
        }
        Fault::InternalNeighboursKeptApart => {
            let internal = state.scenario.networks.iter().filter(|one| one.internal);
            let bridges: Vec<String> = internal.map(|one| bridge(&one.name)).collect();
            for port in &mut plan.ports {
                port.isolated |= bridges.contains(&port.bridge);
            }
        }
        Fault::NeighbourFramesFlooded => {
            plan.ports.iter_mut().for_each(|port| port.learns = false);
        }
        Fault::ProxyArp => {
            for bridge in &plan.bridges {
                let bridge = &bridge.name;
                let on = (
                    format!("ipv4/conf/{bridge}/proxy_arp_pvlan"),
                    "1".to_owned(),
                );
                // In centiseconds, of which the kernel would wait up to 80 before it answers for others.
                let at_once = (format!("ipv4/neigh/{bridge}/proxy_delay"), "0".to_owned());
                plan.settings.extend([on, at_once]);
            }
        }
        Fault::BridgeNetfilterStays => {
            let name = String::from("bridge/bridge-nf-call-iptables");
            plan.settings.push((name, String::from("1")));
        }
        _ => {}
    }
}

/// Gives a container another address, to which its published ports lead, too.
fn readdress(plan: &mut Plan, from: IpAddr, to: IpAddr) {
    let addresses = plan
        .ports
        .iter_mut()
        .flat_map(|port| port.addresses.iter_mut());
    for own in addresses.filter(|own| own.address == from) {
        own.address = to;
    }
    for rule in plan.every_rule() {
        if let Action::Destination(address, _) = &mut rule.action
            && *address == from
        {
            *address = to;
        }
    }
}
