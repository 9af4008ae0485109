//! Who is who in paths, whatever an implementation calls it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Who is who in the lab of one contract trial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roles {
    /// What an address is called: `c1`, `host.uplink`, `front.gateway`.
    pub addresses: BTreeMap<IpAddr, String>,
    /// Nodes that are ends of paths: containers, the host, its neighbours.
    pub ends: Vec<String>,
    /// The host's interface towards the outside.
    pub uplink: String,
    /// Ports that the case names; others are a client's own and stay out.
    pub ports: Vec<u16>,
}

impl Roles {
    /// Gives an address its name; the first one stays.
    pub fn call(&mut self, address: IpAddr, name: &str) {
        let named = self.addresses.entry(address);
        named.or_insert_with(|| name.to_owned());
    }

    /// What an address is called, or the address itself.
    pub fn name(&self, address: IpAddr) -> String {
        self.addresses
            .get(&address)
            .cloned()
            .unwrap_or_else(|| address.to_string())
    }

    /// The same with its port, where the case names that.
    pub fn end(&self, address: IpAddr, port: Option<u16>) -> String {
        match port.filter(|port| self.ports.contains(port)) {
            Some(port) => format!("{}:{port}", self.name(address)),
            None => self.name(address),
        }
    }
}
