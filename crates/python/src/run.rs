//! Fit, plan, replay and profile: a table or a file in, a model or a document out.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use modelwright::asked::{self, Asked};
use modelwright::automl::whole_file::AllRows;
use modelwright::automl::{FitOutcome, Own, Purpose};
use modelwright::evaluate::MetricEntry;
use modelwright::inspect::{profile_html, profile_text};
use modelwright::io::{ReadOptions, TableFile};
use modelwright::lifecycle::artifact::read_record;
use modelwright::lifecycle::import::{ImportOptions, Naming};
use modelwright::looking::{Wish, look};
use modelwright::repeat::{check_repeatable, input_of_record, repeat, time_limit};
use modelwright::run_end::fit_end;
use modelwright::{
    Continuing, OutputFolder, Rows, machine, read_test, read_train, read_train_as,
    read_within_limits, tell_sample,
};
use modelwright_core::context::{Decisions, Event, Progress, Settings};
use modelwright_core::data::Schema;
use modelwright_core::record::{Options, RunRecord, TextLayout};
use modelwright_core::{Context, Error, Result};
use pyo3::prelude::*;
use serde_json::json;

use crate::account::{Kept, Says, noting, warning};
use crate::context::shared;
use crate::error::{Realm, json as to_json, raise};
use crate::model::Model;
use crate::own;
use crate::own_learner;
use crate::table::Table;
use crate::watch;

/// Options by name; a switch has no value.
pub(crate) type Given = Vec<(String, Option<String>)>;

/// A table, or a file to be read by the engine.
#[derive(FromPyObject)]
pub(crate) enum Data {
    Table(Py<Table>),
    Path(PathBuf),
}

/// The same, for another thread.
pub(crate) enum Input {
    Table(Py<Table>),
    Path(PathBuf),
}

impl From<Data> for Input {
    fn from(data: Data) -> Self {
        match data {
            Data::Table(table) => Self::Table(table),
            Data::Path(path) => Self::Path(path),
        }
    }
}

impl Input {
    fn train(&self, text: &TextLayout, ctx: &Context) -> Result<TableFile> {
        match self {
            Self::Path(path) => read_train(path, text, ctx),
            Self::Table(table) => {
                let file = table.get().take_for_run(None, ctx)?;
                file.source.notes.iter().for_each(|n| ctx.tell(Event::Note(n.clone())));
                Ok(file)
            }
        }
    }

    /// As [`Self::train`], with the columns of the model that is continued, if one is.
    fn train_as(
        &self,
        earlier: Option<&Continuing>,
        text: &TextLayout,
        ctx: &Context,
    ) -> Result<TableFile> {
        match (self, earlier) {
            (_, None) => self.train(text, ctx),
            (Self::Path(path), Some(earlier)) => read_train_as(path, text, &earlier.schema, ctx),
            (Self::Table(table), Some(earlier)) => {
                table.get().take_for_run(Some(earlier.schema.clone()), ctx)
            }
        }
    }

    fn test(&self, text: &TextLayout, train: &TableFile, ctx: &Context) -> Result<TableFile> {
        match self {
            Self::Path(path) => read_test(path, text, train, ctx),
            Self::Table(table) => {
                let schema: Schema = train.schema.clone();
                table.get().take_for_run(Some(schema), ctx).map_err(|e| e.at("test"))
            }
        }
    }

    /// The rows of a file, for a last fit when they do not fit in memory.
    fn all_rows(&self, text: &TextLayout) -> Option<Arc<dyn AllRows>> {
        match self {
            Self::Path(path) => modelwright::all_rows(path, text),
            Self::Table(_) => None,
        }
    }

    /// The rows as the engine takes them from several places at once; `name` is what the table is
    /// called.
    pub(crate) fn rows(&self, name: &str) -> Result<Rows> {
        Ok(match self {
            Self::Path(path) => Rows::File(path.clone()),
            Self::Table(table) => table.get().rows(name)?,
        })
    }

    fn shown(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Table(_) => "the table".to_owned(),
        }
    }
}

