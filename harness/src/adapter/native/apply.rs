//! Carries out what an event changes, on the lab's host.

use super::event::{Edits, Flows, Table};
use super::names::TABLE;
use super::plan::{Found, Pass, Plan, Port};
use crate::adapter::{AdapterError, LabHost, Program, PublishedPort};
use crate::case::Protocol;
use crate::lab::attach::{self, remove_all, remove_link};
use crate::lab::{LabError, Netns};
use crate::trace::{Conntrack, ConntrackEntry, TraceError, drops_by_policy};

/// IANA's number of TCP.
const TCP: u8 = 6;
/// IANA's number of UDP.
const UDP: u8 = 17;

/// One kind of change.
type Apply = fn(&Edits, &Plan, &LabHost) -> Result<(), AdapterError>;

/// In this order nothing is reachable before the rules are there that keep it, and nothing forwards before all is made.
const CHANGES: [Apply; 9] = [
    make_links,
    write_table,
    set_policy,
    pass,
    pass_no_more,
    remove_links,
    set_addresses,
    write_settings,
    forget,
];

impl Edits {
    /// Makes all changes, `plan` being what is to be there afterwards. Ends at the first error.
    ///
    /// # Errors
    /// What the kernel or a program refused.
    pub(super) fn make(&self, plan: &Plan, host: &LabHost) -> Result<(), AdapterError> {
        CHANGES.iter().try_for_each(|one| one(self, plan, host))
    }

    /// Makes all changes, goes on after errors, and returns them.
    pub(super) fn make_all(&self, plan: &Plan, host: &LabHost) -> Vec<AdapterError> {
        let made = CHANGES.iter().map(|one| one(self, plan, host));
        made.filter_map(Result::err).collect()
    }
}

fn make_links(edits: &Edits, plan: &Plan, host: &LabHost) -> Result<(), AdapterError> {
    let bridge = |name: &str| {
        let mut bridges = plan.bridges.iter();
        let found = bridges.find(|bridge| bridge.name == name)?;
        Some(attach::Bridge {
            name: found.name.clone(),
            addresses: found.addresses,
            mtu: found.mtu,
        })
    };
    for made in edits.bridges.iter().filter_map(|one| bridge(&one.name)) {
        made.create(&host.netns)?;
    }
    for port in &edits.ports {
        let container = namespace(port, host)?;
        let end = attach::Port {
            container,
            host_interface: port.host_interface.clone(),
            interface: String::from("eth0"),
            addresses: port.addresses,
            mac: port.mac,
            gateways: port.gateways,
            mtu: port.mtu,
            hairpin: port.hairpin,
        };
        if let Some(bridge) = bridge(&port.bridge) {
            bridge.attach(&host.netns, &end)?;
        }
        let flags = [
            (port.isolated, "isolated", "on"),
            (!port.learns, "learning", "off"),
            (!port.groups, "mcast_flood", "off"),
        ];
        for (_, name, value) in flags.into_iter().filter(|(wanted, ..)| *wanted) {
            let set = ["bridge", "link", "set", "dev", &port.host_interface];
            Program::new(set).args([name, value]).run(&host.jail)?;
        }
    }
    Ok(())
}

fn namespace<'a>(port: &Port, host: &'a LabHost) -> Result<&'a Netns, AdapterError> {
    let name = &port.container;
    let found = host
        .containers
        .get(name)
        .ok_or_else(|| LabError::Specification(format!("container '{name}' has no namespace")));
    Ok(found?)
}

fn write_table(edits: &Edits, plan: &Plan, host: &LabHost) -> Result<(), AdapterError> {
    let write = |rules: String| {
        let nft = Program::new(["nft", "-f", "-"]).input(rules);
        nft.run(&host.jail).map(drop)
    };
    match edits.table {
        Table::Stays => {}
        // Nothing is deleted: nft would wait at its end until the kernel has forgotten it (`nft_rcv_nl_event`).
        Table::Made => write(plan.to_string())?,
        // The first line makes sure that there is something to delete.
        Table::Replaced => write(format!("table ip {TABLE}\ndelete table ip {TABLE}\n{plan}"))?,
        Table::Deleted => {
            Program::new(["nft", "delete", "table", "ip", TABLE]).run(&host.jail)?;
        }
    }
    edits
        .left
        .iter()
        .try_for_each(|rules| write((*rules).to_owned()))
}

fn set_policy(edits: &Edits, _: &Plan, host: &LabHost) -> Result<(), AdapterError> {
    if let Some(policy) = edits.policy {
        Program::new(["iptables", "-P", "FORWARD", policy]).run(&host.jail)?;
    }
    Ok(())
}

fn pass(edits: &Edits, _: &Plan, host: &LabHost) -> Result<(), AdapterError> {
    let line = |pass: &Pass| {
        let place = if pass.first { "-I" } else { "-A" };
        format!("{place} FORWARD {} -j ACCEPT", pass.matches)
    };
    let lines: Vec<String> = edits.passed.iter().map(line).collect();
    restore(&lines, host)
}

