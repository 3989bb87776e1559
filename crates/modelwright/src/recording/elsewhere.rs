//! Runs are also sent to somebody else's MLflow server, when one is named.
//!
//! A run is sent when it is over, with what came of it. What goes wrong there is said and changes
//! nothing here: the outputs are written, the run is in the store if there is one.

use std::time::Duration;

use clap::Args;
use modelwright_core::record::RunRecord;
use modelwright_core::{Error, Result};
use modelwright_inspect::{audit_html, report_html};
use modelwright_lifecycle::artifact::account_json;
use modelwright_lifecycle::store::RunMetric;
use modelwright_serve::mlflow_client::{MlflowServer, Pair, SentRun};
use serde::Serialize;
use serde_json::{Value, json};

use super::Recorded;
use crate::audit_document;
use crate::session::Session;
use crate::{machine, output};

/// The experiment of runs for which none is named.
const EXPERIMENT: &str = "modelwright";

/// How long a run may take to be sent, its model included.
const SEND_TIME_MAX: Duration = Duration::from_mins(2);

/// Characters of a data set's fingerprint, as MLflow allows.
const DIGEST_LEN: usize = 32;

/// Where a run is logged besides the store.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogArg {
    /// Log the run to an MLflow server as well, e.g. http://localhost:5000; its experiment is
    /// MLFLOW_EXPERIMENT_NAME or `modelwright`
    #[arg(long, value_name = "URI")]
    mlflow: Option<String>,
}

/// A run that is to be sent when it is over.
pub(super) struct Elsewhere {
    server: MlflowServer,
    kind: String,
    asked: Value,
}

impl LogArg {
    /// The server, if one is named.
    ///
    /// # Errors
    /// Input error when the address is none.
    pub(super) fn open(&self, kind: &str, asked: &impl Serialize) -> Result<Option<Elsewhere>> {
        let Some(uri) = &self.mlflow else { return Ok(None) };
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut server = MlflowServer::parse(uri)?;
        if let Some(name) = variable("MLFLOW_TRACKING_USERNAME") {
            let password = variable("MLFLOW_TRACKING_PASSWORD").unwrap_or_default();
            server = server.with_password(&name, &password);
        } else if let Some(token) = variable("MLFLOW_TRACKING_TOKEN") {
            server = server.with_token(&token);
        }
        let asked = serde_json::to_value(asked)
            .map_err(|e| Error::work("cannot write down what was asked").because(e))?;
        Ok(Some(Elsewhere { server, kind: kind.to_owned(), asked }))
    }
}

impl Elsewhere {
    /// Sends the run; only warns when that does not work.
    pub(super) fn send(&self, kept: std::result::Result<&Recorded<'_>, &Error>, session: &Session) {
        let sent = self.run(kept, session).and_then(|run| self.server.send(&run, SEND_TIME_MAX));
        match sent {
            Ok(arrived) => {
                session.note(&format!("logged to MLflow: {}", arrived.url));
                for left_out in arrived.left_out {
                    output::warn(&format!("MLflow did not take {left_out}"));
                }
            }
            Err(error) => output::warn(&format!(
                "the run is not logged to MLflow, all else is as it should be: {error}"
            )),
        }
    }

    fn run(
        &self,
        kept: std::result::Result<&Recorded<'_>, &Error>,
        session: &Session,
    ) -> Result<SentRun> {
        let ended_ms = machine::unix_ms();
        let duration_ms = i64::try_from(session.started.elapsed().as_millis()).unwrap_or(0);
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let record = kept.ok().and_then(|kept| kept.record);
        let data = record.map(|record| &record.data);
        let mut run = SentRun {
            experiment: variable("MLFLOW_EXPERIMENT_NAME").unwrap_or_else(|| EXPERIMENT.to_owned()),
            name: data.map_or(self.kind.clone(), |data| format!("{} {}", self.kind, data.name)),
            user: variable("USER").unwrap_or_default(),
            started_ms: ended_ms - duration_ms,
            ended_ms,
            is_done: kept.is_ok(),
            params: params(&self.asked),
            tags: self.tags(record),
            ..SentRun::default()
        };
        let note = match &kept {
            Ok(kept) => kept.note.clone(),
            Err(error) => Some(error.to_string()),
        };
        run.tags.extend(note.map(|note| ("mlflow.note.content".to_owned(), note)));
        let Ok(kept) = kept else { return Ok(run) };
        run.metrics = metrics(kept);
        if let Some(found) = kept.monitor {
            let document = serde_json::to_vec(found)
                .map_err(|e| Error::work("cannot write down what was found").because(e))?;
            run.files.push(("monitor.json".to_owned(), document));
        }
        if let Some(found) = kept.audit {
            let document = audit_document(&found.fairness, &found.robustness);
            run.files.push(("audit.json".to_owned(), document.to_string().into_bytes()));
            let page = audit_html(&found.fairness, &found.robustness, &found.model);
            run.files.push(("audit.html".to_owned(), page.into_bytes()));
        }
        if let Some(record) = record {
            let data = &record.data;
            let digest = data.sha256.chars().take(DIGEST_LEN).collect();
            run.dataset = Some((data.name.clone(), digest, json!({ "uri": data.name })));
            run.files.push(("report.html".to_owned(), report_html(record).into_bytes()));
            run.files.push(("record.json".to_owned(), account_json(record)?));
            run.model = std::fs::read(kept.model).ok();
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
fn metrics(kept: &Recorded<'_>) -> Vec<(String, f64)> {
    let evaluation = kept.record.and_then(|record| record.evaluation.as_ref());
    let of_record = evaluation.into_iter().flat_map(|evaluation| {
        evaluation.metrics.iter().map(|m| RunMetric {
            name: m.name.clone(),
            rows: evaluation.on.clone(),
            value: m.value,
            low: m.ci95.map(|c| c.low),
            high: m.ci95.map(|c| c.high),
        })
    });
    let mut found: Vec<(String, f64)> = Vec::new();
    for metric in of_record.chain(kept.metrics.iter().cloned()) {
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
