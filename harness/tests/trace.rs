//! The same rules and packets give the same sequence of verdicts on both iptables back ends.
//!
//! Runs in the sandbox, in namespaces of its own: each lab is a thread with a private network and mount namespace, so
//! nothing of the machine is touched and nothing is left behind.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod probe;

use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Command, ExitCode};

use goldpath::case::ProbeKind;
use goldpath::lab::sandbox::{self, Entered, Options};
use goldpath::path::{Action, Answer, Hook, Rule, VerdictEvent};
use goldpath::probe::Prober;
use goldpath::trace::{Conntrack, Traced, Tracer};
use libtest_mimic::{Arguments, Trial};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use probe::{PORT, answer, request, wait};

#[expect(clippy::print_stderr, reason = "there is no report before the sandbox")]
fn main() -> ExitCode {
    match sandbox::enter(Options::default()) {
        Ok(Entered::Finished(finished)) => return finished.code,
        Ok(Entered::Inside(_)) => {}
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(3);
        }
    }
    /// One trial for each function, named as it is.
    macro_rules! trials {
        ($($name:ident),* $(,)?) => {
            vec![$(Trial::test(stringify!($name), || {
                $name();
                Ok(())
            })),*]
        };
    }
    let trials = trials![
        a3_a_policy_drops_a_bridged_packet,
        a6_a_policy_accepts_a_bridged_packet_and_its_reply,
        a12_a_masquerade_rule_accepts_the_first_packet,
        a16_rules_accept_before_the_policy_drops,
        user_chains_jump_return_and_fall_off_their_end,
        an_unconditional_last_rule_is_a_rule_and_not_the_policy,
        a_reject_comes_before_the_answer_that_it_sends,
        rules_that_change_a_packet_are_told_alike,
        input_output_and_dnat_are_told_alike,
        native_rules_are_told_in_nfts_words,
        conntrack_shows_both_directions_of_a_masqueraded_connection,
        arming_needs_no_program,
        lost_reports_are_an_error_and_not_a_shorter_path,
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// c1 and c2 on a bridge, the host, and the outside behind its uplink, as in the article. A bridge that snoops reports
/// its own multicast group at a time of its own (RFC 4286), and that packet would be traced too.
const TOPOLOGY: &str = "
for n in host c1 c2 out; do
  ip netns add $n
  ip netns exec $n sh -c 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6'
done
ip -n host link add hwchiu0 type bridge mcast_snooping 0
ip link add veth0 netns host type veth peer name eth0 netns c1
ip link add veth1 netns host type veth peer name eth0 netns c2
ip link add eth0 netns host type veth peer name eth0 netns out
for d in veth0 veth1; do ip -n host link set $d master hwchiu0; done
for n in host c1 c2 out; do ip -n $n link set lo up; ip -n $n link set eth0 up; done
for d in veth0 veth1 hwchiu0; do ip -n host link set $d up; done
ip -n host addr add 10.55.66.1/24 dev hwchiu0; ip -n host addr add 10.0.2.15/24 dev eth0
ip -n c1 addr add 10.55.66.2/24 dev eth0; ip -n c2 addr add 10.55.66.3/24 dev eth0
ip -n c1 route add default via 10.55.66.1; ip -n c2 route add default via 10.55.66.1
ip -n out addr add 10.0.2.2/24 dev eth0; ip -n out addr add 8.8.8.8/32 dev lo
ip -n out route add 10.55.66.0/24 via 10.0.2.15
ip -n host route add default via 10.0.2.2
ip netns exec host sh -c '
  echo 1 > /proc/sys/net/ipv4/ip_forward
  echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables'
";
/// What is sent: from a node, by a protocol, to an address.
type Probe = (&'static str, ProbeKind, [u8; 4]);
const C2: Probe = ("c1", ProbeKind::IcmpEcho, [10, 55, 66, 3]);
const OUTSIDE: Probe = ("c1", ProbeKind::IcmpEcho, [8, 8, 8, 8]);
/// As every lab begins: iptables-nft makes a chain only when it is told of it, and iptables-legacy
/// has all three from the start.
const POLICIES: &str =
    "iptables -P INPUT ACCEPT; iptables -P FORWARD ACCEPT; iptables -P OUTPUT ACCEPT\n";
const MASQUERADE: &str = "iptables -t nat -I POSTROUTING -s 10.55.66.2/32 -o eth0 -j MASQUERADE\n";

/// Runs `work` on a thread inside a fresh lab.
fn in_lab<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let lab = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).unwrap();
            let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
            mount(NONE, "/", NONE, private, NONE).unwrap();
            hide("/run");
            shell(TOPOLOGY);
            work()
        });
        lab.join().unwrap()
    })
}

