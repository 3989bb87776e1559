//! Would more rows help? A member of the model is fitted again on a half, a quarter, … of its
//! training rows, always judged on the same untouched rows.
//!
//! The parts are nested, so that what one learns the next knows too; whether the last doubling
//! helped is a paired test, and what the next would bring is read off a power law through the
//! scores ([`LearningCurve`]). Called by `fit` where time is left, and by `learning-curve` on a
//! model and rows with known answers.

use std::collections::HashMap;

use modelwright_core::data::{Schema, Table, TrainView};
use modelwright_core::record::{
    CurveSize, MoreRows, MoreRowsRecord, OwnKind, PlannedTrial, RunRecord,
};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::learning_curve::LearningCurve;
use modelwright_evaluate::resample::Drawing;
use modelwright_evaluate::threshold::decided;
use modelwright_evaluate::{
    Comparison, MetricEntry, MetricInput, Paired, bootstrap_interval, compare, metric_or_default,
};
use modelwright_learners::gbdt::Gbdt;
use modelwright_learners::{Algorithm, Learner, OWN, learner};
use modelwright_preprocess::EncodingSpec;
use modelwright_preprocess::encode::{PrepareInput, prepare};

use crate::parting::{self, Roles};
use crate::parts::weights_of;
use crate::predictor::{Predictor, SinglePredictor};
use crate::trial::was_stopped;

/// Parts: all rows, a half, … at most so many, each of at least so many rows.
const SIZES_MAX: usize = 5;
const ROWS_MIN: usize = 100;

/// Fewer sizes lie on no curve.
const SIZES_MIN: usize = 3;

/// The share of a part that ends the fit of a learner which stops early.
const STOPPING_SHARE: f64 = 0.2;

/// Resamples of the interval of each score.
const N_RESAMPLES: usize = 200;

/// A difference with a larger p-value may be chance.
const LEVEL: f64 = 0.05;

/// How many times the fit of one member all parts together take, about.
pub(crate) const FITS: f64 = 2.2;

/// What is fitted, on what.
pub(crate) struct CurveInput<'a> {
    /// The rows to learn from.
    pub table: &'a Table,
    pub target: &'a Target,
    pub weights: Option<&'a [f64]>,
    /// The groups of the rows, which are taken whole.
    pub groups: Option<&'a [u32]>,
    pub schema: &'a Schema,
    pub exclude: &'a [String],
    /// The rows that judge.
    pub held_out: &'a Table,
    pub truth: &'a Target,
    pub held_weights: Option<&'a [f64]>,
    pub held_groups: Option<&'a [u32]>,
    pub classes: &'a [String],
    pub planned: &'a PlannedTrial,
    pub entry: &'a Algorithm,
    pub metric: &'static MetricEntry,
}

/// Fits the parts and reads off the curve; `None` when there are too few rows, or when the clock
/// ended a fit early: an unfinished one says nothing about rows.
pub(crate) fn curve(input: &CurveInput<'_>, ctx: &Context) -> Result<Option<MoreRowsRecord>> {
    let n_rows = input.table.n_rows();
    let sizes: Vec<usize> =
        (0..SIZES_MAX).map(|i| n_rows >> i).take_while(|n| *n >= ROWS_MIN).collect();
    if sizes.len() < SIZES_MIN {
        return Ok(None);
    }
    let order = in_random_order(n_rows, input.groups, ctx);
    let mut points = Vec::new();
    let mut predicted: Vec<Predictions> = Vec::new();
    for (i, n) in sizes.iter().rev().enumerate() {
        let scope = ctx.scope(&format!("part-{i}"));
        if !scope.proceed() {
            return Ok(None);
        }
        let predictions = fit_part(input, &order[..*n], &scope)?;
        if was_stopped(&scope.decisions(), scope.name()) {
            return Ok(None);
        }
        let predictions =
            decided(input.metric, input.truth, &predictions, input.held_weights).into_owned();
        let judged = MetricInput {
            weights: input.held_weights,
            ..MetricInput::new(input.truth, &predictions)
        };
        let Ok(score) = input.metric.value(&judged) else { return Ok(None) };
        let drawing = Drawing { groups: input.held_groups, ..Drawing::from(N_RESAMPLES) };
        let ci95 = bootstrap_interval(input.metric, &judged, drawing, &scope).ok();
        points.push(CurveSize { n_rows: *n, score, ci95 });
        predicted.push(predictions);
    }
    let [.., half, whole] = predicted.as_slice() else { return Ok(None) };
    let pair = Paired {
        weights: input.held_weights,
        groups: input.held_groups,
        ..Paired::new(input.truth, whole, half)
    };
    let last = compare(input.metric, &pair, ctx)?;
    Ok(Some(record(input, points, &last)))
}

