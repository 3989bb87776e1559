//! Which rules a finding of the monitor fulfils, and why, in words.

use modelwright_core::record::{ColumnDrift, MetricChange, MonitorRecord, Status};
use modelwright_inspect::drift::Choice;

use super::rules::{AlertRules, Rule, When};

/// Lines of the likely cause.
const CAUSES_MAX: usize = 5;

/// A rule before a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// Whether it fires; `None` when the finding says nothing about it (a metric that was not
    /// measured): an open alert then stays open.
    pub fires: Option<bool>,
    /// Whether the rule asks for a column that the finding does not have: a name with a slip in it
    /// would never say anything.
    pub is_unknown: bool,
    /// In one sentence.
    pub summary: String,
    /// What is behind it, in words, the most important first.
    pub cause: Vec<String>,
}

/// Holds every rule against a finding.
pub fn judge<'a>(rules: &'a AlertRules, found: &MonitorRecord) -> Vec<Judged<'a>> {
    rules.rules.iter().map(|rule| judge_one(rule, found)).collect()
}

/// Holds a rule about files against those that cannot be read now, each with why.
pub(super) fn judge_files<'a>(rule: &'a Rule, unreadable: &[(String, String)]) -> Judged<'a> {
    let names: Vec<&str> = unreadable.iter().map(|(path, _)| path.as_str()).collect();
    let summary = match names.as_slice() {
        [] => "All files of rows can be read.".to_owned(),
        [one] => format!("Nothing is known of the rows of {one}: it cannot be read."),
        [first, ..] => format!(
            "Nothing is known of the rows of {} files, such as {first}: they cannot be read.",
            names.len()
        ),
    };
    let cause = unreadable.iter().take(CAUSES_MAX).map(|(_, why)| why.clone()).collect();
    Judged { rule, fires: Some(!unreadable.is_empty()), is_unknown: false, summary, cause }
}

fn judge_one<'a>(rule: &'a Rule, found: &MonitorRecord) -> Judged<'a> {
    let verdict = &found.verdict;
    let (fires, summary) = match rule.when {
        When::Drift => (Some(verdict.drift), verdict.summary.clone()),
        When::Performance => (Some(verdict.performance), verdict.summary.clone()),
        When::Quality => (Some(verdict.quality), verdict.summary.clone()),
        When::Alarm => (Some(verdict.status == Status::Alarm), verdict.summary.clone()),
        When::Watch => (Some(verdict.status != Status::Stable), verdict.summary.clone()),
        When::Share => share(rule, found),
        When::Column => column(rule, found),
        When::Metric => metric(rule, found),
        // What was found is of files that could be read.
        When::Unreadable => (None, String::new()),
    };
    let cause = found.explanation.iter().take(CAUSES_MAX).cloned().collect();
    let is_unknown = rule.when == When::Column && named(rule, found).is_none();
    Judged { rule, fires, is_unknown, summary, cause }
}

fn share(rule: &Rule, found: &MonitorRecord) -> (Option<bool>, String) {
    let (dataset, bound) = (&found.dataset, rule.above.unwrap_or(1.0));
    let summary = format!(
        "{} of {} columns drifted ({:.0} %; the bound is {:.0} %).",
        dataset.n_drifted,
        dataset.n_columns,
        dataset.share * 100.0,
        bound * 100.0
    );
    ((dataset.n_columns > 0).then_some(dataset.share > bound), summary)
}

/// The column that a rule names.
fn named<'a>(rule: &Rule, found: &'a MonitorRecord) -> Option<&'a ColumnDrift> {
    let name = rule.column.as_deref().unwrap_or_default();
    let mut all = found.columns.iter().chain(&found.predictions).chain(&found.target);
    all.find(|c| c.column == name)
}

fn column(rule: &Rule, found: &MonitorRecord) -> (Option<bool>, String) {
    let name = rule.column.as_deref().unwrap_or_default();
    let Some(column) = named(rule, found) else {
        return (None, format!("`{name}` was not compared."));
    };
    // A p-value falls where a distance rises: a bound of distances says nothing about it.
    let is_p_value = column.measure.as_deref().is_some_and(Choice::is_name_of_p_value);
    let fires = match rule.above.filter(|_| !is_p_value) {
        Some(bound) => column.score.map(|score| score > bound),
        None => column.score.map(|_| column.drifted),
    };
    let moved = if column.words.is_empty() { "did not drift" } else { &*column.words };
    let score = column.measure.as_ref().zip(column.score);
    let score = score.map_or(String::new(), |(measure, score)| format!(" ({measure} {score:.3})"));
    (fires, format!("`{name}`: {moved}{score}."))
}

fn metric(rule: &Rule, found: &MonitorRecord) -> (Option<bool>, String) {
    let name = rule.metric.as_deref().unwrap_or_default();
    let of = |changes: Option<&[MetricChange]>| {
        let found = changes?.iter().find(|m| m.name == name)?;
        Some((found.value?, found.reference))
    };
    let measured = of(found.performance.as_ref().map(|p| &*p.metrics));
    let expected = of(found.estimated.as_ref().map(|p| &*p.metrics));
    let Some((value, was)) = measured.or(expected) else {
        return (None, format!("{name} could be neither measured nor expected."));
    };
    let (how, before) = match measured {
        Some(_) => ("is", "was"),
        None => ("is expected to be", "was expected to be"),
    };
    let was = was.map_or(String::new(), |was| format!(", and {before} {was:.4}"));
    let bound = match (rule.below, rule.above) {
        (Some(below), _) => format!("below {below}"),
        (None, above) => format!("above {}", above.unwrap_or(f64::INFINITY)),
    };
    let fires = rule.below.is_some_and(|b| value < b) || rule.above.is_some_and(|a| value > a);
    (Some(fires), format!("{name} {how} {value:.4}{was}; the rule fires {bound}."))
}
