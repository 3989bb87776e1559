//! What the untouched rows say: the one evaluation, and how much each column matters.

use modelwright_core::context::Event;
use modelwright_core::data::Table;
use modelwright_core::record::{Evaluation, Importance};
use modelwright_core::{Context, Result};
use modelwright_evaluate::metric::MetricInput;
use modelwright_evaluate::{EvaluateInput, evaluate};
use modelwright_inspect::explain::permutation_importance;

use super::Flow;
use super::combine::Combined;
use crate::budget;
use crate::parts::{constant, weights_of};
use crate::predictor::Predictor;
use crate::reference::PredictionReference;

/// Resamples of the intervals of the final evaluation.
const N_RESAMPLES: usize = 1_000;

/// Permutations of each column for its importance, and the rows they are made on.
const N_REPEATS: usize = 5;
const N_ROWS_IMPORTANCE: usize = 2_000;

impl Flow {
    /// The one evaluation on rows that took no part in anything before, and what the model said on
    /// them; what intervals reach on them goes into their record.
    pub(super) fn evaluate(
        &self,
        combined: &mut Combined,
        ctx: &Context,
    ) -> Result<Option<(Evaluation, PredictionReference)>> {
        let Some(held_out) = &self.held_out else { return Ok(None) };
        let predictor = &combined.predictor;
        let predictions = predictor.predict(held_out, ctx)?;
        let truth = predictor.encode_target(held_out)?;
        let weights = weights_of(held_out, &self.options)?;
        let baseline = constant(&self.target, self.weights.as_deref(), truth.n_rows());
        if let Some(record) = &mut combined.intervals {
            let held = predictor.held(held_out, &predictions, &truth, ctx)?;
            record.levels = held.map_or(Vec::new(), |held| held.reached(weights.as_deref()));
        }
        let on = self.test_source.as_ref().map_or("holdout", |s| s.name.as_str());
        let input = EvaluateInput {
            on,
            truth: &truth,
            predictions: &predictions,
            weights: weights.as_deref(),
            threshold: predictor.threshold,
            costs: predictor.costs(),
            classes: &predictor.classes,
            metric: self.metric,
            baseline: Some(&baseline),
            n_resamples: N_RESAMPLES,
        };
        let evaluation = evaluate(&input, ctx)?;
        let said = PredictionReference::of(predictor, &predictions, &truth, ctx)?;
        Ok(Some((evaluation, said)))
    }

    /// How much each column matters; empty when the metric is undefined on the untouched rows.
    pub(super) fn importances(
        &self,
        predictor: &Predictor,
        ctx: &Context,
    ) -> Result<Vec<Importance>> {
        let Some(held_out) = &self.held_out else { return Ok(Vec::new()) };
        ctx.tell(Event::Phase("importances".to_owned()));
        let step = held_out.n_rows().div_ceil(N_ROWS_IMPORTANCE).max(1);
        let rows: Vec<u32> = (0..held_out.n_rows() as u32).step_by(step).collect();
        let sample = held_out.select(&rows);
        // A rare class may be absent from the sample, or from all untouched rows.
        let tables = [&sample, held_out];
        let Some(table) = tables.into_iter().find(|t| self.is_defined_on(t, predictor, ctx)) else {
            return Ok(Vec::new());
        };
        let scope = ctx.scope("importances");
        let scope = match budget::explaining(ctx) {
            Some(limit) => scope.with_time_limit(limit),
            None => scope,
        };
        let columns: Vec<String> = predictor.feature_columns().map(str::to_owned).collect();
        permutation_importance(
            predictor,
            table,
            &predictor.encode_target(table)?,
            weights_of(table, &self.options)?.as_deref(),
            self.metric,
            &columns,
            N_REPEATS,
            &scope,
        )
    }

    /// Whether the metric has a value on these rows.
    fn is_defined_on(&self, table: &Table, predictor: &Predictor, ctx: &Context) -> bool {
        let value = || -> Result<f64> {
            self.metric.value(&MetricInput {
                truth: &predictor.encode_target(table)?,
                predictions: &predictor.predict(table, ctx)?,
                weights: weights_of(table, &self.options)?.as_deref(),
                threshold: predictor.threshold,
            })
        };
        value().is_ok()
    }
}
