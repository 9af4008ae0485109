//! `goldpath explain`: a recipe as shell commands to paste, each with what it is for.

mod lab;
mod meaning;

use std::io::{self, Write};
use std::path::PathBuf;

use crate::address::Family;
use crate::case::{
    Case, CaseKind, Exchange, Expect, Probe, ProbeKind, Protocol, Step, usual_cases,
};

use super::chosen::chosen;
use super::exit::Exit;
use super::output::{lost, output};
use crate::plan::ServiceSpec;
use crate::plan::article::{self, Wiring};
use crate::probe::OTHER_PROTOCOL;

/// How long a pasted probe waits for its answer: much longer than a path through local namespaces takes.
const PASTED_WAIT_SECONDS: u8 = 1;

/// Print a recipe as shell commands to paste, each with its purpose.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The case's id, or a part of it that no other id contains.
    #[arg(value_name = "CASE")]
    pub case: String,
    /// Directory of case files, or `builtin` for those that the program carries; may be given several times.
    #[arg(long, value_name = "DIR", default_values_os_t = [usual_cases()])]
    pub cases: Vec<PathBuf>,
}

/// Prints the script on standard output.
pub fn run(args: &Args) -> Exit {
    write(args, &mut output(), &mut io::stderr().lock()).unwrap_or_else(lost)
}

fn write(args: &Args, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let Some(cases) = chosen(&args.cases, std::slice::from_ref(&args.case), err)? else {
        return Ok(Exit::WrongInput);
    };
    let [case] = cases.as_slice() else {
        writeln!(
            err,
            "`{}` means {} cases; name one:",
            args.case,
            cases.len()
        )?;
        for case in &cases {
            writeln!(err, "  goldpath explain {}", case.id)?;
        }
        return Ok(Exit::WrongInput);
    };
    let CaseKind::Recipe { .. } = &case.kind else {
        writeln!(
            err,
            "`{}` is a contract case: each implementation configures it in its own way",
            case.id
        )?;
        writeln!(err, "recipes: goldpath list 'article/*'")?;
        return Ok(Exit::WrongInput);
    };
    head(case, out)?;
    section(out, "The lab")?;
    let plan = case.plan(&[]);
    lines(out, lab::set_up(&plan))?;
    for (number, step) in case.steps.iter().enumerate() {
        section(out, &format!("Step {}", number + 1))?;
        write_step(out, step)?;
    }
    section(out, "Clean up")?;
    if case.steps.iter().any(|step| !step.listen.is_empty()) {
        lines(
            out,
            vec![("kill $(jobs -p)".to_owned(), "the services".to_owned())],
        )?;
    }
    lines(out, lab::remove(&plan))?;
    Ok(Exit::Success)
}

fn head(case: &Case, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "# {}", case.title)?;
    writeln!(
        out,
        "# {}{}",
        case.id,
        if case.source.is_empty() {
            String::new()
        } else {
            format!(", after {}", case.source.join(", "))
        }
    )?;
    for (claims, word) in [(&case.checks, "supports"), (&case.refutes, "refutes")] {
        for claim in claims {
            writeln!(out, "# {word} {claim}: {}", claim.text())?;
        }
    }
    writeln!(
        out,
        "#\n# Paste this into a root shell. It needs ip, iptables, ping, and socat where there are ports. For a shell whose\n# namespaces nobody else sees: unshare -n -m bash -c 'mkdir -p /run/netns; mount -t tmpfs none /run/netns; exec bash'"
    )
}

fn section(out: &mut impl Write, title: &str) -> io::Result<()> {
    writeln!(out, "\n# --- {title} ---")
}

fn lines(out: &mut impl Write, lines: Vec<lab::Line>) -> io::Result<()> {
    lines
        .into_iter()
        .try_for_each(|(command, purpose)| writeln!(out, "{command}  # {purpose}"))
}

fn write_step(out: &mut impl Write, step: &Step) -> io::Result<()> {
    for node in &step.commands {
        for command in &node.commands {
            let purpose =
                meaning::purpose(&command.argv).unwrap_or_else(|| format!("in {}", node.node));
            writeln!(
                out,
                "ip netns exec {} {}  # {purpose}",
                node.node, command.text
            )?;
        }
    }
    for ServiceSpec {
        node,
        protocol,
        port,
    } in &step.listen
    {
        let address = match protocol {
            Protocol::Tcp => "TCP-LISTEN",
            Protocol::Udp => "UDP-LISTEN",
        };
        writeln!(
            out,
            "ip netns exec {node} socat {address}:{port},fork,reuseaddr EXEC:cat &  # {node} echoes what comes to {protocol} port {port}"
        )?;
    }
    for routes in &step.routes {
        writeln!(
            out,
            "ip -n {} route  # exactly: {}",
            routes.of,
            listed(&routes.are)
        )?;
    }
    for interfaces in &step.interfaces {
        writeln!(
            out,
            "ip -n {} -brief link  # exactly: {}",
            interfaces.of,
            listed(&interfaces.are)
        )?;
    }
    if let Some(same) = &step.same {
        let files: Vec<String> = same
            .nodes
            .iter()
            .map(|node| format!("/run/netns/{node}"))
            .collect();
        writeln!(
            out,
            "stat -L -c %i {}  # the same number for all",
            files.join(" ")
        )?;
    }
    match &step.exchange {
        Some(Exchange { probe, expect, .. }) => {
            writeln!(out, "{}  # {}", sent(probe), expected(expect))
        }
        None => Ok(()),
    }
}

