//! A model after its fit: smaller offers, other libraries' files, new rows, a successor.

use std::path::PathBuf;
use std::time::Duration;

use modelwright::automl::more_rows;
use modelwright::automl::target::rows_with_target;
use modelwright::core::record::RunRecord;
use modelwright::inspect::{monitor_html, monitor_text};
use modelwright::io::{ReadOptions, read_path};
use modelwright::lifecycle::digest::sha256_hex;
use modelwright::lifecycle::export::{MemberChoice, choose, lightgbm, onnx, xgboost};
use modelwright::lifecycle::monitor::MonitorOptions;
use modelwright::lifecycle::retrain::{Gates, RetrainPlan, Rule};
use modelwright::more_rows::more_rows_of;
use modelwright::run_end::{monitor_end, retrained_end};
use modelwright::studying::{StudyOptions, study_scores};
use modelwright::{
    MonitorRequest, OutputFolder, PickRequest, RetrainRequest, RowWindow, Rows, RunAccount,
    machine, monitor, offers, pick, retrain, retrain_time,
};
use modelwright_core::{Context, Error, Result};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::account::{Kept, Looked, Says, look, noting, warning};
use crate::context::shared;
use crate::error::{Realm, json, raise};
use crate::model::Model;
use crate::run::{Data, Input, Limits, packed};
use crate::watch;

/// Which offer is wished, as Python says it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Wish {
    fastest_within: Option<f64>,
    fastest_tied: bool,
    smallest_within: Option<f64>,
    offer: Option<usize>,
    max_latency_us: Option<f64>,
    max_size_bytes: Option<u64>,
    max_feature_cost: Option<f64>,
    one_model_each: bool,
}

/// What a model offers, as JSON.
#[pyfunction]
#[pyo3(signature = (model, threads))]
pub(crate) fn model_offers(
    py: Python<'_>,
    model: &Bound<'_, Model>,
    threads: usize,
) -> PyResult<String> {
    let model = model.get();
    let done = py.detach(|| Ok(offers(model.loaded(), &shared(threads)?)?.document().to_string()));
    done.map_err(|e: Error| raise(py, &e, Realm::Option))
}

/// The wished offer as a model of its own.
#[pyfunction]
#[pyo3(signature = (model, wish, threads))]
pub(crate) fn model_pick(
    py: Python<'_>,
    model: &Bound<'_, Model>,
    wish: Wish,
    threads: usize,
) -> PyResult<Model> {
    let model = model.get();
    let done = py.detach(|| {
        let ctx = shared(threads)?;
        let all = offers(model.loaded(), &ctx)?;
        let request = PickRequest {
            fastest_within: wish.fastest_within,
            fastest_tied: wish.fastest_tied,
            smallest_within: wish.smallest_within,
            offer: wish.offer,
            max_latency_us: wish.max_latency_us,
            max_size_bytes: wish.max_size_bytes,
            max_feature_cost: wish.max_feature_cost,
            one_model_each: wish.one_model_each,
        };
        let picked = all.choose(&request)?.ok_or_else(|| {
            Error::input("nothing is wished").expected(
                "one of fastest_within, fastest_tied, smallest_within, offer, max_latency_us, \
                 max_size_bytes, max_feature_cost",
            )
        })?;
        let mut again = modelwright::Model::open_bytes(model.stored())?;
        again.predictor.wake_like(&model.loaded().predictor);
        packed(&pick(again, all, picked)?)
    });
    let (bytes, picked) = done.map_err(|e: Error| raise(py, &e, Realm::Option))?;
    Ok(Model::new(bytes, picked))
}

