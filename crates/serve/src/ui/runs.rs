//! Runs: listed and searched, one in full, several side by side, one while it is at work.

use std::collections::{BTreeMap, BTreeSet};

use modelwright_core::record::{RunRecord, TrialRecord, TrialStatus};
use modelwright_core::{Error, ErrorKind};
use modelwright_evaluate::metric;
use modelwright_inspect::{audit_html, model_card, monitor_html, report_html};
use modelwright_lifecycle::store::{RunFilter, RunRow, RunStatus, Store, Told};
use serde_json::{Map, Value, json};

use super::page;
use crate::ask::{Query, Reply};
use crate::clock;
use crate::problem::Problem;

/// Runs of a list when nobody says how many.
const N_DEFAULT: usize = 200;
/// The most runs of a list or comparison.
const N_MAX: usize = 5000;
const N_COMPARED_MAX: usize = 50;

/// What a query finds: `?query=kind = fit&best=roc_auc&limit=100`.
pub(super) fn list(store: &mut Store, query: &Query) -> Result<Reply, Problem> {
    store.close_lost_runs(&clock::utc_text())?;
    let text = query.get("query").map(str::trim).filter(|text| !text.is_empty());
    let filter = text.map_or_else(|| Ok(RunFilter::default()), RunFilter::parse)?;
    let limit = match query.get("limit") {
        None | Some("") => N_DEFAULT,
        Some(text) => text.parse().ok().filter(|n| (1..=N_MAX).contains(n)).ok_or_else(|| {
            Problem::new(400, "bad-parameter", "the parameter `limit` is wrong")
                .expected(format!("a number from 1 to {N_MAX}"))
                .got(text)
        })?,
    };
    // One more than is shown tells whether there are more.
    let mut filter = filter.at_most(limit + 1);
    if let Some(name) = query.get("best").filter(|name| !name.is_empty()) {
        let spec = metric(name)?.spec;
        filter = filter.best_first(spec.name, spec.larger_is_better);
    }
    let mut runs = store.runs(&filter)?;
    let has_more = runs.len() > limit;
    runs.truncate(limit);
    let metrics = directions(&runs);
    let at_work = runs.iter().filter(|run| run.status == RunStatus::Running);
    let live: Map<String, Value> =
        at_work.map(|run| (run.id.to_string(), so_far(store, run))).collect();
    Ok(Reply::json(&json!({
        "runs": runs, "metrics": metrics, "has_more": has_more, "live": live,
    })))
}

/// What a run that is at work does, and the best that it found so far.
fn so_far(store: &Store, run: &RunRow) -> Value {
    let (mut phase, mut best, mut n_trials) = (None, None, 0);
    for line in store.live(run.id, 0) {
        match line.told {
            Told::Phase { text } => phase = Some(text),
            Told::Trial { score, best: is_best, .. } => {
                n_trials += 1;
                best = if is_best { score } else { best };
            }
            Told::Note { .. } | Told::Warning { .. } => {}
        }
    }
    let metric = asked_metric(run);
    json!({ "phase": phase, "n_trials": n_trials, "best": best, "metric": metric })
}

/// The metric that a run optimises, as far as it is known before its end.
fn asked_metric(run: &RunRow) -> Option<&str> {
    run.metric.as_deref().or_else(|| run.parameters.get("metric")?.as_str())
}

/// Of each metric, whether larger is better; `null` for one that we do not know.
fn directions(runs: &[RunRow]) -> Map<String, Value> {
    let mut known = Map::new();
    for m in runs.iter().flat_map(|run| &run.metrics) {
        if !known.contains_key(&m.name) {
            known.insert(m.name.clone(), larger_is_better(&m.name).into());
        }
    }
    known
}

fn larger_is_better(name: &str) -> Option<bool> {
    metric(name).ok().map(|found| found.spec.larger_is_better)
}

