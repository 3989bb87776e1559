//! The new models, and the one of them that is held against the gates.

use modelwright_automl::{ContinueInput, FitInput, FitOutcome, Own, continue_boosters, row_groups};
use modelwright_core::context::Event;
use modelwright_core::data::{Schema, Table};
use modelwright_core::record::{DataSource, Options, RunRecord};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, ErrorKind, Result};
use modelwright_evaluate::{Paired, compare};
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::retrain::{Candidate, Choice, RetrainPlan};

use super::{RetrainRequest, judged_source, judged_weights};
use crate::Model;

/// The share of the time in which boosters may learn on beside a search.
const CONTINUED_SHARE: f64 = 0.2;

/// What a new model is for.
pub(super) struct Lesson<'a> {
    pub(super) champion: &'a Model,
    pub(super) record: &'a RunRecord,
    /// The rows that judge.
    pub(super) newer: &'a Table,
    pub(super) request: &'a RetrainRequest,
    pub(super) ctx: &'a Context,
}

/// What it learns from.
pub(super) struct Taught {
    pub(super) table: Table,
    pub(super) schema: Schema,
    pub(super) source: DataSource,
    pub(super) options: Options,
}

/// The new model, and how it was chosen where there were several.
pub(super) struct Found {
    pub(super) outcome: FitOutcome,
    pub(super) choice: Option<Choice>,
}

impl Lesson<'_> {
    /// Makes the new models that were asked for, and chooses one.
    ///
    /// # Errors
    /// As the fit, or as [`continue_boosters`] where nothing else was asked.
    pub(super) fn find(&self, taught: Taught, champion_bytes: &[u8]) -> Result<Found> {
        let plan = self.request.plan;
        let mut continued = None;
        if plan.continues() {
            continued = match self.continued(&taught, champion_bytes) {
                Ok(outcome) => Some(outcome),
                Err(e) if !plan.fits() || e.kind() == ErrorKind::Interrupted => return Err(e),
                Err(e) => {
                    self.ctx.tell(Event::Note(format!("nothing was continued: {e}")));
                    None
                }
            };
        }
        let fitted = if plan.fits() { Some(self.fitted(taught)?) } else { None };
        match (fitted, continued) {
            (Some(fitted), Some(continued)) => self.choose(fitted, continued),
            (Some(outcome), None) | (None, Some(outcome)) => Ok(Found { outcome, choice: None }),
            (None, None) => Err(Error::work("no new model was made")),
        }
    }

    fn continued(&self, taught: &Taught, champion_bytes: &[u8]) -> Result<FitOutcome> {
        let input = ContinueInput {
            predictor: &self.champion.predictor,
            record: self.record,
            parent_sha256: sha256_hex(champion_bytes),
            table: taught.table.clone(),
            source: taught.source.clone(),
            judged: self.newer.clone(),
            judged_source: judged_source(&taught.source, self.newer),
            options: taught.options.clone(),
        };
        match self.ctx.remaining().filter(|_| self.request.plan.fits()) {
            Some(left) => {
                continue_boosters(input, &self.ctx.with_time_limit(left.mul_f64(CONTINUED_SHARE)))
            }
            None => continue_boosters(input, self.ctx),
        }
    }

    fn fitted(&self, taught: Taught) -> Result<FitOutcome> {
        let Taught { table, schema, source, options } = taught;
        let test = Some((self.newer.clone(), judged_source(&source, self.newer)));
        let own = Own::default();
        let input = FitInput { table, schema, source, test, options, own, all_rows: None };
        let outcome = modelwright_automl::fit(input, self.ctx)?;
        let (is, was) = (&outcome.predictor.classes, &self.champion.predictor.classes);
        if is == was {
            return Ok(outcome);
        }
        Err(Error::input("the new rows have other classes than the old model")
            .column(&self.champion.predictor.target)
            .expected(was.join(", "))
            .got(is.join(", "))
            .hint("fit a new model with `modelwright fit`: there is no old one to compare with"))
    }

    /// The better one by a paired test on the rows that judge; where that cannot tell them apart,
    /// the smaller one.
    fn choose(&self, fitted: FitOutcome, continued: FitOutcome) -> Result<Found> {
        let metric = self.champion.metric(self.ctx);
        let truth = self.champion.predictor.encode_target(self.newer)?;
        let (of_fitted, of_continued) = (self.said(&fitted)?, self.said(&continued)?);
        let thresholds = (fitted.predictor.threshold, continued.predictor.threshold);
        let weights = judged_weights(self.newer, self.record);
        let groups = row_groups(self.newer, &self.record.options);
        let pair = Paired {
            truth: &truth,
            a: &of_fitted,
            b: &of_continued,
            weights: weights.as_deref(),
            groups: groups.as_deref(),
            thresholds,
        };
        let found = compare(metric, &pair, self.ctx)?;
        let size = |outcome: &FitOutcome| outcome.predictor.encode().map(|b| b.len() as u64);
        let sizes = (size(&fitted)?, size(&continued)?);
        let is_larger = found.difference > 0.0;
        let (takes_fitted, why) = if found.is_significant() {
            (is_larger == metric.spec.larger_is_better, "it is better beyond chance")
        } else {
            (sizes.0 < sizes.1, "they cannot be told apart, and it is smaller")
        };
        let of_fit = if self.request.fits_same() { RetrainPlan::Same } else { RetrainPlan::Search };
        let (value_a, value_b) = (found.value_a, found.value_b);
        let mut candidates = vec![
            Candidate { plan: of_fit, value: value_a, size_bytes: sizes.0 },
            Candidate { plan: RetrainPlan::Continue, value: value_b, size_bytes: sizes.1 },
        ];
        if !takes_fitted {
            candidates.reverse();
        }
        let name = if takes_fitted { "fitted anew" } else { "continued" };
        let words = format!(
            "of two new models the one that was {name} is held against the old one: {} of \
             {value_a:.5} fitted anew, {value_b:.5} continued (p = {:.4}): {why}",
            found.metric, found.p_value
        );
        let outcome = if takes_fitted { fitted } else { continued };
        Ok(Found { outcome, choice: Some(Choice { candidates, words }) })
    }

    /// What a model said of the judged rows before it learned from them.
    fn said(&self, outcome: &FitOutcome) -> Result<Predictions> {
        match &outcome.tested {
            Some(said) => Ok(said.clone()),
            None => outcome.predictor.predict(self.newer, self.ctx),
        }
    }
}
