//! The speed of a model in process: batches of all rows, and one row at a time.

use modelwright_core::data::{FeatureMatrix, FeatureView};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_learners::Model;

use super::cost::Cost;

/// Single rows that are timed.
const N_SINGLE: u32 = 5_000;

/// The predictions of all rows, and the speeds as `"rows_s":…,"row_p50_us":…,…`.
pub(crate) fn timed(
    model: &dyn Model,
    features: &FeatureMatrix,
    reps: usize,
    ctx: &Context,
) -> Result<(Predictions, String)> {
    let all = FeatureView::all(features);
    // What is compiled at the first call is not part of the others.
    let cost = Cost::stopwatch();
    model.predict(&FeatureView::of(features, &[0]), ctx)?;
    let ready_s = cost.seconds();
    let mut predicted = model.predict(&all, ctx)?;
    let mut batch_s = Vec::new();
    let batches = Cost::begin();
    for _ in 0..reps.max(1) {
        let cost = Cost::stopwatch();
        predicted = model.predict(&all, ctx)?;
        batch_s.push(cost.seconds());
    }
    let n_rows = features.n_rows as f64;
    let rows_cpu_s = n_rows * batch_s.len() as f64 / batches.cpu_seconds();
    let [fastest, median] = [percentile(&mut batch_s, 0.0)?, percentile(&mut batch_s, 0.5)?];
    let alone = Context::unlimited(0, 1);
    let mut micros = Vec::new();
    for row in 0..N_SINGLE.min(features.n_rows as u32) {
        let rows = [row];
        let cost = Cost::stopwatch();
        model.predict(&FeatureView::of(features, &rows), &alone)?;
        micros.push(cost.seconds() * 1e6);
    }
    let [p50, p99] = [percentile(&mut micros, 0.5)?, percentile(&mut micros, 0.99)?];
    let json = format!(
        "\"rows_s\":{:.0},\"best_rows_s\":{:.0},\"rows_cpu_s\":{rows_cpu_s:.0},\
         \"row_p50_us\":{p50:.2},\"row_p99_us\":{p99:.2},\"ready_s\":{ready_s:.4}",
        n_rows / median,
        n_rows / fastest,
    );
    Ok((predicted, json))
}

fn percentile(values: &mut [f64], part: f64) -> Result<f64> {
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * part) as usize;
    values.get(place).copied().ok_or_else(|| Error::input("the table has no test rows"))
}
