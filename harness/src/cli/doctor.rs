//! `goldpath doctor`: what this machine can and cannot do, and what to type where it cannot.

mod finding;
mod machine;

use std::io::{self, Write};
use std::process::ExitCode;

use super::exit::Exit;
use super::output::{lost, output};
use super::sandbox::inside;
use finding::{Finding, State, findings};
use machine::{Inside, Machine};

/// Report what this machine can and cannot do, and what to type where it cannot.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the findings as JSON.
    #[arg(long)]
    pub json: bool,
    /// Looks around inside the sandbox and prints what is there: the child process of this command.
    #[arg(long, hide = true)]
    pub inside: bool,
}

/// Looks at the machine, and ends as errored if the article suite cannot run on it.
pub fn run(args: &Args) -> ExitCode {
    if args.inside {
        return inside(look_around);
    }
    let findings = findings(&Machine::look());
    let mut out = output();
    let written = if args.json {
        write_json(&findings, &mut out)
    } else {
        write_lines(&findings, &mut out)
    };
    match written {
        Ok(()) if can_run(&findings) => Exit::Success,
        Ok(()) => Exit::Errored,
        Err(error) => lost(error),
    }
    .into()
}

fn look_around() -> Exit {
    let text = serde_json::to_string(&Inside::look()).unwrap_or_default();
    let printed = output().write_all(text.as_bytes());
    printed.map_or_else(lost, |()| Exit::Success)
}

fn can_run(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.state != State::Lacks)
}

fn write_json(findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    let report = serde_json::json!({
        "article_suite_can_run": can_run(findings),
        "findings": findings,
    });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn write_lines(findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    for finding in findings {
        writeln!(out, "{finding}")?;
    }
    let word = if can_run(findings) { "can" } else { "cannot" };
    writeln!(out, "the article suite {word} run here")?;
    if can_run(findings) {
        let engines = findings
            .iter()
            .filter(|one| one.is_engine && one.state == State::Ok);
        let native = findings
            .iter()
            .filter(|one| one.name == "nft" && one.state == State::Ok)
            .map(|_| "native");
        let names = native.chain(engines.map(|one| one.name.as_str()));
        let names: String = names.map(|name| format!(" -i {name}")).collect();
        writeln!(out, "contract can be put to:{names}")?;
    }
    Ok(())
}
