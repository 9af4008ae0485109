//! goldpath proves how packets travel through container networks.
//!
//! The modules are the stages of its pipeline, and data flows one way through them: a [`case`] is
//! read and validated, a [`lab`] of network namespaces is built, an [`adapter`] makes an implementation
//! realise it, [`probe`]s are sent, [`capture`]
//! and [`trace`] record what the kernel did, [`path`] assembles one packet path from that record,
//! [`golden`] compares it, [`judge`] holds it against the case, [`run`] does all of this with trials, and [`report`] makes words
//! of the [`finding`]s. The modules `case`, `packet`, `path`, `golden`, `judge`, `finding` and `report` touch no kernel: a saved
//! trial is judged again without one.

pub mod adapter;
pub mod ask;
pub mod bench;
pub mod capture;
pub mod case;
pub mod cli;
pub mod explore;
pub mod files;
pub use goldpath_report::finding;
#[cfg(test)]
mod fuzz;
pub mod golden;
pub mod intent;
pub mod judge;
pub mod lab;
pub mod ledger;
pub mod mutate;
pub mod packet;
pub mod path;
pub mod plan;
pub mod probe;
pub mod program;
pub mod report;
pub mod run;
pub mod trace;
