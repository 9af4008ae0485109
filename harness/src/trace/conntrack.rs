//! Conntrack entries: who a connection's packets are from and to, in both directions.

use std::net::{IpAddr, SocketAddr};

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP};
use nix::errno::Errno;

use super::TraceError;
use crate::address::Family;
use crate::netlink::{
    Attributes, Message, NetfilterSocket, NetlinkError, Requests, SUBSYS_CONNTRACK, be_u16, be_u32,
};
use crate::packet::{Headers, Transport};
use crate::path::Binding;

const MSG_NEW: u8 = 0;
const MSG_GET: u8 = 1;
/// `IPCTNL_MSG_CT_GET_STATS`, and `CTA_STATS_GLOBAL_ENTRIES` in its answer.
const MSG_GET_STATS: u8 = 5;
const GLOBAL_ENTRIES: u16 = 1;
/// `IPCTNL_MSG_CT_DELETE`.
const MSG_DELETE: u8 = 2;
/// `AF_UNSPEC` (`nf_conntrack_netlink.c`, `ctnetlink_dump_table` and `ctnetlink_del_conntrack`).
const EVERY_FAMILY: u8 = 0;

/// Reads the conntrack table of one node.
pub struct Conntrack {
    socket: NetfilterSocket,
    node: String,
}

/// One tracked connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConntrackEntry {
    /// IANA protocol number.
    pub protocol: u8,
    /// The direction of the first packet.
    pub original: Tuple,
    /// The direction of the answers, as they arrive: where NAT is at work, not the mirror of `original`.
    pub reply: Tuple,
    /// Status bits (`IPS_*` in `nf_conntrack_common.h`).
    pub status: u32,
    /// Zone, 0 where none was set.
    pub zone: u16,
    /// Connection mark.
    pub mark: u32,
}

/// One direction of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuple {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Source and destination port, if the protocol has ports.
    pub ports: Option<(u16, u16)>,
    /// Identifier of an ICMP query.
    pub icmp_id: Option<u16>,
}

/// By what conntrack knows a connection: the addresses and the transport's part of its first packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    ends: [IpAddr; 2],
    /// `CTA_PROTO_*` and values.
    protocol: Vec<(u16, Vec<u8>)>,
}

impl Connection {
    /// The connection that a packet of these headers begins; none for what begins none.
    pub fn of(headers: &Headers) -> Option<Self> {
        Some(Self {
            ends: [headers.source, headers.destination],
            protocol: protocol(headers)?,
        })
    }
}

impl Conntrack {
    /// Opens a socket in the calling thread's network namespace.
    pub fn open(node: &str) -> Result<Self, TraceError> {
        Ok(Self {
            socket: NetfilterSocket::open(node)?,
            node: node.to_owned(),
        })
    }

    /// All entries, of both families.
    ///
    /// The table is one for all namespaces, and a dump walks its 262,144 buckets, which takes 5 to 50 ms. The kernel counts
    /// the entries of each namespace: where there is none, nothing is walked.
    pub fn dump(&mut self) -> Result<Vec<ConntrackEntry>, TraceError> {
        if self.count()? == Some(0) {
            return Ok(Vec::new());
        }
        let mut request = self.socket.requests();
        request.message((SUBSYS_CONNTRACK, MSG_GET), NLM_F_DUMP, EVERY_FAMILY, 0);
        let mut entries = Vec::new();
        self.socket.dump("dump conntrack", &request, |message| {
            entries.extend(decode(message));
        })?;
        Ok(entries)
    }