/// A booster of the model as another library's file: its bytes, and the document of `export`.
#[pyfunction]
#[pyo3(signature = (model, form, member))]
pub(crate) fn model_export<'py>(
    py: Python<'py>,
    model: &Bound<'py, Model>,
    form: &str,
    member: Option<(usize, Option<usize>)>,
) -> PyResult<(Bound<'py, PyBytes>, String)> {
    let model = model.get();
    let member = member.map(|(member, model)| MemberChoice { member, model });
    let done = py.detach(|| -> Result<(Vec<u8>, String)> {
        let export = choose(&model.loaded().predictor, member)?;
        let bytes = match form {
            "lightgbm" => lightgbm::write(&export)?,
            "xgboost" | "xgboost-json" => xgboost::write_json(&export)?,
            "xgboost-ubj" => xgboost::write_ubj(&export)?,
            other => {
                return Err(Error::input("unknown form of a model file")
                    .at("format")
                    .got(other)
                    .suggest(other, ["onnx", "lightgbm", "xgboost-json", "xgboost-ubj"]));
            }
        };
        let sources = export.encoder.feature_sources();
        let features: Vec<_> = (export.feature_names().iter().zip(&sources))
            .map(|(name, source)| serde_json::json!({ "name": name, "column": &**source }))
            .collect();
        let about = serde_json::json!({
            "n_trees": export.trees.len(), "classes": export.classes, "features": features,
            "notes": export.notes,
        });
        Ok((bytes, about.to_string()))
    });
    let (bytes, about) = done.map_err(|e| raise(py, &e, Realm::Option))?;
    Ok((PyBytes::new(py, &bytes), about))
}

/// The features that a booster of the model reads, of these rows: name and values of each.
#[pyfunction]
#[pyo3(signature = (model, data, member, threads))]
pub(crate) fn model_features<'py>(
    py: Python<'py>,
    model: &Bound<'py, Model>,
    data: Data,
    member: Option<(usize, Option<usize>)>,
    threads: usize,
) -> PyResult<Vec<(String, Bound<'py, PyArray1<f32>>)>> {
    let model = model.get();
    let member = member.map(|(member, model)| MemberChoice { member, model });
    let export = choose(&model.loaded().predictor, member);
    let export = export.map_err(|e| raise(py, &e, Realm::Option))?;
    let done = py.detach(|| {
        let ctx = shared(threads)?;
        let (rows, _) = model.rows(&data, &ctx)?;
        export.encoder.transform(&rows, &ctx)
    });
    let matrix = done.map_err(|e: Error| raise(py, &e, Realm::Data))?;
    let names = export.feature_names().into_iter();
    let columns = matrix.columns.into_iter().map(|c| PyArray1::from_slice(py, &c.values));
    Ok(names.zip(columns).collect())
}

/// Learners by a table of their scores, as JSON.
#[pyfunction]
#[pyo3(signature = (scores, smaller_is_better, rope, test_to_train, five_by_two))]
pub(crate) fn compare_scores(
    py: Python<'_>,
    scores: Data,
    smaller_is_better: bool,
    rope: Option<f64>,
    test_to_train: Option<f64>,
    five_by_two: bool,
) -> PyResult<String> {
    let done = py.detach(|| {
        let ctx = shared(1)?;
        let file = match &scores {
            Data::Table(table) => table.get().take(None, &ctx)?,
            Data::Path(path) => read_path(path, &ReadOptions::default(), &ctx)?,
        };
        study_scores(
            &file.table,
            StudyOptions { smaller_is_better, rope, test_to_train, five_by_two },
        )
    });
    json(py, &done.map_err(|e: Error| raise(py, &e, Realm::Data))?)
}

/// The whole model as an ONNX graph: its bytes, and the document of `export`.
#[pyfunction]
pub(crate) fn model_export_onnx<'py>(
    py: Python<'py>,
    model: &Bound<'py, Model>,
    name: String,
) -> PyResult<(Bound<'py, PyBytes>, String)> {
    let model = model.get();
    let done = py.detach(|| -> Result<(Vec<u8>, String)> {
        let about = onnx::About { name, artifact_sha256: sha256_hex(model.stored()) };
        let predictor = &model.loaded().predictor;
        let written = onnx::write(predictor, &about)?;
        let input = |input: &onnx::Input| {
            serde_json::json!({
                "name": input.name,
                "type": input.type_name(),
                "values": input.text(),
                "optional": input.optional,
            })
        };
        let about = serde_json::json!({
            "classes": predictor.classes,
            "inputs": written.inputs.iter().map(input).collect::<Vec<_>>(),
            "outputs": written.outputs,
            "notes": written.notes,
        });
        Ok((written.bytes, about.to_string()))
    });
    let (bytes, about) = done.map_err(|e| raise(py, &e, Realm::Option))?;
    Ok((PyBytes::new(py, &bytes), about))
}

