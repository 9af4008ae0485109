//! Labs built in namespaces of their own, asked with the programs that people use.

mod jail;
#[path = "../probe/mod.rs"]
mod probe;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd as _;
use std::process::{Command, ExitCode, Stdio};

use goldpath::capture::{RawFrame, Tap};
use goldpath::case::Backend;
use goldpath::case::ProbeKind;
use goldpath::lab::sandbox::{self, Entered, Options};
use goldpath::lab::{CommandError, FinishedLabs, Lab, privatise_thread_mounts};
use goldpath::path::{Answer, Node};
use goldpath::plan::article::{self, Container, Mode, Wiring};
use goldpath::probe::Prober;
use goldpath::trace::installed_rules;
use libtest_mimic::{Arguments, Failed, Trial};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use probe::{answer, request, wait};

type Checked = Result<(), Failed>;

#[expect(clippy::print_stderr, reason = "there is no report before the sandbox")]
fn main() -> ExitCode {
    // A program may have had children before it enters the sandbox.
    if std::env::args().nth(1).as_deref() == Some("seven") {
        let child = Command::new("true").status();
        assert!(child.is_ok_and(|status| status.success()), "true");
    }
    match sandbox::enter(Options::default()) {
        Ok(Entered::Finished(finished)) => return finished.code,
        Ok(Entered::Inside(_)) => match std::env::args().nth(1).as_deref() {
            Some("hold") => return hold(),
            Some("seven") => return ExitCode::from(7),
            Some(_) | None => {}
        },
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(3);
        }
    }
    let trials = vec![
        Trial::test("sandbox_ends_with_its_parent", ends),
        Trial::test("article_lab_reads_back", reads_back),
        Trial::test("article_ttls_and_masquerade", ttls),
        Trial::test("isp_has_no_way_to_private_networks", isp),
        Trial::test("network_modes", modes),
        Trial::test("commands_of_a_case", commands),
        Trial::test("policies_are_those_of_restore", policies),
        Trial::test("joined_commands_mean_the_same", joined),
        Trial::test("a_joined_command_fails_by_its_own_name", joined_failure),
        Trial::test("rules_come_back_where_they_were", come_back),
        Trial::test("names_for_ip_link_set_netns", names),
        Trial::test("a_jail_is_idle_unless_a_program_runs_in_it", jail::is_idle),
        Trial::test("many_labs_by_two_workers", many),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Says that it is there, and stays until it is killed.
fn hold() -> ExitCode {
    let said = std::io::stdout().write_all(b"ready\n");
    loop {
        if said.is_err() {
            return ExitCode::FAILURE;
        }
        nix::unistd::pause();
    }
}

/// Sandboxes in the sandbox: the test program as its own outer and inner process.
fn ends() -> Checked {
    let program = std::env::current_exe()?;
    same(
        Command::new(&program).arg("seven").status()?.code(),
        Some(7),
    )?;
    for (signal, code) in [
        (Signal::SIGKILL, None),
        (Signal::SIGTERM, Some(143)),
        (Signal::SIGINT, Some(130)),
    ] {
        let mut child = Command::new(&program)
            .arg("hold")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        same(line.as_str(), "ready\n")?;
        kill(Pid::from_raw(i32::try_from(child.id())?), signal)?;
        same(child.wait()?.code(), code)?;
        // The end of the pipe comes when the last process of that sandbox is gone.
        same(stdout.read_line(&mut line)?, 0)?;
    }
    Ok(())
}

fn lab() -> Result<Lab, Failed> {
    Ok(Lab::build(&article::spec(
        Wiring::Attached,
        &article::containers(),
    ))?)
}

fn run(lab: &Lab, node: &str, line: &str) -> Result<String, CommandError> {
    let argv: Vec<String> = line.split(' ').map(String::from).collect();
    Ok(lab.run(node, &argv, Backend::IptablesNft)?.stdout)
}

/// The socket of an echo request to the outside.
fn echo(lab: &Lab, node: &str) -> Result<Prober, Failed> {
    let request = request(ProbeKind::IcmpEcho, [8, 8, 8, 8]);
    Ok(lab.netns(node)?.run(|| Prober::open(&request))??)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "reads better where it is called"
)]
fn same<T: PartialEq + std::fmt::Debug>(seen: T, wanted: T) -> Checked {
    if seen == wanted {
        Ok(())
    } else {
        Err(format!("saw {seen:?}, wanted {wanted:?}").into())
    }
}

