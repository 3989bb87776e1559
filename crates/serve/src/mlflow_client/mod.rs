//! Our runs on somebody else's MLflow server: parameters, metrics, tags, the report, and the model
//! in a form that MLflow loads.
//!
//! A run is sent when it is over, in the calls that MLflow's own client would make: experiment,
//! run, values, data sets, files, logged model, end. Servers before MLflow 3 know no logged
//! models; there the model goes to the run's own files. Files can only go to a server that keeps
//! them itself (`mlflow-artifacts:`): we hold no keys of other stores.
//!
//! | file | does |
//! |---|---|
//! | `server` | where it is, and how it is asked |
//! | `files` | up to where a URI says |

mod files;
mod server;

use std::time::Duration;

use modelwright_core::{Error, Result};
use modelwright_lifecycle::artifact::unpack_artifact;
use modelwright_lifecycle::export::{MLFLOW_DATA, MLFLOW_MODEL, mlflow_files};
use serde_json::{Value, json};

use server::Line;
pub use server::MlflowServer;

/// A key and a value.
pub type Pair = (String, String);

/// Values in one call, as MLflow allows.
const PAIRS_MAX: usize = 100;
const METRICS_MAX: usize = 1000;
/// Characters of a value; longer ones are cut.
const PARAM_MAX: usize = 6000;
const TAG_MAX: usize = 8000;

/// The name of the model among the run's.
const MODEL_NAME: &str = "model";

/// A run as it is sent.
#[derive(Debug, Clone, Default)]
pub struct SentRun {
    /// The experiment, made if it is not there.
    pub experiment: String,
    /// The run's name.
    pub name: String,
    /// Who began it.
    pub user: String,
    /// When it began, milliseconds since 1970.
    pub started_ms: i64,
    /// When it ended.
    pub ended_ms: i64,
    /// Whether it did its work.
    pub is_done: bool,
    /// What was asked.
    pub params: Vec<Pair>,
    /// What was measured.
    pub metrics: Vec<(String, f64)>,
    /// What else is known.
    pub tags: Vec<Pair>,
    /// The training data: name, digest, and source as a document.
    pub dataset: Option<(String, String, Value)>,
    /// Names and bytes of files.
    pub files: Vec<(String, Vec<u8>)>,
    /// The bytes of the model.mw that it made.
    pub model: Option<Vec<u8>>,
}

/// What became of a run that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// Where the run is to be seen.
    pub url: String,
    /// What the server did not take, in words.
    pub left_out: Vec<String>,
}

impl MlflowServer {
    /// Sends a run, within a time; returns where it is to be seen.
    ///
    /// # Errors
    /// Work error when the server cannot be reached, takes too long or refuses.
    pub fn send(&self, run: &SentRun, time_max: Duration) -> Result<Arrived> {
        let line = Line::open(self, time_max)?;
        line.deliver(run)
    }
}

