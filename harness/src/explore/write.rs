//! A sketch as the text of a case file, as a person would write it.

use std::fmt;

use super::sketch::{Container, Event, Host, Network, Place, Sketch};
use crate::case::Damage;

impl Sketch {
    /// The case file, with this title, source and first line.
    pub fn case_file(&self, title: &str, source: &str, schema: &str) -> String {
        let requires = self.requires();
        let requires: Vec<String> = requires.iter().map(|one| format!("\"{one}\"")).collect();
        let mut text = format!(
            "#:schema {schema}\ntitle    = {}\nrequires = [{}]\nsource   = [{}]\n",
            quoted(title),
            requires.join(", "),
            quoted(source),
        );
        text.push_str(&self.to_string());
        text
    }
}

impl fmt::Display for Sketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.host)?;
        for network in &self.networks {
            write!(f, "{network}")?;
        }
        for container in &self.containers {
            write!(f, "{container}")?;
        }
        for (place, event) in self.events.iter().enumerate() {
            // Of what somebody has damaged nothing is promised.
            let is_damaged = matches!(event, Event::Check(Some(_)));
            if is_damaged || self.asked.contains(&place) {
                write!(f, "\n[[step]]\ntable = \"as intended\"\n")?;
            }
            write!(f, "\n[[step]]\n{event}\n")?;
        }
        let is_over = matches!(
            self.events.last(),
            Some(Event::Teardown { .. } | Event::Check(Some(_)))
        );
        if !is_over {
            write!(f, "\n[[step]]\ntable = \"as intended\"\n")?;
        }
        Ok(())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(mtu) = self.path_mtu {
            write!(f, "\n[path]\nmtu = {mtu}\n")?;
        }
        let mut said = String::new();
        if self.forwards {
            said.push_str("forwards = true\n");
        }
        if let Some(policy) = self.policy {
            said.push_str(&format!("forward = \"{policy}\"\n"));
        }
        if let Some(policy) = self.input {
            said.push_str(&format!("input = \"{policy}\"\n"));
        }
        if self.bridge_netfilter {
            said.push_str("bridge_netfilter = true\n");
        }
        if self.second_uplink {
            said.push_str("second_uplink = true\n");
        }
        if self.own_rules {
            said.push_str("own_rules = true\n");
        }
        if !self.addresses.is_empty() {
            let addresses: Vec<String> =
                self.addresses.iter().map(|a| format!("\"{a}\"")).collect();
            said.push_str(&format!("addresses = [{}]\n", addresses.join(", ")));
        }
        if !said.is_empty() {
            write!(f, "\n[host]\n{said}")?;
        }
        for to in &self.drops {
            write!(f, "\n[[host.drops]]\nfrom = \"lan\"\nto = \"{to}\"\n")?;
        }
        Ok(())
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\n[network.{}]\nsubnet = \"{}\"\n",
            self.name, self.subnet
        )?;
        if let Some(gateway) = self.gateway {
            writeln!(f, "gateway = \"{gateway}\"")?;
        }
        if self.internal {
            writeln!(f, "internal = true")?;
        }
        if let Some(mtu) = self.mtu {
            writeln!(f, "mtu = {mtu}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n[container.{}]\n", self.name)?;
        match &self.place {
            Place::On(network, address) => {
                writeln!(f, "network = \"{network}\"")?;
                if let Some(address) = address {
                    writeln!(f, "address = \"{address}\"")?;
                }
            }
            Place::None => writeln!(f, "mode = \"none\"")?,
            Place::Host => writeln!(f, "mode = \"host\"")?,
            Place::Of(other) => writeln!(f, "mode = \"container:{other}\"")?,
        }
        if self.publish.is_empty() {
            return Ok(());
        }
        let ports: Vec<String> = self
            .publish
            .iter()
            .map(|port| format!("\"{port}\""))
            .collect();
        writeln!(f, "publish = [{}]", ports.join(", "))
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remove(name) => write!(f, "remove = \"{name}\""),
            Self::Lose(name) => write!(f, "lose = \"{name}\""),
            Self::Add(name) => write!(f, "add = \"{name}\""),
            Self::Refuse(name) => write!(f, "refused = \"{name}\""),
            Self::Check(None) => write!(f, "check = {{ finds = \"nothing\" }}"),
            Self::Check(Some(damage)) => {
                write!(f, "check = {{ finds = \"something\", ")?;
                match damage {
                    Damage::Interfaces(name) => write!(f, "unplugged = \"{name}\"")?,
                    Damage::Addresses(name) => write!(f, "unaddressed = \"{name}\"")?,
                    Damage::DefaultRoute(name) => write!(f, "unrouted = \"{name}\"")?,
                    Damage::Rules => write!(f, "flushed = true")?,
                }
                write!(f, " }}")
            }
            Self::Teardown { again, gone } => {
                write!(f, "teardown = {{ leaves = \"nothing\"")?;
                if *again {
                    write!(f, ", again = true")?;
                }
                if let Some(gone) = gone {
                    write!(f, ", gone = \"{gone}\"")?;
                }
                write!(f, " }}")
            }
        }
    }
}

/// A text as a basic string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
