//! Arms a node, and turns what netfilter reports there into verdicts.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};

use super::TraceError;
use super::chains::read_chains;
use super::decision::{Calls, Decision, Report, concerns, decide};
use super::nflog;
use super::nft::{self, About};
use super::node::Node;
use super::ruleset::{Ruleset, parse_native};
use super::save::parse_save;
use super::table;
use crate::address::Family;
use crate::netlink::{NetfilterSocket, NetlinkError, messages};
use crate::packet::{Headers, Transport, decode};
use crate::path::VerdictEvent;

const NF_LOG: &str = "/proc/sys/net/netfilter/nf_log/2";

/// Traces every packet of one node from arming to disarming.
///
/// Dropping it leaves the table in the namespace, which a lab throws away whole;
/// [`disarm`](Self::disarm) is for a node that lives on.
#[must_use = "an armed node that nobody drains loses its reports"]
pub struct Tracer {
    node: Node,
    legacy: bool,
    /// Both back ends report to this one socket, so its queue is the order between them.
    reports: NetfilterSocket,
    control: NetfilterSocket,
    ruleset: Ruleset,
    calls: Calls,
    order: u64,
}

/// A verdict with the beginning of the packet's payload, by which a probe's token is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// The verdict.
    pub event: VerdictEvent,
    /// What was reported of the payload: 12 bytes of it for ICMP and UDP, none for TCP.
    pub payload: Vec<u8>,
}

impl Tracer {
    /// Marks all packets of the calling thread's network namespace for tracing. With `legacy`,
    /// iptables-legacy's reports are received, too.
    pub fn arm(node: &str, legacy: bool) -> Result<Self, TraceError> {
        let mut tracer = Self {
            node: Node::current(node)?,
            legacy,
            reports: NetfilterSocket::open(node)?,
            control: NetfilterSocket::open(node)?,
            ruleset: Ruleset::default(),
            calls: Calls::default(),
            order: 0,
        };
        if legacy {
            // Binding first: it loads the module whose name the sysctl then takes.
            nflog::bind(&mut tracer.reports)?;
            tracer.node.sysctl(NF_LOG, "nfnetlink_log")?;
        }
        tracer.reports.join(nft::GROUP)?;
        table::install(&mut tracer.control)?;
        Ok(tracer)
    }

    /// Forgets the rules that were read. To be called whenever the node's rules may have changed,
    /// after the reports that belong to the old ones were drained.
    pub fn refresh(&mut self) {
        self.ruleset = Ruleset::default();
    }

    /// What was decided since the last call. `names` are the node's interfaces by index.
    pub fn drain(
        &mut self,
        names: &BTreeMap<u32, String>,
    ) -> Result<Vec<VerdictEvent>, TraceError> {
        let traced = self.drain_traced(names)?;
        Ok(traced.into_iter().map(|traced| traced.event).collect())
    }

    /// Like [`drain`](Self::drain), with the payload of each packet as far as it was reported.
    pub fn drain_traced(
        &mut self,
        names: &BTreeMap<u32, String>,
    ) -> Result<Vec<Traced>, TraceError> {
        let reports = self.receive()?;
        if reports.is_empty() {
            return Ok(Vec::new());
        }
        let decisions = self.resolve(&reports)?;
        Ok(decisions
            .into_iter()
            .filter_map(|decision| self.traced(decision, names))
            .collect())
    }

    /// What to poll for reports.
    pub fn as_fds(&self) -> [BorrowedFd<'_>; 1] {
        [self.reports.as_fd()]
    }