fn reads_back() -> Checked {
    let lab = lab()?;
    let nodes = lab.read_nodes()?;
    same(
        nodes.keys().map(String::as_str).collect(),
        vec!["c1", "c2", "gateway", "host", "isp", "outside"],
    )?;
    let veth0 = &nodes["host"].interfaces["veth0"];
    same(veth0.peer.clone(), Some(("c1".into(), "eth0".into())))?;
    same(veth0.bridge.as_deref(), Some("hwchiu0"))?;
    same(
        nodes["outside"].interfaces["eth0"].peer.clone(),
        Some(("isp".into(), "eth1".into())),
    )?;
    same(nodes["host"].bridge_netfilter, true)?;
    same(nodes["c1"].addresses.clone(), vec!["10.55.66.2".parse()?])?;
    same(
        lab.routes("c1")?,
        vec!["10.55.66.0/24 dev eth0 src 10.55.66.2".into()],
    )?;
    same(lab.interfaces("c1")?, vec!["lo".into(), "eth0".into()])?;
    same(
        lab.route_get("c1", "8.8.8.8".parse()?, None, None)?,
        "8.8.8.8: net unreachable".into(),
    )?;
    lab.prepare_neighbours("c1", "10.55.66.3".parse()?)?;
    same(
        lab.fdb("host", "hwchiu0", &nodes["c2"].interfaces["eth0"].mac)?,
        "veth1".into(),
    )?;
    same(
        lab.fdb("host", "hwchiu0", &nodes["c1"].interfaces["eth0"].mac)?,
        "veth0".into(),
    )?;
    let bridge = &nodes["host"].interfaces["hwchiu0"].mac;
    same(
        lab.fdb("host", "hwchiu0", bridge)?,
        "hwchiu0's own address: up the stack".into(),
    )
}

fn ttls() -> Checked {
    let lab = lab()?;
    for line in [
        "ip address add 10.55.66.1/24 dev hwchiu0",
        "iptables -t nat -I POSTROUTING -s 10.55.66.2/32 -o eth0 -j MASQUERADE",
    ] {
        run(&lab, "host", line)?;
    }
    run(&lab, "c1", "ip route add default via 10.55.66.1")?;
    same(
        lab.routes("c1")?[0].as_str(),
        "default via 10.55.66.1 dev eth0",
    )?;
    lab.prepare_neighbours("c1", "8.8.8.8".parse()?)?;
    let neighbours = run(&lab, "host", "ip neigh show")?;
    same(
        neighbours
            .lines()
            .filter(|line| line.contains("PERMANENT"))
            .count(),
        2,
    )?;
    let route = lab.route_get(
        "host",
        "8.8.8.8".parse()?,
        Some("10.55.66.2".parse()?),
        Some("hwchiu0"),
    )?;
    same(route.as_str(), "8.8.8.8 via 10.0.2.2 dev eth0")?;
    for (node, ttl) in [("c1", 61), ("host", 62), ("gateway", 63), ("isp", 64)] {
        match answer(&mut echo(&lab, node)?) {
            Answer::Reply {
                headers: Some(headers),
                ..
            } => same(headers.ttl, ttl)?,
            other => return Err(format!("{other:?}").into()),
        }
    }
    Ok(())
}

