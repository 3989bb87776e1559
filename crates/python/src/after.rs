//! A model after its fit: smaller offers, other libraries' files, new rows, a successor.

use std::path::PathBuf;
use std::time::Duration;

use modelwright::core::record::RunRecord;
use modelwright::inspect::{monitor_html, monitor_text};
use modelwright::lifecycle::export::{MemberChoice, choose, lightgbm, xgboost};
use modelwright::lifecycle::monitor::MonitorOptions;
use modelwright::lifecycle::retrain::{Gates, Rule};
use modelwright::{
    MonitorRequest, OutputFolder, PickRequest, RetrainRequest, RowWindow, machine, monitor, offers,
    pick, retrain, retrain_time,
};
use modelwright_core::{Context, Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::context::shared;
use crate::error::{Realm, raise};
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
            one_model_each: wish.one_model_each,
        };
        let picked = all.choose(&request)?.ok_or_else(|| {
            Error::input("nothing is wished").expected(
                "one of fastest_within, fastest_tied, smallest_within, offer, max_latency_us, \
                 max_size_bytes",
            )
        })?;
        let again = modelwright::Model::of_bytes(model.stored())?;
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
            "xgboost-json" => xgboost::write_json(&export)?,
            "xgboost-ubj" => xgboost::write_ubj(&export)?,
            other => {
                return Err(Error::input("unknown form of a model file")
                    .at("format")
                    .got(other)
                    .suggest(other, ["lightgbm", "xgboost-json", "xgboost-ubj"]));
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

/// What is asked of the comparison with new rows, as Python says it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Compared {
    id: Option<String>,
    drift_share: f64,
    predict: bool,
    threads: usize,
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
) -> PyResult<(String, String, String)> {
    let model = model.get();
    let done = py.detach(|| -> Result<(String, String, String)> {
        let ctx: Context = shared(asked.threads)?;
        let request = MonitorRequest {
            current: current
                .into_iter()
                .map(|d| Input::from(d).rows("the rows"))
                .collect::<Result<_>>()?,
            reference: reference.map(|d| Input::from(d).rows("the reference")).transpose()?,
            labels: labels.map(|d| Input::from(d).rows("the labels")).transpose()?,
            id: asked.id,
            options: MonitorOptions { drift_share: asked.drift_share, predict: asked.predict },
        };
        let mut record = monitor(model.loaded(), &request, &ctx)?;
        record.created = machine::utc_now();
        let document = serde_json::to_string(&record)
            .map_err(|e| Error::work("cannot write the result as JSON").because(e))?;
        Ok((document, monitor_html(&record), monitor_text(&record)))
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
    same_plan: bool,
    refresh: bool,
    gain: Option<f64>,
    slices: Vec<String>,
    slice_loss: f64,
    latency: f64,
    size: f64,
    seed: u64,
    threads: usize,
}

impl Successor {
    fn request(&self, data: Vec<Input>, champion: &Model) -> Result<RetrainRequest> {
        Ok(RetrainRequest {
            data: data.iter().map(|d| d.rows("the table")).collect::<Result<_>>()?,
            champion_bytes: Some(champion.stored().to_vec()),
            window: RowWindow::default(),
            judged_share: self.judge,
            time_column: self.time_column.clone(),
            same_plan: self.same_plan,
            slices: self.slices.clone(),
            gates: Gates {
                rule: if self.refresh { Rule::Refresh } else { Rule::Better },
                gain: self.gain,
                slice_loss: self.slice_loss,
                latency_factor: self.latency,
                size_factor: self.size,
            },
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
        let request = asked.request(data, champion)?;
        let clock = |record: &mut RunRecord, ctx: &Context| {
            record.clock.created.clone_from(&created);
            machine::complete(&mut record.clock, ctx);
        };
        let mut done = retrain(champion.loaded(), &request, &folder, &clock, &ctx)?;
        done.decision.created.clone_from(&created);
        let bytes = std::fs::read(&done.saved.model)
            .map_err(|e| Error::work("cannot read the new model").because(e))?;
        let successor = modelwright::Model::of_bytes(&bytes)?;
        let decision = serde_json::to_string(&done.decision)
            .map_err(|e| Error::work("cannot write the decision as JSON").because(e))?;
        Ok((bytes, successor, decision))
    };
    let watched = watch::begin(work).map_err(|e| raise(py, &e, Realm::Data))?;
    let (bytes, successor, decision) = watched.wait(py, on_event.as_ref(), Realm::Data)?.value;
    Ok((Model::new(bytes, successor), decision))
}
