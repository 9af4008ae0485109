//! One change in one command of one case.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operators::{self, Edit};
use crate::case::{Case, CommandLine};

/// What was changed, in words that also name it in the data of equivalent mutants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandChange {
    /// The case's id.
    pub case: String,
    /// Line of the case file.
    pub line: usize,
    /// The node whose configuration changed.
    pub node: String,
    /// The kind of change, as `drop the line`.
    pub operator: String,
    /// The command as written.
    pub was: String,
    /// The command instead, empty where it was dropped.
    pub is: String,
}

/// A case with one change.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// What was changed.
    pub change: CommandChange,
    /// The case with the change.
    pub case: Arc<Case>,
}

/// Every mutant of a case, in the order of its commands.
pub fn mutants(case: &Case) -> Vec<Mutant> {
    let mut found = Vec::new();
    let all = || case.steps.iter().flat_map(|step| &step.commands);
    for (step, of_step) in case.steps.iter().enumerate() {
        for (node, of_node) in of_step.commands.iter().enumerate() {
            let commands = &of_node.commands;
            for (position, command) in commands.iter().enumerate() {
                let next = commands.get(position + 1);
                let of_node = all().filter(|of| of.node == of_node.node);
                let others: Vec<_> = of_node
                    .flat_map(|of| &of.commands)
                    .filter(|other| !std::ptr::eq(*other, command))
                    .collect();
                for edit in operators::edits(command, next, &others) {
                    let mut mutated = case.clone();
                    apply(
                        &mut mutated.steps[step].commands[node].commands,
                        position,
                        &edit,
                    );
                    found.push(Mutant {
                        change: CommandChange {
                            case: case.id.to_string(),
                            line: command.line,
                            node: case.steps[step].commands[node].node.to_string(),
                            operator: edit.operator().to_owned(),
                            was: command.text.clone(),
                            is: edit.text(),
                        },
                        case: Arc::new(mutated),
                    });
                }
            }
        }
    }
    found
}

fn apply(commands: &mut Vec<CommandLine>, position: usize, edit: &Edit) {
    match edit {
        Edit::Dropped => {
            commands.remove(position);
        }
        Edit::Swapped { .. } => commands.swap(position, position + 1),
        Edit::Replaced { argv, .. } => {
            let command = &mut commands[position];
            command.text = argv.join(" ");
            command.argv.clone_from(argv);
        }
    }
}
