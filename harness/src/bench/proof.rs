//! How soon a loss is proven: echo requests that FORWARD's policy drops, one after another, in one lab.

use std::net::IpAddr;

use serde::Serialize;

use super::{BenchError, Distribution};
use crate::case::Backend;
use crate::case::ProbeKind;
use crate::lab::{FinishedLabs, Lab};
use crate::packet::Token;
use crate::path::Fate;
use crate::plan::article::{self, Wiring};
use crate::probe::ProbeRequest;
use crate::run::{Clock, Observer, Origin, Watch};

/// c2 in the article's lab.
const DESTINATION: [u8; 4] = [10, 55, 66, 3];

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct ProofResult {
    /// Echo requests sent.
    pub probes: u32,
    /// Those whose fate was not told as the drop that it was.
    pub wrong: u32,
    /// From before the send to the proof.
    pub proven: Option<Distribution>,
}

/// Sends `probes` echo requests from c1 to c2, all of which the host drops.
pub fn proof(
    probes: u32,
    backend: Backend,
    finished: &FinishedLabs,
) -> Result<ProofResult, BenchError> {
    let mut lab = Lab::build(&article::spec(Wiring::Attached, &article::containers()))?;
    lab.set_policies("host", backend)?;
    let mut observer = Observer::arm(&lab, Watch::All)?;
    let destination = IpAddr::from(DESTINATION);
    lab.prepare_neighbours("c1", destination)?;
    let mut durations = Vec::new();
    let mut wrong = 0;
    for number in 0..probes {
        let request = ProbeRequest {
            kind: ProbeKind::IcmpEcho,
            destination,
            port: 0,
            source_port: 1,
            token: Token::new(std::process::id(), u32::MAX, number),
            size: 56,
            ttl: None,
            tos: None,
            dont_fragment: None,
        };
        let origin = Origin {
            lab: &lab,
            nodes: lab.read_nodes()?,
            from: "c1",
        };
        let recorded = observer.follow(origin, &request, 1, &mut [], &mut Clock::start())?;
        let fate = &recorded.path.fate;
        let right = matches!(fate, Fate::Dropped { node, place, .. } if node == "host" && place.contains("FORWARD policy"));
        wrong += u32::from(!right);
        durations.push(recorded.proven);
    }
    observer.end(finished);
    finished.keep(lab);
    Ok(ProofResult {
        probes,
        wrong,
        proven: Distribution::of(durations),
    })
}
