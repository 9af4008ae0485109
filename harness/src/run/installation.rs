//! Whether an installed engine can start at all on this machine: asked only when it failed to make a case's network, since
//! then either it is wrong, or nothing of it could ever be.

use std::collections::BTreeMap;

use crate::adapter::{
    Adapter, Attached, Candidate, LabHost, Namespaces, Pool, Scenario, ScenarioContainer,
    ScenarioNetwork,
};
use crate::address::{PerFamily, Subnet};
use crate::finding::What;
use crate::lab::Lab;
use crate::plan::contract;
use crate::plan::topology::Forwarding;

use super::RunError;

const CONTAINER: &str = "c1";

/// Why the engine of a candidate cannot start here, if that is known already.
pub(super) fn known_broken(candidate: &Candidate) -> Option<What> {
    let answer = candidate.installation.known()?;
    told(candidate, answer)
}

/// Why the engine of a candidate cannot start here, if it cannot. What a person brings to be tested, a plugin or a conflist, is
/// never an installation: it fails by itself.
pub(super) fn broken(candidate: &Candidate) -> Option<What> {
    let is_engine = candidate.selection.is_engine();
    let adapter = candidate.adapter.as_ref().ok().filter(|_| is_engine)?;
    let starts = || starts(adapter.as_ref()).map_err(|error| error.to_string());
    let answer = candidate.installation.ask(starts);
    told(candidate, answer)
}

/// The reason stands in the first trial that tells it; the others point there.
fn told(candidate: &Candidate, answer: &Result<(), String>) -> Option<What> {
    let said = answer.as_ref().err()?;
    let is_first = candidate.installation.is_first_to_tell();
    Some(What::CannotStart {
        implementation: candidate.name.clone(),
        said: is_first.then(|| said.clone()),
    })
}

/// Has it make the smallest network that there is, one container on one bridge, and undo it.
fn starts(adapter: &dyn Adapter) -> Result<(), RunError> {
    let own: &[&str] = match adapter.namespaces() {
        Namespaces::Given => &[CONTAINER],
        Namespaces::Brought => &[],
    };
    let lab = Lab::build(&contract::spec(own, Forwarding::Off, false, None))?;
    let mut given = BTreeMap::new();
    for name in own {
        given.insert((*name).to_owned(), lab.netns(name)?.try_clone()?);
    }
    let host = LabHost::open(adapter, lab.netns("host")?, given, 1)?;
    let setup = adapter.setup(&smallest(), &host);
    // It has started: how it ends is for the cases about that.
    drop(setup.map_err(RunError::Implementation)?.teardown(&host));
    Ok(())
}

fn smallest() -> Scenario {
    let network = "front";
    Scenario {
        networks: vec![ScenarioNetwork {
            name: network.to_owned(),
            pools: PerFamily::from(Pool::of(Subnet::around([10, 77, 1, 0].into(), 24))),
            internal: false,
            mtu: None,
        }],
        containers: vec![ScenarioContainer {
            name: CONTAINER.to_owned(),
            attached: Attached::Network {
                name: network.to_owned(),
                addresses: PerFamily::NONE,
            },
            publish: Vec::new(),
        }],
    }
}
