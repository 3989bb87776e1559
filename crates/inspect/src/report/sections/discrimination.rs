//! How well the probabilities order the rows of a binary task: ROC and precision–recall curves.

use modelwright_core::record::{CurvePoint, Evaluation, RunRecord};
use modelwright_core::task::Task;

use super::{mitigation, one_class};
use crate::report::chart::{Chart, Mark, Plot, Reference};
use crate::report::section::{Part, Section, Spec};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "discrimination", part: Part::Quality, title: "Telling the classes apart" };

/// Applies to binary tasks with rows of both classes and a ROC or precision–recall curve.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let evaluation = record.evaluation.as_ref().filter(|_| record.task.task == Task::Binary)?;
    if one_class::sentence(record).is_some() {
        return None;
    }
    let positive = words::quoted(record.task.classes.get(1)?);
    let (roc, pr) = (roc(record, evaluation, &positive), pr(record, evaluation, &positive));
    if roc.is_none() && pr.is_none() {
        return None;
    }
    let finding = match (Decided::of(evaluation), record.threshold) {
        (Some(decided), Some(threshold)) => format!(
            "{} the model finds {} of the {positive} rows and wrongly \
             flags {} of the others ({}).",
            if mitigation::is_by_group(record) {
                "With thresholds by group".to_owned()
            } else {
                format!("At the decision threshold {}", number::significant(threshold, 3))
            },
            number::share(decided.found),
            number::share(decided.flagged),
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
    let mark = mark(record, evaluation, |d| (d.flagged, d.found));
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
    let share = Decided::of(evaluation)?.share;
    let mark = mark(record, evaluation, |d| (d.found, d.right));
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

/// What the decision threshold does, from the confusion matrix.
struct Decided {
    /// Positives that are found (recall, true positive rate).
    found: f64,
    /// Others that are flagged (false positive rate).
    flagged: f64,
    /// Flags that are right (precision).
    right: f64,
    /// Rows that are positive.
    share: f64,
}

impl Decided {
    fn of(evaluation: &Evaluation) -> Option<Self> {
        let counts = evaluation.confusion.as_ref()?.counts.as_slice();
        let [negatives, positives] = counts else { return None };
        let (&[tn, fp], &[misses, hits]) = (negatives.as_slice(), positives.as_slice()) else {
            return None;
        };
        let ratio = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        (misses + hits > 0).then(|| Self {
            found: ratio(hits, misses + hits),
            flagged: ratio(fp, tn + fp),
            right: ratio(hits, hits + fp),
            share: ratio(misses + hits, tn + fp + misses + hits),
        })
    }
}

/// The decision threshold as a point of a curve.
fn mark(
    record: &RunRecord,
    evaluation: &Evaluation,
    at: impl Fn(&Decided) -> (f64, f64),
) -> Option<Mark> {
    let threshold = record.threshold?;
    let (x, y) = at(&Decided::of(evaluation)?);
    Some(Mark { x, y, label: format!("threshold {}", number::significant(threshold, 2)) })
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
