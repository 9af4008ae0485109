//! The ways in which a configuration goes wrong in practice: a line forgotten, a word mixed up, an order reversed.

use std::net::Ipv4Addr;

use crate::case::CommandLine;

/// One way to change a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edit {
    /// The line is not there.
    Dropped,
    /// The line changes places with the next one.
    Swapped {
        /// The next line.
        with: String,
    },
    /// A word of the line is another one.
    Replaced {
        /// What kind of word.
        operator: &'static str,
        /// The line instead.
        argv: Vec<String>,
    },
}

impl Edit {
    pub(super) fn operator(&self) -> &'static str {
        match self {
            Self::Dropped => "drop the line",
            Self::Swapped { .. } => "swap with the next line",
            Self::Replaced { operator, .. } => operator,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Dropped => String::new(),
            Self::Swapped { with } => with.clone(),
            Self::Replaced { argv, .. } => argv.join(" "),
        }
    }
}

/// All changes of one command. `next` is the command behind it in the same list.
pub(super) fn edits(command: &CommandLine, next: Option<&CommandLine>) -> Vec<Edit> {
    let mut edits = vec![Edit::Dropped];
    if let Some(next) = next
        && is_rule(&command.argv)
        && is_rule(&next.argv)
    {
        edits.push(Edit::Swapped {
            with: next.text.clone(),
        });
    }
    for (position, word) in command.argv.iter().enumerate() {
        let before = position
            .checked_sub(1)
            .map_or("", |p| command.argv[p].as_str());
        for (operator, instead) in words_instead(before, word) {
            let mut argv = command.argv.clone();
            argv[position] = instead;
            edits.push(Edit::Replaced { operator, argv });
        }
    }
    edits
}

/// Rules have an order; policies, addresses and routes have none.
fn is_rule(argv: &[String]) -> bool {
    argv[0] == "iptables" && argv.iter().any(|word| word == "-A" || word == "-I")
}

fn words_instead(before: &str, word: &str) -> Vec<(&'static str, String)> {
    let mut instead = Vec::new();
    let mut one = |operator, other: &str| instead.push((operator, other.to_owned()));
    match (before, word) {
        (_, "ACCEPT") => one("another verdict", "DROP"),
        (_, "DROP") => one("another verdict", "ACCEPT"),
        ("-i" | "-o" | "dev", "eth0") => one("another interface", "hwchiu0"),
        ("-i" | "-o" | "dev", "hwchiu0") => one("another interface", "eth0"),
        ("-i" | "-o", "eth1") => one("another interface", "eth0"),
        ("-A" | "-I" | "-P", "FORWARD") => {
            one("another chain", "INPUT");
            one("another chain", "OUTPUT");
        }
        ("-A" | "-I", "POSTROUTING") => one("another chain", "INPUT"),
        ("-A" | "-I", "PREROUTING") => one("another chain", "OUTPUT"),
        ("-A" | "-I", "OUTPUT") => one("another chain", "PREROUTING"),
        ("-t", "filter") => one("another table", "mangle"),
        (_, "-A") => one("another place in the chain", "-I"),
        (_, "-I") => one("another place in the chain", "-A"),
        ("-p", "tcp") => one("another protocol", "udp"),
        ("-p", "udp") => one("another protocol", "tcp"),
        _ => {}
    }
    if let Some(port) = (before == "--dport" || before == "--sport")
        .then(|| word.parse::<u16>().ok())
        .flatten()
    {
        one("another port", &port.wrapping_add(1).to_string());
    }
    if let Some((key, value)) = word.split_once('=')
        && key.contains('.')
    {
        let flipped = if value == "0" { "1" } else { "0" };
        one("a flipped sysctl", &format!("{key}={flipped}"));
    }
    instead.extend(addresses_instead(word));
    instead
}

/// Another address, and where there is one another prefix length and another port.
fn addresses_instead(word: &str) -> Vec<(&'static str, String)> {
    if let Some((address, prefix)) = word.split_once('/')
        && let (Ok(address), Ok(prefix)) = (address.parse::<Ipv4Addr>(), prefix.parse::<u8>())
    {
        let other = if prefix == 32 { 31 } else { 32 };
        return vec![
            (
                "another address",
                format!("{}/{prefix}", neighbour(address)),
            ),
            ("another prefix length", format!("{address}/{other}")),
        ];
    }
    if let Some((address, port)) = word.split_once(':')
        && let (Ok(address), Ok(port)) = (address.parse::<Ipv4Addr>(), port.parse::<u16>())
    {
        return vec![
            ("another address", format!("{}:{port}", neighbour(address))),
            (
                "another port",
                format!("{address}:{}", port.wrapping_add(1)),
            ),
        ];
    }
    word.parse::<Ipv4Addr>()
        .map(|address| vec![("another address", neighbour(address).to_string())])
        .unwrap_or_default()
}

/// An address of the same subnet that nobody has in the lab: the last byte plus 100.
fn neighbour(address: Ipv4Addr) -> Ipv4Addr {
    let [a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, d.wrapping_add(100))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn command(text: &str) -> CommandLine {
        CommandLine {
            text: text.to_owned(),
            argv: shlex::split(text).unwrap(),
            line: 1,
        }
    }

    #[test]
    fn every_word_that_can_be_mixed_up_is() {
        let masquerade =
            command("iptables -t nat -I POSTROUTING -s 10.55.66.2/32 -o eth0 -j MASQUERADE");
        let texts: Vec<String> = edits(&masquerade, None)
            .iter()
            .map(|edit| format!("{}: {}", edit.operator(), edit.text()))
            .collect();
        insta::assert_snapshot!(texts.join("\n"), @r"
        drop the line: 
        another place in the chain: iptables -t nat -A POSTROUTING -s 10.55.66.2/32 -o eth0 -j MASQUERADE
        another chain: iptables -t nat -I INPUT -s 10.55.66.2/32 -o eth0 -j MASQUERADE
        another address: iptables -t nat -I POSTROUTING -s 10.55.66.102/32 -o eth0 -j MASQUERADE
        another prefix length: iptables -t nat -I POSTROUTING -s 10.55.66.2/31 -o eth0 -j MASQUERADE
        another interface: iptables -t nat -I POSTROUTING -s 10.55.66.2/32 -o hwchiu0 -j MASQUERADE
        ");
    }

    #[test]
    fn only_rules_have_an_order() {
        let rule = command("iptables -A FORWARD -i eth0 -j ACCEPT");
        let policy = command("iptables -P FORWARD DROP");
        let swaps = |a, b| {
            edits(a, Some(b))
                .iter()
                .any(|e| matches!(e, Edit::Swapped { .. }))
        };
        assert!(swaps(&rule, &rule));
        assert!(!swaps(&policy, &rule));
        assert!(!swaps(&rule, &policy));
    }

    #[test]
    fn a_sysctl_is_flipped() {
        let sysctl = command("sysctl -w net.bridge.bridge-nf-call-iptables=0");
        let texts: Vec<String> = edits(&sysctl, None).iter().map(Edit::text).collect();
        assert_eq!(
            texts,
            ["", "sysctl -w net.bridge.bridge-nf-call-iptables=1"]
        );
    }
}
