//! A fitted model, in the hands of Python.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use modelwright::assess::{Assessment, CompareOptions, assess, beside_chance, compare_models};
use modelwright::automl::unusual::words;
use modelwright::automl::{Purpose, Regions, RowMemory};
use modelwright::inspect::{annex_iv, model_card, model_card_json, report_json, report_markdown};
use modelwright::io::{ReadOptions, read_path};
use modelwright::labelled::{Labelled, label_table, labelled_schema, predict_labelled_by};
use modelwright::run_end::{audit_end, evaluation_end};
use modelwright::{Audited, RunAccount, audit_rows, later_report_of, read_within_limits};
use modelwright_core::data::{RawRow, Schema, Table as Rows};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use serde_json::json;

use crate::account::{Kept, Looked, look};
use crate::context::{seeded, shared};
use crate::error::{Realm, json as to_json, raise};
use crate::object::ObjectColumn;
use crate::own_learner;
use crate::pickle::{Reduced, reduced};
use crate::run::{Data, Given, Input, text_layout};
use crate::table::Table;

/// A model and the bytes that it is stored as.
#[pyclass(frozen, module = "modelwright._modelwright")]
pub(crate) struct Model {
    bytes: Vec<u8>,
    loaded: modelwright::Model,
    /// The columns that a prediction reads.
    schema: Schema,
    /// For single rows; one for each thread that predicts one just now.
    row_memory: Mutex<Vec<(RawRow, RowMemory)>>,
}

/// Threads that predict single rows at a time and find their memory again.
const N_ROWS_KEPT: usize = 16;

/// Predictions of some rows: outputs, and what the user should know of them.
type Predicted<'py> = (Bound<'py, PyArray2<f64>>, Option<String>);

/// Level, then the low and high ends of intervals.
type Level<'py> = (f64, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

