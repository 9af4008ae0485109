#!/usr/bin/env python3
"""An implementation of container networks in one short file, for `goldpath run contract -i plugin:harness/examples/plugin.py`.

It reads one question from standard input and writes one answer to standard output, as PLUGIN.md teaches: bridges and
veth pairs by `ip`, rules by `nft`.
"""
import ipaddress
import json
import pathlib
import subprocess
import sys

FEATURES = ["bridge", "masquerade", "publish-tcp", "publish-udp", "publish-local", "publish-address", "hairpin", "isolation", "internal", "hidden-ports",
            "mtu", "static-address", "replace", "address-conflict", "repeated-teardown", "none-mode", "host-mode", "container-mode"]


def run(command, text=None, check=True):
    subprocess.run(command.split(), input=text, text=True, check=check, stdout=sys.stderr)


def members(scenario, network):
    """Containers of a network, each with its address."""
    found = [(c, (on["addresses"] or [None])[0]) for c in scenario["containers"] if isinstance(c["attached"], dict)
             for on in c["attached"].get("networks", []) if on["name"] == network["name"]]
    taken = {address for _, address in found} | {gateway(network)}
    free = (str(a) for a in ipaddress.ip_network(subnet_of(network)).hosts() if str(a) not in taken)
    return [(container, address or next(free, None)) for container, address in found]


def subnet_of(network):
    """Its only one: none of the features is about another family."""
    return network["subnets"][0]["subnet"]


def gateway(network):
    return network["subnets"][0]["gateway"]


def length(network):
    return subnet_of(network).split("/")[1]


def bridge(network):
    return "br-" + network["name"]


def elsewhere(port):
    """Numbers that a container's own one is replaced by: the published one is not among them."""
    return "49152-65535" if port["host_port"] < 49152 else "32768-49151"


def rules(scenario):
    """The whole ruleset as nft reads it."""
    publish, forward, leave = [], ['iifname "br-*" ct state invalid drop', 'oifname "br-*" ct state invalid drop'], []
    for network in scenario["networks"]:
        name, subnet = bridge(network), subnet_of(network)
        if network["internal"]:
            forward += [f'iifname "{name}" oifname != "{name}" drop', f'oifname "{name}" iifname != "{name}" drop']
        else:
            # The port of the host that a container's own number would take may be published (CVE-2021-3773).
            leave += [f'ip saddr {subnet} oifname != "{name}" {port["protocol"]} sport {port["host_port"]} masquerade to :{elsewhere(port)}'
                      for container in scenario["containers"] for port in container["publish"]]
            leave.append(f'ip saddr {subnet} oifname != "{name}" masquerade')
        forward.append(f'iifname != "{name}" oifname "{name}" ct state new ct status & dnat == 0 drop')
        leave.append(f"ip saddr {subnet} ip daddr {subnet} ct status dnat masquerade")
        leave.append(f'ip saddr 127.0.0.0/8 oifname "{name}" masquerade')
        for container, address in members(scenario, network):
            for port in container["publish"]:
                at = f'ip daddr {port["host_address"]}' if port["host_address"] else "fib daddr type local"
                publish.append(f'{at} {port["protocol"]} dport {port["host_port"]} dnat to {address}:{port["container_port"]}')
    chains = {"raw": ("filter", "prerouting", -300, ['iifname != "lo" ip daddr 127.0.0.0/8 drop']),
              "prerouting": ("nat", "prerouting", -100, publish), "output": ("nat", "output", -100, publish),
              "forward": ("filter", "forward", 0, forward), "postrouting": ("nat", "postrouting", 100, leave)}
    text = ""
    for name, (kind, hook, priority, lines) in chains.items():
        text += f"chain {name} {{ type {kind} hook {hook} priority {priority};\n" + "\n".join(lines) + "\n}\n"
    return "table ip example {\n" + text + "}\n"


def filters_bridged():
    setting = pathlib.Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    return setting.exists() and setting.read_text().strip() == "1"


def attach(network, n, inside, address):
    name = bridge(network)
    mtu = f' mtu {network["mtu"]}' if network["mtu"] else ""
    # Whoever has this address next is known to the neighbours already (moby/moby#36069).
    mac = "02:42:" + ":".join(f"{byte:02x}" for byte in ipaddress.ip_address(address).packed)
    run(f"ip link add v{n}{inside}{mtu} type veth peer name eth0{mtu} address {mac} netns {inside}")
    run(f"ip link set v{n}{inside} master {name} up")
    if filters_bridged():
        # What is led back to its sender on the bridge itself leaves by the port that it came in by.
        run(f"ip link set v{n}{inside} type bridge_slave hairpin on")
    run(f"ip -n {inside} address add {address}/{length(network)} dev eth0")
    run(f"ip -n {inside} link set eth0 up")
    if not network["internal"]:
        run(f'ip -n {inside} route add default via {gateway(network)}')