/// The clock when the call began, `ago_s` seconds before now.
#[expect(clippy::disallowed_methods, reason = "the call begins before there is a Context")]
fn began(ago_s: f64) -> Instant {
    let now = Instant::now();
    let ago = Duration::try_from_secs_f64(ago_s).unwrap_or_default();
    now.checked_sub(ago).unwrap_or(now)
}

/// What a run of this process is limited to or repeats.
pub(crate) struct Limits {
    started: Instant,
    threads: usize,
    time: Option<Duration>,
    memory_bytes: Option<u64>,
    seed: u64,
    replay: Option<Decisions>,
}

impl Limits {
    /// Neither of time nor of memory.
    pub(crate) fn none(seed: u64, threads: usize) -> Self {
        let started = began(0.0);
        Self { started, threads, time: None, memory_bytes: None, seed, replay: None }
    }

    /// Of time and memory.
    pub(crate) fn within(self, time: Duration, memory_bytes: Option<u64>) -> Self {
        Self { time: Some(time), memory_bytes, ..self }
    }

    pub(crate) fn context(
        self,
        events: Box<dyn Progress>,
        cancel: Arc<AtomicBool>,
    ) -> Result<Context> {
        Context::new(Settings {
            seed: self.seed,
            threads: self.threads,
            started: self.started,
            time_limit: self.time,
            memory_limit_bytes: self.memory_bytes,
            memory_in_use: machine::memory_in_use,
            cancel,
            progress: events,
            replay: self.replay,
        })
    }

    fn of_options(options: &Options, threads: Option<usize>, started: Instant) -> Self {
        Self {
            started,
            threads: threads.unwrap_or(0),
            time: options.time_limit_s.map(Duration::from_secs_f64),
            memory_bytes: options.memory_limit_bytes,
            seed: options.seed,
            replay: None,
        }
    }
}

/// Reads what was asked.
fn ask(py: Python<'_>, verb: &str, mut given: Given) -> PyResult<Asked> {
    // No time limit is one that is never reached: the flag knows no word for it.
    let endless =
        given.iter().position(|(name, value)| name == "time" && value.as_deref() == Some("none"));
    endless.map(|at| given.remove(at));
    let asked = asked::options(verb, &given).map_err(|e| raise(py, &e, Realm::Option));
    let mut asked = asked?;
    if endless.is_some() {
        asked.options.time_limit_s = None;
    }
    Ok(asked)
}

/// What is said of a table of text.
pub(crate) fn text_layout(py: Python<'_>, mut text: Given) -> PyResult<TextLayout> {
    // It is asked as a fit asks it, of any target.
    text.push(("target".to_owned(), Some("y".to_owned())));
    Ok(ask(py, "fit", text)?.options.text)
}

/// What a fit has besides its options and its data, as Python says it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Beside<'py> {
    own: Option<own::Given<'py>>,
    /// Where the run is written down.
    kept: Kept,
    /// The folder that takes the outputs.
    out: Option<PathBuf>,
    /// The model that rounds are added to.
    continued: Option<PathBuf>,
    began_ago_s: f64,
}

