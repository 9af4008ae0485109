//! `goldpath bench`: measurements of goldpath itself, as one line of JSON each.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::exit::Exit;
use super::output::{lost, output};
use super::run::parse_backend;
use super::sandbox::{broken, inside};
use crate::bench::{BenchError, burst, matrix, proof, table};
use crate::case::Backend;
use crate::lab::FinishedLabs;

/// Measure goldpath itself. `ci/bench` compares it with the floor.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Measure how soon after the send a loss is proven, and whether any is reported wrongly.
    Proof {
        /// Number of echo requests to drop.
        #[arg(default_value_t = 1_000)]
        probes: u32,
        /// Firewall back end that drops them.
        #[arg(long, value_name = "BACKEND", value_parser = parse_backend, default_value = "iptables-nft")]
        backend: Backend,
    },
    /// Check that a burst of pings is captured whole and in order.
    Burst {
        /// Number of pings.
        #[arg(default_value_t = 20_000)]
        pings: u16,
    },
    /// Count the echoes per second between all pairs of containers on one bridge.
    Matrix {
        /// Number of containers.
        #[arg(default_value_t = 100)]
        containers: usize,
    },
    /// Ask `native` all questions of a scenario at once, and send the same packets by raw sockets.
    Table {
        /// Number of containers.
        #[arg(default_value_t = 3)]
        containers: usize,
        /// How often each is done.
        #[arg(long, default_value_t = 20)]
        rounds: usize,
    },
}

/// Measures inside the sandbox.
pub fn run(args: &Args) -> ExitCode {
    inside(|| {
        let finished = match FinishedLabs::open() {
            Ok(finished) => finished,
            Err(error) => return broken("start the closing threads", &error),
        };
        match args.what {
            What::Proof { probes, backend } => print(proof(probes, backend, &finished)),
            What::Burst { pings } => print(burst(pings, &finished)),
            What::Matrix { containers } => print(matrix(containers, &finished)),
            What::Table { containers, rounds } => print(table(containers, rounds, &finished)),
        }
    })
}

fn print(result: Result<impl Serialize, BenchError>) -> Exit {
    match result.map(|result| serde_json::to_string(&result)) {
        Ok(Ok(line)) => {
            let written = writeln!(output(), "{line}");
            written.map_or_else(lost, |()| Exit::Success)
        }
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

fn failed(error: &impl Display) -> Exit {
    let _ = writeln!(io::stderr(), "{error}");
    Exit::Errored
}
