//! A part of the trials, for several machines that share them.

use std::fmt;
use std::str::FromStr;

/// One of several parts that together hold every trial once, written `hash:1/2` as nextest does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    part: u64,
    parts: u64,
}

impl Partition {
    /// Whether the trial of this name belongs to this part. The same name belongs to the same part everywhere.
    pub fn holds(self, trial: &str) -> bool {
        fnv1a(trial) % self.parts == self.part - 1
    }
}

/// FNV-1a of 64 bits (Fowler, Noll and Vo), which unlike the standard library's hashes is the same in every version.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is not like `hash:1/2`: part 1 of 2");
        let (part, parts) = text
            .strip_prefix("hash:")
            .and_then(|rest| rest.split_once('/'))
            .ok_or_else(wrong)?;
        let part = part.parse().map_err(|_| wrong())?;
        let parts = parts.parse().map_err(|_| wrong())?;
        if part == 0 || part > parts {
            return Err(format!("there are the parts 1 to {parts}"));
        }
        Ok(Self { part, parts })
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hash:{}/{}", self.part, self.parts)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn every_trial_is_in_exactly_one_part() {
        let parts: Vec<Partition> = (1..=3)
            .map(|part| format!("hash:{part}/3").parse().unwrap())
            .collect();
        for number in 0..100 {
            let trial = format!("article/a{number}::recipe/iptables-nft/ipv4");
            assert_eq!(parts.iter().filter(|part| part.holds(&trial)).count(), 1);
        }
    }

    #[test]
    fn a_partition_that_cannot_be_is_refused() {
        for text in [
            "1/2", "hash:0/2", "hash:3/2", "hash:1", "hash:a/b", "hash:0/0",
        ] {
            assert!(text.parse::<Partition>().is_err(), "{text}");
        }
    }
}
