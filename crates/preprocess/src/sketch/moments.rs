//! Count, mean, variance, skewness and extremes of numbers.
//!
//! Central sums of powers are merged by the pairwise formulas of Pébay, "Formulas for robust,
//! one-pass parallel computation of covariances and arbitrary-order statistical moments", Sandia
//! report SAND2008-6212, 2008.

use serde::{Deserialize, Serialize};

/// Sums that run beside each other, so that a processor adds several values at once.
const LANES: usize = 8;

/// How many finite numbers are below `min`, and how many above `max`.
pub fn n_outside(values: &[f64], min: f64, max: f64) -> (u64, u64) {
    // Without branches, so that a processor compares several values at once.
    let both = |a: bool, b: bool| u64::from(a) & u64::from(b);
    values.iter().fold((0, 0), |(n_below, n_above), value| {
        let is_below = both(*value < min, *value > f64::NEG_INFINITY);
        let is_above = both(*value > max, *value < f64::INFINITY);
        (n_below + is_below, n_above + is_above)
    })
}

/// Moments of finite numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    n: u64,
    mean: f64,
    squares: f64,
    cubes: f64,
    min: f64,
    max: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self {
            n: 0,
            mean: 0.0,
            squares: 0.0,
            cubes: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }
}

impl Moments {
    /// Moments of values with counts; all values finite.
    pub(crate) fn of_runs(runs: &[(f64, u64)]) -> Self {
        let n: u64 = runs.iter().map(|(_, count)| count).sum();
        let Some((first, _)) = runs.first() else { return Self::default() };
        // Shifting by one of the values keeps the sum accurate for numbers like timestamps.
        let shift = *first;
        let sum: f64 = runs.iter().map(|(v, count)| (v - shift) * *count as f64).sum();
        let mean = shift + sum / n as f64;
        let (mut squares, mut cubes) = (0.0, 0.0);
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for (value, count) in runs {
            let d = value - mean;
            let weighted = d * d * *count as f64;
            squares += weighted;
            cubes += weighted * d;
            min = min.min(*value);
            max = max.max(*value);
        }
        Self { n, mean, squares, cubes, min, max }
    }

    /// Moments of the finite ones among values, how many are missing (NaN), and how many infinite.
    ///
    /// Sums run in [`LANES`] lanes, value `i` in lane `i % LANES`, which are added at the end.
    pub(crate) fn of_values(values: &[f64]) -> (Self, u64, u64) {
        let Some(shift) = values.iter().copied().find(|v| v.is_finite()) else {
            let n_missing = values.iter().filter(|v| v.is_nan()).count() as u64;
            return (Self::default(), n_missing, values.len() as u64 - n_missing);
        };
        // Whole parts have a known length, which a compiler needs for its vectors.
        let (parts, rest) = values.as_chunks::<LANES>();
        let (mut sums, mut n, mut n_missing) = ([0.0; LANES], [0_u64; LANES], [0_u64; LANES]);
        let (mut min, mut max) = ([shift; LANES], [shift; LANES]);
        let mut add = |lane: usize, value: f64| {
            let is_finite = value.abs() < f64::INFINITY;
            let kept = if is_finite { value } else { shift };
            sums[lane] += kept - shift;
            n[lane] += u64::from(is_finite);
            n_missing[lane] += u64::from(value.is_nan());
            min[lane] = if kept < min[lane] { kept } else { min[lane] };
            max[lane] = if kept > max[lane] { kept } else { max[lane] };
        };
        for part in parts {
            (0..LANES).for_each(|lane| add(lane, part[lane]));
        }
        rest.iter().enumerate().for_each(|(lane, value)| add(lane, *value));
        let (n, n_missing) = (n.iter().sum::<u64>(), n_missing.iter().sum::<u64>());
        let mean = shift + sums.iter().sum::<f64>() / n as f64;
        let (mut squares, mut cubes) = ([0.0; LANES], [0.0; LANES]);
        let mut add = |lane: usize, value: f64| {
            let d = if value.abs() < f64::INFINITY { value - mean } else { 0.0 };
            squares[lane] += d * d;
            cubes[lane] += d * d * d;
        };
        for part in parts {
            (0..LANES).for_each(|lane| add(lane, part[lane]));
        }
        rest.iter().enumerate().for_each(|(lane, value)| add(lane, *value));
        let moments = Self {
            n,
            mean,
            squares: squares.iter().sum(),
            cubes: cubes.iter().sum(),
            min: min.into_iter().fold(shift, f64::min),
            max: max.into_iter().fold(shift, f64::max),
        };
        (moments, n_missing, values.len() as u64 - n - n_missing)
    }

    /// Moments of both parts together.
    pub fn merge(&mut self, other: &Self) {
        if other.n == 0 {
            return;
        }
        if self.n == 0 {
            *self = *other;
            return;
        }
        let (a, b) = (self.n as f64, other.n as f64);
        let n = a + b;
        let d = other.mean - self.mean;
        self.cubes += other.cubes
            + d * d * d * a * b * (a - b) / (n * n)
            + 3.0 * d * (a * other.squares - b * self.squares) / n;
        self.squares += other.squares + d * d * a * b / n;
        self.mean += d * b / n;
        self.n += other.n;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// How many values there are.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Smallest value; `None` without values.
    pub fn min(&self) -> Option<f64> {
        (self.n > 0).then_some(self.min)
    }

    /// Largest value; `None` without values.
    pub fn max(&self) -> Option<f64> {
        (self.n > 0).then_some(self.max)
    }

    /// Mean; `None` without values or when it overflows.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then_some(self.mean).filter(|m| m.is_finite())
    }

    /// Standard deviation with n − 1; `None` for fewer than two values or when it overflows.
    pub fn std(&self) -> Option<f64> {
        let variance = (self.n > 1).then(|| self.squares / (self.n - 1) as f64);
        variance.map(f64::sqrt).filter(|s| s.is_finite())
    }

    /// Skewness of the population; `None` where it is undefined (no spread) or overflows.
    pub fn skewness(&self) -> Option<f64> {
        let spread = self.squares.powf(1.5);
        let skewness = (self.n as f64).sqrt() * self.cubes / spread;
        (self.n > 1 && spread > 0.0).then_some(skewness).filter(|s| s.is_finite())
    }
}
