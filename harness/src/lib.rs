//! goldpath proves how packets travel through container networks.
//!
//! This library is what one builds upon with a capture in hand and no root: headers are decoded ([`packet`]), frames and verdicts
//! are assembled into one packet path and drawn ([`path`]), paths are compared ([`golden`]), case files are read ([`case`]), a
//! lab is planned as a value ([`plan`]), and a saved trial is judged again ([`judge`]). What plugins read and write is in
//! [`adapter`]. The types of reports are the crate `goldpath-report`. Everything else serves the command `goldpath`.
//!
//! # From frames to a path
//!
//! A container pings its host. Its request was captured at the container, and the host got it:
//!
//! ```
//! use goldpath::packet::decode;
//! use goldpath::path::{Direction, Evidence, Fate, Frame, Interface, LegKind, Node, assemble, draw};
//!
//! // An IPv4 packet with an ICMP echo request from 10.77.1.2 to 10.77.1.1, as a capture has it.
//! let packet = [
//!     0x45, 0, 0, 28, 0, 1, 0x40, 0, 64, 1, 0, 0, 10, 77, 1, 2, 10, 77, 1, 1, // IPv4
//!     8, 0, 0, 0, 0, 7, 0, 1, // ICMP
//! ];
//! let (headers, _payload) = decode(&packet).ok_or("no IP packet")?;
//! assert_eq!(headers.ttl, 64);
//!
//! let seen = |node: &str, interface: &str, direction, order| Frame {
//!     leg: LegKind::Request,
//!     node: node.into(),
//!     interface: interface.into(),
//!     direction,
//!     order,
//!     at: 0,
//!     headers: headers.clone(),
//!     destination_mac: String::new(),
//!     source_mac: String::new(),
//! };
//! let node = |name: &str, peer: (&str, &str), address: [u8; 4]| Node {
//!     interfaces: [(name.into(), Interface { peer: Some((peer.0.into(), peer.1.into())), ..Interface::default() })].into(),
//!     addresses: vec![address.into()],
//!     bridge_netfilter: false,
//! };
//! let evidence = Evidence {
//!     from: "c1".into(),
//!     asked: Some([10, 77, 1, 1].into()),
//!     nodes: [
//!         ("c1".into(), node("eth0", ("host", "veth0"), [10, 77, 1, 2])),
//!         ("host".into(), node("veth0", ("c1", "eth0"), [10, 77, 1, 1])),
//!     ]
//!     .into(),
//!     frames: vec![seen("c1", "eth0", Direction::Out, 1), seen("host", "veth0", Direction::In, 1)],
//!     ..Evidence::default()
//! };
//! let path = assemble(&evidence);
//!
//! // Nothing answered, and no evidence says why.
//! assert!(matches!(path.fate, Fate::Lost { .. }));
//! let lines: Vec<String> = draw(&path).into_iter().map(|line| line.text).collect();
//! assert_eq!(lines[0], "fate: request lost after host:veth0, no verdict");
//! assert!(lines.iter().any(|line| line.contains("10.77.1.2 → 10.77.1.1  echo request  ttl 64")));
//! # Ok::<(), &'static str>(())
//! ```
//!
//! # The stages
//!
//! The modules are the stages of a pipeline, and data flows one way through them. A case becomes a plan; `lab` builds it out of
//! network namespaces; an adapter makes an implementation realise it; `probe` sends, `capture` and `trace` record what the kernel
//! did; [`path`] assembles it; [`judge`] compares it with the case and [`golden`] with the golden; `report` makes words of the
//! findings. `docs/architecture.md` tells more.

pub mod adapter;
pub mod address;
pub mod case;
pub mod golden;
pub mod judge;
pub mod packet;
pub mod path;
pub mod plan;

pub use goldpath_report::finding;

// Public for the command, and for this project's tests with root. No version promises anything about them.
#[doc(hidden)]
pub mod capture;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod lab;
#[doc(hidden)]
pub mod ledger;
#[doc(hidden)]
pub mod probe;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod run;
#[doc(hidden)]
pub mod trace;

// In these folders `pub` marks what a folder gives to the others; the compiler finds what nobody takes.
#[expect(unreachable_pub, reason = "see above")]
mod ask;
#[expect(unreachable_pub, reason = "see above")]
mod bench;
#[expect(unreachable_pub, reason = "see above")]
mod explore;
#[expect(unreachable_pub, reason = "see above")]
mod files;
#[cfg(test)]
mod fuzz;
#[expect(unreachable_pub, reason = "see above")]
mod intent;
#[expect(unreachable_pub, reason = "see above")]
mod mutate;
#[expect(unreachable_pub, reason = "see above")]
mod netlink;
#[expect(unreachable_pub, reason = "see above")]
mod program;
