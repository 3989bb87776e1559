//! From another library's model file to a saved model.

use std::path::{Path, PathBuf};

use modelwright_automl::Predictor;
use modelwright_core::record::RunRecord;
use modelwright_core::{Error, Result};
use modelwright_inspect::report_html;
use modelwright_lifecycle::artifact::{ArtifactParts, pack_artifact, write_artifact};
use modelwright_lifecycle::import::{ImportOptions, Naming, Origin, read_model};
use modelwright_lifecycle::outputs::{OutputFolder, check_model_file};
use modelwright_preprocess::sketch::TableSketch;

/// A model of another library, ready to predict, with the account of its import.
pub struct Imported {
    /// Raw rows in, predictions out.
    pub predictor: Predictor,
    /// What is known of it; its `clock` is for the caller to fill.
    pub record: RunRecord,
}

/// Reads a model file of LightGBM or XGBoost.
///
/// `columns` are those of the table that it was trained on, as far as they are known: features get
/// back their blanks from them.
///
/// # Errors
/// Input error when it is none, is broken, or cannot be kept exactly.
pub fn import(
    bytes: &[u8],
    file_name: &str,
    options: &ImportOptions,
    naming: &Naming,
    columns: &[String],
) -> Result<Imported> {
    let mut foreign = read_model(bytes, options)?;
    foreign.restore_names(&columns.iter().map(String::as_str));
    let predictor = foreign.clone().into_predictor(naming)?;
    let origin = Origin { file_name, bytes, engine_version: env!("CARGO_PKG_VERSION") };
    let record = foreign.record(naming, &predictor.classes, &predictor.schema, &origin);
    Ok(Imported { predictor, record })
}

impl Imported {
    /// The bytes of `model.mw`.
    ///
    /// # Errors
    /// Work error when a part cannot be encoded.
    pub fn pack(&self) -> Result<Vec<u8>> {
        self.with_parts(pack_artifact)
    }

    /// Writes `path`: one artifact if it ends in `.mw`, else a folder as `fit` writes it.
    ///
    /// # Errors
    /// Input error when something that is not ours would be overwritten, work error when the disk
    /// is full or fails.
    pub fn save(&self, path: &Path) -> Result<PathBuf> {
        self.with_parts(|parts| {
            if path.extension().is_some_and(|extension| extension == "mw") {
                check_model_file(path)?;
                write_artifact(path, parts)?;
                return Ok(path.to_owned());
            }
            let [model, ..] = OutputFolder::prepare(path)?.write(parts)?;
            Ok(model)
        })
    }

    fn with_parts<T>(&self, then: impl FnOnce(&ArtifactParts<'_>) -> Result<T>) -> Result<T> {
        let reference = postcard::to_stdvec(&TableSketch::default())
            .map_err(|e| Error::work("cannot encode the reference sketches").because(e))?;
        then(&ArtifactParts {
            model: &self.predictor.encode()?,
            schema: &self.predictor.schema,
            reference: &reference,
            record: &self.record,
            report_html: &report_html(&self.record),
        })
    }
}
