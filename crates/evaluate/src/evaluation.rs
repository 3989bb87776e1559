//! Everything that is measured once on rows that took no part in training or selection.

use modelwright_core::record::{Difference, Evaluation, MetricValue};
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Context, Error, Result};

use crate::compare::{Paired, compare};
use crate::cost::CostMatrix;
use crate::metric::{
    MetricEntry, MetricInput, Needs, check_pair, check_weights, metrics_for, nothing_measured,
};
use crate::reliability::{reliability, usefulness};
use crate::resample::{Drawing, Mix, bootstrap_intervals, n_resamples_for, work_rows};
use crate::threshold::at_best;
use crate::zeros;
use crate::{cost_interval, curve};

/// The name under which the mean cost of the decisions is reported.
pub const EXPECTED_COST: &str = "expected_cost";

/// The threshold between decisions that are given as certainties, 0 and 1.
const CERTAIN: f64 = 0.5;

/// Of more rows than this, only the optimised metric is compared with the baseline's in pairs.
const ROWS_OF_ALL_PAIRS: usize = 5_000;

/// Bins of the reliability diagram.
const CALIBRATION_BINS: usize = 10;

/// What [`evaluate`] needs.
#[derive(Debug, Clone, Copy)]
pub struct EvaluateInput<'a> {
    /// What the rows are: `holdout`, or the name of the test file.
    pub on: &'a str,
    /// The truth of every row.
    pub truth: &'a Target,
    /// The predictions of the same rows.
    pub predictions: &'a Predictions,
    /// Row weights.
    pub weights: Option<&'a [f64]>,
    /// The decision threshold of a binary task.
    pub threshold: f64,
    /// The decided class of each row, where neither threshold nor costs tell it.
    pub decided: Option<&'a [u32]>,
    /// What decisions cost, if that is known: of many classes the cheapest is decided for, and
    /// the mean cost is reported as [`EXPECTED_COST`].
    pub costs: Option<&'a CostMatrix>,
    /// The labels of the classes, in class order; empty for a regression.
    pub classes: &'a [String],
    /// The optimised metric, reported first.
    pub metric: &'a MetricEntry,
    /// Predictions of the constant baseline; it decides for the class that is better for it.
    pub baseline: Option<&'a Predictions>,
    /// Bootstrap resamples wanted; large tables take fewer.
    pub n_resamples: usize,
    /// Whether the rows' mix of classes was made so, or came as it is.
    pub mix: Mix,
    /// The group of each row, where rows of a group belong together: intervals then draw groups.
    pub groups: Option<&'a [u32]>,
    /// What these groups are.
    pub unit: Unit,
}

/// What belongs together among rows that are measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unit {
    /// The rows of a value of the group column.
    #[default]
    Group,
    /// Successive rows, in the order of time, that err alike.
    Block,
}

impl Unit {
    /// Several of them, in words.
    fn words(self) -> &'static str {
        match self {
            Self::Group => "whole groups, whose rows belong together",
            Self::Block => "blocks of rows that follow each other in time and err alike",
        }
    }
}

