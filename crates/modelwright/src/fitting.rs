//! From a file's table to a saved model.

use std::path::PathBuf;

use modelwright_automl::{FitOutcome, Own, Reference};
use modelwright_core::Result;
use modelwright_core::record::Options;
use modelwright_inspect::report_html;
use modelwright_io::TableFile;
use modelwright_lifecycle::artifact::{ArtifactParts, pack_artifact};
use modelwright_lifecycle::outputs::OutputFolder;

pub use modelwright_automl::{FitInput, fit, plan};

/// Where a fit's outputs are.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The model.
    pub model: PathBuf,
    /// The report.
    pub report: PathBuf,
    /// The account of the run.
    pub record: PathBuf,
}

/// What goes into a fit, from a file as it was read; give it [`crate::all_rows`] as well, so that
/// a file that does not fit in memory is learned from to its last row.
pub fn input_of(file: TableFile, test: Option<TableFile>, options: Options) -> FitInput {
    FitInput {
        table: file.table,
        schema: file.schema,
        source: file.source,
        test: test.map(|t| (t.table, t.source)),
        options,
        own: Own::default(),
        all_rows: None,
    }
}

/// The bytes of `model.mw`.
///
/// # Errors
/// Work error when a part cannot be encoded.
pub fn pack(outcome: &FitOutcome) -> Result<Vec<u8>> {
    with_parts(outcome, pack_artifact)
}

/// Writes `model.mw`, `report.html` and `record.json`, each completely or not at all.
///
/// # Errors
/// Work error when the disk is full or fails.
pub fn save(outcome: &FitOutcome, folder: &OutputFolder) -> Result<Saved> {
    let [model, report, record] = with_parts(outcome, |parts| folder.write(parts))?;
    Ok(Saved { model, report, record })
}

fn with_parts<T>(
    outcome: &FitOutcome,
    then: impl FnOnce(&ArtifactParts<'_>) -> Result<T>,
) -> Result<T> {
    let record = &outcome.record;
    let reference = Reference::encode(
        &outcome.reference,
        outcome.predictions.as_ref(),
        outcome.usual.as_ref(),
    )?;
    then(&ArtifactParts {
        model: &outcome.predictor.encode()?,
        schema: &outcome.predictor.schema,
        reference: &reference,
        record,
        report_html: &report_html(record),
    })
}
