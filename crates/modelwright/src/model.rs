//! A model that was saved, ready to predict.

use std::path::{Path, PathBuf};

use modelwright_automl::Predictor;
use modelwright_automl::isolation::ANOMALY_SCORE;
use modelwright_automl::reference::Reference;
use modelwright_automl::unusual::{UsualRows, unknown};
use modelwright_core::context::Event;
use modelwright_core::data::{Field, Kind, Schema, Storage, Table};
use modelwright_core::record::{RunRecord, TextLayout};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::{MetricEntry, metric_or_default};
use modelwright_io::ReadOptions;
use modelwright_lifecycle::artifact::{
    Artifact, ArtifactParts, read_artifact, resolve_model, unpack_artifact, write_artifact,
};
use modelwright_lifecycle::outputs::{OutputFolder, check_model_file};

/// A saved model: what it says of itself, and its predictor.
pub struct Model {
    /// The file that it was read from; empty when it came from memory.
    pub path: PathBuf,
    /// Manifest, record and report.
    pub artifact: Artifact,
    /// Raw rows in, predictions out.
    pub predictor: Predictor,
    /// The metric of the caller's own that it was chosen by, where it is at hand.
    pub own_metric: Option<&'static MetricEntry>,
    /// What is said of tables of text; where it is silent, they are read as in training.
    pub text: TextLayout,
}

