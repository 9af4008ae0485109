//! Decoding of IP packets, whole ones from captures and cut ones from traces and ICMP quotations.

use super::Headers;

/// Decodes an IP packet that begins with its IP header, and returns the payload behind the transport header.
///
/// Returns `None` where the bytes are no IPv4 or IPv6 packet with a complete header.
pub fn decode_ip(bytes: &[u8]) -> Option<(Headers, &[u8])> {
    decode_lax(bytes)
}

/// Like [`decode_ip`] for a packet that may be cut anywhere behind its IP header.
pub fn decode_lax(_bytes: &[u8]) -> Option<(Headers, &[u8])> {
    None
}
