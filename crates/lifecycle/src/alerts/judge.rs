//! Which rules a finding of the monitor fulfils, and why, in words.

use modelwright_core::record::{MetricChange, MonitorRecord, Status};

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
    /// In one sentence.
    pub summary: String,
    /// What is behind it, in words, the most important first.
    pub cause: Vec<String>,
}

/// Holds every rule against a finding.
pub fn judge<'a>(rules: &'a AlertRules, found: &MonitorRecord) -> Vec<Judged<'a>> {
    rules.rules.iter().map(|rule| judge_one(rule, found)).collect()
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
    };
    let cause = found.explanation.iter().take(CAUSES_MAX).cloned().collect();
    Judged { rule, fires, summary, cause }
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

fn column(rule: &Rule, found: &MonitorRecord) -> (Option<bool>, String) {
    let name = rule.column.as_deref().unwrap_or_default();
    let all = found.columns.iter().chain(&found.predictions).chain(&found.target);
    let Some(column) = all.into_iter().find(|c| c.column == name) else {
        return (None, format!("`{name}` was not compared."));
    };
    let fires = match rule.above {
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
    let how = if measured.is_some() { "is" } else { "is expected to be" };
    let was = was.map_or(String::new(), |was| format!(", and was {was:.4}"));
    let bound = match (rule.below, rule.above) {
        (Some(below), _) => format!("below {below}"),
        (None, above) => format!("above {}", above.unwrap_or(f64::INFINITY)),
    };
    let fires = rule.below.is_some_and(|b| value < b) || rule.above.is_some_and(|a| value > a);
    (Some(fires), format!("{name} {how} {value:.4}{was}; the rule fires {bound}."))
}
