//! Docker: a daemon of its own in each lab, with user-defined bridge networks.

use std::collections::BTreeSet;

use super::daemon::Daemon;
use super::engine::{Engine, Words, must_have};
use super::{
    Adapter, AdapterError, Implementation, Namespaces, Part, Program, Realised, Scenario, Site,
    image,
};
use crate::case::Feature;
use crate::lab::{ControlGroup, Room};

const SOCKET: &str = "unix:///run/goldpath/docker.sock";

/// Docker as found on this machine.
#[derive(Debug)]
pub struct Docker {
    implementation: Implementation,
}

impl Docker {
    /// Looks for dockerd and its client.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub fn find() -> Result<Self, String> {
        let daemon = Part::at(must_have("dockerd", "docker.io")?);
        let client = Part::at(must_have("docker", "docker.io")?);
        let iptables = Part::at(must_have("iptables", "iptables")?);
        image::is_here()?;
        let parts = [
            ("dockerd", daemon),
            ("docker", client),
            ("iptables", iptables),
        ];
        Ok(Self {
            implementation: Implementation::of("docker", "dockerd", parts),
        })
    }
}

impl Adapter for Docker {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    fn features(&self) -> BTreeSet<Feature> {
        // Its rules stand before those that a person has put into FORWARD (Docker's manual, "Packet filtering and
        // firewalls": DOCKER-USER is the chain for them).
        Feature::all_but(&[Feature::Ipv6, Feature::Check, Feature::EarlierRules])
    }

    fn namespaces(&self) -> Namespaces {
        Namespaces::Brought
    }

    fn setup(&self, scenario: &Scenario, site: &Site) -> Result<Box<dyn Realised>, AdapterError> {
        let file = |name: &str| format!("{}/{name}", Room::FOLDER);
        let dockerd =
            Program::new(["dockerd", "--host", SOCKET, "--storage-driver", "vfs"]).args([
                format!("--data-root={}", file("data")),
                format!("--exec-root={}", file("exec")),
                format!("--pidfile={}", file("docker.pid")),
            ]);
        let group = ControlGroup::named("docker");
        let daemon = Daemon::start(&dockerd, "API listen on", &site.room)?;
        let words = Words {
            client: Program::new(["docker", "--host", SOCKET]),
            network: &[],
            mtu: "--opt=com.docker.network.driver.mtu",
            removal: &[],
        };
        Engine::make(words, (Some(daemon), group), scenario, site)
    }
}