#[pymethods]
impl Model {
    /// Reads a `model.mw` or a fit's folder; `trust` unpickles parts that are Python's.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf, trust: bool) -> PyResult<Self> {
        let read = || {
            let model = ready(modelwright::Model::open(path)?, trust)?;
            let bytes = std::fs::read(&model.path).map_err(|e| {
                Error::work("cannot read the file").at(model.path.display().to_string()).because(e)
            })?;
            Ok(Self::new(bytes, model))
        };
        py.detach(read).map_err(|e: Error| raise(py, &e, Realm::Artifact))
    }

    /// Reads the bytes of a `model.mw`, as [`Self::load`]. Without a word it trusts them: that is
    /// how pickle calls it, which runs code in any case.
    #[staticmethod]
    #[pyo3(signature = (bytes, trust = true))]
    fn from_bytes(py: Python<'_>, bytes: Vec<u8>, trust: bool) -> PyResult<Self> {
        let model = py.detach(|| ready(modelwright::Model::open_bytes(&bytes)?, trust));
        let model = model.map_err(|e| raise(py, &e, Realm::Artifact))?;
        Ok(Self::new(bytes, model))
    }

    /// The bytes of the `model.mw`.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.bytes)
    }

    /// How pickle and copy make it again: from the artifact's bytes.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        reduced(slf, Ok(&slf.get().bytes))
    }

    /// The same model, for files of text of which something is known.
    fn with_text(&self, py: Python<'_>, text: Given) -> PyResult<Self> {
        let text = text_layout(py, text)?;
        let again = || {
            // Parts that are Python's run already.
            let mut model = ready(modelwright::Model::open_bytes(&self.bytes)?, true)?;
            model.path.clone_from(&self.loaded.path);
            model.own_metric = self.loaded.own_metric;
            Ok(Self::new(self.bytes.clone(), model.with_text(text)))
        };
        py.detach(again).map_err(|e: Error| raise(py, &e, Realm::Artifact))
    }

    /// Writes the artifact, or a folder as `fit` does; returns the artifact's path.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<PathBuf> {
        py.detach(|| self.loaded.save(&path)).map_err(|e| raise(py, &e, Realm::Option))
    }

    /// The manifest as JSON.
    fn manifest(&self, py: Python<'_>) -> PyResult<String> {
        to_json(py, &self.loaded.artifact.manifest)
    }

    /// The run's account as JSON.
    fn record(&self) -> String {
        String::from_utf8_lossy(&self.loaded.artifact.record_json).into_owned()
    }

    /// The report in one of its forms.
    fn report(&self, py: Python<'_>, form: &str) -> PyResult<String> {
        let record = || self.loaded.artifact.record().map_err(|e| raise(py, &e, Realm::Artifact));
        match form {
            "markdown" => Ok(report_markdown(&record()?)),
            "json" => Ok(report_json(&record()?)),
            "model-card" => Ok(model_card(&record()?)),
            "model-card-json" => Ok(model_card_json(&record()?)),
            "annex-iv" => Ok(annex_iv(&record()?)),
            _ => Ok(self.loaded.artifact.report_html.clone()),
        }
    }

    /// The labels in class order; none for a regression.
    #[getter]
    fn classes(&self) -> Vec<String> {
        self.loaded.predictor.classes.clone()
    }

    /// The target column.
    #[getter]
    fn target(&self) -> String {
        self.loaded.predictor.target.clone()
    }

    /// `binary`, `multiclass` or `regression`.
    #[getter]
    fn task(&self) -> &'static str {
        self.loaded.predictor.task.name()
    }

    /// The metric that was optimised.
    #[getter]
    fn metric(&self) -> String {
        self.loaded.predictor.metric.clone()
    }

    /// Whether more of the metric is better.
    #[getter]
    fn larger_is_better(&self) -> bool {
        let metric = modelwright::evaluate::metric::metric(&self.loaded.predictor.metric);
        // A metric of its user's own is known to the record alone.
        let of_record = || self.loaded.artifact.record().map(|r| r.task.larger_is_better);
        metric.map_or_else(|_| of_record().unwrap_or(false), |m| m.spec.larger_is_better)
    }

    /// The columns that a prediction reads, in training order.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.schema.fields.iter().map(|f| f.name.clone()).collect()
    }

    /// The score above which an isolation forest calls a row unusual; none of other models.
    #[getter]
    fn anomaly_threshold(&self) -> Option<f64> {
        self.loaded.predictor.anomaly_threshold()
    }

    /// The levels of the model's intervals or sets.
    #[getter]
    fn levels(&self) -> Vec<f64> {
        self.loaded.predictor.levels().to_vec()
    }

    /// One number for each row and output: values, or the probability of every class.
    fn outputs<'py>(
        &self,
        py: Python<'py>,
        data: Data,
        threads: usize,
    ) -> PyResult<Predicted<'py>> {
        let done = py.detach(|| {
            let ctx = shared(threads)?;
            let (rows, warning) = self.rows(&data, &ctx)?;
            Ok((self.predict(&rows, &ctx)?, warning))
        });
        let (predictions, warning) = done.map_err(|e: Error| raise(py, &e, Realm::Data))?;
        Ok((whole(py, predictions, self.loaded.predictor.classes.len())?, warning))
    }

    /// The place of the class that is decided for, in every row.
    fn decisions<'py>(
        &self,
        py: Python<'py>,
        data: Data,
        threads: usize,
    ) -> PyResult<(Bound<'py, PyArray1<i64>>, Option<String>)> {
        let done = py.detach(|| {
            let ctx = shared(threads)?;
            let (rows, warning) = self.rows(&data, &ctx)?;
            let predictions = self.predict(&rows, &ctx)?;
            Ok((self.loaded.predictor.decide(&rows, &predictions), warning))
        });
        let (codes, warning) = done.map_err(|e: Error| raise(py, &e, Realm::Data))?;
        let codes: Vec<i64> = codes.into_iter().map(i64::from).collect();
        Ok((PyArray1::from_vec(py, codes), warning))
    }

    /// Intervals of every level: `(level, low, high)`.
    fn intervals<'py>(
        &self,
        py: Python<'py>,
        data: Data,
        threads: usize,
    ) -> PyResult<Vec<Level<'py>>> {
        let Regions::Intervals(levels) = self.regions(py, &data, threads)? else {
            return Err(raise(py, &not_of(self.task(), "intervals", "sets"), Realm::Option));
        };
        let of = |l: modelwright::automl::LevelIntervals| {
            let low = l.intervals.iter().map(|i| i.low).collect();
            let high = l.intervals.iter().map(|i| i.high).collect();
            (l.level, PyArray1::from_vec(py, low), PyArray1::from_vec(py, high))
        };
        Ok(levels.into_iter().map(of).collect())
    }

    /// How unusual each row is, and what makes it so.
    fn unusual<'py>(
        &self,
        py: Python<'py>,
        data: Data,
        threads: usize,
    ) -> PyResult<(Bound<'py, PyArray1<f64>>, Vec<String>)> {
        let usual = self.loaded.usual().map_err(|e| raise(py, &e, Realm::Option))?;
        let done = py.detach(|| {
            let ctx = shared(threads)?;
            let (rows, _) = self.rows(&data, &ctx)?;
            Ok(ctx.install(|| usual.of_rows(&rows, &ctx)))
        });
        let found = done.map_err(|e: Error| raise(py, &e, Realm::Data))?;
        let scores = found.iter().map(|row| 1.0 - row.p_value).collect();
        Ok((PyArray1::from_vec(py, scores), found.iter().map(words).collect()))
    }

    /// Sets of every level: `(level, whether each class is in it)`.
    fn sets<'py>(
        &self,
        py: Python<'py>,
        data: Data,
        threads: usize,
    ) -> PyResult<Vec<(f64, Bound<'py, PyArray2<bool>>)>> {
        let Regions::Sets(levels) = self.regions(py, &data, threads)? else {
            return Err(raise(py, &not_of(self.task(), "sets", "intervals"), Realm::Option));
        };
        let of = |l: modelwright::automl::LevelSets| {
            let n_rows = l.members.len() / l.n_classes.max(1);
            let members = PyArray1::from_vec(py, l.members).reshape([n_rows, l.n_classes])?;
            Ok((l.level, members))
        };
        levels.into_iter().map(of).collect()
    }

    /// The outputs of one row, given by the names of its columns.
    fn one_row(&self, py: Python<'_>, row: &Bound<'_, PyDict>) -> PyResult<(Vec<f64>, usize)> {
        let mut columns = Vec::with_capacity(self.schema.fields.len());
        for field in &self.schema.fields {
            if let Some(value) = row.get_item(&field.name)? {
                let mut column = ObjectColumn::new(&field.name);
                column.push(&value).map_err(|e| raise(py, &e, Realm::Data))?;
                columns.push(column.finish());
            }
        }
        let predict = || {
            let ctx = shared(1)?;
            let table = modelwright::io::conform_in_memory(columns, &self.schema)?;
            self.loaded.absent_columns(&table)?;
            let predictions = self.predict_row(&table, &ctx)?;
            let is_class = !self.loaded.predictor.classes.is_empty();
            let decide = || self.loaded.predictor.decide(&table, &predictions)[0] as usize;
            let decided = if is_class { decide() } else { 0 };
            Ok((spread(predictions, self.loaded.predictor.classes.len()), decided))
        };
        py.detach(predict).map_err(|e: Error| raise(py, &e, Realm::Data))
    }

    /// How good the model is on rows with answers: the document of `evaluate --json`. With some
    /// `permutations`, also beside what chance gives; also by the values of the columns `by`.
    fn evaluate(
        &self,
        py: Python<'_>,
        rows: (Data, String, Py<PyAny>),
        asked: (usize, Vec<String>),
        run: (usize, u64),
        kept: Kept,
    ) -> PyResult<Looked<String>> {
        let done = py.detach(|| {
            let ctx = seeded(run)?;
            let ((data, name, again), (permutations, by)) = (rows, asked);
            let told = json!({ "model": self.loaded.path, "data": name, "by": by });
            let find = |account: &mut RunAccount, warn: &dyn Fn(&str)| {
                let rows = self.labelled(&data, &name, &by, &ctx)?;
                let mut found = assess(&self.loaded, &rows, &ctx)?;
                if permutations > 0 {
                    found.chance = Some(beside_chance(&self.loaded, &rows, permutations, &ctx)?);
                }
                let sha256 = self.keep_rows(account, (&data, &name, &again), warn, &ctx)?;
                Ok((found, rows.sha256.clone().or(sha256)))
            };
            let place = (kept, ("evaluate", &told), &*self.bytes);
            let ((found, _), warnings) = look(place, find, |found: &(Assessment, _)| {
                evaluation_end(&self.loaded, &found.0.evaluation, found.1.as_deref())
            })?;
            Ok((found.json(&self.loaded.predictor)?, warnings))
        });
        done.map_err(|e: Error| raise(py, &e, Realm::Data))
    }

    /// The report of the fit about rows with answers: the page of `evaluate --report`.
    fn later_report(
        &self,
        py: Python<'_>,
        data: Data,
        name: &str,
        run: (usize, u64),
    ) -> PyResult<String> {
        let done = py.detach(|| {
            let ctx = seeded(run)?;
            let read = |options: ReadOptions| match &data {
                Data::Table(table) => {
                    let mut file = table.get().take(options.schema, &ctx)?;
                    name.clone_into(&mut file.source.name);
                    Ok(file)
                }
                Data::Path(path) => read_within_limits(path, options, Purpose::Learn, "read", &ctx),
            };
            later_report_of(&self.loaded, read, name, &ctx)
        });
        done.map_err(|e: Error| raise(py, &e, Realm::Data))
    }

    /// Whether the model treats groups alike: as JSON and as a page.
    fn audit(
        &self,
        py: Python<'_>,
        rows: (Data, String, Py<PyAny>),
        asked: (Vec<String>, usize),
        run: (usize, u64),
        kept: Kept,
    ) -> PyResult<Looked<(String, String)>> {
        let done = py.detach(|| {
            let ctx = seeded(run)?;
            let ((data, name, again), (sensitive, min_group)) = (rows, asked);
            let read = |options: ReadOptions| match &data {
                Data::Table(table) => table.get().take(options.schema, &ctx),
                Data::Path(path) => read_path(path, &options, &ctx),
            };
            let told = json!({
                "model": self.loaded.path, "data": name, "sensitive": sensitive,
                "min_group": min_group,
            });
            let find = |account: &mut RunAccount, warn: &dyn Fn(&str)| {
                let found = audit_rows(&self.loaded, read, (&sensitive, min_group), &ctx)?;
                let sha256 = self.keep_rows(account, (&data, &name, &again), warn, &ctx)?;
                let own = Some(found.sha256.clone()).filter(|own| !own.is_empty());
                Ok((found, own.or(sha256)))
            };
            let place = (kept, ("audit", &told), &*self.bytes);
            let ((found, _), warnings) = look(place, find, |done: &(Audited, Option<String>)| {
                audit_end(&self.loaded, &done.0.found, done.1.as_deref())
            })?;
            Ok(((found.document(), found.html()), warnings))
        });
        done.map_err(|e: Error| raise(py, &e, Realm::Data))
    }

    /// Whether this model or another is better on the same rows, as JSON; `weighed` are the largest
    /// difference that is none for practical purposes, and what errors cost.
    fn compare(
        &self,
        py: Python<'_>,
        other: &Bound<'_, Self>,
        data: Data,
        again: Data,
        weighed: (Option<f64>, Option<BTreeMap<String, f64>>),
        run: (usize, u64),
    ) -> PyResult<String> {
        let asked = CompareOptions { rope: weighed.0, costs: weighed.1 };
        let other = other.get();
        let done = py.detach(|| {
            let ctx = seeded(run)?;
            let own = self.labelled(&data, "the table", &[], &ctx)?;
            let others = other.labelled(&again, "the table", &[], &ctx)?;
            let pair = ((&self.loaded, &own), (&other.loaded, &others));
            let all = compare_models(pair.0, pair.1, &asked, &ctx)?;
            let first = all.first();
            Ok(json!({
                "n_rows": own.truth.n_rows(),
                "verdict": first.map(|c| &c.test.verdict),
                "significant": first.is_some_and(|c| c.test.is_significant()),
                "comparisons": &all,
            })
            .to_string())
        });
        done.map_err(|e: Error| raise(py, &e, Realm::Data))
    }
}

