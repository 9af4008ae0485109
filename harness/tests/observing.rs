//! Observing changes nothing: with capture and trace off, the same packets travel the same way.
//!
//! Told without watching: by the probing sockets, by the counters of every rule and policy, and by how many packets
//! each interface of the host received.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use goldpath::case::{Case, CommandLine, NodeCommands, NodeName, discover, render};
use goldpath::lab::FinishedLabs;
use goldpath::lab::sandbox::{self, Entered};
use goldpath::path::Answer;
use goldpath::run::{ProbeEffect, Trial, Watch, probe_effects};
use libtest_mimic::{Arguments, Failed};

/// Bridged and dropped, bridged, masqueraded, let out by rules, and published.
const CASES: [&str; 5] = [
    "article/a03-forward-policy-drops-bridged-packets",
    "article/a06-forward-accept-lets-through",
    "article/a12-masquerade-to-outside",
    "article/a16-forward-rules-by-interface",
    "article/publish-tcp-to-neighbour",
];
/// Frames from one container to another, which no bridge hands to its own interface.
const BRIDGED: &str = CASES[1];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if !arguments.list {
        match sandbox::enter(sandbox::Options::default()) {
            Ok(Entered::Inside(_)) => {}
            Ok(Entered::Finished(finished)) => return finished.code,
            Err(error) => {
                // Nobody to tell is no reason to end in another way.
                let _ = writeln!(std::io::stderr(), "{error}");
                return ExitCode::from(3);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases");
    let cases = match discover(&[root]) {
        Ok(cases) => cases,
        Err(errors) => {
            let _ = writeln!(std::io::stderr(), "{}", render(&errors, false).trim_end());
            return ExitCode::from(2);
        }
    };
    let cases: Vec<Arc<Case>> = cases.into_iter().map(Arc::new).collect();
    let mut tests = Vec::new();
    for trial in Trial::of(&cases, None, &[]) {
        // Only in the sandbox may the kernel be asked for its tables; without those of a back end it shows nothing of it.
        let is_ignored = !arguments.list && trial.not_supported().is_some();
        let id = trial.case.id.as_str();
        if CASES.contains(&id)
            && let Ok(trial) = after(&trial, &SILENCE)
        {
            let watched = trial.clone();
            let test =
                libtest_mimic::Trial::test(trial.to_string(), move || changes_nothing(&watched));
            tests.push(test.with_ignored_flag(is_ignored));
        }
        if id == BRIDGED
            && let Ok(trial) = after(&trial, &SILENCE)
        {
            let name = format!("a promiscuous bridge is noticed in {trial}");
            let test = libtest_mimic::Trial::test(name, move || is_noticed(&trial));
            tests.push(test.with_ignored_flag(is_ignored));
        }
    }
    assert_eq!(tests.len(), 2 * CASES.len() + 2, "a case was renamed");
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// The bridge reports its own multicast group at times of its own (RFC 4286); what it did so far is not counted.
const SILENCE: [&str; 3] = [
    "sysctl -w net.ipv4.igmp_link_local_mcast_reports=0",
    "iptables -Z",
    "iptables -t nat -Z",
];

/// The trial with more commands on the host in front of its own.
fn after(trial: &Trial, lines: &[&str]) -> Result<Trial, Failed> {
    let commands = lines.iter().map(|line| CommandLine {
        line: 1,
        text: (*line).to_owned(),
        argv: line.split(' ').map(str::to_owned).collect(),
    });
    let of_host = NodeCommands {
        node: NodeName::new("host")?,
        commands: commands.collect(),
    };
    let mut trial = trial.clone();
    let first = &mut Arc::make_mut(&mut trial.case).steps[0];
    first.commands.insert(0, of_host);
    Ok(trial)
}

fn changes_nothing(trial: &Trial) -> Result<(), Failed> {
    let finished = FinishedLabs::open()?;
    let watched = probe_effects(trial, Watch::All, &[], &finished)?;
    let unwatched = probe_effects(trial, Watch::Nothing, &watched, &finished)?;
    must_count_packets(&watched)?;
    same(&unwatched, &watched)
}

/// What a capture by libpcap's usual mode would do: the bridge hands up what only crosses it.
fn is_noticed(trial: &Trial) -> Result<(), Failed> {
    let finished = FinishedLabs::open()?;
    let loud = after(trial, &["ip link set hwchiu0 promisc on"])?;
    let watched = probe_effects(&loud, Watch::All, &[], &finished)?;
    let quiet = probe_effects(trial, Watch::Nothing, &watched, &finished)?;
    match same(&quiet, &watched) {
        Ok(()) => Err("nothing differs".into()),
        Err(difference) => {
            let said = difference.message().unwrap_or_default();
            if said.contains("\"hwchiu0\" received") {
                Ok(())
            } else {
                Err(format!("something else differs: {said}").into())
            }
        }
    }
}

/// Counters that stay at zero would agree whatever happened.
fn must_count_packets(effects: &[ProbeEffect]) -> Result<(), Failed> {
    let counted = |line: &&String| line.contains('[') && !line.contains("[0:0]");
    for (number, one) in effects.iter().enumerate() {
        if !one.counters.iter().any(|line| counted(&line)) {
            return Err(format!("no rule or policy counted probe {}", number + 1).into());
        }
    }
    if effects.is_empty() {
        return Err("the case has no probe".into());
    }
    Ok(())
}

/// What must be the same. Whether TCP acknowledges by itself or with its next segment depends on time (RFC 9293
/// 3.8.6.3), so of a connection only who counted anything is compared, and how many connections NAT saw.
fn counters(effect: &ProbeEffect) -> Vec<String> {
    let is_connection = matches!(effect.answer, Some(Answer::Reply { headers: None, .. }));
    let mut table = "";
    let mut lines = Vec::new();
    for line in &effect.counters {
        table = line.strip_prefix('*').unwrap_or(table);
        lines.push(if is_connection && table != "nat" {
            with_any_count(line)
        } else {
            line.clone()
        });
        if line == "COMMIT" {
            table = "";
        }
    }
    lines
}

/// A line with `any` for each count that is not zero.
fn with_any_count(line: &str) -> String {
    let any = |word: &str| match word.strip_prefix('[') {
        Some(count) if count.starts_with("0:") => word.to_owned(),
        Some(_) => String::from("[any]"),
        None => word.to_owned(),
    };
    match line.split_once(" received ") {
        Some((name, "0")) => format!("{name} received 0"),
        Some((name, _)) => format!("{name} received any"),
        None => line.split(' ').map(any).collect::<Vec<_>>().join(" "),
    }
}

fn same(unwatched: &[ProbeEffect], watched: &[ProbeEffect]) -> Result<(), Failed> {
    if unwatched.len() != watched.len() {
        return Err("not as many probes".into());
    }
    let mut wrong = Vec::new();
    for (number, (without, with)) in unwatched.iter().zip(watched).enumerate() {
        let number = number + 1;
        if (&without.sent, &without.answer) != (&with.sent, &with.answer) {
            wrong.push(format!(
                "probe {number}: unwatched {without:?}, watched {with:?}"
            ));
        }
        let (without, with) = (counters(without), counters(with));
        for line in without.iter().filter(|line| !with.contains(line)) {
            wrong.push(format!("probe {number}: only unwatched: {line}"));
        }
        for line in with.iter().filter(|line| !without.contains(line)) {
            wrong.push(format!("probe {number}: only watched: {line}"));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n").into())
    }
}
