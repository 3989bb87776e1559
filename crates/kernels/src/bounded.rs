//! Cuts of a leaf whose value has bounds: for features that must act in one direction.
//!
//! A child's value is its Newton step `w = -T(G) / (H + λ)` clipped to the leaf's bounds, and what
//! it is worth there is `-(2 G w + (H + λ) w² + 2 l1 |w|)`, which is `T(G)² / (H + λ)` where
//! nothing is clipped. A cut on a feature with a direction is refused when the values of the
//! children run against it. Letters are those of [`crate::threshold`].
//!
//! Plain loops: such features are few.

use std::ops::Range;

use crate::entry::{gradient_units, hessian_units};
use crate::level::Gains;
use crate::threshold::{Cut, Rule, better};

/// What the values of a leaf's children must obey.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
}

impl Bounds {
    /// No bounds.
    pub const NONE: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };

    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// The nearest value within.
    pub fn clip(&self, value: f64) -> f64 {
        value.max(self.low).min(self.high)
    }

    /// The bounds of the left and right child of a node whose feature has this direction (-1, 0,
    /// 1), if the children by themselves would have these values: what lies between them divides.
    pub fn of_children(&self, direction: i8, values: [f64; 2]) -> [Self; 2] {
        let [left, right] = values.map(|value| self.clip(value));
        let middle = f64::midpoint(left, right);
        let (below, above) = (Self { high: middle, ..*self }, Self { low: middle, ..*self });
        match direction {
            0 => [*self; 2],
            1.. => [below, above],
            _ => [above, below],
        }
    }
}

impl Rule {
    /// The value of a leaf with this sum: its Newton step.
    pub fn value(&self, sum: i64) -> f64 {
        let h = f64::from(hessian_units(sum)) * self.hessian_unit + self.l2;
        let negative = gradient_units(sum) < 0;
        let size = if h > 0.0 { self.shrunk(sum) / h } else { 0.0 };
        if negative { size } else { -size }
    }

    /// What a sum is worth (twice the loss it saves) at a value.
    fn score_at(&self, sum: i64, value: f64) -> f64 {
        let g = f64::from(gradient_units(sum)) * self.gradient_unit;
        let h = f64::from(hessian_units(sum)) * self.hessian_unit + self.l2;
        -(2.0 * g * value + h * value * value + 2.0 * self.l1 * value.abs())
    }

    /// What a sum is worth under bounds.
    pub(crate) fn score_within(&self, sum: i64, bounds: &Bounds) -> f64 {
        self.score_at(sum, bounds.clip(self.value(sum)))
    }

    /// What two children are worth under bounds; `None` if one has too little Hessian.
    pub(crate) fn children_within(&self, left: i64, right: i64, bounds: &Bounds) -> Option<f64> {
        let least = self.min_hessian_units;
        let heavy = hessian_units(left) >= least && hessian_units(right) >= least;
        heavy.then(|| self.score_within(left, bounds) + self.score_within(right, bounds))
    }

    /// The gain of a cut, or `None` if it is not allowed.
    fn gain_within(&self, left: i64, right: i64, bounds: &Bounds, direction: i8) -> Option<f64> {
        let children = self.children_within(left, right, bounds)?;
        let [l, r] = [left, right].map(|sum| bounds.clip(self.value(sum)));
        let against = (direction > 0 && l > r) || (direction < 0 && l < r);
        (!against).then(|| children - self.score_within(left + right, bounds))
    }
}

/// The best cut after one of `bins`, under bounds; see [`crate::threshold::best_cut`].
///
/// # Panics
/// If a bin is not one of the histogram's value bins.
pub fn best_cut_within(
    histogram: &[i64],
    total: i64,
    rule: &Rule,
    bounds: &Bounds,
    direction: i8,
    bins: Range<usize>,
) -> Option<Cut> {
    let n_values = histogram.len() - 1;
    let missing = histogram[n_values];
    let least = rule.score_within(total, bounds).abs() * 1e-12;
    let mut best = None;
    for missing_left in [false, true] {
        // Without missing values both ways are one, and the last bin has nothing right of it.
        if missing_left && missing == 0 {
            break;
        }
        let last = if missing == 0 || missing_left { n_values - 1 } else { n_values };
        let mut left: i64 = histogram[..bins.start].iter().sum();
        left += if missing_left { missing } else { 0 };
        let asked = histogram.iter().enumerate().take(bins.end.min(last)).skip(bins.start);
        for (bin, sum) in asked {
            left += sum;
            let gain = rule.gain_within(left, total - left, bounds, direction);
            let cut = gain.filter(|gain| *gain > least).map(|gain| Cut {
                gain,
                bin: bin as u8,
                missing_left,
                left,
            });
            best = better(best, cut);
        }
    }
    best
}

