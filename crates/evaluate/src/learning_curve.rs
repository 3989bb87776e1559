//! Would more rows help? A power law through the scores of models that learned from fewer.
//!
//! `error(n) = limit + scale · n^(−rate)`: for each rate of a grid the limit and the scale follow
//! from weighted least squares, and the rate with the least squared error is taken. What is read
//! off is the gain from doubling the rows, and how far the best that rows alone could give is.
//!
//! Reference: Viering & Loog, "The shape of learning curves: a review", TPAMI 45, 2023.

use modelwright_core::{Error, Result};

/// Rates that are tried: learning that is faster than 1/n, or slower than n^(−0.05), is not told
/// apart from a constant by a few points.
const RATES: (f64, f64, usize) = (0.05, 1.5, 146);

/// A fitted learning curve, in the metric's own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearningCurve {
    /// The score that no number of rows exceeds.
    pub limit: f64,
    /// How far a model of one row is from it; negative where larger scores are better.
    pub scale: f64,
    /// How fast the distance falls.
    pub rate: f64,
    /// Root mean squared distance of the points from the curve.
    pub residual: f64,
}

impl LearningCurve {
    /// Fits scores of models by the number of rows that each learned from.
    ///
    /// # Errors
    /// Input error with fewer than three different numbers of rows, or numbers that are not
    /// finite and positive.
    pub fn fit(points: &[(f64, f64)]) -> Result<Self> {
        let mut sizes: Vec<f64> = points.iter().map(|p| p.0).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        let usable = |(n, score): &(f64, f64)| n.is_finite() && *n > 0.0 && score.is_finite();
        if sizes.len() < 3 || !points.iter().all(usable) {
            return Err(Error::input("no learning curve can be drawn")
                .expected("finite scores for at least three numbers of rows")
                .got(format!("{} points, {} numbers of rows", points.len(), sizes.len())));
        }
        let (least, most, n_rates) = RATES;
        let step = (most - least) / (n_rates - 1) as f64;
        let curves = (0..n_rates).map(|i| Self::with_rate(points, least + step * i as f64));
        let best = curves.reduce(|a, b| if b.residual < a.residual { b } else { a });
        best.ok_or_else(|| Error::input("no learning curve can be drawn"))
    }

    fn with_rate(points: &[(f64, f64)], rate: f64) -> Self {
        let n = points.len() as f64;
        let x: Vec<f64> = points.iter().map(|p| p.0.powf(-rate)).collect();
        let mean_x = x.iter().sum::<f64>() / n;
        let mean_y = points.iter().map(|p| p.1).sum::<f64>() / n;
        let (mut xx, mut xy) = (0.0, 0.0);
        for (x, (_, y)) in x.iter().zip(points) {
            xx += (x - mean_x).powi(2);
            xy += (x - mean_x) * (y - mean_y);
        }
        let scale = if xx > 0.0 { xy / xx } else { 0.0 };
        let limit = mean_y - scale * mean_x;
        let squares: f64 =
            x.iter().zip(points).map(|(x, (_, y))| (y - limit - scale * x).powi(2)).sum();
        Self { limit, scale, rate, residual: (squares / n).sqrt() }
    }

    /// The expected score of a model that learned from `n_rows` rows.
    pub fn at(&self, n_rows: f64) -> f64 {
        self.limit + self.scale * n_rows.powf(-self.rate)
    }

    /// The change of the score when `n_rows` rows are doubled.
    pub fn gain_of_doubling(&self, n_rows: f64) -> f64 {
        self.at(2.0 * n_rows) - self.at(n_rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_law_is_found_and_continued() {
        let truth = |n: f64| 0.95 - 0.8 * n.powf(-0.5);
        let points: Vec<(f64, f64)> =
            [100.0, 200.0, 400.0, 800.0, 1600.0].map(|n| (n, truth(n))).to_vec();
        let curve = LearningCurve::fit(&points).unwrap();
        assert!((curve.limit - 0.95).abs() < 1e-9 && (curve.rate - 0.5).abs() < 1e-9);
        assert!((curve.at(6400.0) - truth(6400.0)).abs() < 1e-9);
        assert!(curve.gain_of_doubling(1600.0) > 0.005);
    }

    #[test]
    fn a_flat_curve_promises_nothing_and_two_sizes_are_too_few() {
        let flat = LearningCurve::fit(&[(100.0, 0.8), (200.0, 0.8), (400.0, 0.8)]).unwrap();
        assert!(flat.gain_of_doubling(400.0).abs() < 1e-12);
        assert!(LearningCurve::fit(&[(100.0, 0.8), (200.0, 0.8), (200.0, 0.81)]).is_err());
        assert!(LearningCurve::fit(&[(1.0, 0.8), (2.0, f64::NAN), (3.0, 0.8)]).is_err());
    }
}
