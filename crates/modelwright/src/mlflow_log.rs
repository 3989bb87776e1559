//! Runs are also sent to somebody else's MLflow server, when one is named.
//!
//! A run is sent when it is over, with what came of it. What goes wrong there is said and changes
//! nothing here: the outputs are written, the run is in the store if there is one.

use std::time::Duration;

use modelwright_core::record::RunRecord;
use modelwright_core::{Error, Result};
use modelwright_inspect::{audit_html, report_html};
use modelwright_lifecycle::artifact::account_json;
use modelwright_lifecycle::store::{RunEnd, RunMetric};
use modelwright_serve::mlflow_client::{MlflowServer, Pair, SentRun};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{audit_document, machine};

/// The experiment of runs for which none is named.
const EXPERIMENT: &str = "modelwright";

/// How long a run may take to be sent, its model included.
const SEND_TIME_MAX: Duration = Duration::from_mins(2);

/// Characters of a data set's fingerprint, as MLflow allows.
const DIGEST_LEN: usize = 32;

/// An MLflow server, and the run that is to be sent to it when it is over.
pub struct MlflowLog {
    server: MlflowServer,
    kind: String,
    asked: Value,
}

impl MlflowLog {
    /// The server at `uri`, for a run of this kind that was asked like this. Who logs in there is
    /// in `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, or `MLFLOW_TRACKING_TOKEN`;
    /// the experiment in `MLFLOW_EXPERIMENT_NAME`.
    ///
    /// # Errors
    /// Input error when the address is none.
    pub fn open(uri: &str, kind: &str, asked: &impl Serialize) -> Result<Self> {
        let mut server = MlflowServer::parse(uri)?;
        if let Some(name) = variable("MLFLOW_TRACKING_USERNAME") {
            let password = variable("MLFLOW_TRACKING_PASSWORD").unwrap_or_default();
            server = server.with_password(&name, &password);
        } else if let Some(token) = variable("MLFLOW_TRACKING_TOKEN") {
            server = server.with_token(&token);
        }
        let asked = serde_json::to_value(asked)
            .map_err(|e| Error::work("cannot write down what was asked").because(e))?;
        Ok(Self { server, kind: kind.to_owned(), asked })
    }

    /// Sends the run with the bytes of its model; `note` hears where it is, `warn` what did not
    /// work.
    pub fn send(
        &self,
        end: &RunEnd<'_>,
        model: Option<Vec<u8>>,
        note: &dyn Fn(&str),
        warn: &dyn Fn(&str),
    ) {
        let sent = self.run(end, model).and_then(|run| self.server.send(&run, SEND_TIME_MAX));
        match sent {
            Ok(arrived) => {
                note(&format!("logged to MLflow: {}", arrived.url));
                for left_out in arrived.left_out {
                    warn(&format!("MLflow did not take {left_out}"));
                }
            }
            Err(error) => warn(&format!(
                "the run is not logged to MLflow, all else is as it should be: {error}"
            )),
        }
    }

    fn run(&self, end: &RunEnd<'_>, model: Option<Vec<u8>>) -> Result<SentRun> {
        let ended_ms = machine::unix_ms();
        let duration_ms = (end.duration_s * 1e3) as i64;
        let data = end.record.map(|record| &record.data);
        let mut run = SentRun {
            experiment: variable("MLFLOW_EXPERIMENT_NAME").unwrap_or_else(|| EXPERIMENT.to_owned()),
            name: data.map_or(self.kind.clone(), |data| format!("{} {}", self.kind, data.name)),
            user: variable("USER").unwrap_or_default(),
            started_ms: ended_ms - duration_ms,
            ended_ms,
            is_done: end.error.is_none(),
            params: params(&self.asked),
            tags: self.tags(end.record),
            ..SentRun::default()
        };
        let note = end.error.clone().or_else(|| end.note.clone());
        run.tags.extend(note.map(|note| ("mlflow.note.content".to_owned(), note)));
        if end.error.is_some() {
            return Ok(run);
        }
        run.metrics = metrics(end);
        if let Some(found) = end.monitor {
            let document = serde_json::to_vec(found)
                .map_err(|e| Error::work("cannot write down what was found").because(e))?;
            run.files.push(("monitor.json".to_owned(), document));
        }
        if let Some(found) = end.audit {
            let document = audit_document(&found.fairness, &found.robustness);
            run.files.push(("audit.json".to_owned(), document.to_string().into_bytes()));
            let page = audit_html(&found.fairness, &found.robustness, &found.model);
            run.files.push(("audit.html".to_owned(), page.into_bytes()));
        }
        if let Some(record) = end.record {
            let data = &record.data;
            let digest = data.sha256.chars().take(DIGEST_LEN).collect();
            run.dataset = Some((data.name.clone(), digest, json!({ "uri": data.name })));
            run.files.push(("report.html".to_owned(), report_html(record).into_bytes()));
            run.files.push(("record.json".to_owned(), account_json(record)?));
            run.model = model;
        }
        Ok(run)
    }

    fn tags(&self, record: Option<&RunRecord>) -> Vec<Pair> {
        let mut tags = vec![
            ("mlflow.source.name".to_owned(), "modelwright".to_owned()),
            ("mlflow.source.type".to_owned(), "LOCAL".to_owned()),
            ("modelwright.kind".to_owned(), self.kind.clone()),
            ("modelwright.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("modelwright.machine".to_owned(), machine::description()),
        ];
        if let Some(commit) = machine::git_commit() {
            tags.push(("mlflow.source.git.commit".to_owned(), commit));
        }
        if let Some(record) = record {
            tags.push(("modelwright.target".to_owned(), record.task.target.clone()));
            tags.push(("modelwright.task".to_owned(), record.task.task.name().to_owned()));
            tags.push(("modelwright.metric".to_owned(), record.task.metric.clone()));
            tags.push(("modelwright.data_sha256".to_owned(), record.data.sha256.clone()));
        }
        tags
    }
}

/// What a variable of the environment says; none where it is empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What was asked, as texts; what was left open has none.
fn params(asked: &Value) -> Vec<Pair> {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(list) if list.is_empty() => None,
        Value::Object(fields) if fields.is_empty() => None,
        other => Some(other.to_string()),
    };
    let fields = asked.as_object().into_iter().flatten();
    fields.filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect()
}

/// What was measured, with the ends of intervals beside; a name that was measured on several rows
/// has them before it from the second on.
fn metrics(end: &RunEnd<'_>) -> Vec<(String, f64)> {
    let evaluation = end.record.and_then(|record| record.evaluation.as_ref());
    let of_record = evaluation.into_iter().flat_map(RunMetric::of);
    let mut found: Vec<(String, f64)> = Vec::new();
    for metric in of_record.chain(end.metrics.iter().cloned()) {
        let is_known = found.iter().any(|(name, _)| *name == metric.name);
        let name =
            if is_known { format!("{}/{}", taken(&metric.rows), metric.name) } else { metric.name };
        let ends = [("", metric.value), (".ci95_low", metric.low), (".ci95_high", metric.high)];
        let finite = |(_, value): &(&str, Option<f64>)| value.is_some_and(f64::is_finite);
        found.extend(
            ends.iter()
                .filter(|end| finite(end))
                .filter_map(|(end, v)| Some((format!("{name}{end}"), (*v)?))),
        );
    }
    found
}

/// A name as MLflow takes it: it may be that of a file or of a class, and have any character.
fn taken(name: &str) -> String {
    let is_taken = |c: char| c.is_ascii_alphanumeric() || "_-. ".contains(c);
    name.chars().map(|c| if is_taken(c) { c } else { '_' }).collect()
}
