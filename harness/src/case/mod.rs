//! What a contributor writes: case files, their validation and discovery.
//!
//! [`discover`] reads every case file below some directories and returns typed [`Case`]s, or every mistake in them as
//! [`CaseError`]s with file, line and column. Later stages validate nothing again. Nothing here touches the kernel.

mod builtin;
mod claim;
mod command;
mod discover;
mod error;
mod file;
mod id;
mod model;
mod one_or_many;
mod place;
mod plan;
mod profile;
mod publish;
mod schema;
mod select;
mod step_file;
mod step_tables;
mod suggest;
mod validate;
mod vocabulary;

pub use builtin::{BUILTIN, builtin_ids, builtin_text, usual_cases};
pub use claim::Claim;
pub use command::{CommandLine, NodeCommands};
pub use discover::{Discovered, discover, discover_where, parse, read_case};
pub use error::{CaseError, render};
pub use id::{CaseId, CaseIdError};
pub use model::{
    AddedRoute, Attachment, Case, CaseKind, Container, Damage, Dropped, Ending, Exchange, Expect,
    Host, InterfacesAre, Network, NetworkEvent, Probe, RoutesAre, SameNamespace, Sighting, Step,
};
pub(crate) use one_or_many::OneOrMany;
pub use place::{Chain, ChainError, Endpoint, NodeName, NodeNameError, Place};
pub use profile::{PROFILE, Profile, profiles, released};
pub use publish::{Publish, PublishError};
pub use schema::schema;
pub use select::{NothingSelected, matches, select};
pub(crate) use select::{glob, means};
pub use vocabulary::{
    Backend, FateWord, Feature, Finding, LabName, Leaves, Leg, Level, Policy, ProbeKind, Protocol,
    Table, Transit,
};