/// Everything about one run.
pub(super) fn one(store: &mut Store, id: i64) -> Result<Reply, Problem> {
    store.close_lost_runs(&clock::utc_text())?;
    let run = store.run(id).map_err(absent)?;
    let models = match &run.model_sha256 {
        Some(sha256) => store.versions_of_file(sha256)?,
        None => Vec::new(),
    };
    let models: Vec<Value> =
        models.iter().map(|(name, number)| json!({ "name": name, "number": number })).collect();
    let has_report = run.record_sha256.is_some();
    let is_fit = run.has_account();
    let mut files = Vec::new();
    if has_report {
        files.push("record.json");
    }
    if is_fit {
        files.push("model-card.md");
    }
    Ok(Reply::json(&json!({
        "metrics": directions(std::slice::from_ref(&run)),
        "run": run, "models": models, "has_report": has_report, "has_leaderboard": is_fit,
        "files": files,
    })))
}

/// What a run told from line `?from=` on, and whether it is still at work.
pub(super) fn progress(store: &mut Store, id: i64, query: &Query) -> Result<Reply, Problem> {
    let from = query.get("from").and_then(|text| text.parse().ok()).unwrap_or(0);
    // The status is read before the lines: a run that has ended by then has told everything.
    let run = store.run(id).map_err(absent)?;
    if run.status == RunStatus::Running {
        store.close_lost_runs(&clock::utc_text())?;
    }
    let lines = store.live(id, from);
    let limit = run.parameters.get("time_limit_s").and_then(Value::as_f64);
    let metric = asked_metric(&run);
    Ok(Reply::json(&json!({
        "status": run.status, "started": run.started, "time_limit_s": limit, "metric": metric,
        "larger_is_better": metric.and_then(larger_is_better),
        "next": from + lines.len(), "lines": lines,
    })))
}

/// The trials of a fit, best first, with their weights in the ensemble.
pub(super) fn leaderboard(store: &mut Store, id: i64) -> Result<Reply, Problem> {
    let record = store.run_record(id).map_err(absent)?;
    let larger = larger_is_better(&record.task.metric);
    let sign = if larger == Some(false) { 1.0 } else { -1.0 };
    let mut trials: Vec<_> = record.trials.iter().collect();
    // What has no score comes last, in the order in which it ran.
    let key = |t: &TrialRecord| match t.score {
        Some(score) if !t.is_left_out => score * sign,
        _ => f64::INFINITY,
    };
    trials.sort_by(|a, b| key(a).total_cmp(&key(b)));
    let weight = |name: &str| {
        record.ensemble.members.iter().find(|m| m.trial == name).map(|member| member.weight)
    };
    let rows: Vec<Value> = trials
        .iter()
        .filter(|t| t.status != TrialStatus::Skipped)
        .map(|t| {
            json!({
                "name": t.trial.name, "learner": t.trial.learner, "encoding": t.trial.encoding,
                "status": t.status, "score": t.score, "ci95": t.ci95, "note": t.note,
                "is_as_good": t.indistinguishable_from_best,
                "is_left_out": t.is_left_out, "weight": weight(&t.trial.name),
                "params": t.trial.params,
            })
        })
        .collect();
    Ok(Reply::json(&json!({
        "metric": record.task.metric, "larger_is_better": larger, "trials": rows,
        "ensemble": { "score": record.ensemble.corrected_score,
                      "ci95": record.ensemble.corrected_ci95 },
    })))
}

/// The page of a run: a fit's report, or what watching or auditing a model found.
pub(super) fn report(store: &mut Store, id: i64) -> Result<Reply, Problem> {
    let run = store.run(id).map_err(absent)?;
    let html = match run.kind.as_str() {
        "monitor" => monitor_html(&store.run_monitor(id).map_err(absent)?),
        "audit" => {
            let found = store.run_audit(id).map_err(absent)?;
            audit_html(&found.fairness, &found.robustness, &found.model)
        }
        _ => report_html(&store.run_record(id).map_err(absent)?),
    };
    Ok(page::document(html))
}

/// A file of a run.
pub(super) fn file(store: &mut Store, id: i64, name: &str) -> Result<Reply, Problem> {
    let run = store.run(id).map_err(absent)?;
    let reply = match name {
        "record.json" if run.kind == "monitor" => {
            Reply::json(&store.run_monitor(id).map_err(absent)?)
        }
        "record.json" if run.kind == "audit" => Reply::json(&store.run_audit(id).map_err(absent)?),
        "record.json" => Reply::json(&store.run_record(id).map_err(absent)?),
        "model-card.md" => card(&store.run_record(id).map_err(absent)?),
        _ => {
            return Err(Problem::new(404, "no-such-file", "the run has no such file")
                .expected("record.json or model-card.md")
                .got(name));
        }
    };
    Ok(page::download(reply, &format!("run-{id}-{name}")))
}

