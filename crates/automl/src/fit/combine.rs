//! From trials to one predictor: weights, calibration and threshold out of fold, and refits.

use std::collections::{BTreeMap, BTreeSet};

use modelwright_core::data::Schema;
use modelwright_core::record::{EnsembleRecord, Member, PhaseTime};
use modelwright_core::task::{Predictions, Task};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::metric::Needs;
use modelwright_evaluate::threshold::best_threshold;
use modelwright_preprocess::FittedEncoder;

use super::Flow;
use crate::account::{self, Judged};
use crate::ensemble::{self, Selection};
use crate::predictor::{Member as PredictorMember, Predictor};
use crate::refit::{self, Chosen, Rows};
use crate::search::Found;
use crate::{budget, calibrate};

/// Judged rows used by the ensemble selection at most.
const N_ROWS_SELECT_MAX: usize = 20_000;

/// Members below this share of the largest weight are left out: they cost time at every
/// prediction and change nothing.
const WEIGHT_SHARE_MIN: f64 = 0.08;

/// What the ensemble became.
pub(super) struct Combined {
    /// The tested predictor; after the last fit, the one that is delivered.
    pub predictor: Predictor,
    /// How each of its members came about; their models are in the predictor.
    pub members: Vec<Chosen>,
    /// The encodings of the predictor's encoders.
    pub encodings: Vec<String>,
    pub threshold: Option<f64>,
    pub record: EnsembleRecord,
    pub times: Vec<PhaseTime>,
    /// Seconds in which each encoding was written, by its name.
    pub encode_s: BTreeMap<String, f64>,
}

impl Flow {
    /// Selects the ensemble, calibrates it out of fold, and refits its members on the training
    /// rows; unless the last fit will see the held-out rows too, because then the members of the
    /// folds are what is tested.
    pub(super) fn combine(&self, mut found: Found, ctx: &Context) -> Result<Combined> {
        if found.usable().next().is_none() {
            return Err(nothing_fitted(found));
        }
        let weights = self.select(&found, ctx);
        let out_of_fold = {
            let members: Vec<(&Predictions, f64)> = found
                .usable()
                .zip(&weights)
                .filter(|(_, w)| **w > 0.0)
                .map(|((_, t), w)| (&t.out_of_fold, *w))
                .collect();
            ensemble::combine(&members)
        };
        let temperature = calibrate::temperature(&found.truth, &out_of_fold);
        let mut calibrated = out_of_fold;
        calibrate::apply(&mut calibrated, temperature);
        let threshold = self.threshold(&found, &calibrated);
        let members_max = self.members_max();
        let record = account::ensemble(&found, &calibrated, self.metric, members_max, ctx);
        let mut members: Vec<Chosen> = Vec::new();
        for (i, weight) in in_order_of_weight(&weights) {
            members.extend(take_usable(&mut found, i).map(|trial| Chosen::of(trial, weight)));
        }
        // What was not judged in validation has no model yet that could be tested.
        if !self.ends_with_all_rows() || members.iter().any(|m| m.models.is_empty()) {
            let rows = Rows {
                prepared: &found.prepared,
                target: &self.target,
                weights: self.weights.as_deref(),
                ratio: 1.0,
            };
            let n_models = self.models_max();
            refit::again(&mut members, &rows, n_models, &ctx.with_reserve(budget::closing(ctx)))?;
        }
        let Found { prepared, encode_s, times, .. } = found;
        let encoders = prepared.into_iter().map(|(name, p)| (name, p.encoder)).collect();
        let (predictor, encodings) = self.assemble(&mut members, encoders, temperature, threshold);
        let mut combined =
            Combined { predictor, members, encodings, threshold, record, times, encode_s };
        combined.keep_account();
        Ok(combined)
    }

    /// The predictor of the members, whose models are moved into it, and the names of the encodings
    /// that it uses, in the order of its encoders.
    fn assemble(
        &self,
        members: &mut [Chosen],
        mut encoders: BTreeMap<String, FittedEncoder>,
        temperature: f64,
        threshold: Option<f64>,
    ) -> (Predictor, Vec<String>) {
        let mut encodings: Vec<String> = Vec::new();
        let of_predictor = |m: &mut Chosen| PredictorMember {
            encoder: position_or_push(&mut encodings, &m.planned.encoding),
            weight: m.weight,
            models: std::mem::take(&mut m.models),
        };
        let members = members.iter_mut().map(of_predictor).collect();
        let encoders: Vec<FittedEncoder> =
            encodings.iter().filter_map(|name| encoders.remove(name)).collect();
        let predictor = Predictor {
            schema: self.model_schema(&encoders),
            task: self.task.task,
            target: self.task.target.clone(),
            classes: self.task.classes.clone(),
            metric: self.task.metric.clone(),
            threshold: threshold.unwrap_or(0.5),
            temperature,
            encoders,
            members,
        };
        (predictor, encodings)
    }

