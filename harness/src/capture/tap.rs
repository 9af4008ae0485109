//! One AF_PACKET socket per namespace sees every interface of a node, present and future, in exact path order.
//!
//! Not libpcap: it opens a ring per interface, which costs 8 ms to open and 24 ms to close, ties frames of different
//! interfaces by time stamps alone, and in its default mode turns promiscuous, which changes what a bridge hands up. This
//! socket is created with `ETH_P_ALL` and never bound: binding it again would wait for an RCU grace period (8 to 16 ms).

use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType,
    recvmsg, setsockopt, socket, sockopt,
};
use thiserror::Error;

use crate::lab::{LabError, Netns};

/// Room for a burst of 20,000 pings on five interfaces in both directions, at about 800 bytes for each queued frame.
const BUFFER_BYTES: usize = 256 << 20;
/// The largest frame: GSO hands 64 KiB to veth, behind an Ethernet header.
const FRAME_BYTES: usize = 65_536 + 64;
/// `PACKET_OUTGOING` (`include/uapi/linux/if_packet.h`).
const OUTGOING: u8 = 4;
/// `PACKET_OTHERHOST`.
const OTHER_HOST: u8 = 3;

/// A frame as an interface saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// Node's name.
    pub node: String,
    /// Index of the interface within its namespace.
    pub ifindex: u32,
    /// Whether it left the interface towards the link.
    pub outgoing: bool,
    /// Whether it came in for another hardware address, as what a bridge sends to all its ports.
    pub for_another: bool,
    /// Position among all frames of this tap.
    pub order: u64,
    /// Kernel time stamp in nanoseconds since 1970.
    pub at: u64,
    /// The frame from its Ethernet header on.
    pub bytes: Vec<u8>,
    /// Its length on the link, larger than `bytes` where it was cut.
    pub original_length: usize,
}

/// Why a tap cannot be opened or trusted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// A system call failed.
    #[error("cannot {operation} the capture socket in netns '{node}': {source}")]
    System {
        /// What was tried.
        operation: &'static str,
        /// The node.
        node: String,
        /// The errno.
        #[source]
        source: std::io::Error,
    },
    /// Evidence is missing: the kernel dropped frames because the socket's buffer was full.
    #[error(
        "the capture in netns '{node}' lost {frames} frames; please run: sudo sysctl net.core.rmem_max={BUFFER_BYTES}"
    )]
    Lost {
        /// The node.
        node: String,
        /// How many.
        frames: u32,
    },
    /// The namespace cannot be entered.
    #[error(transparent)]
    Lab(#[from] LabError),
}

/// An open capture of one node.
///
/// Closing it takes 8 to 16 ms: [`FinishedLabs::close`](crate::lab::FinishedLabs::close) does that off the path.
#[must_use = "nothing is captured after this is dropped"]
#[derive(Debug)]
pub struct Tap {
    node: String,
    socket: OwnedFd,
    buffer: Vec<u8>,
    order: u64,
    lost: u32,
}

impl Tap {
    /// Starts to capture in a node's namespace. What passes after this returns is seen.
    pub fn open(node: &str, netns: &Netns) -> Result<Self, CaptureError> {
        let failed = |operation| move |errno: Errno| system(node, operation, errno);
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = netns
            .run(|| {
                socket(
                    AddressFamily::Packet,
                    SockType::Raw,
                    flags,
                    SockProtocol::EthAll,
                )
            })?
            .map_err(failed("open"))?;
        // Beyond net.core.rmem_max only with CAP_NET_ADMIN in the initial user namespace.
        if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER_BYTES).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &BUFFER_BYTES)
                .map_err(failed("set the buffer of"))?;
        }
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)
            .map_err(failed("ask for time stamps of"))?;
        // Each frame then says how many were lost before it.
        setsockopt(&socket, sockopt::RxqOvfl, &1).map_err(failed("ask for losses of"))?;
        Ok(Self {
            node: node.into(),
            socket,
            buffer: vec![0; FRAME_BYTES],
            order: 0,
            lost: 0,
        })
    }

    /// The node that is captured.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Takes all frames that are there, in path order, without waiting.
    ///
    /// A loss is told with the next frame that arrives, so a capture that ends in a loss is told one drain late.
    pub fn drain(&mut self) -> Result<Vec<RawFrame>, CaptureError> {
        let mut frames = Vec::new();
        while let Some(frame) = self.take()? {
            frames.push(frame);
        }
        Ok(frames)
    }

    fn take(&mut self) -> Result<Option<RawFrame>, CaptureError> {
        let mut space = nix::cmsg_space!(nix::sys::time::TimeSpec, u32);
        let mut slices = [IoSliceMut::new(&mut self.buffer)];
        // With MSG_TRUNC the call returns the frame's length on the link.
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC;
        let received = loop {
            match recvmsg::<LinkAddr>(
                self.socket.as_raw_fd(),
                &mut slices,
                Some(&mut space),
                flags,
            ) {
                Ok(received) => break received,
                Err(Errno::EINTR) => {}
                // ENETDOWN: an interface of the node went down; told once, and nothing is lost by it.
                Err(Errno::ENETDOWN) => {}
                Err(Errno::EAGAIN) => return Ok(None),
                Err(errno) => return Err(system(&self.node, "read", errno)),
            }
        };
        let (mut at, mut lost) = (0, self.lost);
        for message in received
            .cmsgs()
            .map_err(|errno| system(&self.node, "read", errno))?
        {
            match message {
                ControlMessageOwned::ScmTimestampns(time) => {
                    at = u64::try_from(time.tv_sec()).unwrap_or_default() * 1_000_000_000
                        + u64::try_from(time.tv_nsec()).unwrap_or_default();
                }
                ControlMessageOwned::RxqOvfl(count) => lost = count,
                _ => {}
            }
        }
        let address = received
            .address
            .ok_or_else(|| system(&self.node, "reading the address", Errno::EPROTO))?;
        let length = received.bytes;
        let frames = lost.wrapping_sub(self.lost);
        if frames > 0 {
            self.lost = lost;
            return Err(CaptureError::Lost {
                node: self.node.clone(),
                frames,
            });
        }
        self.order += 1;
        Ok(Some(RawFrame {
            node: self.node.clone(),
            ifindex: u32::try_from(address.ifindex()).unwrap_or_default(),
            outgoing: address.pkttype() == OUTGOING,
            for_another: address.pkttype() == OTHER_HOST,
            order: self.order,
            at,
            bytes: self.buffer[..length.min(FRAME_BYTES)].to_vec(),
            original_length: length,
        }))
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn system(node: &str, operation: &'static str, errno: Errno) -> CaptureError {
    CaptureError::System {
        operation,
        node: node.into(),
        source: errno.into(),
    }
}
