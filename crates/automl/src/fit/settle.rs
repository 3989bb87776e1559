//! What is decided about the ensemble out of fold: its members, calibration, decision, fairness.

use modelwright_core::data::FeatureView;
use modelwright_core::record::{
    CalibrationRecord, MitigationRecord, SecondLevelRecord, TrialRecord,
};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Result};
use modelwright_evaluate::Calibrator;
use modelwright_evaluate::fairness::Grouping;

use super::Flow;
use crate::calibrate::Calibration;
use crate::decision::{self, Decision};
use crate::fair::{self, FairInput, GroupThresholds, How, Learned};
use crate::refit::Chosen;
use crate::search::Found;
use crate::second_level::{self, Learned as Level};
use crate::{budget, calibrate, ensemble};

/// All of it.
pub(super) struct Settled {
    /// Usable trials with their weights, heaviest first.
    pub chosen: Vec<(usize, f64)>,
    /// Members that learned in a fair way, in place of these; mostly none.
    pub fairly: Vec<Chosen>,
    /// Predictions of the judged rows as decisions must see them: calibrated by the other parts.
    pub judged: Predictions,
    /// The same as the metric must see them, where that is otherwise.
    pub scored: Option<Predictions>,
    /// What corrects the mean of the members, where one is let in.
    pub second_level: Option<Level>,
    pub second_level_record: Option<SecondLevelRecord>,
    pub calibrator: Calibrator,
    pub calibration: Option<CalibrationRecord>,
    pub decision: Decision,
    /// Thresholds that decide before costs do.
    pub fair: Option<GroupThresholds>,
    pub mitigation: Option<Mitigation>,
}

/// How decisions were made fair, and what is needed to measure that on untouched rows.
pub(super) struct Mitigation {
    pub record: MitigationRecord,
    pub groupings: Vec<Grouping>,
    /// The threshold that the model would have without.
    pub threshold: f64,
    /// What the model would say of the untouched rows without; `None` where it says the same.
    pub plain: Option<Predictions>,
    /// The accounts of members that learned in a fair way.
    pub trials: Vec<TrialRecord>,
}

impl Flow {
    /// Calibrates the ensemble of these weights, decides, and makes decisions fair where that is
    /// asked.
    pub(super) fn settle(&self, found: &Found, weights: &[f64], ctx: &Context) -> Result<Settled> {
        let chosen = in_order_of_weight(weights);
        let mut calibrated = weighted(found, weights);
        let (level, level_record) = self.second_level(found, &chosen, &calibrated, ctx)?;
        if let Some(level) = &level {
            calibrated.clone_from(&level.predictions);
        }
        let Calibration { calibrator, record: calibration, cross_fitted, scored } =
            calibrate::calibrate(found, &mut calibrated, &self.folds, self.metric, ctx);
        let decide = |calibrated: &Predictions, judged: &Predictions| {
            let said = (calibrated, judged);
            decision::decide(&self.task, &self.options, self.metric, found, said)
        };
        let decision = decide(&calibrated, cross_fitted.as_ref().unwrap_or(&calibrated))?;
        let made = self.mitigate(found, &chosen, (&calibrated, &calibrator), &decision, ctx)?;
        let (mitigation, how) = made.unzip();
        let mut settled = Settled {
            chosen,
            fairly: Vec::new(),
            judged: cross_fitted.unwrap_or(calibrated),
            scored,
            second_level: level,
            second_level_record: level_record,
            calibrator,
            calibration,
            decision,
            fair: None,
            mitigation,
        };
        match how {
            Some(How::Learned(learned)) => {
                let Learned { members, predictions, calibrator, calibration, threshold, .. } =
                    *learned;
                settled.decision = decide(&predictions, &predictions)?;
                settled.fair = everybody(&mut settled.decision, threshold);
                settled.fairly =
                    members.into_iter().map(|(t, w, r)| Chosen::recast(t, w, r)).collect();
                (settled.judged, settled.calibrator) = (predictions, calibrator);
                settled.scored = None;
                settled.calibration = calibration;
            }
            Some(How::Everybody(threshold)) => {
                settled.fair = everybody(&mut settled.decision, threshold);
            }
            Some(How::Groups(thresholds)) => settled.fair = Some(thresholds),
            None => {}
        }
        Ok(settled)
    }