fn pass_no_more(edits: &Edits, _: &Plan, host: &LabHost) -> Result<(), AdapterError> {
    let line = |pass: &Pass| format!("-D FORWARD {} -j ACCEPT", pass.matches);
    let lines: Vec<String> = edits.passed_no_more.iter().map(line).collect();
    restore(&lines, host)
}

/// Lines of the filter table, by one process.
fn restore(lines: &[String], host: &LabHost) -> Result<(), AdapterError> {
    if lines.is_empty() {
        return Ok(());
    }
    Program::new(["iptables-restore", "--noflush"])
        .input(format!("*filter\n{}\nCOMMIT\n", lines.join("\n")))
        .run(&host.jail)?;
    Ok(())
}

fn remove_links(edits: &Edits, _: &Plan, host: &LabHost) -> Result<(), AdapterError> {
    for name in &edits.unlinked {
        remove_link(&host.netns, name)?;
    }
    if edits.unlinks_all {
        remove_all(&host.netns)?;
    }
    Ok(())
}

fn set_addresses(edits: &Edits, _: &Plan, host: &LabHost) -> Result<(), AdapterError> {
    for (bridge, address) in &edits.addresses {
        Program::new(["ip", "link", "set", "dev", bridge, "address", address]).run(&host.jail)?;
    }
    Ok(())
}

fn write_settings(edits: &Edits, _: &Plan, host: &LabHost) -> Result<(), AdapterError> {
    let written = host.jail.run(|| {
        edits.settings.iter().try_for_each(|(name, value)| {
            let path = setting(name);
            std::fs::write(&path, value).map_err(|source| AdapterError::File {
                operation: "write",
                path,
                source,
            })
        })
    });
    written?
}

fn forget(edits: &Edits, _: &Plan, host: &LabHost) -> Result<(), AdapterError> {
    if edits.forgotten.is_empty() {
        return Ok(());
    }
    let meant = |entry: &&ConntrackEntry| edits.forgotten.iter().any(|flows| flows.hold(entry));
    let forgotten = host.jail.run(|| {
        let mut connections = Conntrack::open("host")?;
        for entry in connections.dump()?.iter().filter(meant) {
            connections.forget(entry)?;
        }
        Ok(())
    })?;
    forgotten.map_err(|error: TraceError| refused("forget connections", &error))
}

impl Flows {
    fn hold(&self, entry: &ConntrackEntry) -> bool {
        let Self::By(PublishedPort {
            host_address,
            host_port,
            protocol,
            ..
        }) = self
        else {
            return entry.original.ports.is_some();
        };
        let number = match protocol {
            Protocol::Tcp => TCP,
            Protocol::Udp => UDP,
        };
        let asked = host_address.filter(|address| !address.is_unspecified());
        entry.protocol == number
            && entry.original.ports.map(|(_, to)| to) == Some(*host_port)
            && asked.is_none_or(|address| address == entry.original.destination)
    }
}

/// Where a setting of the network is.
fn setting(name: &str) -> String {
    format!("/proc/sys/net/{name}")
}

/// The values that settings have; those of links that are yet to be made have none.
///
/// # Errors
/// The jail cannot be entered.
pub(super) fn read_settings(
    names: &[&str],
    host: &LabHost,
) -> Result<Vec<(String, String)>, AdapterError> {
    let read = |name: &&str| {
        let value = std::fs::read_to_string(setting(name)).ok()?;
        Some(((*name).to_owned(), value.trim().to_owned()))
    };
    Ok(host.jail.run(|| names.iter().filter_map(read).collect())?)
}

/// How the host is found. Whether FORWARD has rules costs a process, and only a fault asks.
///
/// # Errors
/// The jail cannot be entered, or a program refused.
pub(super) fn find(
    settings: &[(String, String)],
    looks_for_rules: bool,
    host: &LabHost,
) -> Result<Found, AdapterError> {
    let forwarded = (String::from("ipv4/ip_forward"), String::from("1"));
    let (drops, legacy) = host.netns.run(|| {
        let names = std::fs::read_to_string("/proc/thread-self/net/ip_tables_names");
        let legacy = names.is_ok_and(|names| names.lines().any(|name| name == "filter"));
        (drops_by_policy("host", "filter", "FORWARD"), legacy)
    })?;
    let drops = drops.map_err(|error| refused("read FORWARD's policy", &error))?;
    // Without br_netfilter there is no such setting.
    let bridged = read_settings(&["bridge/bridge-nf-call-iptables"], host)?;
    let rules = if looks_for_rules {
        Program::new(["iptables", "-S", "FORWARD"]).run(&host.jail)?
    } else {
        String::new()
    };
    Ok(Found {
        forwarded: settings.contains(&forwarded),
        has_policy: legacy || drops,
        // Its policy is the first line.
        has_rules: rules.lines().count() > 1,
        filters_bridged: bridged.iter().any(|(_, value)| value == "1"),
    })
}

fn refused(question: &str, error: &TraceError) -> AdapterError {
    AdapterError::Refused {
        question: question.to_owned(),
        message: error.to_string(),
    }
}
