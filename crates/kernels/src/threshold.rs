//! The best cut of one feature's histogram.
//!
//! For a cut after bin `b` the left child has the sums of bins `0..=b` (plus the missing bin, if
//! missing values go left), the right child the rest. With `G`, `H` the sums of gradients and
//! Hessians, `T(G) = max(|G| - l1, 0)` and `λ = l2`, the reduction of the second-order loss is
//!
//! ```text
//! gain = T(GL)² / (HL + λ) + T(GR)² / (HR + λ) - T(G)² / (H + λ)
//! ```
//!
//! (half of it, precisely; the factor cancels). Reference: Chen & Guestrin, "XGBoost", KDD 2016,
//! eq. 7. Sums are exact integers; gains are f64, evaluated for all cuts at once in vector
//! registers. Ties go to the lower bin, and to missing values on the right.

use crate::dispatch::vectorised;
use crate::entry::{gradient_units, hessian_units};

/// What a cut must obey, the same for all features of a leaf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Real gradient per unit.
    pub gradient_unit: f64,
    /// Real Hessian per unit.
    pub hessian_unit: f64,
    /// Penalty on the absolute value of a leaf.
    pub l1: f64,
    /// Penalty on the square of a leaf.
    pub l2: f64,
    /// The least Hessian of a child, in units; at least 1.
    pub min_hessian_units: i32,
}

/// A cut and what it gains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    /// Twice the reduction of the loss; positive.
    pub gain: f64,
    /// The last bin that goes left.
    pub bin: u8,
    /// Whether missing values go left.
    pub missing_left: bool,
    /// The sum of the left child.
    pub left: i64,
}

impl Rule {
    /// `T(G)² / (H + λ)` of a sum.
    #[inline(always)]
    pub fn score(&self, sum: i64) -> f64 {
        let h = f64::from(hessian_units(sum)) * self.hessian_unit + self.l2;
        if h > 0.0 { self.shrunk(sum).powi(2) / h } else { 0.0 }
    }

    #[inline(always)]
    pub(crate) fn shrunk(&self, sum: i64) -> f64 {
        let g = (f64::from(gradient_units(sum)) * self.gradient_unit).abs() - self.l1;
        if g > 0.0 { g } else { 0.0 }
    }
}

vectorised! {
    /// The best cut of a histogram whose last bin is that of missing values.
    ///
    /// `None` when no cut obeys the rule with a positive gain. A cut after the last value bin
    /// (only missing values right) is considered when there are missing values.
    ///
    /// # Panics
    /// If there are fewer than 2 or more than 256 bins.
    pub fn best_cut(histogram: &[i64], total: i64, rule: &Rule) -> Option<Cut> = best_cut_generic
}

/// The gain of one given cut, for randomised thresholds; `None` as in [`best_cut`].
///
/// Missing values go where they gain more.
///
/// # Panics
/// If `bin` is not a bin of the histogram.
pub fn one_cut(histogram: &[i64], total: i64, rule: &Rule, bin: u8) -> Option<Cut> {
    let last = histogram.len() - 1;
    let missing = histogram[last];
    let left: i64 = histogram[..=usize::from(bin)].iter().sum();
    let parent = rule.score(total);
    let evaluate = |left: i64, missing_left: bool| {
        let right = total - left;
        let least = rule.min_hessian_units;
        if hessian_units(left) < least || hessian_units(right) < least {
            return None;
        }
        let gain = rule.score(left) + rule.score(right) - parent;
        (gain > 0.0).then_some(Cut { gain, bin, missing_left, left })
    };
    let right_way = evaluate(left, false);
    if hessian_units(missing) == 0 {
        return right_way;
    }
    better(right_way, evaluate(left + missing, true))
}

/// The cut with the larger gain; the first one on a tie.
pub fn better(first: Option<Cut>, second: Option<Cut>) -> Option<Cut> {
    match (first, second) {
        (Some(a), Some(b)) if b.gain > a.gain => Some(b),
        (Some(a), _) => Some(a),
        (None, b) => b,
    }
}

#[inline(always)]
fn best_cut_generic(histogram: &[i64], total: i64, rule: &Rule) -> Option<Cut> {
    assert!((2..=256).contains(&histogram.len()), "a value bin and the missing bin at least");
    let n_values = histogram.len() - 1;
    let missing = histogram[n_values];
    let mut prefix = [0_i64; 256];
    let mut sum = 0;
    for (place, bin) in prefix.iter_mut().zip(&histogram[..n_values]) {
        sum += bin;
        *place = sum;
    }
    let parent = rule.score(total);
    if missing == 0 {
        return scan(&prefix[..n_values - 1], 0, total, parent, rule, false);
    }
    let right_way = scan(&prefix[..n_values], 0, total, parent, rule, false);
    let left_way = scan(&prefix[..n_values - 1], missing, total, parent, rule, true);
    better(right_way, left_way)
}

