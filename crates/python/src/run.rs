//! Fit, plan, replay and profile: a table or a file in, a model or a document out.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use modelwright::asked::{self, Asked};
use modelwright::automl::{FitOutcome, Purpose};
use modelwright::inspect::{profile_html, profile_text};
use modelwright::io::{ReadOptions, TableFile};
use modelwright::lifecycle::artifact::read_record;
use modelwright::lifecycle::import::{ImportOptions, Naming};
use modelwright::looking::{Wish, look};
use modelwright::repeat::{check_repeatable, input_of_record, repeat, time_limit};
use modelwright::{OutputFolder, machine, read_test, read_train, read_within_limits, tell_sample};
use modelwright_core::context::{Decisions, Event, Progress, Settings};
use modelwright_core::data::Schema;
use modelwright_core::record::{Options, RunRecord};
use modelwright_core::{Context, Error, Result};
use pyo3::prelude::*;
use serde_json::json;

use crate::error::{Realm, json as to_json, raise};
use crate::model::Model;
use crate::table::Table;
use crate::watch;

/// Options by name; a switch has no value.
type Given = Vec<(String, Option<String>)>;

/// A table, or a file to be read by the engine.
#[derive(FromPyObject)]
pub(crate) enum Data {
    Table(Py<Table>),
    Path(PathBuf),
}

/// The same, for another thread.
enum Input {
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
    fn train(&self, ctx: &Context) -> Result<TableFile> {
        match self {
            Self::Path(path) => read_train(path, ctx),
            Self::Table(table) => {
                let file = table.get().take_for_run(None, ctx)?;
                file.source.notes.iter().for_each(|n| ctx.tell(Event::Note(n.clone())));
                Ok(file)
            }
        }
    }

    fn test(&self, train: &TableFile, ctx: &Context) -> Result<TableFile> {
        match self {
            Self::Path(path) => read_test(path, train, ctx),
            Self::Table(table) => {
                let schema: Schema = train.schema.clone();
                table.get().take_for_run(Some(schema), ctx).map_err(|e| e.at("test"))
            }
        }
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
struct Limits {
    started: Instant,
    threads: usize,
    time: Option<Duration>,
    memory_bytes: Option<u64>,
    seed: u64,
    replay: Option<Decisions>,
}

impl Limits {
    fn context(self, events: Box<dyn Progress>, cancel: Arc<AtomicBool>) -> Result<Context> {
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

/// Fits; returns the model and whether it was asked to end early.
#[pyfunction]
#[pyo3(signature = (verb, given, data, test, began_ago_s, on_event))]
pub(crate) fn fit(
    py: Python<'_>,
    verb: &str,
    given: Given,
    data: Data,
    test: Option<Data>,
    began_ago_s: f64,
    on_event: Option<Py<PyAny>>,
) -> PyResult<(Model, bool)> {
    let Asked { options, threads } = ask(py, verb, given)?;
    let limits = Limits::of_options(&options, threads, began(began_ago_s));
    let (data, test) = (Input::from(data), test.map(Input::from));
    let created = machine::utc_now();
    let work = move |events, cancel| {
        let ctx = limits.context(events, cancel)?;
        ctx.tell(Event::Phase("read".to_owned()));
        let train = data.train(&ctx)?;
        let test = test.map(|t| t.test(&train, &ctx)).transpose()?;
        let mut outcome = modelwright::fit(modelwright::input_of(train, test, options), &ctx)?;
        ctx.tell(Event::Phase("pack".to_owned()));
        outcome.record.clock.created = created;
        machine::complete(&mut outcome.record.clock, &ctx);
        packed(&outcome)
    };
    finish(py, work, on_event)
}

/// Repeats a run; the model's bytes come out the same.
#[pyfunction]
#[pyo3(signature = (record, data, test, threads, on_event))]
pub(crate) fn replay(
    py: Python<'_>,
    record: PathBuf,
    data: Data,
    test: Option<Data>,
    threads: usize,
    on_event: Option<Py<PyAny>>,
) -> PyResult<(Model, bool)> {
    let record: RunRecord = read_record(&record).map_err(|e| raise(py, &e, Realm::Artifact))?;
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
        let train = data.train(&ctx)?;
        let test = match test {
            Some(test) if record.test_data.is_some() => {
                Some((test.test(&train, &ctx)?, test.shown()))
            }
            Some(test) => Some((train.clone(), test.shown())),
            None => None,
        };
        let input = input_of_record(&record, (train, data.shown()), test)?;
        packed(&repeat(&record, input, &ctx)?)
    };
    finish(py, work, on_event)
}

type Packed = (Vec<u8>, modelwright::Model);

/// The bytes of an artifact, and the model as it is read back from them: what is used is what is
/// stored.
fn packed(outcome: &FitOutcome) -> Result<Packed> {
    let bytes = modelwright::pack(outcome)?;
    let model = modelwright::Model::of_bytes(&bytes)?;
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
#[pyo3(signature = (verb, given, data, test, on_event))]
pub(crate) fn plan(
    py: Python<'_>,
    verb: &str,
    given: Given,
    data: Data,
    test: Option<Data>,
    on_event: Option<Py<PyAny>>,
) -> PyResult<String> {
    let Asked { options, threads } = ask(py, verb, given)?;
    let limits = Limits::of_options(&options, threads, began(0.0));
    let (data, test) = (Input::from(data), test.map(Input::from));
    let work = move |events: Box<dyn Progress>, cancel| {
        let ctx = limits.context(events, cancel)?;
        ctx.tell(Event::Phase("read".to_owned()));
        let train = data.train(&ctx)?;
        let test = test.map(|t| t.test(&train, &ctx)).transpose()?;
        modelwright::plan(modelwright::input_of(train, test, options), &ctx)
    };
    let watched = watch::begin(work).map_err(|e| raise(py, &e, Realm::Data))?;
    let ended = watched.wait(py, on_event.as_ref(), Realm::Data)?;
    to_json(py, &ended.value)
}

/// The profile of a table: as JSON, as an HTML page, as text.
#[pyfunction]
#[pyo3(signature = (data, target, kinds, seed, on_event))]
pub(crate) fn profile(
    py: Python<'_>,
    data: Data,
    target: Option<String>,
    kinds: Vec<(String, String)>,
    seed: u64,
    on_event: Option<Py<PyAny>>,
) -> PyResult<(String, String, String)> {
    let mut wish = Wish { target, seed, ..Wish::default() };
    for (column, kind) in kinds {
        let kind = kind.parse().map_err(|e: Error| raise(py, &e.at("kind"), Realm::Option))?;
        wish.kinds.insert(column, kind);
    }
    let (data, started) = (Input::from(data), began(0.0));
    let work = move |events: Box<dyn Progress>, cancel| {
        let memory_bytes = machine::default_memory_limit();
        let (threads, time, replay) = (0, None, None);
        let limits = Limits { started, threads, time, memory_bytes, seed, replay };
        let ctx = limits.context(events, cancel)?;
        ctx.tell(Event::Phase("read".to_owned()));
        let to = if wish.target.is_some() { Purpose::Learn } else { Purpose::Look };
        let file = match &data {
            Input::Table(_) => data.train(&ctx)?,
            Input::Path(path) => {
                read_within_limits(path, ReadOptions::default(), to, "read", &ctx)?
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
