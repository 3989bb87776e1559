//! A second level of models: a correction of what the ensemble says, where that was shown to pay.
//!
//! ```text
//! members ─ weighted mean ─ score ─┬─▶ + correction ─▶ prediction ─▶ calibrator
//!                                  └── members' scores, encoded columns
//! ```
//!
//! Weights of an ensemble are positive and the same everywhere. A correction may take a member's
//! word against it (*linear*: one weight of either sign for how far each member's score is from the
//! ensemble's), or trust it in some rows only (*booster*: small trees on the members' scores and
//! the encoded columns). Both start from the ensemble's score, so that what they do not learn
//! leaves the ensemble as it is; what starts from nothing loses on most tables
//! (`docs/decisions.md`).
//!
//! What is learned here is learned from out-of-fold predictions, judged by rows of the other folds,
//! and let in by [`crate::gate`] alone: see [`mod@learn`]. Reference: Wolpert, "Stacked
//! Generalization", Neural Networks 5, 1992.

mod booster;
mod judge;
mod learn;
mod line;
mod parting;
mod scores;
mod stored;
#[cfg(test)]
mod tests;
mod when;

use std::sync::Arc;

use modelwright_core::data::{FeatureColumn, FeatureMatrix, FeatureView};
use modelwright_core::task::{Predictions, Task};
use modelwright_core::{Context, Error, Result};
use modelwright_learners::Fitted;
use modelwright_learners::gbdt::GbdtModel;

pub(crate) use self::learn::{Input, Learned, learn};
pub(crate) use self::line::Line;
use self::scores::Scores;
pub(crate) use self::scores::{MARGIN, SOFTENING};
pub(crate) use self::stored::Stored;
pub(crate) use self::when::reserve;
use crate::tree_answers::booster;

/// A correction of the ensemble's score.
pub(crate) struct SecondLevel {
    pub line: Line,
    /// The largest change that the line made of a row it learned from: a row unlike any of them is
    /// not moved further.
    pub reach: f64,
    /// The smallest and the largest number that was to be learned; `None` for classes. A correction
    /// leads no prediction out of them.
    pub range: Option<(f64, f64)>,
    pub trees: Option<Trees>,
}

/// Trees on top of the line.
pub(crate) struct Trees {
    /// What writes the encoded columns that they read.
    pub encoder: usize,
    pub fitted: Fitted,
}

impl Trees {
    /// # Errors
    /// Work error when it is no booster.
    pub(crate) fn booster(&self) -> Result<&GbdtModel> {
        booster(&self.fitted).ok_or_else(|| Error::work("a second level that is no booster"))
    }
}

impl SecondLevel {
    /// The name of its kind.
    pub(crate) fn kind(&self) -> &'static str {
        if self.trees.is_some() { learn::BOOSTER } else { learn::LINEAR }
    }

    /// The number of the encoder whose columns it reads, if it reads any.
    pub(crate) fn encoder(&self) -> Option<usize> {
        self.trees.as_ref().map(|trees| trees.encoder)
    }

    /// Corrects the mean of what the members said. `features` are those of [`Self::encoder`].
    ///
    /// # Errors
    /// Input error when the features are not those that the trees were fitted on.
    pub(crate) fn apply(
        &self,
        said: &[Predictions],
        mean: &mut Predictions,
        features: Option<&FeatureMatrix>,
        ctx: &Context,
    ) -> Result<()> {
        let refs: Vec<&Predictions> = said.iter().collect();
        let scores = Scores::of(&refs, mean, self.range.is_none());
        let mut corrected = self.line.scores(&scores, Some(self.reach));
        if let Some(trees) = &self.trees {
            let features =
                features.ok_or_else(|| Error::work("the second level has no columns"))?;
            let matrix = with_columns(features.clone(), columns(&scores));
            let added = trees.booster()?.scores(&FeatureView::all(&matrix), ctx)?;
            corrected.iter_mut().zip(added).for_each(|(c, a)| *c += a);
        }
        self.finish(&scores, corrected, mean);
        Ok(())
    }

    /// Writes corrected scores as predictions.
    fn finish(&self, scores: &Scores, corrected: Vec<f64>, mean: &mut Predictions) {
        mean.values = corrected;
        within(self.range, &scores.start, &mut mean.values);
        scores.to_predictions(&mut mean.values);
    }

    /// Proves it sound for a predictor of so many members, whose encoders have so many features.
    ///
    /// # Errors
    /// Input error when it is not.
    pub(crate) fn validate(
        &self,
        (task, n_outputs, n_members): (Task, usize, usize),
        n_features: impl Fn(usize) -> Option<usize>,
    ) -> Result<()> {
        let broken = |what: &str| {
            Err(Error::input(format!("the stored second level is broken: {what}"))
                .hint("fit the model again, or fetch the file again"))
        };
        if n_members < 2 || ![0, n_members].contains(&self.line.weights.len()) {
            return broken("it has other members");
        }
        if !(self.line.is_finite() && self.reach.is_finite() && self.reach >= 0.0) {
            return broken("a weight is not a number");
        }
        let is_range = |(low, high): (f64, f64)| low <= high && (high - low).is_finite();
        if task.is_classification() == self.range.is_some() || !self.range.is_none_or(is_range) {
            return broken("it does not fit the task");
        }
        if let Some(trees) = &self.trees {
            let n_columns = (n_members + 1) * n_outputs;
            let n_wanted = n_features(trees.encoder).map(|n| n + n_columns);
            let n_own = trees.fitted.model.n_features();
            let fits = booster(&trees.fitted).is_some_and(|m| m.n_outputs() == n_outputs);
            if n_wanted != Some(n_own) || !fits {
                return broken("its trees do not fit their encoder");
            }
        }
        Ok(())
    }
}

/// Keeps corrected numbers within what was to be learned; those that start beyond it may stay.
fn within(range: Option<(f64, f64)>, start: &[f64], corrected: &mut [f64]) {
    let Some((low, high)) = range else { return };
    for (corrected, start) in corrected.iter_mut().zip(start) {
        *corrected = corrected.max(low.min(*start)).min(high.max(*start));
    }
}

/// What trees read beside the encoded columns: the ensemble's scores, then each member's.
fn columns(scores: &Scores) -> Vec<FeatureColumn> {
    let of = |values: Arc<[f32]>| {
        let name: Arc<str> = "score".into();
        FeatureColumn { source: name.clone(), name, values, is_category: false, bins: None }
    };
    scores.columns().into_iter().map(of).collect()
}

fn with_columns(mut matrix: FeatureMatrix, columns: Vec<FeatureColumn>) -> FeatureMatrix {
    matrix.columns.extend(columns);
    matrix
}
