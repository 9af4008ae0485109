//! The one loop that sends all questions, serves their services, and looks for what comes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use super::error::AskError;
use super::flows::{Flows, OpenFlow};
use super::numbers::{Numbers, request};
use super::pinned::Pinned;
use super::ready::{readable, ready};
use super::seen::{Arrival, Heard, Leg, Seen};
use super::sights::Sights;
use super::socket::Socket;
use crate::capture::Tap;
use crate::case::ProbeKind;
use crate::intent::{Answer, Ask, Flow, LASTING, Row};
use crate::lab::Lab;
use crate::packet::Token;
use crate::probe::{Caller, ProbeRequest, Service};

/// How long an answer that must come may take. Within a lab's kernel it is there when the send returns; a proxy is a process
/// that has to be scheduled, and on two cores with forty runnable tasks it was seconds late. Only what never comes takes it.
pub const ANSWER_WAIT: Duration = Duration::from_secs(3);
/// How long answers are waited for before the controls are asked: longer than the first retransmission of a connection
/// (`TCP_RTO_MIN`, 200 ms), which follows a segment that was told to be too large. What only the kernel carries and what has not
/// come when the controls of its node are answered is lost, unless an ARP request is open: the kernel asks once a second,
/// three times (`retrans_time_ms`, `mcast_solicit`).
pub const KERNEL_WAIT: Duration = Duration::from_millis(400);
/// How much longer than the controls a question that must not arrive is looked for where the implementation has processes.
/// All of them leave from one processor, whose queue is in order (`process_backlog`), so only what a process hands on can
/// still come.
pub const LATE: Duration = Duration::from_millis(5);
/// Questions that are sent before the services are served again: a listener's queue holds 128 connections.
const TURN: usize = 64;

/// What asks: a lab with services and captures.
#[derive(Debug)]
pub struct Asker<'a> {
    /// The lab.
    pub lab: &'a Lab,
    /// What listens in it.
    pub services: &'a mut [Service],
    /// Captures of its nodes.
    pub taps: &'a mut [Tap],
    /// Its tokens and ports.
    pub numbers: &'a mut Numbers,
    /// Its flows.
    pub flows: &'a mut Flows,
    /// Whether no process of the implementation hands packets on.
    pub by_kernel_alone: bool,
}

/// One question on its way.
struct Cell<'a> {
    row: &'a Row,
    node: String,
    /// Where its frames are kept.
    position: usize,
    token: Token,
    socket: Socket,
    /// Of an open flow the end that answered.
    caller: Option<Caller>,
    /// Whether the asking node has heard what that end sent first; none if it sent nothing.
    spoken_to: Option<bool>,
    heard: Vec<Heard>,
    /// Whether nothing more is expected of its socket.
    done: bool,
    /// Whether it must end before the asking does.
    awaited: bool,
}

