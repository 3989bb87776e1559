//! `export`: a model of ours becomes a file that other libraries and runtimes read.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};
use modelwright::Model;
use modelwright::io::{TableWriter, stream_path};
use modelwright_core::data::{Column, FeatureColumn, FeatureMatrix, Table};
use modelwright_core::{Error, Result};
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::export::{ExportModel, MemberChoice, choose, lightgbm, onnx, xgboost};
use modelwright_lifecycle::{AtomicFile, atomic_write};
use serde_json::json;

use crate::flags::ModelArg;
use crate::output::{self, count, warn};
use crate::session::{Limits, Session};

const EXAMPLES: &str = "\
Examples:
  modelwright export churn --format onnx -o churn.onnx
  modelwright export churn --format lightgbm -o churn.txt
  modelwright export churn --format xgboost-ubj -o churn.ubj --member 2
  modelwright export churn --format lightgbm -o churn.txt --features new_customers.csv

ONNX holds the whole model: raw columns in, predictions and probabilities out. The other formats
hold one booster, which reads features, not the raw columns: one-hot columns, target statistics,
parts of dates. --features writes them for the rows of a file, ready for the other library.";

/// Rows whose features are written together.
const ROWS_PER_CHUNK: usize = 16 << 10;

/// Flags of `export`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Export {
    #[command(flatten)]
    model: ModelArg,
    /// The form of the model file
    #[arg(long, value_enum)]
    format: Format,
    /// Where to write the model file
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// The member of an ensemble to export, from 1; N.K is the K-th of its averaged models
    #[arg(long, value_name = "N[.K]")]
    member: Option<Choice>,
    /// Also write the features of these rows, to FILE.features.csv
    #[arg(long, value_name = "DATA")]
    features: Option<PathBuf>,
}

/// The form of a model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The whole model as an ONNX graph
    Onnx,
    /// LightGBM's text model
    Lightgbm,
    /// XGBoost's model as JSON; `xgboost` for short
    #[value(alias = "xgboost")]
    XgboostJson,
    /// XGBoost's model as UBJSON
    XgboostUbj,
}

/// Features that were written and are not yet to be seen.
struct Features {
    path: PathBuf,
    n_rows: usize,
    file: AtomicFile,
}

/// A member as it is typed.
#[derive(Debug, Clone, Copy)]
struct Choice(MemberChoice);

impl FromStr for Choice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |text: &str| {
            text.parse::<usize>().ok().filter(|n| *n > 0).ok_or_else(|| {
                Error::input("this is no member")
                    .expected("N, or N.K for the K-th of its models, both from 1")
            })
        };
        let (member, model) = match text.split_once('.') {
            Some((member, model)) => (number(member)?, Some(number(model)?)),
            None => (number(text)?, None),
        };
        Ok(Self(MemberChoice { member, model }))
    }
}

