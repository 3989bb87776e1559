//! How well the probabilities order the rows of a binary task: ROC and precision–recall curves.

use modelwright_core::record::{CurvePoint, Evaluation, RunRecord};
use modelwright_core::task::Task;

use crate::report::chart::{Chart, Mark, Plot, Reference};
use crate::report::section::{Part, Section, Spec};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "discrimination", part: Part::Quality, title: "Telling the classes apart" };

/// Applies to binary tasks with a ROC or precision–recall curve.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let evaluation = record.evaluation.as_ref().filter(|_| record.task.task == Task::Binary)?;
    let positive = words::quoted(record.task.classes.get(1)?);
    let (roc, pr) = (roc(record, evaluation, &positive), pr(record, evaluation, &positive));
    if roc.is_none() && pr.is_none() {
        return None;
    }
    let at = record.threshold.and_then(|t| nearest(&evaluation.roc, t));
    let finding = match (at, record.threshold) {
        (Some(point), Some(threshold)) => format!(
            "At the decision threshold {} the model finds {} of the {positive} rows and wrongly \
             flags {} of the others ({}).",
            number::significant(threshold, 3),
            number::share(point.y),
            number::share(point.x),
            number::untouched(evaluation.n_rows)
        ),
        _ => format!(
            "How many {positive} rows are found at the price of how many false alarms, for every \
             threshold ({}).",
            number::untouched(evaluation.n_rows)
        ),
    };
    Some(Section::new(&SPEC, finding).maybe(roc).maybe(pr))
}

fn roc(record: &RunRecord, evaluation: &Evaluation, positive: &str) -> Option<Chart> {
    let points = evaluation.roc.clone();
    let first = points.first()?;
    let mark = record.threshold.and_then(|t| nearest(&points, t)).map(mark);
    Some(Chart {
        title: "Receiver operating characteristic".to_owned(),
        summary: format!(
            "{}The further the curve is above the dashed diagonal of guessing, the better; {}.",
            area(evaluation, "roc_auc"),
            number::rows(evaluation.n_rows)
        ),
        x: "False positive rate (others flagged)".to_owned(),
        y: format!("True positive rate ({positive} found)"),
        plot: Plot::Curve {
            points: starting_at(first, points.clone()),
            reference: Reference::Diagonal,
            mark,
        },
    })
}

fn pr(record: &RunRecord, evaluation: &Evaluation, positive: &str) -> Option<Chart> {
    let points = evaluation.precision_recall.clone();
    points.first()?;
    let share = base_rate(evaluation)?;
    let mark = record.threshold.and_then(|t| nearest(&points, t)).map(mark);
    Some(Chart {
        title: "Precision and recall".to_owned(),
        summary: format!(
            "{}The dashed line is guessing: {} of the rows are {positive}; {}.",
            area(evaluation, "average_precision"),
            number::share(share),
            number::rows(evaluation.n_rows)
        ),
        x: format!("Recall ({positive} found)"),
        y: "Precision (flags that are right)".to_owned(),
        plot: Plot::Curve { points, reference: Reference::Level(share), mark },
    })
}

/// The share of positives among the untouched rows, from the confusion matrix.
fn base_rate(evaluation: &Evaluation) -> Option<f64> {
    let counts = &evaluation.confusion.as_ref()?.counts;
    let positives: u64 = counts.get(1)?.iter().sum();
    let all: u64 = counts.iter().flatten().sum();
    (all > 0).then(|| positives as f64 / all as f64)
}

fn area(evaluation: &Evaluation, name: &str) -> String {
    let Some(metric) = evaluation.metrics.iter().find(|m| m.name == name) else {
        return String::new();
    };
    let Some(value) = metric.value else { return String::new() };
    let interval = metric
        .ci95
        .map_or(String::new(), |ci| format!(" (95 % interval {})", number::interval(ci)));
    let label = words::metric_label(name);
    format!("{label} {}{interval}. ", number::estimate(value, metric.ci95))
}

/// The curve, begun at the origin when its first point is not there.
fn starting_at(first: &CurvePoint, mut points: Vec<CurvePoint>) -> Vec<CurvePoint> {
    if first.x > 0.0 || first.y > 0.0 {
        points.insert(0, CurvePoint { x: 0.0, y: 0.0, threshold: None });
    }
    points
}

/// The point whose threshold is nearest.
fn nearest(points: &[CurvePoint], threshold: f64) -> Option<CurvePoint> {
    let distance = |p: &CurvePoint| p.threshold.map_or(f64::INFINITY, |t| (t - threshold).abs());
    points
        .iter()
        .filter(|p| p.threshold.is_some())
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .copied()
}

fn mark(point: CurvePoint) -> Mark {
    let label = point
        .threshold
        .map_or(String::new(), |t| format!("threshold {}", number::significant(t, 2)));
    Mark { x: point.x, y: point.y, label }
}
