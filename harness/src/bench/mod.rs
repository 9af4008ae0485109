//! goldpath's own speed and trustworthiness, measured: how soon a loss is proven, whether a burst is captured whole, how
//! fast many containers and whole tables are asked. Nothing here judges an implementation.

mod burst;
mod distribution;
mod error;
mod matrix;
mod proof;
mod table;

pub use burst::burst;
pub use distribution::Distribution;
pub use error::BenchError;
pub use matrix::matrix;
pub use proof::proof;
pub use table::table;
