//! The command line: a file per verb.

pub mod accept;
mod asked;
pub mod bench;
pub mod cases;
pub mod check;
mod chosen;
pub mod completions;
mod declared;
pub mod doctor;
pub mod exit;
pub mod explain;
pub mod explore;
pub mod faults;
mod first;
mod generated;
pub mod init;
mod inputs;
pub mod intent;
pub mod list;
mod live;
pub mod man;
pub mod mutate;
pub mod new;
mod output;
mod preflight;
pub mod profiles;
mod progress;
pub mod replay;
pub mod report;
mod report_files;
pub mod run;

mod sandbox;
pub mod schema;
pub mod show;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::lab::sandbox::help;

/// What a person reads below the help of every command.
const EXIT_CODES: &str = "\
Exit codes: 0 nothing failed, 1 a case failed, 2 wrong input, 3 goldpath or the machine broke, 130 interrupted";

/// Proves how packets travel through container networks.
#[derive(Debug, Parser)]
#[command(name = "goldpath", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::Args),
    Cases(cases::Args),
    Check(check::Args),
    Run(run::Args),
    Show(show::Args),
    Explain(explain::Args),
    Explore(explore::Args),
    Intent(intent::Args),
    Profiles(profiles::Args),
    Accept(accept::Args),
    Mutate(mutate::Args),
    Faults(faults::Args),
    Doctor(doctor::Args),
    Replay(replay::Args),
    Report(report::Args),
    Init(init::Args),
    New(new::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
    Bench(bench::Args),
}

/// Runs the command line and returns the exit code: 0 nothing failed, 1 something failed, 2 wrong input, 3 errored,
/// 128 and the signal's number if it was told to stop.
pub fn main() -> ExitCode {
    if let Some(code) = help() {
        return code;
    }
    output::ended(Cli::parse().verb.map_or_else(|| first::run().into(), verb))
}

fn verb(verb: Verb) -> ExitCode {
    match verb {
        Verb::List(args) => list::run(&args).into(),
        Verb::Cases(args) => cases::run(&args).into(),
        Verb::Check(args) => check::run(&args).into(),
        Verb::Run(args) => run::run(&args),
        Verb::Show(args) => show::run(&args),
        Verb::Explain(args) => explain::run(&args).into(),
        Verb::Explore(args) => explore::run(&args),
        Verb::Intent(args) => intent::run(&args).into(),
        Verb::Profiles(args) => profiles::run(&args).into(),
        Verb::Accept(args) => accept::run(&args),
        Verb::Mutate(args) => mutate::run(&args),
        Verb::Faults(args) => faults::run(&args).into(),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Replay(args) => replay::run(&args).into(),
        Verb::Init(args) => init::run(&args).into(),
        Verb::New(args) => new::run(&args).into(),
        Verb::Report(args) => report::run(&args).into(),
        Verb::Schema(args) => schema::run(&args).into(),
        Verb::Completions(args) => completions::run(&args, Cli::command()).into(),
        Verb::Man(args) => man::run(&args, Cli::command()).into(),
        Verb::Bench(args) => bench::run(&args),
    }
}
