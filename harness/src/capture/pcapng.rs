//! One pcapng file of all interfaces of a lab, named and commented, which opens in Wireshark and tcpdump.

use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use pcap_file::DataLink;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};

/// Longest frame kept, in bytes: more than any veth carries without jumbo frames and offloads.
const SNAPLEN: u32 = 262_144;
/// Time stamps count nanoseconds: 10 to the power of minus nine (pcapng, `if_tsresol`).
const NANOSECONDS: u8 = 9;
/// `epb_flags` for a frame that came in or went out (pcapng 4.3.1).
const INBOUND: u32 = 1;
const OUTBOUND: u32 = 2;

/// A frame as it is written: where it was seen, and what is to be said about it.
#[derive(Debug, Clone)]
pub struct PcapFrame {
    /// `node:interface`.
    pub place: String,
    /// Whether it was leaving.
    pub outgoing: bool,
    /// Kernel time stamp in nanoseconds since 1970.
    pub at: u64,
    /// Ethernet frame.
    pub bytes: Vec<u8>,
    /// Length on the wire in bytes.
    pub original_length: usize,
    /// What the frame was in its path, as `probe 1 request`; empty for others.
    pub comment: String,
}

/// Writes frames in order of time, each interface described once.
///
/// # Errors
/// The writer fails, as on a full disk.
pub fn write_pcapng(writer: impl Write, frames: &[PcapFrame]) -> std::io::Result<()> {
    let mut file = PcapNgWriter::new(writer).map_err(into_io)?;
    let mut places: Vec<&str> = frames.iter().map(|frame| frame.place.as_str()).collect();
    places.sort_unstable();
    places.dedup();
    for place in &places {
        let description = InterfaceDescriptionBlock {
            linktype: DataLink::ETHERNET,
            snaplen: SNAPLEN,
            options: vec![
                InterfaceDescriptionOption::IfName(Cow::Borrowed(place)),
                InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
            ],
        };
        file.write_pcapng_block(description).map_err(into_io)?;
    }
    let mut in_time: Vec<&PcapFrame> = frames.iter().collect();
    in_time.sort_by_key(|frame| frame.at);
    for frame in in_time {
        let interface = places.binary_search(&frame.place.as_str()).unwrap_or(0);
        let flags = if frame.outgoing { OUTBOUND } else { INBOUND };
        let mut options = vec![EnhancedPacketOption::Flags(flags)];
        if !frame.comment.is_empty() {
            options.push(EnhancedPacketOption::Comment(Cow::Borrowed(&frame.comment)));
        }
        let packet = EnhancedPacketBlock {
            interface_id: u32::try_from(interface).unwrap_or_default(),
            timestamp: Duration::from_nanos(frame.at),
            original_len: u32::try_from(frame.original_length).unwrap_or(u32::MAX),
            data: Cow::Borrowed(&frame.bytes),
            options,
        };
        file.write_pcapng_block(packet).map_err(into_io)?;
    }
    file.into_inner().flush()
}

fn into_io(error: pcap_file::PcapError) -> std::io::Error {
    match error {
        pcap_file::PcapError::IoError(error) => error,
        other => std::io::Error::other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(place: &str, at: u64) -> PcapFrame {
        PcapFrame {
            place: place.to_owned(),
            outgoing: true,
            at,
            bytes: vec![2; 60],
            original_length: 60,
            comment: String::from("probe 1 request"),
        }
    }

    #[test]
    fn libpcap_reads_what_is_written_in_order_of_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("all.pcapng");
        let frames = [
            frame("host:eth0", 1_700_000_000_000_002_000),
            frame("c1:eth0", 1_700_000_000_000_001_000),
        ];
        let file = std::fs::File::create(&path).expect("a file");
        write_pcapng(file, &frames).expect("written");
        let mut capture = pcap::Capture::from_file(&path).expect("libpcap opens it");
        assert_eq!(capture.get_datalink(), pcap::Linktype::ETHERNET);
        let mut read = Vec::new();
        while let Ok(packet) = capture.next_packet() {
            read.push((
                packet.header.ts.tv_sec,
                packet.header.ts.tv_usec,
                packet.data.len(),
            ));
        }
        assert_eq!(read, [(1_700_000_000, 1, 60), (1_700_000_000, 2, 60)]);
    }
}
