//! A link is ready when its operational state is up and, on a bridge port, when the port forwards.

use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rtnetlink::LinkUnspec;
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::{
    BridgePortState, InfoBridgePort, InfoPortData, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
    State,
};
use std::os::fd::AsFd;

use super::lookup::{links, name};
use super::netlink::RouteSocket;
use super::{Lab, LabError, Netns};

/// The kernel runs its link watch once a second when it defers it (`net/core/link_watch.c`, `HZ`); a machine under load
/// gets five times that.
const LINK_WAIT: Duration = Duration::from_secs(5);
/// `RTNLGRP_LINK`.
const LINK_EVENTS: u32 = 1;

/// Waits until the link is ready. Asking for it by index makes the kernel finish its link watch for it first, so that
/// nearly always the first look is the last.
pub(super) fn wait(
    netns: &Netns,
    socket: &mut RouteSocket,
    index: u32,
    name: &str,
) -> Result<(), LabError> {
    if look(socket, index, name)? {
        return Ok(());
    }
    // Joined before the next look, so no event is lost between.
    let mut events = RouteSocket::open(socket.node(), netns, &[LINK_EVENTS])?;
    let start = Instant::now();
    while !look(socket, index, name)? {
        if !next_event(&mut events, start, LINK_WAIT)? {
            let (event, node) = (format!("link {name} ready"), socket.node().to_string());
            return Err(LabError::Overdue {
                event,
                node,
                seconds: LINK_WAIT.as_secs(),
            });
        }
    }
    Ok(())
}

impl Lab {
    /// Waits until every link that somebody set up carries packets. One that was set up a moment ago may still be waiting
    /// for the kernel's link watch, and would lose the first packet. Bridge ports come first: a bridge has a carrier once
    /// one of them forwards.
    pub fn settle(&self) -> Result<(), LabError> {
        for live in self.nodes.values() {
            let mut socket = live.socket();
            for only_ports in [true, false] {
                let up: Vec<(u32, String)> = links(&mut socket)?
                    .iter()
                    .filter(|link| {
                        link.header
                            .flags
                            .contains(LinkFlags::Up | LinkFlags::LowerUp)
                    })
                    .filter(|link| !only_ports || is_port(link))
                    .map(|link| (link.header.index, name(link)))
                    .collect();
                for (index, name) in up {
                    wait(&live.netns, &mut socket, index, &name)?;
                }
            }
        }
        Ok(())
    }
}

fn is_port(link: &LinkMessage) -> bool {
    let mut attributes = link.attributes.iter();
    attributes.any(|attribute| matches!(attribute, LinkAttribute::Controller(_)))
}

/// Waits for the next event; false when `bound` has passed since `start`.
pub(super) fn next_event(
    events: &mut RouteSocket,
    start: Instant,
    bound: Duration,
) -> Result<bool, LabError> {
    let left = bound.saturating_sub(start.elapsed());
    let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
    let count = {
        let mut fds = [PollFd::new(events.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, timeout).map_err(|e| LabError::system("poll", "netlink socket", e))?
    };
    if count > 0 {
        events.events()?;
    }
    Ok(count > 0)
}

fn look(socket: &mut RouteSocket, index: u32, name: &str) -> Result<bool, LabError> {
    let question = RouteNetlinkMessage::GetLink(LinkUnspec::new_with_index(index).build());
    match socket.get("look at link", name, question)? {
        RouteNetlinkMessage::NewLink(link) => Ok(is_ready(&link)),
        _ => Ok(false),
    }
}

fn is_ready(link: &LinkMessage) -> bool {
    link.attributes.iter().all(|attribute| match attribute {
        LinkAttribute::OperState(state) => matches!(state, State::Up | State::Unknown),
        LinkAttribute::LinkInfo(parts) => parts.iter().all(|part| match part {
            LinkInfo::PortData(InfoPortData::BridgePort(port)) => !port.iter().any(
                |p| matches!(p, InfoBridgePort::State(s) if *s != BridgePortState::Forwarding),
            ),
            _ => true,
        }),
        _ => true,
    })
}