/// All rows in a random order; those of a group one after the other, because half of the rows of
/// every group would know every group, and more rows are more groups.
fn in_random_order(n_rows: usize, groups: Option<&[u32]>, ctx: &Context) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n_rows as u32).collect();
    ctx.random("more-rows", 0).shuffle(&mut order);
    if let Some(groups) = groups {
        // A group stands where the first of its rows was drawn.
        let mut first: HashMap<u32, u32> = HashMap::new();
        for (place, row) in (0_u32..).zip(&order) {
            first.entry(groups[*row as usize]).or_insert(place);
        }
        order.sort_by_key(|row| first[&groups[*row as usize]]);
    }
    order
}

/// Fits the planned trial on some rows; its predictions of the untouched rows.
fn fit_part(input: &CurveInput<'_>, rows: &[u32], ctx: &Context) -> Result<Predictions> {
    let entry = input.entry;
    let table = input.table.select(rows);
    let target = input.target.select(rows);
    let weights: Option<Vec<f64>> =
        input.weights.map(|w| rows.iter().map(|row| w[*row as usize]).collect());
    let without = &input.planned.without;
    let exclude: Vec<String> = input.exclude.iter().chain(without).cloned().collect();
    let prepared = prepare(
        &PrepareInput {
            table: &table,
            schema: input.schema,
            exclude: &exclude,
            target: &target,
            weights: weights.as_deref(),
            folds: &[],
            like: None,
        },
        &EncodingSpec::named(&input.planned.encoding)?,
        ctx,
    )?;
    // The rows are in a random order already.
    let all: Vec<u32> = (0..rows.len() as u32).collect();
    let stops = entry.spec().abilities.early_stopping && !input.planned.fixed_rounds;
    let n_stopping = if stops { (rows.len() as f64 * STOPPING_SHARE) as usize } else { 0 };
    let (validation, learned) = all.split_at(n_stopping);
    let view = TrainView {
        features: &prepared.full,
        target: &target,
        weights: weights.as_deref(),
        rows: learned,
        validation,
    };
    let model = entry.fit(&view, &input.planned.params, ctx)?;
    let predictor = Predictor::of_one(SinglePredictor {
        schema: input.schema.clone(),
        task: input.target.task(),
        target: String::new(),
        classes: input.classes.to_vec(),
        encoder: prepared.encoder,
        model,
    })?;
    predictor.predict(input.held_out, ctx)
}

fn record(input: &CurveInput<'_>, points: Vec<CurveSize>, last: &Comparison) -> MoreRowsRecord {
    let spec = input.metric.spec;
    let pairs: Vec<(f64, f64)> = points.iter().map(|p| (p.n_rows as f64, p.score)).collect();
    let curve = LearningCurve::fit(&pairs).ok();
    let n_rows = points.last().map_or(0, |p| p.n_rows) as f64;
    let next_gain = curve.map(|c| spec.gain(c.gain_of_doubling(n_rows), 0.0));
    let rope = spec.rope(last.value_a);
    let last_ci95 = if spec.larger_is_better {
        last.ci95
    } else {
        modelwright_core::record::Interval { low: -last.ci95.high, high: -last.ci95.low }
    };
    let is_shown = last.is_significant() && spec.gain(last.difference, 0.0) > 0.0;
    let finding = finding(next_gain, last_ci95.high, rope, is_shown);
    MoreRowsRecord {
        trial: input.planned.name.clone(),
        metric: spec.name.to_owned(),
        n_rows_tested: input.truth.n_rows(),
        last_gain: spec.gain(last.difference, 0.0),
        last_ci95,
        last_p_value: last.p_value,
        next_gain,
        limit: curve.map(|c| c.limit),
        rope,
        finding,
        words: words(finding, last.p_value > LEVEL),
        points,
    }
}

/// What a curve says. That more rows would not help is said only where the last doubling cannot
/// have brought what matters (`rope`) either: few judging rows see neither.
fn finding(next_gain: Option<f64>, last_high: f64, rope: f64, is_shown: bool) -> MoreRows {
    match next_gain {
        Some(gain) if gain < rope && last_high < rope => MoreRows::WouldNotHelp,
        Some(gain) if gain >= rope && is_shown => MoreRows::WouldHelp,
        _ => MoreRows::Unclear,
    }
}

fn words(finding: MoreRows, is_chance: bool) -> String {
    match finding {
        MoreRows::WouldHelp => {
            "More rows would help: the last doubling did, beyond chance, and the next is expected \
             to."
        }
        MoreRows::WouldNotHelp => {
            "More rows of the same kind would not help: twice as many are expected to make no \
             difference that matters. Other columns might."
        }
        MoreRows::Unclear if is_chance => {
            "It stays open whether more rows would help: the last doubling made no difference \
             beyond chance."
        }
        MoreRows::Unclear => "It stays open whether more rows would help.",
    }
    .to_owned()
}