const NONE: Option<&str> = None;

/// Lays an empty folder over one, in the thread's own mount namespace.
fn hide(folder: &str) {
    mount(Some("none"), folder, Some("tmpfs"), MsFlags::empty(), NONE).unwrap();
}

fn enter(node: &str) {
    let netns = File::open(format!("/run/netns/{node}")).unwrap();
    setns(netns, CloneFlags::CLONE_NEWNET).unwrap();
}

/// Runs a script in the namespaces that the thread is in, and returns what it printed.
fn shell(script: &str) -> String {
    let output = Command::new("sh").args(["-ec", script]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Interfaces of the thread's namespace by index.
fn interfaces() -> BTreeMap<u32, String> {
    let parse = |line: &str| {
        let (index, rest) = line.split_once(": ")?;
        let name = rest.split([':', '@']).next()?;
        Some((index.parse().ok()?, name.to_owned()))
    };
    shell("ip -o link").lines().filter_map(parse).collect()
}

/// The socket of a probe in its node.
fn open((from, protocol, to): Probe) -> Prober {
    std::thread::scope(|scope| {
        let node = scope.spawn(|| {
            enter(from);
            Prober::open(&request(protocol, to)).unwrap()
        });
        node.join().unwrap()
    })
}

/// Sends a probe, and returns what was decided until it was answered or dropped. The kernel queues a report before the
/// packet goes on, so an answer comes after all that was decided about it.
fn follow(tracer: &mut Tracer, probe: Probe) -> Vec<Traced> {
    let names = interfaces();
    let mut prober = open(probe);
    prober.send().unwrap();
    let mut traced: Vec<Traced> = Vec::new();
    loop {
        let answer = prober.receive().unwrap();
        traced.extend(tracer.drain_traced(&names).unwrap());
        let is_dropped = traced.iter().any(|t| t.event.action == Action::Drop);
        // A rule that rejects drops, too; its answer follows.
        let is_rejected = traced.iter().any(|t| rejects(&t.event.rule));
        if answer.is_some() || (is_dropped && !is_rejected) {
            return traced;
        }
        let [reports] = tracer.as_fds();
        wait(&prober, &[reports]);
    }
}

fn rejects(rule: &Rule) -> bool {
    matches!(rule, Rule::Text(text) if text.contains("-j REJECT"))
}

/// Configures the host with `rules`, probes, and returns what was decided.
fn trace(legacy: bool, rules: &str, probes: &[Probe]) -> Vec<Traced> {
    let program = if legacy {
        "iptables-legacy"
    } else {
        "iptables-nft"
    };
    in_lab(|| {
        enter("host");
        let mut tracer = Tracer::arm("host", legacy).unwrap();
        shell(&rules.replace("iptables ", &format!("{program} -w ")));
        tracer.refresh();
        let followed = probes.iter().map(|probe| follow(&mut tracer, *probe));
        let traced: Vec<_> = followed.flatten().collect();
        assert_eq!(
            tracer.drain(&interfaces()).unwrap(),
            [],
            "the queue was drained"
        );
        tracer.disarm().unwrap();
        assert!(!shell("nft list ruleset").contains("goldpath"));
        traced
    })
}

fn line(event: &VerdictEvent) -> String {
    let VerdictEvent {
        table,
        chain,
        hook,
        input,
        output,
        headers,
        action,
        ..
    } = event;
    let rule = match &event.rule {
        Rule::Text(text) => text.as_str(),
        Rule::Policy => "policy",
    };
    let (from, to, ttl, tos) = (
        headers.source,
        headers.destination,
        headers.ttl,
        headers.tos,
    );
    format!(
        "{table}/{chain} {hook:?} {input}>{output} {from}>{to} ttl {ttl} tos {tos} {rule}: {action:?}"
    )
}

/// Both back ends must tell the same; returns what they tell.
fn same(rules: &str, probes: &[Probe]) -> Vec<String> {
    let rules = format!("{POLICIES}{rules}");
    let lines = |legacy| -> Vec<String> {
        let traced = trace(legacy, &rules, probes);
        let mut pairs = traced.windows(2);
        assert!(pairs.all(|w| w[0].event.order < w[1].event.order));
        traced.iter().map(|t| line(&t.event)).collect()
    };
    let (nft, legacy) = (lines(false), lines(true));
    assert_eq!(
        nft, legacy,
        "iptables-nft (left) and iptables-legacy (right)\n{nft:#?}\n{legacy:#?}"
    );
    nft
}

fn a3_a_policy_drops_a_bridged_packet() {
    let lines = same("iptables -P FORWARD DROP", &[C2]);
    assert_eq!(
        lines,
        ["filter/FORWARD Forward hwchiu0>hwchiu0 10.55.66.2>10.55.66.3 ttl 64 tos 0 policy: Drop"]
    );
}

fn a6_a_policy_accepts_a_bridged_packet_and_its_reply() {
    let rules = "iptables -P FORWARD DROP; iptables -P FORWARD ACCEPT";
    let lines = same(rules, &[C2]);
    assert_eq!(
        lines,
        [
            "filter/FORWARD Forward hwchiu0>hwchiu0 10.55.66.2>10.55.66.3 ttl 64 tos 0 policy: Accept",
            "filter/FORWARD Forward hwchiu0>hwchiu0 10.55.66.3>10.55.66.2 ttl 64 tos 0 policy: Accept",
        ]
    );
}

fn a12_a_masquerade_rule_accepts_the_first_packet() {
    let rules = format!("iptables -P FORWARD ACCEPT; {MASQUERADE}");
    let lines = same(&rules, &[OUTSIDE]);
    assert_eq!(
        lines,
        [
            "filter/FORWARD Forward hwchiu0>eth0 10.55.66.2>8.8.8.8 ttl 63 tos 0 policy: Accept",
            "nat/POSTROUTING Postrouting hwchiu0>eth0 10.55.66.2>8.8.8.8 ttl 63 tos 0 -s 10.55.66.2/32 -o eth0 -j MASQUERADE: Accept",
            "filter/FORWARD Forward eth0>hwchiu0 8.8.8.8>10.55.66.2 ttl 63 tos 0 policy: Accept",
        ]
    );
}

fn a16_rules_accept_before_the_policy_drops() {
    let rules = format!(
        "iptables -P FORWARD DROP; {MASQUERADE}
        iptables -I FORWARD -i hwchiu0 -o eth0 -j ACCEPT
        iptables -I FORWARD -i eth0 -o hwchiu0 -j ACCEPT"
    );
    let lines = same(&rules, &[OUTSIDE]);
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines[0].ends_with("-i hwchiu0 -o eth0 -j ACCEPT: Accept"));
    assert!(lines[2].ends_with("-i eth0 -o hwchiu0 -j ACCEPT: Accept"));
}

fn user_chains_jump_return_and_fall_off_their_end() {
    let rules = "
        iptables -P FORWARD DROP
        for c in USER SUB EMPTY LAST; do iptables -N $c; done
        iptables -A FORWARD -m comment --comment 'say -j DROP' -j USER
        iptables -A FORWARD -j EMPTY
        iptables -A FORWARD -g LAST
        iptables -A USER -j LOG --log-prefix x
        iptables -A USER -p icmp -j SUB
        iptables -A USER -m mark --mark 7 -j RETURN
        iptables -A USER -p icmp -j RETURN
        iptables -A SUB -j MARK --set-mark 3
        iptables -A SUB -p icmp
        iptables -A LAST -m mark --mark 3 -d 10.55.66.3 -j ACCEPT
        iptables -A LAST -j RETURN";
    let lines = same(rules, &[C2]);
    let request = lines
        .iter()
        .take_while(|l| l.contains(" 10.55.66.2>"))
        .count();
    assert_eq!(request, 9, "{lines:#?}");
    assert!(lines[8].contains("filter/LAST Forward") && lines[8].ends_with("-j ACCEPT: Accept"));
    assert!(
        lines[lines.len() - 2].ends_with("-j RETURN: Return"),
        "{lines:#?}"
    );
    assert!(
        lines[lines.len() - 1].ends_with("policy: Drop"),
        "{lines:#?}"
    );
}

fn an_unconditional_last_rule_is_a_rule_and_not_the_policy() {
    let rules = "iptables -P FORWARD ACCEPT; iptables -A FORWARD -s 9.9.9.9 -j ACCEPT
        iptables -A FORWARD -j DROP";
    let lines = same(rules, &[C2]);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].ends_with(" -j DROP: Drop"), "{lines:#?}");
}

