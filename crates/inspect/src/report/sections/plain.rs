//! What the scores mean, for somebody who knows no metric: one sentence and a few numbers.
//!
//! Shares are told as "so many of 100", errors in the unit of the target, and each number comes
//! with its 95 % interval, its rows, and what one would get without a model.

use modelwright_core::record::{Evaluation, Interval, MetricValue, RunRecord};
use modelwright_core::task::Task;
use modelwright_evaluate::evaluation::EXPECTED_COST;

use super::headline::Measured;
use super::shares;
use crate::report::section::Figure;
use crate::report::{number, words};

/// The most numbers on the first screen.
const FIGURES_MAX: usize = 3;

/// So many decisions are what a cost is told of: costs of one are small fractions.
const DECISIONS: f64 = 1_000.0;

/// The result in plain words.
#[derive(Default)]
pub(super) struct Plain {
    /// What the model achieves, in one sentence; `None` where the plain metrics are missing.
    pub(super) sentence: Option<String>,
    /// Up to three numbers.
    pub(super) figures: Vec<Figure>,
}

/// The plain words of a tested run.
pub(super) fn of(record: &RunRecord, evaluation: &Evaluation) -> Plain {
    let mut plain = match record.task.task {
        Task::Binary => binary(record, evaluation),
        Task::Multiclass => multiclass(evaluation),
        Task::Regression => regression(record, evaluation),
    };
    if let Some((sentence, figure)) = cost(record, evaluation) {
        // Where money is at stake, it is what a decision is made by.
        plain.sentence = Some(match plain.sentence {
            Some(said) => format!("{sentence} {said}"),
            None => sentence,
        });
        plain.figures.insert(0, figure);
    }
    plain.figures.truncate(FIGURES_MAX);
    plain
}

fn find(metrics: &[MetricValue], name: &str) -> Option<Measured> {
    let found = metrics.iter().find(|m| m.name == name)?;
    Some(Measured { value: found.value?, ci95: found.ci95 })
}

/// `94 of 100`, with a digit more where the last ones are what matters.
fn of_hundred(share: f64) -> String {
    format!("{} of 100", hundredths(share))
}

fn hundredths(share: f64) -> String {
    let value = share * 100.0;
    let is_extreme = (value > 99.0 && value < 100.0) || (value > 0.0 && value < 1.0);
    number::fixed(value, usize::from(is_extreme))
}

/// The interval of a share: `93 to 94`; empty without one.
fn between(ci95: Option<Interval>) -> String {
    ci95.map_or(String::new(), |ci| {
        format!("95 %: {} to {}", hundredths(ci.low), hundredths(ci.high))
    })
}

/// How well an area under the ROC curve tells two classes apart (Hosmer & Lemeshow, "Applied
/// Logistic Regression", section 5.2.4, with a step more below).
fn grade(auc: f64) -> &'static str {
    match auc {
        a if a >= 0.9 => "very well",
        a if a >= 0.8 => "well",
        a if a >= 0.7 => "fairly well",
        a if a >= 0.6 => "somewhat",
        _ => "hardly",
    }
}

fn binary(record: &RunRecord, evaluation: &Evaluation) -> Plain {
    let [negative, positive] = record.task.classes.as_slice() else {
        return Plain { sentence: None, figures: Vec::new() };
    };
    let (negative, positive) = (words::quoted(negative), words::quoted(positive));
    let n_rows = number::rows(evaluation.n_rows);
    let auc = find(&evaluation.metrics, "roc_auc");
    let sentence = auc.map(|auc| {
        format!(
            "The model tells {positive} from {negative} {}: of two rows, one of each, it gives \
             the {positive} one the higher chance in {} cases; guessing would in 50.",
            grade(auc.value),
            of_hundred(auc.value)
        )
    });
    let mut figures = Vec::new();
    if let Some([[_, false_alarms], [missed, found]]) = counts(evaluation) {
        let (n_true, flagged) = (found + missed, found + false_alarms);
        let matrix = evaluation.confusion.as_ref();
        let ci95 = matrix.and_then(|m| shares::recall(m, 1, found, n_true));
        let label = format!("{positive} rows found");
        figures.extend(share_of(label, (found, n_true), ci95, "such rows"));
        let ci95 = matrix.and_then(|m| shares::precision(m, 1, found, flagged));
        let label = format!("Right when it says {positive}");
        figures.extend(share_of(label, (found, flagged), ci95, "times"));
    }
    if let Some(auc) = auc {
        figures.push(Figure {
            label: "Pairs ranked the right way round".to_owned(),
            value: of_hundred(auc.value),
            detail: words::join([between(auc.ci95), n_rows, "guessing: 50".to_owned()]),
        });
    }
    Plain { sentence, figures }
}

