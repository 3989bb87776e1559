//! Whether a second level is let in, and which.
//!
//! Both kinds are cross-fitted on the out-of-fold predictions, along the folds (within the rows of
//! one validation part, in random parts of them, whole groups together). They are compared with the
//! ensemble as it would be delivered, so that nothing that calibration does anyway counts for them,
//! and let in by the rule of derived columns ([`crate::gate`]) when the metric of the run is not
//! worse. What is let in is fitted again on all judged rows; the ensemble is scored, calibrated and
//! decided by the cross-fitted predictions.

use std::time::Duration;

use modelwright_core::context::Event;
use modelwright_core::data::Fold;
use modelwright_core::record::{Options, SecondLevelRecord, SecondLevelTrial, SplitRecord};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use modelwright_evaluate::calibration::N_CELLS_MAX;
use modelwright_evaluate::metric::MetricEntry;

use super::booster::{self, CrossFitted};
use super::judge::{Judge, Judged};
use super::line::{Lesson, Line};
use super::parting::parts_of;
use super::scores::Scores;
use super::when::{self, trees_s};
use super::{SecondLevel, Trees, within};
use crate::budget;
use crate::comparable::share_of_folds;
use crate::conformal::Parts;
use crate::plan::Preset;
use crate::search::Found;
use crate::trial::Trial;

/// The names of the kinds, and of neither.
pub(super) const LINEAR: &str = "linear";
pub(super) const BOOSTER: &str = "booster";
const NONE: &str = "none";

/// Wall nanoseconds of a row, output and pair of weights in one step of the fit of either line, and
/// steps.
const LINE_NS: f64 = 3.0;
const LINE_STEPS: f64 = 12.0;

/// Wall nanoseconds of a row and output in the choice of a calibration.
const CALIBRATION_NS: f64 = 12_000.0;

/// What a second level is learned from.
pub(crate) struct Input<'a> {
    pub options: &'a Options,
    pub preset: Preset,
    pub split: &'a SplitRecord,
    pub folds: &'a [Fold],
    /// Target and weights of all rows of the table.
    pub target: &'a Target,
    pub weights: Option<&'a [f64]>,
    pub found: &'a Found,
    /// Usable trials with their weights, in the order of the members.
    pub members: &'a [(usize, f64)],
    /// Their weighted mean, out of fold.
    pub mean: &'a Predictions,
    pub metric: &'static MetricEntry,
    /// Seconds that must be left when this is done, beside the closing.
    pub reserve_s: f64,
}

/// A second level that is let in.
pub(crate) struct Learned {
    pub level: SecondLevel,
    /// The encoding whose columns its trees read.
    pub encoding: Option<String>,
    /// What it makes of the ensemble's out-of-fold predictions, each row by the other parts.
    pub predictions: Predictions,
}

/// The second level that is let in, if one is, and the account; `None` where none was tried.
///
/// # Errors
/// Work error when trees cannot be fitted.
pub(crate) fn learn(
    input: &Input<'_>,
    ctx: &Context,
) -> Result<(Option<Learned>, Option<SecondLevelRecord>)> {
    if !when::may_be(input) {
        return Ok((None, None));
    }
    let scope = ctx.scope("second-level");
    if !when::has_room(input, &scope) {
        let record = SecondLevelRecord {
            kind: NONE.to_owned(),
            reason: "there was no memory for it".to_owned(),
            n_rows: input.found.rows.len(),
            tried: Vec::new(),
        };
        return Ok((None, Some(record)));
    }
    Work::new(input, &scope).run(&scope)
}

/// What both kinds need.
struct Work<'a> {
    input: &'a Input<'a>,
    scores: Scores,
    parts: Parts,
    /// Of each part the positions of all others.
    others: Vec<Vec<u32>>,
    /// The smallest and the largest number that was to be learned.
    range: Option<(f64, f64)>,
}

/// What came of a kind.
struct Tried {
    trial: SecondLevelTrial,
    predictions: Predictions,
}

