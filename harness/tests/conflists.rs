//! Conflists as people have them, put to the contract by the machine's own plugins: none fails what is no known defect of the
//! plugins. Their words are those of the projects named beside each; names and subnets are, too, since they must give way.
//!
//! `cargo test --test conflists -- --ignored` puts the whole contract to each, which takes some minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use goldpath::adapter::{Candidate, Selection};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};

/// Cases in which these lists differ: links, ways out, ports, a bridge that copies, and what is left.
const CASES: [&str; 6] = [
    "contract/bridge/neighbours-reach-each-other",
    "contract/coexistence/bridge-netfilter-publish",
    "contract/egress/source-is-the-hosts",
    "contract/lifecycle/check-finds-a-missing-interface",
    "contract/lifecycle/teardown-leaves-nothing",
    "contract/publish/tcp-from-outside",
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let cni: Selection = "cni".parse().expect("a name that goldpath knows");
    let is_here = Candidate::find(&cni).adapter.is_ok();
    let some = Trial::test("no_conflist_is_accused_wrongly", || put(&CASES));
    let all = Trial::test(
        "no_conflist_is_accused_wrongly_by_the_whole_contract",
        || put(&["contract"]),
    );
    let trials = vec![
        some.with_ignored_flag(!is_here),
        all.with_ignored_flag(true),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// What a list must be put to, and what it cannot be put to.
struct List {
    file: &'static str,
    content: Value,
    /// Of [`CASES`].
    not_supported: usize,
}

fn put(cases: &[&str]) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_goldpath"));
    command.current_dir(&root).arg("run").args(cases);
    let report = folder.path().join("report.json");
    command.arg("--json").arg(&report);
    command
        .arg("--evidence")
        .arg(folder.path().join("evidence"));
    for list in lists() {
        let path = folder.path().join(list.file);
        fs::write(&path, list.content.to_string())?;
        command.arg("-i").arg(name(&path));
    }
    let said = command.env("CI", "true").output()?;
    let report: Value = serde_json::from_slice(&fs::read(&report)?)?;
    let trials = report["cases"].as_array().ok_or("a list of trials")?;
    let failed = trials
        .iter()
        .filter(|one| one["outcome"] == "failed" || one["outcome"] == "errored")
        .map(|one| {
            format!(
                "{} {}: {}",
                one["id"], one["implementation"], one["message"]
            )
        });
    let failed: Vec<String> = failed.collect();
    if !failed.is_empty() || said.status.code() != Some(0) {
        return Err(format!(
            "{}\n{}",
            failed.join("\n"),
            String::from_utf8_lossy(&said.stderr)
        )
        .into());
    }
    if cases == CASES {
        must_have_been_asked(trials, folder.path())?;
    }
    must_be_told(&report, folder.path())
}

fn name(path: &Path) -> String {
    format!("cni:{}", path.display())
}

/// Lists that are put to nothing fail nothing.
fn must_have_been_asked(trials: &[Value], folder: &Path) -> Result<(), Failed> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in trials {
        let name = one["implementation"].as_str().unwrap_or_default();
        let count = counts.entry(name).or_default();
        *count += usize::from(one["outcome"] == "not-supported");
    }
    for list in lists() {
        let counted = counts.get(name(&folder.join(list.file)).as_str());
        if counted != Some(&list.not_supported) {
            let wanted = list.not_supported;
            return Err(format!("{}: {counted:?} not supported, not {wanted}", list.file).into());
        }
    }
    Ok(())
}

/// Whatever is not put to the plugins as the list has it is reported.
fn must_be_told(report: &Value, folder: &Path) -> Result<(), Failed> {
    let name = name(&folder.join("containerd.conflist"));
    let all = report["implementations"].as_array().ok_or("a list")?;
    let it = all.iter().find(|one| one["name"] == name.as_str());
    let told: BTreeSet<&str> = it
        .and_then(|one| one["adjusted"].as_array())
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let wanted = "bridge: the route to ::/0 is left out: cases have IPv4 only";
    if told.contains(wanted) {
        Ok(())
    } else {
        Err(format!("{told:?} lacks: {wanted}").into())
    }
}

fn list(version: &str, name: &str, plugins: &Value) -> Value {
    json!({ "cniVersion": version, "name": name, "plugins": plugins })
}