/// Fits; returns the model and whether it was asked to end early.
#[pyfunction]
#[pyo3(signature = (verb, given, data, test, beside, on_event))]
pub(crate) fn fit(
    py: Python<'_>,
    verb: &str,
    given: Given,
    data: Data,
    test: Option<Data>,
    beside: Beside<'_>,
    on_event: Option<Py<PyAny>>,
) -> PyResult<(Model, bool)> {
    let Asked { mut options, threads } = ask(py, verb, given)?;
    let (own, raised) = owned(py, beside.own)?;
    let by_loss = raised.clone();
    options.own = own.parts();
    let kind = if verb == "train" { "train" } else { "fit" };
    let Beside { kept, out, began_ago_s, .. } = beside;
    let earlier = earlier(py, beside.continued)?;
    let completed = earlier.as_ref().map(|earlier| earlier.complete(&mut options)).transpose();
    completed.map_err(|e| raise(py, &e, Realm::Option))?;
    let limits = Limits::of_options(&options, threads, began(began_ago_s));
    let (data, test) = (Input::from(data), test.map(Input::from));
    let created = machine::utc_now();
    let work = move |events, cancel| {
        let ctx = limits.context(events, cancel)?;
        let (note, warn) = (noting(&ctx), warning(&ctx));
        let mut account = kept.begin((kind, &options), out.as_deref(), &created, &warn)?;
        let account_of = &mut account.run;
        let work = || {
            ctx.tell(Event::Phase("read".to_owned()));
            let train = data.train_as(earlier.as_ref(), &options.text, &ctx)?;
            let test = test.map(|t| t.test(&options.text, &train, &ctx)).transpose()?;
            let all_rows = data.all_rows(&options.text).filter(|_| earlier.is_none());
            let mut input = modelwright::input_of(train, test, options);
            input.own = own.clone();
            input.own.continued = earlier.map(|earlier| earlier.earlier);
            input.all_rows = all_rows;
            account_of.keep_data((&input.table, &input.source), &ctx, &warn);
            let mut outcome = modelwright::fit(input, &ctx)?;
            ctx.tell(Event::Phase("pack".to_owned()));
            outcome.record.clock.created.clone_from(&created);
            machine::complete(&mut outcome.record.clock, &ctx);
            own::check(&outcome.record, &raised)?;
            Ok((with_metric(packed(&outcome)?, &own), outcome.record))
        };
        let done: Result<(Packed, RunRecord)> = work();
        let took_s = ctx.elapsed().as_secs_f64();
        let end = done.as_ref().map(|((bytes, _), record)| (fit_end(record, None), &bytes[..]));
        account.end(end, took_s, &Says { note: &note, warn: &warn })?;
        Ok(done?.0)
    };
    let done = finish(py, work, on_event);
    by_loss.by_loss().map_or(done, Err)
}

/// The model that a run adds rounds to, if one is named.
fn earlier(py: Python<'_>, path: Option<PathBuf>) -> PyResult<Option<Continuing>> {
    let load = || path.as_deref().map(Continuing::load).transpose();
    py.detach(load).map_err(|e| raise(py, &e, Realm::Artifact))
}

/// The parts of Python's own; none for most runs.
fn owned(py: Python<'_>, given: Option<own::Given<'_>>) -> PyResult<(Own, own::Raised)> {
    let own = given.map_or(Ok(<(Own, own::Raised)>::default()), own::Given::own);
    own.map_err(|e| raise(py, &e, Realm::Option))
}

/// The model with the metric of its user's own at hand.
fn with_metric((bytes, mut model): Packed, own: &Own) -> Packed {
    let predictor = &model.predictor;
    let of = |metric| MetricEntry::of_own(metric, predictor.task, &predictor.classes);
    model.own_metric = own.metric.as_ref().map(|(metric, _)| of(metric.clone()));
    (bytes, model)
}

/// Repeats a run; the model's bytes come out the same.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "Python passes them by name")]
#[pyo3(signature = (record, data, test, own, threads, on_event, continued = None))]
pub(crate) fn replay(
    py: Python<'_>,
    record: PathBuf,
    data: Data,
    test: Option<Data>,
    own: Option<own::Given<'_>>,
    threads: usize,
    on_event: Option<Py<PyAny>>,
    continued: Option<PathBuf>,
) -> PyResult<(Model, bool)> {
    let earlier = earlier(py, continued)?;
    let record: RunRecord = read_record(&record).map_err(|e| raise(py, &e, Realm::Artifact))?;
    let (own, _) = owned(py, own)?;
    let doubt = check_repeatable(&record).map_err(|e| raise(py, &e, Realm::Artifact))?;
    let limits = Limits {
        started: began(0.0),
        threads,
        time: time_limit(&record),
        memory_bytes: record.options.memory_limit_bytes,
        seed: record.options.seed,
        replay: Some(record.decisions.clone()),
    };
    let (data, test) = (Input::from(data), test.map(Input::from));
    let work = move |events: Box<dyn Progress>, cancel| {
        let ctx = limits.context(events, cancel)?;
        if let Some(text) = doubt {
            ctx.tell(Event::Warning(text));
        }
        ctx.tell(Event::Phase("read".to_owned()));
        let text = &record.options.text;
        let known = earlier.as_ref().filter(|_| record.options.continued.is_some());
        let train = data.train_as(known, text, &ctx)?;
        let test = match test {
            Some(test) if record.test_data.is_some() => {
                Some((test.test(text, &train, &ctx)?, test.shown()))
            }
            Some(test) => Some((train.clone(), test.shown())),
            None => None,
        };
        let mut input = input_of_record(&record, (train, data.shown()), test)?;
        input.own = own.clone();
        input.all_rows = data.all_rows(text).filter(|_| record.options.continued.is_none());
        input.own.continued = earlier.map(|earlier| earlier.earlier);
        Ok(with_metric(packed(&repeat(&record, input, &ctx)?)?, &own))
    };
    finish(py, work, on_event)
}