impl Model {
    pub(crate) fn new(bytes: Vec<u8>, model: modelwright::Model) -> Self {
        let schema = model.predictor.schema.clone();
        Self { bytes, loaded: model, schema, row_memory: Mutex::default() }
    }

    /// The model as the library holds it.
    pub(crate) fn loaded(&self) -> &modelwright::Model {
        &self.loaded
    }

    /// The bytes of the artifact.
    pub(crate) fn stored(&self) -> &[u8] {
        &self.bytes
    }

    /// As [`Self::rows`], in another thread.
    pub(crate) fn rows_of(&self, data: &Input, ctx: &Context) -> Result<(Rows, Option<String>)> {
        let file = match data {
            Input::Table(table) => table.get().take(Some(self.schema.clone()), ctx)?,
            Input::Path(path) => read_path(path, &self.loaded.read_options()?, ctx)?,
        };
        let warning = self.loaded.absent_columns(&file.table)?;
        Ok((file.table, warning))
    }

    /// The prediction of the one row of a table, in memory that the rows before it used.
    fn predict_row(&self, table: &Rows, ctx: &Context) -> Result<Predictions> {
        let kept = self.row_memory.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let predictor = &self.loaded.predictor;
        let (mut row, mut memory) =
            kept.unwrap_or_else(|| (RawRow::default(), predictor.row_memory()));
        row.take(table, 0, &predictor.schema);
        let predictions = predictor.predict_row(&row, &mut memory, ctx).cloned();
        let mut kept = self.row_memory.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < N_ROWS_KEPT {
            kept.push((row, memory));
        }
        predictions
    }

