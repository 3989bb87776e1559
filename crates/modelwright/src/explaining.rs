//! Explanations of a packed model: which background, which rows, and the result as a table.

use modelwright_automl::explain::{Background, Explanation, RowReasons, any_background};
use modelwright_core::data::{Column, Table};
use modelwright_core::{Context, Result};

use crate::model::Model;

impl Model {
    /// The background of explanations, at most `n` rows: of `data`, if it has at least 30 rows;
    /// else columns drawn by what the model file knows of each ([`drawn_background`]); `data` also
    /// where it knows nothing (a model that was not trained here).
    ///
    /// # Errors
    /// Input error when there is neither, or `data` does not have the model's columns.
    pub fn background(&self, data: Option<&Table>, n: usize, ctx: &Context) -> Result<Background> {
        any_background(&self.predictor, &self.reference()?.columns, data, n, ctx)
    }
}

/// An explanation as a table: `row`, `base_value`, the values under the names of the columns, and
/// `prediction`; of several outputs, a row of the table for each, named in `output`.
///
/// `rows` are the numbers of the explained rows.
///
/// # Errors
/// Input error when a column of the model is called as one of the above.
pub fn explanation_table(explanation: &Explanation, rows: &[u32]) -> Result<Table> {
    let n_outputs = explanation.outputs.len();
    let n = explanation.n_rows * n_outputs;
    let of = |place: usize| (place / n_outputs, place % n_outputs);
    let number = |name: &str, value: &dyn Fn(usize, usize) -> f64| {
        let values = (0..n).map(of).map(|(row, output)| value(row, output)).collect();
        Column::numbers(name, values)
    };
    let mut columns = vec![number("row", &|row, _| f64::from(rows[row]))];
    if n_outputs > 1 {
        let names = (0..n).map(|place| Some(explanation.outputs[place % n_outputs].as_str()));
        columns.push(Column::strings("output", names));
    }
    columns.push(number("base_value", &|_, output| explanation.base_values[output]));
    for (c, name) in explanation.columns.iter().enumerate() {
        columns.push(number(name, &|row, output| explanation.value(row, c, output)));
    }
    columns.push(number("prediction", &|row, output| explanation.prediction(row, output)));
    Table::new(columns)
}

/// Reasons for rows that come in parts, all against one background.
pub struct StreamedReasons<'a> {
    model: &'a Model,
    reasons: RowReasons,
    n_reasons: usize,
}

impl<'a> StreamedReasons<'a> {
    /// For parts of which this is the first: see [`Model::background`].
    ///
    /// # Errors
    /// As [`Model::background`].
    pub fn begin(model: &'a Model, first: &Table, n_reasons: usize, ctx: &Context) -> Result<Self> {
        let columns = model.reference()?.columns;
        let reasons = RowReasons::begin(&model.predictor, &columns, Some(first), ctx)?;
        Ok(Self { model, reasons, n_reasons })
    }

    /// The columns `reason_1`, … of the rows of a part.
    ///
    /// # Errors
    /// As [`modelwright_automl::explain::rows`].
    pub fn columns(&self, table: &Table, ctx: &Context) -> Result<Vec<Column>> {
        self.reasons.columns(&self.model.predictor, table, self.n_reasons, ctx)
    }
}