fn a_reject_comes_before_the_answer_that_it_sends() {
    let rules = "
        iptables -P FORWARD ACCEPT
        iptables -A FORWARD -d 8.8.8.8 -j REJECT
        iptables -A OUTPUT -p icmp -j ACCEPT
        iptables -t nat -A POSTROUTING -s 10.9.9.9 -j ACCEPT";
    let lines = same(rules, &[OUTSIDE]);
    assert!(
        lines[0].contains("-j REJECT") && lines[0].ends_with(": Drop"),
        "{lines:#?}"
    );
    let answer = "filter/OUTPUT Output >hwchiu0 10.55.66.1>10.55.66.2";
    assert!(lines[1].starts_with(answer), "{lines:#?}");
}

fn rules_that_change_a_packet_are_told_alike() {
    let rules = "
        iptables -P FORWARD ACCEPT
        iptables -t mangle -A FORWARD -o eth0 -j TOS --set-tos 0x10
        iptables -t mangle -A FORWARD -o eth0 -j TTL --ttl-set 20
        iptables -t mangle -A FORWARD -o eth0 -p icmp
        iptables -t raw -A PREROUTING -i hwchiu0 -j NOTRACK";
    let lines = same(rules, &[OUTSIDE]);
    let mangle = |l: &&String| l.starts_with("mangle/FORWARD Forward hwchiu0>eth0");
    let mangle: Vec<_> = lines.iter().filter(mangle).collect();
    assert_eq!(mangle.len(), 4, "{lines:#?}");
    assert!(
        mangle.iter().all(|l| l.contains("ttl 63 tos 16")),
        "{lines:#?}"
    );
}

