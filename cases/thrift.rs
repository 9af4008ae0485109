//! `cargo nextest run` starts this program for each trial: it must not start engines to learn which ones there are.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};

/// Programs that say their version when they are asked, and the plugins of `cni`.
const ENGINES: [&str; 10] = [
    "dockerd",
    "docker",
    "podman",
    "conmon",
    "runc",
    "dpkg-query",
    "bridge",
    "portmap",
    "firewall",
    "tuning",
];
/// A trial that needs none of them.
const NATIVE: &str = "contract/bridge/gateway-answers::native/ipv4";
/// A trial whose engine has to be started, if only to be refused.
const DOCKER: &str = "contract/bridge/gateway-answers::docker/ipv4";

/// What this program asks of the machine, by stand-ins for the engines that write down when they are started.
pub(crate) fn trials() -> [Trial; 3] {
    [
        trial("listing-starts-no-engine", &["--list"], false),
        trial(
            "a-trial-starts-no-other-engine",
            &["--exact", NATIVE],
            false,
        ),
        // What shows that the stand-ins are found at all.
        trial(
            "a-trial-starts-its-engine",
            &["--include-ignored", "--exact", DOCKER],
            true,
        ),
    ]
}

fn trial(name: &str, arguments: &'static [&'static str], starts: bool) -> Trial {
    Trial::test(format!("thrift/{name}"), move || {
        let started = started(arguments)?;
        match started.is_empty() {
            empty if empty != starts => Ok(()),
            _ => Err(format!("{arguments:?} started: {started}").into()),
        }
    })
}

/// The stand-ins that this program starts when it is called so, one a line.
fn started(arguments: &[&str]) -> Result<String, Failed> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log");
    for engine in ENGINES {
        stand_in(&folder.path().join(engine), engine, &log)?;
    }
    let own = std::env::var("PATH").unwrap_or_default();
    let ended = Command::new(std::env::current_exe()?)
        .args(arguments)
        .env("PATH", format!("{}:{own}", folder.path().display()))
        .env("CNI_PATH", folder.path())
        .output()?;
    // What an engine writes to files is thrown away with the trial, but what it says of itself comes out with the reason.
    let said = String::from_utf8_lossy(&ended.stdout);
    let engines = ENGINES.iter().filter(|engine| said.contains(&word(engine)));
    let said: String = engines.map(|engine| format!("{engine}\n")).collect();
    Ok(fs::read_to_string(log).unwrap_or_default() + &said)
}

/// What a stand-in says of itself.
fn word(engine: &str) -> String {
    format!("stand-in of {engine}")
}

fn stand_in(path: &Path, name: &str, log: &Path) -> std::io::Result<()> {
    let script = format!(
        "#!/bin/sh\necho {name} >>{}\necho {} >&2\nexit 1\n",
        log.display(),
        word(name)
    );
    fs::write(path, script)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}
