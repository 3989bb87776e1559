//! Many small fits: boosting rounds on seven eighths of a table, eight times over, each predicting
//! the rows it did not see.
//!
//! ```text
//! cargo run --release -p modelwright-learners --example gbdt_small -- FILE [name=value …]
//! ```
//!
//! FILE is a table as `bench/trees` writes it; its training rows are used. `threads=` and `folds=`
//! are the example's own; every other name is a parameter of the booster. Rows are binned once,
//! as `fit` does, and that is part of the time. Prints one JSON object.
#![expect(clippy::print_stdout, reason = "an example talks to its caller")]

mod measure;

use measure::arguments::Arguments;
use measure::cost::Cost;
use measure::quality::quality;
use measure::table::Table;
use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Result};
use modelwright_learners::learner;

fn main() -> Result<()> {
    let mut arguments = Arguments::read()?;
    let entry = learner("gbdt")?;
    let threads = arguments.number("threads", 2.0)?;
    let n_folds = arguments.number("folds", 8.0)? as usize;
    let ctx = Context::unlimited(0, threads as usize);
    let [mut table, _] = Table::read(&arguments.file)?;
    let params = arguments.params(entry)?;
    let cost = Cost::begin();
    table.bin(&ctx);
    let fold = |k: usize| -> Result<Predictions> {
        let (validation, rows): (Vec<u32>, Vec<u32>) =
            (0..table.features.n_rows as u32).partition(|r| *r as usize % n_folds == k);
        let view = TrainView {
            features: &table.features,
            target: &table.target,
            weights: None,
            rows: &rows,
            validation: &[],
        };
        let fitted = entry.fit(&view, &params, &ctx.scope(&format!("fold-{k}")))?;
        fitted.model.predict(&FeatureView::of(&table.features, &validation), &ctx)
    };
    let folds: Vec<Predictions> = ctx.map(n_folds, fold).into_iter().collect::<Result<_>>()?;
    let (seconds, cpu_s) = (cost.seconds(), cost.cpu_seconds());
    let rows = 0..table.features.n_rows;
    let values = rows.flat_map(|r| folds[r % n_folds].row(r / n_folds).iter().copied()).collect();
    let out_of_fold = Predictions::new(table.target.n_outputs(), values);
    let (metric, value) = quality(&table.target, &out_of_fold);
    println!(
        "{{\"seconds\":{seconds:.4},\"cpu_s\":{cpu_s:.2},{},\"metric\":\"{metric}\",\
         \"value\":{value:.6}}}",
        cost.memory_json()
    );
    Ok(())
}
