//! From trials to one predictor: what was settled out of fold, refits, and everything beside them.

use std::collections::{BTreeMap, BTreeSet};

use modelwright_core::data::{Field, Schema};
use modelwright_core::record::{
    CalibrationRecord, CostRecord, EnsembleRecord, IntervalsRecord, Member, Offer, PhaseTime,
    SecondLevelRecord, SlicesRecord, SuspectsRecord,
};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::{Calibrator, CostMatrix};
use modelwright_preprocess::FittedEncoder;

use super::Flow;
use super::settle::Mitigation;
use crate::account::{self, Judged};
use crate::conformal::{self, Intervals};
use crate::decision::{self, Decision};
use crate::ensemble::{self, Selection};
use crate::fair::{self, GroupThresholds};
use crate::offers::{self, Delivered, Offered};
use crate::predictor::{Member as PredictorMember, Predictor};
use crate::refit::{self, Chosen, Rows};
use crate::search::Found;
use crate::second_level::{Learned, SecondLevel};
use crate::{budget, calibrate, suspects};

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
    /// The names of the features that the predictor's encoders write.
    pub encodings: Vec<String>,
    pub threshold: Option<f64>,
    pub second_level: Option<SecondLevelRecord>,
    pub calibration: Option<CalibrationRecord>,
    pub costs: Option<CostRecord>,
    pub intervals: Option<IntervalsRecord>,
    /// What could be picked in place of the predictor; how is in it.
    pub offers: Vec<Offer>,
    /// Training rows whose target looks wrong.
    pub suspects: Option<SuspectsRecord>,
    /// Weak slices of the untouched rows, once they were tested.
    pub slices: Option<SlicesRecord>,
    /// How decisions were made fair.
    pub mitigation: Option<Mitigation>,
    pub record: EnsembleRecord,
    /// What the delivered predictor says of the untouched rows, once it has learned from them.
    pub served: Option<Predictions>,
    pub times: Vec<PhaseTime>,
    /// Seconds in which each encoding was written, by its name.
    pub encode_s: BTreeMap<String, f64>,
}

/// What stands beside the members in a predictor.
struct Beside {
    second_level: Option<SecondLevel>,
    calibrator: Calibrator,
    threshold: Option<f64>,
    costs: Option<CostMatrix>,
    intervals: Option<Intervals>,
    offers: Vec<Offered>,
    fair: Option<GroupThresholds>,
}

impl Flow {
    /// Selects the ensemble, calibrates it out of fold, and refits its members on the training
    /// rows; unless the last fit will see the held-out rows too, because then the members of the
    /// folds are what is tested.
    ///
    /// `weights` are those of [`Self::select`]; students stand behind the members, without weight.
    pub(super) fn combine(
        &self,
        mut found: Found,
        weights: &[f64],
        ctx: &Context,
    ) -> Result<Combined> {
        let settled = self.settle(&found, weights, ctx)?;
        let members_max = self.members_max();
        let judged = settled.judged;
        let scored = settled.scored.as_ref().unwrap_or(&judged);
        let seen = found.comparable(self.metric, scored, found.share_of_folds(weights));
        let record = account::ensemble(&found, &seen, self.metric, members_max, ctx);
        let (mut members, mut offered, mut offers) = (settled.fairly, Vec::new(), Vec::new());
        if members.is_empty() {
            let mut chosen = settled.chosen;
            chosen.extend((weights.len()..found.usable().count()).map(|i| (i, 0.0)));
            let delivered = Delivered {
                members: &chosen,
                judged: &seen,
                calibrator: &settled.calibrator,
                threshold: settled.decision.threshold,
                metric: self.metric,
            };
            (offered, offers) = self.offers(&found, &delivered, ctx)?;
            offers::drop_idle(&mut chosen, &mut offered);
            for (i, weight) in chosen {
                members.extend(take_usable(&mut found, i).map(|trial| Chosen::of(trial, weight)));
            }
        }
        self.refit_tested(&found, &mut members, ctx)?;
        let mut encodings: Vec<String> = Vec::new();
        for member in &members {
            position_or_push(&mut encodings, &member.planned.features());
        }
        let suspects = self.suspects(&found, &judged);
        let regions = self.regions(&found, &members, &judged, &mut encodings, ctx)?;
        let (intervals, intervals_record) = regions.unzip();
        let Found { prepared, encode_s, times, .. } = found;
        let encoders = prepared.into_iter().map(|(name, p)| (name, p.encoder)).collect();
        let Decision { threshold, costs, record: costs_record } = settled.decision;
        let (calibrator, fair) = (settled.calibrator, settled.fair);
        let second_level = settled.second_level.map(|level| placed(level, &encodings));
        let beside =
            Beside { second_level, calibrator, threshold, costs, intervals, offers: offered, fair };
        let mut combined = Combined {
            predictor: self.assemble(&mut members, encoders, &encodings, beside),
            members,
            encodings,
            threshold,
            second_level: settled.second_level_record,
            calibration: settled.calibration,
            costs: costs_record,
            intervals: intervals_record,
            offers,
            suspects,
            slices: None,
            mitigation: settled.mitigation,
            record,
            served: None,
            times,
            encode_s,
        };
        combined.keep_account();
        Ok(combined)
    }

