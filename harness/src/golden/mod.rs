//! Golden paths: compare and accept.