    /// A connection's binding, if it is tracked.
    ///
    /// One question instead of a dump, which walks the table of all namespaces.
    pub fn binding(&mut self, connection: &Connection) -> Result<Option<Binding>, TraceError> {
        let mut request = self.socket.requests();
        // The acknowledgement ends the answer as NLMSG_DONE ends a dump.
        request
            .message(
                (SUBSYS_CONNTRACK, MSG_GET),
                NLM_F_ACK,
                Family::of(connection.ends[0]).number(),
                0,
            )
            .nest(1, |tuple| {
                tuple.nest(1, |ends| addresses(ends, &connection.ends));
                tuple.nest(2, |parts| {
                    for (kind, value) in &connection.protocol {
                        parts.attribute(*kind, value);
                    }
                });
            });
        let mut found = None;
        let asked = self.socket.dump("look up conntrack", &request, |message| {
            found = decode(message).or(found.take());
        });
        match asked {
            Ok(()) => {}
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error.into()),
        }
        // The tuple behind a rewrite may find an entry by its other direction, which began elsewhere.
        let begun = found.filter(|entry: &ConntrackEntry| {
            [entry.original.source, entry.original.destination] == connection.ends
        });
        Ok(begun.map(|entry| entry.binding(&self.node)))
    }

    /// How many entries the namespace has (`CTA_STATS_GLOBAL_ENTRIES`), where the kernel says.
    fn count(&mut self) -> Result<Option<u32>, TraceError> {
        let mut request = self.socket.requests();
        // The acknowledgement ends the answer.
        request.message(
            (SUBSYS_CONNTRACK, MSG_GET_STATS),
            NLM_F_ACK,
            EVERY_FAMILY,
            0,
        );
        let mut found = None;
        self.socket.dump("count conntrack", &request, |message| {
            let mut attributes = message.attributes();
            let entries = attributes.find(|(kind, _)| *kind == GLOBAL_ENTRIES);
            found = entries.and_then(|(_, value)| be_u32(value)).or(found);
        })?;
        Ok(found)
    }

    /// Forgets all connections of the node, of both families. A dump's time: the table is one for all namespaces.
    pub fn forget_all(&mut self) -> Result<(), TraceError> {
        if self.count()? == Some(0) {
            return Ok(());
        }
        let mut request = self.socket.requests();
        request.message((SUBSYS_CONNTRACK, MSG_DELETE), NLM_F_ACK, EVERY_FAMILY, 0);
        Ok(self.socket.acknowledged("forget conntrack", &request)?)
    }

    /// Forgets a connection: its next packet begins another one. One that has ended meanwhile is no error.
    pub fn forget(&mut self, entry: &ConntrackEntry) -> Result<(), TraceError> {
        let tuple = &entry.original;
        let mut request = self.socket.requests();
        request
            .message(
                (SUBSYS_CONNTRACK, MSG_DELETE),
                NLM_F_ACK,
                Family::of(tuple.source).number(),
                0,
            )
            .nest(1, |nested| {
                nested.nest(1, |ends| {
                    addresses(ends, &[tuple.source, tuple.destination])
                });
                nested.nest(2, |parts| {
                    parts.attribute(1, &[entry.protocol]);
                    if let Some((from, to)) = tuple.ports {
                        parts.attribute(2, &from.to_be_bytes());
                        parts.attribute(3, &to.to_be_bytes());
                    }
                });
            });
        let asked = self.socket.dump("forget a connection", &request, |_| {});
        match asked {
            Err(error) if is_absent(&error) => Ok(()),
            other => Ok(other?),
        }
    }

    /// All entries as bindings of this node.
    pub fn bindings(&mut self) -> Result<Vec<Binding>, TraceError> {
        let entries = self.dump()?;
        Ok(entries.iter().map(|e| e.binding(&self.node)).collect())
    }
}

impl ConntrackEntry {
    /// The entry as a path shows it.
    pub fn binding(&self, node: &str) -> Binding {
        let protocol = match self.protocol {
            1 => "icmp".to_owned(),
            6 => "tcp".to_owned(),
            17 => "udp".to_owned(),
            58 => "icmpv6".to_owned(),
            132 => "sctp".to_owned(),
            number => format!("protocol {number}"),
        };
        Binding {
            node: node.to_owned(),
            protocol,
            original: self.original.texts(),
            reply: self.reply.texts(),
        }
    }
}

impl ConntrackEntry {
    /// Who asks whom and who answers, of a UDP connection whose destination is translated: a rule's decision that outlives
    /// the rule, and keeps a client with a container that is gone (moby/moby#8795). TCP begins anew with each connection.
    pub fn led_elsewhere(&self) -> Option<String> {
        let binding = self.binding("");
        let ((from, to), (answers, _)) = (&binding.original, &binding.reply);
        let is_led = binding.protocol == "udp" && to != answers;
        is_led.then(|| format!("udp {from} to {to}, which leads to {answers}"))
    }
}

impl Tuple {
    fn texts(&self) -> (String, String) {
        let text = |address: IpAddr, port: Option<u16>| match port {
            None => address.to_string(),
            Some(port) => SocketAddr::new(address, port).to_string(),
        };
        (
            text(self.source, self.ports.map(|(source, _)| source)),
            text(self.destination, self.ports.map(|(_, to)| to)),
        )
    }
}

/// Whether the kernel knows no such connection.
fn is_absent(error: &NetlinkError) -> bool {
    error.errno() == Some(Errno::ENOENT as i32)
}

/// Both ends (`CTA_IP_*`).
fn addresses(request: &mut Requests, ends: &[IpAddr; 2]) {
    let [source, destination] = ends;
    for (v4, v6, address) in [(1, 3, source), (2, 4, destination)] {
        match address {
            IpAddr::V4(address) => request.attribute(v4, &address.octets()),
            IpAddr::V6(address) => request.attribute(v6, &address.octets()),
        };
    }
}

/// The transport's part of the tuple by which conntrack knows a connection's first packet (`CTA_PROTO_*`).
fn protocol(headers: &Headers) -> Option<Vec<(u16, Vec<u8>)>> {
    let with_ports = |protocol: u8, source: u16, destination: u16| {
        vec![
            (1, vec![protocol]),
            (2, source.to_be_bytes().to_vec()),
            (3, destination.to_be_bytes().to_vec()),
        ]
    };
    match headers.transport {
        Transport::EchoRequest { id, .. } => {
            let family = Family::of(headers.source);
            let icmp = family.icmp();
            let [of_id, of_type, of_code]: [u16; 3] = match family {
                Family::Ipv4 => [4, 5, 6],
                Family::Ipv6 => [7, 8, 9],
            };
            Some(vec![
                (1, vec![icmp.protocol]),
                (of_id, id.to_be_bytes().to_vec()),
                (of_type, vec![icmp.echo_request]),
                (of_code, vec![0]),
            ])
        }
        Transport::Udp {
            source_port,
            destination_port,
        } => Some(with_ports(17, source_port, destination_port)),
        Transport::Tcp {
            source_port,
            destination_port,
            ..
        } => Some(with_ports(6, source_port, destination_port)),
        Transport::Other { protocol } => Some(vec![(1, vec![protocol])]),
        Transport::EchoReply { .. } | Transport::Error { .. } => None,
    }
}