fn isp() -> Checked {
    let lab = lab()?;
    for private in ["10.55.66.2", "10.0.2.15"] {
        same(
            lab.route_get("isp", private.parse()?, None, None)?,
            format!("{private}: net unreachable"),
        )?;
    }
    // As A11: without the host's SNAT the answer is turned away on its way back.
    run(&lab, "host", "ip address add 10.55.66.1/24 dev hwchiu0")?;
    run(&lab, "c1", "ip route add default via 10.55.66.1")?;
    lab.prepare_neighbours("c1", "8.8.8.8".parse()?)?;
    let finished = FinishedLabs::open()?;
    let mut taps = Vec::new();
    for node in ["c1", "host", "outside"] {
        taps.push(Tap::open(node, lab.netns(node)?)?);
    }
    let nodes = lab.read_nodes()?;
    let mut prober = echo(&lab, "c1")?;
    prober.send()?;
    let wanted = [
        "c1:eth0> type 8 ttl 64",
        "host:veth0< type 8 ttl 64",
        "host:hwchiu0< type 8 ttl 64",
        "host:eth0> type 8 ttl 63",
        "outside:eth0< type 8 ttl 61",
        "outside:eth0> type 0 ttl 64",
        "outside:eth0< type 3 ttl 64",
    ];
    let mut seen = vec![Vec::new(); taps.len()];
    while seen.iter().map(Vec::len).sum::<usize>() < wanted.len() {
        let fds: Vec<_> = taps.iter().map(Tap::as_fd).collect();
        wait(&prober, &fds);
        same(prober.receive()?.is_none(), true)?;
        for (tap, seen) in taps.iter_mut().zip(&mut seen) {
            for frame in tap.drain()? {
                seen.extend(icmp(&frame, &nodes)?);
            }
        }
    }
    taps.into_iter().for_each(|tap| finished.close(tap));
    finished.keep(lab);
    same(seen.concat(), wanted.map(String::from).to_vec())
}

/// What a frame is, if it carries ICMP.
fn icmp(frame: &RawFrame, nodes: &BTreeMap<String, Node>) -> Result<Option<String>, Failed> {
    // Ethernet's type, IPv4's protocol and TTL, ICMP's type.
    let (kind, protocol, ttl, icmp) = (
        &frame.bytes[12..14],
        frame.bytes[23],
        frame.bytes[22],
        frame.bytes[34],
    );
    same(kind, &[8, 0])?;
    same(frame.bytes.len(), frame.original_length)?;
    if protocol != 1 {
        // The bridge reports its own multicast group (IGMP, RFC 4286).
        return Ok(None);
    }
    let mut interfaces = nodes[&frame.node].interfaces.iter();
    let (name, _) = interfaces
        .find(|(_, interface)| interface.index == frame.ifindex)
        .ok_or("an unknown interface")?;
    let way = if frame.outgoing { '>' } else { '<' };
    let node = &frame.node;
    Ok(Some(format!("{node}:{name}{way} type {icmp} ttl {ttl}")))
}

fn modes() -> Checked {
    let mut containers = article::containers();
    for (name, mode) in [
        ("n", Mode::None),
        ("h", Mode::Host),
        ("s", Mode::Container("c1".into())),
    ] {
        containers.push(Container {
            name: name.into(),
            mode,
        });
    }
    let lab = Lab::build(&article::spec(Wiring::Attached, &containers))?;
    same(lab.interfaces("n")?, vec!["lo".to_string()])?;
    same(lab.canonical("h"), "host")?;
    same(lab.netns("s")?.inode()?, lab.netns("c1")?.inode()?)?;
    same(lab.interfaces("h")?.contains(&"hwchiu0".to_string()), true)?;
    let bare = Lab::build(&article::spec(Wiring::Bare, &article::containers()))?;
    same(
        bare.interfaces("host")?,
        vec!["lo".to_string(), "eth0".to_string()],
    )
}

