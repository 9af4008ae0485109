//! The programs that a trial will start, known from its case before anything is started.

use std::collections::BTreeSet;

use super::Trial;
use crate::lab::find_program_for;
use crate::program::ProgramError;

/// What every lab starts by itself: its first firewall, and the rules' text for the trace.
const OWN: [&str; 2] = ["iptables-restore", "iptables-save"];

/// Programs of these trials that this machine lacks, each once, in the order of their names.
pub fn missing_programs<'a>(trials: impl IntoIterator<Item = &'a Trial>) -> Vec<ProgramError> {
    let mut wanted = BTreeSet::new();
    for trial in trials {
        wanted.extend(OWN.map(|program| (program, trial.backend())));
        let of_nodes = trial.case.steps.iter().flat_map(|step| &step.commands);
        let commands = of_nodes.flat_map(|of_node| &of_node.commands);
        let programs = commands.filter_map(|command| command.argv.first());
        wanted.extend(programs.map(|program| (program.as_str(), trial.backend())));
    }
    let mut missing = Vec::new();
    let mut named = BTreeSet::new();
    for (program, backend) in wanted {
        if let Err(error) = find_program_for(backend, program)
            && named.insert(error.to_string())
        {
            missing.push(error);
        }
    }
    missing
}
