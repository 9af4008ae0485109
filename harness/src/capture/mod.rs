//! Frames as the interfaces saw them, and the pcapng file that keeps them.

mod pcapng;
mod tap;

pub use pcapng::{PcapFrame, write_pcapng};
pub use tap::{CaptureError, RawFrame, Tap};
