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

use super::lookup::name;
use super::{Lab, LabError, Netns};
use crate::netlink::RouteSocket;

/// The kernel runs its link watch once a second when it defers it (`net/core/link_watch.c`, `HZ`); a machine under load
/// gets five times that.
const LINK_WAIT: Duration = Duration::from_secs(5);
/// `RTNLGRP_LINK`.
const LINK_EVENTS: u32 = 1;

/// Waits until the link is ready. Asking for it by index makes the kernel finish its link watch for it first, so that
/// nearly always the first look is the last. An older kernel answers at once (6.1: one link in 82 trials was not ready),
/// and then says by an event when it is.
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
    let mut events = netns.route_socket(socket.node(), &[LINK_EVENTS])?;
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
    /// Waits until every link that has a carrier is ready, in every node. To be called after a case's own commands: the
    /// kernel's link watch follows them later, and until then a bridge does not forward to a new port.
    ///
    /// # Errors
    /// A link is not ready in time, or cannot be asked.
    pub fn wait_for_links(&self) -> Result<(), LabError> {
        for live in self.nodes.values() {
            let mut socket = live.socket();
            // A bridge has a carrier once one of its ports forwards: the second look sees it.
            for _ in ["ports", "bridges"] {
                let waited = socket.links()?;
                for link in waited.iter().filter(|link| is_on_its_way(link)) {
                    let named = name(link);
                    wait(&live.netns, &mut socket, link.header.index, &named)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether the link watch has yet to see that there is a carrier. A port that listens, learns or blocks does so by STP, or
/// because the case has it so.
fn is_on_its_way(link: &LinkMessage) -> bool {
    let has_carrier = link
        .attributes
        .iter()
        .any(|attribute| matches!(attribute, LinkAttribute::Carrier(1)));
    let by_intent = port_state(link).is_some_and(|state| {
        !matches!(
            state,
            BridgePortState::Disabled | BridgePortState::Forwarding
        )
    });
    let is_seen = is_ready(link) && !is_unseen(link);
    link.header.flags.contains(LinkFlags::Up) && has_carrier && !by_intent && !is_seen
}

/// Whether the link watch may have yet to look at a link for the first time: its carrier went and came since it was made,
/// as a veth's and a bridge's does. A bridge forwards to such a port and it drops what it is to send, having no queue.
/// Links that never had another carrier, as a dummy, keep this state: so it is looked at once and not waited for.
fn is_unseen(link: &LinkMessage) -> bool {
    let is_unknown = link
        .attributes
        .contains(&LinkAttribute::OperState(State::Unknown));
    is_unknown && !link.header.flags.contains(LinkFlags::Loopback)
}

/// Waits for the next event; false when `bound` has passed since `start`.
pub(crate) fn next_event(
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
    let is_up = link.attributes.iter().all(|attribute| match attribute {
        LinkAttribute::OperState(state) => matches!(state, State::Up | State::Unknown),
        _ => true,
    });
    is_up && port_state(link).is_none_or(|state| state == BridgePortState::Forwarding)
}

/// The state of a bridge port, none if the link is no port.
fn port_state(link: &LinkMessage) -> Option<BridgePortState> {
    link.attributes.iter().find_map(|attribute| {
        let LinkAttribute::LinkInfo(parts) = attribute else {
            return None;
        };
        parts.iter().find_map(|part| {
            let LinkInfo::PortData(InfoPortData::BridgePort(port)) = part else {
                return None;
            };
            port.iter().find_map(|data| match data {
                InfoBridgePort::State(state) => Some(*state),
                _ => None,
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(flags: LinkFlags, state: State) -> LinkMessage {
        let mut link = LinkMessage::default();
        link.header.flags = flags;
        link.attributes = vec![LinkAttribute::Carrier(1), LinkAttribute::OperState(state)];
        link
    }

    #[test]
    fn what_the_link_watch_never_saw_is_looked_at() {
        assert!(is_on_its_way(&link(LinkFlags::Up, State::Unknown)));
        assert!(!is_on_its_way(&link(LinkFlags::Up, State::Up)));
        assert!(is_on_its_way(&link(LinkFlags::Up, State::Down)));
    }

    #[test]
    fn nobody_waits_for_lo() {
        let lo = link(LinkFlags::Up | LinkFlags::Loopback, State::Unknown);
        assert!(!is_on_its_way(&lo));
    }
}