impl<'a> Work<'a> {
    fn new(input: &'a Input<'a>, ctx: &Context) -> Self {
        let said: Vec<&Predictions> = members(input).map(|t| &t.out_of_fold).collect();
        let parts = parts_of(input.folds, input.found, ctx);
        let n_rows = input.found.rows.len();
        let others = |part: &Vec<u32>| {
            let mut is_own = vec![false; n_rows];
            for position in part {
                is_own[*position as usize] = true;
            }
            (0..n_rows as u32).filter(|position| !is_own[*position as usize]).collect()
        };
        let others = parts.positions.iter().map(others).collect();
        let range = match &input.found.truth {
            Target::Class { .. } => None,
            Target::Real(values) => {
                let low = values.iter().copied().fold(f64::INFINITY, f64::min);
                Some((low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max)))
            }
        };
        let scores = Scores::of(&said, input.mean, range.is_none());
        Self { input, scores, parts, others, range }
    }

    fn run(self, ctx: &Context) -> Result<(Option<Learned>, Option<SecondLevelRecord>)> {
        let said = |kind: &str, reason: String, tried: &[Tried]| SecondLevelRecord {
            kind: kind.to_owned(),
            reason,
            n_rows: self.input.found.rows.len(),
            tried: tried.iter().map(|t| t.trial.clone()).collect(),
        };
        let none =
            |reason: &str, tried: &[Tried]| Ok((None, Some(said(NONE, reason.to_owned(), tried))));
        let expected_s = self.line_s() + self.judging_s();
        if !budget::may_start(ctx, "line", expected_s, self.input.reserve_s) {
            return none("there was no time", &[]);
        }
        ctx.tell(Event::Phase("second level".to_owned()));
        let judge = self.judge();
        let ensemble = judge.judged(self.input.mean, &ctx.scope("ensemble"));
        if !judge.has_learned(&ensemble) {
            return none("the ensemble itself is not better than a constant beyond noise", &[]);
        }
        let lines = self.lines(false, ctx);
        let mut tried = vec![self.linear(&ensemble, ctx)];
        let lesson = self.trees(&lines);
        if let Some((_, lesson)) = &lesson {
            tried.extend(self.booster(lesson, &ensemble, ctx)?);
        }
        let mut accepted: Vec<&Tried> = tried.iter().filter(|t| t.trial.accepted).collect();
        accepted.sort_by(|a, b| b.trial.gain.total_cmp(&a.trial.gain));
        if accepted.is_empty() {
            return none("no correction is better than the mean beyond noise", &tried);
        }
        // What cannot be fitted on all rows leaves its place to the next.
        let mut fitted = None;
        for best in accepted {
            if let Some((level, encoding)) = self.fitted(best, lesson.as_ref(), ctx)? {
                fitted = Some((best, level, encoding));
                break;
            }
        }
        let Some((best, level, encoding)) = fitted else {
            return none("it could not be fitted on all rows in the time that was left", &tried);
        };
        let reason = format!(
            "its loss is {:.2} % smaller out of fold ({:.1} standard errors, better in {} of {} \
             parts)",
            100.0 * best.trial.gain,
            best.trial.z,
            best.trial.folds_better,
            best.trial.n_folds
        );
        let record = said(level.kind(), reason, &tried);
        let predictions = best.predictions.clone();
        Ok((Some(Learned { level, encoding, predictions }), Some(record)))
    }

    /// A kind fitted on all judged rows, with the encoding that its trees read; `None` without time
    /// or, for a line, without a solution.
    fn fitted(
        &self,
        tried: &Tried,
        lesson: Option<&(String, booster::Lesson<'_>)>,
        ctx: &Context,
    ) -> Result<Option<(SecondLevel, Option<String>)>> {
        let (Some(n), Some((encoding, lesson))) = (tried.trial.rounds, lesson) else {
            return Ok(self.line(true).map(|line| (self.of_line(line), None)));
        };
        let scope = ctx.scope(BOOSTER).with_reserve(self.reserved(ctx));
        let of_trees = |fitted| (self.of_trees(lesson.lines.1, fitted), Some(encoding.clone()));
        Ok(lesson.refit(n, &scope)?.map(of_trees))
    }

    /// The line of all rows, with weights of members or without.
    fn line(&self, of_members: bool) -> Option<Line> {
        let all: Vec<u32> = (0..self.scores.n_rows() as u32).collect();
        Line::fit(&self.lesson(of_members), &all)
    }

    fn lesson(&self, of_members: bool) -> Lesson<'_> {
        let found = self.input.found;
        let (scores, truth, weights) = (&self.scores, &found.truth, found.weights.as_deref());
        Lesson { scores, truth, weights, of_members }
    }

    /// The line of each part by all others, then that of all rows; the ensemble where none is.
    fn lines(&self, of_members: bool, ctx: &Context) -> Vec<Line> {
        let lesson = self.lesson(of_members);
        let n = self.others.len();
        let none = || Line::none();
        let fitted = ctx.map(n, |k| Line::fit(&lesson, &self.others[k]).unwrap_or_else(none));
        fitted.into_iter().chain([self.line(of_members).unwrap_or_else(none)]).collect()
    }

    /// The linear kind.
    fn linear(&self, ensemble: &Judged, ctx: &Context) -> Tried {
        let lines = self.lines(true, ctx);
        let n = self.scores.n_outputs;
        let mut corrected = vec![0.0; self.scores.start.len()];
        for ((line, part), others) in lines.iter().zip(&self.parts.positions).zip(&self.others) {
            let reach = line.reach(&self.scores, others);
            let own = line.scores(&self.scores, Some(reach));
            for position in part {
                let at = *position as usize * n;
                corrected[at..at + n].copy_from_slice(&own[at..at + n]);
            }
        }
        self.tried(LINEAR, (corrected, None), ensemble, ctx)
    }

    /// The booster's kind; `None` without time, or where no round makes the other folds' rows
    /// better.
    fn booster(
        &self,
        lesson: &booster::Lesson<'_>,
        ensemble: &Judged,
        ctx: &Context,
    ) -> Result<Option<Tried>> {
        let n_features = lesson.prepared.full.n_features();
        let n_outputs = self.scores.n_outputs;
        let n_columns = n_features + (self.scores.away.len() + 1) * n_outputs;
        let size = (self.scores.n_rows(), n_columns, n_outputs);
        let expected_s = trees_s(size, self.parts.positions.len(), ctx);
        if !budget::may_start(ctx, BOOSTER, expected_s, self.input.reserve_s) {
            return Ok(None);
        }
        let scope = ctx.scope(BOOSTER).with_reserve(self.reserved(ctx));
        let Some(CrossFitted { scores, rounds }) = lesson.cross_fit(&scope)? else {
            return Ok(None);
        };
        Ok((rounds > 0).then(|| self.tried(BOOSTER, (scores, Some(rounds)), ensemble, ctx)))
    }

    /// What the trees learn from; `None` where no member has binned columns.
    fn trees<'b>(&'b self, lines: &'b [Line]) -> Option<(String, booster::Lesson<'b>)> {
        let found = self.input.found;
        let (all, of_parts) = lines.split_last()?;
        let binned = |trial: &'b Trial| {
            let name = trial.planned.features();
            let prepared = found.prepared.get(&name)?;
            let columns = &prepared.full.columns;
            let is_binned = !columns.is_empty() && columns.iter().all(|c| c.bins.is_some());
            is_binned.then_some((name, prepared))
        };
        let (encoding, prepared) = members(self.input).find_map(binned)?;
        let lesson = booster::Lesson {
            prepared,
            rows: &found.rows,
            parts: &self.parts,
            scores: &self.scores,
            lines: (of_parts, all),
            target: self.input.target,
            weights: self.input.weights,
        };
        Some((encoding, lesson))
    }

    /// Corrected scores as predictions, beside the ensemble.
    fn tried(
        &self,
        kind: &str,
        (mut corrected, rounds): (Vec<f64>, Option<usize>),
        ensemble: &Judged,
        ctx: &Context,
    ) -> Tried {
        within(self.range, &self.scores.start, &mut corrected);
        self.scores.to_predictions(&mut corrected);
        let predictions = Predictions::new(self.scores.n_outputs, corrected);
        let judge = self.judge();
        let judged = judge.judged(&predictions, &ctx.scope(&format!("{kind}/judged")));
        let gate = judge.duel(&judged.predictions, &ensemble.predictions);
        let is_better = |(a, b)| self.input.metric.spec.is_better(a, b);
        let is_worse = ensemble.score.zip(judged.score).is_some_and(is_better);
        let trial = SecondLevelTrial {
            kind: kind.to_owned(),
            gain: gate.gain,
            z: gate.z,
            folds_better: gate.folds_better,
            n_folds: gate.n_folds,
            rounds,
            accepted: gate.accepted && !is_worse,
        };
        Tried { trial, predictions }
    }

    fn judge(&self) -> Judge<'_> {
        let Input { found, folds, metric, .. } = *self.input;
        let of_members = members(self.input).zip(self.input.members);
        let share_of_folds =
            of_members.map(|(trial, (_, weight))| weight * share_of_folds(trial)).sum();
        Judge { found, folds, metric, parts: &self.parts, share_of_folds }
    }

    fn of_line(&self, line: Line) -> SecondLevel {
        let all: Vec<u32> = (0..self.scores.n_rows() as u32).collect();
        let reach = line.reach(&self.scores, &all);
        SecondLevel { line, reach, range: self.range, trees: None }
    }

    fn of_trees(&self, line: &Line, fitted: modelwright_learners::Fitted) -> SecondLevel {
        // The place of the encoder is known once the members are put together.
        let trees = Some(Trees { encoder: 0, fitted });
        SecondLevel { line: line.clone(), reach: 0.0, range: self.range, trees }
    }

    fn reserved(&self, ctx: &Context) -> Duration {
        budget::closing(ctx) + Duration::from_secs_f64(self.input.reserve_s.clamp(0.0, 1e6))
    }

    /// Wall seconds of judging the ensemble and both kinds, each calibrated first.
    fn judging_s(&self) -> f64 {
        let n_cells = self.scores.start.len().min(N_CELLS_MAX) as f64;
        let n_judged = if self.scores.is_class() { 3.0 } else { 0.0 };
        CALIBRATION_NS * 1e-9 * n_cells * n_judged
    }

    /// Wall seconds of the lines.
    fn line_s(&self) -> f64 {
        let n_weights = self.scores.away.len() + 2;
        let cells = self.scores.start.len() as f64 * (n_weights * n_weights) as f64;
        LINE_NS * 1e-9 * cells * LINE_STEPS * (self.parts.positions.len() + 1) as f64
    }
}

/// The trials that are members, in their order.
fn members<'a>(input: &Input<'a>) -> impl Iterator<Item = &'a Trial> {
    let usable: Vec<&Trial> = input.found.usable().map(|(_, trial)| trial).collect();
    input.members.iter().map(move |(i, _)| usable[*i])
}