def refresh(scenario):
    """All rules at once: the first line makes sure that there is something to delete."""
    run("nft -f -", "table ip example {}\ndelete table ip example\n" + rules(scenario))


def forget(container):
    """A connection outlives the rule that led it."""
    for port in container["publish"]:
        at = f' --orig-dst {port["host_address"]}' if port["host_address"] else ""
        run(f'conntrack -D -p {port["protocol"]}{at} --orig-port-dst {port["host_port"]}', check=False)


def remember(work):
    """A question names the containers that there shall be; who is removed is known from before."""
    pathlib.Path(work["folder"], "containers").write_text(json.dumps(work["scenario"]["containers"]))


def before(work):
    return json.loads(pathlib.Path(work["folder"], "containers").read_text())


def settle(scenario, held):
    """Who has an address keeps it, whoever else comes and goes."""
    attached = {container["name"]: container["attached"] for container in held}
    for container in scenario["containers"]:
        container["attached"] = attached.get(container["name"], container["attached"])
    for network in scenario["networks"]:
        for container, address in members(scenario, network):
            for on in container["attached"]["networks"]:
                if on["name"] == network["name"]:
                    on["addresses"] = [address]


def setup(work):
    scenario = work["scenario"]
    settle(scenario, [])
    with open("/proc/sys/net/ipv4/ip_forward") as now, open(work["folder"] + "/ip_forward", "w") as kept:
        kept.write(now.read())
    remember(work)
    run("sysctl -q -w net.ipv4.ip_forward=1")
    for n, network in enumerate(scenario["networks"]):
        name = bridge(network)
        mtu = f' mtu {network["mtu"]}' if network["mtu"] else ""
        # Without one of its own it has that of a port, and another one when that port goes.
        mac = "02:42:" + ":".join(f"{byte:02x}" for byte in ipaddress.ip_address(gateway(network)).packed)
        run(f"ip link add {name}{mtu} address {mac} type bridge")
        run(f"ip address add {gateway(network)}/{length(network)} dev {name}")
        run(f"ip link set {name} up")
        run(f"sysctl -q -w net.ipv4.conf.{name}.route_localnet=1")
        for container, address in members(scenario, network):
            attach(network, n, container["name"], address)
    refresh(scenario)


def remove(work):
    inside = work["container"]
    settle(work["scenario"], before(work))
    for n, _ in enumerate(work["scenario"]["networks"]):
        run(f"ip link delete v{n}{inside}", check=False)
    refresh(work["scenario"])
    for container in before(work):
        if container["name"] == inside:
            forget(container)
    remember(work)


def add(work):
    scenario, inside = work["scenario"], work["container"]
    settle(scenario, before(work))
    for network in scenario["networks"]:
        addresses = [address for _, address in members(scenario, network)]
        if None in addresses or len(set(addresses)) < len(addresses):
            sys.exit(f"an address of {network['name']} is taken, or none is left")
    for n, network in enumerate(scenario["networks"]):
        for container, address in members(scenario, network):
            if container["name"] == inside:
                attach(network, n, inside, address)
                refresh(scenario)
                forget(container)
    remember(work)


def teardown(work):
    run("nft delete table ip example", check=False)
    for n, network in enumerate(work["scenario"]["networks"]):
        for container, _ in members(work["scenario"], network):
            run(f'ip link delete v{n}{container["name"]}', check=False)
            forget(container)
        run(f"ip link delete {bridge(network)}", check=False)
    kept = pathlib.Path(work["folder"], "ip_forward")
    if kept.exists():
        run(f"sysctl -q -w net.ipv4.ip_forward={kept.read_text().strip()}")
        kept.unlink()
    pathlib.Path(work["folder"], "containers").unlink(missing_ok=True)


question = json.load(sys.stdin)
if question["verb"] == "info":
    json.dump({"protocol": 2, "name": "example", "version": "1", "features": FEATURES}, sys.stdout)
else:
    {"setup": setup, "remove": remove, "add": add, "teardown": teardown}[question["verb"]](question)
    print("{}")