/// Measures predictions: the optimised metric and the task's default ones with 95 % intervals,
/// the same of the baseline, and the curves and tables of the task.
///
/// A metric or curve that is undefined on these rows is left out or noted, not an error.
///
/// # Errors
/// Input error when predictions, weights or labels do not fit the target.
pub fn evaluate(input: &EvaluateInput<'_>, ctx: &Context) -> Result<Evaluation> {
    let EvaluateInput { truth, predictions, weights, threshold, .. } = *input;
    let task = truth.task();
    check_pair(truth, predictions)?;
    if let Some(weights) = weights {
        check_weights(weights, truth.n_rows())?;
    }
    let mut metrics = vec![input.metric];
    for metric in metrics_for(task) {
        if metric.spec.name != input.metric.spec.name {
            metrics.push(metric);
        }
    }
    let measured = MetricInput { truth, predictions, weights, threshold };
    let decided = input.decided(predictions)?;
    let drawing = Drawing { n_resamples: input.n_resamples, mix: input.mix, groups: input.groups };
    let mut values = measure(&metrics, &measured, decided.as_ref(), drawing, ctx);
    zeros::note(&mut values, truth);
    let mut baseline = match input.baseline {
        None => Vec::new(),
        Some(predictions) => {
            check_pair(truth, predictions)?;
            let of_baseline = MetricInput { predictions, ..measured };
            metrics.iter().map(|metric| value_only(metric, &of_baseline)).collect()
        }
    };
    let mut against_baseline = paired_with_baseline(&metrics, input, &values, &baseline, ctx);
    if let Some(costs) = input.costs {
        let rows = cost_interval::Rows { truth, weights, groups: input.groups };
        let of = |predictions| {
            cost_interval::mean_cost(costs, predictions, rows, input.n_resamples, ctx)
        };
        // Decisions that are given cost what certain predictions of them would.
        let given = decided.as_ref().filter(|_| input.decided.is_some());
        let deciding = given.unwrap_or(predictions);
        values.push(of(deciding)?);
        if let Some(constant) = input.baseline {
            baseline.push(MetricValue { ci95: None, ..of(constant)? });
            against_baseline
                .extend(cost_interval::against_constant(costs, deciding, constant, rows, ctx));
        }
    }
    let mut evaluation = Evaluation {
        on: input.on.to_owned(),
        n_rows: truth.n_rows(),
        interval_method: input.interval_method(),
        metrics: values,
        baseline,
        against_baseline,
        ..Evaluation::default()
    };
    add_curves(&mut evaluation, input, decided.as_ref(), ctx)?;
    Ok(evaluation)
}

/// The curves and tables of the task.
fn add_curves(
    evaluation: &mut Evaluation,
    input: &EvaluateInput<'_>,
    decided: Option<&Predictions>,
    ctx: &Context,
) -> Result<()> {
    let EvaluateInput { truth, predictions, weights, threshold, .. } = *input;
    let task = truth.task();
    if task.is_classification() {
        evaluation.calibration =
            curve::calibration_bins(truth, predictions, weights, input.groups, CALIBRATION_BINS)?;
        evaluation.reliability =
            Some(reliability(truth, predictions, weights, &evaluation.calibration)?);
        let (shown, at) = decided.map_or((predictions, threshold), |d| (d, CERTAIN));
        let mut confusion = curve::confusion_matrix(truth, shown, at, input.classes)?;
        confusion.of_groups =
            input.groups.and_then(|g| curve::share_intervals(truth, shown, at, g));
        evaluation.confusion = Some(confusion);
    }
    match task {
        Task::Binary => {
            evaluation.usefulness = usefulness(truth, predictions, weights).ok();
            // Undefined with one class only; the metrics' notes say so.
            evaluation.roc = curve::roc_curve(truth, predictions, weights).unwrap_or_default();
            evaluation.precision_recall =
                curve::precision_recall_curve(truth, predictions, weights).unwrap_or_default();
        }
        Task::Multiclass => {}
        Task::Regression => {
            evaluation.residuals = Some(curve::residuals(truth, predictions, ctx)?);
        }
    }
    Ok(())
}

impl EvaluateInput<'_> {
    /// How the intervals are made, in words.
    fn interval_method(&self) -> String {
        let n_resamples = n_resamples_for(work_rows(self.truth), self.n_resamples);
        if self.groups.is_some() {
            return format!(
                "95 %: bootstrap of {} (BCa; {n_resamples} resamples)",
                self.unit.words()
            );
        }
        let is_fixed = self.truth.task().is_classification() && self.mix == Mix::Fixed;
        let kind = if is_fixed { "stratified bootstrap" } else { "bootstrap" };
        let drawn =
            format!("95 %: {kind} (studentised for means, else BCa; {n_resamples} resamples)");
        match (self.truth.task(), self.weights) {
            (Task::Regression, _) | (_, Some(_)) => drawn,
            (Task::Binary, None) => {
                format!("{drawn}; DeLong's on the logit scale for ROC AUC, Wilson's for shares")
            }
            (Task::Multiclass, None) => format!("{drawn}; Wilson's for accuracy"),
        }
    }

    /// Of many classes with costs: the decisions, as certainties; metrics of decided labels look
    /// at these. Otherwise the threshold decides, unless the decisions are given.
    fn decided(&self, predictions: &Predictions) -> Result<Option<Predictions>> {
        let n_rows = predictions.n_rows();
        if let Some(decided) = self.decided {
            if decided.len() != n_rows || predictions.n_outputs != 1 {
                return Err(Error::input("decisions do not fit the rows")
                    .expected(format!("{n_rows} decisions between two classes"))
                    .got(format!("{} decisions", decided.len())));
            }
            let certain = decided.iter().map(|d| f64::from(*d)).collect();
            return Ok(Some(Predictions::new(1, certain)));
        }
        let Some(costs) = self.costs.filter(|costs| costs.threshold().is_none()) else {
            return Ok(None);
        };
        let mut certain = Predictions::zeros(n_rows, predictions.n_outputs);
        for (row, class) in costs.decide(predictions).into_iter().enumerate() {
            certain.values[row * predictions.n_outputs + class as usize] = 1.0;
        }
        Ok(Some(certain))
    }
}

