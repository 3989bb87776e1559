//! Quantiles of the residuals as a function of the features: where a model errs more.
//!
//! One booster learns the lower and upper quantiles of all levels at once from the out-of-fold
//! residuals; the prediction itself is one of its features. It is cross-fitted along the same
//! parts, so that the scores of the rows come from boosters that did not see them.
//! Reference: Romano, Patterson & Candès, "Conformalized quantile regression", NeurIPS 2019.

use std::sync::Arc;

use modelwright_core::data::{FeatureColumn, FeatureMatrix, FeatureView, TrainView};
use modelwright_core::params::{Checked, ParamMap, ParamValue, Params};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use modelwright_learners::gbdt::{FitOptions, Gbdt, GbdtParams};
use modelwright_learners::{Fitted, Model};
use modelwright_preprocess::encode::Prepared;
use modelwright_preprocess::encode::bins::bin;

use super::fit::Parts;

/// Rounds of the booster: the spread of errors is a rougher function than their mean.
const N_ROUNDS: u16 = 100;
const LEARNING_RATE: f64 = 0.1;
const MAX_LEAVES: i64 = 8;

/// A quantile far out needs rows: a leaf has at least so many rows beyond it, on average.
const ROWS_BEYOND: f64 = 2.0;
const LEAF_ROWS_MIN: f64 = 20.0;
const LEAF_ROWS_MAX: f64 = 10_000.0;

/// With fewer judged rows the spread cannot be told from chance.
pub(super) const N_ROWS_MIN: usize = 400;

/// Wall nanoseconds of a round per cell (row × feature × output) and thread, and per output.
const ROUND_NS_PER_CELL: f64 = 4.0;
const ROUND_NS_FIXED: f64 = 150_000.0;

/// What the booster learns from.
pub(super) struct Residuals<'a> {
    pub prepared: &'a Prepared,
    /// Judged rows of the table, and their parts.
    pub rows: &'a [u32],
    pub parts: &'a Parts,
    /// Out-of-fold predictions of the judged rows, and their errors (truth − prediction).
    pub predicted: &'a [f64],
    pub errors: &'a [f64],
    /// Weights of all rows of the table.
    pub weights: Option<&'a [f64]>,
    /// Levels of intervals, ascending.
    pub levels: &'a [f64],
}

impl Residuals<'_> {
    /// Wall seconds that [`Self::cross_fit`] and [`Self::refit`] should take.
    pub(super) fn expected_s(&self, ctx: &Context) -> f64 {
        let n_features = self.prepared.full.n_features() + 1;
        let size = (self.rows.len(), n_features, self.levels.len());
        expected_s(size, self.parts.positions.len() + 1, ctx)
    }

    /// Quantiles of each judged row by a booster that did not see it; `None` when there was no
    /// time for all of them.
    pub(super) fn cross_fit(&self, ctx: &Context) -> Result<Option<Predictions>> {
        let n_outputs = 2 * self.levels.len();
        let mut quantiles = Predictions::zeros(self.rows.len(), n_outputs);
        for (k, part) in self.parts.positions.iter().enumerate() {
            let own = if self.parts.are_folds { k } else { 0 };
            let features = self.features(&self.prepared.folds[own]);
            let mut is_own = vec![false; self.rows.len()];
            for position in part {
                is_own[*position as usize] = true;
            }
            let others: Vec<u32> =
                self.rows.iter().zip(&is_own).filter(|(_, own)| !**own).map(|(r, _)| *r).collect();
            let Some(model) = self.fit(&features, others, &format!("fold-{k}"), ctx)? else {
                return Ok(None);
            };
            let rows: Vec<u32> = part.iter().map(|p| self.rows[*p as usize]).collect();
            let predicted = model.model.predict(&FeatureView::of(&features, &rows), ctx)?;
            for (position, row) in part.iter().zip(predicted.values.chunks_exact(n_outputs)) {
                let at = *position as usize * n_outputs;
                quantiles.values[at..at + n_outputs].copy_from_slice(row);
            }
        }
        Ok(Some(quantiles))
    }

    /// The booster of all judged rows; `None` when there was no time for all of it.
    pub(super) fn refit(&self, ctx: &Context) -> Result<Option<Fitted>> {
        self.fit(&self.features(&self.prepared.full), self.rows.to_vec(), "refit", ctx)
    }

    fn fit(
        &self,
        features: &FeatureMatrix,
        mut rows: Vec<u32>,
        scope: &str,
        ctx: &Context,
    ) -> Result<Option<Fitted>> {
        rows.sort_unstable();
        let mut target = vec![0.0; features.n_rows];
        for (row, residual) in self.rows.iter().zip(self.errors) {
            target[*row as usize] = *residual;
        }
        let levels = quantile_levels(self.levels);
        let view = TrainView {
            features,
            target: &Target::Real(target),
            weights: self.weights,
            rows: &rows,
            validation: &[],
        };
        let options = FitOptions { quantile_levels: Some(&levels), ..FitOptions::default() };
        let model = Gbdt::fit_with(&view, &params(levels[0])?, &options, &ctx.scope(scope))?;
        Ok((model.rounds() == usize::from(N_ROUNDS)).then(|| Fitted::of::<Gbdt>(model)))
    }

    /// The features of all rows and the out-of-fold prediction of the judged ones.
    fn features(&self, matrix: &FeatureMatrix) -> FeatureMatrix {
        let mut values = vec![f64::NAN; matrix.n_rows];
        for (row, predicted) in self.rows.iter().zip(self.predicted) {
            values[*row as usize] = *predicted;
        }
        with_prediction(matrix.clone(), &values, Some(self.rows))
    }
}

