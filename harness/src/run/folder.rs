//! The evidence folder of a failure: saved before teardown, so that nobody has to run it again to see what happened.

use std::fs;
use std::path::{Path, PathBuf};

use super::observe::Captured;
use super::trial_lab::TrialLab;
use super::{RunError, Trial};
use crate::capture::{PcapFrame, write_pcapng};
use crate::files;
use crate::finding::Finding;
use crate::judge::{Recording, Seen};

/// What is saved of one trial.
pub(super) struct Record<'a> {
    pub(super) trial: &'a Trial,
    pub(super) lab: &'a TrialLab,
    pub(super) captured: &'a [Captured],
    pub(super) recording: &'a Recording,
    pub(super) text: &'a str,
    pub(super) message: String,
    pub(super) findings: &'a [Finding],
    /// The command line that runs this trial again.
    pub(super) rerun: String,
}

/// What is asked of the live lab: file, node, command.
const QUESTIONS: [(&str, &str, &str); 5] = [
    ("ruleset.nft", "host", "nft -a list ruleset"),
    ("conntrack.txt", "host", "conntrack -L"),
    ("fdb.txt", "host", "bridge fdb show"),
    (
        "sysctl.txt",
        "host",
        "sysctl -a --pattern ^net.(ipv4.(ip_forward$|conf.*[.](forwarding|rp_filter|route_localnet)$)|bridge.bridge-nf-call-iptables)",
    ),
    ("iptables-legacy.txt", "host", "iptables-legacy-save -c"),
];

/// Writes the [trial's folder](super::TrialId::folder) anew and returns its path.
///
/// # Errors
/// The folder or a file cannot be written. Tools that this machine lacks are named in the file that they would have filled.
pub(super) fn save(root: &Path, record: &Record<'_>) -> Result<PathBuf, RunError> {
    let trial = record.trial;
    let folder = root.join(trial.id().folder());
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| RunError::Evidence { path, source }
    };
    files::must_not_link(root, &folder).map_err(failed(&folder))?;
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed(&folder))?;
    }
    fs::create_dir_all(&folder).map_err(failed(&folder))?;
    let write = |name: &str, content: &str| {
        let path = folder.join(name);
        fs::write(&path, content).map_err(failed(&path))
    };
    write("message.txt", &record.message)?;
    write(
        "findings.json",
        &serde_json::to_string_pretty(record.findings).unwrap_or_default(),
    )?;
    write("path.txt", record.text)?;
    write("again.sh", &format!("#!/bin/sh\n{}\n", record.rerun))?;
    write("commands.txt", &lines(record.lab.commands()))?;
    write("trace.txt", &trace(record.recording))?;
    record.recording.write(&folder.join(Recording::FILE))?;
    for (name, node, command) in QUESTIONS {
        write(name, &ask(record.lab, node, command))?;
    }
    let nodes: Vec<String> = record.lab.live().nodes().map(str::to_owned).collect();
    for (name, command) in [
        ("links.txt", "ip -d address show"),
        ("routes.txt", "ip route show table all"),
        ("neighbours.txt", "ip neighbour show"),
    ] {
        let answers = nodes
            .iter()
            .map(|node| format!("# {node}\n{}", ask(record.lab, node, command)));
        write(name, &answers.collect::<Vec<_>>().join("\n"))?;
    }
    let path = folder.join("all.pcapng");
    let file = fs::File::create(&path).map_err(failed(&path))?;
    write_pcapng(std::io::BufWriter::new(file), &frames(record.captured)).map_err(failed(&path))?;
    Ok(folder)
}

/// Writes a trial's recording, compressed, below a folder for all trials.
///
/// # Errors
/// The file cannot be written.
pub(super) fn record(root: &Path, trial: &Trial, recording: &Recording) -> Result<(), RunError> {
    let path = format!("{}.json.gz", root.join(trial.id().folder()).display());
    Ok(recording.write(Path::new(&path))?)
}

fn ask(lab: &TrialLab, node: &str, command: &str) -> String {
    let argv: Vec<String> = command.split(' ').map(str::to_owned).collect();
    match lab.live().run(node, &argv, None) {
        Ok(written) => format!("# {command}\n{}", written.stdout),
        Err(error) => format!("# {command}\n# {error}\n"),
    }
}

fn lines(of: &[String]) -> String {
    of.iter().map(|line| format!("{line}\n")).collect()
}

fn trace(recording: &Recording) -> String {
    let mut text = String::new();
    let probes = recording.seen.iter().filter_map(Seen::evidence);
    for (number, evidence) in probes.enumerate() {
        text.push_str(&format!("# probe {}\n", number + 1));
        for event in &evidence.verdicts {
            text.push_str(&format!(
                "{} {}/{} {:?}: {} in={} out={} {} → {} ttl {}\n",
                event.node,
                event.table,
                event.chain,
                event.rule,
                event.action,
                event.input,
                event.output,
                event.headers.source_text(),
                event.headers.destination_text(),
                event.headers.ttl
            ));
        }
    }
    text
}

fn frames(captured: &[Captured]) -> Vec<PcapFrame> {
    captured
        .iter()
        .map(|one| PcapFrame {
            place: format!("{}:{}", one.node, one.interface),
            outgoing: one.frame.outgoing,
            at: one.frame.at,
            bytes: one.frame.bytes.clone(),
            original_length: one.frame.original_length,
            comment: one
                .probe
                .map_or_else(String::new, |(number, leg)| format!("probe {number} {leg}")),
        })
        .collect()
}