/// The curve of a stored model's first member, fitted again on rows with known answers, of which
/// some are kept apart as the model's own fit did.
///
/// # Errors
/// Input error when columns are absent, there are too few rows, or the model was not searched for
/// or trained by Modelwright.
pub fn of_model(
    predictor: &Predictor,
    record: &RunRecord,
    table: &Table,
    ctx: &Context,
) -> Result<MoreRowsRecord> {
    let member = record.ensemble.members.first().map(|m| m.trial.as_str());
    // As it ran: variants are in no plan, and derived columns take the parameters of others.
    let mut ran = record.trials.iter().map(|t| &t.trial);
    let planned = ran.find(|t| Some(t.name.as_str()) == member);
    let Some(planned) = planned else {
        return Err(Error::input("how the model was trained is not known")
            .hint("a learning curve needs a model of `fit` or `train`"));
    };
    let least = (ROWS_MIN << (SIZES_MIN - 1)) * 5 / 4;
    let too_few = || {
        Error::input("too few rows for a learning curve")
            .expected(format!("at least {least} rows"))
            .got(format!("{} rows", table.n_rows()))
    };
    let has_loss = record.options.own.iter().any(|part| part.kind == OwnKind::Loss);
    if planned.learner == OWN || has_loss && planned.learner == Gbdt::SPEC.name {
        return Err(Error::input("the model's first member learned by code of its user's own")
            .got(&planned.name)
            .hint("the report shows the learning curve of the fit itself"));
    }
    if table.n_rows() < least {
        return Err(too_few());
    }
    let target = predictor.encode_target(table)?;
    let options = &record.options;
    let (kind, _) = parting::choose_kind(options)?;
    let share = modelwright_core::record::Options::HOLDOUT;
    let parts = parting::hold_out(kind, &Roles::of(table, options)?, &target, share, ctx)?;
    let parts = parts.ok_or_else(too_few)?;
    let (learned, held_out) = table.clone().part(&parts.train, &parts.validation);
    // Rows may be ordered by a column that the model reads, too.
    let is_read = |name: &&String| predictor.feature_columns().any(|own| own == name.as_str());
    let by_time = options.time_column.as_ref().filter(|name| !is_read(name));
    let exclude: Vec<String> = [Some(&predictor.target), options.weight.as_ref()]
        .into_iter()
        .chain([options.group.as_ref(), by_time])
        .flatten()
        .cloned()
        .collect();
    let mut schema = predictor.schema.clone();
    schema.fields.retain(|f| !exclude.contains(&f.name));
    let weights = weights_of(&learned, options)?;
    let held_weights = weights_of(&held_out, options)?;
    let (roles, held_roles) =
        (Roles::of_groups(&learned, options), Roles::of_groups(&held_out, options));
    let input = CurveInput {
        groups: roles.groups(),
        held_groups: held_roles.groups(),
        target: &target.select(&parts.train),
        weights: weights.as_deref(),
        table: &learned,
        schema: &schema,
        exclude: &exclude,
        truth: &target.select(&parts.validation),
        held_weights: held_weights.as_deref(),
        held_out: &held_out,
        classes: &predictor.classes,
        planned,
        entry: &Algorithm::Catalog(learner(&planned.learner)?),
        metric: metric_or_default(&predictor.metric, predictor.task),
    };
    ctx.install(|| curve(&input, ctx))?.ok_or_else(too_few)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_more_rows_would_not_help_is_no_word_for_noise() {
        let of = |next, high| finding(Some(next), high, 0.005, false);
        assert_eq!(of(0.0, 0.0458), MoreRows::Unclear, "the last doubling may have brought much");
        assert_eq!(of(0.0, 0.004), MoreRows::WouldNotHelp);
        assert_eq!(finding(Some(0.02), 0.04, 0.005, true), MoreRows::WouldHelp);
        assert_eq!(of(0.02, 0.04), MoreRows::Unclear);
        assert_eq!(finding(None, 0.001, 0.005, true), MoreRows::Unclear);
    }

    #[test]
    fn parts_of_rows_are_parts_of_groups() {
        let groups: Vec<u32> = (0..600).map(|row| row % 60).collect();
        let ctx = Context::unlimited(3, 1);
        let order = in_random_order(600, Some(&groups), &ctx);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..600).collect::<Vec<u32>>());
        let mut half: Vec<u32> = order[..300].iter().map(|r| groups[*r as usize]).collect();
        half.dedup();
        assert_eq!(half.len(), 30, "each group once, and half of them");
        let plain = in_random_order(600, None, &ctx);
        assert_ne!(plain, order);
    }
}
