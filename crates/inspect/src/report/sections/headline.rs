//! The optimised metric wherever it was measured, and what follows from it: the verdict.
//!
//! A model *helps* when it is better than the constant baseline on the same untouched rows beyond
//! chance: by the near end of its 95 % interval, or in a paired comparison; where decisions have a
//! cost, when they cost less. Everything that weakens this is listed as a reason for care.

use modelwright_core::record::{
    Evaluation, Interval, LeakAction, LeakFinding, MetricValue, RunRecord, Severity,
};

use modelwright_evaluate::evaluation::EXPECTED_COST;

use super::{intervals, too_good, unequal, unfound, weak};
use crate::report::{number, words};

/// Fewer untouched rows than this make every number a rough one.
const FEW_ROWS: usize = 200;

/// Fewer than this are no test to rely on.
const HARDLY_ANY_ROWS: usize = 50;

/// A suspected leak that is at least this sure is a reason for care.
const SURE: f64 = 0.5;

/// From this share of test rows on, those that are in training too are a reason for care, whether
/// they were copied or repeat by nature.
const MANY_TWINS: f64 = 0.2;

/// The optimised metric of a run.
pub(super) struct Headline<'a> {
    /// How the metric is called.
    pub(super) label: String,
    /// Whether larger is better.
    pub(super) larger_is_better: bool,
    /// The untouched rows.
    pub(super) evaluation: Option<&'a Evaluation>,
    /// On the untouched rows.
    pub(super) holdout: Option<Measured>,
    /// The constant baseline on the same rows.
    pub(super) baseline: Option<f64>,
    /// On validation rows, corrected for selection where there was any.
    pub(super) corrected: Option<Measured>,
    /// How that is called.
    pub(super) validation: &'static str,
    /// Whether the decisions have a cost, which then says whether the model is better.
    pub(super) is_by_cost: bool,
    /// Whether it is better than the constant baseline beyond chance.
    pub(super) is_shown: bool,
}

/// Whether a metric of the tested rows is better than the baseline's beyond chance: by its own
/// interval, or in a paired comparison on the same rows.
pub(super) fn is_better(
    evaluation: &Evaluation,
    name: &str,
    larger_is_better: bool,
) -> Option<bool> {
    let value = |of: &[MetricValue]| of.iter().find(|m| m.name == name).cloned();
    let (own, baseline) = (value(&evaluation.metrics)?, value(&evaluation.baseline)?.value?);
    let sign = if larger_is_better { 1.0 } else { -1.0 };
    let near = |ci: Interval| if larger_is_better { ci.low } else { ci.high };
    let paired = evaluation.against_baseline.iter().find(|d| d.name == name);
    let of_pairs = paired.map(|d| sign * near(d.ci95) > 0.0);
    // What costs are, the rows' mix of classes says most: only pairs of rows tell.
    if name == EXPECTED_COST && of_pairs.is_some() {
        return of_pairs;
    }
    let alone = own.ci95.is_some_and(|ci| sign * near(ci) > sign * baseline);
    Some(alone || of_pairs == Some(true))
}

/// A value and its interval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    /// The value.
    pub(super) value: f64,
    /// Its 95 % interval.
    pub(super) ci95: Option<Interval>,
}

impl Measured {
    /// The value with its interval, in words.
    pub(super) fn text(&self) -> String {
        let value = number::estimate(self.value, self.ci95);
        match self.ci95 {
            Some(ci) => format!("{value} (95 % interval {})", number::interval(ci)),
            None => format!("{value} (no interval)"),
        }
    }
}

/// Whether the model may be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Better than the baseline, nothing speaks against it.
    Helps,
    /// Better than the baseline, but something must be looked at.
    HelpsWithCare,
    /// Not shown to be better than the baseline.
    NotShown,
    /// Never measured on untouched rows.
    Untested,
}

