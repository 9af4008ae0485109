//! Docker: a daemon of its own in each lab, with user-defined bridge networks.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::daemon::Daemon;
use super::engine::{Engine, Words};
use super::facts::{Argument, Facts, Lack, Needed, Own};
use super::{
    Adapter, AdapterError, Implementation, LabHost, Namespaces, Program, Realised, Scenario, image,
};
use crate::case::Feature;
use crate::lab::Jail;

const SOCKET: &str = "unix:///run/goldpath/docker.sock";

/// Docker, as goldpath knows it.
pub static FACTS: Facts = Facts {
    name: "docker",
    kind: "docker",
    argument: Argument::None,
    programs: &[
        Needed::new("dockerd", "docker.io"),
        Needed::new("docker", "docker.io"),
        Needed::new("containerd", "containerd"),
        Needed::new("containerd-shim-runc-v2", "containerd").asked(shim_version),
        Needed::new("runc", "runc"),
        // It has no word for its version before Docker 28, and comes with dockerd.
        Needed::new("docker-proxy", "docker.io")
            .within(&[
                "/usr/sbin",
                "/usr/bin",
                "/usr/libexec/docker",
                "/usr/lib/docker",
            ])
            .asked(|_| String::new())
            .optional(),
        Needed::new("iptables", "iptables"),
        Needed::new("nft", "nftables").optional(),
    ],
    harness: &[image::WAITER],
    state_folders: &["/var/lib/docker", "/etc/docker"],
    own: Own {
        tables: &["ip docker-bridges", "ip6 docker-bridges"],
        chains: &["DOCKER", "DOCKER-*"],
    },
    lacks: &[
        Lack::of(Feature::Ipv6, "labs have no IPv6 yet"),
        Lack::of(Feature::Check, "dockerd(8) has no word for it"),
        Lack::of(
            Feature::EarlierRules,
            "Docker's manual, \"Packet filtering and firewalls\": its rules stand before those that a person has put into FORWARD; DOCKER-USER is the chain for them",
        ),
    ],
    idle,
    option: Some("a flag of dockerd, as userland-proxy=false"),
    find: |selection| {
        let docker = Docker {
            implementation: Implementation::find(selection)?,
        };
        Ok(Arc::new(docker))
    },
};

/// dockerd(8) `--userland-proxy`, `--firewall-backend`: by default there is a proxy, and iptables makes the rules.
fn idle(docker: &Implementation) -> Vec<&'static str> {
    let mut idle = Vec::new();
    if docker.has_option("userland-proxy=false") {
        idle.push("docker-proxy");
    }
    idle.push(match docker.has_option("firewall-backend=nftables") {
        true => "iptables",
        false => "nft",
    });
    idle
}

/// The shim has the number in its second line.
fn shim_version(path: &Path) -> String {
    let said = Program::new([path.display().to_string(), String::from("-v")]).run_here();
    let said = said.unwrap_or_default();
    let line = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("Version:"));
    line.unwrap_or_default().trim().to_owned()
}

/// Docker as found on this machine.
#[derive(Debug)]
struct Docker {
    implementation: Implementation,
}

impl Adapter for Docker {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    fn features(&self) -> BTreeSet<Feature> {
        FACTS.features(&self.implementation)
    }

    fn namespaces(&self) -> Namespaces {
        Namespaces::Brought
    }

    fn setup(
        &self,
        scenario: &Scenario,
        host: &LabHost,
    ) -> Result<Box<dyn Realised>, AdapterError> {
        let file = |name: &str| format!("{}/{name}", Jail::FOLDER);
        let own = &self.implementation;
        let usual = ["--host", SOCKET, "--storage-driver", "vfs"];
        let dockerd = own
            .program("dockerd", usual)
            .args([
                format!("--data-root={}", file("data")),
                format!("--exec-root={}", file("exec")),
                format!("--pidfile={}", file("docker.pid")),
            ])
            .args(own.options.iter().map(|option| format!("--{option}")));
        let daemon = Daemon::start(&dockerd, "API listen on", &host.jail)?;
        let words = Words {
            client: own.program("docker", ["--host", SOCKET]),
            network: &[],
            mtu: "--opt=com.docker.network.driver.mtu",
            removal: &[],
        };
        Engine::make(words, Some(daemon), scenario, host)
    }
}
