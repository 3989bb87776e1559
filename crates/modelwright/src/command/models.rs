//! `models`: named models, their versions, and which of them is in use.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use modelwright::lifecycle::resolve_model;
use modelwright::lifecycle::store::{ModelVersion, Store, parse_reference};
use modelwright::lifecycle::watch::{Answer, Waiting};
use modelwright_core::{Error, Result};
use serde_json::json;

use crate::flags::values;
use crate::output::{self, TextTable, number, size};
use crate::recording::{existing_store, store};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  modelwright models register churn churn-model/ --alias champion
  modelwright predict churn@champion new_customers.csv
  modelwright models list churn
  modelwright models show churn@champion
  modelwright models alias churn champion 3 --reason 'better on recent rows'
  modelwright models rollback churn champion
  modelwright models history churn champion

NAME@ALIAS, NAME@3 and NAME@latest stand for a model file wherever one is asked for.";

/// Flags of `models`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Models {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// All models, or the versions of one
    List {
        /// The model
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Everything about one version
    Show {
        /// The model, or NAME@ALIAS
        #[arg(value_name = "NAME")]
        name: String,
        /// A number, an alias, or `latest`
        #[arg(value_name = "VERSION", default_value = "latest")]
        version: String,
    },
    /// Keep a model file as the next version of a name
    Register {
        /// The name
        #[arg(value_name = "NAME", value_parser = values::model_name)]
        name: String,
        /// A model.mw, or the folder that `fit` wrote
        #[arg(value_name = "MODEL")]
        model: PathBuf,
        /// Let this alias stand for it
        #[arg(long, value_name = "ALIAS")]
        alias: Option<String>,
        /// The run that made it
        #[arg(long, value_name = "RUN")]
        run: Option<i64>,
        /// A few words
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Let an alias stand for a version
    Alias {
        /// The model
        #[arg(value_name = "NAME")]
        name: String,
        /// The alias
        #[arg(value_name = "ALIAS")]
        alias: String,
        /// A number, another alias, or `latest`
        #[arg(value_name = "VERSION", default_value = "latest")]
        version: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Remove the alias
        #[arg(long, conflicts_with_all = ["version", "reason"])]
        remove: bool,
    },
    /// How aliases moved, and why
    History {
        /// The model, or NAME@ALIAS
        #[arg(value_name = "NAME")]
        name: String,
        /// Only this alias [default: all]
        #[arg(value_name = "ALIAS")]
        alias: Option<String>,
    },
    /// Let an alias stand again for the version before
    Rollback {
        /// The model
        #[arg(value_name = "NAME")]
        name: String,
        /// The alias
        #[arg(value_name = "ALIAS")]
        alias: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Say yes to a version that `watch` wants to bring into use
    Approve {
        /// The model, or NAME@ALIAS
        #[arg(value_name = "NAME")]
        name: String,
        /// Say no
        #[arg(long)]
        reject: bool,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Remove a version, or a model with all of them
    Delete {
        /// The model
        #[arg(value_name = "NAME")]
        name: String,
        /// The number of the version [default: all]
        #[arg(long, value_name = "N")]
        number: Option<i64>,
    },
}

impl Models {
    /// Does what is asked of the store.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let at = &session.created;
        match self.action {
            Action::List { name: None } => list(session),
            Action::List { name: Some(name) } => versions(&name, session),
            Action::Show { name, version } => match parse_reference(&name) {
                Some((name, version)) => show_version(name, version, session),
                None => show_version(&name, &version, session),
            },
            Action::Register { name, model, alias, run, note } => {
                let file = resolve_model(&model).map_err(|e| in_other_order(e, &name, &model))?;
                let mut store = store(session)?;
                if let Some(run) = run {
                    store.run(run)?;
                }
                let mut version = store.register(&name, &file, run, note.as_deref(), at)?;
                if let Some(alias) = alias {
                    let number = version.number.to_string();
                    warn_of_another_question(&store, (&name, &alias), &version);
                    store.set_alias(&name, &alias, &number, note.as_deref(), at)?;
                    version = store.version(&name, &number)?;
                }
                let number = version.number;
                said(session, &json!(version), &format!("{name}, version {number}"))
            }
            Action::Alias { name, alias, remove: true, .. } => {
                existing_store(session)?.remove_alias(&name, &alias, at)?;
                let text = format!("{name}@{alias} is removed");
                said(session, &json!({ "name": name, "alias": alias, "number": null }), &text)
            }
            Action::Alias { name, alias, version, reason, remove: false } => {
                let mut store = existing_store(session)?;
                if let Ok(version) = store.version(&name, &version) {
                    warn_of_another_question(&store, (&name, &alias), &version);
                }
                let before = store.set_alias(&name, &alias, &version, reason.as_deref(), at)?;
                moved(&name, &alias, store.version(&name, &alias)?.number, before, session)
            }
            Action::History { name, alias } => match (parse_reference(&name), &alias) {
                (Some((name, alias)), None) => history(name, Some(alias), session),
                _ => history(&name, alias.as_deref(), session),
            },
            Action::Rollback { name, alias, reason } => {
                let mut store = existing_store(session)?;
                let before = store.version(&name, &alias)?.number;
                let number = store.roll_back(&name, &alias, reason.as_deref(), at)?;
                moved(&name, &alias, number, Some(before), session)
            }
            Action::Approve { name, reject, reason } => {
                let mut store = existing_store(session)?;
                let reason = reason.as_deref();
                let answer = Answer { model: &name, version: None, approves: !reject, reason };
                let Waiting { model, version: number } = store.answer_watch(&answer, at)?;
                let text = if reject {
                    format!("{model} stays as it is; version {number} was turned down")
                } else {
                    format!("{model} is version {number}")
                };
                let document = json!({ "model": model, "number": number, "approved": !reject });
                said(session, &document, &text)
            }
            Action::Delete { name, number } => {
                existing_store(session)?.delete_model(&name, number)?;
                let what = number.map_or(name.clone(), |n| format!("{name}, version {n},"));
                let text = format!("{what} is removed");
                said(session, &json!({ "deleted": name, "number": number }), &text)
            }
        }
    }
}

/// Says when an alias is to stand for a model that is asked otherwise than the one before.
fn warn_of_another_question(store: &Store, (name, alias): (&str, &str), next: &ModelVersion) {
    for remark in store.remarks_on_move(name, alias, next) {
        output::warn(&remark);
    }
}

/// A document, or a line for people.
fn said(session: &Session, document: &serde_json::Value, text: &str) -> Result<()> {
    if session.global.json {
        return output::print_json(document);
    }
    output::print(&format!("{text}\n"))
}

fn moved(
    name: &str,
    alias: &str,
    number: i64,
    before: Option<i64>,
    session: &Session,
) -> Result<()> {
    let was = before.map_or(String::new(), |b| format!(" (it was {b})"));
    let document = json!({ "name": name, "alias": alias, "number": number, "before": before });
    said(session, &document, &format!("{name}@{alias} is version {number}{was}"))
}

/// Where the name is a model and the model is none, they stand in the wrong order.
fn in_other_order(error: Error, name: &str, model: &Path) -> Error {
    if Path::new(name).exists() && !model.exists() {
        let model = model.display();
        return error.hint(format!("the name comes first: models register {model} {name}"));
    }
    error
}

fn list(session: &Session) -> Result<()> {
    let models = existing_store(session)?.models()?;
    if session.global.json {
        return output::print_json(&models);
    }
    if models.is_empty() {
        return output::print("no registered models\n");
    }
    let mut table = TextTable::new(&["model", ">versions", "aliases", "since"]);
    for model in models {
        let aliases: Vec<String> = model.aliases.iter().map(|(a, n)| format!("{a} {n}")).collect();
        table.row(vec![
            model.name,
            model.n_versions.to_string(),
            aliases.join(", "),
            model.created.split('T').next().unwrap_or_default().to_owned(),
        ]);
    }
    output::print(&table.render())
}

/// A version with its file and how it came to be.
fn show_version(name: &str, selector: &str, session: &Session) -> Result<()> {
    let store = existing_store(session)?;
    let version = store.version(name, selector)?;
    // An MLflow client keeps its model elsewhere; we know only where.
    let source = store.foreign_source(name, version.number)?;
    let file = match &source {
        None => Some(store.model_file(name, selector)?),
        Some(_) => None,
    };
    if session.global.json {
        let document = json!({ "version": version, "file": file, "source": source });
        return output::print_json(&document);
    }
    let trained = file.as_ref().map(modelwright::Model::open).transpose()?;
    let run = version.run.and_then(|id| store.run(id).ok());
    let changes = store.history(name)?.into_iter().filter(|c| c.number == Some(version.number));
    let mut table = TextTable::new(&["", ""]);
    let mut fact = |title: &str, value: String| {
        if !value.is_empty() {
            table.row(vec![title.to_owned(), value]);
        }
    };
    fact("model", format!("{name}, version {}", version.number));
    fact("aliases", version.aliases.join(", "));
    fact("registered", version.created.clone());
    if file.is_some() {
        fact("target", format!("{} ({})", version.target, version.task));
    }
    fact("score", score(&version));
    fact("trained", trained.map_or(String::new(), |model| model.artifact.manifest.created));
    fact("run", run.map_or(String::new(), |r| format!("{} ({}, {})", r.id, r.kind, r.started)));
    if file.is_some() {
        fact("size", size(version.size_bytes.unsigned_abs()));
    }
    fact("sha-256", version.sha256);
    fact("file", file.map_or(String::new(), |file| file.display().to_string()));
    fact("from MLflow", source.unwrap_or_default());
    fact("note", version.note.unwrap_or_default());
    for change in changes {
        let why = change.reason.map_or(String::new(), |why| format!(": {why}"));
        fact("became", format!("{} at {}{why}", change.alias, change.at));
    }
    output::print(&table.body())
}

fn score(version: &ModelVersion) -> String {
    let (Some(metric), Some(value)) = (&version.metric, version.value) else {
        return String::new();
    };
    let interval = version.low.zip(version.high);
    let interval =
        interval.map_or(String::new(), |(l, h)| format!(" ({} to {})", number(l), number(h)));
    format!("{metric} {}{interval}", number(value))
}

fn versions(name: &str, session: &Session) -> Result<()> {
    let versions = existing_store(session)?.versions(name)?;
    if session.global.json {
        return output::print_json(&versions);
    }
    let mut table =
        TextTable::new(&[">version", "aliases", "registered", ">size", ">run", "score", "note"]);
    for version in versions {
        let score = score(&version);
        table.row(vec![
            version.number.to_string(),
            version.aliases.join(", "),
            output::time(&version.created),
            // What an MLflow client registered lies elsewhere.
            if version.is_foreign() {
                String::new()
            } else {
                size(version.size_bytes.unsigned_abs())
            },
            version.run.map_or(String::new(), |id| id.to_string()),
            score,
            version.note.unwrap_or_default(),
        ]);
    }
    output::print(&table.render())
}

/// How the aliases of a model moved, or one of them.
fn history(name: &str, alias: Option<&str>, session: &Session) -> Result<()> {
    let mut changes = existing_store(session)?.history(name)?;
    if let Some(alias) = alias {
        let known: BTreeSet<String> = changes.iter().map(|change| change.alias.clone()).collect();
        if !known.contains(alias) {
            return Err(Error::input(format!("{name} never had the alias `{alias}`"))
                .suggest(alias, known.iter().map(String::as_str)));
        }
        changes.retain(|change| change.alias == alias);
    }
    if session.global.json {
        return output::print_json(&changes);
    }
    let mut table = TextTable::new(&["when", "alias", ">from", ">to", "why"]);
    let number = |n: Option<i64>| n.map_or("–".to_owned(), |n| n.to_string());
    for change in changes {
        table.row(vec![
            output::time(&change.at),
            change.alias,
            number(change.before),
            number(change.number),
            change.reason.unwrap_or_default(),
        ]);
    }
    output::print(&table.render())
}
