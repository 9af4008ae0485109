//! `goldpath init`: an implementation to begin with, and the workflow that tests it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::output::{lost, output};
use crate::files::write_new;
use crate::program::quoted;

const WORKFLOW: &str = include_str!("../../starters/workflow.yml");

/// Write the beginning of an implementation of your own.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Write a plugin that passes the contract for the features that it lists, and a workflow that tests it. Nothing is
    /// overwritten.
    Plugin {
        /// What it is written in.
        #[arg(long, value_enum)]
        language: Language,
        /// Where to; made if it is not there.
        #[arg(value_name = "DIR", default_value = ".")]
        folder: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    /// One file; needs ip, nft and conntrack.
    Python,
    /// One file and go.mod, without other modules; needs ip and nft.
    Go,
    /// A package that depends on `serde_json`; needs ip and nft.
    Rust,
    /// One file; needs ip, nft and jq.
    Sh,
}

/// What is written for a language: the program as goldpath starts it, how it is built, and the files.
struct Starter {
    program: &'static str,
    build: Option<&'static str>,
    files: &'static [(&'static str, &'static str)],
}

impl Language {
    fn starter(self) -> Starter {
        match self {
            Self::Python => Starter {
                program: "./plugin.py",
                build: None,
                files: &[("plugin.py", include_str!("../../examples/plugin.py"))],
            },
            Self::Sh => Starter {
                program: "./plugin.sh",
                build: None,
                files: &[("plugin.sh", include_str!("../../starters/plugin.sh"))],
            },
            Self::Go => Starter {
                program: "./plugin",
                build: Some("go build -o plugin ."),
                files: &[
                    ("main.go", include_str!("../../starters/plugin.go")),
                    ("go.mod", include_str!("../../starters/plugin.mod")),
                ],
            },
            Self::Rust => Starter {
                program: "target/debug/plugin",
                build: Some("cargo build"),
                files: &[
                    ("src/main.rs", include_str!("../../starters/plugin.rs")),
                    ("Cargo.toml", include_str!("../../starters/plugin.toml")),
                ],
            },
        }
    }
}

/// Writes the files and says what to type next.
pub fn run(args: &Args) -> Exit {
    let Verb::Plugin { language, folder } = &args.verb;
    plugin(
        &language.starter(),
        folder,
        &mut output(),
        &mut io::stderr(),
    )
    .unwrap_or_else(lost)
}

fn plugin(
    starter: &Starter,
    folder: &Path,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let build = starter.build.map(|command| format!("- run: {command}"));
    let workflow = match &build {
        Some(step) => WORKFLOW.replace("# BUILD", step),
        None => WORKFLOW.replace("      # BUILD\n", ""),
    };
    let workflow = workflow.replace("PROGRAM", starter.program);
    let mut files = starter.files.to_vec();
    files.push((".github/workflows/goldpath.yml", &workflow));
    let there = files.iter().map(|(name, _)| folder.join(name));
    if let Some(there) = there
        .into_iter()
        .find(|path| path.symlink_metadata().is_ok())
    {
        writeln!(
            err,
            "{} is there already, and nothing was written; name another directory: goldpath init plugin --language … DIR",
            there.display()
        )?;
        return Ok(Exit::WrongInput);
    }
    for (name, text) in files {
        let path = folder.join(name);
        if let Err(error) = write_new(folder, &path, text.as_bytes()) {
            writeln!(err, "cannot write {}: {error}", path.display())?;
            return Ok(Exit::WrongInput);
        }
        writeln!(out, "wrote {}", path.display())?;
    }
    let steps = [
        (folder != Path::new(".")).then(|| {
            quoted(&[
                String::from("cd"),
                String::from("--"),
                folder.display().to_string(),
            ])
        }),
        starter.build.map(str::to_owned),
        Some(format!(
            "goldpath run contract -i plugin:{}",
            starter.program
        )),
    ];
    let steps: Vec<String> = steps.into_iter().flatten().collect();
    writeln!(out, "next: {}", steps.join(" && "))?;
    Ok(Exit::Success)
}
