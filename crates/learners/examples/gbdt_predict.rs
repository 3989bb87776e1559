//! Prediction in process: rows per second of a batch, and microseconds of one row.
//!
//! ```text
//! cargo run --release -p modelwright-learners --example gbdt_predict -- FILE [name=value …]
//! ```
//!
//! FILE is a table as `bench/trees` writes it: a booster is trained on its first `rows=` training
//! rows, then its test rows are predicted `reps=` times at once, and one by one. `threads=` is for
//! the batch; every other name is a parameter of the booster. Prints one JSON object.
#![expect(clippy::print_stdout, reason = "an example talks to its caller")]

mod measure;

use measure::arguments::Arguments;
use measure::cost::Cost;
use measure::quality::quality;
use measure::table::Table;
use modelwright_core::data::{FeatureMatrix, FeatureView, TrainView};
use modelwright_core::{Context, Error, Result};
use modelwright_learners::{Fitted, learner};

/// Single rows that are timed.
const N_SINGLE: u32 = 5_000;

fn main() -> Result<()> {
    let mut arguments = Arguments::read()?;
    let entry = learner("gbdt")?;
    let threads = arguments.number("threads", 1.0)? as usize;
    let n_rows = arguments.number("rows", 200_000.0)? as usize;
    let reps = arguments.number("reps", 5.0)? as usize;
    let ctx = Context::unlimited(0, threads);
    let [mut train, test] = Table::read(&arguments.file)?;
    let params = arguments.params(entry)?;
    train.bin(&ctx);
    let rows: Vec<u32> = (0..train.features.n_rows.min(n_rows) as u32).collect();
    let view = TrainView {
        features: &train.features,
        target: &train.target,
        weights: None,
        rows: &rows,
        validation: &[],
    };
    let fitted = entry.fit(&view, &params, &ctx.scope("fit"))?;
    let all = FeatureView::all(&test.features);
    let cost = Cost::begin();
    fitted.model.predict(&FeatureView::of(&test.features, &[0]), &ctx)?;
    let ready_s = cost.seconds();
    let mut predicted = fitted.model.predict(&all, &ctx)?;
    let mut batch_s = Vec::new();
    for _ in 0..reps.max(1) {
        let cost = Cost::begin();
        predicted = fitted.model.predict(&all, &ctx)?;
        batch_s.push(cost.seconds());
    }
    let [p50, p99] = single(&fitted, &test.features)?;
    let (metric, value) = quality(&test.target, &predicted);
    println!(
        "{{\"rows_s\":{:.0},\"row_p50_us\":{p50:.2},\"row_p99_us\":{p99:.2},\
         \"ready_s\":{ready_s:.4},\"metric\":\"{metric}\",\"value\":{value:.6}}}",
        test.features.n_rows as f64 / percentile(&mut batch_s, 0.5)?,
    );
    Ok(())
}

/// Median and 99th percentile of the microseconds of one row.
fn single(fitted: &Fitted, features: &FeatureMatrix) -> Result<[f64; 2]> {
    let ctx = Context::unlimited(0, 1);
    let mut micros = Vec::new();
    for row in 0..N_SINGLE.min(features.n_rows as u32) {
        let rows = [row];
        let cost = Cost::stopwatch();
        fitted.model.predict(&FeatureView::of(features, &rows), &ctx)?;
        micros.push(cost.seconds() * 1e6);
    }
    Ok([percentile(&mut micros, 0.5)?, percentile(&mut micros, 0.99)?])
}

fn percentile(values: &mut [f64], part: f64) -> Result<f64> {
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * part) as usize;
    values.get(place).copied().ok_or_else(|| Error::input("the table has no test rows"))
}
