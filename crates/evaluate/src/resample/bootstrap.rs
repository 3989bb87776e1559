//! Bootstrap intervals of metrics: studentised where a metric is a mean over rows, else
//! bias-corrected and accelerated (BCa; Efron, JASA 82, 1987).

use modelwright_core::record::{Interval, MetricValue};
use modelwright_core::task::{Target, Task};
use modelwright_core::{Context, Error, Result};

use super::bca::{corrected, finite};
use super::drawing::numbered;
use super::ends::{ENDS, ends, few_positive};
use super::relabelled::Relabelled;
use super::strata::has_weight;
use super::studentised::Pivot;
use super::{Drawing, Mix, closed};
use crate::metric::{MetricEntry, MetricInput, Needs, Prepared, PreparedSet, Ranked};

/// Rows drawn in all, beyond which the number of resamples is cut. An interval of a large table
/// is narrow, so that a coarser one of it does no harm.
const ROWS_DRAWN_MAX: usize = 15_000_000;

/// Classes that a metric of several classes reads about as fast as one row of two.
const CLASSES_OF_A_ROW: usize = 4;

/// Resamples that are never cut: below, a 95 % percentile says little.
const RESAMPLES_MIN: usize = 100;

/// The share of resamples on which a metric must be defined for an interval to be given.
const DEFINED_SHARE_MIN: f64 = 0.9;

/// How skewed a metric is, is told by leaving out rows: so many blocks of them at most, one for so
/// many resamples, and at least so many for it to be told.
const LEFT_OUT_MAX: usize = 300;
const RESAMPLES_PER_BLOCK: usize = 4;
const LEFT_OUT_MIN: usize = 10;

/// Losses of classes are unbounded, and fewer rows than this may lack the one that carries them.
const CLASS_ROWS_MIN: usize = 20;

const STREAM: &str = "evaluate/bootstrap";
const TAIL_STREAM: &str = "evaluate/bootstrap_tail";

/// How many resamples are made of `n_rows` rows when `wanted` are asked for.
///
/// A function of the row count alone, never of the clock.
pub fn n_resamples_for(n_rows: usize, wanted: usize) -> usize {
    wanted.min((ROWS_DRAWN_MAX / n_rows.max(1)).max(RESAMPLES_MIN))
}

/// The rows of a truth as far as the work of a metric goes, which grows with the classes.
pub fn work_rows(truth: &Target) -> usize {
    let classes = if let Target::Class { n_classes, .. } = truth { *n_classes } else { 0 };
    truth.n_rows() * (classes / CLASSES_OF_A_ROW).max(1)
}

/// The 95 % interval of one metric, as in [`bootstrap_intervals`].
///
/// # Errors
/// Input error when the metric is undefined on these rows or on too many resamples of them, or
/// when too little of the rows can be drawn otherwise (see [`Drawing`]).
pub fn bootstrap_interval<'a>(
    metric: &MetricEntry,
    input: &MetricInput<'_>,
    drawing: impl Into<Drawing<'a>>,
    ctx: &Context,
) -> Result<Interval> {
    let drawing = drawing.into();
    let value = metric.measured(input)?;
    if let Some(known) = known(metric, value, input, drawing) {
        return Ok(known);
    }
    let interval = draw(&[metric], input, drawing, ctx)?.interval(0)?;
    Ok(closed::with_unseen(metric, value, interval, input, drawing.groups))
}

/// The interval that follows from the law of a metric, or from there being no error at all.
fn known(
    metric: &MetricEntry,
    value: f64,
    input: &MetricInput<'_>,
    drawing: Drawing<'_>,
) -> Option<Interval> {
    let of_rows =
        if drawing.groups.is_some() { None } else { closed::interval(metric, input, drawing.mix) };
    let rarest = || closed::rarest_class(input, drawing.groups);
    of_rows.or_else(|| closed::without_errors(metric, value, rarest))
}

