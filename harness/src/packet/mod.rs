//! Decoded headers: what a hop shows of a packet, and what changed between two hops.

mod checksum;
mod decode;
mod protocol;
mod token;

pub use checksum::{Checksums, checksums};
pub use decode::{decode, identification};
pub use goldpath_report::packet::{Headers, IcmpError, TcpFlags, Transport};
pub use protocol::Protocol;
pub use token::Token;
