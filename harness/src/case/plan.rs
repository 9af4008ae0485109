//! The lab that a case starts from.

use super::model::{Attachment, Case, CaseKind};
use super::vocabulary::LabName;
use crate::plan::article::{self, Container, Mode, Wiring};
use crate::plan::topology::Forwarding;
use crate::plan::{LabSpec, contract};

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
                contract::spec(own, forwarding, host.bridge_netfilter, *path_mtu)
            }
        }
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
