//! How a fitted booster predicts: all rows at once, stage by stage, or one row after the other.
//!
//! A score is the exact f64 sum order of the base score and the trees from first to last: features
//! and thresholds are f32, leaf values and sums f64, so that there is no faster, less exact mode to
//! choose. The scores of a row are the same bits whichever way they are asked for.

use std::ops::Range;

use modelwright_core::data::FeatureView;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_kernels::forest::{Forest, Row};

use super::model::GbdtModel;
use crate::learner::Model;
use crate::tree::{Tree, predict};

impl GbdtModel {
    /// Scores before the link, row-major.
    ///
    /// # Errors
    /// Input error when `x` does not have the columns it was fitted on.
    pub fn scores(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Vec<f64>> {
        self.scores_after(self.rounds(), x, ctx)
    }

    /// Scores of the first `n_rounds` rounds (of all, if there are fewer), row-major.
    ///
    /// # Errors
    /// Input error when `x` does not have the columns it was fitted on.
    pub fn scores_after(
        &self,
        n_rounds: usize,
        x: &FeatureView<'_>,
        ctx: &Context,
    ) -> Result<Vec<f64>> {
        self.check_features(x.features.n_features())?;
        let (forest, trees) = (self.forest(), self.trees_of(n_rounds));
        let work = || predict::scores_of(forest, trees, self.base_scores(), x);
        // Handing a row to another thread takes longer than scoring it.
        Ok(if predict::is_quick(forest, x) { work() } else { ctx.install(work) })
    }

    /// Predictions of the first `n_rounds` rounds (of all, if there are fewer): for
    /// classification, probabilities.
    ///
    /// # Errors
    /// Input error when `x` does not have the columns it was fitted on.
    pub fn predictions_after(
        &self,
        n_rounds: usize,
        x: &FeatureView<'_>,
        ctx: &Context,
    ) -> Result<Predictions> {
        let mut values = self.scores_after(n_rounds, x, ctx)?;
        self.link().apply(&mut values, self.n_outputs());
        Ok(Predictions::new(self.n_outputs(), values))
    }

    /// Predictions after each of the given numbers of rounds, in one pass over the rows.
    ///
    /// # Errors
    /// Input error when `x` does not have the columns it was fitted on, or the numbers do not
    /// ascend.
    pub fn staged_predictions(
        &self,
        rounds: &[usize],
        x: &FeatureView<'_>,
        ctx: &Context,
    ) -> Result<Vec<Predictions>> {
        self.check_features(x.features.n_features())?;
        if !rounds.is_sorted() {
            return Err(Error::input("the rounds to predict after are not in order")
                .expected("ascending numbers of rounds"));
        }
        let stages: Vec<usize> = rounds.iter().map(|n| self.trees_of(*n).end).collect();
        let staged = ctx.install(|| predict::staged(self.forest(), &stages, self.base_scores(), x));
        let to_predictions = |mut values: Vec<f64>| {
            self.link().apply(&mut values, self.n_outputs());
            Predictions::new(self.n_outputs(), values)
        };
        Ok(staged.into_iter().map(to_predictions).collect())
    }

    /// Adds some of the rounds to scores of the rows of `x`, one slice of scores per output:
    /// begun with [`Self::base_scores`] and round after round these are the bits of
    /// [`Self::scores_after`].
    ///
    /// # Errors
    /// Input error when `x` does not have the columns it was fitted on, or the scores are not of
    /// its rows and outputs.
    pub fn add_rounds(
        &self,
        rounds: Range<usize>,
        x: &FeatureView<'_>,
        scores: &mut [Vec<f64>],
        ctx: &Context,
    ) -> Result<()> {
        self.check_features(x.features.n_features())?;
        if scores.len() != self.n_outputs() || scores.iter().any(|s| s.len() != x.n_rows()) {
            return Err(Error::input("the scores to add to have another shape")
                .expected(format!("{} times {} scores", self.n_outputs(), x.n_rows()))
                .got(format!("{:?} scores", scores.iter().map(Vec::len).collect::<Vec<_>>())));
        }
        let trees = self.trees_of(rounds.start).end..self.trees_of(rounds.end).end;
        if !trees.is_empty() {
            ctx.install(|| predict::add_to(self.forest(), trees, x, scores));
        }
        Ok(())
    }

    /// Row-major scores as predictions.
    ///
    /// # Errors
    /// Input error when they are not whole rows.
    pub fn predictions_of(&self, mut scores: Vec<f64>) -> Result<Predictions> {
        if !scores.len().is_multiple_of(self.n_outputs()) {
            return Err(Error::input("the scores are not whole rows")
                .expected(format!("{} numbers for each row", self.n_outputs()))
                .got(format!("{} numbers", scores.len())));
        }
        self.link().apply(&mut scores, self.n_outputs());
        Ok(Predictions::new(self.n_outputs(), scores))
    }

    /// The leaf of each tree in which each row ends, row-major; a tree's leaves are numbered as
    /// its values are.
    ///
    /// # Errors
    /// Input error when `x` does not have the columns it was fitted on.
    pub fn leaf_indices(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Vec<u32>> {
        self.check_features(x.features.n_features())?;
        let trees = 0..self.trees().len();
        Ok(ctx.install(|| predict::leaves(self.forest(), trees, x)))
    }

    /// For rows that come one by one.
    pub fn row_scorer(&self) -> RowScorer<'_> {
        let forest = self.forest();
        let scores = self.base_scores().to_vec();
        RowScorer { model: self, forest, row: forest.row(), scores }
    }

    fn forest(&self) -> &Forest {
        let compile = || Forest::new(self.n_features(), self.trees().iter().map(Tree::parts));
        self.compiled.get_or_init(compile)
    }

    fn trees_of(&self, n_rounds: usize) -> Range<usize> {
        0..n_rounds.min(self.rounds()) * self.trees_per_round()
    }

    fn check_features(&self, got: usize) -> Result<()> {
        if got == self.n_features() {
            return Ok(());
        }
        Err(Error::input("the table has other features than the model")
            .expected(format!("{} features", self.n_features()))
            .got(format!("{got} features")))
    }
}

/// Scores rows one by one without allocating; one for each thread.
#[derive(Debug)]
pub struct RowScorer<'a> {
    model: &'a GbdtModel,
    forest: &'a Forest,
    row: Row,
    scores: Vec<f64>,
}

impl RowScorer<'_> {
    /// The scores of a row before the link, one per output; NaN features are missing.
    ///
    /// # Errors
    /// Input error when there are not as many features as the model was fitted on.
    pub fn scores(&mut self, features: &[f32]) -> Result<&[f64]> {
        self.add_up(features)?;
        Ok(&self.scores)
    }

    /// The prediction of a row, one number per output: for classification, probabilities.
    ///
    /// # Errors
    /// Input error when there are not as many features as the model was fitted on.
    pub fn predict(&mut self, features: &[f32]) -> Result<&[f64]> {
        self.add_up(features)?;
        self.model.link().apply(&mut self.scores, self.model.n_outputs());
        Ok(&self.scores)
    }

    fn add_up(&mut self, features: &[f32]) -> Result<()> {
        self.model.check_features(features.len())?;
        for (value, feature) in self.row.values_mut().iter_mut().zip(self.forest.used_features()) {
            *value = features[*feature as usize];
        }
        self.scores.copy_from_slice(self.model.base_scores());
        self.forest.add_row(&mut self.row, 0..self.forest.n_trees(), &mut self.scores);
        Ok(())
    }
}

#[cfg(test)]
#[path = "scoring_tests.rs"]
mod tests;
