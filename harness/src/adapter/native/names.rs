//! What the native implementation calls its own things in the host's namespace.

/// The only table of its rules.
pub(super) const TABLE: &str = "goldpath";
/// Every bridge of a network, as nftables matches names.
pub(super) const BRIDGES: &str = "gp-*";

/// The bridge of a network.
pub(super) fn bridge(network: &str) -> String {
    format!("gp-{network}")
}

/// The host's end of a container's pair: `IFNAMSIZ` has room for the 12 characters of its name.
pub(super) fn port(network: usize, container: &str) -> String {
    format!("p{network}{container}")
}