    /// The most members: one, where a person is to read the model.
    fn members_max(&self) -> usize {
        if self.options.interpretable { 1 } else { self.preset.members_max() }
    }

    /// The weight of each usable trial.
    fn select(&self, found: &Found, ctx: &Context) -> Vec<f64> {
        let judged = Judged::thinned(found, N_ROWS_SELECT_MAX);
        let candidates: Vec<Predictions> =
            found.usable().map(|(_, t)| judged.of(&t.out_of_fold)).collect();
        let refs: Vec<&Predictions> = candidates.iter().collect();
        let weights = ensemble::select(
            &Selection {
                metric: self.metric,
                truth: &judged.truth,
                weights: judged.weights.as_deref(),
                candidates: &refs,
                alone: &found.alone(),
                rounds: self.plan.ensemble_rounds,
                members_max: self.members_max(),
            },
            ctx,
        );
        without_small(weights)
    }

    fn threshold(&self, found: &Found, calibrated: &Predictions) -> Option<f64> {
        (self.task.task == Task::Binary).then(|| {
            if self.metric.spec.needs == Needs::Labels {
                best_threshold(self.metric, &found.truth, calibrated, found.weights.as_deref())
            } else {
                0.5
            }
        })
    }

    /// The columns that the encoders read, as the reader must deliver them.
    pub(super) fn model_schema(&self, encoders: &[FittedEncoder]) -> Schema {
        let used: BTreeSet<String> =
            encoders.iter().flat_map(FittedEncoder::input_columns).map(|(n, _)| n.into()).collect();
        let fields = self.profile.schema.fields.iter();
        Schema { fields: fields.filter(|f| used.contains(&f.name)).cloned().collect() }
    }
}

impl Combined {
    /// Brings the record up to the members as they are.
    pub(super) fn keep_account(&mut self) {
        let account = |(m, p): (&Chosen, &PredictorMember)| Member {
            trial: m.planned.name.clone(),
            weight: m.weight,
            rounds: m.rounds,
            n_models: p.models.len(),
            is_refit: m.is_refit,
        };
        self.record.members =
            self.members.iter().zip(&self.predictor.members).map(account).collect();
    }
}

/// The error of a run without any model: of one learner its own, of a search the first.
fn nothing_fitted(found: Found) -> Error {
    let is_single = found.is_single;
    let mut outcomes = found.outcomes.into_iter();
    if is_single && let Some(error) = outcomes.by_ref().find_map(|o| o.error) {
        return error;
    }
    let why = outcomes.find_map(|o| o.note).unwrap_or_default();
    Error::work("no model could be fitted").got(why)
}

/// Small weights set to zero, the rest scaled to sum to 1.
fn without_small(weights: Vec<f64>) -> Vec<f64> {
    let least = weights.iter().copied().fold(0.0, f64::max) * WEIGHT_SHARE_MIN;
    let kept: Vec<f64> = weights.into_iter().map(|w| if w < least { 0.0 } else { w }).collect();
    let total: f64 = kept.iter().sum();
    kept.into_iter().map(|w| w / total).collect()
}

/// Positive weights with their positions, largest first (ties: the earlier trial).
fn in_order_of_weight(weights: &[f64]) -> Vec<(usize, f64)> {
    let mut order: Vec<(usize, f64)> =
        weights.iter().copied().enumerate().filter(|(_, w)| *w > 0.0).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    order
}

/// Takes the `i`-th usable trial out; counting stays as it was before any was taken.
fn take_usable(found: &mut Found, i: usize) -> Option<crate::trial::Trial> {
    found.outcomes.iter_mut().filter(|o| o.trial.is_some() || o.taken).nth(i).and_then(|o| {
        o.taken = true;
        o.trial.take()
    })
}

fn position_or_push(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|n| n == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}