/// A `time` in seconds, a `latency` in microseconds or a `size` in bytes, of the keyword `name`, as
/// the command line reads it.
#[pyfunction]
pub(crate) fn quantity(py: Python<'_>, kind: &str, name: &str, text: &str) -> PyResult<f64> {
    let read = asked::quantity(kind, text).map_err(|e| e.at(name).got(text));
    read.map_err(|e| raise(py, &e, Realm::Option))
}

/// What errors cost, as the command line reads it.
#[pyfunction]
pub(crate) fn costs_of(py: Python<'_>, text: &str) -> PyResult<Vec<(String, f64)>> {
    asked::costs(text).map_err(|e| raise(py, &e.at("cost"), Realm::Option))
}

/// What a recorded run was asked, as JSON.
#[pyfunction]
pub(crate) fn options_of_record(py: Python<'_>, record: PathBuf) -> PyResult<String> {
    let record = read_record(&record).map_err(|e| raise(py, &e, Realm::Artifact))?;
    to_json(py, &record.options)
}

type Packed = (Vec<u8>, modelwright::Model);

/// The bytes of an artifact, and the model as it is read back from them: what is used is what is
/// stored.
pub(crate) fn packed(outcome: &FitOutcome) -> Result<Packed> {
    let bytes = modelwright::pack(outcome)?;
    let mut model = modelwright::Model::open_bytes(&bytes)?;
    own_learner::wake(&mut model)?;
    Ok((bytes, model))
}

fn finish(
    py: Python<'_>,
    work: impl FnOnce(Box<dyn Progress>, Arc<AtomicBool>) -> Result<Packed> + Send + 'static,
    on_event: Option<Py<PyAny>>,
) -> PyResult<(Model, bool)> {
    let watched = watch::begin(work).map_err(|e| raise(py, &e, Realm::Data))?;
    let ended = watched.wait(py, on_event.as_ref(), Realm::Data)?;
    let (bytes, model) = ended.value;
    Ok((Model::new(bytes, model), ended.was_interrupted))
}

/// What a fit would do, as JSON.
#[pyfunction]
#[pyo3(signature = (verb, given, data, test, own, on_event))]
pub(crate) fn plan(
    py: Python<'_>,
    verb: &str,
    given: Given,
    data: Data,
    test: Option<Data>,
    own: Option<own::Given<'_>>,
    on_event: Option<Py<PyAny>>,
) -> PyResult<String> {
    let Asked { mut options, threads } = ask(py, verb, given)?;
    let (own, _) = owned(py, own)?;
    options.own = own.parts();
    let limits = Limits::of_options(&options, threads, began(0.0));
    let (data, test) = (Input::from(data), test.map(Input::from));
    let work = move |events: Box<dyn Progress>, cancel| {
        let ctx = limits.context(events, cancel)?;
        ctx.tell(Event::Phase("read".to_owned()));
        let train = data.train(&options.text, &ctx)?;
        let test = test.map(|t| t.test(&options.text, &train, &ctx)).transpose()?;
        let all_rows = data.all_rows(&options.text);
        let mut input = modelwright::input_of(train, test, options);
        input.own = own.clone();
        input.all_rows = all_rows;
        modelwright::plan(input, &ctx)
    };
    let watched = watch::begin(work).map_err(|e| raise(py, &e, Realm::Data))?;
    let ended = watched.wait(py, on_event.as_ref(), Realm::Data)?;
    to_json(py, &ended.value)
}

