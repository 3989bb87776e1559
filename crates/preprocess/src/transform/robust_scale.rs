//! Centre, scale and smooth clip of one feature, for learners that sum features.
//!
//! `z = (x - median) / (q75 - q25)`; where the quartiles agree `z = 2 (x - median) / (max - min)`,
//! and 0 for a constant. Then `z / sqrt(1 + (z / 3)^2)`, which is nearly linear in the middle and
//! never leaves `(-3, 3)`. Quantiles interpolate linearly (NumPy's default, as scikit-learn's
//! `RobustScaler`); for more than [`SAMPLE`] rows they come from every k-th row. A row of weight
//! `w` counts as `w` equal rows; where there are weights below 1, the least counts as one row.
//! Reference: Holzmüller, Grinsztajn, Steinwart, "Better by Default", NeurIPS 2024 (RealMLP).

use serde::{Deserialize, Serialize};

use super::transformer::saturate;

/// At most about this many rows decide the quantiles.
pub const SAMPLE: usize = 200_000;

/// How one feature is centred and scaled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RobustScale {
    /// Median of the rows learned from; also the value of missing ones.
    pub center: f64,
    /// What differences from the centre are multiplied with.
    pub factor: f64,
}

impl RobustScale {
    /// Learns from values, of which NaN are left out.
    pub fn fit(values: impl ExactSizeIterator<Item = f64>) -> Self {
        let step = values.len().div_ceil(SAMPLE).max(1);
        let limit = f64::from(f32::MAX);
        let mut known: Vec<f64> =
            values.step_by(step).filter(|v| !v.is_nan()).map(|v| v.clamp(-limit, limit)).collect();
        if known.is_empty() {
            return Self { center: 0.0, factor: 0.0 };
        }
        let (min, max) =
            known.iter().fold((limit, -limit), |(min, max), v| (min.min(*v), max.max(*v)));
        let center = quantile(&mut known, 0.5);
        let quartiles = quantile(&mut known, 0.75) - quantile(&mut known, 0.25);
        Self::of(center, quartiles, max - min)
    }

    /// Learns from values and their weights, of which NaN and weights of 0 are left out.
    pub fn fit_weighted(values: impl ExactSizeIterator<Item = (f64, f64)>) -> Self {
        let step = values.len().div_ceil(SAMPLE).max(1);
        let limit = f64::from(f32::MAX);
        let usable = |(value, weight): &(f64, f64)| !value.is_nan() && *weight > 0.0;
        let known = values.step_by(step).filter(usable);
        let mut known: Vec<(f64, f64)> =
            known.map(|(value, weight)| (value.clamp(-limit, limit), weight)).collect();
        known.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let (Some((min, _)), Some((max, _))) = (known.first(), known.last()) else {
            return Self { center: 0.0, factor: 0.0 };
        };
        let range = max - min;
        let quartiles = weighted_quantile(&known, 0.75) - weighted_quantile(&known, 0.25);
        Self::of(weighted_quantile(&known, 0.5), quartiles, range)
    }

    fn of(center: f64, quartiles: f64, range: f64) -> Self {
        let factor = if quartiles > 0.0 {
            1.0 / quartiles
        } else if range > 0.0 {
            2.0 / range
        } else {
            0.0
        };
        // Subnormal differences have no finite reciprocal.
        let factor = if factor.is_finite() { factor } else { 0.0 };
        Self { center, factor }
    }

    /// The scaled value; missing becomes 0, which is the median's place.
    #[inline]
    pub fn scale(&self, value: f64) -> f64 {
        let z = (value - self.center) * self.factor;
        if z.is_nan() { 0.0 } else { z }
    }

    /// The scaled and clipped value; missing becomes 0.
    #[inline]
    pub fn apply(&self, value: f64) -> f32 {
        saturate(smooth_clip(self.scale(value)))
    }

    /// Whether both numbers are usable.
    pub fn is_sound(&self) -> bool {
        self.center.is_finite() && self.factor.is_finite() && self.factor >= 0.0
    }
}

