//! Watching a lab while one probe is on its way, until its fate is proven.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::RunError;
use super::frames::{ETHERNET_HEADER, Names, frame_of, record};
use super::questions::ask_tables;
use super::timing::{Clock, Phase};
use crate::adapter::AdapterError;
use crate::capture::{RawFrame, Tap};
use crate::lab::{FinishedLabs, Lab};
use crate::packet::{Headers, Transport, decode};
use crate::path::{
    Action, Binding, Evidence, Frame, LegKind, Node, PacketPath, Sent, VerdictEvent, assemble,
};
use crate::probe::{Mark, ProbeRequest, Prober, Service};
use crate::trace::{Connection, Conntrack, TraceError, Tracer};

/// How long a path may stay unproven before it is called lost. Everything that a lab's kernel does
/// with a packet happens within the sender's system call or a soft interrupt after it; on a machine
/// with every core taken that interrupt was seen 40 ms late, and every proof came in time where each
/// instruction is emulated on such a machine (`ci/kernels`). This bounds only what has no evidence.
pub const EVIDENCE_WAIT: Duration = Duration::from_secs(3);

/// Payload in bytes that gets another second: on two cores with forty runnable tasks, 100 kB did not arrive within 3 s once.
const BYTES_A_SECOND: usize = 20_000;

/// Whether the lab is watched. Without it only the probing socket speaks, which is what the test
/// uses that proves that watching changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Watch {
    /// Capture and trace.
    #[default]
    All,
    /// Nothing.
    Nothing,
}

/// Whether netfilter reports packets of many probes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reports {
    /// None of them: they would be more than anybody reads.
    Paused,
    /// All of them. They are read when the probes are over.
    Kept,
}

/// Taps on every node and netfilter's reports of the host.
pub(crate) struct Observer {
    taps: Vec<Tap>,
    tracer: Option<Tracer>,
    conntrack: Option<Conntrack>,
    /// Everything captured so far, for the evidence folder.
    captured: Vec<Captured>,
    /// Whether a probe that nobody watches has ended without an answer.
    ended: Option<Ended>,
}

/// Tells whether a probe has ended without an answer.
pub(super) type Ended = Box<dyn Fn(&Lab) -> Result<bool, RunError>>;

/// A frame as captured, with its place resolved and what it was to the probe.
#[derive(Debug, Clone)]
pub(super) struct Captured {
    /// Node's name.
    pub node: String,
    /// Interface's name.
    pub interface: String,
    /// Probe's number from 1, and which packet of it; `None` for other traffic, as ARP.
    pub probe: Option<(usize, LegKind)>,
    /// The frame.
    pub frame: RawFrame,
}

/// Where a probe starts.
#[derive(Debug)]
pub(crate) struct Origin<'a> {
    /// The lab.
    pub lab: &'a Lab,
    /// Its nodes, as they are now.
    pub nodes: BTreeMap<String, Node>,
    /// The node that sends.
    pub from: &'a str,
}

/// One probe's evidence and the path that it shows.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// What was recorded.
    pub evidence: Evidence,
    /// What it shows.
    pub path: PacketPath,
    /// From before the send to the proof of its fate.
    pub proven: Duration,
}

impl Observer {
    /// Opens taps on every node of the lab and arms the trace on `host`, for the back ends whose rules it has.
    ///
    /// # Errors
    /// A socket or the trace rule cannot be had.
    pub(crate) fn arm(lab: &Lab, watch: Watch) -> Result<Self, RunError> {
        if watch == Watch::Nothing {
            return Ok(Self {
                taps: Vec::new(),
                tracer: None,
                conntrack: None,
                captured: Vec::new(),
                ended: None,
            });
        }
        let nodes: Vec<String> = lab.nodes().map(str::to_owned).collect();
        let mut taps = Vec::new();
        for node in nodes
            .iter()
            .filter(|node| lab.canonical(node) == node.as_str())
        {
            taps.push(Tap::open(node, lab.netns(node)?)?);
        }
        let (tracer, conntrack) = lab.netns("host")?.run(|| {
            let legacy = has_legacy_tables();
            Ok::<_, RunError>((Tracer::arm("host", legacy)?, Conntrack::open("host")?))
        })??;
        Ok(Self {
            taps,
            tracer: Some(tracer),
            conntrack: Some(conntrack),
            captured: Vec::new(),
            ended: None,
        })
    }

    /// Watches a node that came later, too.
    ///
    /// # Errors
    /// A socket cannot be had.
    pub(super) fn watch_also(&mut self, node: &str, lab: &Lab) -> Result<(), RunError> {
        if self.tracer.is_some() {
            self.taps.retain(|tap| tap.node() != node);
            self.taps.push(Tap::open(node, lab.netns(node)?)?);
        }
        Ok(())
    }

    /// Forgets what was reported while the rules changed, as of connections that an engine has cut.
    ///
    /// # Errors
    /// Evidence was lost.
    pub(super) fn forget_reports(&mut self) -> Result<(), RunError> {
        if let Some(tracer) = &mut self.tracer {
            tracer.discard()?;
        }
        Ok(())
    }

