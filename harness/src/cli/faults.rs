//! `goldpath faults`: the faults that the native implementation can be given.

use std::io::{self, Write};

use super::exit::Exit;
use super::output::{lost, output};
use crate::adapter::native::Fault;
use crate::mutate::FaultReport;

/// List the faults that `--fault` can plant in the native implementation, and which cases must catch each.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names of faults. The default is all.
    #[arg(value_name = "NAME")]
    pub names: Vec<Fault>,
    /// Print them as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Lists faults on standard output.
pub fn run(args: &Args) -> Exit {
    write(args, &mut output()).map_or_else(lost, |()| Exit::Success)
}

fn write(args: &Args, out: &mut impl Write) -> io::Result<()> {
    let names = if args.names.is_empty() {
        Fault::ALL
    } else {
        &args.names
    };
    let faults: Vec<FaultReport> = names.iter().copied().map(FaultReport::from).collect();
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &faults)?;
        return writeln!(out);
    }
    for fault in &faults {
        writeln!(out, "{}  ({})\n    {}", fault.name, fault.bug, fault.what)?;
        for case in &fault.cases {
            writeln!(out, "    caught by {case}")?;
        }
    }
    writeln!(
        out,
        "{} faults; plant one: goldpath run --fault NAME",
        faults.len()
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_what_it_does_what_it_is_like_and_who_catches_it() {
        let args = Args {
            names: vec![Fault::TosCleared],
            json: false,
        };
        let mut out = Vec::new();
        write(&args, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
        tos-cleared  (RFC 2474 3)
            Forwarded packets lose their TOS.
            caught by contract/egress/headers-are-kept
        1 faults; plant one: goldpath run --fault NAME
        ");
    }
}