impl Export {
    /// Chooses the booster, writes it and, on request, features.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let model = Model::load(&self.model.model)?;
        self.check_output(&model.path)?;
        if self.format == Format::Onnx {
            return self.run_onnx(&model, session);
        }
        let export = choose(&model.predictor, self.member.map(|choice| choice.0)).map_err(|e| {
            match e.place().source {
                None => e.at(model.path.display().to_string()),
                Some(_) => e,
            }
        })?;
        let bytes = match self.format {
            Format::XgboostJson => xgboost::write_json(&export)?,
            Format::XgboostUbj => xgboost::write_ubj(&export)?,
            Format::Lightgbm | Format::Onnx => lightgbm::write(&export)?,
        };
        // Both files or none: the rows may turn out to be broken.
        let features = match &self.features {
            None => None,
            Some(data) => Some(self.write_features(data, &model, &export, session)?),
        };
        atomic_write(&self.output, &bytes)?;
        let rows = match features {
            None => None,
            Some(Features { path, n_rows, file }) => {
                file.commit()?;
                Some((path, n_rows))
            }
        };
        self.tell(&model, &export, rows, session)
    }

    /// Writes the whole model as a graph.
    fn run_onnx(&self, model: &Model, session: &Session) -> Result<()> {
        let part = [("--member", self.member.is_some()), ("--features", self.features.is_some())];
        if let Some((flag, _)) = part.into_iter().find(|(_, is_given)| *is_given) {
            return Err(Error::input("this is for formats that hold one booster")
                .at(flag)
                .hint("an ONNX file holds the whole model and reads the raw columns"));
        }
        let sha256 = std::fs::read(&model.path)
            .map_err(|e| Error::input("cannot read the model").at(place(&model.path)).because(e))?;
        let about =
            onnx::About { name: name_of(&model.path), artifact_sha256: sha256_hex(&sha256) };
        let written = onnx::write(&model.predictor, &about)?;
        atomic_write(&self.output, &written.bytes)?;
        if session.global.json {
            let input = |input: &onnx::Input| {
                json!({
                    "name": input.name,
                    "type": input.type_name(),
                    "values": input.text(),
                    "optional": input.optional,
                })
            };
            return output::print_json(&json!({
                "output": self.output,
                "n_bytes": written.bytes.len(),
                "task": model.predictor.task,
                "classes": model.predictor.classes,
                "inputs": written.inputs.iter().map(input).collect::<Vec<_>>(),
                "outputs": written.outputs,
                "notes": written.notes,
            }));
        }
        for note in &written.notes {
            warn(note);
        }
        output::print(&format!(
            "{} inputs and {} outputs, {:.1} MB, written to {}\n",
            count(written.inputs.len()),
            count(written.outputs.len()),
            written.bytes.len() as f64 / 1e6,
            self.output.display()
        ))
    }

    /// Refuses to write over what is read.
    fn check_output(&self, model: &Path) -> Result<()> {
        let inputs = [Some(model), self.features.as_deref()];
        output::spare(Some(&self.output), inputs.into_iter().flatten(), "--output")?;
        output::spare_model(Some(&self.output), model, "--output")
    }

    fn write_features(
        &self,
        data: &Path,
        model: &Model,
        export: &ExportModel<'_>,
        session: &Session,
    ) -> Result<Features> {
        let ctx = session.context(Limits::default())?;
        let mut name = self.output.clone().into_os_string();
        name.push(".features.csv");
        let path = PathBuf::from(name);
        let names = export.feature_names();
        let mut out = TableWriter::csv(AtomicFile::create(&path)?);
        let mut n_rows = 0;
        for table in stream_path(data, &model.read_options()?, ROWS_PER_CHUNK, &ctx)? {
            let table = table?;
            if n_rows == 0 {
                model.check_columns(&table, &ctx)?;
            }
            n_rows += table.n_rows();
            out.write(&features(&names, &export.encoder.transform(&table, &ctx)?)?)?;
        }
        Ok(Features { path, n_rows, file: out.finish()? })
    }

    fn tell(
        &self,
        model: &Model,
        export: &ExportModel<'_>,
        rows: Option<(PathBuf, usize)>,
        session: &Session,
    ) -> Result<()> {
        let sources = export.encoder.feature_sources();
        let names = export.feature_names();
        if session.global.json {
            let features: Vec<_> = (names.iter().zip(&sources))
                .map(|(name, source)| json!({ "name": name, "column": &**source }))
                .collect();
            return output::print_json(&json!({
                "output": self.output,
                "task": export.task,
                "classes": export.classes,
                "threshold": model.artifact.manifest.threshold,
                "n_trees": export.trees.len(),
                "features": features,
                "features_output": rows.as_ref().map(|(path, _)| path),
                "notes": export.notes,
            }));
        }
        for note in &export.notes {
            warn(note);
        }
        let mut text = format!(
            "{} trees over {} features written to {}\n",
            count(export.trees.len()),
            count(names.len()),
            self.output.display()
        );
        if let Some((path, n_rows)) = rows {
            let line =
                format!("features of {} rows written to {}\n", count(n_rows), path.display());
            text.push_str(&line);
        }
        output::print(&text)
    }
}

fn place(path: &Path) -> String {
    path.display().to_string()
}

/// The name of a model file, or of the folder whose `model.mw` it is.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let folder = path.parent().and_then(Path::file_name);
    match (stem, folder) {
        (Some(stem), Some(folder)) if stem == "model" => folder.to_string_lossy().into_owned(),
        (stem, _) => stem.unwrap_or_default(),
    }
}

/// Features as a table; f32 values as the f64 that equal them, so that no digit is lost.
fn features(names: &[String], matrix: &FeatureMatrix) -> Result<Table> {
    let column = |(name, feature): (&String, &FeatureColumn)| {
        Column::numbers(name, feature.values.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>())
    };
    Table::new(names.iter().zip(&matrix.columns).map(column).collect())
}
