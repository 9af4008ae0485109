//! Facts about the machine, as it gives them. Nothing is judged here.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::adapter::{Adapter, Candidate, Namespaces};
use crate::case::Backend;
use crate::lab::refusal;
use crate::program::{self, ProgramError, find_program};

/// Programs of the harness to look for, and the word that makes each say its version.
const PROGRAMS: [(&str, &str); 7] = [
    ("iptables-nft", "--version"),
    ("iptables-legacy", "--version"),
    ("ip", "-V"),
    ("sysctl", "--version"),
    ("nft", "--version"),
    ("conntrack", "--version"),
    ("tshark", "--version"),
];

/// Makes a child look around in the sandbox.
const INSIDE: &str = "--inside";

/// What was found of one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) name: &'static str,
    /// The first line that it says about itself, or why it is not there.
    pub(super) version: Result<String, Absent>,
}

/// A program that is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Absent {
    /// The Debian package that brings it.
    pub(super) package: Option<&'static str>,
}

/// What was found of an engine that goldpath has an adapter for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Engine {
    pub(super) name: &'static str,
    /// Its version and the files that would be used, or what is missing and how to get it.
    pub(super) found: Result<String, String>,
}

/// What the sandbox's first process sees around it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Inside {
    /// Effective capabilities, as in `/proc/self/status`.
    pub(super) capabilities: u64,
    /// Whether bridges of a fresh namespace hand packets to iptables.
    pub(super) br_netfilter: bool,
    /// What iptables-nft complained about when it was to list its empty tables, if anything.
    pub(super) nf_tables: Option<String>,
    /// The same of iptables-legacy.
    pub(super) ip_tables: Option<String>,
}

/// Everything that is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) kernel: String,
    pub(super) is_root: bool,
    pub(super) capabilities: u64,
    pub(super) apparmor_restricts: bool,
    pub(super) clone_denied: bool,
    pub(super) max_user_namespaces: Option<u64>,
    /// What a child saw in the sandbox, or why it could not enter.
    pub(super) sandbox: Result<Inside, String>,
    pub(super) programs: Vec<Program>,
    pub(super) engines: Vec<Engine>,
}

impl Machine {
    /// Looks at this machine. Configures nothing; the sandbox is entered by a child.
    pub(super) fn look() -> Self {
        let kernel =
            nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned());
        Self {
            kernel: kernel.unwrap_or_default(),
            is_root: nix::unistd::geteuid().is_root(),
            capabilities: capabilities(),
            apparmor_restricts: setting("kernel/apparmor_restrict_unprivileged_userns") == Some(1),
            clone_denied: setting("kernel/unprivileged_userns_clone") == Some(0),
            max_user_namespaces: setting("user/max_user_namespaces"),
            sandbox: enter(),
            programs: PROGRAMS.map(|(name, word)| program(name, word)).to_vec(),
            engines: Candidate::every()
                .iter()
                .filter(|one| one.selection.is_engine())
                .map(engine)
                .collect(),
        }
    }
}

impl Inside {
    /// Looks around in the sandbox's own, fresh network namespace.
    pub(super) fn look() -> Self {
        let bridges = Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables");
        Self {
            capabilities: capabilities(),
            br_netfilter: bridges.exists(),
            nf_tables: refusal(Backend::IptablesNft),
            ip_tables: refusal(Backend::IptablesLegacy),
        }
    }
}

fn enter() -> Result<Inside, String> {
    let mut command = Command::new("/proc/self/exe");
    // A refusal repeats the command line, with sudo in front, so that it can be pasted.
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    let output = command.args(["doctor", INSIDE]).output();
    let output = output.map_err(|error| format!("cannot start a child: {error}"))?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        String::from_utf8_lossy(&output.stderr)
            .trim()
            .replace(&format!(" {INSIDE}"), "")
    })
}

fn capabilities() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}

fn setting(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(Path::new("/proc/sys").join(name)).ok()?;
    text.trim().parse().ok()
}

fn engine(candidate: &Candidate) -> Engine {
    let found = candidate.adapter.as_ref().map_err(Clone::clone);
    Engine {
        name: candidate.selection.facts.name,
        found: found.and_then(|adapter| files(adapter.as_ref())),
    }
}

/// An engine's version, and its files; or why it cannot be used.
fn files(adapter: &dyn Adapter) -> Result<String, String> {
    let found = adapter.implementation();
    let paths = found.parts.values().filter_map(|part| part.path.as_ref());
    let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    let paths = paths.join(", ");
    if adapter.namespaces() == Namespaces::Brought && !nix::unistd::geteuid().is_root() {
        return Err(format!("starts containers, which takes root: {paths}"));
    }
    match found.version() {
        "" => Err(format!("does not say its version: {paths}")),
        version => Ok(format!("{version}: {paths}")),
    }
}

fn program(name: &'static str, word: &str) -> Program {
    let version = match find_program(name) {
        Ok(_) => Ok(program::Program::new([name, word]).version()),
        Err(ProgramError::Missing { package, .. }) => Err(Absent { package }),
        Err(_) => Err(Absent::default()),
    };
    Program { name, version }
}