fn input_output_and_dnat_are_told_alike() {
    let rules = "
        iptables -P FORWARD ACCEPT; iptables -P INPUT DROP; iptables -A INPUT -p icmp -j ACCEPT
        iptables -A OUTPUT -o hwchiu0 -j ACCEPT
        iptables -t nat -A PREROUTING -i eth0 -p icmp -d 10.0.2.15 -j DNAT --to-destination 10.55.66.2";
    let probes = [
        ("c1", ProbeKind::IcmpEcho, [10, 55, 66, 1]),
        ("out", ProbeKind::IcmpEcho, [10, 0, 2, 15]),
        ("c1", ProbeKind::Udp, [10, 55, 66, 1]),
    ];
    let lines = same(rules, &probes);
    let any = |start: &str, end: &str| {
        lines
            .iter()
            .any(|l| l.starts_with(start) && l.ends_with(end))
    };
    assert!(
        any(
            "nat/PREROUTING Prerouting eth0>",
            "-j DNAT --to-destination 10.55.66.2: Accept"
        ),
        "{lines:#?}"
    );
    assert!(
        any("filter/INPUT Input hwchiu0>", "-j ACCEPT: Accept"),
        "{lines:#?}"
    );
    assert!(
        any("filter/INPUT Input hwchiu0>", "policy: Drop"),
        "{lines:#?}"
    );
    assert!(
        any("filter/OUTPUT Output >hwchiu0", "-j ACCEPT: Accept"),
        "{lines:#?}"
    );
}