fn commands() -> Checked {
    let lab = lab()?;
    for &backend in Backend::ALL {
        let argv = ["iptables", "-P", "FORWARD", "DROP"].map(String::from);
        lab.run("host", &argv, backend)?;
        let listed = lab.run("host", &["iptables-save".to_string()], backend)?;
        same(listed.stdout.contains(":FORWARD DROP"), true)?;
    }
    match run(&lab, "c1", "ip route add default via 10.99.0.1") {
        Err(error @ CommandError::Failed { .. }) => same(
            error
                .to_string()
                .contains("ip route add default via 10.99.0.1: exit status: 2"),
            true,
        ),
        other => Err(format!("{other:?}").into()),
    }
}

fn names() -> Checked {
    privatise_thread_mounts()?;
    let lab = Lab::build(&article::spec(Wiring::Bare, &article::containers()))?;
    lab.name_namespaces()?;
    run(&lab, "host", "ip link add veth0 type veth peer name veth1")?;
    run(&lab, "host", "ip link set veth1 netns c1")?;
    run(&lab, "c1", "ip link set veth1 name eth0")?;
    let nodes = lab.read_nodes()?;
    same(
        nodes["c1"].interfaces["eth0"].peer.clone(),
        Some(("host".into(), "veth0".into())),
    )?;
    lab.name_namespaces()?;
    Ok(())
}

fn many() -> Checked {
    let finished = FinishedLabs::open()?;
    let work = || -> Checked {
        for _ in 0..20 {
            let lab = lab()?;
            lab.prepare_neighbours("c1", "10.55.66.3".parse()?)?;
            finished.keep(lab);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        work()?;
        other.join().map_err(|_| "a worker panicked")?
    })?;
    same(finished.labs(), 40)
}

/// The rules and policies of a host, without times and counters.
fn ruleset(lab: &Lab, backend: Backend) -> Result<String, Failed> {
    let mut text = String::new();
    let programs: &[&str] = match backend {
        Backend::IptablesNft => &["iptables-save", "nft --stateless -j list ruleset"],
        Backend::IptablesLegacy => &["iptables-save"],
    };
    for line in programs {
        let saved = lab.run("host", &argv(line), backend)?.stdout;
        let told = saved.lines().filter(|line| !line.starts_with('#'));
        // The kernel's own packets (IGMP) are counted by policies when they come.
        let told = told.map(|line| line.split(" [").next().unwrap_or_default());
        told.for_each(|line| text.push_str(&format!("{line}\n")));
    }
    Ok(text)
}

fn argv(line: &str) -> Vec<String> {
    line.split(' ').map(String::from).collect()
}

const BACKENDS: [Backend; 2] = [Backend::IptablesNft, Backend::IptablesLegacy];

fn policies() -> Checked {
    let restored = "*filter\n:INPUT ACCEPT\n:FORWARD DROP\n:OUTPUT ACCEPT\nCOMMIT\n";
    for backend in BACKENDS {
        let mut set = lab()?;
        set.set_policies("host", backend)?;
        let by_program = lab()?;
        by_program.run_with_input("host", &argv("iptables-restore"), restored, backend)?;
        same(ruleset(&set, backend)?, ruleset(&by_program, backend)?)?;
    }
    Ok(())
}

fn joined() -> Checked {
    let lines = [
        "iptables -P FORWARD DROP",
        "iptables -t nat -I POSTROUTING -s 10.55.66.2/32 -o eth0 -j MASQUERADE",
        "iptables -t nat -A PREROUTING -d 10.0.2.15 -p tcp --dport 80 -j DNAT --to-destination 10.55.66.2:80",
        "iptables -I FORWARD -i hwchiu0 -o eth0 -j ACCEPT",
        "iptables -I FORWARD ! -i hwchiu0 -o eth0 -p udp -m udp --sport 53 -j DROP",
        "iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
        "iptables -t mangle -A PREROUTING -i eth0 -j ACCEPT",
        "iptables -D FORWARD -i hwchiu0 -o eth0 -j ACCEPT",
        "iptables -P INPUT DROP",
        "iptables -L FORWARD",
        "iptables -t nat -A OUTPUT -d 10.0.2.15 -p tcp --dport 80 -j DNAT --to-destination 10.55.66.2:80",
        "iptables -A OUTPUT -d 10.0.0.0/8 -j REJECT",
    ];
    let commands: Vec<Vec<String>> = lines.iter().map(|line| argv(line)).collect();
    let commands: Vec<&[String]> = commands.iter().map(Vec::as_slice).collect();
    for backend in BACKENDS {
        let (mut together, mut singly) = (lab()?, lab()?);
        for lab in [&mut together, &mut singly] {
            lab.set_policies("host", backend)?;
        }
        together
            .run_together("host", &commands, backend)
            .map_err(|(position, error)| format!("{}: {error}", lines[position]))?;
        for command in &commands {
            singly.run("host", command, backend)?;
        }
        same(ruleset(&together, backend)?, ruleset(&singly, backend)?)?;
    }
    Ok(())
}