impl<'a> Headline<'a> {
    /// The headline of a record.
    pub(super) fn of(record: &'a RunRecord) -> Self {
        let name = &record.task.metric;
        let find = |metrics: &'a [MetricValue]| {
            let found = metrics.iter().find(|m| m.name == *name)?;
            Some(Measured { value: found.value?, ci95: found.ci95 })
        };
        let evaluation = record.evaluation.as_ref();
        let corrected = record
            .ensemble
            .corrected_score
            .map(|value| Measured { value, ci95: record.ensemble.corrected_ci95 });
        let larger_is_better = record.task.larger_is_better;
        let by_metric = evaluation.and_then(|e| is_better(e, name, larger_is_better));
        let costed = evaluation.filter(|_| record.costs.is_some());
        let by_cost = costed.and_then(|e| is_better(e, EXPECTED_COST, false));
        Self {
            label: words::metric_label(name),
            larger_is_better,
            evaluation,
            holdout: evaluation.and_then(|e| find(&e.metrics)),
            baseline: evaluation.and_then(|e| find(&e.baseline)).map(|m| m.value),
            corrected,
            is_by_cost: by_cost.is_some(),
            is_shown: by_cost.or(by_metric).unwrap_or(false),
            validation: if record.options.single.is_some() {
                "Validation"
            } else {
                "Validation, corrected for selection"
            },
        }
    }

    /// How many untouched rows there were, where they are so few that all about them is rough.
    pub(super) fn few_rows(&self) -> Option<usize> {
        let n_rows = self.evaluation?.n_rows;
        (1..FEW_ROWS).contains(&n_rows).then_some(n_rows)
    }

    /// How many there were, where they are too few to rely on.
    pub(super) fn hardly_any_rows(&self) -> Option<usize> {
        self.few_rows().filter(|n| *n < HARDLY_ANY_ROWS)
    }

    /// Whether `a` is better than `b`.
    pub(super) fn better(&self, a: f64, b: f64) -> bool {
        if self.larger_is_better { a > b } else { a < b }
    }

    /// The less favourable end of an interval.
    fn near_end(&self, measured: Measured) -> f64 {
        measured
            .ci95
            .map_or(measured.value, |ci| if self.larger_is_better { ci.low } else { ci.high })
    }

    /// The more favourable end of an interval.
    fn far_end(&self, measured: Measured) -> f64 {
        measured
            .ci95
            .map_or(measured.value, |ci| if self.larger_is_better { ci.high } else { ci.low })
    }

    /// Whether the model may be relied on, given the reasons for care.
    pub(super) fn verdict(&self, cares: &[String]) -> Verdict {
        if self.holdout.is_none() {
            Verdict::Untested
        } else if !self.is_shown {
            // Without an interval nothing is beyond chance.
            Verdict::NotShown
        } else if cares.is_empty() {
            Verdict::Helps
        } else {
            Verdict::HelpsWithCare
        }
    }

    /// How far the model is on the way from the baseline to perfect, from 0 to 1; `None` when it
    /// is behind, or that makes no sense.
    pub(super) fn lead(&self) -> Option<f64> {
        let (value, baseline) = (self.holdout?.value, self.baseline?);
        if self.larger_is_better {
            let is_ahead = baseline < 1.0 && value > baseline && value <= 1.0;
            is_ahead.then(|| (value - baseline) / (1.0 - baseline))
        } else {
            (baseline > 0.0 && value >= 0.0 && value < baseline).then(|| 1.0 - value / baseline)
        }
    }

    /// The same in words; empty where there is none.
    pub(super) fn gain(&self) -> String {
        let Some(lead) = self.lead().map(number::share) else { return String::new() };
        if self.larger_is_better {
            format!("{lead} of the way from the baseline to perfect")
        } else {
            format!("{lead} lower than the baseline")
        }
    }

    /// Whether the untouched rows came out worse than validation allows.
    pub(super) fn worse_than_validation(&self) -> bool {
        match (self.holdout, self.corrected) {
            (Some(h), Some(c)) => self.better(self.near_end(c), self.far_end(h)),
            _ => false,
        }
    }
}