    /// Fits the members on the training rows, unless the last fit will see more: then those of the
    /// folds are tested.
    fn refit_tested(&self, found: &Found, members: &mut [Chosen], ctx: &Context) -> Result<()> {
        // What was not judged in validation has no model yet that could be tested.
        if !self.ends_with_more_rows() || members.iter().any(|m| m.models.is_empty()) {
            let rows = Rows {
                prepared: &found.prepared,
                table: &self.train,
                target: &self.target,
                weights: self.weights.as_deref(),
                ratio: 1.0,
                are_stored: false,
            };
            let n_models = self.models_max();
            refit::again(members, &rows, n_models, &ctx.with_reserve(budget::closing(ctx)))?;
        }
        Ok(())
    }

    /// The judged rows whose target looks wrong; `None` where none was judged.
    fn suspects(&self, found: &Found, calibrated: &Predictions) -> Option<SuspectsRecord> {
        let position = |rows: &Vec<u32>| found.rows.iter().map(|r| rows[*r as usize]).collect();
        let rows: Option<Vec<u32>> = self.rows.as_ref().map(position);
        let judged = suspects::Judged {
            truth: &found.truth,
            predictions: calibrated,
            are_later: false,
            weights: found.weights.as_deref(),
            classes: &self.task.classes,
            rows: rows.as_deref(),
        };
        (!found.rows.is_empty()).then(|| suspects::find(&judged))
    }

    /// The intervals or sets of the ensemble, learned in the time that the last fit leaves.
    fn regions(
        &self,
        found: &Found,
        members: &[Chosen],
        predictions: &Predictions,
        encodings: &mut Vec<String>,
        ctx: &Context,
    ) -> Result<Option<(Intervals, IntervalsRecord)>> {
        let refits_s: f64 = members.iter().map(Chosen::refit_s).sum();
        let is_refit_later = self.ends_with_more_rows();
        let reserve_s = if is_refit_later { self.last_fit(ctx).reserve_s(refits_s) } else { 0.0 };
        let input = conformal::Input {
            options: &self.options,
            task: self.task.task,
            table: &self.train,
            schema: &self.profile.schema,
            folds: &self.folds,
            weights: self.weights.as_deref(),
            found,
            predictions,
            encoders: encodings,
            reserve_s,
        };
        conformal::fit(input, ctx)
    }

    /// The predictor of the members, whose models are moved into it, with the encoders of the named
    /// encodings, in that order.
    fn assemble(
        &self,
        members: &mut [Chosen],
        mut encoders: BTreeMap<String, FittedEncoder>,
        encodings: &[String],
        beside: Beside,
    ) -> Predictor {
        let place = |name: &String| encodings.iter().position(|e| e == name).unwrap_or(0);
        let of_predictor = |m: &mut Chosen| PredictorMember {
            encoder: place(&m.planned.features()),
            weight: m.weight,
            models: std::mem::take(&mut m.models),
        };
        let members = members.iter_mut().map(of_predictor).collect();
        let encoders: Vec<FittedEncoder> =
            encodings.iter().filter_map(|name| encoders.remove(name)).collect();
        Predictor {
            schema: self.model_schema(&encoders, beside.intervals.as_ref(), beside.fair.as_ref()),
            task: self.task.task,
            target: self.task.target.clone(),
            classes: self.task.classes.clone(),
            metric: self.task.metric.clone(),
            threshold: beside.threshold.unwrap_or(0.5),
            second_level: beside.second_level,
            calibrator: beside.calibrator,
            costs: beside.costs,
            intervals: beside.intervals,
            fair: beside.fair,
            encoders,
            members,
            offers: beside.offers,
        }
    }

