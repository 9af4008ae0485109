//! What the facts mean for a run, and the cure of each lack. Pure.

use std::fmt;

use serde::Serialize;

use super::machine::{Engine, Machine, Program};

/// What building a lab takes, with its bit (`include/uapi/linux/capability.h`).
const CAPABILITIES: [(&str, u32); 3] = [
    ("CAP_NET_ADMIN", 12),
    ("CAP_NET_RAW", 13),
    ("CAP_SYS_ADMIN", 21),
];
/// What the article's cases start.
const NEEDED: [&str; 4] = ["iptables-nft", "iptables-legacy", "ip", "sysctl"];

/// How a finding bears on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// There.
    Ok,
    /// Not there, and the article suite runs without it.
    Without,
    /// Not there, and the article suite needs it.
    Lacks,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) name: String,
    pub(super) state: State,
    pub(super) text: String,
    /// A command to type.
    pub(super) cure: Option<String>,
    /// Whether it is about an engine that can be tested.
    #[serde(skip)]
    pub(super) is_engine: bool,
}

impl Finding {
    fn new(name: &str, state: State, text: impl Into<String>, cure: Option<&str>) -> Self {
        let text: String = text.into();
        Self {
            name: name.to_owned(),
            state,
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
            cure: cure.map(str::to_owned),
            is_engine: false,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Ok => "ok",
            State::Without => "without",
            State::Lacks => "LACKS",
        };
        write!(f, "{state:8} {:16} {}", self.name, self.text)?;
        match &self.cure {
            Some(cure) => write!(f, "; please run: {cure}"),
            None => Ok(()),
        }
    }
}

/// All findings, what a run needs first.
pub(super) fn findings(machine: &Machine) -> Vec<Finding> {
    let mut all = vec![
        Finding::new(
            "kernel",
            State::Ok,
            format!("Linux {}", machine.kernel),
            None,
        ),
        privilege(machine),
        user_namespaces(machine),
    ];
    all.extend(sandbox(machine));
    all.extend(machine.programs.iter().map(program));
    all.extend(machine.engines.iter().map(engine));
    all
}

/// The capabilities that a mask lacks.
fn lacking(mask: u64) -> Vec<&'static str> {
    let lacks = |(_, bit): &&(&str, u32)| mask & (1 << bit) == 0;
    CAPABILITIES
        .iter()
        .filter(lacks)
        .map(|(name, _)| *name)
        .collect()
}

fn privilege(machine: &Machine) -> Finding {
    let lacking = lacking(machine.capabilities);
    if !machine.is_root {
        let text = "an ordinary user: labs live in a user namespace";
        return Finding::new("privilege", State::Ok, text, None);
    }
    if lacking.is_empty() {
        let text = "root with CAP_NET_ADMIN, CAP_NET_RAW and CAP_SYS_ADMIN";
        return Finding::new("privilege", State::Ok, text, None);
    }
    let text = format!("root without {}, as in a container", lacking.join(", "));
    let cure = "docker run --privileged";
    Finding::new("privilege", State::Lacks, text, Some(cure))
}

/// Root needs none; for others a setting that denies them is a lack, unless the sandbox was entered all the same.
fn user_namespaces(machine: &Machine) -> Finding {
    let denied = if machine.is_root || machine.sandbox.is_ok() {
        State::Without
    } else {
        State::Lacks
    };
    let name = "user namespaces";
    if machine.apparmor_restricts {
        let cure = "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0";
        return Finding::new(name, denied, "AppArmor denies them to users", Some(cure));
    }
    if machine.clone_denied {
        let cure = "sudo sysctl kernel.unprivileged_userns_clone=1";
        return Finding::new(name, denied, "the kernel denies them to users", Some(cure));
    }
    match machine.max_user_namespaces {
        Some(0) => {
            let cure = "sudo sysctl user.max_user_namespaces=10000";
            Finding::new(name, denied, "none may be made", Some(cure))
        }
        None => Finding::new(name, denied, "this kernel has none", None),
        Some(most) => Finding::new(name, State::Ok, format!("up to {most}"), None),
    }
}

fn sandbox(machine: &Machine) -> Vec<Finding> {
    let inside = match &machine.sandbox {
        Ok(inside) => inside,
        // The refusal has its own cure in it.
        Err(why) => return vec![Finding::new("sandbox", State::Lacks, why, None)],
    };
    let lacking = lacking(inside.capabilities);
    let mut all = Vec::new();
    all.push(if lacking.is_empty() {
        Finding::new("sandbox", State::Ok, "entered", None)
    } else {
        let text = format!("entered, without {}", lacking.join(", "));
        Finding::new(
            "sandbox",
            State::Lacks,
            text,
            Some("sudo -E goldpath doctor"),
        )
    });
    all.push(if inside.br_netfilter {
        let text = "there in a fresh namespace";
        Finding::new("br_netfilter", State::Ok, text, None)
    } else {
        let text = "bridged packets are not seen by iptables";
        Finding::new(
            "br_netfilter",
            State::Lacks,
            text,
            Some("sudo modprobe br_netfilter"),
        )
    });
    // Every trace needs nf_tables; what needs legacy tables is not supported without them.
    for (name, complaint, absent) in [
        ("nf_tables", &inside.nf_tables, State::Lacks),
        ("ip_tables", &inside.ip_tables, State::Without),
    ] {
        all.push(match complaint {
            None => Finding::new(name, State::Ok, "lists its rules", None),
            Some(said) if absent == State::Without => {
                let text = format!(
                    "trials on iptables-legacy are not supported: {said}; if this kernel has the module"
                );
                Finding::new(name, absent, text, Some(&format!("sudo modprobe {name}")))
            }
            Some(said) => Finding::new(name, absent, said, Some(&format!("sudo modprobe {name}"))),
        });
    }
    all
}

