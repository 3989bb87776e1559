//! From out-of-fold predictions to intervals or sets.

use std::time::Duration;

use modelwright_core::data::{Fold, Schema, Table};
use modelwright_core::record::{Interval, IntervalMethod, IntervalsRecord, LevelRecord, Options};
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::conformal::{interval_scores, n_rows_min, quantile};

use super::residuals::{self, Residuals};
use super::{Groups, Intervals, Rule, probability};
use crate::boosting::learns_quantiles;
use crate::budget;
use crate::search::Found;

/// The level of a regression's intervals when nobody asks for others.
const LEVEL: f64 = 0.9;

/// Learned widths must be better than a constant one by so many standard errors, and by a share.
const ERRORS_MIN: f64 = 2.0;
const GAIN_MIN: f64 = 0.01;

/// The part of the time that learned widths may take from the search.
const RESERVE_SHARE: f64 = 0.1;

/// Parts of the judged rows where the folds give none.
const N_PARTS: usize = 5;

/// What intervals are made from.
pub(crate) struct Input<'a> {
    pub options: &'a Options,
    pub task: Task,
    pub table: &'a Table,
    pub schema: &'a Schema,
    pub folds: &'a [Fold],
    /// Weights of all rows of the table.
    pub weights: Option<&'a [f64]>,
    pub found: &'a Found,
    /// The ensemble's calibrated out-of-fold predictions.
    pub predictions: &'a Predictions,
    /// Encodings of the members, heaviest first; one may be added.
    pub encoders: &'a mut Vec<String>,
    /// Seconds that must be left when this is done, beside the closing.
    pub reserve_s: f64,
}

/// Judged rows in parts, for what is learned from their predictions.
pub(crate) struct Parts {
    /// Positions among the judged rows.
    pub positions: Vec<Vec<u32>>,
    /// Whether they are the folds of the search.
    pub are_folds: bool,
}

impl Parts {
    /// The folds of the search, or random parts where there are not at least three.
    pub(crate) fn of(folds: &[Fold], ctx: &Context) -> Self {
        let n_rows: usize = folds.iter().map(|f| f.validation.len()).sum();
        if folds.len() > 2 {
            let mut start = 0_u32;
            let mut next = |fold: &Fold| {
                let from = start;
                start += fold.validation.len() as u32;
                (from..start).collect()
            };
            return Self { positions: folds.iter().map(&mut next).collect(), are_folds: true };
        }
        let mut order: Vec<u32> = (0..n_rows as u32).collect();
        ctx.random("out-of-fold/parts", 0).shuffle(&mut order);
        let part = |k| {
            let mut part: Vec<u32> = order.iter().copied().skip(k).step_by(N_PARTS).collect();
            part.sort_unstable();
            part
        };
        let positions = (0..N_PARTS).map(part).filter(|part: &Vec<u32>| !part.is_empty());
        Self { positions: positions.collect(), are_folds: false }
    }
}

/// The levels that are wanted, ascending; empty for none.
fn levels(options: &Options, task: Task) -> Vec<f64> {
    let mut levels = match &options.intervals {
        Some(levels) => levels.clone(),
        None if task == Task::Regression => vec![LEVEL],
        None => Vec::new(),
    };
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    levels
}

/// Time that the search leaves for learned widths: when intervals are asked for, at most
/// [`RESERVE_SHARE`] of what there is; otherwise they take what is left over.
pub(crate) fn reserve(
    options: &Options,
    target: &Target,
    n_features: usize,
    ctx: &Context,
) -> Duration {
    let levels = levels(options, target.task());
    let is_asked = options.intervals.is_some() && target.task() == Task::Regression;
    let Some(left) = ctx.remaining().filter(|_| is_asked && !levels.is_empty()) else {
        return Duration::ZERO;
    };
    let size = (target.n_rows(), n_features, levels.len());
    let wanted = Duration::from_secs_f64(residuals::expected_s(size, N_PARTS + 1, ctx));
    wanted.min(left.mul_f64(RESERVE_SHARE))
}

