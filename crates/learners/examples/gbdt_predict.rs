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
use measure::prediction::timed;
use measure::quality::quality;
use measure::table::Table;
use modelwright_core::data::TrainView;
use modelwright_core::{Context, Result};
use modelwright_learners::learner;

fn main() -> Result<()> {
    let mut arguments = Arguments::read()?;
    let entry = learner("gbdt")?;
    let threads = arguments.number("threads", 1.0)? as usize;
    let n_rows = arguments.number("rows", 200_000.0)? as usize;
    let reps = arguments.number("reps", 9.0)? as usize;
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
    let (predicted, speed) = timed(fitted.model.as_ref(), &test.features, reps, &ctx)?;
    let (metric, value) = quality(&test.target, &predicted);
    println!("{{{speed},\"metric\":\"{metric}\",\"value\":{value:.6}}}");
    Ok(())
}
