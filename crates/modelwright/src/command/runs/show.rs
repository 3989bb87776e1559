//! Everything about one run.

use modelwright::lifecycle::store::tracking::{RunFiles, TrackedRun};
use modelwright::lifecycle::store::{RunRow, Store};
use modelwright_core::{Error, Result};
use serde_json::{Value, json};

use crate::output::{self, TextTable, count, number, seconds, size};
use crate::session::Session;

/// Files that are listed.
const FILES_MAX: usize = 200;

/// What the store knows of a run that an MLflow client logged, besides.
struct OfClient {
    run: TrackedRun,
    files: Option<RunFiles>,
}

impl OfClient {
    fn of(store: &Store, run: &RunRow) -> Result<Option<Self>> {
        if run.kind != "mlflow" {
            return Ok(None);
        }
        let run = store.tracked_run_of(run.id)?;
        let files = store.files_of_run(&run, FILES_MAX)?;
        Ok(Some(Self { run, files }))
    }

    /// The value of a tag.
    fn tag(&self, key: &str) -> Option<String> {
        self.run.tags.iter().find(|tag| tag.0 == key).map(|tag| tag.1.clone())
    }

    /// The tags that somebody set, without what clients note for themselves.
    fn own_tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let tags = self.run.tags.iter().map(|tag| (tag.0.as_str(), tag.1.as_str()));
        tags.filter(|(key, _)| !key.starts_with("mlflow."))
    }
}

/// Shows a run.
pub(super) fn one(store: &Store, id: i64, session: &Session) -> Result<()> {
    let run = store.run(id)?;
    let client = OfClient::of(store, &run)?;
    if session.global.json {
        return output::print_json(&document(&run, client.as_ref())?);
    }
    let mut text = facts(&run, client.as_ref());
    text += &table_of(&["parameter", "value"], parameters(&run));
    let metrics = run.metrics.iter().map(|m| {
        let interval = m.low.zip(m.high);
        vec![
            m.name.clone(),
            m.value.map_or("undefined".to_owned(), number),
            interval.map_or(String::new(), |(l, h)| format!("{} to {}", number(l), number(h))),
            m.rows.clone(),
        ]
    });
    text += &table_of(&["metric", ">value", "95 % interval", "on"], metrics.collect());
    if let Some(client) = &client {
        let tags = client.own_tags().map(|(key, value)| vec![key.to_owned(), shortened(value)]);
        text += &table_of(&["tag", "value"], tags.collect());
        text += &files_text(client);
    }
    output::print(&text)
}

/// The run as JSON, with what a client logged besides.
fn document(run: &RunRow, client: Option<&OfClient>) -> Result<Value> {
    let mut document =
        serde_json::to_value(run).map_err(|e| Error::work("cannot write the run").because(e))?;
    if let Some(client) = client {
        let file = |(path, size): &(String, u64)| json!({ "path": path, "size_bytes": size });
        let files = client.files.as_ref().map(|all| all.files.iter().map(file).collect::<Vec<_>>());
        let tags: serde_json::Map<String, Value> =
            client.run.tags.iter().map(|tag| (tag.0.clone(), json!(tag.1))).collect();
        document["user"] = json!(client.run.user);
        document["tags"] = Value::Object(tags);
        document["artifact_uri"] = json!(client.run.artifact_uri);
        document["artifacts"] = json!(files);
    }
    Ok(document)
}

/// What it was, line by line.
fn facts(run: &RunRow, client: Option<&OfClient>) -> String {
    let mut table = TextTable::new(&["", ""]);
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            table.row(vec![name.to_owned(), value]);
        }
    };
    fact("run", Some(format!("{} ({}, {})", run.id, run.kind, run.status.name())));
    fact("name", run.name.clone());
    fact("experiment", run.experiment.clone());
    fact("user", client.map(|client| client.run.user.clone()));
    fact("source", client.and_then(|client| client.tag("mlflow.source.name")));
    fact("started", Some(run.started.clone()));
    fact("took", run.duration_s.map(seconds));
    fact("target", run.target.clone());
    fact("task", run.task.clone());
    let rows = run.n_rows.map_or(String::new(), |n| format!(", {} rows", count(n as usize)));
    fact("data", run.data_name.as_ref().map(|name| format!("{name}{rows}")));
    fact("data sha-256", run.data_sha256.clone());
    fact("output", run.output.clone());
    fact("model sha-256", run.model_sha256.clone());
    let commit = || client.and_then(|client| client.tag("mlflow.source.git.commit"));
    fact("git commit", run.git_commit.clone().or_else(commit));
    fact("started by run", run.parent.map(|id| id.to_string()));
    let models = client.map(|c| c.run.models_out.iter().map(|m| &*m.model).collect::<Vec<_>>());
    fact("logged models", models.map(|models| models.join(", ")));
    // Of a run that a client logged the store knows no machine, and its name is no note.
    let is_own = client.is_none();
    fact("machine", is_own.then(|| format!("{}: {}", run.host, run.machine)));
    fact("modelwright", is_own.then(|| run.engine_version.clone()));
    let note = run.note.clone().filter(|note| run.name.as_ref() != Some(note));
    let note = client.and_then(|client| client.tag("mlflow.note.content")).or(note);
    fact("note", note.map(|n| n.lines().map(str::trim).collect::<Vec<_>>().join(" ")));
    table.body()
}

/// What was asked, by name.
fn parameters(run: &RunRow) -> Vec<Vec<String>> {
    let asked = run.parameters.as_object().into_iter().flatten();
    let mut asked: Vec<(&String, &Value)> = asked.filter(|(_, value)| !value.is_null()).collect();
    asked.sort_by_key(|(name, _)| *name);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    asked.iter().map(|(name, value)| vec![(*name).clone(), shortened(&text(value))]).collect()
}

/// The files that a client uploaded.
fn files_text(client: &OfClient) -> String {
    let Some(found) = &client.files else {
        return format!("\nartifacts are at {}\n", client.run.artifact_uri);
    };
    let row = |(path, n): &(String, u64)| vec![path.clone(), size(*n)];
    let text = table_of(&["artifact", ">size"], found.files.iter().map(row).collect());
    if found.has_more { format!("{text}and more than these {FILES_MAX}\n") } else { text }
}

/// A table behind an empty line; nothing without rows.
fn table_of(titles: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = TextTable::new(titles);
    for row in rows {
        table.row(row);
    }
    format!("\n{}", table.render())
}

/// A value on one line; `--json` has all of it.
fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 80;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= CHARACTERS_MAX {
        return text;
    }
    text.chars().take(CHARACTERS_MAX - 1).chain(['…']).collect()
}
