//! The whole search, judged from outside: nested cross-validation.
//!
//! Everything that a fit decides (leaks, encodings, trials, weights, calibration, threshold) is
//! decided anew on the rows outside each outer fold, and judged on the fold. The mean is what the
//! procedure is worth, free of the optimism of having chosen. The interval is Student's with the
//! variance corrected for training sets that overlap. References: Varma & Simon, "Bias in error
//! estimation when using cross-validation for model selection", BMC Bioinformatics 7, 2006; Nadeau
//! & Bengio, "Inference for the generalization error", Machine Learning 52, 2003.

use modelwright_core::context::Event;
use modelwright_core::data::Fold;
use modelwright_core::record::{DataSource, Interval, Nested, Options, TaskRecord};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::student_975;

use crate::fit::fit_once;
use crate::input::FitInput;
use crate::parting::{self, Roles};
use crate::{sampling, target, understand};

/// The fewest rows of an outer fold.
const N_ROWS_MIN: usize = 20;

/// Repeats the fit of `input` outside each of `k` outer folds, each within its share of the time:
/// the fit that follows gets as much as each of them.
///
/// # Errors
/// Input error when the rows cannot be parted so; whatever the fits refuse.
pub(crate) fn run(input: &FitInput, k: usize, ctx: &Context) -> Result<Nested> {
    let (task, mut folds) = outer_folds(input, k, ctx)?;
    let n_unknown = leave_unknown_classes_out(&mut folds, input)?;
    if n_unknown > 0 {
        let rows = if n_unknown == 1 { "1 row is" } else { &format!("{n_unknown} rows are") };
        ctx.tell(Event::Warning(format!(
            "{rows} not judged by outer folds: no other row of the class is outside the fold"
        )));
    }
    let mut nested = Nested::default();
    let mut intervals = Vec::new();
    for (i, fold) in folds.iter().enumerate() {
        let scope = ctx.scope(&format!("nested-{i}"));
        let scope = match ctx.remaining() {
            Some(left) => scope.with_time_limit(left / (folds.len() - i + 1) as u32),
            None => scope,
        };
        ctx.tell(Event::Phase(format!("outer fold {} of {k}", i + 1)));
        let outcome = fit_once(outside(input, fold, &task), Vec::new(), &scope)?;
        let evaluation = outcome.record.evaluation.as_ref();
        let value = evaluation.and_then(|e| e.metrics.first()).and_then(|m| m.value);
        nested.values.push(value.ok_or_else(|| {
            Error::input("the metric is undefined on an outer fold")
                .at("--nested")
                .hint("ask for fewer outer folds, or another metric")
        })?);
        intervals.push(evaluation.and_then(|e| e.metrics.first()).and_then(|m| m.ci95));
        nested.selected.extend(outcome.record.ensemble.score);
        nested.corrected.extend(outcome.record.ensemble.corrected_score);
    }
    summarise(&mut nested, &intervals);
    Ok(nested)
}

/// The rows outside a fold as a fit of its own, tested on the fold: of the same task, which fewer
/// rows might look unlike.
fn outside(input: &FitInput, fold: &Fold, task: &TaskRecord) -> FitInput {
    let name = format!("an outer fold of {}", input.source.name);
    let metric = input.own.metric.is_none().then(|| task.metric.clone());
    let options = Options {
        task: Some(task.task),
        metric: metric.or_else(|| input.options.metric.clone()),
        nested: None,
        refit: "train".to_owned(),
        // Only the scores of the outer folds are looked at.
        intervals: Some(Vec::new()),
        group_coverage: None,
        ..input.options.clone()
    };
    FitInput {
        table: input.table.select(&fold.train),
        schema: input.schema.clone(),
        source: input.source.clone(),
        test: Some((
            input.table.select(&fold.validation),
            DataSource { name, ..DataSource::default() },
        )),
        options,
        own: input.own.clone(),
        all_rows: None,
    }
}