/// Whether more rows would make the model better, as JSON.
#[pyfunction]
#[pyo3(signature = (model, data, seed, threads, on_event))]
pub(crate) fn learning_curve(
    py: Python<'_>,
    model: Bound<'_, Model>,
    data: Data,
    seed: u64,
    threads: usize,
    on_event: Option<Py<PyAny>>,
) -> PyResult<String> {
    let (model, data) = (model.unbind(), Input::from(data));
    let work = move |events, cancel| {
        let ctx = Limits::none(seed, threads).context(events, cancel)?;
        let loaded = model.get().loaded();
        let table = match data {
            Input::Path(path) => return more_rows_of(loaded, &path, &ctx),
            Input::Table(table) => table,
        };
        let record = loaded.artifact.record()?;
        let (options, _) = loaded.read_options_with_target()?;
        let mut schema = options.schema.unwrap_or_default();
        // Rows that belong together stay together.
        let by = [record.options.group.as_ref(), record.options.time_column.as_ref()];
        for field in by.into_iter().flatten().filter_map(|name| record.schema.field(name)) {
            if schema.field(&field.name).is_none() {
                schema.fields.push(field.clone());
            }
        }
        let rows = table.get().take(Some(schema), &ctx)?.table;
        loaded.check_columns(&rows, &ctx)?;
        let known = rows_with_target(rows.require(&loaded.predictor.target)?);
        if known.is_empty() {
            return Err(Error::input("no row has a known answer")
                .column(&loaded.predictor.target)
                .expected("at least one value of the target"));
        }
        more_rows::of_model(&loaded.predictor, &record, &rows.into_selected(&known), &ctx)
    };
    let watched = watch::begin(work).map_err(|e| raise(py, &e, Realm::Data))?;
    let found = watched.wait(py, on_event.as_ref(), Realm::Data)?.value;
    json(py, &found)
}

/// What is asked of the comparison with new rows, as Python says it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Compared {
    id: Option<String>,
    drift_share: f64,
    predict: bool,
    multivariate: bool,
    threads: usize,
    season: String,
    time_column: Option<String>,
    by: Vec<String>,
    history: Option<PathBuf>,
    kept: Kept,
}

/// New rows beside what the model learned from: as JSON, as a page, as text.
#[pyfunction]
#[pyo3(signature = (model, current, reference, labels, asked))]
pub(crate) fn model_monitor(
    py: Python<'_>,
    model: &Bound<'_, Model>,
    current: Vec<Data>,
    reference: Option<Data>,
    labels: Option<Data>,
    asked: Compared,
) -> PyResult<Looked<(String, String, String)>> {
    let model = model.get();
    let done = py.detach(|| -> Result<Looked<(String, String, String)>> {
        let ctx: Context = shared(asked.threads)?;
        let request = MonitorRequest {
            current: current
                .into_iter()
                .map(|d| Input::from(d).rows("the rows"))
                .collect::<Result<_>>()?,
            reference: reference.map(|d| Input::from(d).rows("the reference")).transpose()?,
            labels: labels.map(|d| Input::from(d).rows("the labels")).transpose()?,
            id: asked.id,
            options: MonitorOptions {
                drift_share: asked.drift_share,
                predict: asked.predict,
                multivariate: asked.multivariate,
                season: asked.season.parse()?,
                time_column: asked.time_column,
                by: asked.by,
                look: None,
            },
            history: asked.history,
        };
        let told = serde_json::json!({
            "model": model.loaded().path, "current": request.current,
        });
        let found = |_: &mut RunAccount, _: &dyn Fn(&str)| {
            let mut record = monitor(model.loaded(), &request, &ctx)?;
            record.created = machine::utc_now();
            Ok(record)
        };
        let (record, warnings) =
            look((asked.kept, ("monitor", &told), model.stored()), found, monitor_end)?;
        let document = serde_json::to_string(&record)
            .map_err(|e| Error::work("cannot write the result as JSON").because(e))?;
        Ok(((document, monitor_html(&record), monitor_text(&record)), warnings))
    });
    done.map_err(|e| raise(py, &e, Realm::Data))
}

/// What is asked of a successor, as Python says it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Successor {
    time_s: Option<f64>,
    judge: f64,
    time_column: Option<String>,
    plan: String,
    refresh: bool,
    gain: Option<f64>,
    slices: Vec<String>,
    slice_loss: f64,
    latency: f64,
    size: f64,
    seed: u64,
    threads: usize,
    /// Where the run is written down.
    kept: Kept,
    /// The folder that the outputs stay in.
    out: Option<PathBuf>,
}