fn decode(message: &Message<'_>) -> Option<ConntrackEntry> {
    if message.subsystem() != (SUBSYS_CONNTRACK, MSG_NEW) {
        return None;
    }
    let (mut original, mut reply) = (None, None);
    let (mut status, mut zone, mut mark) = (0, 0, 0);
    for (attribute, value) in message.attributes() {
        match attribute {
            1 => original = decode_tuple(Attributes(value)),
            2 => reply = decode_tuple(Attributes(value)),
            3 => status = be_u32(value)?,
            8 => mark = be_u32(value)?,
            18 => zone = be_u16(value)?,
            _ => {}
        }
    }
    let (protocol, original) = original?;
    let (_, reply) = reply?;
    Some(ConntrackEntry {
        protocol,
        original,
        reply,
        status,
        zone,
        mark,
    })
}

fn decode_tuple(attributes: Attributes<'_>) -> Option<(u8, Tuple)> {
    let (mut source, mut destination, mut protocol) = (None, None, None);
    let (mut from, mut to, mut icmp_id) = (None, None, None);
    for (attribute, value) in attributes {
        for (inner, value) in Attributes(value) {
            match (attribute, inner) {
                (1, 1 | 3) => source = address(value),
                (1, 2 | 4) => destination = address(value),
                (2, 1) => protocol = value.first().copied(),
                (2, 2) => from = be_u16(value),
                (2, 3) => to = be_u16(value),
                (2, 4 | 7) => icmp_id = be_u16(value),
                _ => {}
            }
        }
    }
    let tuple = Tuple {
        source: source?,
        destination: destination?,
        ports: from.zip(to),
        icmp_id,
    };
    Some((protocol?, tuple))
}

fn address(value: &[u8]) -> Option<IpAddr> {
    let mut families = Family::ALL.iter();
    families.find_map(|family| family.address(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{bytes, feed};
    use crate::netlink::messages;

    /// Recorded on Linux 6.18: a datagram from c1 to 8.8.8.8:53, masqueraded as 10.0.2.15.
    const RECORDED: &str = "a40000000001220001000000c85f0000020000003400018014000180080001000a37420208000200080808081c000280050001001100000006000200ecf70000060003000035000034000280140001800800010008080808080002000a00020f1c0002800500010011000000060002000035000006000300ecf700000800030000000198080008000000000008000c00ca9c342408000b0000000001080007000000001d";

    fn decoded(bytes: &[u8]) -> Option<ConntrackEntry> {
        decode(&messages(bytes).next()?)
    }

    #[test]
    fn only_a_udp_connection_is_led_elsewhere_and_by_its_destination() {
        let tuple = |source: [u8; 4], destination: [u8; 4], ports| Tuple {
            source: source.into(),
            destination: destination.into(),
            ports: Some(ports),
            icmp_id: None,
        };
        let (lan, host, c1) = ([10, 0, 2, 50], [10, 0, 2, 15], [10, 77, 1, 2]);
        let mut entry = ConntrackEntry {
            protocol: 17,
            original: tuple(lan, host, (40000, 5353)),
            reply: tuple(c1, lan, (53, 40000)),
            status: 0,
            zone: 0,
            mark: 0,
        };
        assert_eq!(
            entry.led_elsewhere().as_deref(),
            Some("udp 10.0.2.50:40000 to 10.0.2.15:5353, which leads to 10.77.1.2:53")
        );
        entry.protocol = 6;
        assert_eq!(entry.led_elsewhere(), None, "TCP begins anew");
        entry.protocol = 17;
        entry.reply = tuple(host, lan, (5353, 40000));
        assert_eq!(entry.led_elsewhere(), None, "the host itself answers");
    }

    #[test]
    fn both_directions_become_a_binding() {
        let entry = decoded(&bytes(RECORDED)).expect("an entry");
        let numbers = (entry.protocol, entry.status, entry.zone, entry.mark);
        assert_eq!(numbers, (17, 0x198, 0, 0));
        let binding = entry.binding("host");
        assert_eq!(binding.protocol, "udp");
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(binding.original, pair("10.55.66.2:60663", "8.8.8.8:53"));
        assert_eq!(binding.reply, pair("8.8.8.8:53", "10.0.2.15:60663"));
    }

    #[test]
    fn foreign_bytes_do_no_harm() {
        feed("conntrack", &[bytes(RECORDED)], |bytes| {
            for message in messages(bytes) {
                decode(&message);
            }
        });
    }
}
