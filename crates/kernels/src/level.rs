//! Gains of the cuts of one feature, added up over the leaves of a level.
//!
//! A tree whose nodes of a level all test the same cut (an oblivious tree) chooses it by the sum
//! of what each leaf gains, `Σ_leaf T(GL)² / (HL + λ) + T(GR)² / (HR + λ) - T(G)² / (H + λ)`; see
//! [`crate::threshold`] for the letters. A leaf of which a side would have less than the rule's
//! least Hessian gains nothing from that cut, and the others may still want it.
//!
//! Each leaf's gains are f32, their sums f64: what rounding takes, about 1e-7 of the score, is far
//! below what quantised gradients leave open, and a level is looked at in half the time.
//! Reference: Prokhorenkova et al., "CatBoost", NeurIPS 2018, section B (its score "L2").

use crate::dispatch::vectorised;
use crate::entry::{gradient_units, hessian_units};
use crate::threshold::Rule;

/// Gains by cut: place `b` is the cut after bin `b`.
pub type Gains = [f64; 256];

vectorised! {
    /// Adds the gains of one leaf, whose histogram's last bin is that of missing values.
    ///
    /// `right_way` is for missing values that go right, `left_way` for left; places from the last
    /// value bin on (`left_way`) or behind it (`right_way`) stay as they are.
    ///
    /// # Panics
    /// If there are fewer than 2 or more than 256 bins.
    pub fn add_gains(
        histogram: &[i64],
        total: i64,
        rule: &Rule,
        right_way: &mut Gains,
        left_way: &mut Gains,
    ) = add_gains_generic
}

#[inline(always)]
fn add_gains_generic(
    histogram: &[i64],
    total: i64,
    rule: &Rule,
    right_way: &mut Gains,
    left_way: &mut Gains,
) {
    assert!((2..=256).contains(&histogram.len()), "a value bin and the missing bin at least");
    // Without a unit all gradients or all Hessians are 0, and no cut gains.
    if rule.gradient_unit <= 0.0 || rule.hessian_unit <= 0.0 {
        return;
    }
    let n_values = histogram.len() - 1;
    let missing = histogram[n_values];
    let mut prefix = [0_i64; 256];
    let mut sum = 0;
    for (place, bin) in prefix.iter_mut().zip(&histogram[..n_values]) {
        sum += bin;
        *place = sum;
    }
    let leaf = Leaf::new(total, rule);
    let mut gains = [0.0; 256];
    leaf.evaluate(&prefix[..n_values], 0, &mut gains);
    leaf.add(&gains[..n_values], right_way);
    if missing != 0 {
        leaf.evaluate(&prefix[..n_values - 1], missing, &mut gains);
    }
    leaf.add(&gains[..n_values - 1], left_way);
}

/// A leaf's sum and rule in units, where squares of gradients cannot overflow an f32.
struct Leaf {
    total: i64,
    least: i32,
    l1: f32,
    l2: f32,
    parent: f32,
    /// A gain of one unit.
    unit: f64,
}

impl Leaf {
    #[inline(always)]
    fn new(total: i64, rule: &Rule) -> Self {
        let mut leaf = Self {
            total,
            least: rule.min_hessian_units,
            l1: (rule.l1 / rule.gradient_unit) as f32,
            l2: (rule.l2 / rule.hessian_unit) as f32,
            parent: 0.0,
            unit: rule.gradient_unit * rule.gradient_unit / rule.hessian_unit,
        };
        leaf.parent = if hessian_units(total) > 0 { leaf.score(total) } else { 0.0 };
        leaf
    }

    #[inline(always)]
    fn score(&self, sum: i64) -> f32 {
        let g = (gradient_units(sum) as f32).abs() - self.l1;
        let g = if g > 0.0 { g } else { 0.0 };
        g * g / (hessian_units(sum) as f32 + self.l2)
    }

    #[inline(always)]
    fn evaluate(&self, prefix: &[i64], missing: i64, gains: &mut [f32; 256]) {
        for (place, prefix) in gains.iter_mut().zip(prefix) {
            let left = prefix + missing;
            let right = self.total - left;
            let gain = self.score(left) + self.score(right) - self.parent;
            let heavy = hessian_units(left) >= self.least && hessian_units(right) >= self.least;
            *place = if heavy { gain } else { 0.0 };
        }
    }

    #[inline(always)]
    fn add(&self, gains: &[f32], sums: &mut Gains) {
        for (sum, gain) in sums.iter_mut().zip(gains) {
            *sum += f64::from(*gain) * self.unit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(g: i64, h: i64) -> i64 {
        (g << 32) + h
    }

    fn leaf(n: usize, salt: i64, with_missing: bool) -> Vec<i64> {
        let bin = |i: usize| sum((i as i64 * 7919 + salt * 31) % 201 - 100, (i as i64 + salt) % 17);
        let mut bins: Vec<i64> = (0..n).map(bin).collect();
        if !with_missing {
            bins[n - 1] = 0;
        }
        bins
    }

    #[test]
    fn sums_over_leaves_agree_with_single_cuts_for_every_length() {
        for n in 2..=256_usize {
            let rule = Rule {
                gradient_unit: 0.01,
                hessian_unit: 0.02,
                l1: 0.1,
                l2: 1.0,
                min_hessian_units: 1 + (n % 40) as i32,
            };
            let leaves = [leaf(n, 3, true), leaf(n, 5, false), vec![0; n]];
            let (mut right_way, mut left_way) = ([0.0; 256], [0.0; 256]);
            for leaf in &leaves {
                add_gains(leaf, leaf.iter().sum(), &rule, &mut right_way, &mut left_way);
            }
            for bin in 0..n - 1 {
                let (mut right, mut left) = (0.0, 0.0);
                for leaf in &leaves {
                    let total: i64 = leaf.iter().sum();
                    let below: i64 = leaf[..=bin].iter().sum();
                    let gain = |left: i64| {
                        let parts = [left, total - left];
                        let heavy =
                            parts.iter().all(|p| hessian_units(*p) >= rule.min_hessian_units);
                        let gain = rule.score(parts[0]) + rule.score(parts[1]) - rule.score(total);
                        if heavy { gain } else { 0.0 }
                    };
                    right += gain(below);
                    left += gain(below + leaf[n - 1]);
                }
                assert!((right_way[bin] - right).abs() < 1e-5, "{n} {bin}");
                if bin + 1 < n - 1 {
                    assert!((left_way[bin] - left).abs() < 1e-5, "{n} {bin}");
                }
            }
            assert!(right_way[n - 1..].iter().chain(&left_way[n - 2..]).all(|g| *g == 0.0));
        }
    }
}
