//! Netlink over blocking sockets: rtnetlink, by which labs are made, netfilter's messages, of rules, traces and
//! connections, and the list of those who listen.
//!
//! A socket is opened in the calling thread's network namespace and stays in it, whichever thread uses it later. How a
//! thread gets into a namespace is no matter of this room.
//!
//! Netfilter's messages are read and written here by hand. netlink-packet-netfilter (0.4) has tables, chains, rules and
//! batches, but hands a trace report over as undecoded attributes, refuses a message whole for one attribute that is not
//! as long as it expects, keeps no bytes of a rule to be compared with another's, and copies every attribute of reports that
//! come by the thousand.

mod batch;
mod error;
mod message;
mod netfilter;
mod reply;
mod request;
mod route;
mod sockets;

pub use batch::Batch;
pub use error::NetlinkError;
pub use message::{
    Attributes, Message, NF_ACCEPT, NF_DROP, NFT_MSG_DELRULE, NFT_MSG_DELTABLE, NFT_MSG_GETCHAIN,
    NFT_MSG_GETRULE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE, NFT_MSG_NEWTABLE, SUBSYS_CONNTRACK,
    SUBSYS_LOG, SUBSYS_NFTABLES, be_u16, be_u32, be_u64, messages, text,
};
pub use netfilter::NetfilterSocket;
pub use request::Requests;
pub use route::RouteSocket;
pub use sockets::open_sockets;