    /// What could be picked in place of the ensemble: nothing where one learner was asked for.
    fn offers(
        &self,
        found: &Found,
        delivered: &Delivered<'_>,
        ctx: &Context,
    ) -> Result<(Vec<Offered>, Vec<Offer>)> {
        if found.is_single {
            return Ok((Vec::new(), Vec::new()));
        }
        let finish = |predictions: &mut Predictions, ctx: &Context| {
            let made = calibrate::calibrate(found, predictions, &self.folds, self.metric, ctx);
            let judged = made.cross_fitted.unwrap_or_else(|| predictions.clone());
            let said = (&*predictions, &judged);
            let decision = decision::decide(&self.task, &self.options, self.metric, found, said)?;
            *predictions = made.scored.unwrap_or(judged);
            Ok((made.calibrator, decision.threshold))
        };
        let costs = self.frugal.as_ref().map(|frugal| &frugal.costs);
        // A limit is kept by taking an offer.
        let must = offers::has_limit(&self.options);
        let mut offers = offers::make(found, delivered, (&finish, costs), must, ctx)?;
        if self.options.fair.is_some() {
            // The thresholds of groups were chosen for the delivered probabilities alone.
            offers.truncate(1);
        }
        Ok(offers.into_iter().unzip())
    }

    /// The most members.
    pub(super) fn members_max(&self) -> usize {
        if self.delivers_one() { 1 } else { self.preset.members_max() }
    }

    /// The weight of each candidate.
    pub(super) fn select(&self, found: &Found, ctx: &Context) -> Vec<f64> {
        let judged = Judged::thinned(found, N_ROWS_SELECT_MAX, ctx);
        let candidates: Vec<Predictions> =
            found.candidates().map(|(_, t)| judged.of(&found.seen(self.metric, t))).collect();
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

    /// The columns that encoders and intervals read, as the reader must deliver them.
    pub(super) fn model_schema(
        &self,
        encoders: &[FittedEncoder],
        intervals: Option<&Intervals>,
        fair: Option<&GroupThresholds>,
    ) -> Schema {
        let used: BTreeSet<String> =
            encoders.iter().flat_map(FittedEncoder::input_columns).map(|(n, _)| n.into()).collect();
        let fields = self.profile.schema.fields.iter();
        let mut fields: Vec<Field> = fields.filter(|f| used.contains(&f.name)).cloned().collect();
        let group = intervals.and_then(|i| i.groups.as_ref()).map(|groups| &groups.field);
        fields.extend(group.filter(|field| !used.contains(&field.name)).cloned());
        for field in fair::fields(fair, &self.profile.schema) {
            if !fields.iter().any(|own| own.name == field.name) {
                fields.push(field);
            }
        }
        Schema { fields }
    }
}

impl Combined {
    /// The raw columns that the members with weight read.
    pub(super) fn columns_read(&self) -> impl Iterator<Item = &str> {
        let members = self.predictor.members.iter().filter(|m| m.weight > 0.0);
        let encoders = members.filter_map(|m| self.predictor.encoders.get(m.encoder));
        encoders.flat_map(FittedEncoder::input_columns).map(|(name, _)| name)
    }

    /// Brings the record up to the members as they are.
    pub(super) fn keep_account(&mut self) {
        let account = |(m, p): (&Chosen, &PredictorMember)| Member {
            trial: m.planned.name.clone(),
            weight: m.weight,
            rounds: m.rounds,
            n_models: p.models.len(),
            is_refit: m.is_refit,
        };
        let all = self.members.iter().zip(&self.predictor.members).map(account);
        (self.record.members, self.record.students) = all.partition(|m| m.weight > 0.0);
    }
}

/// A second level that knows the place of the encoder that it reads, which is a member's.
fn placed(learned: Learned, encodings: &[String]) -> SecondLevel {
    let Learned { mut level, encoding, .. } = learned;
    let place = encoding.and_then(|name| encodings.iter().position(|e| *e == name));
    if let (Some(trees), Some(place)) = (&mut level.trees, place) {
        trees.encoder = place;
    }
    level
}

/// The error of a run without any model: of one learner its own, of a search the first.
pub(super) fn nothing_fitted(found: Found) -> Error {
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