#[inline(always)]
fn scan(
    prefix: &[i64],
    missing: i64,
    total: i64,
    parent: f64,
    rule: &Rule,
    missing_left: bool,
) -> Option<Cut> {
    let mut gains = [f64::NEG_INFINITY; 256];
    let least = rule.min_hessian_units;
    for (gain, prefix) in gains.iter_mut().zip(prefix) {
        let left = prefix + missing;
        let right = total - left;
        let (hl, hr) = (hessian_units(left), hessian_units(right));
        let (tl, tr) = (rule.shrunk(left), rule.shrunk(right));
        let dl = f64::from(hl) * rule.hessian_unit + rule.l2;
        let dr = f64::from(hr) * rule.hessian_unit + rule.l2;
        // One division instead of two: a/b + c/d = (ad + cb) / bd.
        let value = (tl * tl * dr + tr * tr * dl) / (dl * dr);
        *gain = if hl >= least && hr >= least { value } else { f64::NEG_INFINITY };
    }
    let mut lanes = [f64::NEG_INFINITY; 16];
    let padded = prefix.len().div_ceil(16) * 16;
    for chunk in gains[..padded].as_chunks::<16>().0 {
        for (lane, gain) in lanes.iter_mut().zip(chunk) {
            *lane = if *gain > *lane { *gain } else { *lane };
        }
    }
    let best = lanes.iter().fold(f64::NEG_INFINITY, |a, b| if *b > a { *b } else { a });
    let gain = best - parent;
    // Equal sums on both sides leave rounding dust of the subtraction, which is not a gain.
    if !(gain > parent * 1e-12 && gain > 0.0) {
        return None;
    }
    let bin = gains[..prefix.len()].iter().position(|g| *g == best)?;
    Some(Cut { gain, bin: bin as u8, missing_left, left: prefix[bin] + missing })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> Rule {
        Rule { gradient_unit: 0.01, hessian_unit: 0.02, l1: 0.0, l2: 1.0, min_hessian_units: 1 }
    }

    fn sum(g: i64, h: i64) -> i64 {
        (g << 32) + h
    }

    /// Every cut by [`one_cut`]'s definition, one after the other.
    fn oracle(histogram: &[i64], total: i64, rule: &Rule) -> Option<Cut> {
        let n_values = histogram.len() - 1;
        let mut best = None;
        for missing_left in [false, true] {
            let missing = histogram[n_values];
            if missing_left && missing == 0 {
                continue;
            }
            let n_cuts = if missing == 0 || missing_left { n_values - 1 } else { n_values };
            for bin in 0..n_cuts {
                let left: i64 =
                    histogram[..=bin].iter().sum::<i64>() + if missing_left { missing } else { 0 };
                let right = total - left;
                let least = rule.min_hessian_units;
                if hessian_units(left) < least || hessian_units(right) < least {
                    continue;
                }
                let gain = rule.score(left) + rule.score(right) - rule.score(total);
                let cut = Cut { gain, bin: bin as u8, missing_left, left };
                if gain > rule.score(total) * 1e-12 && gain > 0.0 {
                    best = better(best, Some(cut));
                }
            }
        }
        best
    }

    #[test]
    fn a_step_is_cut_where_it_is() {
        let histogram = [sum(10, 50), sum(12, 50), sum(-20, 50), sum(-2, 50), 0];
        let cut = best_cut(&histogram, histogram.iter().sum(), &rule()).unwrap();
        assert_eq!((cut.bin, cut.missing_left, cut.left), (1, false, sum(22, 100)));
        // (0.22)²/3 twice, minus 0.
        assert!((cut.gain - 2.0 * 0.22_f64.powi(2) / 3.0).abs() < 1e-12);
    }

    #[test]
    fn missing_values_go_where_they_gain_and_can_be_cut_off_alone() {
        let histogram = [sum(10, 50), sum(-10, 50), sum(9, 50)];
        let cut = best_cut(&histogram, histogram.iter().sum(), &rule()).unwrap();
        assert_eq!((cut.bin, cut.missing_left), (0, true));
        let alone = [sum(10, 50), sum(10, 50), sum(-20, 50)];
        let cut = best_cut(&alone, alone.iter().sum(), &rule()).unwrap();
        assert_eq!((cut.bin, cut.missing_left), (1, false));
    }

    #[test]
    fn nothing_is_cut_without_gain_or_below_the_least_hessian() {
        let flat = [sum(5, 50), sum(5, 50), sum(5, 50), 0];
        let total = flat.iter().sum();
        assert_eq!(best_cut(&flat, total, &Rule { l2: 0.0, ..rule() }), None);
        let steep = [sum(50, 10), sum(-50, 10), 0];
        assert!(best_cut(&steep, 20, &rule()).is_some());
        assert!(best_cut(&steep, 20, &Rule { min_hessian_units: 11, ..rule() }).is_none());
        assert!(best_cut(&steep, 20, &Rule { l1: 1.0, ..rule() }).is_none());
    }

    #[test]
    fn every_length_agrees_with_the_oracle() {
        for n in 2..=256_i64 {
            for with_missing in [false, true] {
                let mut histogram: Vec<i64> = (0..n)
                    .map(|i| sum((i * 7919 + n * 31) % 201 - 100, 1 + (i * 104_729 + n) % 17))
                    .collect();
                if !with_missing {
                    histogram[n as usize - 1] = 0;
                }
                let total = histogram.iter().sum();
                for rule in [rule(), Rule { l1: 0.3, min_hessian_units: 40, ..rule() }] {
                    let got = best_cut(&histogram, total, &rule);
                    let want = oracle(&histogram, total, &rule);
                    match (got, want) {
                        (Some(got), Some(want)) => {
                            assert!((got.gain - want.gain).abs() < 1e-9 * (1.0 + want.gain));
                            let one = one_cut(&histogram, total, &rule, got.bin).unwrap();
                            assert!((one.gain - got.gain).abs() < 1e-9 * (1.0 + got.gain));
                        }
                        (got, want) => assert_eq!(got.is_some(), want.is_some(), "{n}"),
                    }
                }
            }
        }
    }
}
