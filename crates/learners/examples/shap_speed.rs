//! Time of exact Shapley values, for comparisons with other tree explainers.
//!
//! ```text
//! cargo run --release -p modelwright-learners --example shap_speed -- FILE [name=value …]
//! ```
//!
//! FILE is a table as `bench/trees` writes it; its test rows are explained. Either a booster
//! is trained on the training rows (names of its parameters are options), or `trees=PATH` names a
//! TOML file with trees and `base` scores of another booster, so that both explain the same trees.
//! Options of the example itself: `threads=`, `seed=`, `reps=`, `rows=` (the first so many test
//! rows), `what=` (`values`, `pairs`, or `background`), `background=` (training rows), `out=PATH`
//! (where the numbers are written, f64 little-endian). Prints one JSON object.
#![expect(clippy::print_stdout, reason = "an example talks to its caller")]

mod measure;

use measure::arguments::Arguments;
use measure::cost::Cost;
use measure::table::Table;
use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::{Context, Error, Result};
use modelwright_learners::gbdt::GbdtModel;
use modelwright_learners::learner;
use modelwright_learners::tree::Tree;
use modelwright_learners::tree::shap::{self, Ensemble};
use serde::Deserialize;

fn main() -> Result<()> {
    let mut arguments = Arguments::read()?;
    let seed = arguments.number("seed", 0.0)? as u64;
    let threads = arguments.number("threads", 1.0)? as usize;
    let [n_rows, n_background, reps] = [("rows", 1e9), ("background", 100.0), ("reps", 3.0)]
        .map(|(name, default)| arguments.number(name, default));
    let (n_rows, n_background, reps) = (n_rows? as usize, n_background? as usize, reps? as usize);
    let what = arguments.text("what").unwrap_or_else(|| "values".to_owned());
    let (out, trees) = (arguments.text("out"), arguments.text("trees"));
    let ctx = Context::unlimited(seed, threads);
    let [mut background, test] = Table::read(&arguments.file)?;
    let model = match trees {
        Some(path) => Model::read(&path)?,
        None => train(&mut background, arguments, &ctx)?,
    };
    let n_features = test.features.columns.len();
    for tree in &model.trees {
        tree.validate(n_features, tree.width())?;
    }
    let ensemble = Ensemble { trees: &model.trees, base: &model.base, scale: 1.0, n_features };
    let rows: Vec<u32> = (0..n_rows.min(test.features.n_rows) as u32).collect();
    let view = FeatureView::of(&test.features, &rows);
    let sample: Vec<u32> = (0..n_background.min(background.features.n_rows) as u32).collect();
    let sample = FeatureView::of(&background.features, &sample);
    let explain = || -> Result<Vec<f64>> {
        match what.as_str() {
            "values" => Ok(shap::contributions(&ensemble, &view, &ctx)?.values),
            "pairs" => Ok(shap::interactions(&ensemble, &view, &ctx)?.values),
            "background" => Ok(shap::interventional(&ensemble, &view, &sample, &ctx)?.values),
            _ => Err(Error::input("what to explain").expected("values, pairs or background")),
        }
    };
    let mut cost = Cost::begin();
    let (mut times, mut cpu_s) = (Vec::new(), 0.0);
    let mut values = Vec::new();
    for _ in 0..reps.max(1) {
        cost.lap();
        values = explain()?;
        times.push(cost.seconds());
        cpu_s = cost.cpu_seconds();
    }
    times.sort_by(f64::total_cmp);
    if let Some(path) = out {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(&path, bytes)
            .map_err(|e| Error::work("cannot write").at(path).because(e))?;
    }
    let median = times[times.len() / 2];
    let leaves: usize = model.trees.iter().map(Tree::n_leaves).sum();
    println!(
        "{{\"what\":\"{what}\",\"rows\":{},\"features\":{n_features},\"trees\":{},\
         \"leaves\":{leaves},\"threads\":{},\"seconds\":{median:.4},\"min_s\":{:.4},\
         \"cpu_s\":{cpu_s:.2},{},\"rows_s\":{:.1}}}",
        rows.len(),
        model.trees.len(),
        ctx.threads(),
        times[0],
        cost.memory_json(),
        rows.len() as f64 / median,
    );
    Ok(())
}

/// Trees with their base scores.
#[derive(Deserialize)]
struct Model {
    base: Vec<f64>,
    #[serde(rename = "tree")]
    trees: Vec<Tree>,
}

impl Model {
    fn read(path: &str) -> Result<Self> {
        let bad = || Error::input("cannot read the trees").at(path);
        let text = std::fs::read_to_string(path).map_err(|e| bad().because(e))?;
        toml::from_str(&text).map_err(|e| bad().because(e))
    }
}

/// Trains a booster on the training rows.
fn train(table: &mut Table, arguments: Arguments, ctx: &Context) -> Result<Model> {
    let entry = learner("gbdt")?;
    let params = arguments.params(entry)?;
    table.bin(ctx);
    let rows: Vec<u32> = (0..table.features.n_rows as u32).collect();
    let view = TrainView {
        features: &table.features,
        target: &table.target,
        weights: None,
        rows: &rows,
        validation: &[],
    };
    let fitted = entry.fit(&view, &params, ctx)?;
    let model: &dyn std::any::Any = fitted.model.as_ref();
    let model: &GbdtModel =
        model.downcast_ref().ok_or_else(|| Error::work("the booster is another type"))?;
    Ok(Model { base: model.base_scores().to_vec(), trees: model.trees().to_vec() })
}
