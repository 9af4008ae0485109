//! `goldpath new`: a case to begin with.

use std::io::{self, BufRead, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::output::{lost, output};
use crate::case::{BUILTIN, CaseId, parse, render};
use crate::files::write_new;
use crate::program::quoted;

/// The schema's file at the top of a folder of cases.
const SCHEMA: &str = "case.schema.json";

/// Write the beginning of a case of your own.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Write a contract case that is well-formed. What is not given is asked for on a terminal.
    Case(Asked),
}

/// The least that a case needs from a person.
#[derive(Debug, Default, clap::Args)]
struct Asked {
    /// Its id, as contract/egress/reply-comes-back.
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// The behaviour, as a sentence in the present tense.
    #[arg(long)]
    title: Option<String>,
    /// Where the behaviour is described: a document, an issue, a CVE.
    #[arg(long)]
    source: Option<String>,
    /// Directory of case files; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "cases")]
    cases: PathBuf,
}

/// Writes the file and says what to type next.
pub fn run(args: &Args) -> Exit {
    let Verb::Case(asked) = &args.verb;
    let terminal = io::stdin().is_terminal();
    case(asked, terminal, &mut output(), &mut io::stderr()).unwrap_or_else(lost)
}

fn case(
    asked: &Asked,
    terminal: bool,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    if asked.cases == Path::new(BUILTIN) {
        writeln!(
            err,
            "--cases {BUILTIN} means the cases that the program carries, not a folder\nnext: name another one, as --cases cases"
        )?;
        return Ok(Exit::WrongInput);
    }
    let mut answers: Vec<String> = Vec::new();
    for (given, what, option) in [
        (&asked.id, "id, as contract/egress/reply-comes-back", "ID"),
        (&asked.title, "what happens, in one sentence", "--title"),
        (&asked.source, "where that is described", "--source"),
    ] {
        let answer = match given {
            Some(given) => given.clone(),
            None if terminal => ask(what, err)?,
            None => String::new(),
        };
        if answer.trim().is_empty() {
            writeln!(
                err,
                "{option} is missing: {what}\nnext: goldpath new case ID --title '…' --source '…'"
            )?;
            return Ok(Exit::WrongInput);
        }
        let answer = answer.trim().to_owned();
        // What is wrong with an id is said before anything else is asked for.
        if answers.is_empty()
            && let Some(wrong) = wrong_with(&answer, &asked.cases)
        {
            writeln!(err, "{wrong}")?;
            return Ok(Exit::WrongInput);
        }
        answers.push(answer);
    }
    let [id, title, source] = &answers[..] else {
        return Ok(Exit::WrongInput);
    };
    let path = asked.cases.join(format!("{id}.toml"));
    let text = text(id, title, source);
    if let Err(errors) = parse(text.clone(), &path, id) {
        write!(err, "{}", render(&errors, false))?;
        return Ok(Exit::WrongInput);
    }
    if let Err(error) = write_new(&asked.cases, &path, text.as_bytes()) {
        writeln!(err, "cannot write {}: {error}", path.display())?;
        return Ok(Exit::WrongInput);
    }
    writeln!(out, "wrote {}", path.display())?;
    let schema = asked.cases.join(SCHEMA);
    if !schema.exists() {
        if let Err(error) = write_new(&asked.cases, &schema, crate::case::schema().as_bytes()) {
            writeln!(err, "cannot write {}: {error}", schema.display())?;
            return Ok(Exit::WrongInput);
        }
        writeln!(out, "wrote {}", schema.display())?;
    }
    let cases = match asked.cases.as_path() == Path::new("cases") {
        true => String::new(),
        false => format!(" --cases {}", quoted(&[asked.cases.display().to_string()])),
    };
    writeln!(
        out,
        "next: edit it; goldpath show {id} -i native{cases}; then goldpath accept {id} -i native{cases}"
    )?;
    Ok(Exit::Success)
}

/// Why no case of this id can be written, none if one can.
fn wrong_with(id: &str, cases: &Path) -> Option<String> {
    if let Err(error) = CaseId::new(id) {
        return Some(format!(
            "{error}\nnext: goldpath new case contract/egress/reply-comes-back"
        ));
    }
    let path = cases.join(format!("{id}.toml"));
    path.exists().then(|| {
        format!(
            "{} is there already, and nothing was written\nnext: edit it, or choose another id",
            path.display()
        )
    })
}

fn ask(what: &str, err: &mut impl Write) -> io::Result<String> {
    write!(err, "{what}: ")?;
    err.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}

/// A container that asks its neighbour.
fn text(id: &str, title: &str, source: &str) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    // The schema lies at the top of the folder of cases.
    let up = "../".repeat(id.matches('/').count());
    let (title, source) = (quoted(title), quoted(source));
    format!(
        r#"#:schema {up}{SCHEMA}
title    = {title}
requires = ["bridge"]
source   = [{source}]

[network.front]
subnet = "10.77.1.0/24"

[container.c1]
network = "front"

[container.c2]
network = "front"

[[step]]
probe  = {{ send = "icmp-echo", from = "c1", to = "c2" }}
expect = {{ fate = "answered" }}
"#
    )
}
