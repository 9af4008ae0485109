//! Frames as the interfaces saw them, and the pcapng file that keeps them.

mod pcapng;

pub use pcapng::{PcapFrame, write_pcapng};