fn program(program: &Program) -> Finding {
    let absent = if NEEDED.contains(&program.name) {
        State::Lacks
    } else {
        State::Without
    };
    match &program.version {
        Ok(version) if version.is_empty() => {
            Finding::new(program.name, absent, "does not say its version", None)
        }
        Ok(version) => Finding::new(program.name, State::Ok, version, None),
        Err(missing) => {
            let cure = missing
                .package
                .map(|package| format!("sudo apt-get install {package}"));
            Finding::new(program.name, absent, "not installed", cure.as_deref())
        }
    }
}

/// Only who tests it needs it. What is missing has its own cure in it.
fn engine(engine: &Engine) -> Finding {
    let (state, text) = match &engine.found {
        Ok(text) => (State::Ok, text),
        Err(text) => (State::Without, text),
    };
    Finding {
        is_engine: true,
        ..Finding::new(engine.name, state, text, None)
    }
}

#[cfg(test)]
mod tests {
    use super::super::machine::{Absent, Inside};
    use super::*;

    const ALL: u64 = u64::MAX;

    fn machine() -> Machine {
        Machine {
            kernel: String::from("6.1.0"),
            is_root: true,
            capabilities: ALL,
            apparmor_restricts: false,
            clone_denied: false,
            max_user_namespaces: Some(1000),
            sandbox: Ok(Inside {
                capabilities: ALL,
                br_netfilter: true,
                ..Inside::default()
            }),
            programs: vec![Program {
                name: "iptables-nft",
                version: Ok(String::from("iptables v1.8.9 (nf_tables)")),
            }],
            engines: vec![Engine {
                name: "netavark",
                found: Ok(String::from("1.4.0: /usr/lib/podman/netavark")),
            }],
        }
    }

    fn not_ok(machine: &Machine) -> Vec<String> {
        let found = findings(machine).into_iter();
        let bad = found.filter(|finding| finding.state != State::Ok);
        bad.map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_machine_that_has_everything_lacks_nothing() {
        assert_eq!(not_ok(&machine()), [""; 0]);
    }

    #[test]
    fn each_lack_has_its_cure() {
        let mut machine = machine();
        machine.capabilities = ALL & !(1 << 21);
        let inside = Inside {
            capabilities: ALL & !(1 << 13),
            br_netfilter: false,
            nf_tables: None,
            ip_tables: Some(String::from("cannot initialize:\n Table does not exist")),
        };
        machine.sandbox = Ok(inside);
        machine.programs[0].version = Err(Absent {
            package: Some("iptables"),
        });
        let missing =
            "'netavark' is not installed; please run: sudo apt-get install netavark".to_owned();
        machine.engines[0].found = Err(missing);
        insta::assert_snapshot!(not_ok(&machine).join("\n"), @"
        LACKS    privilege        root without CAP_SYS_ADMIN, as in a container; please run: docker run --privileged
        LACKS    sandbox          entered, without CAP_NET_RAW; please run: sudo -E goldpath doctor
        LACKS    br_netfilter     bridged packets are not seen by iptables; please run: sudo modprobe br_netfilter
        without  ip_tables        trials on iptables-legacy are not supported: cannot initialize: Table does not exist; if this kernel has the module; please run: sudo modprobe ip_tables
        LACKS    iptables-nft     not installed; please run: sudo apt-get install iptables
        without  netavark         'netavark' is not installed; please run: sudo apt-get install netavark
        ");
    }

    #[test]
    fn a_setting_that_denies_user_namespaces_matters_to_users_only() {
        let mut machine = machine();
        machine.apparmor_restricts = true;
        assert!(not_ok(&machine)[0].starts_with("without"));
        machine.is_root = false;
        machine.sandbox = Err(String::from("denied"));
        assert!(not_ok(&machine)[0].starts_with("LACKS"));
        machine.apparmor_restricts = false;
        machine.max_user_namespaces = Some(0);
        assert!(not_ok(&machine)[0].ends_with("sudo sysctl user.max_user_namespaces=10000"));
    }

    #[test]
    fn a_sandbox_that_cannot_be_entered_tells_why() {
        let mut machine = machine();
        machine.sandbox = Err(String::from("unshare a user namespace: EPERM"));
        let said = not_ok(&machine);
        assert_eq!(
            said,
            ["LACKS    sandbox          unshare a user namespace: EPERM"]
        );
    }
}
