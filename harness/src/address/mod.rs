//! Addresses of either family: what differs between families, networks, and one of something for each family.

mod family;
mod per_family;
mod prefix;
mod subnet;

pub use family::{Family, Icmp};
pub use per_family::{OfFamily, PerFamily};
pub use prefix::{Prefix, PrefixError};
pub use subnet::{Subnet, SubnetError};