/// Wall seconds of `n_fits` boosters on a table of so many rows, features and levels.
pub(super) fn expected_s(size: (usize, usize, usize), n_fits: usize, ctx: &Context) -> f64 {
    let (n_rows, n_features, n_levels) = size;
    let n_outputs = 2.0 * n_levels as f64;
    let cells = n_rows as f64 * n_features as f64 * n_outputs;
    let round_ns = cells * ROUND_NS_PER_CELL / ctx.threads() as f64 + ROUND_NS_FIXED * n_outputs;
    n_fits as f64 * f64::from(N_ROUNDS) * round_ns * 1e-9
}

/// The matrix with the prediction as its last feature; binned where `rows` decide the cuts.
pub(super) fn with_prediction(
    mut matrix: FeatureMatrix,
    values: &[f64],
    rows: Option<&[u32]>,
) -> FeatureMatrix {
    let limit = f64::from(f32::MAX);
    let values: Arc<[f32]> = values.iter().map(|v| v.clamp(-limit, limit) as f32).collect();
    let name: Arc<str> = "prediction".into();
    matrix.columns.push(FeatureColumn {
        name: name.clone(),
        source: name,
        bins: rows.map(|rows| Arc::new(bin(&values, Some(rows)))),
        values,
        is_category: false,
    });
    matrix
}

/// The quantiles that bound central intervals of ascending `levels`, ascending.
fn quantile_levels(levels: &[f64]) -> Vec<f64> {
    let low = levels.iter().rev().map(|level| (1.0 - level) / 2.0);
    low.chain(levels.iter().map(|level| (1.0 + level) / 2.0)).collect()
}

fn params(lowest: f64) -> Result<Checked<GbdtParams>> {
    let leaf_rows = (ROWS_BEYOND / lowest).clamp(LEAF_ROWS_MIN, LEAF_ROWS_MAX) as i64;
    let given = [
        ("n_rounds", ParamValue::Int(i64::from(N_ROUNDS))),
        ("learning_rate", ParamValue::Real(LEARNING_RATE)),
        ("max_leaves", ParamValue::Int(MAX_LEAVES)),
        ("min_samples_leaf", ParamValue::Int(leaf_rows)),
    ];
    let map: ParamMap = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    GbdtParams::from_map("gbdt", &map)
}