/// `[[true negatives, false positives], [false negatives, true positives]]`.
fn counts(evaluation: &Evaluation) -> Option<[[u64; 2]; 2]> {
    let counts = &evaluation.confusion.as_ref()?.counts;
    let row = |i: usize| counts.get(i).and_then(|r| <[u64; 2]>::try_from(r.as_slice()).ok());
    Some([row(0)?, row(1)?])
}

fn share_of(
    label: String,
    (hits, n): (u64, u64),
    ci95: Option<Interval>,
    which: &str,
) -> Option<Figure> {
    (n > 0).then(|| Figure {
        label,
        value: of_hundred(hits as f64 / n as f64),
        detail: words::join([between(ci95), format!("of {} {which}", number::count(n as usize))]),
    })
}

fn multiclass(evaluation: &Evaluation) -> Plain {
    let accuracy = find(&evaluation.metrics, "accuracy");
    let constant = find(&evaluation.baseline, "accuracy");
    let without = constant
        .map(|c| format!("always the most frequent: {}", hundredths(c.value)))
        .unwrap_or_default();
    let sentence = accuracy.map(|accuracy| {
        let against = constant.map_or(String::new(), |c| {
            format!("; always naming the most frequent one is right for {}", hundredths(c.value))
        });
        format!("The model names the right class for {} rows{against}.", of_hundred(accuracy.value))
    });
    let mut figures = Vec::new();
    if let Some(accuracy) = accuracy {
        figures.push(Figure {
            label: "Rows named right".to_owned(),
            value: of_hundred(accuracy.value),
            detail: words::join([between(accuracy.ci95), number::rows(evaluation.n_rows), without]),
        });
    }
    if let Some(balanced) = find(&evaluation.metrics, "balanced_accuracy") {
        figures.push(Figure {
            label: "The same, every class counted alike".to_owned(),
            value: of_hundred(balanced.value),
            detail: words::join([between(balanced.ci95), number::rows(evaluation.n_rows)]),
        });
    }
    if let Some((class, name, hits, n)) = found_least(evaluation) {
        let matrix = evaluation.confusion.as_ref();
        let ci95 = matrix.and_then(|m| shares::recall(m, class, hits, n));
        let label = format!("Found least: {}", words::quoted(name));
        figures.extend(share_of(label, (hits, n), ci95, "such rows"));
    }
    Plain { sentence, figures }
}

/// The class of which the smallest share is found and its label, with the rows found and all its
/// rows.
fn found_least(evaluation: &Evaluation) -> Option<(usize, &String, u64, u64)> {
    let matrix = evaluation.confusion.as_ref()?;
    let classes = matrix.classes.iter().zip(&matrix.counts).enumerate();
    classes
        .map(|(i, (class, row))| (i, class, row.get(i).copied().unwrap_or(0), row.iter().sum()))
        .filter(|(_, _, _, n): &(_, _, _, u64)| *n > 0)
        .min_by(|a, b| (a.2 as f64 / a.3 as f64).total_cmp(&(b.2 as f64 / b.3 as f64)))
}

