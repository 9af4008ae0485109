//! Flows that were answered, kept to be asked again after an event.

use std::collections::BTreeMap;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::asking::ANSWER_WAIT;
use super::error::AskError;
use super::socket::Socket;
use crate::case::Protocol;
use crate::intent::{Flow, Question};
use crate::probe::Caller;

/// Flows that were answered, each by the question that began it.
#[derive(Debug, Default)]
pub struct Flows(BTreeMap<Question, OpenFlow>);

/// Both ends of a flow. The asking one is closed first, by a reset that the other one still hears, unless that has hung up.
#[derive(Debug)]
pub(super) struct OpenFlow {
    pub(super) socket: Socket,
    /// None of an echo request, or if the node that answered is gone.
    pub(super) caller: Option<Caller>,
    /// Whether a proxy may stand between.
    pub(super) by_proxy: bool,
}

impl Flows {
    /// Whether a question can be asked: one of an open flow needs the flow.
    pub fn can_ask(&self, question: &Question) -> bool {
        question.flow == Flow::New || self.0.contains_key(&begun(question))
    }

    /// Ports that they hold, whoever sends from them.
    pub(super) fn source_ports(&self) -> impl Iterator<Item = u16> {
        self.0.values().map(|flow| flow.socket.source_port())
    }

    /// Forgets all other nodes: an open socket keeps a namespace, and a connection ends with either end.
    pub fn retain(&mut self, of: impl Fn(&str) -> bool) {
        self.0.retain(|question, flow| {
            let gone = flow.caller.take_if(|caller| !of(&caller.node));
            let ends = gone.is_some_and(|caller| caller.protocol == Protocol::Tcp);
            of(&question.from.0) && !ends
        });
    }

    /// Has a node that is about to go end its connections first, where a proxy may stand between, as the kernel does for a
    /// process that ends: that proxy must remember them for a minute (`TCP_TIMEWAIT_LEN`), and its successor listen all the same.
    ///
    /// # Errors
    /// A system call failed. That nobody hears the end is no error: the connection ends by a reset.
    pub fn hang_up(&mut self, node: &str) -> Result<(), AskError> {
        let is_of = |flow: &OpenFlow| {
            let mut caller = flow.caller.iter();
            flow.by_proxy && caller.any(|one| one.node == node && one.protocol == Protocol::Tcp)
        };
        let all = std::mem::take(&mut self.0).into_iter();
        let (ends, stay): (BTreeMap<_, _>, _) = all.partition(|(_, flow)| is_of(flow));
        self.0 = stay;
        let mut open: Vec<OpenFlow> = ends.into_values().collect();
        let callers = open.iter().filter_map(|flow| flow.caller.as_ref());
        callers.for_each(Caller::hang_up);
        let deadline = Instant::now() + ANSWER_WAIT;
        while !open.is_empty() {
            let sockets = open.iter().map(|flow| flow.socket.interest().0);
            let mut polled: Vec<PollFd<'_>> = sockets
                .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
                .collect();
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            match poll(&mut polled, timeout) {
                Ok(0) => break,
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(errno) => {
                    return Err(AskError::system("wait for the end of connections", node)(
                        errno,
                    ));
                }
            }
            let heard: Vec<bool> = polled.iter().map(|one| one.any() == Some(true)).collect();
            let mut heard = heard.into_iter();
            for flow in open.extract_if(.., |_| heard.next() == Some(true)) {
                let orderly = flow.socket.reset_at_end(false);
                orderly.map_err(AskError::system("end a connection", node))?;
            }
        }
        Ok(())
    }

    /// Ends all of them without a packet, as their lab goes. The resets would need more neighbours at once than all labs of the
    /// machine may know.
    pub fn end_unheard(self) {
        for flow in self.0.into_values() {
            // What cannot be done leaves a reset.
            let _ = flow.socket.end_unheard();
            let _ = flow.caller.map(|caller| caller.end_unheard());
        }
    }

    pub(super) fn keep(&mut self, question: &Question, flow: OpenFlow) {
        self.0.insert(begun(question), flow);
    }

    pub(super) fn take(&mut self, question: &Question) -> Option<OpenFlow> {
        self.0.remove(&begun(question))
    }
}

/// The question that began its flow.
fn begun(question: &Question) -> Question {
    Question {
        flow: Flow::New,
        ..question.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::os::fd::AsRawFd as _;

    use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, bind, socket};

    use super::*;
    use crate::case::ProbeKind;
    use crate::intent::{Ask, Routing, Size, Target, Vantage};
    use crate::probe::{ProbeRequest, Service};

    /// Whether somebody who does not ask for a port that is still remembered (socket(7), `SO_REUSEADDR`) can have it.
    fn is_free(at: SocketAddr) -> bool {
        let made = socket(
            AddressFamily::Inet,
            SockType::Stream,
            SockFlag::SOCK_CLOEXEC,
            None,
        );
        let made = made.expect("a socket");
        bind(made.as_raw_fd(), &SockaddrStorage::from(at)).is_ok()
    }

    #[test]
    fn who_hangs_up_first_remembers_the_connection() {
        for hangs_up in [false, true] {
            let local = Ipv4Addr::LOCALHOST.into();
            let listen = Service::listen("c1", Protocol::Tcp, local, 0);
            let mut service = listen.expect("a port is free");
            let at = SocketAddr::new(local, service.port());
            let mut asking =
                Socket::open(&ProbeRequest::smallest(ProbeKind::Tcp, at)).expect("a socket");
            asking.send().expect("it is sent");
            while asking
                .receive()
                .expect("the machine is not broken")
                .is_none()
            {
                let sockets = std::iter::once(asking.interest());
                let served = service.as_fds().into_iter();
                let mut polled: Vec<PollFd<'_>> = sockets
                    .chain(served.map(|fd| (fd, PollFlags::POLLIN)))
                    .map(|(fd, wanted)| PollFd::new(fd, wanted))
                    .collect();
                poll(&mut polled, PollTimeout::NONE).expect("something comes");
                service.serve().expect("it listens");
            }
            let got = service.take_got().pop().expect("it has got it");
            let question = Question {
                from: Vantage("lan".into()),
                to: Target {
                    address: at.ip(),
                    role: "c1".into(),
                },
                ask: Ask::Tcp(at.port()),
                size: Size::Small,
                way: Routing::OwnRoutes,
                flow: Flow::New,
            };
            let flow = OpenFlow {
                socket: asking,
                caller: service.release(&got),
                by_proxy: true,
            };
            let mut flows = Flows::default();
            flows.keep(&question, flow);
            drop(service);
            if hangs_up {
                flows.hang_up("c1").expect("the machine is not broken");
            }
            flows.retain(|node| node != "c1");
            assert!(!flows.can_ask(&Question {
                flow: Flow::Open,
                ..question
            }));
            assert_eq!(is_free(at), !hangs_up);
        }
    }
}
