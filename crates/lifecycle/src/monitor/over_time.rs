//! For whom, and since when: quality, calibration and decisions by group and by period, on rows
//! whose answers are known.
//!
//! The groups are those of the columns that the fit was told are sensitive, and of columns that the
//! user names. The audit of sensitive columns is that of `audit` ([`modelwright_automl::audit`]).

use modelwright_automl::audit::{AuditInput, MIN_GROUP, audit};
use modelwright_core::Context;
use modelwright_core::data::{MISSING_INSTANT, instant_text};
use modelwright_core::record::{
    Disparity, FairnessRecord, Interval, Judgement, MetricValue, OverTimeRecord, PeriodRecord,
    SliceRecord,
};
use modelwright_core::task::Target;
use modelwright_evaluate::distribution::student_quantile;
use modelwright_evaluate::fairness::{Grouping, Groups};
use modelwright_evaluate::resample::{Drawing, Mix};
use modelwright_evaluate::{MetricInput, bootstrap_intervals, metric_or_default};
use modelwright_inspect::drift::benjamini_hochberg;

use super::serial::{share_of, share_of_losses};
use super::side::Side;
use super::{LEVEL, Watched, blocks};

/// Rows of a period, at least, and periods at most.
const PERIOD_ROWS_MIN: usize = 100;
const PERIODS_MAX: usize = 12;

/// Resamples of an interval.
const N_RESAMPLES: usize = 400;

/// Probabilities that are wrong by less on average are not worth a word; of numbers, a bias of less
/// than this many standard deviations of the answers.
const BIAS_MIN: f64 = 0.05;

/// The half-width of a 95 % interval in standard deviations.
const Z_975: f64 = 1.96;

/// Looks at groups and periods; nothing where too few answers are known. What could not be looked
/// at is said in `notes`. It is a test at the share `spent` of the level (see [`super::looks`]).
pub(super) fn look(
    watched: &Watched<'_>,
    current: &Side<'_>,
    spent: f64,
    notes: &mut Vec<String>,
    ctx: &Context,
) -> Option<OverTimeRecord> {
    let n_rows = current.answers.truth.n_rows();
    if n_rows < MIN_GROUP {
        return None;
    }
    let rows = Answered::new(watched, current);
    let groups: Vec<Groups> = rows.groups();
    let mut slices: Vec<SliceRecord> = Vec::new();
    let all: Vec<u32> = (0..n_rows as u32).collect();
    for (groups, group, own) in members(&groups, &all) {
        let mut slice = rows.slice(groups, group, &own);
        slice.metric = slice.is_judged.then(|| rows.metric(&own, ctx));
        slices.push(slice);
    }
    rows.judge(&mut slices, spent);
    if rows.are_too_few && !slices.is_empty() {
        notes.push(
            "groups are not judged: answers are so like those before them in time that there is \
             too little to tell groups from chance; give more rows"
                .to_owned(),
        );
    }
    let (order, by) = rows.order(current);
    let n_periods = (n_rows / PERIOD_ROWS_MIN).min(PERIODS_MAX);
    let bounds = |period: usize| period * n_rows / n_periods;
    let period = |period: usize| {
        let own = &order[bounds(period)..bounds(period + 1)];
        rows.period(current, own, by.is_some(), bounds(period), &groups, ctx)
    };
    let periods = if n_periods >= 2 { (0..n_periods).map(period).collect() } else { Vec::new() };
    let fairness = rows.fairness(notes, ctx);
    notes.extend(current.answers.absent().map(|column| {
        format!("groups of `{column}` are not looked at: the new rows lack the column")
    }));
    Some(OverTimeRecord { min_group: MIN_GROUP, fairness, slices, by, periods })
}

/// What is news about groups, in words: treated unequally now and not at the fit, or predictions
/// that are off.
pub(super) fn words(watched: &Watched<'_>, found: &OverTimeRecord, spent: f64) -> Vec<String> {
    let mut lines = Vec::new();
    let is_unequal = |columns: &[String], of: Option<&FairnessRecord>| {
        of.is_some_and(|record| {
            let mut audits = record.audits.iter().filter(|a| a.columns == columns);
            audits.any(|audit| audit.judgement == Judgement::Unequal)
        })
    };
    for audit in found.fairness.iter().flat_map(|f| &f.audits) {
        let was = is_unequal(&audit.columns, watched.record.fairness.as_ref());
        let gaps = || audit.disparities.iter().chain(&audit.definitions);
        let p_of = |gap: &Disparity| gap.p_holm.or(gap.p_value);
        let is_sure = spent >= 1.0 || gaps().filter_map(p_of).any(|p| p < spent * LEVEL);
        if audit.judgement == Judgement::Unequal && is_sure && !was {
            let columns = audit.columns.join(" × ");
            lines.push(format!(
                "the groups of `{columns}` are treated unequally: {}",
                audit.verdict
            ));
        }
    }
    for slice in found.slices.iter().filter(|slice| slice.is_off) {
        let (column, group) = (&slice.column, &slice.group);
        let bias = slice.bias.as_ref().and_then(|bias| bias.value.zip(bias.ci95));
        let Some((bias, ci95)) = bias else { continue };
        let how = if bias > 0.0 { "high" } else { "low" };
        lines.push(format!(
            "predictions are too {how} by {:.3} ({:.3} to {:.3}) on the {} rows with `{column}` = \
             `{group}`",
            bias.abs(),
            ci95.low.abs().min(ci95.high.abs()),
            ci95.low.abs().max(ci95.high.abs()),
            slice.n_rows
        ));
    }
    lines
}