/// `z / sqrt(1 + (z / 3)^2)`: nearly `z` in the middle, never beyond ±3.
#[inline]
pub fn smooth_clip(z: f64) -> f64 {
    // Beyond 1e9 the value is 3 to the last bit of an f32, and the square stays finite.
    let z = z.clamp(-1e9, 1e9);
    z / (1.0 + (z / 3.0) * (z / 3.0)).sqrt()
}

/// Quantile with linear interpolation, by selection; reorders the values.
fn quantile(values: &mut [f64], q: f64) -> f64 {
    let at = q * (values.len() - 1) as f64;
    let share = at - at.floor();
    let (_, low, above) = values.select_nth_unstable_by(at as usize, f64::total_cmp);
    // The weighted form cannot overflow where the difference of the two could.
    match above.iter().copied().min_by(f64::total_cmp) {
        Some(high) if share > 0.0 => *low * (1.0 - share) + high * share,
        _ => *low,
    }
}

/// The same of values in ascending order with weights above 0, each standing for so many rows.
///
/// A value of weight `w` fills places from the weight before it on for `w - 1`; in the one place
/// that is left the line goes to the next value.
fn weighted_quantile(values: &[(f64, f64)], q: f64) -> f64 {
    let least = values.iter().map(|v| v.1).fold(1.0, f64::min);
    let total: f64 = values.iter().map(|v| v.1 / least).sum();
    let at = q * (total - 1.0);
    let mut before = 0.0;
    for (i, (value, weight)) in values.iter().enumerate() {
        let rows = weight / least;
        let Some((next, _)) = values.get(i + 1).filter(|_| at < before + rows) else {
            before += rows;
            continue;
        };
        let share = (at - (before + rows - 1.0)).clamp(0.0, 1.0);
        return if share > 0.0 { value * (1.0 - share) + next * share } else { *value };
    }
    values.last().map_or(0.0, |v| v.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_becomes_zero_and_nothing_leaves_the_clip() {
        let constant = RobustScale::fit([5.0; 4].into_iter());
        assert_eq!(constant.apply(7.0), 0.0);
        let scale = RobustScale::fit([0.0, 1.0, 2.0, 3.0, f64::INFINITY].into_iter());
        for v in [f64::INFINITY, f64::NEG_INFINITY, 1e300, f64::NAN] {
            assert!(scale.apply(v).abs() <= 3.0);
        }
        assert_eq!(RobustScale::fit(std::iter::empty()).apply(1.0), 0.0);
    }

    #[test]
    fn a_row_of_weight_three_is_three_rows() {
        let rows = [(3.0, 1.0), (1.0, 3.0), (f64::NAN, 2.0), (9.0, 2.0), (4.0, 0.0), (5.0, 4.0)];
        let repeated = rows.iter().flat_map(|(v, w)| std::iter::repeat_n(*v, *w as usize));
        let repeated: Vec<f64> = repeated.collect();
        let (a, b) =
            (RobustScale::fit_weighted(rows.into_iter()), RobustScale::fit(repeated.into_iter()));
        assert!((a.center - b.center).abs() < 1e-12 && (a.factor - b.factor).abs() < 1e-12);
        let halves = rows.map(|(v, w)| (v, w / 2.0));
        assert_eq!(RobustScale::fit_weighted(halves.into_iter()), a);
        let nothing = RobustScale::fit_weighted([(f64::NAN, 1.0), (2.0, 0.0)].into_iter());
        assert_eq!(nothing.apply(1.0), 0.0);
        let one = RobustScale::fit_weighted([(7.0, 5.0)].into_iter());
        assert_eq!((one.center, one.factor), (7.0, 0.0));
    }

    #[test]
    fn equal_quartiles_fall_back_to_the_range() {
        let scale = RobustScale::fit([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0].into_iter());
        assert_eq!(scale.scale(4.0), 2.0);
    }
}
