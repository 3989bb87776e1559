//! Time, memory and quality of the gradient booster on one table.
//!
//! ```text
//! cargo run --release -p modelwright-learners --example gbdt_speed -- FILE [name=value …]
//! ```
//!
//! FILE is a table as `bench/trees` writes it. `threads=`, `seed=`, `reps=`, `warm=` (0 leaves out
//! the short fit before the first timed one) and `valid=` (the part of the training rows held out
//! for early stopping, 0 is none) are the example's own; every other name is a parameter of the
//! booster. Prints one JSON object. `cargo xtask bench trees` runs it
//! beside other boosters.
#![expect(clippy::print_stdout, reason = "an example talks to its caller")]

mod measure;

use measure::arguments::Arguments;
use measure::cost::Cost;
use measure::quality::quality;
use measure::table::Table;
use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::{Context, Result};
use modelwright_learners::{Entry, learner};

/// Rows and rounds of the fit that loads code and starts threads before the clock runs.
const WARM_ROWS: usize = 2_000;
const WARM_ROUNDS: i64 = 2;

fn main() -> Result<()> {
    let mut arguments = Arguments::read()?;
    let entry = learner("gbdt")?;
    let seed = arguments.number("seed", 0.0)? as u64;
    let threads = arguments.number("threads", 1.0)? as usize;
    let reps = arguments.number("reps", 1.0)? as usize;
    let is_warmed = arguments.number("warm", 1.0)? > 0.0;
    let held_out = arguments.number("valid", 0.0)?;
    let ctx = Context::unlimited(seed, threads);
    let [mut train, test] = Table::read(&arguments.file)?;
    let params = arguments.params(entry)?;
    let (rows, validation): (Vec<u32>, Vec<u32>) = (0..train.features.n_rows as u32)
        .partition(|r| f64::from(r.wrapping_mul(2_654_435_761) >> 8) / 16_777_216.0 >= held_out);
    let mut cost = Cost::begin();
    train.bin(&ctx);
    let bin_s = cost.seconds();
    let view = TrainView {
        features: &train.features,
        target: &train.target,
        weights: None,
        rows: &rows,
        validation: &validation,
    };
    if is_warmed {
        warm(entry, &view, &params, &ctx)?;
    }
    let (mut times, mut cpu_s) = (Vec::new(), 0.0);
    let mut fitted = None;
    for rep in 0..reps.max(1) {
        drop(fitted.take());
        cost.lap();
        fitted = Some(entry.fit(&view, &params, &ctx.scope(&format!("{rep}")))?);
        times.push(cost.seconds());
        cpu_s = cost.cpu_seconds();
    }
    let memory = cost.memory_json();
    times.sort_by(f64::total_cmp);
    let Some(fitted) = fitted else { return Ok(()) };
    cost.lap();
    let predicted = fitted.model.predict(&FeatureView::all(&test.features), &ctx)?;
    let rows_s = test.features.n_rows as f64 / cost.seconds();
    let (metric, value) = quality(&test.target, &predicted);
    println!(
        "{{\"bin_s\":{bin_s:.4},\"train_s\":{:.4},\"min_s\":{:.4},\"cpu_s\":{cpu_s:.2},{memory},\
         \"rounds\":{},\"predict_rows_s\":{rows_s:.0},\"bytes\":{},\"metric\":\"{metric}\",\
         \"value\":{value:.6}}}",
        times[times.len() / 2],
        times[0],
        fitted.model.rounds(),
        fitted.encode()?.len(),
    );
    Ok(())
}

/// A fit of few rounds on few rows.
fn warm(entry: &Entry, view: &TrainView<'_>, params: &ParamMap, ctx: &Context) -> Result<()> {
    let few = TrainView { rows: &view.rows[..view.rows.len().min(WARM_ROWS)], ..*view };
    let mut params = params.clone();
    params.insert("n_rounds".to_owned(), ParamValue::Int(WARM_ROUNDS));
    entry.fit(&few, &params, &ctx.scope("warm"))?;
    Ok(())
}