fn native_rules_are_told_in_nfts_words() {
    let rules = "nft -f - <<'END'
        table inet own {
          chain own {
            type filter hook forward priority 5; policy drop;
            ip daddr 10.55.66.3 counter accept
          }
        }\nEND";
    for legacy in [false, true] {
        let traced = trace(legacy, rules, &[C2]);
        let [first, second] = traced.as_slice() else {
            panic!("{traced:#?}")
        };
        let text = "ip daddr 10.55.66.3 counter accept".to_owned();
        assert_eq!(first.event.rule, Rule::Text(text));
        assert_eq!(
            (first.event.hook, &first.event.action),
            (Hook::Forward, &Action::Accept)
        );
        assert_eq!(
            (&second.event.rule, &second.event.action),
            (&Rule::Policy, &Action::Drop)
        );
    }
}

fn conntrack_shows_both_directions_of_a_masqueraded_connection() {
    let bindings = in_lab(|| {
        enter("host");
        shell(&MASQUERADE.replace("iptables ", "iptables-nft "));
        let mut conntrack = Conntrack::open("host").unwrap();
        assert_eq!(conntrack.dump().unwrap(), []);
        let echo = answer(&mut open(OUTSIDE));
        assert!(matches!(echo, Answer::Reply { .. }), "{echo:?}");
        let closed = answer(&mut open(("c1", ProbeKind::Udp, [8, 8, 8, 8])));
        assert!(matches!(closed, Answer::Refused(_)), "{closed:?}");
        let entries = conntrack.dump().unwrap();
        let icmp = entries.iter().find(|e| e.protocol == 1).unwrap();
        assert!(icmp.original.icmp_id.is_some() && icmp.original.ports.is_none());
        conntrack.bindings().unwrap()
    });
    let find = |protocol| bindings.iter().find(|b| b.protocol == protocol).unwrap();
    let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    assert_eq!(find("icmp").original, pair("10.55.66.2", "8.8.8.8"));
    assert_eq!(find("icmp").reply, pair("8.8.8.8", "10.0.2.15"));
    assert_eq!(find("udp").original.1, format!("8.8.8.8:{PORT}"));
    assert!(find("udp").reply.1.starts_with("10.0.2.15:"));
}

fn arming_needs_no_program() {
    in_lab(|| {
        enter("host");
        hide("/usr");
        let program = Command::new("nft").arg("--version").output();
        assert!(program.is_err(), "a program is still there: {program:?}");
        Tracer::arm("host", true).unwrap().disarm().unwrap();
    });
}

fn lost_reports_are_an_error_and_not_a_shorter_path() {
    let lost = in_lab(|| {
        enter("host");
        let mut tracer = Tracer::arm("host", false).unwrap();
        // Three reports or more for each of 4000 packets and as many replies overflow any buffer
        // that a lab could want, as long as nobody drains.
        let mut prober = open(("c1", ProbeKind::IcmpEcho, [10, 55, 66, 1]));
        for _ in 0..4000 {
            prober.send().unwrap();
        }
        tracer.drain(&interfaces()).unwrap_err().to_string()
    });
    assert!(
        lost.contains("were lost") && lost.contains("'host'"),
        "{lost}"
    );
}
