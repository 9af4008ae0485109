//! Quantiles of durations.

use std::time::Duration;

use serde::Serialize;

/// Quantiles in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Distribution {
    /// Half of them took at most this.
    pub p50_us: f64,
    /// All but one in a hundred took at most this.
    pub p99_us: f64,
    /// The longest.
    pub max_us: f64,
}

impl Distribution {
    /// Of these durations; none of none.
    pub fn of(mut durations: Vec<Duration>) -> Option<Self> {
        durations.sort_unstable();
        let last = durations.len().checked_sub(1)?;
        let at = |percent: usize| durations[last * percent / 100].as_secs_f64() * 1e6;
        Some(Self {
            p50_us: at(50),
            p99_us: at(99),
            max_us: at(100),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_do_not_depend_on_the_order() {
        let shuffled = [3, 1, 2, 5, 4].map(Duration::from_micros).to_vec();
        let found = Distribution::of(shuffled).expect("five");
        assert!((found.p50_us - 3.0).abs() < 1e-9);
        assert!((found.max_us - 5.0).abs() < 1e-9);
        assert_eq!(Distribution::of(Vec::new()), None);
    }
}
