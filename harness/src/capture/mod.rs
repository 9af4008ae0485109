//! Frames as the interfaces saw them, and the pcapng file that keeps them.