/// Value and 95 % interval of each metric, from one resampling shared by all; where the law of a
/// metric is known, its interval follows from that.
///
/// A metric that is undefined on these rows has no value, and a note that says why.
pub fn bootstrap_intervals<'a>(
    metrics: &[&MetricEntry],
    input: &MetricInput<'_>,
    drawing: impl Into<Drawing<'a>>,
    ctx: &Context,
) -> Vec<MetricValue> {
    let drawing = drawing.into();
    let mut results = Vec::with_capacity(metrics.len());
    let (mut drawn, mut places) = (Vec::new(), Vec::new());
    for metric in metrics {
        let name = metric.spec.name.to_owned();
        let (value, note) = match metric.measured(input) {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(in_one_line(&error))),
        };
        let is_wanted = value.filter(|_| drawing.n_resamples > 0);
        let ci95 = is_wanted.and_then(|value| known(metric, value, input, drawing));
        if value.is_some() && ci95.is_none() {
            drawn.push(*metric);
            places.push(results.len());
        }
        results.push(MetricValue { name, value, ci95, note });
    }
    // One resampling for all, and one each for those that there is less time for.
    let n = drawing.n_resamples;
    let (whole, spared): (Vec<usize>, Vec<usize>) =
        (0..drawn.len()).partition(|at| drawn[*at].resamples(n) == n);
    let alone = spared.into_iter().map(|at| vec![at]);
    for together in std::iter::once(whole).chain(alone) {
        let members: Vec<&MetricEntry> = together.iter().map(|at| drawn[*at]).collect();
        let draws = draw(&members, input, drawing, ctx);
        for (i, at) in together.into_iter().enumerate() {
            let result: &mut MetricValue = &mut results[places[at]];
            match draws.as_ref().map(|d| d.interval(i)) {
                Ok(Ok(interval)) => {
                    let value = result.value.unwrap_or_default();
                    result.ci95 = {
                        let groups = drawing.groups;
                        Some(closed::with_unseen(members[i], value, interval, input, groups))
                    };
                    result.note = draws.as_ref().ok().and_then(|d| d.cautions[i].clone());
                }
                Ok(Err(error)) => result.note = Some(in_one_line(&error)),
                Err(error) => result.note = Some(in_one_line(error)),
            }
        }
    }
    results
}

/// So many resamples as all of these metrics may be asked on.
///
/// # Errors
/// Input error when that is none.
fn affordable(metrics: &[&MetricEntry], n_resamples: usize) -> Result<usize> {
    let all = metrics.iter().map(|m| (m.resamples(n_resamples), m.name()));
    match all.min() {
        Some((0, name)) if n_resamples > 0 => Err(spared(name)),
        Some((n, _)) => Ok(n),
        None => Ok(n_resamples),
    }
}

/// Why a metric has no interval.
pub(crate) fn spared(name: &str) -> Error {
    Error::input(format!("no interval: {name} takes long, and there is no time for resamples"))
        .hint("give more time, or a faster metric")
}

/// Value and 95 % interval of the weighted mean of one number per row.
///
/// Resamples are those of [`bootstrap_intervals`] on the same rows in their own order.
pub fn bootstrap_row_mean<'a>(
    name: &str,
    rows: Vec<f64>,
    truth: &Target,
    weights: Option<&[f64]>,
    drawing: impl Into<Drawing<'a>>,
    ctx: &Context,
) -> MetricValue {
    let (name, drawing) = (name.to_owned(), drawing.into());
    let n_resamples = n_resamples_for(rows.len(), drawing.n_resamples);
    let mean = Prepared::row_mean(rows);
    let value = match mean.value(weights) {
        Ok(value) => value,
        Err(error) => {
            return MetricValue { name, value: None, ci95: None, note: Some(in_one_line(&error)) };
        }
    };
    let of = |drawn: &[f64]| has_weight(drawn).then(|| mean.value_unchecked(Some(drawn)).ok());
    let strata = several_rows(truth).and_then(|()| drawing.strata(truth, weights));
    let interval = strata.and_then(|strata| {
        let drawn = |drawn: &[f64]| of(drawn).flatten();
        percentile_interval(strata.resample(STREAM, n_resamples, ctx, drawn))
    });
    let (ci95, note) = match interval {
        Ok(interval) => (Some(interval), None),
        Err(error) => (None, Some(in_one_line(&error))),
    };
    MetricValue { name, value: Some(value), ci95, note }
}

/// The values of each metric on each resample, and with a part of the rows left out; `None` where
/// it is undefined.
#[derive(Default)]
struct Draws {
    values: Vec<f64>,
    ranges: Vec<(f64, f64)>,
    resampled: Vec<Vec<Option<f64>>>,
    left_out: Vec<Vec<Option<f64>>>,
    /// Intervals of metrics that are means over rows.
    studentised: Vec<Option<Interval>>,
    /// Which metrics are losses that so few rows of classes say nothing certain about.
    too_few: Vec<Option<usize>>,
    /// Of an average precision of few rows: its positive ones.
    few_positive: Vec<Option<usize>>,
    /// What is to be said beside an interval.
    cautions: Vec<Option<String>>,
    /// Groups that are drawn whole; `None` where rows are.
    n_groups: Option<usize>,
}

