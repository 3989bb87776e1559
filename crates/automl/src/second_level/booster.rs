//! Small trees on the members' scores and the encoded columns: whom to trust, in which rows.
//!
//! They start from the line through the ensemble's scores alone and are cross-fitted along the
//! folds; after how many rounds a fold is judged, the other folds say (see
//! [`crate::trial::rounds`]): a fold that chose for itself would be flattered.

use std::sync::Arc;

use modelwright_core::data::{FeatureColumn, FeatureMatrix, FeatureView, TrainView};
use modelwright_core::params::{Checked, ParamMap, ParamValue, Params};
use modelwright_core::task::Target;
use modelwright_core::{Context, Result};
use modelwright_learners::gbdt::{FitOptions, Gbdt, GbdtModel, GbdtParams};
use modelwright_learners::{Fitted, Model};
use modelwright_preprocess::encode::Prepared;
use modelwright_preprocess::encode::bins::bin;

use super::scores::Scores;
use super::{Line, columns, with_columns};
use crate::conformal::Parts;
use crate::trial::rounds::{OfFold, agree};

/// A correction is a rough function: few rounds of small trees.
pub(super) const N_ROUNDS: u32 = 60;
const LEARNING_RATE: f64 = 0.05;
const MAX_LEAVES: i64 = 8;

/// What the trees learn from.
pub(super) struct Lesson<'a> {
    pub prepared: &'a Prepared,
    /// Judged rows of the table, and their parts.
    pub rows: &'a [u32],
    pub parts: &'a Parts,
    /// Of the judged rows.
    pub scores: &'a Scores,
    /// Where the rows of each part start, and all rows for a fit on all of them.
    pub lines: (&'a [Line], &'a Line),
    /// Target and weights of all rows of the table.
    pub target: &'a Target,
    pub weights: Option<&'a [f64]>,
}

/// Cross-fitted trees.
pub(super) struct CrossFitted {
    /// The scores of the judged rows, each by trees that did not see it.
    pub scores: Vec<f64>,
    /// Rounds for a fit on all rows; 0 where the folds like none.
    pub rounds: usize,
}

