//! Time of exact Shapley values, for comparisons with other tree explainers.
//!
//! ```text
//! cargo run --release -p modelwright-learners --example shap_speed -- FILE [name=value …]
//! ```
//!
//! FILE is the raw file of the example `gbdt_speed`; its test rows are explained. Either a booster
//! is trained on the training rows (names of its parameters are options), or `trees=PATH` names a
//! TOML file with trees and `base` scores of another booster, so that both explain the same trees.
//! Options of the example itself: `threads=`, `seed=`, `reps=`, `rows=` (the first so many test
//! rows), `what=` (`values`, `pairs`, or `background`), `background=` (training rows), `out=PATH`
//! (where the numbers are written, f64 little-endian). Prints one JSON object.
#![expect(clippy::print_stdout, reason = "an example talks to its caller")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::sync::Arc;
use std::time::Instant;

use modelwright_core::data::{
    BinnedColumn, FeatureColumn, FeatureMatrix, FeatureView, MAX_CUTS, TrainView,
};
use modelwright_core::params::ParamMap;
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};
use modelwright_learners::gbdt::GbdtModel;
use modelwright_learners::learner;
use modelwright_learners::tree::Tree;
use modelwright_learners::tree::shap::{self, Ensemble};
use serde::Deserialize;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or_else(|| Error::input("name a data file"))?;
    let options = Options(
        arguments
            .filter_map(|a| a.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())))
            .collect(),
    );
    let ctx = Context::unlimited(options.number("seed", 0), options.number("threads", 1) as usize);
    let data = Data::read(&path)?;
    let model = match options.text("trees") {
        Some(path) => Model::read(path)?,
        None => train(&data, &options, &ctx)?,
    };
    let n_features = data.test.len();
    for tree in &model.trees {
        tree.validate(n_features, tree.width())?;
    }
    let ensemble = Ensemble { trees: &model.trees, base: &model.base, scale: 1.0, n_features };
    let test = FeatureMatrix::new(data.n_test, data.test);
    let n_rows = (options.number("rows", data.n_test as u64) as usize).min(data.n_test);
    let rows: Vec<u32> = (0..n_rows as u32).collect();
    let view = FeatureView::of(&test, &rows);
    let background = FeatureMatrix::new(data.n, data.train);
    let n_background = (options.number("background", 100) as usize).min(data.n);
    let sample: Vec<u32> = (0..n_background as u32).collect();
    let sample = FeatureView::of(&background, &sample);
    let what = options.text("what").unwrap_or("values");
    let explain = || -> Result<Vec<f64>> {
        match what {
            "values" => Ok(shap::contributions(&ensemble, &view, &ctx)?.values),
            "pairs" => Ok(shap::interactions(&ensemble, &view, &ctx)?.values),
            "background" => Ok(shap::interventional(&ensemble, &view, &sample, &ctx)?.values),
            _ => Err(Error::input("what to explain").expected("values, pairs or background")),
        }
    };
    let mut times = Vec::new();
    let mut values = Vec::new();
    for _ in 0..options.number("reps", 3).max(1) {
        let start = Instant::now();
        values = explain()?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    if let Some(path) = options.text("out") {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(path, bytes).map_err(|e| Error::work("cannot write").at(path).because(e))?;
    }
    let median = times[times.len() / 2];
    let leaves: usize = model.trees.iter().map(Tree::n_leaves).sum();
    println!(
        "{{\"what\":\"{what}\",\"rows\":{n_rows},\"features\":{n_features},\"trees\":{},\
         \"leaves\":{leaves},\"threads\":{},\"median_s\":{median:.4},\"min_s\":{:.4},\
         \"us_per_row\":{:.2}}}",
        model.trees.len(),
        ctx.threads(),
        times[0],
        median / n_rows.max(1) as f64 * 1e6,
    );
    Ok(())
}

/// Arguments of the form name=value.
struct Options(Vec<(String, String)>);

impl Options {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    fn number(&self, name: &str, default: u64) -> u64 {
        self.text(name).and_then(|v| v.parse().ok()).unwrap_or(default)
    }
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

fn train(data: &Data, options: &Options, ctx: &Context) -> Result<Model> {
    let entry = learner("gbdt")?;
    let mut params = ParamMap::new();
    for spec in entry.params {
        if let Some(text) = options.text(spec.name) {
            let value = spec.domain.parse(text).ok_or_else(|| Error::input(spec.name))?;
            params.insert(spec.name.to_owned(), value);
        }
    }
    let mut matrix = FeatureMatrix::new(data.n, data.train.clone());
    let bins = ctx.map(matrix.columns.len(), |i| binned(&matrix.columns[i].values));
    for (column, bins) in matrix.columns.iter_mut().zip(bins) {
        column.bins = Some(Arc::new(bins));
    }
    let rows: Vec<u32> = (0..data.n as u32).collect();
    let view = TrainView {
        features: &matrix,
        target: &data.target,
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

struct Data {
    n: usize,
    n_test: usize,
    train: Vec<FeatureColumn>,
    target: Target,
    test: Vec<FeatureColumn>,
}

impl Data {
    fn read(path: &str) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::input("cannot read").because(e))?;
        let words = bytes.chunks_exact(4).map(|c| [c[0], c[1], c[2], c[3]]);
        let header: Vec<usize> =
            words.clone().take(5).map(|w| u32::from_le_bytes(w) as usize).collect();
        let [task, n, n_test, n_features, n_classes] = header[..] else {
            return Err(Error::input("the header is too short"));
        };
        let mut numbers = words.skip(5).map(f32::from_le_bytes);
        let mut columns = |n: usize| -> Vec<Vec<f32>> {
            (0..=n_features).map(|_| numbers.by_ref().take(n).collect()).collect()
        };
        let (mut train, mut test) = (columns(n), columns(n_test));
        let y = train.pop().unwrap_or_default();
        test.pop();
        let target = match task {
            0 => Target::Real(y.into_iter().map(f64::from).collect()),
            _ => Target::Class { codes: y.into_iter().map(|v| v as u32).collect(), n_classes },
        };
        let named = |columns: Vec<Vec<f32>>| -> Vec<FeatureColumn> {
            let columns = columns.into_iter().enumerate();
            columns.map(|(i, values)| FeatureColumn::dense(&format!("f{i}"), values)).collect()
        };
        Ok(Self { n, n_test, train: named(train), target, test: named(test) })
    }
}

/// Cuts between all distinct values if they are few, at quantiles otherwise.
fn binned(values: &[f32]) -> BinnedColumn {
    let mut sorted: Vec<f32> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let mut cuts: Vec<f32> = if distinct.len() <= MAX_CUTS + 1 {
        distinct.windows(2).map(|w| w[0] + (w[1] - w[0]) / 2.0).collect()
    } else {
        (1..=MAX_CUTS).map(|i| sorted[i * sorted.len() / (MAX_CUTS + 1)]).collect()
    };
    cuts.dedup();
    let missing = (cuts.len() + 1) as u8;
    let code = |v: &f32| {
        if v.is_nan() { missing } else { cuts.partition_point(|c| c < v) as u8 }
    };
    BinnedColumn { codes: values.iter().map(code).collect(), cuts }
}
