//! Prediction and Shapley values by a model that LightGBM trained and wrote.
//!
//! ```text
//! cargo run --release -p modelwright-lifecycle --example lightgbm_speed -- FILE model=PATH …
//! ```
//!
//! FILE is a table as `bench/trees` writes it, whose test rows are used; `model=` is the text
//! model (`Booster.save_model`); `what=` is `predict` or `shap`, `threads=` is for both, `reps=`
//! the timed repetitions, `rows=` the explained rows, `out=` where the Shapley values go (f64
//! little-endian, the bias left out). Prints one JSON object.
#![expect(clippy::print_stdout, reason = "an example talks to its caller")]

#[path = "../../learners/examples/measure/mod.rs"]
mod measure;

use measure::arguments::Arguments;
use measure::cost::Cost;
use measure::prediction::timed;
use measure::quality::quality;
use measure::table::Table;
use modelwright_core::data::FeatureView;
use modelwright_core::{Context, Error, Result};
use modelwright_learners::gbdt::GbdtModel;
use modelwright_lifecycle::import::{ImportOptions, lightgbm};

fn main() -> Result<()> {
    let mut arguments = Arguments::read()?;
    let path = arguments.text("model").ok_or_else(|| Error::input("name a model: model=PATH"))?;
    let what = arguments.text("what").unwrap_or_else(|| "predict".to_owned());
    let threads = arguments.number("threads", 1.0)? as usize;
    let reps = arguments.number("reps", 9.0)? as usize;
    let n_rows = arguments.number("rows", 1e9)? as usize;
    let out = arguments.text("out");
    let ctx = Context::unlimited(0, threads);
    let [_, test] = Table::read(&arguments.file)?;
    let cost = Cost::stopwatch();
    let bytes = std::fs::read(&path)
        .map_err(|e| Error::input("the model cannot be read").at(&path).because(e))?;
    let model = lightgbm::read(&bytes, &ImportOptions::default())?.booster()?;
    let read_s = cost.seconds();
    if what == "shap" {
        return explain(&model, &test, n_rows, reps, out.as_deref(), &ctx);
    }
    let (predicted, speed) = timed(&model, &test.features, reps, &ctx)?;
    let (metric, value) = quality(&test.target, &predicted);
    println!("{{{speed},\"read_s\":{read_s:.4},\"metric\":\"{metric}\",\"value\":{value:.6}}}");
    Ok(())
}

/// Times the Shapley values of the first rows.
fn explain(
    model: &GbdtModel,
    test: &Table,
    n_rows: usize,
    reps: usize,
    out: Option<&str>,
    ctx: &Context,
) -> Result<()> {
    let rows: Vec<u32> = (0..n_rows.min(test.features.n_rows) as u32).collect();
    let view = FeatureView::of(&test.features, &rows);
    let mut cost = Cost::begin();
    let (mut times, mut cpu_s) = (Vec::new(), 0.0);
    let mut found = model.shap(&view, ctx)?;
    for _ in 0..reps.max(1) {
        cost.lap();
        found = model.shap(&view, ctx)?;
        times.push(cost.seconds());
        cpu_s = cost.cpu_seconds();
    }
    times.sort_by(f64::total_cmp);
    let seconds = times[times.len() / 2];
    if let Some(path) = out {
        let values = (0..rows.len()).flat_map(|r| &found.of(r, 0)[..found.n_features]);
        let bytes: Vec<u8> = values.flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(path, bytes).map_err(|e| Error::work("cannot write").at(path).because(e))?;
    }
    println!(
        "{{\"seconds\":{seconds:.4},\"cpu_s\":{cpu_s:.2},{},\"rows_s\":{:.1}}}",
        cost.memory_json(),
        rows.len() as f64 / seconds
    );
    Ok(())
}