/// Refuses, before any work, levels and groups that cannot be.
///
/// # Errors
/// Input error that names the flag.
pub(crate) fn check(options: &Options, task: Task, folds: &[Fold]) -> Result<()> {
    let at = |flag: &str, what: &str| Error::input(what).at(flag);
    let asked = options.intervals.as_deref().unwrap_or_default();
    if let Some(level) = asked.iter().find(|level| !(**level > 0.0 && **level < 1.0)) {
        return Err(at("--intervals", "a level is out of range")
            .expected("a share of rows between 0 and 1, e.g. 0.9")
            .got(level.to_string()));
    }
    if let Some(column) = &options.group_coverage {
        if levels(options, task).is_empty() {
            return Err(at("--group-coverage", "there are no sets to cover groups with")
                .expected("levels of prediction sets")
                .hint("add --intervals 0.9"));
        }
        if *column == options.target && task == Task::Regression {
            return Err(at("--group-coverage", "the target of a regression has no groups")
                .column(column)
                .expected("a column whose values are groups of rows"));
        }
    }
    let n_judged: usize = folds.iter().map(|f| f.validation.len()).sum();
    match asked.iter().copied().reduce(f64::max) {
        Some(level) if n_judged < n_rows_min(level) => {
            Err(at("--intervals", "too few rows for intervals of this level")
                .expected(format!("at least {} out-of-fold rows for {level}", n_rows_min(level)))
                .got(format!("{n_judged} out-of-fold rows"))
                .hint("ask for a lower level, give more rows, or leave folds on"))
        }
        _ => Ok(()),
    }
}

/// Makes the intervals or sets that are asked for; `None` when there are none to be made.
///
/// # Errors
/// Work error when a booster cannot be fitted.
pub(crate) fn fit(input: Input<'_>, ctx: &Context) -> Result<Option<(Intervals, IntervalsRecord)>> {
    let has_weight = |row: &usize| input.found.weights.as_ref().is_none_or(|w| w[*row] > 0.0);
    let n_rows = (0..input.found.rows.len()).filter(has_weight).count();
    let levels: Vec<f64> = levels(input.options, input.task)
        .into_iter()
        .filter(|level| n_rows >= n_rows_min(*level))
        .collect();
    if levels.is_empty() {
        return Ok(None);
    }
    let work = Work::new(&input, levels);
    match &input.found.truth {
        Target::Class { codes, n_classes } => Ok(Some(work.sets(&input, codes, *n_classes))),
        Target::Real(truth) => work.intervals(input, truth, ctx).map(Some),
    }
}

struct Work {
    levels: Vec<f64>,
    groups: Option<Groups>,
    /// The group of each judged row.
    group_of: Vec<u32>,
    weights: Option<Vec<f64>>,
    n_rows: usize,
}

impl Work {
    fn new(input: &Input<'_>, levels: Vec<f64>) -> Self {
        let rows = &input.found.rows;
        let highest = levels.last().copied().unwrap_or(LEVEL);
        let column = input.options.group_coverage.as_ref().filter(|c| **c != input.options.target);
        let groups = column.and_then(|name| {
            let field = input.schema.field(name)?.clone();
            Some(Groups::of_column(field, input.table.column(name)?, rows, highest))
        });
        let group_of = groups.as_ref().map_or(Vec::new(), |groups| {
            let of_all = groups.of_rows(input.table);
            rows.iter().map(|row| of_all[*row as usize]).collect()
        });
        let weights = input.found.weights.clone();
        Self { levels, groups, group_of, weights, n_rows: rows.len() }
    }

    /// The quantile of the scores of all rows, or of each group; `scores` of one level.
    fn reach(&self, scores: &[f64], level: f64) -> Vec<f64> {
        let all = quantile(scores, self.weights.as_deref(), level);
        let n_groups = self.groups.as_ref().map_or(0, Groups::len);
        let of_group = |group: u32| {
            let own = select(&self.group_of, scores, self.weights.as_deref(), group);
            let reach = quantile(&own.0, own.1.as_deref(), level);
            // Too few others: they are held as all rows are.
            if reach.is_finite() { reach } else { all }
        };
        match n_groups {
            0 => vec![all],
            n => (0..=n as u32).map(of_group).collect(),
        }
    }

