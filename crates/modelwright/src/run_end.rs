//! What a run keeps of what came of it, for the store and for an MLflow server.

use modelwright_core::Error;
use modelwright_core::record::{
    AuditRecord, Disparity, Evaluation, FairnessRecord, GroupAudit, MetricChange, MonitorRecord,
    Performance, RunRecord,
};
use modelwright_evaluate::fairness::MAIN_DEFINITIONS;
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::store::{RunEnd, RunMetric, Subject};

use crate::{Model, Retrained, machine};

/// A run that ends now, after so many seconds, with what it did or why it did not.
pub fn over<'a>(done: Result<RunEnd<'a>, &Error>, duration_s: f64) -> RunEnd<'a> {
    let failed = |error: &Error| RunEnd { error: Some(error.to_string()), ..RunEnd::default() };
    RunEnd { ended: machine::utc_now(), duration_s, ..done.unwrap_or_else(failed) }
}

/// A model was fitted; `bytes` are those of its file.
pub fn fit_end<'a>(record: &'a RunRecord, bytes: Option<&[u8]>) -> RunEnd<'a> {
    let model_sha256 = bytes.map(sha256_hex);
    RunEnd { record: Some(record), model_sha256, ..RunEnd::default() }
}

/// A model was trained again and judged beside the old one.
pub fn retrained_end(done: &Retrained) -> RunEnd<'_> {
    let file = done.decision.challenger_file.as_ref();
    RunEnd {
        record: Some(&done.record),
        model_sha256: file.map(|(_, sha256)| sha256.clone()),
        note: Some(done.decision.summary.clone()),
        ..RunEnd::default()
    }
}

/// A model was measured on the file of this SHA-256.
pub fn evaluation_end(
    model: &Model,
    evaluation: &Evaluation,
    sha256: Option<&str>,
) -> RunEnd<'static> {
    let target = &model.predictor.target;
    let metric_of_fit = Some(model.predictor.metric.clone());
    RunEnd {
        metrics: RunMetric::of(evaluation),
        note: Some(format!("{target} on {}, {} rows", evaluation.on, evaluation.n_rows)),
        rows: Some((evaluation.on.clone(), evaluation.n_rows as u64)),
        subject: Some(Subject { metric: metric_of_fit, ..subject(model, sha256) }),
        ..RunEnd::default()
    }
}

/// A model was audited on the file of this SHA-256.
pub fn audit_end<'a>(model: &Model, found: &'a AuditRecord, sha256: Option<&str>) -> RunEnd<'a> {
    let FairnessRecord { on, n_rows, audits, .. } = &found.fairness;
    // The worst of all findings is what is to be known of the run.
    let worst = audits.iter().rev().max_by_key(|audit| audit.judgement);
    let words = worst.map_or(String::new(), |audit| format!(": {}", audit.verdict));
    RunEnd {
        audit: Some(found),
        metrics: audit_metrics(found),
        note: Some(format!("{} on {on}, {n_rows} rows{words}", found.target)),
        rows: Some((on.clone(), *n_rows as u64)),
        subject: Some(subject(model, sha256)),
        ..RunEnd::default()
    }
}

/// What a look at a model on the file of this SHA-256 is about.
fn subject(model: &Model, sha256: Option<&str>) -> Subject {
    Subject {
        target: model.predictor.target.clone(),
        task: model.predictor.task.name().to_owned(),
        metric: None,
        data_sha256: sha256.filter(|sha256| !sha256.is_empty()).map(str::to_owned),
    }
}

/// What a run of the monitor keeps: what was found, metrics on the new rows and those to be
/// expected, and how much moved.
pub fn monitor_end(found: &MonitorRecord) -> RunEnd<'_> {
    let of = |rows: &'static str, performance: Option<&Performance>| {
        let changes = performance.map_or(&[][..], |p| &p.metrics[..]);
        let metric = |m: &MetricChange| RunMetric::new(&m.name, rows, m.value, m.ci95);
        changes.iter().map(metric).collect::<Vec<_>>()
    };
    let share = |name: &str, value: Option<f64>| RunMetric::new(name, "columns", value, None);
    let mut metrics = of("measured", found.performance.as_ref());
    metrics.extend(of("expected", found.estimated.as_ref()));
    metrics.push(share("drift_share", Some(found.dataset.share)));
    metrics.push(share("drift_importance_share", found.dataset.importance_share));
    let note = Some(found.verdict.summary.clone());
    let rows = Some((found.current.names.join(", "), found.current.n_rows));
    RunEnd { monitor: Some(found), metrics, note, rows, ..RunEnd::default() }
}

/// What a run of an audit keeps as metrics: what the definitions of fairness come to, column by
/// column, and the metric of the model on these rows.
fn audit_metrics(found: &AuditRecord) -> Vec<RunMetric> {
    let of_groups = |audit: &GroupAudit| {
        let class = audit.positive.as_ref().map_or(String::new(), |c| format!(", decided {c}"));
        let rows = format!("by {}{class}", audit.columns.join(" and "));
        let is_kept = |name: &str| MAIN_DEFINITIONS.contains(&name);
        let defined = audit.definitions.iter().filter(|d| d.value.is_some() && is_kept(&d.name));
        let metric = |d: &Disparity| RunMetric::new(&d.name, &rows, d.value, d.ci95);
        defined.map(metric).collect::<Vec<_>>()
    };
    let robust = &found.robustness;
    let whole = robust
        .before
        .map(|value| RunMetric::new(&robust.metric, &found.fairness.on, Some(value), None));
    found.fairness.audits.iter().flat_map(of_groups).chain(whole).collect()
}
