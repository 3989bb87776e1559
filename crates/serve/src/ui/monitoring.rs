//! What watching found, run by run.

use modelwright_core::record::OverTimeRecord;
use modelwright_lifecycle::store::{RunFilter, RunRow, Store};
use serde_json::{Value, json};

use crate::ask::Reply;
use crate::problem::Problem;

/// Runs that are shown.
const N_MAX: usize = 500;

/// Columns that are named of each.
const N_COLUMNS: usize = 5;

/// The runs that watched a model, newest first, with the verdict of each.
pub(super) fn list(store: &mut Store) -> Result<Reply, Problem> {
    let filter = RunFilter::parse("kind = monitor and status = finished")?.at_most(N_MAX);
    let mut rows = Vec::new();
    for run in store.runs(&filter)? {
        rows.push(row(store, &run)?);
    }
    Ok(Reply::json(&json!({ "checks": rows })))
}

/// How groups are treated, the main definition of each audit, and where predictions are off.
fn groups(found: &OverTimeRecord) -> Value {
    let audits = found.fairness.iter().flat_map(|f| &f.audits).map(|audit| {
        let main = audit.definitions.first();
        json!({
            "columns": audit.columns, "positive": audit.positive, "judgement": audit.judgement,
            "definition": main.map(|d| &d.name), "value": main.and_then(|d| d.value),
            "ci95": main.and_then(|d| d.ci95), "verdict": audit.verdict,
        })
    });
    let off = found.slices.iter().filter(|slice| slice.is_off);
    json!({ "audits": audits.collect::<Vec<_>>(), "off": off.collect::<Vec<_>>() })
}

fn row(store: &Store, run: &RunRow) -> Result<Value, Problem> {
    let models = match &run.model_sha256 {
        Some(sha256) => store.versions_of_file(sha256)?,
        None => Vec::new(),
    };
    let mut row = json!({
        "run": run.id, "started": run.started, "note": run.note, "model_sha256": run.model_sha256,
        "asked": run.parameters.get("model"),
        "models": models.iter().map(|(n, v)| json!({ "name": n, "number": v })).collect::<Vec<_>>(),
    });
    // A file that is gone costs the details of one run, not the page.
    if let Ok(found) = store.run_monitor(run.id) {
        let drifted = found.columns.iter().filter(|c| c.drifted);
        let columns: Vec<&str> = drifted.map(|c| c.column.as_str()).take(N_COLUMNS).collect();
        let measured = found.performance.as_ref().or(found.estimated.as_ref());
        row["created"] = json!(found.created);
        row["verdict"] = json!(found.verdict);
        row["target"] = json!(found.model.target);
        row["rows"] = json!({ "names": found.current.names, "n_rows": found.current.n_rows });
        row["n_columns"] = json!(found.dataset.n_columns);
        row["n_drifted"] = json!(found.dataset.n_drifted);
        row["drifted"] = json!(columns);
        row["is_measured"] = json!(found.performance.is_some());
        row["metric"] = json!(measured.and_then(|p| p.metrics.first()));
        row["explanation"] = json!(found.explanation);
        row["groups"] = json!(found.over_time.as_ref().map(groups));
    }
    Ok(row)
}
