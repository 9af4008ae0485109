//! The lab that a case starts from, and who is who in it.

use super::model::{Attachment, Case, CaseKind};
use super::vocabulary::LabName;
use crate::plan::article::{self, Container, Mode, Wiring};
use crate::plan::topology::Forwarding;
use crate::plan::{LabSpec, Roles, contract};

impl Case {
    /// The plan of its lab, before any command, change or implementation. `own` names the containers of a contract whose
    /// namespaces the harness makes; a recipe makes all of its own.
    pub fn plan(&self, own: &[&str]) -> LabSpec {
        match &self.kind {
            CaseKind::Recipe { lab, .. } => {
                let wiring = match lab {
                    LabName::Bare => Wiring::Bare,
                    LabName::Article => Wiring::Attached,
                };
                let mut containers = article::containers();
                containers.extend(self.containers.iter().map(|container| Container {
                    name: container.name.to_string(),
                    mode: mode(&container.attachment),
                }));
                article::spec(wiring, &containers)
            }
            CaseKind::Contract { host, path_mtu, .. } => {
                let forwarding = if host.forwards {
                    Forwarding::On
                } else {
                    Forwarding::Off
                };
                let lab = contract::spec(own, forwarding, host.bridge_netfilter, *path_mtu);
                match host.second_uplink {
                    true => lab.and(contract::second_uplink()),
                    false => lab,
                }
            }
        }
    }
}

impl Case {
    /// Who is who in a contract's paths, as planned: the lab's nodes, the host by its addresses, and the ports that the case names.
    /// Which address a container has is its implementation's to say.
    pub fn roles(&self) -> Roles {
        let CaseKind::Contract { networks, .. } = &self.kind else {
            return Roles::default();
        };
        let mut roles = contract::roles();
        for network in networks {
            for gateway in network.gateways() {
                roles.call(gateway, &format!("{}.gateway", network.name));
            }
        }
        let own = |one: &Attachment| matches!(one, Attachment::None | Attachment::Network { .. });
        let containers = self.containers.iter().filter(|one| own(&one.attachment));
        roles
            .ends
            .extend(containers.map(|one| one.name.to_string()));
        let published = self.containers.iter().flat_map(|one| &one.publish);
        let published = published.flat_map(|port| [port.host_port, port.container_port]);
        let listened = self.steps.iter().flat_map(|step| &step.listen);
        let asked = self
            .steps
            .iter()
            .filter_map(|step| step.exchange.as_ref()?.probe.port);
        roles.ports.extend(
            asked
                .chain(listened.map(|service| service.port))
                .chain(published),
        );
        roles
    }
}

fn mode(attachment: &Attachment) -> Mode {
    match attachment {
        Attachment::None => Mode::None,
        Attachment::Host => Mode::Host,
        Attachment::Container(other) => Mode::Container(other.to_string()),
        Attachment::Network { .. } => Mode::Bridge,
    }
}