impl Draws {
    /// The interval of a metric by its place: studentised of a mean, else BCa; percentile where too
    /// few rows can be left out to tell how skewed it is.
    fn interval(&self, metric: usize) -> Result<Interval> {
        if let Some(n_rows) = self.too_few[metric] {
            return Err(Error::input("the interval could not be computed")
                .expected(format!("at least {CLASS_ROWS_MIN} rows"))
                .got(format!("{n_rows} rows"))
                .hint("use more rows"));
        }
        let (least, most) = self.ranges[metric];
        let within = |ci: Interval| Interval { low: ci.low.max(least), high: ci.high.min(most) };
        if let Some(interval) = self.studentised[metric] {
            return finite(within(interval));
        }
        let of = |all: &[Vec<Option<f64>>]| all.iter().map(|v| v[metric]).collect::<Vec<_>>();
        let left_out: Vec<f64> = of(&self.left_out).into_iter().flatten().collect();
        let tail = ends(self.n_groups, self.few_positive[metric]);
        if left_out.len() < LEFT_OUT_MIN || left_out.len() < self.left_out.len() {
            return percentiles(of(&self.resampled), tail);
        }
        corrected(self.values[metric], of(&self.resampled), &left_out, tail)
    }
}

/// The rows, for each metric that is a loss of classes, where they are few.
fn too_few(
    metrics: &[&MetricEntry],
    pivots: &[Option<Pivot<'_>>],
    truth: &Target,
) -> Vec<Option<usize>> {
    let is_classes = truth.values().is_none();
    let few = Some(truth.n_rows()).filter(|n| is_classes && *n < CLASS_ROWS_MIN);
    let is_loss =
        |m: &MetricEntry| m.spec.needs == Needs::Probabilities && !m.spec.larger_is_better;
    let of =
        |(m, p): (&&MetricEntry, &Option<Pivot<'_>>)| few.filter(|_| p.is_some() && is_loss(m));
    metrics.iter().zip(pivots).map(of).collect()
}

/// What is studentised of each metric that is a mean over rows.
fn pivots<'a>(
    metrics: &[&MetricEntry],
    set: &'a PreparedSet,
    input: &MetricInput<'a>,
    drawing: Drawing<'_>,
) -> Vec<Option<Pivot<'a>>> {
    let fixed = match (input.truth, drawing.mix) {
        (Target::Class { codes, n_classes }, Mix::Fixed) => Some((codes.as_slice(), *n_classes)),
        _ => None,
    };
    let of = |(m, metric): (usize, &&MetricEntry)| {
        // The standard error of a mean is that of independent rows.
        let mean = set.mean(m).filter(|_| drawing.groups.is_none())?;
        let pivot = Pivot::new(mean, input.weights, fixed)?;
        Some(if input.truth.values().is_some() {
            pivot.with_tail()
        } else {
            pivot.with_most().with_labels(Relabelled::of(metric, input))
        })
    };
    metrics.iter().enumerate().map(of).collect()
}

fn draw(
    metrics: &[&MetricEntry],
    input: &MetricInput<'_>,
    drawing: Drawing<'_>,
    ctx: &Context,
) -> Result<Draws> {
    let mut draws = Draws::default();
    if metrics.is_empty() {
        return Ok(draws);
    }
    several_rows(input.truth)?;
    let n_resamples = affordable(metrics, drawing.n_resamples)?;
    let rows = in_score_order(input);
    let (truth, predictions) = (input.truth.select(&rows), input.predictions.select(&rows));
    let weights: Option<Vec<f64>> =
        input.weights.map(|w| rows.iter().map(|row| w[*row as usize]).collect());
    let weights = weights.as_deref();
    let groups: Option<Vec<u32>> = drawing
        .groups
        .map(|groups| rows.iter().filter_map(|row| groups.get(*row as usize).copied()).collect());
    let drawing = Drawing { groups: groups.as_deref(), ..drawing };
    let threshold = input.threshold;
    let input = MetricInput { truth: &truth, predictions: &predictions, weights, threshold };
    let mut set = PreparedSet::default();
    for metric in metrics {
        set.add(metric, &input)?;
        draws.values.push(metric.value(&input)?);
        draws.ranges.push(metric.spec.range);
    }
    let n_resamples = n_resamples_for(work_rows(&truth), n_resamples);
    let pivots = pivots(metrics, &set, &input, drawing);
    let strata = drawing.strata(&truth, weights)?;
    let resampled = strata.resample_numbered(STREAM, n_resamples, ctx, |resample, drawn| {
        let distances = |pivot: &Option<Pivot<'_>>| {
            let Some(pivot) = pivot else { return [None; 2] };
            // Anew for each metric: its interval does not depend on which others are asked.
            let random = &mut ctx.random(TAIL_STREAM, resample);
            [pivot.distance(drawn), pivot.distance_smoothed(drawn, random)]
        };
        (values(&set, drawn), pivots.iter().map(distances).collect::<Vec<_>>())
    });
    let interval = |m: usize, pivot: &Pivot<'_>| {
        let of = |which: usize| resampled.iter().map(|(_, d)| d[m][which]).collect();
        pivot.interval(of(0), of(1)).ok()
    };
    draws.studentised = pivots.iter().enumerate().map(|(m, p)| interval(m, p.as_ref()?)).collect();
    let is_numbers = truth.values().is_some();
    draws.too_few = too_few(metrics, &pivots, &truth);
    draws.few_positive = few_positive(metrics, &truth);
    draws.cautions = pivots.iter().map(|p| p.as_ref().filter(|_| is_numbers)?.caution()).collect();
    draws.resampled = resampled.into_iter().map(|(values, _)| values).collect();
    let (units, n_units) = match drawing.groups {
        Some(groups) => numbered(groups),
        // By the rows' own order, because what is left out must not be spread evenly over the
        // scores.
        None => (rows, truth.n_rows()),
    };
    draws.n_groups = groups.as_ref().map(|_| n_units);
    draws.left_out = left_out(&set, (&units, n_units), weights, n_resamples, ctx);
    Ok(draws)
}

