//! What the native implementation calls its own things in the host's namespace.

/// The only table of its rules.
pub(super) const TABLE: &str = "goldpath";

/// The bridge of a network.
pub(super) fn bridge(network: &str) -> String {
    format!("gp-{network}")
}
