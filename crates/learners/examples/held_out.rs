//! One fit of any learner: four fifths of the training rows, one fifth to stop by, and the score
//! of the test rows.
//!
//! ```text
//! cargo run --release -p modelwright-learners --example held_out -- FILE [name=value …]
//! ```
//!
//! FILE is a table as `bench/trees` writes it. `learner=`, `threads=`, `seed=` and `seconds=` (a
//! time limit) are the example's own; every other name is a parameter of the learner. Prints one
//! JSON object.
#![expect(clippy::print_stdout, reason = "an example talks to its caller")]

mod measure;

use std::time::Duration;

use measure::arguments::Arguments;
use measure::cost::Cost;
use measure::quality::quality;
use measure::table::Table;
use modelwright_core::context::Settings;
use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::{Context, Result};
use modelwright_learners::learner;

fn main() -> Result<()> {
    let mut arguments = Arguments::read()?;
    let name = arguments.text("learner").unwrap_or_else(|| "neural_net".to_owned());
    let entry = learner(&name)?;
    let threads = arguments.number("threads", 1.0)? as usize;
    let seed = arguments.number("seed", 0.0)? as u64;
    let seconds = arguments.number("seconds", 0.0)?;
    let time_limit = (seconds > 0.0).then(|| Duration::from_secs_f64(seconds));
    let ctx = Context::new(Settings { seed, threads, time_limit, ..Settings::default() })?;
    let [mut table, test] = Table::read(&arguments.file)?;
    let params = arguments.params(entry)?;
    if entry.spec.abilities.bins {
        table.bin(&ctx);
    }
    let (validation, rows): (Vec<u32>, Vec<u32>) =
        (0..table.features.n_rows as u32).partition(|r| r % 5 == 0);
    let view = TrainView {
        features: &table.features,
        target: &table.target,
        weights: None,
        rows: &rows,
        validation: &validation,
    };
    let mut cost = Cost::begin();
    let fitted = entry.fit(&view, &params, &ctx)?;
    let (fit_s, fit_cpu_s) = (cost.seconds(), cost.cpu_seconds());
    cost.lap();
    let predicted = fitted.model.predict(&FeatureView::all(&test.features), &ctx)?;
    let predict_s = cost.seconds();
    let (metric, value) = quality(&test.target, &predicted);
    println!(
        "{{\"learner\":\"{name}\",\"rows\":{},\"features\":{},\"rounds\":{},\"fit_s\":{fit_s:.3},\
         \"fit_cpu_s\":{fit_cpu_s:.3},\"predict_s\":{predict_s:.4},\"bytes\":{},\
         \"metric\":\"{metric}\",\"value\":{value:.6}}}",
        rows.len(),
        table.features.n_features(),
        fitted.model.rounds(),
        fitted.encode()?.len(),
    );
    Ok(())
}