    /// Says how the next probe ends if it is not watched and gets no answer.
    pub(super) fn end_unwatched(&mut self, ended: Ended) {
        self.ended = Some(ended);
    }

    /// Tells the observer that the host's rules may have changed.
    pub(super) fn rules_changed(&mut self) {
        if let Some(tracer) = &mut self.tracer {
            tracer.refresh();
        }
    }

    /// Frames captured so far, in the order in which they were drained.
    pub(super) fn captured(&self) -> &[Captured] {
        &self.captured
    }

    /// Takes the trace away from a lab that lives on, and closes the taps.
    ///
    /// # Errors
    /// The trace's table stays.
    pub(super) fn disarm(mut self, finished: &FinishedLabs) -> Result<(), RunError> {
        let disarmed = self.tracer.as_mut().map_or(Ok(()), Tracer::disarm);
        self.end(finished);
        Ok(disarmed?)
    }

    /// Has `look` watch many probes at once by the taps.
    pub(super) fn at_once<T>(
        &mut self,
        reports: Reports,
        look: impl FnOnce(&mut [Tap]) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let paused = self.tracer.as_mut().filter(|_| reports == Reports::Paused);
        if let Some(tracer) = paused {
            tracer.pause().map_err(|error| match error {
                TraceError::Gone { .. } => {
                    let said = error.to_string();
                    RunError::Implementation(AdapterError::NotRealised(said))
                }
                other => other.into(),
            })?;
        }
        let seen = look(&mut self.taps);
        let paused = self.tracer.as_mut().filter(|_| reports == Reports::Paused);
        if let Some(tracer) = paused {
            tracer.resume()?;
        }
        seen
    }

    /// Has the host forget all connections: a source port that comes round again would find the binding of an earlier one.
    ///
    /// # Errors
    /// The kernel refuses it.
    pub(super) fn forget_connections(&mut self) -> Result<(), RunError> {
        let Some(conntrack) = &mut self.conntrack else {
            return Ok(());
        };
        Ok(conntrack.forget_all()?)
    }

    /// What netfilter has decided on the host since its reports were forgotten.
    ///
    /// # Errors
    /// Reports were lost, or name a rule that is gone.
    pub(super) fn decisions(&mut self) -> Result<Vec<VerdictEvent>, RunError> {
        let Some(tracer) = &mut self.tracer else {
            return Ok(Vec::new());
        };
        Ok(tracer.drain(&BTreeMap::new())?)
    }

    /// Whether anything is watched.
    pub(super) fn watches(&self) -> bool {
        !self.taps.is_empty()
    }

    /// Has everything that it watches by closed off the path.
    pub(crate) fn end(self, finished: &FinishedLabs) {
        for tap in self.taps {
            finished.close(tap);
        }
        finished.close(self.tracer);
        finished.close(self.conntrack);
    }