impl Line<'_> {
    fn deliver(&self, run: &SentRun) -> Result<Arrived> {
        let experiment = self.experiment(&run.experiment)?;
        let made = self
            .post(
                "runs/create",
                &json!({
                    "experiment_id": experiment,
                    "run_name": run.name,
                    "user_id": run.user,
                    "start_time": run.started_ms,
                    "tags": pairs(&run.tags, TAG_MAX),
                }),
            )
            .map_err(|refused| refused.error(self.server))?;
        let run_id = text(&made, "/run/info/run_id").ok_or_else(|| self.odd("runs/create"))?;
        let uri = text(&made, "/run/info/artifact_uri").unwrap_or_default();
        let said = self.tell(run, &experiment, &run_id, &uri);
        let status = if said.is_ok() && run.is_done { "FINISHED" } else { "FAILED" };
        let end = json!({ "run_id": run_id, "status": status, "end_time": run.ended_ms });
        let ended = self.post("runs/update", &end);
        let left_out = said?;
        ended.map_err(|refused| refused.error(self.server))?;
        let url = format!("{}/#/experiments/{experiment}/runs/{run_id}", self.server.url());
        Ok(Arrived { url, left_out })
    }

    /// The id of the experiment of this name.
    fn experiment(&self, name: &str) -> Result<String> {
        let query = format!("experiments/get-by-name?experiment_name={}", server::encoded(name));
        match self.get(&query) {
            Ok(found) => text(&found, "/experiment/experiment_id")
                .ok_or_else(|| self.odd("experiments/get-by-name")),
            Err(refused) if refused.is_missing() => {
                let made = self.post("experiments/create", &json!({ "name": name }));
                let made = made.map_err(|refused| refused.error(self.server))?;
                text(&made, "/experiment_id").ok_or_else(|| self.odd("experiments/create"))
            }
            Err(refused) => Err(refused.error(self.server)),
        }
    }

    /// Everything between a run's beginning and its end; returns what was not taken.
    fn tell(
        &self,
        run: &SentRun,
        experiment: &str,
        run_id: &str,
        uri: &str,
    ) -> Result<Vec<String>> {
        let at_ms = run.ended_ms;
        for part in run.params.chunks(PAIRS_MAX) {
            let batch = json!({ "run_id": run_id, "params": pairs(part, PARAM_MAX) });
            self.post("runs/log-batch", &batch).map_err(|refused| refused.error(self.server))?;
        }
        for part in run.metrics.chunks(METRICS_MAX) {
            let metric = |m: &(String, f64)| {
                let (key, value) = m;
                json!({ "key": key, "value": value, "timestamp": at_ms, "step": 0 })
            };
            let metrics: Value = part.iter().map(metric).collect();
            let batch = json!({ "run_id": run_id, "metrics": metrics });
            self.post("runs/log-batch", &batch).map_err(|refused| refused.error(self.server))?;
        }
        if let Some((name, digest, source)) = &run.dataset {
            let input = json!({
                "dataset": { "name": name, "digest": digest, "source_type": "local",
                             "source": source.to_string() },
                "tags": [{ "key": "mlflow.data.context", "value": "train" }],
            });
            let inputs = json!({ "run_id": run_id, "datasets": [input] });
            self.post("runs/log-inputs", &inputs).map_err(|refused| refused.error(self.server))?;
        }
        let mut left_out = Vec::new();
        for (name, bytes) in &run.files {
            if !self.upload(uri, name, bytes)? {
                left_out.push(format!("{name}: the server keeps files at {uri}, not itself"));
            }
        }
        if let Some(model) = &run.model
            && let Some(why) = self.log_model(model, run, experiment, run_id, uri)?
        {
            left_out.push(why);
        }
        Ok(left_out)
    }

    /// Uploads a model; returns why not, when the server keeps no files.
    fn log_model(
        &self,
        model: &[u8],
        run: &SentRun,
        experiment: &str,
        run_id: &str,
        uri: &str,
    ) -> Result<Option<String>> {
        let wish = json!({
            "experiment_id": experiment, "name": MODEL_NAME, "source_run_id": run_id,
            "params": pairs(&run.params, PARAM_MAX),
        });
        let made = match self.post("logged-models", &wish) {
            Ok(made) => made,
            Err(refused) if refused.is_missing() => {
                return self.log_model_to_run(model, run_id, uri);
            }
            Err(refused) => return Err(refused.error(self.server)),
        };
        let id = text(&made, "/model/info/model_id").ok_or_else(|| self.odd("logged-models"))?;
        let place = text(&made, "/model/info/artifact_uri").unwrap_or_default();
        let ids = [("run_id", run_id), ("model_id", id.as_str())];
        let uploaded = self.upload_model(&place, model, &ids);
        let is_there = matches!(uploaded, Ok(true));
        let status = if is_there { "LOGGED_MODEL_READY" } else { "LOGGED_MODEL_UPLOAD_FAILED" };
        let end = json!({ "model_id": id, "status": status });
        let ended = self.patch(&format!("logged-models/{id}"), &end);
        if !uploaded? {
            return Ok(Some(format!(
                "{MODEL_NAME}: the server keeps files at {place}, not itself"
            )));
        }
        ended.map_err(|refused| refused.error(self.server))?;
        let output = json!({ "run_id": run_id, "models": [{ "model_id": id, "step": 0 }] });
        self.post("runs/outputs", &output).map_err(|refused| refused.error(self.server))?;
        Ok(None)
    }

    /// The way of MLflow 2: the model is a folder of the run's files.
    fn log_model_to_run(&self, model: &[u8], run_id: &str, uri: &str) -> Result<Option<String>> {
        let place = format!("{uri}/{MODEL_NAME}");
        if !self.upload_model(&place, model, &[("run_id", run_id)])? {
            return Ok(Some(format!("{MODEL_NAME}: the server keeps files at {uri}, not itself")));
        }
        let manifest = unpack_artifact(model)?.manifest;
        let files = mlflow_files(&manifest, model.len() as u64, &[("run_id", run_id)]);
        let yaml = files.iter().find(|(name, _)| *name == MLFLOW_MODEL);
        let mut info: Value =
            yaml.and_then(|(_, text)| serde_json::from_str(text).ok()).unwrap_or_default();
        info["artifact_path"] = json!(MODEL_NAME);
        let said = json!({ "run_id": run_id, "model_json": info.to_string() });
        self.post("runs/log-model", &said).map_err(|refused| refused.error(self.server))?;
        Ok(None)
    }

    fn upload_model(&self, uri: &str, model: &[u8], ids: &[(&str, &str)]) -> Result<bool> {
        let manifest = unpack_artifact(model)?.manifest;
        // The file that says how to load it comes last: what can be loaded is whole.
        if !self.upload(uri, MLFLOW_DATA, model)? {
            return Ok(false);
        }
        let files = mlflow_files(&manifest, model.len() as u64, ids);
        for (name, text) in files.iter().rev() {
            self.upload(uri, name, text.as_bytes())?;
        }
        Ok(true)
    }

    /// The server's answer has another form than MLflow's.
    fn odd(&self, call: &str) -> Error {
        Error::work("the answer is not one of an MLflow server")
            .at(self.server.url())
            .got(call)
            .expected("the address of an MLflow tracking server")
    }
}

fn pairs(pairs: &[Pair], value_max: usize) -> Value {
    let cut = |value: &str| value.chars().take(value_max).collect::<String>();
    pairs.iter().map(|(key, value)| json!({ "key": key, "value": cut(value) })).collect()
}

fn text(document: &Value, pointer: &str) -> Option<String> {
    document.pointer(pointer)?.as_str().map(str::to_owned)
}