/// The rows that judged the trials: all training rows with folds, else a part of them.
pub(super) fn validated_on(record: &RunRecord) -> String {
    let n_train = record.split.n_train;
    let rows = |n| number::counted(n, "validation row", "validation rows");
    if record.plan.n_folds > 0 || record.plan.trials.is_empty() {
        return rows(n_train);
    }
    match (n_train as f64 * record.plan.validation_share).round() as usize {
        0 => "no validation rows".to_owned(),
        n => format!("about {}", rows(n)),
    }
}

/// Fewer tested rows of a class than this say little about it.
const FEW_OF_CLASS: u64 = 10;

/// The class of which fewest rows were tested, quoted, and how many; of two classes only, since of
/// many some are always rare.
fn rarest_tested(record: &RunRecord) -> Option<(u64, String)> {
    let matrix = record.evaluation.as_ref()?.confusion.as_ref()?;
    if matrix.classes.len() != 2 {
        return None;
    }
    let counts = matrix.counts.iter().map(|row| row.iter().sum::<u64>());
    let rarest = counts.zip(&matrix.classes).min_by_key(|(n, _)| *n)?;
    Some((rarest.0, words::quoted(rarest.1)))
}

/// What a reader must look at before using the model, most serious first.
pub(super) fn cares(record: &RunRecord, headline: &Headline<'_>) -> Vec<String> {
    let learned = headline.evaluation.and_then(|e| e.learned_from.as_deref());
    let mut cares: Vec<String> = learned.map(words::remark).into_iter().collect();
    let is_open =
        |l: &&LeakFinding| matches!(l.action, LeakAction::Reported | LeakAction::KeptOnRequest);
    let twins = record.leakage.iter().filter(is_open).filter_map(|l| l.share_of_test);
    let twins = twins.reduce(f64::max).filter(|share| *share > MANY_TWINS);
    let open = record.leakage.iter().filter(is_open).filter(|l| l.confidence >= SURE);
    let (of_rows, of_columns): (Vec<_>, Vec<_>) = open.partition(|l| l.columns.is_empty());
    match of_columns.len() {
        0 => {}
        n => cares.push(format!(
            "{} may give the answer away (a suspected leak): the score may not hold on new data.",
            number::counted(n, "column that is used", "columns that are used")
        )),
    }
    cares.extend(too_good::care(record, headline));
    if let Some(share) = twins {
        cares.push(format!(
            "{} of the tested rows have the features of a training row: the score is {} that of \
             rows seen before, and may not hold on new ones.",
            number::share(share),
            if share > 0.5 { "mostly" } else { "partly" }
        ));
    } else if !of_rows.is_empty() {
        cares.push(
            "Part of the tested rows seem to have been seen in training: the score may not hold \
             on new data."
                .to_owned(),
        );
    }
    if let Some(columns) = unequal::columns(record) {
        let done = unequal::done(record);
        cares.push(format!("Groups by {columns} are {done} unequally, and not by chance."));
    }
    cares.extend(unfound::care(record));
    cares.extend(weak::cares(record, headline));
    cares.extend(intervals::care(record));
    if headline.worse_than_validation() {
        cares.push(
            "It does worse on the untouched rows than on those by which it was chosen: look for \
             what sets them apart from the training rows."
                .to_owned(),
        );
    }
    match record.profile.alerts.iter().filter(|a| a.severity == Severity::Severe).count() {
        0 => {}
        n => cares
            .push(format!("{} in the data.", number::counted(n, "severe alert", "severe alerts"))),
    }
    if let Some(n) = headline.few_rows() {
        cares.push(format!(
            "Only {} were held out: every number on them is a rough one.",
            number::rows(n)
        ));
    }
    if let Some((n, class)) = rarest_tested(record).filter(|(n, _)| *n < FEW_OF_CLASS) {
        cares.push(format!(
            "Only {} {} {class}: what is said of them is a rough guess.",
            number::count(n as usize),
            if n == 1 { "tested row is" } else { "tested rows are" }
        ));
    }
    if headline.holdout.is_some_and(|h| h.ci95.is_none()) {
        cares.push("No interval could be computed for the result.".to_owned());
    }
    cares
}