    fn record(
        &self,
        method: &str,
        reason: String,
        compared: Vec<IntervalMethod>,
    ) -> IntervalsRecord {
        let level = |level: &f64| LevelRecord { level: *level, reached: None, groups: Vec::new() };
        IntervalsRecord {
            method: method.to_owned(),
            reason,
            n_rows: self.n_rows,
            group: self.groups.as_ref().map(|g| g.field.name.clone()),
            compared,
            levels: self.levels.iter().map(level).collect(),
        }
    }

    fn sets(
        self,
        input: &Input<'_>,
        codes: &[u32],
        n_classes: usize,
    ) -> (Intervals, IntervalsRecord) {
        let per_class = input.options.group_coverage.as_ref() == Some(&input.options.target);
        let scores: Vec<f64> = codes
            .iter()
            .enumerate()
            .map(|(row, code)| 1.0 - probability(input.predictions, row, *code as usize))
            .collect();
        let of_level = |level: &f64| {
            if !per_class {
                return self.reach(&scores, *level);
            }
            let of_class = |class: usize| {
                let own = select(codes, &scores, self.weights.as_deref(), class as u32);
                // A class with too few rows is in every set: nothing else is sure to hold it.
                quantile(&own.0, own.1.as_deref(), *level).min(1.0)
            };
            (0..n_classes).map(of_class).collect()
        };
        let reach = self.levels.iter().map(of_level).collect();
        let (method, reason) = if per_class {
            let why = "each true class reaches the level: a class is in the set when it is \
                       probable enough among its own rows";
            ("sets per class", why.to_owned())
        } else {
            ("sets", "they were asked for with --intervals".to_owned())
        };
        let record = self.record(method, reason, Vec::new());
        let rule = Rule::Sets { per_class };
        (Intervals { levels: self.levels, groups: self.groups, reach, rule }, record)
    }

    fn intervals(
        self,
        mut input: Input<'_>,
        truth: &[f64],
        ctx: &Context,
    ) -> Result<(Intervals, IntervalsRecord)> {
        let predicted = &input.predictions.values;
        let residuals: Vec<f64> = truth.iter().zip(predicted).map(|(y, p)| y - p).collect();
        let sizes: Vec<f64> = residuals.iter().map(|r| r.abs()).collect();
        let reach = self.levels.iter().map(|level| self.reach(&sizes, *level)).collect();
        let (levels, groups) = (self.levels.clone(), self.groups.clone());
        let constant = Intervals { levels, groups, reach, rule: Rule::Constant };
        let (learned, why) = match self.learn(&mut input, &residuals, ctx)? {
            Ok(learned) => learned,
            Err(why) => {
                let record = self.record("constant", why, Vec::new());
                return Ok((constant, record));
            }
        };
        let of_constant = self.measure("constant", &constant, truth, predicted, None);
        let of_learned = self.measure("quantiles", &learned, truth, predicted, Some(&why));
        let gains: Vec<f64> = of_constant.0.iter().zip(&of_learned.0).map(|(c, l)| c - l).collect();
        let (gain, error) = self.mean_and_error(&gains);
        let is_better = gain > ERRORS_MIN * error && gain > GAIN_MIN * of_constant.1.interval_score;
        let share = 100.0 * gain / of_constant.1.interval_score;
        let compared = vec![of_constant.1, of_learned.1];
        Ok(if is_better {
            let reason =
                format!("learned quantiles of the residuals score {share:.1} % better out of fold");
            (learned, self.record("quantiles", reason, compared))
        } else {
            let reason = "learned quantiles of the residuals are not clearly better out of fold";
            (constant, self.record("constant", reason.to_owned(), compared))
        })
    }