impl Asker<'_> {
    /// Asks all rows at once. Returns what was seen of each, in their order. What is not to be `awaited` takes no time of its
    /// own: it is looked at when all others have ended.
    ///
    /// # Errors
    /// A socket could not be had, or frames were lost.
    pub fn ask(
        &mut self,
        rows: &[Row],
        awaited: impl Fn(&Row) -> bool,
    ) -> Result<Vec<Seen>, AskError> {
        let mut sights = Sights::new(std::process::id(), self.numbers.lab);
        // What happened before belongs to no question.
        self.look(&mut Sights::new(0, 0))?;
        self.services
            .iter_mut()
            .for_each(|one| drop(one.take_got()));
        let pinned = Pinned::here();
        let mut cells = self.open(rows, &mut sights)?;
        for cell in &mut cells {
            cell.awaited = must_end(&cell.row.answer) && awaited(cell.row);
        }
        self.speak_first(&mut cells, &mut sights)?;
        self.send(&mut cells)?;
        self.wait(&mut cells, &mut sights, KERNEL_WAIT)?;
        if cells.iter().any(|cell| cell.is_open(&sights)) {
            let passed = self.control(&cells, &mut sights)?;
            self.look(&mut sights)?;
            // Until the kernel has asked for the last time who has an address, what is for there waits in its queue.
            let resolves = cells.iter().any(|cell| cell.resolves(&sights));
            let is_lost = |cell: &Cell<'_>| cell.by_kernel() && passed.contains(&cell.node);
            for cell in cells
                .iter_mut()
                .filter(|cell| pinned.in_order() && !resolves && is_lost(cell))
            {
                cell.awaited = false;
            }
            self.wait(&mut cells, &mut sights, ANSWER_WAIT)?;
        }
        self.control(&cells, &mut sights)?;
        let late = if self.by_kernel_alone && pinned.in_order() {
            Duration::ZERO
        } else {
            LATE
        };
        self.stay(&mut cells, &mut sights, late)?;
        Ok(self.seen(cells, &mut sights))
    }

    /// Asks the controls. Returns the nodes that heard their answer: what they had sent before has left the kernel's queues.
    fn control(
        &mut self,
        cells: &[Cell<'_>],
        sights: &mut Sights,
    ) -> Result<BTreeSet<String>, AskError> {
        let controls = controls(cells, sights);
        let mut asked = self.open(&controls, sights)?;
        self.send(&mut asked)?;
        self.wait(&mut asked, sights, ANSWER_WAIT)?;
        let passed = asked.into_iter().filter(Cell::answered);
        Ok(passed.map(|cell| cell.node).collect())
    }

    fn open<'r>(
        &mut self,
        rows: &'r [Row],
        sights: &mut Sights,
    ) -> Result<Vec<Cell<'r>>, AskError> {
        let taken = rows.iter().filter_map(|row| match row.question.ask {
            Ask::FromPublished(_, port) => Some(port),
            _ => None,
        });
        let services = self.services.iter().map(Service::port);
        let kept = self.flows.source_ports();
        let avoid: BTreeSet<u16> = services.chain(taken).chain(kept).collect();
        let mut by_node: BTreeMap<&str, Vec<(&Row, usize, ProbeRequest)>> = BTreeMap::new();
        let mut order = Vec::new();
        for row in rows {
            let node = self.lab.canonical(&row.question.from.0);
            let (number, port) = self.numbers.take(&avoid);
            let token = Token::new(std::process::id(), self.numbers.lab, number);
            let request = request(&row.question, token, port);
            let tcp = (request.kind == ProbeKind::Tcp).then_some(request.source_port);
            let position = sights.expect(number, node, tcp);
            if request.kind == ProbeKind::TcpFin {
                sights.expect_segment(position, request.segment_number());
            }
            if request.kind == ProbeKind::IcmpReply {
                sights.expect_reply(position);
            }
            let of_node = by_node.entry(node).or_default();
            order.push((node, of_node.len()));
            of_node.push((row, position, request));
        }
        let mut opened: BTreeMap<&str, Vec<Option<Cell<'r>>>> = BTreeMap::new();
        for (node, asked) in by_node {
            let netns = self.lab.netns(node)?;
            let cells = netns.run(|| {
                let flows = &mut *self.flows;
                let open = |(row, position, request): (&'r Row, usize, ProbeRequest)| {
                    let failed = |source| AskError::Probe {
                        node: node.to_owned(),
                        source,
                    };
                    let held = (row.question.flow == Flow::Open)
                        .then(|| flows.take(&row.question))
                        .flatten();
                    let (socket, caller) = match held {
                        Some(OpenFlow {
                            mut socket, caller, ..
                        }) => (socket.renew(request.token).map(|()| socket), caller),
                        None => (Socket::open(&request), None),
                    };
                    Ok(Some(Cell {
                        row,
                        node: node.to_owned(),
                        position,
                        token: request.token,
                        socket: socket.map_err(failed)?,
                        caller,
                        spoken_to: None,
                        heard: Vec::new(),
                        done: false,
                        awaited: true,
                    }))
                };
                let cells = asked.into_iter().map(open);
                cells.collect::<Result<Vec<_>, AskError>>()
            })??;
            opened.insert(node, cells);
        }
        let in_order = order.into_iter();
        Ok(in_order
            .filter_map(|(node, position)| opened.get_mut(node)?.get_mut(position)?.take())
            .collect())
    }

    /// Has the ends that answered open flows send first, where that must be answered and no proxy, which may know of requests
    /// alone, is between. Containers are the very first: whom the host asks for its hardware address learns the host's, too.
    fn speak_first(&mut self, cells: &mut [Cell<'_>], sights: &mut Sights) -> Result<(), AskError> {
        let mut turns: Vec<&mut Cell<'_>> = cells.iter_mut().collect();
        turns.sort_by_key(|cell| {
            let node = cell.caller.as_ref().map(|caller| caller.node.as_str());
            node.is_some_and(|node| LASTING.contains(&node))
        });
        for cell in turns {
            cell.done = true;
            let Answer::Answered { routers, .. } = &cell.row.answer else {
                continue;
            };
            let by_proxy = routers.is_none() && matches!(cell.row.question.ask, Ask::Udp(_));
            let Some(caller) = cell.caller.take_if(|_| !by_proxy) else {
                continue;
            };
            let mut services = self.services.iter_mut();
            let Some(service) = services.find(|service| service.is_of(&caller)) else {
                continue;
            };
            let (number, _) = self.numbers.take(&BTreeSet::new());
            let token = Token::new(std::process::id(), self.numbers.lab, number);
            cell.socket
                .renew(token)
                .map_err(|source| cell.broken(source))?;
            service.speak(caller, token);
            (cell.done, cell.spoken_to) = (false, Some(false));
        }
        self.wait(cells, sights, ANSWER_WAIT)?;
        for cell in cells.iter_mut() {
            cell.done = false;
            if cell.spoken_to.is_some() {
                cell.spoken_to = Some(cell.answered());
                let token = cell.token;
                cell.heard.retain(|one| matches!(one, Heard::Errno(_)));
                cell.done = !cell.heard.is_empty();
                cell.socket
                    .renew(token)
                    .map_err(|source| cell.broken(source))?;
            }
        }
        Ok(())
    }

    fn send(&mut self, cells: &mut [Cell<'_>]) -> Result<(), AskError> {
        for turn in cells.chunks_mut(TURN) {
            for cell in turn.iter_mut().filter(|cell| !cell.done) {
                let sent = cell.socket.send().map_err(|source| cell.broken(source))?;
                cell.done = sent.is_some();
                cell.heard.extend(sent);
            }
            self.exchange(turn)?;
        }
        Ok(())
    }

    /// Serves, and takes the answers that are there. Returns whether anything came.
    fn exchange(&mut self, cells: &mut [Cell<'_>]) -> Result<bool, AskError> {
        let mut came = receive(cells)?;
        self.serve()?;
        came |= receive(cells)?;
        Ok(came)
    }

    /// Serves those who have called.
    fn serve(&mut self) -> Result<(), AskError> {
        let fds = self.services.iter().map(Service::as_fds);
        let counts: Vec<usize> = fds.clone().map(|of_one| of_one.len()).collect();
        let ready = ready(fds.flatten().map(readable), Duration::ZERO)?;
        let mut ready = ready.as_slice();
        for (service, count) in self.services.iter_mut().zip(counts) {
            let (of_one, others) = ready.split_at(count);
            ready = others;
            if of_one.contains(&true) {
                let node = service.node().to_owned();
                service.serve().map_err(AskError::system("serve", &node))?;
            }
        }
        Ok(())
    }

    /// Waits until every question that must be answered, or told otherwise, has been, at most this long.
    fn wait(
        &mut self,
        cells: &mut [Cell<'_>],
        sights: &mut Sights,
        at_most: Duration,
    ) -> Result<(), AskError> {
        let deadline = Instant::now() + at_most;
        loop {
            while self.exchange(cells)? {}
            if cells.iter().all(|cell| cell.done || !cell.awaited) {
                return Ok(());
            }
            self.look(sights)?;
            let open: Vec<&Cell<'_>> = cells.iter().filter(|cell| cell.is_open(sights)).collect();
            let left = deadline.saturating_duration_since(Instant::now());
            // On a busy machine the time may be over before anybody has looked twice: what is there by then counts.
            let more = !open.is_empty() && self.poll(&open, left)?;
            if open.is_empty() || (left.is_zero() && (!more || deadline.elapsed() > at_most)) {
                return Ok(());
            }
        }
    }

    /// Waits until something is there to read. Returns whether there is.
    fn poll(&self, cells: &[&Cell<'_>], left: Duration) -> Result<bool, AskError> {
        let sockets = cells.iter().map(|cell| cell.socket.interest());
        let services = self.services.iter().flat_map(Service::as_fds);
        let taps = self.taps.iter().map(|tap| tap.as_fd());
        let others = services.chain(taps).map(readable);
        Ok(ready(sockets.chain(others), left)?.contains(&true))
    }

    /// Goes on serving and looking for so long.
    fn stay(
        &mut self,
        cells: &mut [Cell<'_>],
        sights: &mut Sights,
        time: Duration,
    ) -> Result<(), AskError> {
        let until = Instant::now() + time;
        for cell in cells.iter_mut() {
            // A second answer would be one too many.
            cell.done = cell.done && !(cell.socket.takes_more() && cell.answered());
        }
        loop {
            self.exchange(cells)?;
            self.look(sights)?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.poll(&[], left)?;
        }
    }

    fn look(&mut self, sights: &mut Sights) -> Result<(), AskError> {
        let mut frames = Vec::new();
        for tap in self.taps.iter_mut() {
            frames.extend(tap.drain()?);
        }
        sights.add(&frames);
        Ok(())
    }

    fn seen(&mut self, cells: Vec<Cell<'_>>, sights: &mut Sights) -> Vec<Seen> {
        let going_on = cells.iter().filter(|cell| cell.goes_on());
        let going_on: BTreeSet<[u8; 16]> = going_on.map(|cell| cell.token.0).collect();
        let mut got: BTreeMap<[u8; 16], Vec<Arrival>> = BTreeMap::new();
        let mut callers: BTreeMap<[u8; 16], Caller> = BTreeMap::new();
        for service in self.services.iter_mut() {
            for one in service.take_got() {
                if going_on.contains(&one.token.0) {
                    callers.extend(service.release(&one).map(|caller| (one.token.0, caller)));
                }
                got.entry(one.token.0).or_default().push(Arrival {
                    node: service.node().to_owned(),
                    peer: one.peer,
                    bytes: one.bytes,
                });
            }
        }
        let seen = cells.into_iter().map(|cell| {
            let (goes_on, by_proxy) = (cell.goes_on(), !cell.by_kernel());
            let seen = Seen {
                unresolved: sights.unresolved(&cell.node, cell.row.question.to.address),
                from: cell.node,
                spoken_to: cell.spoken_to,
                heard: cell.heard,
                got: got.remove(&cell.token.0).unwrap_or_default(),
                sights: sights.take(cell.position),
            };
            if goes_on {
                cell.socket.settle();
                let flow = OpenFlow {
                    by_proxy,
                    socket: cell.socket,
                    caller: callers.remove(&cell.token.0),
                };
                self.flows.keep(&cell.row.question, flow);
            }
            seen
        });
        seen.collect()
    }
}

impl Cell<'_> {
    fn broken(&self, source: crate::probe::ProbeError) -> AskError {
        AskError::Probe {
            node: self.node.clone(),
            source,
        }
    }

    /// Whether something must still come of it.
    fn is_open(&self, sights: &Sights) -> bool {
        !self.done && self.awaited && !is_told(self, sights)
    }

    /// Whether it waits for somebody to say that he has the address.
    fn resolves(&self, sights: &Sights) -> bool {
        let asked = sights.unresolved(&self.node, self.row.question.to.address);
        self.is_open(sights) && asked.is_some()
    }

    /// Whether no process of the implementation may stand between.
    fn by_kernel(&self) -> bool {
        !matches!(self.row.answer, Answer::Answered { routers: None, .. })
    }

    fn answered(&self) -> bool {
        self.heard.iter().any(|one| matches!(one, Heard::Answer(_)))
    }

    /// Whether the flow is asked again after an event. One that has failed is kept, too: it may be asked once more.
    fn goes_on(&self) -> bool {
        let question = &self.row.question;
        question.flow == Flow::Open || (self.row.may_go_on() && self.answered())
    }
}

/// Takes the answers that are there. Returns whether any is.
fn receive(cells: &mut [Cell<'_>]) -> Result<bool, AskError> {
    let mut open: Vec<&mut Cell<'_>> = cells.iter_mut().filter(|cell| !cell.done).collect();
    let ready = ready(
        open.iter().map(|cell| cell.socket.interest()),
        Duration::ZERO,
    )?;
    let mut came = false;
    for (cell, _) in open.iter_mut().zip(ready).filter(|(_, ready)| *ready) {
        let heard = cell.socket.receive();
        let heard = heard.map_err(|source| cell.broken(source))?;
        cell.done = heard.is_some();
        came |= heard.is_some();
        cell.heard.extend(heard);
    }
    Ok(came)
}

/// Whether the asking node must be told how it ended.
fn must_end(answer: &Answer) -> bool {
    matches!(
        answer,
        Answer::Answered { .. }
            | Answer::Refused { .. }
            | Answer::Unreachable
            | Answer::TooLarge { .. }
    )
}

/// Whether an ICMP error has told it, of which a socket may take no notice. That nobody answers for its next hop is an end
/// only where it must be: elsewhere the answer may be late.
fn is_told(cell: &Cell<'_>, sights: &Sights) -> bool {
    let error = |leg| matches!(leg, Leg::Error(_));
    let sights_of = sights.of(cell.position).iter();
    let told = sights_of
        .filter(|sight| error(sight.leg) && sight.arrives())
        .any(|sight| *sight.node == *cell.node);
    let unresolved = || sights.unresolved(&cell.node, cell.row.question.to.address);
    told || (cell.row.answer == Answer::Unreachable && unresolved().is_some())
}

/// Questions to ask once more: of each node the one that was answered over the longest way.
fn controls(cells: &[Cell<'_>], sights: &Sights) -> Vec<Row> {
    let mut longest: BTreeMap<&str, (usize, &Row)> = BTreeMap::new();
    for cell in cells {
        // A connection is more than one packet, and a source port that is asked for is held.
        let plain = matches!(cell.row.question.ask, Ask::Icmp | Ask::Udp(_));
        if cell.answered() && plain {
            let length = sights.of(cell.position).len();
            let known = longest.entry(&cell.node).or_insert((length, cell.row));
            if known.0 < length {
                *known = (length, cell.row);
            }
        }
    }
    longest.into_values().map(|(_, row)| row.clone()).collect()
}