fn joined_failure() -> Checked {
    let lines = [
        "iptables -t nat -I POSTROUTING -o eth0 -j MASQUERADE",
        "iptables -A FORWARD -i eth0 -j ACCEPT",
        "iptables -A FORWARD -i eth0 -j NOSUCHTARGET",
        "iptables -A FORWARD -i eth0 -j DROP",
    ];
    let commands: Vec<Vec<String>> = lines.iter().map(|line| argv(line)).collect();
    let commands: Vec<&[String]> = commands.iter().map(Vec::as_slice).collect();
    for backend in BACKENDS {
        let (together, singly) = (lab()?, lab()?);
        let Err((position, error)) = together.run_together("host", &commands, backend) else {
            return Err("a target that nobody has was taken".into());
        };
        same(position, 2)?;
        let alone = commands
            .iter()
            .find_map(|command| singly.run("host", command, backend).err());
        same(Some(error.to_string()), alone.map(|e| e.to_string()))?;
        same(ruleset(&together, backend)?, ruleset(&singly, backend)?)?;
    }
    Ok(())
}

/// Each rule taken away and put back, on each back end and in nft's own words.
fn come_back() -> Checked {
    let by_iptables = [
        "*nat\n-A POSTROUTING -s 10.55.66.0/24 ! -o hwchiu0 -m comment --comment \"the \\\"way\\\" out\" -j MASQUERADE\n",
        "-A PREROUTING -d 10.0.2.15/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.55.66.2:80\nCOMMIT\n",
        "*filter\n:OWN -\n-A FORWARD -j OWN\n-A OWN -i eth0 -j RETURN\n-A OWN -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n",
    ];
    let by_nft = "table inet own {\n chain forward {\n  type filter hook forward priority 0;\n\
                  ip saddr { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 198.51.100.0/24 } counter accept\n\
                  tcp dport vmap { 22 : accept, 80 : drop }\n  ct state invalid drop comment \"not \\'now\\'\"\n }\n}\n";
    for backend in BACKENDS {
        let lab = lab()?;
        let restore = ["iptables-restore", "--noflush"].map(String::from);
        lab.run_with_input("host", &restore, &by_iptables.concat(), backend)?;
        let nft = ["nft", "--file", "-"].map(String::from);
        lab.run_with_input("host", &nft, by_nft, backend)?;
        let is_legacy = backend == Backend::IptablesLegacy;
        let read = || {
            lab.netns("host")?
                .run(|| installed_rules("host", is_legacy))
                .map_err(Failed::from)
        };
        let before = read()??;
        same(before.len(), 8)?;
        for rule in &before {
            for edit in [rule.removal(), rule.return_of()] {
                lab.run_with_input("host", &edit.argv, &edit.input, rule.backend())?;
                let words = |one: &goldpath::trace::InstalledRule| one.to_string();
                let there = read()??.iter().any(|one| words(one) == words(rule));
                same(there, edit == rule.return_of())?;
            }
            let after = read()??;
            let mut pairs = before.iter().zip(&after);
            let are_same =
                after.len() == before.len() && pairs.all(|(one, other)| one.is_same(other));
            if !are_same {
                return Err(format!("{rule}: {before:#?} became {after:#?}").into());
            }
        }
    }
    Ok(())
}
