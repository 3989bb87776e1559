//! Metrics over time.

use modelwright_lifecycle::store::Store;
use serde_json::{Value, json};

use super::call::{Answered, Call};
use super::fault::Fault;
use super::shape;

/// Values that an answer has at most.
const POINTS_MAX: i64 = 25_000;

/// Runs that one request may ask about.
const RUNS_MAX: usize = 100;

/// Steps per run when a curve is asked for and nothing is said.
const CURVE_POINTS: i64 = 320;

pub(super) fn history(call: &Call, store: &mut Store) -> Answered {
    let name = call.fields.needed("metric_key")?;
    let asked = call.fields.whole("max_results")?;
    let (n_max, offset) = call.page(POINTS_MAX, i64::MAX >> 12)?;
    let n_max = asked.map(|_| n_max.min(POINTS_MAX as usize));
    let page = store.metric_history(call.run_id()?, name, n_max, offset)?;
    let items: Value = page.items.iter().map(|point| shape::point(name, None, point)).collect();
    Ok(shape::page("metrics", items, page.next))
}

/// The histories of one metric of several runs, one after the other.
pub(super) fn histories(call: &Call, store: &mut Store) -> Answered {
    let name = call.fields.needed("metric_key")?;
    let mut left = call.page(POINTS_MAX, i64::MAX >> 12)?.0.min(POINTS_MAX as usize);
    let mut items = Vec::new();
    for run_id in runs(call, "run_id")? {
        let page = store.metric_history(run_id, name, Some(left), 0)?;
        // Of a run of our own there is one value, whatever is left.
        let points = page.items.iter().take(left);
        items.extend(points.map(|point| shape::point(name, Some(run_id), point)));
        left = left.saturating_sub(page.items.len());
    }
    Ok(json!({ "metrics": items }))
}

/// Curves of one metric of several runs, thinned out.
pub(super) fn curves(call: &Call, store: &mut Store) -> Answered {
    let name = call.fields.needed("metric_key")?;
    let steps = (call.fields.whole("start_step")?, call.fields.whole("end_step")?);
    let steps = match steps {
        (Some(start), Some(end)) if start <= end => Some((start, end)),
        (None, None) => None,
        (Some(_), Some(_)) => {
            return Err(Fault::invalid("end_step must be greater than or equal to start_step."));
        }
        _ => {
            return Err(Fault::invalid(
                "If either start_step or end_step are specified, both must be specified.",
            ));
        }
    };
    let (n_max, _) = call.page(CURVE_POINTS, 2500)?;
    let mut items = Vec::new();
    for run_id in runs(call, "run_ids")? {
        let points = store.metric_between(run_id, name, steps, n_max)?;
        items.extend(points.iter().map(|point| shape::point(name, Some(run_id), point)));
    }
    Ok(json!({ "metrics": items }))
}

fn runs<'a>(call: &'a Call, name: &str) -> Result<Vec<&'a str>, Fault> {
    let runs = call.fields.texts(name)?;
    if runs.is_empty() {
        return Err(Fault::invalid(format!("{name} must be specified.")));
    }
    if runs.len() > RUNS_MAX {
        return Err(Fault::invalid(format!("{name} must be a list of at most {RUNS_MAX} runs.")));
    }
    Ok(runs)
}
