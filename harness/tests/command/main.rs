//! The built command as a person uses it, each test in a folder of its own.
//!
//! Runs that build labs need root or user namespaces, as `goldpath` does.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod announcement;
mod causes;
mod cli;
mod declared;
mod desk;
mod files;
mod known_bad;
mod misbehaving;
mod plugin;
mod removals;
mod results;
mod tables;
