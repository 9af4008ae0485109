//! Live kernel objects and their owners: sandbox, namespaces, links, commands.

mod ageing;
pub mod attach;
mod backend;
mod build;
mod command;
mod damage;
mod detour;
mod error;
mod finished_labs;
mod firewall;
mod group;
mod inventory;
mod jail;
mod legacy;
mod live;
mod lookup;
mod masquerade;
mod mounts;
mod neighbours;
mod netns;
mod nft;
mod overflow;
mod policy;
mod ready;
mod restore;
pub mod sandbox;
mod state;
mod sysctl;
pub mod tree;

pub(crate) use build::NEIGHBOUR_MAKER;
pub use command::{CommandError, Written, find_program_for};
pub use detour::{DETOUR_TOS, Detour};
pub use error::LabError;
pub use finished_labs::FinishedLabs;
pub use jail::{Groups, Jail, JailOptions, Layer};
pub use legacy::{refusal, unsupported};
pub use live::Lab;
pub use mounts::{privatise_thread_mounts, renew_thread_proc};
pub use netns::{Netns, NetnsGuard};
pub use overflow::overflows;
pub use policy::Policy;
pub(crate) use ready::next_event;
pub use state::Known;

use live::LiveNode;
