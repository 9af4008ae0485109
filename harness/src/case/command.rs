//! A command line of a recipe, split into argv without a shell.

use serde::Serialize;

use super::place::NodeName;

/// Commands of one step in one node, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeCommands {
    /// Where they run.
    pub node: NodeName,
    /// What runs.
    pub commands: Vec<CommandLine>,
}

/// One command, as written and as run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandLine {
    /// As the case file has it.
    pub text: String,
    /// Program and arguments; never empty.
    pub argv: Vec<String>,
    /// Line of the case file, from one.
    pub line: usize,
}

/// Why a command line cannot be run, with a help text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CommandError {
    #[error("the command is empty")]
    Empty,
    #[error("the command has a quote or a backslash without its end")]
    Unbalanced,
    #[error("the command names the firewall back end `{0}`")]
    NamesBackend(String),
    #[error("the command holds `{0}`, but there is no shell")]
    ShellOperator(String),
}

impl CommandError {
    pub(super) fn help(&self) -> String {
        match self {
            Self::Empty => "remove it".to_owned(),
            Self::Unbalanced => "words are split as in a POSIX shell; close the quote".to_owned(),
            Self::NamesBackend(program) => {
                let plain = program.replacen("-nft", "", 1).replacen("-legacy", "", 1);
                format!("write `{plain}`: the back end is a trial's choice (`backends`), and both share one golden")
            }
            Self::ShellOperator(_) => "each command is one program with its arguments; write `sysctl -w KEY=VALUE` for `echo VALUE | tee FILE`".to_owned(),
        }
    }
}

/// Words that a shell would act on.
const SHELL_OPERATORS: [&str; 9] = ["|", "||", "&&", "&", ";", ">", ">>", "<", "2>&1"];

/// Splits a command line and refuses what could not mean what it says.
pub(super) fn split(text: &str) -> Result<Vec<String>, CommandError> {
    let argv = shlex::split(text).ok_or(CommandError::Unbalanced)?;
    let program = argv
        .first()
        .filter(|program| !program.is_empty())
        .ok_or(CommandError::Empty)?;
    let name = program.rsplit('/').next().unwrap_or(program);
    let names_backend =
        name.contains("tables") && (name.contains("-nft") || name.contains("-legacy"));
    if names_backend {
        return Err(CommandError::NamesBackend(name.to_owned()));
    }
    if let Some(operator) = argv
        .iter()
        .find(|word| SHELL_OPERATORS.contains(&word.as_str()))
    {
        return Err(CommandError::ShellOperator(operator.clone()));
    }
    Ok(argv)
}