    /// The rows to predict, and what is to be known of their columns.
    pub(crate) fn rows(&self, data: &Data, ctx: &Context) -> Result<(Rows, Option<String>)> {
        let file = match data {
            Data::Table(table) => {
                table.get().take(Some(self.schema.clone()), ctx).map_err(|e| like(e, data))?
            }
            Data::Path(path) => read_path(path, &self.loaded.read_options()?, ctx)?,
        };
        let warning = self.loaded.absent_columns(&file.table).map_err(|e| like(e, data))?;
        Ok((file.table, warning))
    }

    fn predict(&self, rows: &Rows, ctx: &Context) -> Result<Predictions> {
        ctx.install(|| self.loaded.predictor.predict(rows, ctx))
    }

    fn regions(&self, py: Python<'_>, data: &Data, threads: usize) -> PyResult<Regions> {
        let done = py.detach(|| {
            let ctx = shared(threads)?;
            let (rows, _) = self.rows(data, &ctx)?;
            let predictions = self.predict(&rows, &ctx)?;
            self.loaded.predictor.regions(&rows, &predictions, &ctx)
        });
        let regions = done.map_err(|e: Error| raise(py, &e, Realm::Data))?;
        regions.ok_or_else(|| {
            let error = Error::input("the model has no intervals")
                .expected("a model that was fitted with them")
                .hint("fit it with intervals=0.9");
            raise(py, &error, Realm::Option)
        })
    }

