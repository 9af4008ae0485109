//! The firewall that a lab starts with: the three chains of `filter` and their policies.

use super::nft::{Base, chain, commit, table};
use super::{CommandError, Lab, LabError};
use crate::address::Family;
use crate::case::Backend;
use crate::netlink::{NF_ACCEPT, NF_DROP, Requests};

/// How Docker leaves a machine, which is where the article starts: INPUT lets in, and nothing is forwarded unless a rule
/// says so. All three chains are there on both back ends: a command of iptables-nft makes only the one that it names.
const POLICIES: [(&str, u32, bool); 3] = [
    ("INPUT", 1, true),
    ("FORWARD", 2, false),
    ("OUTPUT", 3, true),
];

impl Lab {
    /// Sets a node's policies to what they are once Docker has started: FORWARD drops. Returns the commands that would
    /// do the same.
    ///
    /// On iptables-nft this is the transaction that `iptables-nft-restore` would send, without its 10 ms.
    pub fn set_policies(
        &mut self,
        node: &str,
        backend: impl Into<Option<Backend>>,
    ) -> Result<Vec<String>, CommandError> {
        match backend.into() {
            Some(Backend::IptablesNft) => self.commit_policies(node)?,
            backend @ (Some(Backend::IptablesLegacy) | None) => {
                let argv = [String::from("iptables-restore")];
                self.run_with_input(node, &argv, &restored(), backend)?;
            }
        }
        let words = |(chain, _, accepts): &(&str, u32, bool)| {
            format!("iptables -P {chain} {}", word(*accepts))
        };
        Ok(POLICIES.iter().map(words).collect())
    }

    fn commit_policies(&mut self, node: &str) -> Result<(), LabError> {
        let netns = &self.live(node)?.netns;
        let about = ("set policies of", "filter");
        let socket = commit((node, netns), about, fill)?;
        let node = self.canonical(node).to_owned();
        if let Some(live) = self.nodes.get_mut(&node) {
            live.netfilter.push(socket);
        }
        Ok(())
    }
}

fn fill(requests: &mut Requests) {
    table(requests, Family::Ipv4, "filter");
    for (name, hook, accepts) in POLICIES {
        let base = Base {
            kind: "filter",
            hook,
            priority: 0,
            policy: if accepts { NF_ACCEPT } else { NF_DROP },
        };
        chain(requests, Family::Ipv4, "filter", name, base);
    }
}

fn word(accepts: bool) -> &'static str {
    if accepts { "ACCEPT" } else { "DROP" }
}

fn restored() -> String {
    let lines = POLICIES.map(|(chain, _, accepts)| format!(":{chain} {}\n", word(accepts)));
    format!("*filter\n{}COMMIT\n", lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_restored_text_names_all_three_chains() {
        assert_eq!(
            restored(),
            "*filter\n:INPUT ACCEPT\n:FORWARD DROP\n:OUTPUT ACCEPT\nCOMMIT\n"
        );
    }
}