fn regression(record: &RunRecord, evaluation: &Evaluation) -> Plain {
    let mae = find(&evaluation.metrics, "mae");
    // With as many digits as what it is compared with.
    let ci95 = mae.and_then(|mae| mae.ci95);
    let constant = find(&evaluation.baseline, "mae").map(|c| Measured { ci95, ..c });
    let median = find(&evaluation.metrics, "medae");
    let n_rows = number::rows(evaluation.n_rows);
    let text = |m: Measured| number::estimate(m.value, m.ci95);
    let sentence = mae.map(|mae| {
        let against = constant.map_or(String::new(), |c| {
            format!(", against {} when always giving the same answer", text(c))
        });
        let half = median
            .map_or(String::new(), |m| format!("; half of the predictions are within {}", text(m)));
        format!(
            "The model's predictions of {} are off by {} on average{against}{half}.",
            words::quoted(&record.task.target),
            text(mae)
        )
    });
    let mut figures = Vec::new();
    let interval =
        |m: Measured| m.ci95.map_or(String::new(), |ci| format!("95 %: {}", number::interval(ci)));
    if let Some(mae) = mae {
        let without =
            constant.map_or(String::new(), |c| format!("same answer always: {}", text(c)));
        figures.push(Figure {
            label: "Off on average by".to_owned(),
            value: text(mae),
            detail: words::join([interval(mae), n_rows.clone(), without]),
        });
    }
    if let Some(median) = median {
        figures.push(Figure {
            label: "Half of the predictions are within".to_owned(),
            value: text(median),
            detail: words::join([interval(median), n_rows.clone()]),
        });
    }
    if let Some(r2) = find(&evaluation.metrics, "r2").filter(|r2| r2.value > 0.0) {
        // What always gives the median explains less than nothing, as the table of scores says.
        let without = find(&evaluation.baseline, "r2").map_or(String::new(), |c| {
            format!(
                "same answer always: {}",
                number::next_to_nothing(c.value)
                    .map_or_else(|| number::significant(100.0 * c.value, 2), |_| "0".to_owned())
            )
        });
        figures.push(Figure {
            label: "Of what differs between rows, the model explains".to_owned(),
            value: of_hundred(r2.value),
            detail: words::join([between(r2.ci95), n_rows, without]),
        });
    }
    Plain { sentence, figures }
}

/// The money, where costs were given: what 1,000 decisions cost, and what they would without.
pub(super) fn cost(record: &RunRecord, evaluation: &Evaluation) -> Option<(String, Figure)> {
    let given = record.costs.as_ref()?;
    let cost = find(&evaluation.metrics, EXPECTED_COST)?;
    let (of_many, ci95) = (
        cost.value * DECISIONS,
        cost.ci95.map(|ci| Interval { low: ci.low * DECISIONS, high: ci.high * DECISIONS }),
    );
    let value = number::estimate(of_many, ci95);
    // The answer without a model is chosen before the test; what it costs, the test says.
    let cheapest = given.constants.iter().min_by(|a, b| a.cost.total_cmp(&b.cost));
    let without = cheapest.map(|c| {
        let tested = find(&evaluation.baseline, EXPECTED_COST);
        let cost = tested.map_or(c.cost, |tested| tested.value);
        (number::estimate(cost * DECISIONS, ci95), format!("always {}", words::quoted(&c.class)))
    });
    let interval = ci95.map_or(String::new(), |ci| format!("95 %: {}", number::interval(ci)));
    let sentence = match &without {
        Some((dear, constant)) => {
            format!(
                "1,000 decisions cost {value} instead of {dear} without the model ({constant})."
            )
        }
        None => format!("1,000 decisions cost {value}."),
    };
    let without =
        without.map_or(String::new(), |(dear, constant)| format!("without it, {constant}: {dear}"));
    let figure = Figure {
        label: "What 1,000 decisions cost".to_owned(),
        value,
        detail: words::join([interval, number::rows(evaluation.n_rows), without]),
    };
    Some((sentence, figure))
}
