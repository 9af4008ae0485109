//! The 16 bytes that mark a probe, so that its packets are known wherever they are seen.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A probe's mark: the first 16 bytes of its payload.
///
/// Netfilter's trace quotes 20 bytes of the transport header (`nf_tables_trace.c`,
/// `NFT_TRACETYPE_TRANSPORT_HSIZE`), which for ICMP reaches 12 bytes into the payload. The first
/// 12 bytes therefore tell two probes apart by themselves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Token(pub [u8; 16]);

impl Token {
    /// The fixed beginning of every token, which a person finds in a hex dump.
    pub const MARK: [u8; 4] = *b"gold";

    /// The beginning of an answer's token, where the same payload would not tell the two directions apart.
    pub const ANSWER_MARK: [u8; 4] = *b"GOLD";

    /// The token that a service answers this one with.
    pub fn answer(self) -> Self {
        let mut bytes = self.0;
        bytes[..4].copy_from_slice(&Self::ANSWER_MARK);
        Self(bytes)
    }

    /// The token of probe number `probe` of the lab numbered `lab` in process `process`.
    pub fn new(process: u32, lab: u32, probe: u32) -> Self {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&Self::MARK);
        bytes[4..8].copy_from_slice(&probe.to_be_bytes());
        bytes[8..12].copy_from_slice(&lab.to_be_bytes());
        bytes[12..].copy_from_slice(&process.to_be_bytes());
        Self(bytes)
    }

    /// The number of the probe whose token, or whose answer's token, this is, if it is of that lab and process.
    pub fn number(&self, process: u32, lab: u32) -> Option<u32> {
        let Self(bytes) = self;
        let probe = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
        let own = Self::new(process, lab, probe);
        (*self == own || *self == own.answer()).then_some(probe)
    }

    /// Whether `payload` begins with this token, or with as much of it as `payload` holds.
    ///
    /// At least 12 bytes must be there: fewer do not tell two probes apart.
    pub fn begins(&self, payload: &[u8]) -> bool {
        let held = payload.len().min(16);
        held >= 12 && payload[..held] == self.0[..held]
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}