fn lists() -> Vec<List> {
    let out = json!([{ "dst": "0.0.0.0/0" }]);
    let ports = json!({ "type": "portmap", "capabilities": { "portMappings": true } });
    let loopback = json!({ "type": "loopback" });
    let isolated = json!({ "type": "firewall", "ingressPolicy": "same-bridge" });
    let bridge = |name: &str, more: Value, ipam: Value| {
        let mut plugin = json!({ "type": "bridge", "bridge": name, "ipMasq": true });
        merge(&mut plugin, &more);
        plugin["ipam"] = json!({ "type": "host-local" });
        merge(&mut plugin["ipam"], &ipam);
        plugin
    };
    let gateway = json!({ "isGateway": true });
    let hairpin = json!({ "isGateway": true, "hairpinMode": true });
    let ranges = |subnet: &str| json!({ "ranges": [[{ "subnet": subnet }]], "routes": out });
    vec![
        // containerd, script/setup/install-cni: two families, promiscuous.
        List {
            file: "containerd.conflist",
            content: list(
                "1.0.0",
                "containerd-net",
                &json!([
                    bridge(
                        "cni0",
                        json!({ "isGateway": true, "promiscMode": true }),
                        json!({
                            "ranges": [[{ "subnet": "10.88.0.0/16" }], [{ "subnet": "2001:db8:4860::/64" }]],
                            "routes": [{ "dst": "0.0.0.0/0" }, { "dst": "::/0" }],
                        })
                    ),
                    ports,
                ]),
            ),
            not_supported: 0,
        },
        // Podman, cni/87-podman-bridge.conflist of 1.0: the older word for a range, no CHECK yet.
        List {
            file: "podman-early.conflist",
            content: list(
                "0.3.0",
                "podman",
                &json!([
                    bridge(
                        "cni0",
                        gateway.clone(),
                        json!({ "subnet": "10.88.0.0/16", "routes": out })
                    ),
                    ports,
                ]),
            ),
            not_supported: 1,
        },
        // The same of 3.0.
        List {
            file: "podman-later.conflist",
            content: list(
                "0.4.0",
                "podman",
                &json!([
                    bridge("cni-podman0", hairpin.clone(), ranges("10.88.0.0/16")),
                    ports, { "type": "firewall" }, { "type": "tuning" },
                ]),
            ),
            not_supported: 0,
        },
        // flannel's plugin, what it delegates to: no bridge is named, an MTU is, and others masquerade.
        List {
            file: "flannel-delegate.conflist",
            content: list(
                "0.3.1",
                "cbr0",
                &json!([
                    {
                        "type": "bridge", "mtu": 1450, "hairpinMode": true, "isDefaultGateway": true, "ipMasq": false,
                        "ipam": {
                            "type": "host-local", "subnet": "10.42.0.0/24", "routes": [{ "dst": "10.42.0.0/16" }],
                        },
                    },
                    ports,
                ]),
            ),
            not_supported: 3,
        },
        // nerdctl, pkg/netutil: its default network.
        List {
            file: "nerdctl.conflist",
            content: list(
                "1.0.0",
                "bridge",
                &json!([
                    bridge("nerdctl0", hairpin.clone(), ranges("10.4.0.0/24")),
                    ports, isolated, { "type": "tuning" },
                ]),
            ),
            not_supported: 0,
        },
        // CRI-O, contrib/cni/11-crio-ipv4-bridge.conflist: ports are others' work.
        List {
            file: "crio.conflist",
            content: list(
                "0.3.1",
                "crio",
                &json!([bridge("cni0", hairpin.clone(), ranges("10.85.0.0/16")),]),
            ),
            not_supported: 4,
        },
        // Nomad, client/allocrunner/networking_bridge_linux.go.
        List {
            file: "nomad.conflist",
            content: list(
                "0.4.0",
                "nomad",
                &json!([
                    loopback, bridge("nomad", json!({ "isGateway": true, "forceAddress": true }), ranges("172.26.64.0/20")),
                    { "type": "firewall", "backend": "iptables", "iptablesAdminChainName": "NOMAD-ADMIN" },
                    ports,
                ]),
            ),
            not_supported: 0,
        },
        // BuildKit, util/network/cniprovider.
        List {
            file: "buildkit.conflist",
            content: list(
                "1.0.0",
                "buildkit",
                &json!([
                    loopback,
                    bridge(
                        "buildkit0",
                        json!({ "isDefaultGateway": true }),
                        json!({ "ranges": [[{ "subnet": "10.10.0.0/16" }]] })
                    ),
                    isolated,
                ]),
            ),
            not_supported: 4,
        },
        // The portmap plugin's page on cni.dev: each container has a link of its own to the host.
        List {
            file: "ptp.conflist",
            content: list(
                "1.0.0",
                "ptp",
                &json!([
                    {
                        "type": "ptp", "ipMasq": true,
                        "ipam": { "type": "host-local", "subnet": "172.16.30.0/24", "routes": out },
                    },
                    ports,
                ]),
            ),
            not_supported: 1,
        },
        // The bridge plugin's page on cni.dev: one plugin, and no list.
        List {
            file: "mynet.conf",
            content: json!({
                "cniVersion": "0.3.1", "name": "mynet", "type": "bridge", "bridge": "mynet0", "isDefaultGateway": true,
                "forceAddress": false, "ipMasq": true, "hairpinMode": true,
                "ipam": { "type": "host-local", "subnet": "10.10.0.0/16" },
            }),
            not_supported: 4,
        },
        // The specification's section 1: nobody is to ask for CHECK.
        List {
            file: "unchecked.conflist",
            content: {
                let mut unchecked = list(
                    "1.0.0",
                    "unchecked",
                    &json!([bridge("un0", gateway, ranges("10.10.0.0/16")), ports,]),
                );
                unchecked["disableCheck"] = json!(true);
                unchecked
            },
            not_supported: 1,
        },
        // Multus' NetworkAttachmentDefinition: the containers' network is not the host's to lead.
        List {
            file: "macvlan.conflist",
            content: list(
                "1.0.0",
                "macvlan",
                &json!([{
                    "type": "macvlan", "master": "eth0", "mode": "bridge",
                    "ipam": { "type": "host-local", "subnet": "192.168.1.0/24", "gateway": "192.168.1.1" },
                }]),
            ),
            not_supported: 6,
        },
    ]
}

fn merge(into: &mut Value, more: &Value) {
    for (key, value) in more.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
}