/// The rows of every group among `rows`.
fn members<'g>(
    all: &'g [Groups],
    rows: &[u32],
) -> impl Iterator<Item = (&'g Groups, usize, Vec<u32>)> {
    all.iter().flat_map(move |groups| {
        let mut of_groups = vec![Vec::new(); groups.names.len()];
        for row in rows {
            of_groups[groups.codes[*row as usize] as usize].push(*row);
        }
        of_groups.into_iter().enumerate().map(move |(group, own)| (groups, group, own))
    })
}

/// Rows with answers, and what is measured of each.
struct Answered<'a> {
    watched: &'a Watched<'a>,
    side: &'a Side<'a>,
    /// By how much each prediction is too high.
    biases: Vec<f64>,
    /// The variance of each if predictions are right: of a class by its probability, of a number
    /// that of all rows.
    expected: Vec<f64>,
    /// Whether each row is decided to be positive; none but with two classes.
    selected: Vec<bool>,
    /// Which rows belong together: a group of the fit, or a block of rows that follow each other
    /// in time, where those are alike. `None` of independent rows.
    units: Option<Vec<u32>>,
    /// Whether rows are so alike in time that there are too few blocks to judge groups by.
    are_too_few: bool,
}

impl<'a> Answered<'a> {
    fn new(watched: &'a Watched<'a>, side: &'a Side<'a>) -> Self {
        let answers = &side.answers;
        let said = &answers.predictions;
        let n_rows = answers.truth.n_rows();
        let decided = match &answers.truth {
            Target::Class { .. } => watched.predictor.decide(&answers.by, said),
            Target::Real(_) => Vec::new(),
        };
        // Thresholds of groups need the columns of the groups.
        let lacks = answers.truth.codes().is_some() && decided.len() != n_rows;
        let decided = if lacks { said.classes(watched.predictor.threshold) } else { decided };
        let bias = |row: usize| match &answers.truth {
            Target::Real(values) => said.row(row)[0] - values[row],
            Target::Class { codes, .. } if said.n_outputs == 1 => {
                said.row(row)[0] - f64::from(codes[row] == 1)
            }
            Target::Class { codes, .. } => {
                let of_chosen = said.row(row).get(decided[row] as usize).copied();
                of_chosen.unwrap_or(0.0) - f64::from(codes[row] == decided[row])
            }
        };
        let biases: Vec<f64> = (0..n_rows).map(bias).collect();
        let whole = variance(&biases);
        let expected = (0..n_rows).map(|row| match &answers.truth {
            Target::Real(_) => whole,
            Target::Class { .. } if said.n_outputs == 1 => of_chance(said.row(row)[0]),
            Target::Class { .. } => {
                of_chance(said.row(row).get(decided[row] as usize).copied().unwrap_or(0.0))
            }
        });
        let expected = expected.collect();
        let is_binary = said.n_outputs == 1 && answers.truth.codes().is_some();
        let selected =
            if is_binary { decided.iter().map(|class| *class == 1).collect() } else { Vec::new() };
        let (units, are_too_few) = units(side, &biases, &selected);
        Self { watched, side, biases, expected, selected, units, are_too_few }
    }

    fn groups(&self) -> Vec<Groups> {
        let columns = self.side.answers.by.columns();
        columns.iter().map(|column| Grouping::of(column).groups(column)).collect()
    }

    fn slice(&self, groups: &Groups, group: usize, own: &[u32]) -> SliceRecord {
        let is_judged = own.len() >= MIN_GROUP && !self.are_too_few;
        SliceRecord {
            column: groups.columns.first().cloned().unwrap_or_default(),
            group: groups.names[group].clone(),
            n_rows: own.len(),
            is_judged,
            metric: None,
            bias: is_judged.then(|| self.bias(own)),
            selected: (is_judged && !self.selected.is_empty()).then(|| self.selected(own)),
            p_adjusted: None,
            is_off: false,
        }
    }

