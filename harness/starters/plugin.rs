//! An implementation of container networks for `goldpath run contract -i plugin:target/debug/plugin`: bridges and veth pairs
//! by ip, the rule by nft. A question comes on standard input, the answer goes to standard output.

use std::error::Error;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

use serde_json::{Value, json};

/// Every feature that you add is tested: goldpath schema plugin describes them.
const FEATURES: [&str; 2] = ["bridge", "masquerade"];
const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";

type Done = Result<(), Box<dyn Error>>;

fn main() -> Done {
    let question: Value = serde_json::from_reader(io::stdin())?;
    let answer = match text(&question["verb"]) {
        "info" => json!({"protocol": 2, "name": "plugin", "version": "0.1", "features": FEATURES}),
        "setup" => setup(&question).map(|()| json!({}))?,
        "teardown" => teardown(&question).map(|()| json!({}))?,
        verb => json!({"error": format!("{verb} is not one of my verbs")}),
    };
    println!("{answer}");
    Ok(())
}

/// A network, and its containers each with its address.
struct Network {
    bridge: String,
    subnet: String,
    gateway: String,
    length: String,
    members: Vec<(String, String)>,
}

fn networks(question: &Value) -> Vec<Network> {
    list(&question["scenario"]["networks"]).iter().map(|network| {
        let (subnet, gateway) = (text(&network["subnets"][0]["subnet"]), text(&network["subnets"][0]["gateway"]));
        let (base, length) = subnet.split_once('/').unwrap_or((subnet, "24"));
        let mut members: Vec<(String, Option<String>)> = Vec::new();
        for container in list(&question["scenario"]["containers"]) {
            for on in list(&container["attached"]["networks"]).iter().filter(|on| on["name"] == network["name"]) {
                members.push((text(&container["name"]).into(), on["addresses"][0].as_str().map(Into::into)));
            }
        }
        let base = u32::from(base.parse::<Ipv4Addr>().unwrap_or(Ipv4Addr::UNSPECIFIED));
        let taken: Vec<Option<String>> = members.iter().map(|(_, address)| address.clone()).collect();
        let mut free = (base + 1..)
            .map(|number| Ipv4Addr::from(number).to_string())
            .filter(|one| one != gateway && !taken.contains(&Some(one.clone())));
        let members = members.into_iter().map(|(name, asked)| (name, asked.or_else(|| free.next()).unwrap_or_default()));
        Network {
            bridge: format!("br-{}", text(&network["name"])),
            subnet: subnet.into(),
            gateway: gateway.into(),
            length: length.into(),
            members: members.collect(),
        }
    }).collect()
}

fn setup(question: &Value) -> Done {
    fs::copy(FORWARDING, Path::new(text(&question["folder"])).join("ip_forward"))?;
    fs::write(FORWARDING, "1")?;
    run("nft add table ip plugin")?;
    run("nft add chain ip plugin leave { type nat hook postrouting priority 100 ; }")?;
    run("nft add chain ip plugin pass { type filter hook forward priority 0 ; }")?;
    for (number, Network { bridge, subnet, gateway, length, members }) in networks(question).into_iter().enumerate() {
        run(&format!("ip link add {bridge} type bridge"))?;
        run(&format!("ip address add {gateway}/{length} dev {bridge}"))?;
        run(&format!("ip link set {bridge} up"))?;
        run(&format!("nft add rule ip plugin leave ip saddr {subnet} oifname != {bridge} masquerade"))?;
        // A segment of no connection is not rewritten, and would leave with the container's address.
        run(&format!("nft add rule ip plugin pass iifname {bridge} ct state invalid drop"))?;
        for (name, address) in members {
            run(&format!("ip link add v{number}{name} type veth peer name eth0 netns {name}"))?;
            run(&format!("ip link set v{number}{name} master {bridge} up"))?;
            run(&format!("ip -n {name} address add {address}/{length} dev eth0"))?;
            run(&format!("ip -n {name} link set eth0 up"))?;
            run(&format!("ip -n {name} route add default via {gateway}"))?;
        }
    }
    Ok(())
}

/// Undoes everything and goes on after errors.
fn teardown(question: &Value) -> Done {
    let mut done = run("nft delete table ip plugin");
    for (number, network) in networks(question).into_iter().enumerate() {
        for (name, _) in network.members {
            // It went with its container, if that is gone.
            let _ = run(&format!("ip link delete v{number}{name}"));
        }
        done = done.and(run(&format!("ip link delete {}", network.bridge)));
    }
    let before = fs::read(Path::new(text(&question["folder"])).join("ip_forward"))?;
    fs::write(FORWARDING, before)?;
    done
}

fn run(command: &str) -> Done {
    let mut words = command.split_whitespace();
    let ended = Command::new(words.next().unwrap_or_default()).args(words).output()?;
    if ended.status.success() {
        return Ok(());
    }
    Err(format!("{command}: {}", String::from_utf8_lossy(&ended.stderr)).into())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
