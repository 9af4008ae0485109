//! The golden packet paths of goldpath. This crate holds no code: it makes the folder a workspace member, so that `cargo insta review` finds pending paths here.
