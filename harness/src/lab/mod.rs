//! Live kernel objects and their owners: sandbox, namespaces, links, commands.

mod ageing;
pub mod article;
pub mod attach;
mod backend;
mod build;
mod command;
pub mod contract;
mod error;
mod firewall;
mod graveyard;
mod group;
mod inventory;
mod ledger;
mod legacy;
mod live;
mod lookup;
mod masquerade;
mod mounts;
mod neighbours;
mod netlink;
mod netns;
mod nft;
mod ready;
mod reply;
mod restore;
mod room;
pub mod sandbox;
mod sysctl;
pub mod topology;
pub mod tree;

pub use command::{CommandError, Written, find_program_for};
pub use error::LabError;
pub use graveyard::Graveyard;
pub use group::ControlGroup;
pub use ledger::{Change, Difference, Kind, Ledger};
pub use legacy::{refusal, unsupported};
pub use live::Lab;
pub use mounts::{privatise_thread_mounts, renew_thread_proc};
pub use netns::{Netns, NetnsGuard};
pub use room::{Furniture, Room};
pub use topology::LabSpec;

use live::LiveNode;