    /// Learns where the residuals are large. The inner error says why that was not done; the
    /// predictions are the out-of-fold quantiles.
    fn learn(
        &self,
        input: &mut Input<'_>,
        residuals: &[f64],
        ctx: &Context,
    ) -> Result<std::result::Result<(Intervals, Predictions), String>> {
        let is_asked = input.options.intervals.is_some() || learns_quantiles(input.options);
        if input.options.single.is_some() && !is_asked {
            // Nobody asked for more than the one learner.
            return Ok(Err("widths are learned when --intervals asks for levels".to_owned()));
        }
        if self.n_rows < residuals::N_ROWS_MIN {
            let least = residuals::N_ROWS_MIN;
            return Ok(Err(format!("learned widths need at least {least} out-of-fold rows")));
        }
        let Some(encoding) = encoding(input) else {
            return Ok(Err("no encoding with bins was prepared".to_owned()));
        };
        let parts = Parts::of(input.folds, ctx);
        let learning = Residuals {
            prepared: &input.found.prepared[&encoding],
            rows: &input.found.rows,
            parts: &parts,
            predicted: &input.predictions.values,
            errors: residuals,
            weights: input.weights,
            levels: &self.levels,
        };
        let no_time = || Ok(Err("there was no time to learn widths".to_owned()));
        if !budget::may_start(ctx, "intervals", learning.expected_s(ctx), input.reserve_s) {
            return no_time();
        }
        let reserve = budget::closing(ctx) + Duration::from_secs_f64(input.reserve_s.max(0.0));
        let scope = ctx.scope("intervals").with_reserve(reserve);
        let Some(quantiles) = learning.cross_fit(&scope)? else { return no_time() };
        let Some(model) = learning.refit(&scope)? else { return no_time() };
        let n = self.levels.len();
        let reach = self.levels.iter().enumerate().map(|(l, level)| {
            let of_row = |(row, r): (usize, &f64)| {
                let q = quantiles.row(row);
                (q[n - 1 - l] - r).max(r - q[n + l])
            };
            let scores: Vec<f64> = residuals.iter().enumerate().map(of_row).collect();
            self.reach(&scores, *level)
        });
        let reach = reach.collect();
        let encoder = input.encoders.iter().position(|e| *e == encoding).unwrap_or_else(|| {
            input.encoders.push(encoding);
            input.encoders.len() - 1
        });
        let rule = Rule::Quantiles { encoder, model: Box::new(model) };
        let (levels, groups) = (self.levels.clone(), self.groups.clone());
        Ok(Ok((Intervals { levels, groups, reach, rule }, quantiles)))
    }

    /// Interval scores of the judged rows at the first level, and their mean as a record.
    fn measure(
        &self,
        method: &str,
        intervals: &Intervals,
        truth: &[f64],
        predicted: &[f64],
        quantiles: Option<&Predictions>,
    ) -> (Vec<f64>, IntervalMethod) {
        let levels = intervals.intervals(predicted, quantiles, &self.group_of);
        let first: &[Interval] = levels.first().map_or(&[], |level| &level.intervals);
        let scores = interval_scores(truth, first, self.levels[0]);
        let widths: Vec<f64> = first.iter().map(|i| i.high - i.low).collect();
        let (interval_score, _) = self.mean_and_error(&scores);
        let (mean_width, _) = self.mean_and_error(&widths);
        let record = IntervalMethod { method: method.to_owned(), mean_width, interval_score };
        (scores, record)
    }

    fn mean_and_error(&self, values: &[f64]) -> (f64, f64) {
        let weight = |row: usize| self.weights.as_ref().map_or(1.0, |w| w[row]);
        let total: f64 = (0..values.len()).map(weight).sum();
        let sum: f64 = values.iter().enumerate().map(|(row, v)| weight(row) * v).sum();
        let mean = sum / total;
        let squares = values.iter().enumerate().map(|(row, v)| (weight(row) * (v - mean)).powi(2));
        (mean, squares.sum::<f64>().sqrt() / total)
    }
}

/// The scores, and weights, of the rows of one group.
fn select(
    groups: &[u32],
    scores: &[f64],
    weights: Option<&[f64]>,
    group: u32,
) -> (Vec<f64>, Option<Vec<f64>>) {
    let of_group = |values: &[f64]| {
        let own = groups.iter().zip(values).filter(|(g, _)| **g == group);
        own.map(|(_, value)| *value).collect()
    };
    (of_group(scores), weights.map(of_group))
}

/// The encoding whose features the widths are learned from: bins, and of a member if possible.
fn encoding(input: &Input<'_>) -> Option<String> {
    let has_bins = |name: &&String| {
        input.found.prepared.get(*name).is_some_and(|prepared| {
            let columns = &prepared.full.columns;
            !columns.is_empty() && columns.iter().all(|c| c.bins.is_some())
        })
    };
    let of_members = input.encoders.iter().find(has_bins);
    of_members.or_else(|| input.found.prepared.keys().find(has_bins)).cloned()
}
