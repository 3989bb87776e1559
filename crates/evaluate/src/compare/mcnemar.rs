//! McNemar's test of two accuracies on the same rows.
//!
//! Rows on which both models are right, or both wrong, say nothing; of the others, each model
//! should win half if they are equally good. Below 25 such rows the binomial distribution is
//! summed exactly, else the χ² approximation with continuity correction is used. The interval of
//! the difference is Wald's on counts with one row added to each kind of disagreement, which
//! keeps its level on small tables.
//!
//! References: McNemar, Psychometrika 12, 1947; Bonett & Price, "Adjusted Wald confidence
//! interval for a difference of binomial proportions based on paired data", JEBS 37, 2012.

use modelwright_core::record::Interval;

use super::Tested;
use crate::distribution::{Z_975, two_sided_p};

/// Disagreements from which on the χ² approximation is good.
const APPROXIMATE_FROM: u64 = 25;

/// What two models' decisions on the same rows amount to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct McNemar {
    /// Rows.
    pub n_rows: u64,
    /// Rows that A alone decided rightly.
    pub only_a: u64,
    /// Rows that B alone decided rightly.
    pub only_b: u64,
    /// Two-sided p-value of "both are equally accurate".
    pub p_value: f64,
}

/// Compares decided classes with the truth.
pub fn mcnemar(truth: &[u32], decided_a: &[u32], decided_b: &[u32]) -> McNemar {
    let (mut only_a, mut only_b) = (0, 0);
    for ((truth, a), b) in truth.iter().zip(decided_a).zip(decided_b) {
        only_a += u64::from(a == truth && b != truth);
        only_b += u64::from(b == truth && a != truth);
    }
    let differ = only_a + only_b;
    let p_value = if differ < APPROXIMATE_FROM {
        exact_p(only_a.min(only_b), differ)
    } else {
        let excess = (only_a.abs_diff(only_b) as f64 - 1.0).max(0.0);
        two_sided_p(excess / (differ as f64).sqrt())
    };
    McNemar { n_rows: truth.len() as u64, only_a, only_b, p_value }
}

impl McNemar {
    /// 95 % interval of accuracy of A minus accuracy of B.
    pub fn interval(&self) -> Interval {
        let n = self.n_rows as f64 + 2.0;
        let (a, b) = ((self.only_a as f64 + 1.0) / n, (self.only_b as f64 + 1.0) / n);
        let half = Z_975 * ((a + b - (a - b).powi(2)) / n).sqrt();
        Interval { low: (a - b - half).max(-1.0), high: (a - b + half).min(1.0) }
    }

    pub(super) fn tested(&self) -> Tested {
        let differ = self.only_a + self.only_b;
        let kind = if differ < APPROXIMATE_FROM { "exact" } else { "χ² with correction" };
        Tested {
            ci95: self.interval(),
            p_value: self.p_value,
            method: format!("McNemar's test ({kind}), {differ} rows decided differently"),
        }
    }
}

/// Twice the chance of at most `fewer` heads in `n` tosses, at most 1.
fn exact_p(fewer: u64, n: u64) -> f64 {
    let mut ways = 1.0; // n choose k, exact in f64 for n < 25
    let mut sum = 0.0;
    for k in 0..=fewer {
        sum += ways;
        ways = ways * (n - k) as f64 / (k + 1) as f64;
    }
    (2.0 * sum / 2.0_f64.powf(n as f64)).min(1.0)
}
