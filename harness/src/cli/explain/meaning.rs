//! What a configuration command is for, in words, from its argv.

/// A command's purpose; none if this page doesn't know the command.
pub(super) fn purpose(argv: &[String]) -> Option<String> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ip", rest @ ..] => ip(rest),
        ["iptables" | "ip6tables", rest @ ..] => iptables(rest),
        ["sysctl", rest @ ..] => rest.iter().find_map(|word| sysctl(word)),
        _ => None,
    }
}

fn after<'a>(words: &[&'a str], flag: &str) -> Option<&'a str> {
    words
        .iter()
        .position(|word| *word == flag)
        .and_then(|at| words.get(at + 1))
        .copied()
}

fn ip(words: &[&str]) -> Option<String> {
    let verb = |word: &str, full: &str| !word.is_empty() && full.starts_with(word);
    let (object, action, rest) = match words {
        [object, action, rest @ ..] => (*object, *action, rest),
        _ => return None,
    };
    let device = after(rest, "dev");
    if verb(object, "address") && verb(action, "add") {
        return Some(format!("{} has the address {}", device?, rest.first()?));
    }
    if verb(object, "route") {
        return route(action, rest);
    }
    if verb(object, "link") {
        return link(action, rest);
    }
    None
}

fn route(action: &str, words: &[&str]) -> Option<String> {
    let (kind, rest) = match words {
        [kind @ ("unreachable" | "blackhole" | "prohibit"), rest @ ..] => (Some(*kind), rest),
        ["unicast", rest @ ..] => (None, rest),
        rest => (None, rest),
    };
    let packets = match rest.first()? {
        &"default" => "packets without a route of their own".to_owned(),
        prefix if prefix.starts_with("169.254.") => {
            format!("link-local packets for {prefix}, which no router forwards,")
        }
        prefix => format!("packets for {prefix}"),
    };
    let how = || {
        Some(match (kind, after(rest, "via"), after(rest, "dev")) {
            (Some("blackhole"), ..) => "are dropped in silence".to_owned(),
            (Some("prohibit"), ..) => "are refused as prohibited".to_owned(),
            (Some(_), ..) => "are refused as unreachable".to_owned(),
            (None, Some(via), _) => format!("go to the router {via}"),
            (None, None, device) => {
                let device = device?;
                format!("go to no router: their destination is asked for by ARP on {device}")
            }
        })
    };
    let what = match action {
        "add" | "replace" | "append" => how()?,
        "del" | "delete" => "have no route any more".to_owned(),
        _ => return None,
    };
    let table = after(rest, "table");
    let table = table.map_or_else(String::new, |table| {
        format!(", where table {table} is asked")
    });
    Some(format!("{packets} {what}{table}"))
}

fn link(action: &str, rest: &[&str]) -> Option<String> {
    match (action, rest) {
        ("add", [name, "type", "bridge", ..]) => Some(format!("a bridge called {name}")),
        ("add", [name, "type", "veth", "peer", "name", peer]) => Some(format!(
            "a pair of interfaces, {name} and {peer}: what enters one leaves the other"
        )),
        ("set", rest) => {
            let rest = rest.strip_prefix(&["dev"]).unwrap_or(rest);
            let name = rest.first()?;
            match rest.get(1..)? {
                ["up"] => Some(format!("{name} is up")),
                ["down"] => Some(format!("{name} is down")),
                ["netns", node] => Some(format!("{name} moves to {node}")),
                ["name", new] => Some(format!("{name} is called {new} from now on")),
                ["master", bridge] => Some(format!("{name} is a port of the bridge {bridge}")),
                _ => None,
            }
        }
        _ => None,
    }
}

fn sysctl(word: &str) -> Option<String> {
    let (key, value) = word.split_once('=')?;
    let on = value != "0";
    Some(match (key, on) {
        ("net.bridge.bridge-nf-call-iptables", true) => "iptables sees bridged packets".to_owned(),
        ("net.bridge.bridge-nf-call-iptables", false) => {
            "bridged packets pass iptables by".to_owned()
        }
        ("net.ipv4.ip_forward", true) => "this node forwards packets".to_owned(),
        ("net.ipv4.ip_forward", false) => "this node forwards nothing".to_owned(),
        _ => format!("the kernel's {key} is {value}"),
    })
}

fn iptables(words: &[&str]) -> Option<String> {
    if let Some(at) = words.iter().position(|word| *word == "-P") {
        let what = match *words.get(at + 2)? {
            "DROP" => "dropped",
            "ACCEPT" => "let through",
            _ => return None,
        };
        return Some(format!(
            "packets that no rule of {} decides are {what}",
            words.get(at + 1)?
        ));
    }
    let (flag, chain) = ["-A", "-I", "-D"]
        .iter()
        .find_map(|flag| Some((*flag, after(words, flag)?)))?;
    let mut packets = String::from("packets");
    if let Some(protocol) = after(words, "-p") {
        packets = format!("{} packets", protocol.to_uppercase());
    }
    for (option, word) in [
        ("-s", "from"),
        ("-d", "to"),
        ("--dport", "to port"),
        ("--sport", "from port"),
        ("-i", "coming in by"),
        ("-o", "going out by"),
    ] {
        if let Some(at) = words.iter().position(|word| *word == option) {
            let not = if at > 0 && words[at - 1] == "!" {
                "anything but "
            } else {
                ""
            };
            packets.push_str(&format!(" {word} {not}{}", words.get(at + 1)?));
        }
    }
    if let Some(state) = after(words, "--ctstate") {
        packets.push_str(&format!(" of connections that are {state}"));
    }
    let done = match after(words, "-j")? {
        "ACCEPT" => format!("are let through in {chain}"),
        "DROP" => format!("are dropped in {chain}"),
        "REJECT" => format!("are refused with an ICMP error in {chain}"),
        "MASQUERADE" => {
            "get the address of the interface that they leave by as their source".to_owned()
        }
        "SNAT" => format!("get the source {}", after(words, "--to-source")?),
        "DNAT" => format!("get the destination {}", after(words, "--to-destination")?),
        other => format!("go to {other}"),
    };
    let gone = if flag == "-D" { "no longer: " } else { "" };
    Some(format!("{gone}{packets} {done}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn commands_of_the_article_are_told_in_words() {
        let told: Vec<String> = [
            "ip address add 10.55.66.1/24 dev hwchiu0",
            "ip route add default via 10.55.66.1",
            "ip route add 169.254.169.254 dev eth0",
            "ip route add default dev eth0",
            "ip route add unreachable 10.0.0.0/8 table 100",
            "ip route del default",
            "ip link set veth0c netns c1",
            "ip link add hwchiu0 type bridge",
            "iptables -P FORWARD DROP",
            "iptables -t nat -I POSTROUTING -s 10.55.66.2/32 -o eth0 -j MASQUERADE",
            "iptables -I FORWARD -i hwchiu0 -o eth0 -j ACCEPT",
            "iptables -t nat -A PREROUTING -p tcp -d 10.0.2.15 --dport 8080 -j DNAT --to-destination 10.55.66.2:80",
            "sysctl -w net.bridge.bridge-nf-call-iptables=0",
            "true",
        ]
        .iter()
        .map(|text| format!("{text}\n    {}", purpose(&shlex::split(text).unwrap()).unwrap_or_else(|| "(unknown)".into())))
        .collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