    fn labelled(&self, data: &Data, name: &str, by: &[String], ctx: &Context) -> Result<Labelled> {
        match data {
            Data::Path(path) => predict_labelled_by(&self.loaded, path, by, ctx),
            Data::Table(table) => {
                let schema = labelled_schema(&self.loaded, by)?;
                let file = table.get().take(Some(schema), ctx)?;
                label_table(&self.loaded, file.table, name, by, ctx)
            }
        }
    }
}

impl Model {
    /// Keeps what the rows hold, where the run is written down; the SHA-256 of a table, which
    /// `again` gives once more: what was looked at is used up.
    fn keep_rows(
        &self,
        account: &mut RunAccount,
        (data, name, again): (&Data, &str, &Py<PyAny>),
        warn: &dyn Fn(&str),
        ctx: &Context,
    ) -> Result<Option<String>> {
        if account.id().is_none() {
            return Ok(None);
        }
        match data {
            Data::Path(path) => {
                account.keep_file((path, &self.loaded.text_layout()), ctx, warn);
                Ok(None)
            }
            Data::Table(_) => {
                let once_more = |py: Python<'_>| -> PyResult<Py<Table>> {
                    Ok(again.bind(py).call0()?.cast_into::<Table>()?.unbind())
                };
                let table = Python::attach(once_more)
                    .map_err(|e| Error::work("the table cannot be read again").because(e))?;
                let mut file = table.get().take_for_run(None, ctx)?;
                name.clone_into(&mut file.source.name);
                account.keep_data((&file.table, &file.source), ctx, warn);
                Ok(Some(file.source.sha256))
            }
        }
    }
}

/// The model, whose parts that are Python's predict if they may be unpickled.
///
/// # Errors
/// Input error when they may not, or cannot be read here.
fn ready(mut model: modelwright::Model, trust: bool) -> Result<modelwright::Model> {
    if trust {
        own_learner::wake(&mut model)?;
    }
    model.predictor.must_be_awake().map_err(|e| e.at(model.path.display().to_string()))?;
    Ok(model)
}

/// Adds the nearest name that the data have to the error of a missing column.
fn like(error: Error, data: &Data) -> Error {
    match (error.place().column.clone(), data) {
        (Some(column), Data::Table(table)) if error.what().contains("not there") => {
            error.suggest(&column, table.get().names().iter().map(String::as_str))
        }
        _ => error,
    }
}

fn not_of(task: &str, wanted: &str, has: &str) -> Error {
    Error::input(format!("a {task} model has no {wanted}")).hint(format!("it has {has}"))
}

/// Predictions with a column for each class also where a model stores only the positive one's.
fn spread(predictions: Predictions, n_classes: usize) -> Vec<f64> {
    if n_classes == 2 && predictions.n_outputs == 1 {
        return predictions.values.iter().flat_map(|p| [1.0 - p, *p]).collect();
    }
    predictions.values
}

/// As an array of shape `(n_rows, n_outputs)`.
pub(crate) fn whole(
    py: Python<'_>,
    predictions: Predictions,
    n_classes: usize,
) -> PyResult<Bound<'_, PyArray2<f64>>> {
    let n_rows = predictions.n_rows();
    let values = spread(predictions, n_classes);
    let n_outputs = values.len().checked_div(n_rows).unwrap_or(n_classes.max(1));
    PyArray1::from_vec(py, values).reshape([n_rows, n_outputs])
}
