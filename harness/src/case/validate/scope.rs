//! What the steps of a case may speak of: its nodes, networks and families.

use toml::Spanned;

use super::findings::Findings;
use crate::address::Family;
use crate::case::model::Network;
use crate::case::place::NodeName;
use crate::case::suggest::did_you_mean;

/// What the steps of one case may speak of.
pub(super) struct Scope<'a> {
    pub(super) nodes: &'a [NodeName],
    pub(super) networks: &'a [Network],
    pub(super) families: &'a [Family],
    pub(super) recipe: bool,
    /// Whether the host forwards before the implementation is asked.
    pub(super) host_forwards: bool,
}

/// Families in the words of a message: `ipv4, ipv6`.
pub(super) fn listed(families: &[Family]) -> String {
    let words: Vec<&str> = families.iter().map(|family| family.as_str()).collect();
    words.join(", ")
}

impl Scope<'_> {
    /// The names of all nodes.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.nodes.iter().map(NodeName::as_str)
    }

    /// A node of the lab.
    pub(super) fn node(
        &self,
        findings: &mut Findings<'_>,
        written: &Spanned<String>,
    ) -> Option<NodeName> {
        let text = written.get_ref().as_str();
        let found = self
            .nodes
            .iter()
            .find(|node| node.as_str() == text)
            .cloned();
        if found.is_none() {
            let help = did_you_mean(text, self.names(), "nodes of this lab");
            findings.note(
                written.span(),
                format!("unknown node `{text}`"),
                "no such node",
                help,
            );
        }
        found
    }
}
