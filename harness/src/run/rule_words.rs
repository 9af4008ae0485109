//! A rule in words that mean the same in every lab: roles instead of this lab's addresses, ports and drawn names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::address::Subnet;

/// Hexadecimal digits in a row from which on a word is taken for one that was drawn, as an engine's ids are.
const DRAWN: usize = 8;

/// The role of a network's gateway.
pub(super) const GATEWAY: &str = "GATEWAY";

/// What stands for what.
#[derive(Debug, Clone, Default)]
pub(super) struct RuleWords {
    /// Addresses with a role.
    pub(super) addresses: BTreeMap<IpAddr, &'static str>,
    /// Networks of containers.
    pub(super) subnets: Vec<Subnet>,
    /// Ports that are published, and those behind them.
    pub(super) ports: BTreeSet<u16>,
    /// Interfaces with a role.
    pub(super) interfaces: BTreeMap<String, &'static str>,
}

impl RuleWords {
    /// The rule's text with roles in it.
    pub(super) fn general(&self, text: &str) -> String {
        let mut general = String::new();
        let mut word = String::new();
        for c in self.without_chains(without_comment(text)).chars() {
            if c.is_ascii_alphanumeric() || "-_./:".contains(c) {
                word.push(c);
            } else {
                general.push_str(&self.word(&std::mem::take(&mut word)));
                general.push(c);
            }
        }
        general + &self.word(&word)
    }

    /// The rule with roles in the chains that netavark names after a subnet, as `nv_2f259bab_10_89_0_0_nm24`.
    fn without_chains(&self, text: String) -> String {
        self.subnets.iter().fold(text, |text, subnet| {
            let named = subnet.to_string().replace('.', "_").replace('/', "_nm");
            text.replace(&named, "SUBNET")
        })
    }

    fn word(&self, word: &str) -> String {
        if let Some(role) = self.interfaces.get(word) {
            return (*role).to_owned();
        }
        if let Some(role) = self.end(word) {
            return role.to_owned();
        }
        if let Some((end, port)) = word.split_once(':')
            && let Some(role) = self.end(end)
        {
            return format!("{role}:{}", self.ports(port));
        }
        without_drawn(&self.ports(word))
    }

    /// The role of an address or a subnet.
    fn end(&self, text: &str) -> Option<&'static str> {
        let host = text.strip_suffix("/32").unwrap_or(text);
        let Ok(address) = host.parse::<IpAddr>() else {
            let subnet: Subnet = text.parse().ok()?;
            return self.subnets.contains(&subnet).then_some("SUBNET");
        };
        let known = self.addresses.get(&address).copied();
        let is_inside = || self.subnets.iter().any(|one| one.contains(address));
        known.or_else(|| is_inside().then_some("CONTAINER"))
    }

    /// The word with a role if it is a port, or a row of ports, that some container publishes.
    fn ports(&self, text: &str) -> String {
        let mut numbers = text.split([':', '-', '/']).map(str::parse);
        let are_known = numbers.all(|one| one.is_ok_and(|port| self.ports.contains(&port)));
        match (are_known, text.parse::<u16>()) {
            (true, Ok(_)) => "PORT",
            (true, Err(_)) => "PORTS",
            (false, _) => text,
        }
        .to_owned()
    }
}

/// The rule without the comment that it carries.
fn without_comment(text: &str) -> String {
    const MATCH: &str = "-m comment --comment ";
    let Some((before, behind)) = text.split_once(MATCH) else {
        return text.to_owned();
    };
    let mut escaped = false;
    let mut quoted = false;
    let end = behind.find(|c: char| {
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        c == ' ' && !quoted
    });
    let rest = end.and_then(|at| behind.get(at + 1..)).unwrap_or_default();
    format!("{before}{rest}")
}

/// The word with an ellipsis for each row of hexadecimal digits that is too long to be a name.
fn without_drawn(word: &str) -> String {
    if word.starts_with("0x") {
        return word.to_owned();
    }
    let mut plain = String::new();
    let mut digits = String::new();
    let end = |digits: &mut String, plain: &mut String| {
        let drawn = digits.len() >= DRAWN && digits.chars().any(|c| c.is_ascii_digit());
        plain.push_str(if drawn { "…" } else { digits });
        digits.clear();
    };
    for c in word.chars() {
        if c.is_ascii_hexdigit() {
            digits.push(c);
        } else {
            end(&mut digits, &mut plain);
            plain.push(c);
        }
    }
    end(&mut digits, &mut plain);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> RuleWords {
        let address = |text: &str| text.parse().expect("an address");
        RuleWords {
            addresses: [
                (address("172.30.0.1"), GATEWAY),
                (address("10.0.2.15"), "HOST"),
            ]
            .into(),
            subnets: vec!["172.30.0.0/24".parse().expect("a subnet")],
            ports: [8080, 80].into(),
            interfaces: [(String::from("br-0a1b2c3d4e5f"), "BRIDGE")].into(),
        }
    }

    #[test]
    fn what_another_lab_would_call_otherwise_has_a_role() {
        let rule = "! -i br-0a1b2c3d4e5f -d 10.0.2.15/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.30.0.2:80";
        assert_eq!(
            words().general(rule),
            "! -i BRIDGE -d HOST -p tcp -m tcp --dport PORT -j DNAT --to-destination CONTAINER:PORT"
        );
        let rule = "-p tcp --dport 80:8080 -m comment --comment \"name: \\\"front\\\" id: \\\"00001a\\\"\" -j DNAT --to-destination 172.30.0.2:80-8080/80";
        assert_eq!(
            words().general(rule),
            "-p tcp --dport PORTS -j DNAT --to-destination CONTAINER:PORTS"
        );
        let rule = "ip saddr 172.30.0.0/24 jump nv_2f259bab_172_30_0_0_nm24_dnat";
        assert_eq!(
            words().general(rule),
            "ip saddr SUBNET jump nv_…_SUBNET_dnat"
        );
        let rule = "-s 172.30.0.0/24 -j NETAVARK-1A2B3C4D5E6F7";
        assert_eq!(words().general(rule), "-s SUBNET -j NETAVARK-…");
    }

    #[test]
    fn what_every_lab_calls_so_stays() {
        for rule in [
            "-m mark --mark 0x20002000/0x20002000 -j MASQUERADE",
            "-d 224.0.0.0/4 -j RETURN",
            "ct state established,related accept",
            "-p udp -m udp --dport 53 -j ACCEPT",
        ] {
            assert_eq!(words().general(rule), rule);
        }
    }
}