fn card(record: &RunRecord) -> Reply {
    Reply::new("text/markdown; charset=utf-8", model_card(record))
}

/// Removes a run.
pub(super) fn delete(store: &mut Store, id: i64) -> Result<Reply, Problem> {
    store.run(id).map_err(absent)?;
    store.delete_run(id)?;
    Ok(Reply::json(&json!({ "deleted": id })))
}

/// Runs side by side: `?runs=3,5,8`.
pub(super) fn compare(store: &mut Store, query: &Query) -> Result<Reply, Problem> {
    let text = query.get("runs").unwrap_or_default();
    let wrong = || {
        Problem::new(400, "bad-parameter", "the parameter `runs` is wrong")
            .expected(format!("2 to {N_COMPARED_MAX} numbers of runs, such as 3,5"))
            .got(text)
    };
    let ids: Result<Vec<i64>, _> = text.split(',').map(str::parse).collect();
    let ids = ids.map_err(|_| wrong())?;
    if !(2..=N_COMPARED_MAX).contains(&ids.len()) {
        return Err(wrong());
    }
    let runs: Vec<RunRow> =
        ids.iter().map(|id| store.run(*id).map_err(absent)).collect::<Result<_, _>>()?;
    Ok(Reply::json(&json!({
        "parameters": parameters(&runs), "metrics": measures(&runs), "runs": runs,
    })))
}

/// Every parameter that some run was asked, with its value in each.
fn parameters(runs: &[RunRow]) -> Vec<Value> {
    let flat: Vec<BTreeMap<String, &Value>> = runs.iter().map(|r| flat(&r.parameters)).collect();
    let names: BTreeSet<&String> = flat.iter().flat_map(BTreeMap::keys).collect();
    let line = |name: &&String| {
        let values: Vec<Option<&&Value>> = flat.iter().map(|own| own.get(*name)).collect();
        let differs = values.iter().any(|value| *value != values[0]);
        json!({ "name": name, "values": values, "differs": differs })
    };
    names.iter().map(line).collect()
}

/// Parameters by name; what stands in objects is named `outer.inner`.
fn flat(parameters: &Value) -> BTreeMap<String, &Value> {
    fn add<'a>(name: &str, value: &'a Value, found: &mut BTreeMap<String, &'a Value>) {
        match value.as_object() {
            Some(object) => {
                for (inner, value) in object {
                    let dot = if name.is_empty() { "" } else { "." };
                    add(&format!("{name}{dot}{inner}"), value, found);
                }
            }
            None if !value.is_null() => {
                found.insert(name.to_owned(), value);
            }
            None => {}
        }
    }
    let mut found = BTreeMap::new();
    add("", parameters, &mut found);
    found
}

/// Every metric that some run has, on the same kind of rows, with value and interval in each.
fn measures(runs: &[RunRow]) -> Vec<Value> {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for m in runs.iter().flat_map(|run| &run.metrics) {
        if !names.contains(&(m.name.as_str(), m.rows.as_str())) {
            names.push((&m.name, &m.rows));
        }
    }
    let line = |(name, rows): &(&str, &str)| {
        let values: Vec<Option<_>> = runs
            .iter()
            .map(|run| run.metrics.iter().find(|m| m.name == *name && m.rows == *rows))
            .collect();
        json!({ "name": name, "rows": rows, "values": values,
                "larger_is_better": larger_is_better(name) })
    };
    names.iter().map(line).collect()
}

/// What is not there, as the status of HTTP for it.
pub(super) fn absent(error: Error) -> Problem {
    let is_input = error.kind() == ErrorKind::Input;
    let mut problem = Problem::of_error(error);
    if is_input {
        problem.status = 404;
        problem.kind = "not-found";
    }
    problem
}
