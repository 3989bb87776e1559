//! What each class has of a piece of evidence: moments of a number, counts of levels.

use modelwright_core::data::{FeatureMatrix, TrainView};
use modelwright_core::{Error, Result};

use super::NaiveBayesParams;
use super::evidence::Evidence;
use super::model::{Likelihood, Normal};

/// Training rows that have a weight, with weights and classes.
pub(super) struct Rows {
    pub(super) of_matrix: Vec<u32>,
    weights: Vec<f64>,
    classes: Vec<u32>,
    n_classes: usize,
}

impl Rows {
    /// The rows of a training view.
    ///
    /// # Errors
    /// Input error when there are none, or weights are not usable.
    pub(super) fn new(train: &TrainView<'_>, codes: &[u32], n_classes: usize) -> Result<Self> {
        let rows: Vec<u32> =
            train.rows.iter().copied().filter(|row| train.weight(*row) != 0.0).collect();
        let weights: Vec<f64> = rows.iter().map(|row| train.weight(*row)).collect();
        let total: f64 = weights.iter().sum();
        let usable = weights.iter().all(|w| *w > 0.0) && total.is_finite();
        if rows.is_empty() || !usable {
            return Err(Error::input("naive_bayes has no rows to learn from")
                .expected("at least one row, with positive weights")
                .got(format!("{} rows of total weight {total}", train.rows.len())));
        }
        let classes = rows.iter().map(|row| codes[*row as usize]).collect();
        Ok(Self { of_matrix: rows, weights, classes, n_classes })
    }

    /// The share of each class; alike for all that occur unless `fit_prior`.
    pub(super) fn shares(&self, fit_prior: bool) -> Vec<f64> {
        let mut shares = vec![0.0; self.n_classes];
        for (class, weight) in self.classes.iter().zip(&self.weights) {
            shares[*class as usize] += weight;
        }
        if !fit_prior {
            for share in &mut shares {
                *share = f64::from(u8::from(*share > 0.0));
            }
        }
        let total: f64 = shares.iter().sum();
        for share in &mut shares {
            *share /= total;
        }
        shares
    }

    /// What a piece of evidence says of each class; `None` when it says nothing.
    pub(super) fn likelihood(
        &self,
        evidence: &Evidence,
        matrix: &FeatureMatrix,
        params: &NaiveBayesParams,
    ) -> Option<Likelihood> {
        match evidence {
            Evidence::Number(feature) => {
                let values = &matrix.columns[*feature as usize].values;
                let normals = self.normals(values, params.var_smoothing)?;
                Some(Likelihood::Normal { feature: *feature, normals })
            }
            levels => {
                let log_shares = self.log_shares(levels, matrix, params.alpha)?;
                Some(Likelihood::Levels { evidence: levels.clone(), log_shares })
            }
        }
    }

    /// Mean and variance in each class; a class without a value has those of all rows.
    fn normals(&self, values: &[f32], smoothing: f64) -> Option<Vec<Normal>> {
        // Class `n_classes` is all rows.
        let all = self.n_classes;
        let mut moments = vec![[0.0; 3]; all + 1];
        let known = || {
            let rows = self.of_matrix.iter().zip(&self.weights).zip(&self.classes);
            rows.map(|((row, w), class)| (f64::from(values[*row as usize]), *w, *class as usize))
                .filter(|(value, ..)| !value.is_nan())
        };
        for (value, weight, class) in known() {
            for of in [class, all] {
                moments[of][0] += weight;
                moments[of][1] += weight * value;
            }
        }
        moments.iter_mut().filter(|m| m[0] > 0.0).for_each(|m| m[1] /= m[0]);
        for (value, weight, class) in known() {
            for of in [class, all] {
                moments[of][2] += weight * (value - moments[of][1]).powi(2);
            }
        }
        moments.iter_mut().filter(|m| m[0] > 0.0).for_each(|m| m[2] /= m[0]);
        let [_, mean, variance] = moments[all];
        // A constant has a variance of 0, up to the rounding of its mean.
        let is_constant = variance <= (1e-12 * mean).powi(2) || variance < 1e-90;
        if is_constant {
            return None;
        }
        let of_class = |m: &[f64; 3]| {
            let [rows, mean, variance] = if m[0] > 0.0 { *m } else { moments[all] };
            debug_assert!(rows > 0.0);
            Normal { mean, variance: variance + smoothing * moments[all][2] }
        };
        Some(moments[..all].iter().map(of_class).collect())
    }

    /// The logarithms of the smoothed shares of the levels, class after class.
    fn log_shares(
        &self,
        evidence: &Evidence,
        matrix: &FeatureMatrix,
        alpha: f64,
    ) -> Option<Vec<f64>> {
        let levels: Vec<Option<usize>> =
            self.of_matrix.iter().map(|row| evidence.level(matrix, *row as usize)).collect();
        let n_levels = levels.iter().flatten().max()? + 1;
        if n_levels < 2 {
            return None;
        }
        let mut counts = vec![0.0; n_levels * self.n_classes];
        let rows = levels.iter().zip(&self.weights).zip(&self.classes);
        for ((level, weight), class) in rows {
            if let Some(level) = level {
                counts[*class as usize * n_levels + level] += weight;
            }
        }
        for of_class in counts.chunks_exact_mut(n_levels) {
            log_shares_of(of_class, alpha);
        }
        Some(counts)
    }
}

/// The least share of a level in a class where nothing is added to its rows: as good as never, and
/// a finite number.
const NEVER: f64 = 1e-10;

fn log_shares_of(counts: &mut [f64], alpha: f64) {
    let total: f64 = counts.iter().map(|count| count + alpha).sum();
    let even = 1.0 / counts.len() as f64;
    for count in counts {
        let share = if total > 0.0 { (*count + alpha) / total } else { even };
        *count = share.max(NEVER).ln();
    }
}