impl Lesson<'_> {
    /// Scores of each judged row by trees that did not see it; `None` when there was no time.
    pub(super) fn cross_fit(&self, ctx: &Context) -> Result<Option<CrossFitted>> {
        let columns = self.columns();
        let mut fits: Vec<(GbdtModel, Vec<f64>)> = Vec::new();
        for (k, part) in self.parts.positions.iter().enumerate() {
            if !ctx.proceed() {
                return Ok(None);
            }
            let features = self.features(k, &columns);
            let others = self.rows_but(part);
            let on = (&features, others.as_slice(), self.rows_of(part));
            fits.push(self.fit(
                on,
                (&self.lines.0[k], N_ROUNDS as usize),
                &format!("fold-{k}"),
                ctx,
            )?);
        }
        let weight = |row: u32| self.weights.map_or(1.0, |w| w[row as usize]);
        let heavy = |part: &Vec<u32>| self.rows_of(part).into_iter().map(weight).sum::<f64>();
        let weights: Vec<f64> = self.parts.positions.iter().map(heavy).collect();
        let folds = fits.iter().zip(weights);
        let courses: Vec<OfFold<'_>> =
            folds.map(|((_, losses), weight)| OfFold { losses, weight }).collect();
        let (rounds, wanted) = agree(&courses);
        let n = self.scores.n_outputs;
        let mut scores = vec![0.0; self.scores.start.len()];
        for (k, part) in self.parts.positions.iter().enumerate() {
            let start = self.lines.0[k].scores(self.scores, None);
            let features = self.features(k, &columns);
            let rows = self.rows_of(part);
            let view = FeatureView::of(&features, &rows);
            let added = fits[k].0.scores_after(rounds[k], &view, ctx)?;
            for (position, added) in part.iter().zip(added.chunks_exact(n)) {
                let at = *position as usize * n;
                for (i, added) in added.iter().enumerate() {
                    scores[at + i] = start[at + i] + added;
                }
            }
        }
        Ok(Some(CrossFitted { scores, rounds: wanted }))
    }

    /// The trees of all judged rows; `None` when there was no time for all rounds.
    pub(super) fn refit(&self, rounds: usize, ctx: &Context) -> Result<Option<Fitted>> {
        let features = with_columns(self.prepared.full.clone(), self.columns());
        let rows = self.rows_but(&[]);
        let on = (&features, rows.as_slice(), Vec::new());
        let (model, _) = self.fit(on, (self.lines.1, rounds), "refit", ctx)?;
        Ok((model.rounds() == rounds).then(|| Fitted::of::<Gbdt>(model)))
    }

    fn fit(
        &self,
        (features, rows, validation): (&FeatureMatrix, &[u32], Vec<u32>),
        (line, rounds): (&Line, usize),
        scope: &str,
        ctx: &Context,
    ) -> Result<(GbdtModel, Vec<f64>)> {
        let n = self.scores.n_outputs;
        let start = line.scores(self.scores, None);
        let mut init_scores = vec![0.0; features.n_rows * n];
        for (row, start) in self.rows.iter().zip(start.chunks_exact(n)) {
            let at = *row as usize * n;
            init_scores[at..at + n].copy_from_slice(start);
        }
        let view = TrainView {
            features,
            target: self.target,
            weights: self.weights,
            rows,
            validation: &validation,
        };
        let options = FitOptions { init_scores: Some(&init_scores), ..FitOptions::default() };
        let ctx = &ctx.scope(scope);
        let (model, course) = Gbdt::observe_with(&view, &params(rounds)?, &options, ctx)?;
        Ok((model, course.losses))
    }

    /// The rows of the table that are judged, but for a part of them, ascending.
    fn rows_but(&self, part: &[u32]) -> Vec<u32> {
        let mut is_own = vec![false; self.rows.len()];
        for position in part {
            is_own[*position as usize] = true;
        }
        let others = self.rows.iter().zip(&is_own).filter(|(_, own)| !**own);
        let mut rows: Vec<u32> = others.map(|(row, _)| *row).collect();
        rows.sort_unstable();
        rows
    }

    fn rows_of(&self, part: &[u32]) -> Vec<u32> {
        part.iter().map(|position| self.rows[*position as usize]).collect()
    }

    fn features(&self, k: usize, columns: &[FeatureColumn]) -> FeatureMatrix {
        let own = if self.parts.are_folds { k } else { 0 };
        with_columns(self.prepared.folds[own].clone(), columns.to_vec())
    }

    /// The scores as binned columns of the whole table; rows that nobody judged have none.
    fn columns(&self) -> Vec<FeatureColumn> {
        let n_rows = self.prepared.full.n_rows;
        let spread = |mut column: FeatureColumn| {
            let mut values = vec![f32::NAN; n_rows];
            for (row, value) in self.rows.iter().zip(column.values.iter()) {
                values[*row as usize] = *value;
            }
            column.bins = Some(Arc::new(bin(&values, Some(self.rows))));
            column.values = values.into();
            column
        };
        columns(self.scores).into_iter().map(spread).collect()
    }
}

fn params(rounds: usize) -> Result<Checked<GbdtParams>> {
    let given = [
        ("n_rounds", ParamValue::Int(i64::try_from(rounds).unwrap_or(i64::MAX))),
        ("learning_rate", ParamValue::Real(LEARNING_RATE)),
        ("max_leaves", ParamValue::Int(MAX_LEAVES)),
        // Without: the folds agree on the rounds by whole courses.
        ("early_stopping_rounds", ParamValue::Int(i64::from(N_ROUNDS))),
    ];
    let map: ParamMap = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    GbdtParams::from_map("gbdt", &map)
}