/// Values with intervals; metrics of decided labels of `decided`, where there is such.
fn measure(
    metrics: &[&MetricEntry],
    input: &MetricInput<'_>,
    decided: Option<&Predictions>,
    drawing: Drawing<'_>,
    ctx: &Context,
) -> Vec<MetricValue> {
    let Some(decided) = decided else {
        return bootstrap_intervals(metrics, input, drawing, ctx);
    };
    let of_labels = |metric: &&&MetricEntry| metric.spec.needs == Needs::Labels;
    let labels: Vec<&MetricEntry> = metrics.iter().filter(of_labels).copied().collect();
    let others: Vec<&MetricEntry> = metrics.iter().filter(|m| !of_labels(m)).copied().collect();
    let by_label = MetricInput { predictions: decided, threshold: CERTAIN, ..*input };
    let mut values = bootstrap_intervals(&others, input, drawing, ctx);
    values.extend(bootstrap_intervals(&labels, &by_label, drawing, ctx));
    let place = |value: &MetricValue| metrics.iter().position(|m| m.spec.name == value.name);
    values.sort_by_key(place);
    values
}

/// The paired comparison with the baseline of each metric that is a mean over rows, where its own
/// interval does not settle who is better: on rows that are hard for both it is wider than what
/// lies between them. Of many rows only that of the optimised metric, for the time that it takes.
fn paired_with_baseline(
    metrics: &[&MetricEntry],
    input: &EvaluateInput<'_>,
    values: &[MetricValue],
    baseline: &[MetricValue],
    ctx: &Context,
) -> Vec<Difference> {
    let Some(constant) = input.baseline else { return Vec::new() };
    let EvaluateInput { truth, predictions, weights, groups, .. } = *input;
    let pair = Paired { weights, groups, ..Paired::new(truth, predictions, constant) };
    let is_open = |name: &str| {
        let value = |of: &[MetricValue]| of.iter().find(|m| m.name == name).cloned();
        let of_both = value(values).zip(value(baseline));
        let ends = of_both.and_then(|(own, other)| own.ci95.zip(other.value));
        ends.is_some_and(|(ci, other)| ci.low <= other && other <= ci.high)
    };
    let n_compared = if truth.n_rows() > ROWS_OF_ALL_PAIRS { 1 } else { metrics.len() };
    let measured = MetricInput { weights, ..MetricInput::new(truth, predictions) };
    let is_mean =
        |m: &MetricEntry| m.prepare(&measured).is_ok_and(|prepared| prepared.mean().is_some());
    let compared = metrics.iter().take(n_compared).filter(|metric| {
        metric.spec.needs != Needs::Labels && is_open(metric.name()) && is_mean(metric)
    });
    let difference = |metric: &&MetricEntry| {
        let found = compare(metric, &pair, ctx).ok()?;
        Some(Difference { name: found.metric, value: found.difference, ci95: found.ci95 })
    };
    compared.filter_map(difference).collect()
}

