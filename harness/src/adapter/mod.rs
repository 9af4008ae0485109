//! Implementations under test, and the code that makes each of them realise a case.
//!
//! An adapter gets a [`Scenario`] and a [`LabHost`], and makes the one true in the other. What it made is read back from
//! the kernel, never taken from its word.

mod build;
mod candidate;
pub mod cni;
mod daemon;
mod declared;
pub mod docker;
mod engine;
mod error;
mod expected;
mod facts;
mod image;
mod implementation;
mod installation;
mod kept;
mod lab_host;
pub mod native;
pub mod netavark;
mod part;
pub mod plugin;
pub mod podman;
mod program;
pub mod recipe;
mod registry;
mod scenario;
mod selection;

pub use build::Build;
pub use candidate::Candidate;
pub use declared::Declared;
pub use error::AdapterError;
pub use expected::{
    AskedCell, Circumstance, EVERY_RULE, Expected, Versions, VersionsError, expected,
    expected_answer,
};
pub use facts::{Argument, Facts, Found, Lack, Needed, Own};
pub use implementation::{Adapter, Implementation, Namespaces, Realised};
pub use installation::Installation;
pub use kept::{Kept, kept, unused};
pub use lab_host::LabHost;
pub use part::Part;
pub use program::Program;
pub use registry::{ADAPTERS, programs, state_folders};
pub use scenario::{Attached, Pool, PublishedPort, Scenario, ScenarioContainer, ScenarioNetwork};
pub use selection::{Asked, EngineOption, Selection, SelectionError};
