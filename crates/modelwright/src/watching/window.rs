//! Where the world changed: which rows a new model should not learn from any more.
//!
//! When performance is worse than it was on untouched rows, something changed between then and the
//! new rows. The losses of the model on the new rows, row by row, pass through ADWIN: if it cuts
//! its window, the change lies among them, else before them. Rows before the change would teach the
//! new model what is no longer true.

use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use modelwright_inspect::drift::stream::Adwin;

use super::files::DataFile;
use super::gains::brier;
use crate::Model;
use crate::labelled::predict_answered;

/// Fewer rows than this teach nothing and judge nothing.
const ROWS_MIN: usize = 240;

/// The rows that still hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Since {
    /// The last so many rows with answers.
    pub(super) n_rows: usize,
    /// The first of the files that has any of them.
    pub(super) first_file: usize,
}

/// The rows since the model's losses changed, among files it did not learn from, in
/// their order; `None` when there
/// are too few of them to learn from.
///
/// # Errors
/// Input error when a file cannot be read.
pub(super) fn since_change(
    model: &Model,
    files: &[&DataFile],
    ctx: &Context,
) -> Result<Option<Since>> {
    let mut window = Adwin::default();
    let mut ends = Vec::new();
    let mut n_rows = 0;
    let mut scale = Scale::default();
    for file in files {
        if let Some(rows) = predict_answered(model, &file.path, ctx)? {
            for loss in scale.losses(&rows.truth, &rows.predictions) {
                window.update(loss);
                n_rows += 1;
            }
        }
        ends.push(n_rows);
    }
    let kept = (window.width() as usize).max(ROWS_MIN);
    if n_rows < ROWS_MIN {
        return Ok(None);
    }
    let first_row = n_rows.saturating_sub(kept);
    let first_file = ends.iter().position(|end| *end > first_row).unwrap_or(0);
    Ok(Some(Since { n_rows: kept.min(n_rows), first_file }))
}

/// Losses in [0, 1].
#[derive(Default)]
struct Scale {
    error_sum: f64,
    n: f64,
}

impl Scale {
    fn losses(&mut self, truth: &Target, said: &Predictions) -> Vec<f64> {
        match truth {
            Target::Class { codes, .. } => {
                let loss = |(row, code): (usize, &u32)| brier(said.row(row), *code as usize) / 2.0;
                codes.iter().enumerate().map(loss).collect()
            }
            Target::Real(values) => {
                let loss = |(row, value): (usize, &f64)| {
                    let error = (said.row(row)[0] - value).abs();
                    let mean = if self.n > 0.0 { self.error_sum / self.n } else { error };
                    self.error_sum += error;
                    self.n += 1.0;
                    if error > 0.0 { error / (error + mean) } else { 0.0 }
                };
                values.iter().enumerate().map(loss).collect()
            }
        }
    }
}
