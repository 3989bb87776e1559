//! Speed of prediction with a model that LightGBM trained, for comparisons with other predictors.
//!
//! ```text
//! cargo run --release -p modelwright-lifecycle --example lightgbm_predict -- \
//!     MODEL.txt ROWS.f32 [threads=1] [reps=7] [out=SCORES.f64]
//! ```
//!
//! ROWS.f32 is a row-major matrix of little-endian f32, as many columns as the model has features,
//! NaN for missing values, categories as their codes. Prints one JSON object: rows per second in
//! one batch (median over `reps`; `gather_s` is what it takes to turn rows into columns, which is
//! not part of it), and the median time of one row by itself. With `out=` the predictions of the
//! batch are written as little-endian f64.
#![expect(clippy::print_stdout, reason = "an example talks to its caller")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::time::Instant;

use modelwright_core::data::{FeatureColumn, FeatureMatrix, FeatureView};
use modelwright_core::{Context, Error, Result};
use modelwright_learners::Model;
use modelwright_lifecycle::import::{ForeignFeature, ForeignModel, ImportOptions, lightgbm};

/// How many rows are predicted one by one.
const N_SINGLE: usize = 2_000;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model_path, rows_path, options @ ..] = arguments.as_slice() else {
        return Err(Error::input("name a model file and a file of rows"));
    };
    let option = |name: &str| {
        options.iter().find_map(|o| o.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    };
    let number = |name: &str, default: usize| {
        option(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let threads = number("threads", 1);
    let begun = Instant::now();
    let foreign = lightgbm::read(&read(model_path)?, &ImportOptions::default())?;
    let booster = foreign.booster()?;
    let load_s = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let matrix = matrix(&read(rows_path)?, &foreign)?;
    let gather_s = begun.elapsed().as_secs_f64();

    let ctx = Context::unlimited(0, threads);
    let view = FeatureView::all(&matrix);
    // The first prediction also compiles the trees.
    let mut predictions = booster.predict(&view, &ctx)?;
    let mut batch_s = Vec::new();
    for _ in 0..number("reps", 7).max(1) {
        let begun = Instant::now();
        predictions = booster.predict(&view, &ctx)?;
        batch_s.push(begun.elapsed().as_secs_f64());
    }
    let one_thread = Context::unlimited(0, 1);
    let mut single_s = Vec::new();
    for row in 0..(matrix.n_rows.min(N_SINGLE) as u32) {
        let begun = Instant::now();
        let one = booster.predict(&FeatureView::of(&matrix, &[row]), &one_thread)?;
        single_s.push(begun.elapsed().as_secs_f64());
        assert_eq!(one.values, predictions.row(row as usize), "one row is the batch's row");
    }
    if let Some(path) = option("out") {
        let bytes: Vec<u8> = predictions.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(&path, bytes)
            .map_err(|e| Error::work("cannot write").at(path).because(e))?;
    }
    let batch = median(&mut batch_s);
    println!(
        "{{\"rows\": {}, \"features\": {}, \"trees\": {}, \"threads\": {threads}, \
         \"rows_per_s\": {:.0}, \"batch_s\": {batch:.6}, \"single_p50_us\": {:.3}, \
         \"load_s\": {load_s:.4}, \"gather_s\": {gather_s:.4}}}",
        matrix.n_rows,
        matrix.n_features(),
        foreign.trees.len(),
        matrix.n_rows as f64 / batch,
        median(&mut single_s) * 1e6,
    );
    Ok(())
}

fn read(path: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::input("cannot read").at(path).because(e))
}

/// The rows as columns, zeros as missing values where the model wants that.
fn matrix(bytes: &[u8], model: &ForeignModel) -> Result<FeatureMatrix> {
    let n_features = model.features.len();
    let (cells, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() || !cells.len().is_multiple_of(n_features) {
        return Err(Error::input("the file does not hold whole rows")
            .expected(format!("rows of {n_features} f32"))
            .got(format!("{} bytes", bytes.len())));
    }
    let n_rows = cells.len() / n_features;
    let column = |(f, feature): (usize, &ForeignFeature)| {
        let value = |row: usize| {
            let value = f32::from_le_bytes(cells[row * n_features + f]);
            if feature.zero_is_missing() && value == 0.0 { f32::NAN } else { value }
        };
        FeatureColumn::dense(&feature.name, (0..n_rows).map(value).collect())
    };
    Ok(FeatureMatrix::new(n_rows, model.features.iter().enumerate().map(column).collect()))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
