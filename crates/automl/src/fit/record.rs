//! The account of a run: what was asked, tried, decided and found.

use modelwright_core::Context;
use modelwright_core::context::Decisions;
use modelwright_core::record::{
    Clock, EnsembleRecord, Evaluation, FORMAT_VERSION, Importance, RunRecord, TrialRecord,
    TrialStatus,
};

use super::Flow;
use super::combine::Combined;
use crate::{account, doubts, fair};

/// What is said of a model without untouched rows.
const NOT_TESTED: &str =
    "no rows were held out, so the model is judged by its validation score alone";

impl Flow {
    /// The account of the run.
    pub(super) fn record(
        &mut self,
        mut trials: Vec<TrialRecord>,
        combined: &Combined,
        evaluation: Option<Evaluation>,
        importances: Vec<Importance>,
        ctx: &Context,
    ) -> RunRecord {
        let decisions = ctx.decisions();
        let warnings = self.warnings(&mut trials, combined, evaluation.as_ref(), &decisions);
        let shows_rows = self.options.with_rows;
        let evaluation = evaluation.map(|e| if shows_rows { e } else { e.without_rows() });
        RunRecord {
            format_version: FORMAT_VERSION,
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            options: self.options.clone(),
            data: self.source.clone(),
            test_data: self.test_source.clone(),
            schema: self.profile.schema.clone(),
            profile: self.profile.record.clone(),
            leakage: self.leakage.clone(),
            task: self.task.clone(),
            split: self.split.clone(),
            plan: self.plan.clone(),
            is_exhausted: self.options.single.is_none() && account::is_exhausted(&trials),
            trials,
            ensemble: combined.record.clone(),
            offers: combined.offers.clone(),
            picked: None,
            shapes: None,
            edits: Vec::new(),
            continued: Vec::new(),
            retrained: None,
            feature_costs: None,
            threshold: combined.threshold,
            second_level: combined.second_level.clone(),
            calibration: combined.calibration.clone(),
            costs: combined.costs.clone(),
            intervals: combined.intervals.clone(),
            suspects: combined.suspects.clone(),
            evaluation,
            slices: combined.slices.clone(),
            fairness: None,
            robustness: None,
            familiarity: None,
            unusual: None,
            mitigation: combined.mitigation.as_ref().map(|made| made.record.clone()),
            more_rows: None,
            nested: None,
            importances,
            explanation: None,
            decisions,
            clock: Clock {
                phases: std::mem::take(&mut self.phases.times),
                trials: combined.times.clone(),
                threads: ctx.threads(),
                ..Clock::default()
            },
            warnings,
        }
    }

    /// What the record warns of; a trial that was cut short is marked as such.
    fn warnings(
        &mut self,
        trials: &mut Vec<TrialRecord>,
        combined: &Combined,
        evaluation: Option<&Evaluation>,
        decisions: &Decisions,
    ) -> Vec<String> {
        let mut warnings = std::mem::take(&mut self.warnings);
        if let Some(warning) = self.cut_short(&combined.record, decisions) {
            for trial in &mut *trials {
                trial.status = TrialStatus::Stopped;
                trial.note = Some("it ended early; what it had learned is used".to_owned());
            }
            warnings.push(warning);
        }
        if let Some(made) = &combined.mitigation {
            trials.extend(made.trials.iter().cloned());
            warnings.extend(fair::warning(&made.record, &self.options));
        }
        match evaluation {
            None => warnings.push(NOT_TESTED.to_owned()),
            Some(found) => warnings.extend(doubts::of_score(found, self.metric)),
        }
        warnings.extend(doubts::of_constant(&combined.record, &self.options));
        warnings.extend(doubts::of_classes(&self.task, self.held_out.as_ref()));
        warnings.extend(doubts::of_spelling(&self.task.target, &self.profile.record.alerts));
        warnings.extend(doubts::of_groups(&self.train, &self.options));
        let levels = combined.intervals.as_ref().map_or(&[][..], |made| &made.levels);
        warnings.extend(doubts::of_coverage(levels));
        warnings
    }

    /// Says that the one learner that was asked for did not come to its own end.
    fn cut_short(&self, model: &EnsembleRecord, decisions: &Decisions) -> Option<String> {
        let single = self.options.single.as_ref()?;
        let of_fits = ["trial/", "refit/", "all-rows/refit/", "whole-file/refit/"];
        let was_cut = |scope: &String| of_fits.iter().any(|of| scope.starts_with(of));
        let member = model.members.first()?;
        decisions.stopped_after.keys().any(was_cut).then(|| {
            format!(
                "the training of {} ended early, after {} rounds: by the time limit, or on request",
                single.learner, member.rounds
            )
        })
    }
}