/// How a successor is found, by its name.
fn plan_of(name: &str) -> Result<RetrainPlan> {
    Ok(match name {
        "search" => RetrainPlan::Search,
        "same" => RetrainPlan::Same,
        "continue" => RetrainPlan::Continue,
        "auto" => RetrainPlan::Auto,
        _ => {
            return Err(Error::input("there is no such plan of a retraining")
                .at("plan")
                .expected("search, same, continue or auto")
                .got(name)
                .suggest(name, ["search", "same", "continue", "auto"]));
        }
    })
}

impl Successor {
    fn request(&self, data: Vec<Input>, champion: &Model) -> Result<RetrainRequest> {
        Ok(RetrainRequest {
            data: data.iter().map(|d| d.rows("the table")).collect::<Result<_>>()?,
            champion_bytes: Some(champion.stored().to_vec()),
            window: RowWindow::default(),
            judged_share: self.judge,
            time_column: self.time_column.clone(),
            now: None,
            plan: plan_of(&self.plan)?,
            same_plan: false,
            slices: self.slices.clone(),
            gates: Gates {
                rule: if self.refresh { Rule::Refresh } else { Rule::Better },
                gain: self.gain,
                slice_loss: self.slice_loss,
                latency_factor: self.latency,
                size_factor: self.size,
            },
            keeps_data: false,
        })
    }

    /// What the account of the run says was asked.
    fn told(&self, data: &[Rows]) -> serde_json::Value {
        serde_json::json!({
            "data": data, "plan": self.plan, "judge": self.judge, "time_column": self.time_column,
            "rule": if self.refresh { "Refresh" } else { "Better" }, "gain": self.gain,
            "slices": self.slices, "seed": self.seed,
        })
    }
}

/// Fits a successor on new rows into a folder; returns it and the decision as JSON.
#[pyfunction]
#[pyo3(signature = (model, data, folder, asked, on_event))]
pub(crate) fn model_retrain(
    py: Python<'_>,
    model: Py<Model>,
    data: Vec<Data>,
    folder: PathBuf,
    asked: Successor,
    on_event: Option<Py<PyAny>>,
) -> PyResult<(Model, String)> {
    let time = asked.time_s.map(Duration::try_from_secs_f64).transpose();
    let time = time.map_err(|e| {
        let error = Error::input("`time_limit` cannot be read").at("time_limit").because(e);
        raise(py, &error, Realm::Option)
    })?;
    let data: Vec<Input> = data.into_iter().map(Input::from).collect();
    let created = machine::utc_now();
    let work = move |events, cancel| {
        let champion = model.get();
        let folder = OutputFolder::prepare(&folder)?;
        let limits = Limits::none(asked.seed, asked.threads)
            .within(retrain_time(champion.loaded(), time)?, machine::default_memory_limit());
        let ctx = limits.context(events, cancel)?;
        let mut request = asked.request(data, champion)?;
        let clock = |record: &mut RunRecord, ctx: &Context| {
            record.clock.created.clone_from(&created);
            machine::complete(&mut record.clock, ctx);
        };
        let (note, warn) = (noting(&ctx), warning(&ctx));
        let (told, out) = (asked.told(&request.data), asked.out.clone());
        let kept = asked.kept.clone();
        let mut account = kept.begin(("retrain", &told), out.as_deref(), &created, &warn)?;
        request.keeps_data = account.run.id().is_some();
        let done = retrain(champion.loaded(), &request, &folder, &clock, &ctx).and_then(|done| {
            account.run.keep_retrained(&done, &warn);
            let bytes = std::fs::read(&done.saved.model)
                .map_err(|e| Error::work("cannot read the new model").because(e))?;
            Ok((done, bytes))
        });
        let end = done.as_ref().map(|(done, bytes)| (retrained_end(done), &bytes[..]));
        account.end(end, ctx.elapsed().as_secs_f64(), &Says { note: &note, warn: &warn })?;
        let (mut done, bytes) = done?;
        done.decision.created.clone_from(&created);
        let successor = modelwright::Model::of_bytes(&bytes)?;
        let decision = serde_json::to_string(&done.decision)
            .map_err(|e| Error::work("cannot write the decision as JSON").because(e))?;
        Ok((bytes, successor, decision))
    };
    let watched = watch::begin(work).map_err(|e| raise(py, &e, Realm::Data))?;
    let (bytes, successor, decision) = watched.wait(py, on_event.as_ref(), Realm::Data)?.value;
    Ok((Model::new(bytes, successor), decision))
}