/// The value of a constant: of decided labels, that of the class which is better as the answer for
/// every row.
fn value_only(metric: &MetricEntry, input: &MetricInput<'_>) -> MetricValue {
    let name = metric.spec.name.to_owned();
    // As a constant it may decide for the positive class throughout.
    let free = MetricInput { threshold: 0.0, ..*input };
    let nothing = nothing_measured(metric.name(), &free);
    match nothing.map_or_else(|| at_best(metric, input), Err) {
        Ok(value) => MetricValue { name, value: Some(value), ci95: None, note: None },
        Err(error) => {
            MetricValue { name, value: None, ci95: None, note: Some(error.what().to_owned()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::metric;

    fn ctx() -> Context {
        Context::unlimited(1, 2)
    }

    fn labels(n: usize) -> Vec<String> {
        (0..n).map(|class| format!("class {class}")).collect()
    }

    fn input<'a>(
        truth: &'a Target,
        predictions: &'a Predictions,
        classes: &'a [String],
        metric: &'a MetricEntry,
    ) -> EvaluateInput<'a> {
        EvaluateInput {
            on: "holdout",
            truth,
            predictions,
            weights: None,
            threshold: 0.5,
            decided: None,
            costs: None,
            classes,
            metric,
            baseline: None,
            n_resamples: 50,
            mix: Mix::Fixed,
            groups: None,
            unit: Unit::Group,
        }
    }

    #[test]
    fn a_binary_evaluation_has_intervals_curves_and_a_baseline() {
        let codes: Vec<u32> = (0..200).map(|row| u32::from(row % 3 == 0)).collect();
        let value = |row: u32| {
            let shift = [60, 0, 0][row as usize % 3];
            f64::from((row * 7919) % 100 + shift) / 160.0
        };
        let p = Predictions::new(1, (0..200).map(value).collect());
        let constant = Predictions::new(1, vec![1.0 / 3.0; 200]);
        let truth = Target::Class { codes, n_classes: 2 };
        let (classes, log_loss) = (labels(2), metric("log_loss").unwrap());
        let given =
            EvaluateInput { baseline: Some(&constant), ..input(&truth, &p, &classes, log_loss) };
        let result = evaluate(&given, &ctx()).unwrap();
        assert_eq!(result.metrics[0].name, "log_loss", "the optimised metric comes first");
        assert_eq!(result.metrics.len(), metrics_for(Task::Binary).count());
        assert!(result.metrics.iter().all(|m| m.value.is_some() && m.ci95.is_some()));
        assert_eq!(
            result.interval_method,
            "95 %: stratified bootstrap (studentised for means, else BCa; 50 resamples); \
             DeLong's on the logit scale for ROC AUC, Wilson's for shares"
        );
        let baseline_auc = result.baseline.iter().find(|m| m.name == "roc_auc").unwrap();
        assert_eq!(baseline_auc.value, Some(0.5));
        assert!(result.roc.len() > 2 && result.precision_recall.len() > 2);
        assert_eq!(result.calibration.iter().map(|b| b.n_rows).sum::<usize>(), 200);
        assert_eq!(result.confusion.unwrap().counts.iter().flatten().sum::<u64>(), 200);
        assert!(result.residuals.is_none());
    }

    #[test]
    fn one_class_on_the_test_rows_is_noted_and_not_an_error() {
        let truth = Target::Class { codes: vec![1; 30], n_classes: 2 };
        let p = Predictions::new(1, (0..30).map(|row| f64::from(row) / 30.0).collect());
        let (classes, roc_auc) = (labels(2), metric("roc_auc").unwrap());
        let result = evaluate(&input(&truth, &p, &classes, roc_auc), &ctx()).unwrap();
        assert!(result.metrics[0].value.is_none() && result.metrics[0].note.is_some());
        assert!(result.roc.is_empty());
        assert!(result.metrics.iter().any(|m| m.value.is_some()));
    }

    #[test]
    fn what_rows_without_a_positive_one_cannot_measure_is_said_to_be_undefined() {
        let truth = Target::Class { codes: vec![0; 30], n_classes: 2 };
        let p = Predictions::new(1, (0..30).map(|row| f64::from(row) / 40.0).collect());
        let (classes, roc_auc) = (labels(2), metric("roc_auc").unwrap());
        let given = EvaluateInput { baseline: Some(&p), ..input(&truth, &p, &classes, roc_auc) };
        let result = evaluate(&given, &ctx()).unwrap();
        for name in ["roc_auc", "average_precision", "f1", "recall", "matthews_corrcoef"] {
            for side in [&result.metrics, &result.baseline] {
                let found = side.iter().find(|m| m.name == name).unwrap();
                assert!(found.value.is_none() && found.ci95.is_none(), "{found:?}");
                assert!(found.note.as_ref().is_some_and(|n| n.contains("undefined")), "{found:?}");
            }
        }
        let accuracy = result.metrics.iter().find(|m| m.name == "accuracy").unwrap();
        assert!(accuracy.value.is_some_and(|v| v > 0.6) && accuracy.ci95.is_some());
    }

    #[test]
    fn costs_decide_and_their_mean_is_reported_beside_the_baseline() {
        let truth = Target::Class { codes: vec![0, 1, 2, 0, 1, 2, 2, 0], n_classes: 3 };
        let p = Predictions::new(3, [0.5, 0.25, 0.25].repeat(8));
        let classes = labels(3);
        let named = [("class 1:class 0".to_owned(), 9.0)].into();
        let costs = CostMatrix::of_named(&named, &classes).unwrap();
        let given = EvaluateInput {
            costs: Some(&costs),
            baseline: Some(&p),
            ..input(&truth, &p, &classes, metric("f1_macro").unwrap())
        };
        let result = evaluate(&given, &ctx()).unwrap();
        // Deciding for class 1 is expected to cost 0.75, for class 0 0.25 · 9 + 0.25.
        assert_eq!(result.confusion.unwrap().counts, [[0, 3, 0], [0, 2, 0], [0, 3, 0]]);
        let accuracy = result.metrics.iter().find(|m| m.name == "accuracy").unwrap();
        assert_eq!(accuracy.value, Some(0.25));
        let last = result.metrics.last().unwrap();
        assert_eq!((last.name.as_str(), last.value), (EXPECTED_COST, Some(0.75)));
        assert!(last.ci95.is_some());
        assert_eq!(result.baseline.last().unwrap().value, Some(0.75));
        assert_eq!(result.metrics[0].name, "f1_macro", "the optimised metric comes first");
    }

    #[test]
    fn the_same_rows_show_a_gain_that_two_intervals_hide() {
        // A few rows that are hard for both make every interval wide.
        let of_row = |i: i32| f64::from(i % 13) + if i % 17 == 0 { 60.0 } else { 0.0 };
        let y: Vec<f64> = (0..53).map(of_row).collect();
        let mean = y.iter().sum::<f64>() / 53.0;
        let values = y.iter().enumerate().map(|(i, y)| {
            let hard = if i % 17 == 0 { 45.0 } else { 0.0 };
            y - hard + [0.5, -0.5][i % 2]
        });
        let p = Predictions::new(1, values.collect());
        let constant = Predictions::new(1, vec![mean; 53]);
        let (truth, rmse) = (Target::Real(y), metric("rmse").unwrap());
        let given = EvaluateInput {
            baseline: Some(&constant),
            n_resamples: 500,
            ..input(&truth, &p, &[], rmse)
        };
        let result = evaluate(&given, &ctx()).unwrap();
        let (own, baseline) = (&result.metrics[0], result.baseline[0].value.unwrap());
        assert!(own.ci95.unwrap().high > baseline, "{own:?} {baseline}");
        let found = &result.against_baseline[0];
        assert_eq!(found.name, "rmse");
        assert!((found.value - (own.value.unwrap() - baseline)).abs() < 1e-9, "{found:?}");
        assert!(found.ci95.high < 0.0, "{found:?}");
    }

    #[test]
    fn regression_and_many_classes_have_their_own_tables() {
        let truth = Target::Real((0..40).map(f64::from).collect());
        let p = Predictions::new(1, (0..40).map(|y| f64::from(y) + 0.5).collect());
        let result = evaluate(&input(&truth, &p, &[], metric("rmse").unwrap()), &ctx()).unwrap();
        assert_eq!(result.residuals.unwrap().sample.len(), 40);
        assert!(result.confusion.is_none() && result.calibration.is_empty());
        let truth = Target::Class { codes: vec![0, 1, 2, 0, 1, 2], n_classes: 3 };
        let p = Predictions::new(3, [0.5, 0.25, 0.25].repeat(6));
        let classes = labels(3);
        let metric = metric("f1_macro").unwrap();
        let result = evaluate(&input(&truth, &p, &classes, metric), &ctx()).unwrap();
        assert_eq!(result.metrics[0].name, "f1_macro");
        assert_eq!(result.confusion.unwrap().counts, [[2, 0, 0]; 3]);
        let error = evaluate(&input(&truth, &p, &classes[..2], metric), &ctx()).unwrap_err();
        assert_eq!(error.expected_text(), Some("3 labels"));
    }
}
