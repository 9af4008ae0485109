//! What somebody takes away from a node: its interfaces, its addresses, its way out.

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::address::AddressMessage;
use rtnetlink::packet_route::route::RouteMessage;

use super::attach::remove_own_links;
use super::lookup::{is_main, names};
use super::{Lab, LabError};
use crate::netlink::Batch;

const LOOPBACK: &str = "lo";

impl Lab {
    /// Takes every interface of a node away but `lo`.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn remove_interfaces(&self, node: &str) -> Result<(), LabError> {
        remove_own_links(self.netns(node)?)
    }

    /// Takes every address of a node away but those of `lo`; routes that need one go with it.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn remove_addresses(&self, node: &str) -> Result<(), LabError> {
        let mut socket = self.live(node)?.socket();
        let names = names(&mut socket)?;
        let all = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        let mut batch = Batch::default();
        for row in socket.dump("list addresses", all)? {
            let RouteNetlinkMessage::NewAddress(address) = row else {
                continue;
            };
            let name = names.get(&address.header.index);
            if let Some(name) = name.filter(|name| *name != LOOPBACK) {
                let message = RouteNetlinkMessage::DelAddress(address);
                batch.change("remove address", name, message);
            }
        }
        Ok(socket.commit(batch)?)
    }

    /// Takes the default routes of a node away.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn remove_default_routes(&self, node: &str) -> Result<(), LabError> {
        let mut socket = self.live(node)?.socket();
        let all = RouteNetlinkMessage::GetRoute(RouteMessage::default());
        let mut batch = Batch::default();
        for row in socket.dump("list routes", all)? {
            if let RouteNetlinkMessage::NewRoute(route) = row
                && route.header.destination_prefix_length == 0
                && is_main(&route)
            {
                let message = RouteNetlinkMessage::DelRoute(route);
                batch.change("remove route", "default", message);
            }
        }
        Ok(socket.commit(batch)?)
    }
}
