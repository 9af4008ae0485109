//! The case files of goldpath. The test target `conformance` runs each of them as a trial.
