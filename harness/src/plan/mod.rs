//! What labs are meant to be, as values: nodes, links, addresses, routes, services, and who is who. Building, validating, explaining, measuring and
//! tests read the same ones. Nothing here touches a kernel or knows a case: [`crate::case::Case::plan`] makes a plan of one.

pub mod article;
pub mod contract;
pub mod outside;
mod roles;
mod service;
pub mod topology;

pub use roles::Roles;
pub use service::{ServiceSpec, Services};
pub use topology::LabSpec;

use crate::address::Family;

/// The families that labs have addresses of.
pub const FAMILIES: &[Family] = &[Family::Ipv4];