    /// Traces no more packets, and forgets what was reported: hundreds of probes at once would be more than anybody reads.
    pub fn pause(&mut self) -> Result<(), TraceError> {
        match table::pause(&mut self.control) {
            Err(NetlinkError::Refused { node, source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                return Err(TraceError::Gone { node });
            }
            other => other?,
        }
        self.discard()
    }

    /// Traces packets again.
    pub fn resume(&mut self) -> Result<(), TraceError> {
        Ok(table::resume(&mut self.control)?)
    }

    /// Takes the mark and the log away again. To drop it afterwards may wait until the kernel has forgotten them.
    pub fn disarm(&mut self) -> Result<(), TraceError> {
        let removed = table::remove(&mut self.control);
        if self.legacy {
            self.node.sysctl(NF_LOG, "NONE")?;
        }
        Ok(removed?)
    }

    /// Forgets what was reported so far, unresolved, and the rules that were read: both may be of what is gone.
    pub fn discard(&mut self) -> Result<(), TraceError> {
        self.forget()?;
        self.refresh();
        Ok(())
    }

    /// Forgets what was reported so far, unresolved: its rules may be gone.
    pub fn forget(&mut self) -> Result<(), TraceError> {
        self.receive().map(drop)
    }

    fn receive(&mut self) -> Result<Vec<Report>, TraceError> {
        let mut reports = Vec::new();
        while let Some(datagram) = self.reports.try_receive()? {
            for message in messages(datagram) {
                if let Some(report) = nft::decode(&message) {
                    reports.push(Report::Nft(report));
                } else if let Some(report) = nflog::decode(&message) {
                    reports.push(Report::Legacy(report));
                }
            }
        }
        Ok(reports)
    }

    /// Resolves with the rules as known; where they don't explain a report, with the rules read anew.
    fn resolve(&mut self, reports: &[Report]) -> Result<Vec<Decision>, TraceError> {
        let calls = self.calls.clone();
        self.read(reports)?;
        if let Ok(decisions) = decide(reports, &self.ruleset, &mut self.calls) {
            return Ok(decisions);
        }
        self.refresh();
        self.read(reports)?;
        self.calls = calls;
        decide(reports, &self.ruleset, &mut self.calls)
            .map_err(|unresolved| unresolved.into_error(&self.node.name))
    }

    /// Reads as much of the rules as these reports need: programs run only for texts.
    fn read(&mut self, reports: &[Report]) -> Result<(), TraceError> {
        let nft = || {
            let nft = reports.iter().filter_map(|report| match report {
                Report::Nft(message) => Some(message),
                Report::Legacy(_) => None,
            });
            nft.filter(|message| concerns(message))
        };
        if nft().next().is_some() && self.ruleset.chains.is_none() {
            let (chains, print) = read_chains(&mut self.control)?;
            self.ruleset.chains = Some(chains);
            self.ruleset.print = print;
        }
        let texts = || nft().filter(|message| !matches!(message.about, About::Policy(_)));
        if texts().next().is_some() && self.ruleset.nft.is_none() {
            let print = &self.ruleset.print;
            let node = &self.node;
            let saved = print.known_or(|| {
                let saved = node.output(&["iptables-nft-save"])?;
                Ok::<_, TraceError>(parse_save(&saved))
            })?;
            self.ruleset.nft = Some(saved);
        }
        let foreign = texts().any(|m| match m.about {
            About::Rule(handle, _) | About::Return(Some(handle), _) => self
                .ruleset
                .text(m.family, &m.table, &m.chain, handle)
                .is_none(),
            About::Return(None, _) | About::Policy(_) => false,
        });
        if foreign && self.ruleset.native.is_none() {
            let argv = ["nft", "--stateless", "--handle", "list", "ruleset"];
            let node = &self.node;
            let listed = self
                .ruleset
                .print
                .known_to_nft_or(|| Ok::<_, TraceError>(parse_native(&node.output(&argv)?)))?;
            self.ruleset.native = Some(listed);
        }
        let legacy = |report: &Report| matches!(report, Report::Legacy(_));
        if reports.iter().any(legacy) && self.ruleset.legacy.is_none() {
            let saved = self.node.output(&["iptables-legacy-save"])?;
            self.ruleset.legacy = Some(parse_save(&saved));
        }
        Ok(())
    }

    fn traced(&mut self, decision: Decision, names: &BTreeMap<u32, String>) -> Option<Traced> {
        let name = |index: u32| match index {
            0 => String::new(),
            _ => names
                .get(&index)
                .cloned()
                .unwrap_or_else(|| format!("if{index}")),
        };
        let (headers, payload) = headers(&decision.packet)?;
        let order = self.order;
        self.order += 1;
        Some(Traced {
            event: VerdictEvent {
                leg: None,
                node: self.node.name.clone(),
                order,
                table: decision.table,
                chain: decision.chain,
                hook: decision.hook,
                rule: decision.rule,
                action: decision.action,
                input: name(decision.input),
                output: name(decision.output),
                headers,
            },
            payload,
        })
    }
}

/// The reported headers. A report ends 20 bytes behind the IP header, where an ICMP error's
/// quotation is cut too short to decode: such a packet is known by its own addresses.
fn headers(packet: &[u8]) -> Option<(Headers, Vec<u8>)> {
    if let Some((headers, payload)) = decode(packet) {
        return Some((headers, payload.to_vec()));
    }
    let byte = |at: usize| packet.get(at).copied();
    let pair = |at: usize| Some(u16::from_be_bytes([byte(at)?, byte(at + 1)?]));
    let address = |at: usize| {
        let bytes = packet.get(at..at + 4)?;
        Family::Ipv4.address(bytes)
    };
    if byte(0)? >> 4 != 4 {
        return None;
    }
    let fragment = pair(6)?;
    let headers = Headers {
        source: address(12)?,
        destination: address(16)?,
        ttl: byte(8)?,
        tos: byte(1)?,
        dont_fragment: fragment & 0x4000 != 0,
        fragment_offset: (fragment & 0x1fff) * 8,
        more_fragments: fragment & 0x2000 != 0,
        length: pair(2)?,
        transport: Transport::Other { protocol: byte(9)? },
    };
    Some((headers, Vec::new()))
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;
    use crate::fuzz::feed;

    #[test]
    fn foreign_packets_do_no_harm() {
        let packet = || PacketBuilder::ipv4([10, 55, 66, 2], [8, 8, 8, 8], 64);
        let (mut echo, mut error) = (Vec::new(), Vec::new());
        let request = packet().icmpv4_echo_request(7, 1);
        request.write(&mut echo, b"gold").expect("room");
        let quoting = packet().icmpv4_raw(3, 1, [0; 4]);
        quoting.write(&mut error, &echo[..12]).expect("room");
        let seeds = [echo, error];
        for seed in &seeds {
            assert!(headers(seed).is_some(), "{seed:?}");
        }
        feed("reported packet", &seeds, |bytes| drop(headers(bytes)));
    }
}
