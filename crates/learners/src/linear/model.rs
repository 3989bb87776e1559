//! A fitted linear model: coefficients in the units of the features, and how to score with them.

use modelwright_core::data::{FeatureMatrix, FeatureView};
use modelwright_core::task::{Predictions, Task};
use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::design::missing_value;
use crate::learner::Model;

/// Rows that one thread scores together.
const BLOCK: usize = 256;

/// No coefficient is larger, so that no score can overflow: features are f32 (below 1e39).
pub(super) const LARGEST: f64 = 1e200;

/// A score is `intercept + Σ coefficient · (feature − center)`, plus `coefficient · value` for
/// sparse columns; one score per output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearModel {
    pub(super) task: Task,
    /// Mean of each dense feature in training.
    pub(super) centers: Vec<f64>,
    /// Dense coefficients, one run of features per output.
    pub(super) dense: Vec<f64>,
    pub(super) n_sparse: usize,
    /// Sparse coefficients, one run of columns per output.
    pub(super) sparse: Vec<f64>,
    /// One per output.
    pub(super) intercepts: Vec<f64>,
    /// Regression predictions are clamped to this range.
    pub(super) range: (f64, f64),
    /// Steps of the penalty path up to the one whose penalty this model has.
    pub(super) steps: usize,
    /// That penalty, per unit of weight on standardised features.
    pub(super) penalty: f64,
}

impl LinearModel {
    /// How many scores a row has: 1 for regression and binary, else one per class.
    pub fn n_outputs(&self) -> usize {
        self.intercepts.len()
    }

    /// Coefficients of the dense features for an output, per unit of each feature.
    ///
    /// The score is the predicted value (regression), the log odds of the positive class
    /// (binary), or the log of a class's share up to a constant (multiclass).
    ///
    /// # Panics
    /// If there is no such output.
    pub fn coefficients(&self, output: usize) -> &[f64] {
        let n = self.centers.len();
        &self.dense[output * n..(output + 1) * n]
    }

    /// Coefficients of the sparse columns for an output.
    ///
    /// # Panics
    /// If there is no such output.
    pub fn sparse_coefficients(&self, output: usize) -> &[f64] {
        &self.sparse[output * self.n_sparse..(output + 1) * self.n_sparse]
    }

    /// The score of an output where every dense feature has its center's value.
    ///
    /// # Panics
    /// If there is no such output.
    pub fn intercept(&self, output: usize) -> f64 {
        self.intercepts[output]
    }

    /// Mean of each dense feature in training: what coefficients are counted from.
    pub fn centers(&self) -> &[f64] {
        &self.centers
    }

    /// What predictions of a regression are clamped to.
    pub fn range(&self) -> (f64, f64) {
        self.range
    }

    /// The penalty per unit of weight on standardised features.
    pub fn penalty(&self) -> f64 {
        self.penalty
    }

    fn check_columns(&self, features: &FeatureMatrix) -> Result<()> {
        let n_sparse = features.sparse.as_ref().map_or(0, |s| s.n_columns);
        let has = (features.n_features(), n_sparse);
        if has == (self.centers.len(), self.n_sparse) {
            return Ok(());
        }
        Err(Error::input("the table does not have the columns of the model")
            .expected(format!("{} dense and {} sparse", self.centers.len(), self.n_sparse))
            .got(format!("{} dense and {} sparse", has.0, has.1)))
    }

    /// Scores rows `start..` of the view, as many as `out` holds, and links them.
    fn predict_block(&self, x: &FeatureView<'_>, start: usize, out: &mut [f64]) -> Result<()> {
        let n_outputs = self.n_outputs();
        let n_rows = out.len() / n_outputs;
        for row in out.chunks_exact_mut(n_outputs) {
            row.copy_from_slice(&self.intercepts);
        }
        let mut values = vec![0.0; n_rows];
        for (j, column) in x.features.columns.iter().enumerate() {
            for (i, value) in values.iter_mut().enumerate() {
                let raw = column.values[x.row(start + i)];
                if !raw.is_finite() {
                    return Err(missing_value(&column.name, x.row(start + i)));
                }
                *value = f64::from(raw) - self.centers[j];
            }
            for k in 0..n_outputs {
                let coefficient = self.dense[k * self.centers.len() + j];
                let scores = out.iter_mut().skip(k).step_by(n_outputs);
                for (score, value) in scores.zip(&values) {
                    *score += coefficient * value;
                }
            }
        }
        if let Some(sparse) = &x.features.sparse {
            for (i, row) in out.chunks_exact_mut(n_outputs).enumerate() {
                let (indices, values) = sparse.row(x.row(start + i));
                for (j, value) in indices.iter().zip(values) {
                    for (k, score) in row.iter_mut().enumerate() {
                        *score += self.sparse[k * self.n_sparse + *j as usize] * f64::from(*value);
                    }
                }
            }
        }
        for row in out.chunks_exact_mut(n_outputs) {
            self.link(row);
        }
        Ok(())
    }

    /// From scores to predictions.
    fn link(&self, row: &mut [f64]) {
        match self.task {
            Task::Regression => row[0] = row[0].clamp(self.range.0, self.range.1),
            Task::Binary => {
                let small = (-row[0].abs()).exp();
                row[0] = if row[0] >= 0.0 { 1.0 } else { small } / (1.0 + small);
            }
            Task::Multiclass => {
                let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                for score in &mut *row {
                    *score = (*score - max).exp();
                }
                let total: f64 = row.iter().sum();
                for score in row {
                    *score /= total;
                }
            }
        }
    }
}

impl Model for LinearModel {
    fn predict(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Predictions> {
        self.check_columns(x.features)?;
        let n_outputs = self.n_outputs();
        let mut values = vec![0.0; x.n_rows() * n_outputs];
        if x.n_rows() <= BLOCK {
            self.predict_block(x, 0, &mut values)?;
        } else {
            ctx.install(|| {
                values
                    .par_chunks_mut(BLOCK * n_outputs)
                    .enumerate()
                    .map(|(block, out)| self.predict_block(x, block * BLOCK, out))
                    .collect::<Vec<Result<()>>>()
                    .into_iter()
                    .collect::<Result<()>>()
            })?;
        }
        Ok(Predictions::new(n_outputs, values))
    }

    fn rounds(&self) -> usize {
        self.steps
    }

    fn n_features(&self) -> usize {
        self.centers.len()
    }

    fn validate(&self) -> Result<()> {
        let broken =
            |what: &str| Err(Error::input("the stored linear model is not sound").got(what));
        let n_outputs = self.n_outputs();
        let outputs_fit = match self.task {
            Task::Multiclass => n_outputs > 2,
            Task::Binary | Task::Regression => n_outputs == 1,
        };
        if !outputs_fit {
            return broken("a number of outputs that does not fit the task");
        }
        let n_dense = n_outputs.checked_mul(self.centers.len());
        let n_sparse = n_outputs.checked_mul(self.n_sparse);
        if n_dense != Some(self.dense.len()) || n_sparse != Some(self.sparse.len()) {
            return broken("a number of coefficients that does not fit the features");
        }
        let numbers = [&self.centers, &self.dense, &self.sparse, &self.intercepts];
        if !numbers.into_iter().flatten().all(|v| v.abs() <= LARGEST) {
            return broken("a coefficient that is not usable");
        }
        let (low, high) = self.range;
        if !(low.is_finite() && high.is_finite() && low <= high) {
            return broken("a range that is empty or not finite");
        }
        if !(self.penalty.is_finite() && self.penalty >= 0.0) || self.steps == 0 {
            return broken("a penalty path that cannot be");
        }
        Ok(())
    }
}
