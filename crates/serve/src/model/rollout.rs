//! Bringing a new version in by degrees: a share of requests (canary), or all of them unseen
//! (shadow).

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use modelwright_core::task::Predictions;

use crate::stats::Count;

/// A version that answers a share of the requests that name none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Canary {
    pub(crate) version: u64,
    /// Of 100.
    pub(crate) percent: f64,
}

impl Canary {
    /// Whether a request with this key is of the share; the same key always is, or never, and
    /// who is of a share is of every larger one too.
    pub(crate) fn takes(&self, key: &str) -> bool {
        // A fixed seed: all replicas of a server part their requests alike.
        let hash = FixedState::with_seed(7).hash_one(key.as_bytes());
        ((hash >> 11) as f64) < self.percent / 100.0 * (1_u64 << 53) as f64
    }
}

/// What a version in the shadow would have answered, beside what was answered.
#[derive(Debug, Default)]
pub(crate) struct ShadowStats {
    /// Rows that both predicted.
    pub(crate) n_rows: Count,
    /// Rows with another label.
    pub(crate) n_other_label: Count,
    /// Sum over rows of the largest difference of a probability or value, in millionths.
    pub(crate) difference_ppm: Count,
    /// Requests that the shadow could not answer, or that it had no time for.
    pub(crate) n_failed: Count,
}

impl ShadowStats {
    /// Adds the answers of both to the same rows.
    pub(crate) fn compare(&self, own: (&Predictions, &[u32]), shadow: (&Predictions, &[u32])) {
        let (n_rows, n_outputs) = (own.0.n_rows(), own.0.n_outputs);
        // A value has no label beside it; a label and a value are not alike, nor is their
        // difference one.
        let is_alike = own.1.len() == shadow.1.len();
        if shadow.0.n_rows() != n_rows || shadow.0.n_outputs != n_outputs || !is_alike {
            self.n_failed.add(1);
            return;
        }
        let rows = own.0.values.chunks(n_outputs).zip(shadow.0.values.chunks(n_outputs));
        let largest = rows.map(|(own, shadow)| {
            own.iter().zip(shadow).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        });
        self.n_rows.add(n_rows as u64);
        self.difference_ppm.add((largest.sum::<f64>() * 1e6) as u64);
        let others = own.1.iter().zip(shadow.1).filter(|(a, b)| a != b).count();
        self.n_other_label.add(others as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_takes_its_share_and_keeps_to_keys() {
        let keys: Vec<String> = (0..10_000).map(|i| format!("user-{i}")).collect();
        let of = |percent| {
            let canary = Canary { version: 2, percent };
            keys.iter().filter(|k| canary.takes(k)).collect::<Vec<_>>()
        };
        let (ten, thirty) = (of(10.0), of(30.0));
        assert!((900..1100).contains(&ten.len()), "{}", ten.len());
        assert!(ten.iter().all(|key| thirty.contains(key)));
        assert_eq!((of(0.0).len(), of(100.0).len()), (0, 10_000));
    }

    #[test]
    fn a_shadow_is_compared_row_by_row() {
        let stats = ShadowStats::default();
        let (own, shadow) = (
            Predictions::new(1, vec![0.25, 0.75, 0.5]),
            Predictions::new(1, vec![0.5, 0.75, 0.75]),
        );
        stats.compare((&own, &[0, 1, 1]), (&shadow, &[1, 1, 1]));
        assert_eq!((stats.n_rows.get(), stats.n_other_label.get()), (3, 1));
        assert_eq!(stats.difference_ppm.get(), 500_000);
        stats.compare((&own, &[0, 1, 1]), (&Predictions::new(3, vec![0.0; 9]), &[0, 0, 0]));
        assert_eq!(stats.n_failed.get(), 1);
        stats.compare((&own, &[0, 1, 1]), (&shadow, &[]));
        assert_eq!((stats.n_failed.get(), stats.difference_ppm.get()), (2, 500_000));
    }
}