    /// Sends one probe and follows it until its fate is proven, or [`EVIDENCE_WAIT`] is over.
    ///
    /// # Errors
    /// Evidence was lost, or a socket failed.
    pub(crate) fn follow(
        &mut self,
        origin: Origin<'_>,
        request: &ProbeRequest,
        number: usize,
        services: &mut [Service],
        clock: &mut Clock,
    ) -> Result<Recorded, RunError> {
        let Origin { lab, nodes, from } = origin;
        let names = Names::of(&nodes);
        let mut mark = Mark::new(request);
        let mut evidence = Evidence {
            from: lab.canonical(from).to_owned(),
            asked: Some(request.destination),
            nodes,
            ..Evidence::default()
        };
        // What happened before, as neighbour discovery, belongs to no probe, and the rules that it met may be gone.
        if let Some(tracer) = &mut self.tracer {
            tracer.forget()?;
        }
        self.drain(&names, &mut mark, number, &mut evidence)?;
        let mut prober = lab.netns(from)?.run(|| Prober::open(request))??;
        let start = Instant::now();
        evidence.sent = prober.send()?;
        let more = Duration::from_secs((request.size / BYTES_A_SECOND) as u64);
        let deadline = start + EVIDENCE_WAIT + more;
        let mut reached = 0;
        let path = loop {
            for service in services.iter_mut() {
                service
                    .serve()
                    .map_err(|source| RunError::Service { source })?;
            }
            // A socket that could not send has nothing to say: TCP would answer with EPIPE.
            if evidence.sent == Sent::Accepted && evidence.answer.is_none() {
                evidence.answer = prober.receive()?;
            }
            self.drain(&names, &mut mark, number, &mut evidence)?;
            let path = assemble(&evidence);
            let unwatched = self.taps.is_empty() && evidence.answer.is_some();
            if let Some(ended) = &self.ended
                && ended(lab)?
            {
                evidence.answer = prober.receive()?;
                break path;
            }
            if path.is_settled() || unwatched {
                break path;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let more = self.wait(&prober, services, left)?;
            if left.is_zero() {
                // Reading the rules for the first verdict takes seconds on a busy machine: what is there by then counts, and
                // what comes of it, as the data of a connection that was opened meanwhile.
                let now = places(&evidence);
                let goes_on = now > std::mem::replace(&mut reached, now);
                if !goes_on && (!more || deadline.elapsed() > EVIDENCE_WAIT) {
                    break path;
                }
            }
        };
        let proven = start.elapsed();
        clock.lap(Phase::Probe);
        evidence.lookups = ask_tables(lab, &evidence, &path)?;
        evidence.bindings = self.bindings(request, &path)?;
        let path = assemble(&evidence);
        clock.lap(Phase::Lookups);
        Ok(Recorded {
            evidence,
            path,
            proven,
        })
    }

    fn drain(
        &mut self,
        names: &Names,
        mark: &mut Mark,
        number: usize,
        evidence: &mut Evidence,
    ) -> Result<(), RunError> {
        let mut drained = Vec::new();
        for tap in &mut self.taps {
            drained.extend(tap.drain()?);
        }
        for raw in &drained {
            if raw.node == evidence.from
                && raw.outgoing
                && let Some((headers, _)) = raw.bytes.get(ETHERNET_HEADER..).and_then(decode)
            {
                mark.learn(&headers);
            }
        }
        for raw in drained {
            let interface = names.interface(&raw.node, raw.ifindex);
            let frame = frame_of(&raw, &interface, mark);
            self.captured.push(Captured {
                node: raw.node.clone(),
                interface,
                probe: frame.as_ref().map(|frame| (number, frame.leg)),
                frame: raw,
            });
            if let Some(frame) = frame {
                record(frame, evidence);
            }
        }
        let Some(tracer) = &mut self.tracer else {
            return Ok(());
        };
        for traced in tracer.drain_traced(names.of_node("host"))? {
            let mut event = traced.event;
            // What is dropped in OUTPUT no interface has shown.
            if evidence.from == "host" {
                mark.learn(&event.headers);
            }
            event.leg = mark.leg_of_report(&event.headers, &traced.payload);
            let told = match event.leg {
                Some(LegKind::Stream) => event.action == Action::Drop,
                leg => leg.is_some(),
            };
            if told {
                evidence.verdicts.push(event);
            }
        }
        Ok(())
    }

    /// Waits until something is there to read. Returns whether there is.
    fn wait(
        &self,
        prober: &Prober,
        services: &[Service],
        left: Duration,
    ) -> Result<bool, RunError> {
        let (socket, wanted) = prober.interest();
        let mut waited = vec![PollFd::new(socket, wanted)];
        let sources = self.taps.iter().map(Tap::as_fd);
        let reports = self.tracer.iter().flat_map(Tracer::as_fds);
        let listeners = services.iter().flat_map(Service::as_fds);
        for fd in sources.chain(reports).chain(listeners) {
            waited.push(PollFd::new(fd, PollFlags::POLLIN));
        }
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut waited, timeout) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::EINTR) => Ok(true),
            Err(errno) => Err(RunError::Poll { errno }),
        }
    }

    /// The binding of the probe's own connection. No other of its lab has its source port or ICMP identifier.
    fn bindings(
        &mut self,
        request: &ProbeRequest,
        path: &PacketPath,
    ) -> Result<Vec<Binding>, RunError> {
        let Some(conntrack) = &mut self.conntrack else {
            return Ok(Vec::new());
        };
        let hops = path.hops(LegKind::Request);
        let mut seen: Vec<Headers> = hops
            .filter(|hop| hop.node == "host")
            .map(|hop| hop.headers.clone())
            .collect();
        // What the host sends itself is seen only behind a DNAT in OUTPUT.
        let sent = seen.first().map(|first| as_sent(first, request));
        seen.extend(sent);
        for connection in seen.iter().filter_map(Connection::of) {
            if let Some(binding) = conntrack.binding(&connection)? {
                return Ok(vec![binding]);
            }
        }
        Ok(Vec::new())
    }
}

/// The headers with the destination that the probe was sent to, and the source that only that one is reached from.
fn as_sent(seen: &Headers, request: &ProbeRequest) -> Headers {
    let mut headers = seen.clone();
    headers.destination = request.destination;
    if request.destination.is_loopback() {
        headers.source = request.destination;
    }
    if let Transport::Udp {
        destination_port, ..
    }
    | Transport::Tcp {
        destination_port, ..
    } = &mut headers.transport
    {
        *destination_port = request.port;
    }
    headers
}

/// How many places of the lab have seen something of the probe: a packet that goes round in a circle reaches no new ones.
fn places(evidence: &Evidence) -> usize {
    let frames = evidence.frames.iter().map(|frame| {
        let Frame {
            leg,
            node,
            interface,
            direction,
            ..
        } = frame;
        (leg, node, interface, direction)
    });
    frames.collect::<BTreeSet<_>>().len()
}

/// Whether the calling thread's namespace has tables of iptables-legacy: they come with their first rule or policy.
pub(super) fn has_legacy_tables() -> bool {
    let names = std::fs::read_to_string("/proc/thread-self/net/ip_tables_names");
    names.is_ok_and(|names| !names.trim().is_empty())
}