/// Adds the gains of one leaf of a level, under bounds; see [`crate::level::add_gains`].
///
/// A cut that is not allowed in this leaf gains nothing here.
///
/// # Panics
/// If there are fewer than 2 or more than 256 bins.
pub fn add_gains_within(
    histogram: &[i64],
    total: i64,
    rule: &Rule,
    bounds: &Bounds,
    direction: i8,
    right_way: &mut Gains,
    left_way: &mut Gains,
) {
    assert!((2..=256).contains(&histogram.len()), "a value bin and the missing bin at least");
    let n_values = histogram.len() - 1;
    let missing = histogram[n_values];
    let mut left = 0;
    for (bin, sum) in histogram[..n_values].iter().enumerate() {
        left += sum;
        let gain = rule.gain_within(left, total - left, bounds, direction);
        right_way[bin] += gain.unwrap_or(0.0);
        if bin + 1 < n_values {
            let left = left + missing;
            let gain = rule.gain_within(left, total - left, bounds, direction);
            left_way[bin] += gain.unwrap_or(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::add_gains;
    use crate::threshold::best_cut;

    fn sum(g: i64, h: i64) -> i64 {
        (g << 32) + h
    }

    fn rule() -> Rule {
        Rule { gradient_unit: 0.01, hessian_unit: 0.02, l1: 0.1, l2: 1.0, min_hessian_units: 3 }
    }

    fn histogram(n: i64, with_missing: bool) -> Vec<i64> {
        let bin = |i: i64| sum((i * 7919 + n * 31) % 201 - 100, 1 + (i * 104_729 + n) % 17);
        let mut bins: Vec<i64> = (0..n).map(bin).collect();
        if !with_missing {
            bins[n as usize - 1] = 0;
        }
        bins
    }

    #[test]
    fn without_bounds_or_direction_cuts_are_the_plain_ones() {
        for n in 2..=256 {
            for with_missing in [false, true] {
                let histogram = histogram(n, with_missing);
                let total = histogram.iter().sum();
                let plain = best_cut(&histogram, total, &rule());
                let bins = 0..histogram.len() - 1;
                let bounded = best_cut_within(&histogram, total, &rule(), &Bounds::NONE, 0, bins);
                match (plain, bounded) {
                    (Some(a), Some(b)) => assert!((a.gain - b.gain).abs() < 1e-9 * (1.0 + a.gain)),
                    (a, b) => assert_eq!(a, b, "{n}"),
                }
                let mut ways = [[0.0; 256]; 4];
                let [a, b, c, d] = &mut ways;
                add_gains(&histogram, total, &rule(), a, b);
                add_gains_within(&histogram, total, &rule(), &Bounds::NONE, 0, c, d);
                let close =
                    |a: &Gains, b: &Gains| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
                assert!(close(&ways[0], &ways[2]) && close(&ways[1], &ways[3]), "{n}");
            }
        }
    }

    #[test]
    fn a_direction_refuses_steps_against_it_and_bounds_cap_the_gain() {
        // Gradients fall: values rise from left to right.
        let histogram = [sum(20, 50), sum(10, 50), sum(-15, 50), sum(-25, 50), 0];
        let total = histogram.iter().sum();
        let cut = |bounds: &Bounds, direction| {
            let plain = Rule { l1: 0.0, ..rule() };
            best_cut_within(&histogram, total, &plain, bounds, direction, 0..4)
        };
        let free = cut(&Bounds::NONE, 0).unwrap();
        assert_eq!(cut(&Bounds::NONE, 1), Some(free));
        assert_eq!(cut(&Bounds::NONE, -1), None);
        let tight = cut(&Bounds { low: -0.05, high: 0.05 }, 1).unwrap();
        assert!(tight.gain < free.gain && tight.gain > 0.0);
        assert_eq!(cut(&Bounds { low: 0.0, high: 0.0 }, 0), None);
    }

    #[test]
    fn the_bounds_of_children_meet_in_the_middle_of_their_values() {
        let all = Bounds { low: -1.0, high: 1.0 };
        let [left, right] = all.of_children(1, [-3.0, 0.5]);
        assert_eq!((left.low, left.high, right.low, right.high), (-1.0, -0.25, -0.25, 1.0));
        assert_eq!(all.of_children(-1, [0.5, -3.0]), [right, left]);
        assert_eq!(all.of_children(0, [5.0, 0.0]), [all, all]);
    }
}
