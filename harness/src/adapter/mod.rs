//! Implementations under test, and the code that makes each of them realise a case.
//!
//! An adapter gets a [`Scenario`] and a [`Site`], and makes the one true in the other. What it made is read back from
//! the kernel, never taken from its word.

pub mod cni;
mod daemon;
pub mod docker;
mod engine;
mod error;
mod expected;
mod image;
mod implementation;
mod kept;
mod known;
pub mod native;
pub mod netavark;
mod part;
pub mod plugin;
pub mod podman;
mod program;
pub mod recipe;
mod scenario;
mod site;

pub use error::AdapterError;
pub use expected::{Expected, Versions, VersionsError, expected};
pub use implementation::{Adapter, Implementation, Namespaces, Realised};
pub use kept::{Kept, kept, unmatched};
pub use known::{Candidate, CniVersion, Selection, SelectionError};
pub use part::Part;
pub use program::Program;
pub use scenario::{Attached, PublishedPort, Scenario, ScenarioContainer, ScenarioNetwork};
pub use site::Site;
