//! The numbers that scenarios are drawn from.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). A seed must mean the same
/// scenarios on every machine and in every later version, which no crate of random numbers promises for its ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers(u64);

impl Numbers {
    /// Numbers of their own for the part with this number, so that one part's changes leave the others as they are.
    pub(super) fn part(seed: u64, part: u64) -> Self {
        let mut numbers = Self(seed ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        numbers.next();
        numbers
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not zero. The bias is below 2^-40 for the few values drawn here.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % limit).unwrap_or_default()
    }

    /// One of several; none of nothing.
    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}

/// So many of these, each at most once, by a seed.
pub fn drawn<T>(mut from: Vec<T>, count: usize, seed: u64) -> Vec<T> {
    let mut numbers = Numbers::part(seed, 0);
    let mut drawn = Vec::new();
    while drawn.len() < count && !from.is_empty() {
        drawn.push(from.swap_remove(numbers.below(from.len())));
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_numbers_for_ever() {
        let mut numbers = Numbers(1_234_567);
        // The first outputs of the published algorithm for this seed.
        assert_eq!(numbers.next(), 6_457_827_717_110_365_317);
        assert_eq!(numbers.next(), 3_203_168_211_198_807_973);
        assert_ne!(Numbers::part(1, 0).next(), Numbers::part(1, 1).next());
    }
}