impl Model {
    /// Reads a `model.mw`, or the one in a fit's folder, and checks every byte of it.
    ///
    /// # Errors
    /// Input error when there is none, when it is damaged or of a newer version, or when a part of
    /// it is code that only Python can run.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let model = Self::open(path)?;
        let path = model.path.display().to_string();
        model.predictor.must_be_awake().map_err(|e| e.at(path))?;
        Ok(model)
    }

    /// As [`Self::load`], also where a part cannot predict yet: see
    /// [`Predictor::wake`](modelwright_automl::Predictor::wake).
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = resolve_model(path)?;
        let artifact = read_artifact(&path)?;
        Self::of_artifact(path, artifact)
    }

    /// Reads the bytes of a `model.mw`, and checks all of them.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn of_bytes(bytes: &[u8]) -> Result<Self> {
        let model = Self::open_bytes(bytes)?;
        model.predictor.must_be_awake()?;
        Ok(model)
    }

    /// Why rows without a column of the target's name measure nothing, of a model that learned
    /// without one; `None` of others, which only lack the column.
    pub(crate) fn measures_nothing(&self) -> Option<Error> {
        self.predictor.anomaly_threshold().map(|_| {
            Error::input("an isolation forest learned without answers: there is nothing to measure")
                .expected("a model that was trained with --target")
                .got(format!("one that scores how unusual rows are (`{ANOMALY_SCORE}`)"))
                .hint(
                    "score the rows with `modelwright predict MODEL DATA`; where you know which \
                     rows are unusual, train with that column as --target to measure a model",
                )
        })
    }

    /// As [`Self::open`], of the bytes of a `model.mw`.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn open_bytes(bytes: &[u8]) -> Result<Self> {
        Self::of_artifact(PathBuf::new(), unpack_artifact(bytes)?)
    }

    fn of_artifact(path: PathBuf, artifact: Artifact) -> Result<Self> {
        let predictor =
            Predictor::decode(&artifact.model).map_err(|e| e.at(path.display().to_string()))?;
        let text = TextLayout::default();
        Ok(Self { path, artifact, predictor, own_metric: None, text })
    }

    /// What later data and predictions are compared with.
    ///
    /// # Errors
    /// Input error when it cannot be read.
    pub fn reference(&self) -> Result<Reference> {
        Reference::decode(&self.artifact.reference)
            .map_err(|e| e.at(self.path.display().to_string()))
    }

    /// What tells how unusual rows are.
    ///
    /// # Errors
    /// Input error when the file keeps no account of usual rows, or it cannot be read.
    pub fn usual(&self) -> Result<UsualRows> {
        let usual = self.reference()?.usual;
        usual.ok_or_else(|| match self.path.to_str() {
            // A model in memory has no place.
            Some("") => unknown(),
            _ => unknown().at(self.path.display().to_string()),
        })
    }

    /// The metric that it was chosen by. One of somebody's own program is not in the file: where it
    /// is not at hand, the default of the task stands in, and that is told.
    pub fn metric(&self, ctx: &Context) -> &'static MetricEntry {
        let name = &self.predictor.metric;
        if let Some(own) = self.own_metric {
            return own;
        }
        let known = metric_or_default(name, self.predictor.task);
        if known.spec.name != *name {
            let text = format!(
                "the model was chosen by a metric of its user's own, {name}, which is not known \
                 here: {} stands in",
                known.spec.name
            );
            ctx.tell(Event::Warning(text));
        }
        known
    }

    /// This model, for tables of text of which something is known.
    #[must_use]
    pub fn with_text(self, text: TextLayout) -> Self {
        Self { text, ..self }
    }

    /// How tables of text are read: as is said, and else as in training.
    pub fn text_layout(&self) -> TextLayout {
        let of_training = self.artifact.record().map(|record| record.options.text);
        self.text.clone().or(&of_training.unwrap_or_default())
    }

    /// How to read rows to predict: the model's columns, parsed as in training.
    ///
    /// # Errors
    /// Input error for a separator or an encoding that cannot be used.
    pub fn read_options(&self) -> Result<ReadOptions> {
        let schema = Some(self.predictor.schema.clone());
        Ok(ReadOptions { schema, ..ReadOptions::of_text(&self.text_layout())? })
    }

    /// How to read rows whose answers are known: the model's columns, the target, and the column
    /// of weights if the model was trained with one.
    ///
    /// # Errors
    /// Input error when the model's record is of a newer version.
    pub fn read_options_with_target(&self) -> Result<(ReadOptions, Option<String>)> {
        let record = self.artifact.record()?;
        let mut schema = self.predictor.schema.clone();
        let weight = record.options.weight.clone();
        if schema.field(&self.predictor.target).is_none() {
            schema.fields.push(Self::target_field(&record));
        }
        if let Some(weight) = &weight {
            Self::add_column(&mut schema, &record.schema, weight);
        }
        let text = self.text.clone().or(&record.options.text);
        let options = ReadOptions { schema: Some(schema), ..ReadOptions::of_text(&text)? };
        Ok((options, weight))
    }

    /// Checks that a table has the columns that the model cannot do without; says which of the
    /// others it lacks (they are taken as missing in every row).
    ///
    /// # Errors
    /// Input error that names the first column that is needed and not there.
    pub fn check_columns(&self, table: &Table, ctx: &Context) -> Result<()> {
        if let Some(warning) = self.absent_columns(table)? {
            ctx.tell(Event::Warning(warning));
        }
        Ok(())
    }

    /// What [`Self::check_columns`] says of the columns that the table lacks.
    ///
    /// # Errors
    /// As [`Self::check_columns`].
    pub fn absent_columns(&self, table: &Table) -> Result<Option<String>> {
        let mut absent = Vec::new();
        for field in &self.predictor.schema.fields {
            if table.column(&field.name).is_some() {
                continue;
            }
            if !field.optional {
                let error = Error::input("a column that the model needs is not there");
                return Err(error
                    .column(&field.name)
                    .expected(format!("a column `{}` ({})", field.name, field.kind.name()))
                    .suggest(&field.name, table.names()));
            }
            absent.push(field.name.as_str());
        }
        let names = absent.join(", ");
        Ok((!absent.is_empty())
            .then(|| format!("the data lack {names}: taken as missing in every row")))
    }

    /// Writes `path`: one artifact if it ends in `.mw`, else a folder as `fit` writes it. Returns
    /// the path of the artifact.
    ///
    /// # Errors
    /// Input error when something that is not ours would be overwritten, work error when the disk
    /// is full or fails.
    pub fn save(&self, path: &Path) -> Result<PathBuf> {
        let parts = ArtifactParts {
            model: &self.artifact.model,
            schema: &self.predictor.schema,
            reference: &self.artifact.reference,
            record: &self.artifact.record()?,
            report_html: &self.artifact.report_html,
        };
        if path.extension().is_some_and(|extension| extension == "mw") {
            check_model_file(path)?;
            write_artifact(path, &parts)?;
            return Ok(path.to_owned());
        }
        let [model, ..] = OutputFolder::prepare(path)?.write(&parts)?;
        Ok(model)
    }

    /// The target as it is read where answers are known: as training knew it. Two classes `0` and
    /// `1` are read as text, because other files call them `false` and `true`.
    pub(crate) fn target_field(record: &RunRecord) -> Field {
        let target = &record.task.target;
        let are_bits = record.task.classes.len() == 2
            && record.task.classes.iter().all(|label| label == "0" || label == "1");
        let as_trained = record.schema.field(target).filter(|_| !are_bits).cloned();
        as_trained.unwrap_or_else(|| Field::new(target, Storage::String, Kind::Category))
    }

    /// Adds the column `name` as training knew it, or as text.
    pub(crate) fn add_column(schema: &mut Schema, training: &Schema, name: &str) {
        if schema.field(name).is_none() {
            let field = training.field(name).cloned();
            let plain = || Field::new(name, Storage::String, Kind::Category);
            schema.fields.push(field.unwrap_or_else(plain));
        }
    }
}