/// The value of each metric under the weights of a resample.
fn values(set: &PreparedSet, drawn: &[f64]) -> Vec<Option<f64>> {
    if has_weight(drawn) { set.values_unchecked(drawn) } else { vec![None; set.len()] }
}

/// The value of each metric with one block after the other left out of what is drawn; `units` says
/// of each row which unit it is, and how many there are.
fn left_out(
    set: &PreparedSet,
    (units, n_units): (&[u32], usize),
    weights: Option<&[f64]>,
    n_resamples: usize,
    ctx: &Context,
) -> Vec<Vec<Option<f64>>> {
    let n_blocks = n_units.min(n_resamples / RESAMPLES_PER_BLOCK).min(LEFT_OUT_MAX);
    ctx.map(n_blocks, |block| {
        let weight = |(at, unit): (usize, &u32)| {
            let is_left_out = *unit as usize % n_blocks == block;
            if is_left_out { 0.0 } else { weights.map_or(1.0, |w| w[at]) }
        };
        values(set, &units.iter().enumerate().map(weight).collect::<Vec<f64>>())
    })
}

/// The rows of a binary target by falling probability, else in their own order.
///
/// Metrics that walk along sorted rows then read the weights of a resample one after the other,
/// which on large tables is several times faster than by chance.
fn in_score_order(input: &MetricInput<'_>) -> Vec<u32> {
    let n_rows = input.truth.n_rows();
    if input.truth.task() == Task::Binary {
        Ranked::new(n_rows, |row| input.predictions.values[row], |_| false).rows
    } else {
        (0..n_rows as u32).collect()
    }
}

/// The 2.5 % and 97.5 % quantiles (linear between order statistics) of the defined values.
pub(crate) fn percentile_interval(values: Vec<Option<f64>>) -> Result<Interval> {
    percentiles(values, [ENDS; 2])
}

/// As [`percentile_interval`], with these shares left out below and above.
fn percentiles(values: Vec<Option<f64>>, [below, above]: [f64; 2]) -> Result<Interval> {
    let sorted = defined(values)?;
    let quantile = |q: f64| quantile_of_sorted(&sorted, q);
    finite(Interval { low: quantile(below), high: quantile(1.0 - above) })
}

/// The defined values in ascending order.
///
/// # Errors
/// Input error when more than one of ten is undefined.
pub(super) fn defined(values: Vec<Option<f64>>) -> Result<Vec<f64>> {
    let n_resamples = values.len();
    let mut defined: Vec<f64> = values.into_iter().flatten().collect();
    if n_resamples == 0 || (defined.len() as f64) < DEFINED_SHARE_MIN * n_resamples as f64 {
        return Err(Error::input("the interval could not be computed")
            .expected("resamples on which the metric is defined")
            .got(format!("{} of {n_resamples}", defined.len()))
            .hint("use more rows"));
    }
    defined.sort_by(f64::total_cmp);
    Ok(defined)
}

/// A quantile of sorted values, linear between neighbours; `q` in `[0, 1]`, at least one value.
pub(super) fn quantile_of_sorted(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let (low, part) = (sorted[place as usize], place.fract());
    let high = sorted[(place as usize + 1).min(sorted.len() - 1)];
    low + part * (high - low)
}

/// Refuses to draw from one row: it is in every resample, and its interval would have no width.
fn several_rows(truth: &Target) -> Result<()> {
    if truth.n_rows() > 1 {
        return Ok(());
    }
    Err(Error::input("the interval could not be computed")
        .expected("at least two rows")
        .got(truth.n_rows().to_string())
        .hint("use more rows"))
}

fn in_one_line(error: &Error) -> String {
    match (error.expected_text(), error.got_text()) {
        (Some(expected), Some(got)) => {
            format!("{}: expected {expected}, got {got}", error.what())
        }
        (Some(expected), None) => format!("{}: expected {expected}", error.what()),
        (None, Some(got)) => format!("{}: got {got}", error.what()),
        (None, None) => error.what().to_owned(),
    }
}