    /// What corrects the mean of the members, as far as the time for their refits allows.
    fn second_level(
        &self,
        found: &Found,
        members: &[(usize, f64)],
        mean: &Predictions,
        ctx: &Context,
    ) -> Result<(Option<Level>, Option<SecondLevelRecord>)> {
        let usable: Vec<_> = found.usable().map(|(_, trial)| trial).collect();
        let refits_s: f64 = members.iter().map(|(i, _)| usable[*i].refit_s()).sum();
        second_level::learn(
            &second_level::Input {
                options: &self.options,
                preset: self.preset,
                split: &self.split,
                folds: &self.folds,
                target: &self.target,
                weights: self.weights.as_deref(),
                found,
                members,
                mean,
                metric: self.metric,
                reserve_s: self.last_fit(ctx).reserve_s(refits_s),
            },
            ctx,
        )
    }

    /// Makes decisions fair, when that is asked; `plain` is the ensemble as it is.
    fn mitigate(
        &self,
        found: &Found,
        members: &[(usize, f64)],
        (predictions, calibrator): (&Predictions, &Calibrator),
        decision: &Decision,
        ctx: &Context,
    ) -> Result<Option<(Mitigation, How)>> {
        let threshold = decision.threshold.unwrap_or(0.5);
        let calibrate = |predictions: &mut Predictions, ctx: &Context| {
            let made = calibrate::calibrate(found, predictions, &self.folds, self.metric, ctx);
            (made.calibrator, made.record)
        };
        let made = fair::choose(
            &FairInput {
                options: &self.options,
                table: &self.train,
                target: &self.target,
                weights: self.weights.as_deref(),
                folds: &self.folds,
                exchangeable: self.may_exchange,
                metric: self.metric,
                found,
                members,
                predictions,
                threshold,
                ratio: self.rows_ratio(),
                calibrate: &calibrate,
            },
            &ctx.with_reserve(budget::closing(ctx)).scope("fair"),
        )?;
        let Some(made) = made else { return Ok(None) };
        let (mut plain, mut trials) = (None, Vec::new());
        if let How::Learned(learned) = &made.how {
            plain = self.plain(found, members, calibrator, ctx)?;
            trials.clone_from(&learned.trials);
        }
        let (record, groupings) = (made.record, made.groupings);
        Ok(Some((Mitigation { record, groupings, threshold, plain, trials }, made.how)))
    }

    /// What the ensemble of the folds says of the untouched rows: what fairness is compared with,
    /// once other members are delivered.
    fn plain(
        &self,
        found: &Found,
        members: &[(usize, f64)],
        calibrator: &Calibrator,
        ctx: &Context,
    ) -> Result<Option<Predictions>> {
        let Some(held_out) = &self.held_out else { return Ok(None) };
        let usable: Vec<_> = found.usable().map(|(_, trial)| trial).collect();
        let mut mean = Predictions::zeros(held_out.n_rows(), self.target.n_outputs());
        for (i, weight) in members {
            let trial = usable[*i];
            let features =
                found.prepared[&trial.planned.features()].encoder.transform(held_out, ctx)?;
            let share = weight / trial.models.len() as f64;
            for fitted in &trial.models {
                let said = fitted.model.predict(&FeatureView::all(&features), ctx)?;
                mean.values.iter_mut().zip(&said.values).for_each(|(m, p)| *m += share * p);
            }
        }
        calibrator.apply(&mut mean);
        Ok(Some(mean))
    }
}

/// Decides at one threshold for everybody, whatever errors cost; what then stands in the predictor
/// in place of costs.
fn everybody(decision: &mut Decision, threshold: f64) -> Option<GroupThresholds> {
    decision.threshold = Some(threshold);
    decision.costs.as_ref().map(|_| GroupThresholds::of_everybody(threshold))
}

/// The out-of-fold predictions of the trials together, by their weights.
fn weighted(found: &Found, weights: &[f64]) -> Predictions {
    let members: Vec<(&Predictions, f64)> = found
        .usable()
        .zip(weights)
        .filter(|(_, w)| **w > 0.0)
        .map(|((_, t), w)| (&t.out_of_fold, *w))
        .collect();
    ensemble::combine(&members)
}

/// Positive weights with their positions, largest first (ties: the earlier trial).
fn in_order_of_weight(weights: &[f64]) -> Vec<(usize, f64)> {
    let mut order: Vec<(usize, f64)> =
        weights.iter().copied().enumerate().filter(|(_, w)| *w > 0.0).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    order
}