/// What a look at a table may take, as Python says it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct LookLimits {
    seed: u64,
    /// 0 for all processors.
    threads: usize,
    /// None for what is free.
    memory_bytes: Option<u64>,
}

/// The profile of a table: as JSON, as an HTML page, as text.
#[pyfunction]
#[pyo3(signature = (data, target, kinds, limits, text, on_event))]
pub(crate) fn profile(
    py: Python<'_>,
    data: Data,
    target: Option<String>,
    kinds: Vec<(String, String)>,
    limits: LookLimits,
    text: Given,
    on_event: Option<Py<PyAny>>,
) -> PyResult<(String, String, String)> {
    let text = text_layout(py, text)?;
    let LookLimits { seed, threads, memory_bytes } = limits;
    let mut wish = Wish { target, seed, ..Wish::default() };
    for (column, kind) in kinds {
        let kind = kind.parse().map_err(|e: Error| raise(py, &e.at("kind"), Realm::Option))?;
        wish.kinds.insert(column, kind);
    }
    let (data, started) = (Input::from(data), began(0.0));
    let work = move |events: Box<dyn Progress>, cancel| {
        let memory_bytes = memory_bytes.or_else(machine::default_memory_limit);
        let (time, replay) = (None, None);
        let limits = Limits { started, threads, time, memory_bytes, seed, replay };
        let ctx = limits.context(events, cancel)?;
        ctx.tell(Event::Phase("read".to_owned()));
        let to = if wish.target.is_some() { Purpose::Learn } else { Purpose::Look };
        let file = match &data {
            Input::Table(_) => data.train(&text, &ctx)?,
            Input::Path(path) => {
                read_within_limits(path, ReadOptions::of_text(&text)?, to, "read", &ctx)?
            }
        };
        tell_sample(&file.source, &ctx);
        let source = file.source.clone();
        let (profile, leakage) = look(file, wish, &ctx)?;
        let document = json!({ "source": source, "profile": profile, "leakage": leakage });
        let html = profile_html(&source, &profile, &leakage);
        let text = profile_text(&source, &profile, &leakage);
        Ok((document.to_string(), html, text))
    };
    let watched = watch::begin(work).map_err(|e| raise(py, &e, Realm::Data))?;
    Ok(watched.wait(py, on_event.as_ref(), Realm::Data)?.value)
}

/// Makes sure that a folder can take a fit's outputs.
#[pyfunction]
pub(crate) fn check_output(py: Python<'_>, folder: PathBuf) -> PyResult<()> {
    OutputFolder::prepare(folder).map(drop).map_err(|e| raise(py, &e, Realm::Option))
}

/// The names of the columns of a file, by its first row.
#[pyfunction]
pub(crate) fn columns_of(py: Python<'_>, path: PathBuf) -> PyResult<Vec<String>> {
    let read = || modelwright::io::column_names(&path, &ReadOptions::default(), &shared(1)?);
    py.detach(read).map_err(|e: Error| raise(py, &e, Realm::Data))
}

/// A model of the bytes of another library's model file.
#[expect(clippy::too_many_arguments, reason = "Python passes them by name")]
#[pyfunction]
#[pyo3(signature = (bytes, file_name, target, classes, categories, columns, rounds))]
pub(crate) fn import_model(
    py: Python<'_>,
    bytes: Vec<u8>,
    file_name: &str,
    target: String,
    classes: Option<Vec<String>>,
    categories: Option<Vec<String>>,
    columns: Vec<String>,
    rounds: Option<usize>,
) -> PyResult<Model> {
    let options = ImportOptions { category_columns: categories, rounds };
    let naming = Naming { target, classes };
    let read = || {
        let mut imported = modelwright::import(&bytes, file_name, &options, &naming, &columns)?;
        imported.record.clock.created = machine::utc_now();
        let bytes = imported.pack()?;
        let model = modelwright::Model::of_bytes(&bytes)?;
        Ok(Model::new(bytes, model))
    };
    py.detach(read).map_err(|e: Error| raise(py, &e, Realm::Artifact))
}