    /// The mean bias of rows with its interval. Rows that belong together count as one.
    fn bias(&self, own: &[u32]) -> MetricValue {
        let clusters = self.units.as_deref();
        let of = |row: &u32| {
            let place = *row as usize;
            let cluster = clusters.map_or(*row, |clusters| clusters[place]);
            (self.biases[place], self.expected[place], cluster)
        };
        let (mean, error) = mean_and_error(own.iter().map(of));
        let ci95 = Interval { low: mean - Z_975 * error, high: mean + Z_975 * error };
        let name = "bias".to_owned();
        MetricValue { name, value: Some(mean), ci95: Some(ci95), note: None }
    }

    fn selected(&self, own: &[u32]) -> MetricValue {
        let share = own.iter().filter(|row| self.selected[**row as usize]).count() as f64;
        let share = share / own.len() as f64;
        let n = self.n_independent(own, share);
        // Wilson, JASA 22, 1927.
        let z = Z_975 * Z_975 / n;
        let centre = (share + z / 2.0) / (1.0 + z);
        let half = (z * (share * (1.0 - share) + z / 4.0)).sqrt() / (1.0 + z);
        MetricValue {
            name: "selection_rate".to_owned(),
            value: Some(share),
            ci95: Some(Interval { low: (centre - half).max(0.0), high: (centre + half).min(1.0) }),
            note: None,
        }
    }

    /// As how many independent rows these are worth in the share of those decided to be positive,
    /// by the design effect of their units (Kish, "Survey Sampling", 1965).
    fn n_independent(&self, own: &[u32], share: f64) -> f64 {
        let n = own.len() as f64;
        let Some(units) = &self.units else { return n };
        let of = |row: &u32| {
            let place = *row as usize;
            (f64::from(u8::from(self.selected[place])), of_chance(share), units[place])
        };
        let (_, error) = mean_and_error(own.iter().map(of));
        // The error is no less than that of independent rows.
        if error > 0.0 { (of_chance(share) / (error * error)).clamp(1.0, n) } else { n }
    }

    fn metric(&self, own: &[u32], ctx: &Context) -> MetricValue {
        let answers = &self.side.answers;
        let predictor = self.watched.predictor;
        let (truth, predictions) = (answers.truth.select(own), answers.predictions.select(own));
        let of_rows =
            |values: &[f64]| -> Vec<f64> { own.iter().map(|row| values[*row as usize]).collect() };
        let weights = answers.usable_weights().map(of_rows);
        let weights = weights.filter(|weights| weights.iter().any(|w| *w > 0.0));
        let clusters: Option<Vec<u32>> =
            self.units.as_ref().map(|of| own.iter().map(|row| of[*row as usize]).collect());
        let input = MetricInput {
            truth: &truth,
            predictions: &predictions,
            weights: weights.as_deref(),
            threshold: predictor.threshold,
        };
        let groups = clusters.as_deref();
        let drawing = Drawing { n_resamples: N_RESAMPLES, mix: Mix::Drawn, groups };
        let metric = metric_or_default(&predictor.metric, predictor.task);
        bootstrap_intervals(&[metric], &input, drawing, ctx).swap_remove(0)
    }

