//! From a case to its outcome.
