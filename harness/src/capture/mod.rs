//! Frames as the interfaces saw them, and the pcapng file that keeps them.

mod tap;

pub use tap::{CaptureError, RawFrame, Tap};
