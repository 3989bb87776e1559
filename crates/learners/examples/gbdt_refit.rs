//! What a refit on all rows is worth after early stopping, and what it costs.
//!
//! ```text
//! cargo run --release -p modelwright-learners --example gbdt_refit -- FILE [name=value …]
//! ```
//!
//! FILE is a table as `bench/trees` writes it. A part of the training rows (`valid=`, 0.2) decides
//! when to stop; then the rounds found are fitted again on all training rows (`full`), or replayed
//! on them (`replay`). `threads=` and `seed=` are the example's own; every other name is a
//! parameter of the booster. Prints the test score and the CPU seconds of the three as JSON.
#![expect(clippy::print_stdout, reason = "an example talks to its caller")]

mod measure;

use measure::arguments::Arguments;
use measure::cost::Cost;
use measure::quality::quality;
use measure::table::Table;
use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::params::{ParamMap, ParamValue, Params};
use modelwright_core::{Context, Result};
use modelwright_learners::gbdt::{FitOptions, Gbdt, GbdtModel, GbdtParams};
use modelwright_learners::{Learner, Model, learner};

fn main() -> Result<()> {
    let mut arguments = Arguments::read()?;
    let seed = arguments.number("seed", 0.0)? as u64;
    let threads = arguments.number("threads", 1.0)? as usize;
    let held_out = arguments.number("valid", 0.2)?;
    let ctx = Context::unlimited(seed, threads);
    let [mut train, test] = Table::read(&arguments.file)?;
    let map = arguments.params(learner("gbdt")?)?;
    train.bin(&ctx);
    let all: Vec<u32> = (0..train.features.n_rows as u32).collect();
    let is_learned =
        |r: &u32| f64::from(r.wrapping_mul(2_654_435_761) >> 8) / 16_777_216.0 >= held_out;
    let (rows, validation): (Vec<u32>, Vec<u32>) = all.iter().partition(|r| is_learned(r));
    let view = |rows, validation| TrainView {
        features: &train.features,
        target: &train.target,
        weights: None,
        rows,
        validation,
    };
    let test_score = |model: &GbdtModel| -> Result<(&'static str, f64)> {
        Ok(quality(&test.target, &model.predict(&FeatureView::all(&test.features), &ctx)?))
    };
    let params = GbdtParams::from_map("gbdt", &map)?;
    let mut cost = Cost::begin();
    let part = Gbdt::fit(&view(&rows, &validation), &params, &ctx.scope("part"))?;
    let part_s = cost.cpu_seconds();
    cost.lap();
    let full = Gbdt::fit(&view(&all, &[]), &fixed(&map, part.rounds())?, &ctx.scope("full"))?;
    let full_s = cost.cpu_seconds();
    cost.lap();
    let whole = view(&all, &[]);
    let options = FitOptions::default();
    let replay = Gbdt::replay(&part, &whole, &params, &options, &ctx.scope("replay"))?;
    let replay_s = cost.cpu_seconds();
    let metric = test_score(&part)?.0;
    let [a, b, c] = [test_score(&part)?.1, test_score(&full)?.1, test_score(&replay)?.1];
    println!(
        "{{\"metric\":\"{metric}\",\"rounds\":{},\"part\":{a:.6},\"full\":{b:.6},\
         \"replay\":{c:.6},\"part_cpu_s\":{part_s:.2},\"full_cpu_s\":{full_s:.2},\
         \"replay_cpu_s\":{replay_s:.2}}}",
        part.rounds()
    );
    Ok(())
}

/// The parameters with the rounds that were found.
fn fixed(map: &ParamMap, rounds: usize) -> Result<modelwright_core::params::Checked<GbdtParams>> {
    let mut map = map.clone();
    map.insert("n_rounds".to_owned(), ParamValue::Int(rounds.max(1).cast_signed() as i64));
    GbdtParams::from_map("gbdt", &map)
}