/// A class that has no row outside a fold cannot be known there: its rows are not judged. Says how
/// many these are.
fn leave_unknown_classes_out(folds: &mut [Fold], input: &FitInput) -> Result<usize> {
    let column = input.table.require(&input.options.target)?;
    let is_number = input.options.task.is_some_and(|task| !task.is_classification());
    let Some((codes, n_classes)) = sampling::classes_of(column).filter(|_| !is_number) else {
        return Ok(0);
    };
    let mut n_unknown = 0;
    for fold in folds {
        let mut is_known = vec![false; n_classes];
        fold.train.iter().for_each(|row| is_known[codes[*row as usize] as usize] = true);
        let before = fold.validation.len();
        fold.validation.retain(|row| is_known[codes[*row as usize] as usize]);
        n_unknown += before - fold.validation.len();
    }
    Ok(n_unknown)
}

fn outer_folds(input: &FitInput, k: usize, ctx: &Context) -> Result<(TaskRecord, Vec<Fold>)> {
    let understood =
        understand::understand(&input.table, &input.schema, &input.options, &input.own, ctx)?;
    let known = &understood.rows;
    if known.len() < k * N_ROWS_MIN {
        return Err(Error::input("too few rows for so many outer folds")
            .at("--nested")
            .expected(format!("at least {} rows with a known target", k * N_ROWS_MIN))
            .got(known.len().to_string()));
    }
    let table = input.table.select(known);
    let task = understood.task;
    let encoded = target::encode(table.require(&input.options.target)?, &task.classes, task.task)?;
    let (kind, _) = parting::choose(&table, &understood.profile, &input.options, ctx)?;
    let roles = Roles::of_split(kind, &table, &input.options, ctx)?;
    let folds = parting::folds(kind, &roles, &encoded, k, 0.0, &ctx.scope("nested").with_chance(1))
        .map_err(|e| e.at("--nested"))?;
    let rows = |positions: &[u32]| positions.iter().map(|p| known[*p as usize]).collect();
    let fold = |f: Fold| Fold { train: rows(&f.train), validation: rows(&f.validation) };
    let folds = folds.into_iter().map(fold).collect();
    Ok((task, folds))
}

/// Mean and interval of the outer values, and by how much the inner scores promised too much. Few
/// folds may agree by chance: the interval is no narrower than what the rows of all folds, each
/// with the interval of its fold, leave of the mean.
fn summarise(nested: &mut Nested, of_rows: &[Option<Interval>]) {
    let n = nested.values.len() as f64;
    let mean = nested.values.iter().sum::<f64>() / n;
    nested.mean = mean;
    if n >= 2.0 {
        let squares = nested.values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        // Of the rows of two training sets most are the same: Nadeau & Bengio's test share.
        let overlap = 1.0 / n + 1.0 / (n - 1.0);
        let half = student_975(nested.values.len() - 1) * (squares / (n - 1.0) * overlap).sqrt();
        let pooled = |reach: fn(f64, Interval) -> f64| {
            let known = nested.values.iter().zip(of_rows).filter_map(|(v, ci)| Some((*v, (*ci)?)));
            known.map(|(v, ci)| reach(v, ci).powi(2)).sum::<f64>().sqrt() / n
        };
        let below = half.max(pooled(|v, ci| v - ci.low));
        let above = half.max(pooled(|v, ci| ci.high - v));
        nested.ci95 = Some(Interval { low: mean - below, high: mean + above });
    }
    let gap = |inner: &[f64]| {
        let is_whole = inner.len() == nested.values.len();
        is_whole.then(|| inner.iter().sum::<f64>() / n - mean)
    };
    nested.selected_gap = gap(&nested.selected);
    nested.corrected_gap = gap(&nested.corrected);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_that_agree_by_chance_are_not_surer_than_their_rows() {
        let values = vec![0.46, 0.461, 0.462];
        let mut nested = Nested { values, ..Nested::default() };
        let of_rows: Vec<_> = nested
            .values
            .iter()
            .map(|v| Some(Interval { low: v - 0.09, high: v + 0.06 }))
            .collect();
        summarise(&mut nested, &of_rows);
        let ci = nested.ci95.unwrap();
        assert!((nested.mean - 0.461).abs() < 1e-12);
        assert!((ci.low - (0.461 - 0.09 / 3.0_f64.sqrt())).abs() < 1e-12, "{ci:?}");
        assert!((ci.high - (0.461 + 0.06 / 3.0_f64.sqrt())).abs() < 1e-12, "{ci:?}");
        summarise(&mut nested, &[]);
        assert!(nested.ci95.unwrap().low > 0.455);
    }
}
