//! Rows whose answers are known, read for one model: what `evaluate` and `compare` work on.

use std::path::Path;

use modelwright::Model;
use modelwright::automl::target::rows_with_target;
use modelwright::io::read_path;
use modelwright_core::context::Event;
use modelwright_core::data::{ColumnData, Table};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};

/// Truth and predictions of the rows whose target is known.
pub(crate) struct Labelled {
    /// File name without its folder.
    pub(crate) name: String,
    /// The answers, in the model's class order.
    pub(crate) truth: Target,
    /// What the model says.
    pub(crate) predictions: Predictions,
    /// Row weights, when the model was trained with them and the file has them.
    pub(crate) weights: Option<Vec<f64>>,
}

/// Reads DATA for `model` and predicts it.
///
/// # Errors
/// Input error when the file cannot be read, lacks a column, or has no row with a known answer.
pub(crate) fn predict_labelled(model: &Model, data: &Path, ctx: &Context) -> Result<Labelled> {
    let (options, weight) = model.read_options_with_target()?;
    ctx.tell(Event::Phase("read".to_owned()));
    let file = read_path(data, &options, ctx)?;
    let shown = data.display().to_string();
    let target = &model.predictor.target;
    let column = file.table.require(target).map_err(|e| {
        e.at(shown.clone()).expected(format!("the target column `{target}` with the known answers"))
    })?;
    model.check_columns(&file.table, ctx).map_err(|e| e.at(shown.clone()))?;
    let known = rows_with_target(column);
    let n_unknown = file.table.n_rows() - known.len();
    if known.is_empty() {
        return Err(Error::input("no row has a known answer")
            .at(shown)
            .column(target)
            .expected("at least one row with a value in the target column"));
    }
    let table = if n_unknown == 0 { file.table } else { file.table.select(&known) };
    if n_unknown > 0 {
        ctx.tell(Event::Warning(format!("left out {n_unknown} rows whose `{target}` is missing")));
    }
    let truth = model.predictor.encode_target(&table).map_err(|e| e.at(shown.clone()))?;
    let weights = weights_of(&table, weight.as_deref()).map_err(|e| e.at(shown.clone()))?;
    ctx.tell(Event::Phase("predict".to_owned()));
    let predictions = model.predictor.predict(&table, ctx).map_err(|e| e.at(shown))?;
    Ok(Labelled { name: file.source.name, truth, predictions, weights })
}

fn weights_of(table: &Table, name: Option<&str>) -> Result<Option<Vec<f64>>> {
    let Some(column) = name.and_then(|n| table.column(n)) else { return Ok(None) };
    let ColumnData::Number(weights) = &column.data else {
        return Err(Error::input("weights must be numbers").column(&column.name));
    };
    match weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
        None => Ok(Some(weights.clone())),
        Some(row) => Err(Error::input("a weight is missing, negative or infinite")
            .row(row as u64 + 1)
            .column(&column.name)
            .expected("a finite number from 0")
            .got(weights[row].to_string())),
    }
}
