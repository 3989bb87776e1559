//! An explanation as one JSON document, for programs.

use modelwright_automl::explain::{
    ColumnEffect, Explanation, Method, Origin, Reason, Reasons, Scale,
};
use serde::Serialize;

/// An explanation with its importances and the reasons of every row.
///
/// `values` and `standard_errors` are by row, column and output, as in `shap.Explanation`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplanationDocument<'a> {
    /// How the values were found.
    pub method: Method,
    /// The same in words.
    pub method_text: &'static str,
    /// What is divided.
    pub scale: Scale,
    /// Where the background rows come from.
    pub background: Origin,
    /// How many there are.
    pub n_background: usize,
    /// How many rows are explained.
    pub n_rows: usize,
    /// The raw columns.
    pub columns: &'a [String],
    /// What is explained.
    pub outputs: &'a [String],
    /// The mean size of what each column adds, largest first.
    pub importance: Vec<ColumnEffect>,
    /// The mean over the background, one per output.
    pub base_values: &'a [f64],
    /// What each column adds.
    pub values: Vec<Vec<&'a [f64]>>,
    /// Their standard errors, where they were sampled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_errors: Option<Vec<Vec<&'a [f64]>>>,
    /// What is divided, by row and output.
    pub predictions: Vec<&'a [f64]>,
    /// The rows with their reasons.
    pub rows: Vec<ExplainedRow<'a>>,
}

/// A row and why it is predicted so.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedRow<'a> {
    /// Its number in the data: from 1 on the command line, from 0 in Python.
    pub row: u32,
    /// What the reasons are about.
    pub output: &'a str,
    /// The prediction of that.
    pub prediction: f64,
    /// The reasons, largest first.
    pub reasons: Vec<Reason>,
}

impl<'a> ExplanationDocument<'a> {
    /// Of an explanation of the rows with these numbers; at most `n_reasons` for each.
    ///
    /// # Panics
    /// If there are fewer numbers than rows.
    pub fn new(
        explanation: &'a Explanation,
        reasons: &Reasons<'_>,
        rows: &[u32],
        origin: Origin,
        n_reasons: usize,
    ) -> Self {
        let (n_columns, n_outputs) = (explanation.columns.len(), explanation.outputs.len());
        let by_row = |values: &'a Vec<f64>| -> Vec<Vec<&'a [f64]>> {
            let rows = values.chunks_exact(n_columns * n_outputs);
            rows.map(|row| row.chunks_exact(n_outputs).collect()).collect()
        };
        let row = |row: usize| {
            let output = reasons.main_output(row);
            ExplainedRow {
                row: rows[row],
                output: &explanation.outputs[output],
                prediction: explanation.prediction(row, output),
                reasons: reasons.of(row, output, n_reasons),
            }
        };
        Self {
            method: explanation.method,
            method_text: explanation.method.text(),
            scale: explanation.scale,
            background: origin,
            n_background: explanation.n_background,
            n_rows: explanation.n_rows,
            columns: &explanation.columns,
            outputs: &explanation.outputs,
            importance: explanation.effects(),
            base_values: &explanation.base_values,
            values: by_row(&explanation.values),
            standard_errors: explanation.standard_errors.as_ref().map(by_row),
            predictions: explanation.predictions.chunks_exact(n_outputs).collect(),
            rows: (0..explanation.n_rows).map(row).collect(),
        }
    }
}
