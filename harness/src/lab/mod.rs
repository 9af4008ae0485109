//! Live kernel objects and their owners: sandbox, namespaces, links, commands.

pub mod article;
mod backend;
mod build;
mod command;
mod error;
mod firewall;
mod graveyard;
mod inventory;
mod live;
mod lookup;
mod masquerade;
mod neighbours;
mod netlink;
mod netns;
mod nft;
mod ready;
mod reply;
mod restore;
pub mod sandbox;
mod sysctl;
pub mod topology;

pub use command::{CommandError, Written, find_program, quoted};
pub use error::LabError;
pub use graveyard::Graveyard;
pub use live::Lab;
pub use netns::{Netns, NetnsGuard, privatise_thread_mounts};
pub use topology::LabSpec;

use live::LiveNode;