    /// Corrects for the number of groups, and says where predictions are off.
    fn judge(&self, slices: &mut [SliceRecord], spent: f64) {
        let spread = match &self.side.answers.truth {
            Target::Class { .. } => 1.0,
            Target::Real(values) => {
                let n = values.len() as f64;
                let mean = values.iter().sum::<f64>() / n;
                (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
            }
        };
        let p_of = |slice: &SliceRecord| {
            let bias = slice.bias.as_ref()?;
            let (value, ci95) = bias.value.zip(bias.ci95)?;
            Some(p_value(value, (ci95.high - ci95.low) / (2.0 * Z_975)))
        };
        let judged: Vec<(usize, f64)> =
            slices.iter().enumerate().filter_map(|(i, s)| Some((i, p_of(s)?))).collect();
        let p_values: Vec<f64> = judged.iter().map(|pair| pair.1).collect();
        for ((slice, _), p) in judged.into_iter().zip(benjamini_hochberg(&p_values)) {
            let slice = &mut slices[slice];
            let bias = slice.bias.as_ref().and_then(|bias| bias.value).unwrap_or(0.0);
            slice.p_adjusted = Some(p);
            slice.is_off = p < spent * LEVEL && bias.abs() >= BIAS_MIN * spread;
        }
    }

    /// The rows in the order of time, and the column that says it; without one, as they came.
    fn order(&self, current: &Side<'_>) -> (Vec<u32>, Option<String>) {
        let times = &current.answers.times;
        let mut order: Vec<u32> = (0..self.biases.len() as u32).collect();
        let is_known = times.iter().any(|time| *time != MISSING_INSTANT);
        if times.len() != order.len() || !is_known {
            return (order, None);
        }
        order.sort_by_key(|row| times[*row as usize]);
        (order, current.time_column().map(str::to_owned))
    }

    fn period(
        &self,
        current: &Side<'_>,
        own: &[u32],
        has_times: bool,
        n_before: usize,
        groups: &[Groups],
        ctx: &Context,
    ) -> PeriodRecord {
        let name = |place: usize| {
            if has_times {
                return instant_text(current.answers.times[own[place] as usize]);
            }
            format!("row {}", n_before + place + 1)
        };
        PeriodRecord {
            begin: name(0),
            end: name(own.len() - 1),
            n_rows: own.len(),
            metric: self.metric(own, ctx),
            bias: self.bias(own),
            slices: members(groups, own)
                .map(|(g, group, rows)| self.slice(g, group, &rows))
                .collect(),
        }
    }

    /// The audit of the sensitive columns that the rows have.
    fn fairness(&self, notes: &mut Vec<String>, ctx: &Context) -> Option<FairnessRecord> {
        let answers = &self.side.answers;
        let of_fit = &self.watched.record.options.sensitive;
        let is_there = |name: &&String| answers.by.column(name).is_some();
        let sensitive: Vec<String> = of_fit.iter().filter(is_there).cloned().collect();
        if sensitive.is_empty() {
            return None;
        }
        let input = AuditInput {
            on: "the new rows",
            table: &answers.by,
            truth: &answers.truth,
            predictions: &answers.predictions,
            weights: answers.usable_weights(),
            units: self.units.as_deref(),
            sensitive: &sensitive,
            min_group: MIN_GROUP,
        };
        match audit(self.watched.predictor, &input, ctx) {
            Ok(record) => Some(record),
            Err(error) => {
                notes.push(format!("the sensitive columns are not audited: {}", error.what()));
                None
            }
        }
    }
}

/// Which answered rows belong together, `None` of independent ones; and whether these are too few.
fn units(side: &Side<'_>, biases: &[f64], selected: &[bool]) -> (Option<Vec<u32>>, bool) {
    let answers = &side.answers;
    if let Some(groups) = answers.groups() {
        return (Some(groups.to_vec()), false);
    }
    let n_rows = biases.len();
    let are_known = answers.times.len() == n_rows && !answers.times.contains(&MISSING_INSTANT);
    if !are_known {
        return (None, false);
    }
    let order = blocks::in_time(n_rows, &answers.times);
    let is_chosen = |row: &u32| selected.get(*row as usize).map(|s| f64::from(u8::from(*s)));
    let of_biases = share_of(order.iter().map(|row| Some(biases[*row as usize])));
    let share = of_biases.min(share_of(order.iter().map(is_chosen))).min(share_of_losses(answers));
    let blocks = (share < 1.0).then(|| blocks::blocks(&order, share));
    (blocks, blocks::are_too_few(n_rows, share))
}

/// The variance of what a right probability is off by.
fn of_chance(p: f64) -> f64 {
    (p * (1.0 - p)).max(0.0)
}

fn variance(values: &[f64]) -> f64 {
    let n = (values.len() as f64).max(1.0);
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n
}

/// The mean of biases and its standard error: the larger of that of the rows themselves, in which
/// rows of a cluster count as one, and of that if the predictions are right. The first alone is
/// next to nothing where by chance no row of a small group has the rare answer, so that chance
/// would look like certainty (a test by the score, whose spread is that under the hypothesis). Of
/// few clusters it is widened as the t-distribution is beside the normal one.
fn mean_and_error(rows: impl Iterator<Item = (f64, f64, u32)> + Clone) -> (f64, f64) {
    let n = (rows.clone().count() as f64).max(1.0);
    let mean = rows.clone().map(|(bias, _, _)| bias).sum::<f64>() / n;
    let mut sums = std::collections::BTreeMap::<u32, f64>::new();
    let mut expected = 0.0;
    for (bias, variance, cluster) in rows {
        *sums.entry(cluster).or_default() += bias - mean;
        expected += variance;
    }
    let squares: f64 = sums.values().map(|sum| sum * sum).sum();
    let m = sums.len() as f64;
    let of_rows = squares * m / (m - 1.0).max(1.0);
    // Of few units the spread of their sums is itself not known well.
    let of_few = if m < n { student_quantile(0.975, (m - 1.0).max(1.0)) / Z_975 } else { 1.0 };
    (mean, of_few * of_rows.max(expected).sqrt() / n)
}

/// How likely chance alone makes a mean that far from zero, by the normal law.
fn p_value(mean: f64, error: f64) -> f64 {
    if mean == 0.0 {
        return 1.0;
    }
    if error > 0.0 { libm::erfc((mean / error).abs() / std::f64::consts::SQRT_2) } else { 0.0 }
}

#[cfg(test)]
#[path = "over_time_tests.rs"]
mod tests;