fn listed(texts: &[String]) -> String {
    if texts.is_empty() {
        "nothing".to_owned()
    } else {
        texts.join("; ")
    }
}

fn sent(probe: &Probe) -> String {
    let Probe {
        send,
        from,
        to,
        port,
        source_port,
        ttl,
        size,
        dont_fragment,
        tos: _,
    } = probe;
    let address = match to {
        crate::case::Endpoint::Node(node) => {
            lab_address(node.as_str()).unwrap_or_else(|| node.to_string())
        }
        other => other.to_string(),
    };
    match send {
        ProbeKind::IcmpEcho => {
            let mut options = String::new();
            for (flag, value) in [("-t", ttl.map(u32::from)), ("-s", *size)] {
                if let Some(value) = value {
                    options.push_str(&format!(" {flag} {value}"));
                }
            }
            if let Some(whether) = dont_fragment {
                options.push_str(if *whether { " -M do" } else { " -M dont" });
            }
            format!("ip netns exec {from} ping -c1 -W{PASTED_WAIT_SECONDS}{options} {address}")
        }
        ProbeKind::IcmpReply => {
            format!("ip netns exec {from} hping3 -c 1 --icmp --icmptype 0 {address}")
        }
        ProbeKind::IpProtocol => {
            format!("ip netns exec {from} hping3 -c 1 --rawip --ipproto {OTHER_PROTOCOL} {address}")
        }
        ProbeKind::TcpFin => {
            let port = port.unwrap_or_default();
            format!("ip netns exec {from} hping3 -c 1 -F -A -p {port} {address}")
        }
        ProbeKind::Udp | ProbeKind::Tcp => {
            let port = port.unwrap_or_default();
            let protocol = if *send == ProbeKind::Tcp {
                "TCP"
            } else {
                "UDP"
            };
            let ttl = ttl.map(|ttl| format!(",ttl={ttl}")).unwrap_or_default();
            let source_port = source_port.map(|port| format!(",sourceport={port}"));
            let source_port = source_port.unwrap_or_default();
            let connect = if *send == ProbeKind::Tcp {
                format!(",connect-timeout={PASTED_WAIT_SECONDS}")
            } else {
                String::new()
            };
            format!(
                "echo goldpath | ip netns exec {from} socat -t{PASTED_WAIT_SECONDS} - {protocol}:{address}:{port}{connect}{ttl}{source_port}"
            )
        }
    }
}

/// The address that the article's lab gives a node; in the bare lab the case's own commands give a container the same.
fn lab_address(node: &str) -> Option<String> {
    let plan = article::spec(Wiring::Attached, &article::containers());
    Some(plan.address(node, Family::Ipv4)?.address.to_string())
}

fn expected(expect: &Expect) -> String {
    let mut text = format!("expect: {}", expect.fate);
    if let Some(ttl) = expect.ttl {
        text.push_str(&format!(", ttl {ttl}"));
    }
    if let Some(leg) = expect.leg {
        text.push_str(&format!(", the {leg}"));
    }
    if let Some(at) = &expect.at {
        text.push_str(&format!(", at {} {}", at.node, at.place));
    }
    if let Some(reason) = &expect.reason {
        text.push_str(&format!(", {reason}"));
    }
    if let Some(peer) = &expect.peer {
        text.push_str(&format!(", the server sees {peer}"));
    }
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn explain(case: &str) -> (Exit, String, String) {
        let cases = vec![concat!(env!("CARGO_MANIFEST_DIR"), "/tests/good-cases").into()];
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = write(
            &Args {
                case: case.to_owned(),
                cases,
            },
            &mut out,
            &mut err,
        )
        .unwrap();
        (
            exit,
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap(),
        )
    }

    #[test]
    fn a_recipe_becomes_a_script() {
        insta::assert_snapshot!(explain("forward-rules").1);
    }

    #[test]
    fn services_and_shared_namespaces_become_commands() {
        insta::assert_snapshot!(explain("every-word").1);
    }

    #[test]
    fn a_contract_has_no_script_and_a_vague_name_is_no_case() {
        assert_eq!(explain("egress/source-is-the-hosts").0, Exit::WrongInput);
        let (exit, _, err) = explain("article");
        assert_eq!(exit, Exit::WrongInput);
        assert!(err.contains("name one"), "{err}");
    }
}
