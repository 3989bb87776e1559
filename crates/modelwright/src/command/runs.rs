//! `runs`: what was done, with which data, and what came of it.

mod score;
mod show;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use modelwright::evaluate::metric;
use modelwright::lifecycle::store::{RunFilter, RunRow, Store};
use modelwright_core::{Error, Result};
use serde_json::json;

use crate::output::{self, TextTable, count, number, seconds};
use crate::recording::existing_store;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  modelwright runs list
  modelwright runs search 'kind = fit and metrics.roc_auc > 0.9' --best roc_auc
  modelwright runs compare 12 15
  modelwright runs export -o runs.jsonl

A search asks for fields of a run, such as kind, status, target, started, name and experiment, and
for metrics.NAME, parameters.NAME and tags.NAME; texts with blanks stand in quotation marks.

Runs are recorded when a store is named, by --store or MODELWRIGHT_STORE, or was made by
`modelwright models register` or `modelwright ui`.";

/// Flags of `runs`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Runs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// The newest runs
    List(List),
    /// Everything about one run
    Show {
        /// Its number
        #[arg(value_name = "RUN")]
        id: i64,
    },
    /// Metrics of runs side by side
    Compare {
        /// Their numbers
        #[arg(value_name = "RUN", required = true, num_args = 2..)]
        ids: Vec<i64>,
    },
    /// The runs that conditions hold for
    Search {
        /// Conditions joined by `and`, such as: kind = fit and metrics.roc_auc > 0.9
        #[arg(value_name = "QUERY")]
        query: String,
        #[command(flatten)]
        list: List,
    },
    /// Runs as JSON Lines
    Export {
        /// Their numbers [default: all]
        #[arg(value_name = "RUN")]
        ids: Vec<i64>,
        /// Where to write [default: stdout]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Remove runs
    Delete {
        /// Their numbers
        #[arg(value_name = "RUN", required = true)]
        ids: Vec<i64>,
    },
}

/// How runs are listed.
#[derive(Debug, Args)]
struct List {
    /// The best by this metric first, instead of the newest
    #[arg(long, value_name = "METRIC")]
    best: Option<String>,
    /// No more than so many; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

impl List {
    fn of(&self, filter: RunFilter) -> Result<RunFilter> {
        let filter = filter.at_most(self.limit);
        match &self.best {
            None => Ok(filter),
            Some(name) => {
                let spec = metric(name).map_err(|e| e.at("--best"))?.spec;
                Ok(filter.best_first(spec.name, spec.larger_is_better))
            }
        }
    }
}

impl Runs {
    /// Does what is asked of the store.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let mut store = existing_store(session)?;
        match self.action {
            Action::List(list) => show_list(
                &store.runs(&list.of(RunFilter::default())?)?,
                list.best.as_deref(),
                session,
            ),
            Action::Search { query, list } => {
                let filter = list.of(RunFilter::parse(&query)?)?;
                show_list(&store.runs(&filter)?, list.best.as_deref(), session)
            }
            Action::Show { id } => show::one(&store, id, session),
            Action::Compare { ids } => {
                let runs = ids.iter().map(|id| store.run(*id)).collect::<Result<Vec<_>>>()?;
                compare(&runs, session)
            }
            Action::Export { ids, output } => export(&store, &ids, output),
            Action::Delete { ids } => delete(&mut store, ids, session),
        }
    }
}

fn delete(store: &mut Store, mut ids: Vec<i64>, session: &Session) -> Result<()> {
    ids.sort_unstable();
    ids.dedup();
    let of_run = |id: &i64| Ok((*id, store.versions_of_run(*id)?));
    let made: Vec<(i64, Vec<(String, i64)>)> = ids.iter().map(of_run).collect::<Result<_>>()?;
    store.delete_runs(&ids)?;
    for (id, versions) in &made {
        for (name, number) in versions {
            output::warn(&format!("{name}, version {number}, came of run {id} and stays"));
        }
    }
    if session.global.json {
        return output::print_json(&json!({ "deleted": ids }));
    }
    session.note(&match ids.len() {
        1 => "one run removed".to_owned(),
        n => format!("{n} runs removed"),
    });
    Ok(())
}

fn show_list(runs: &[RunRow], best: Option<&str>, session: &Session) -> Result<()> {
    if session.global.json {
        return output::print_json(&runs);
    }
    if runs.is_empty() {
        return output::print("no runs\n");
    }
    let is_named = runs.iter().any(|run| run.name.is_some() || run.parent.is_some());
    let mut titles = vec![">run", "kind", "status", "started", ">took", "data", "target", "score"];
    if is_named {
        titles.extend(["name", "experiment", ">of run"]);
    }
    let mut table = TextTable::new(&titles);
    for run in runs {
        let mut row = vec![
            run.id.to_string(),
            run.kind.clone(),
            run.status.name().to_owned(),
            output::time(&run.started),
            run.duration_s.map_or(String::new(), seconds),
            run.data_name.clone().unwrap_or_default(),
            run.target.clone().unwrap_or_default(),
            score::shown(run, best),
        ];
        if is_named {
            row.push(run.name.clone().unwrap_or_default());
            row.push(run.experiment.clone().unwrap_or_default());
            row.push(run.parent.map_or(String::new(), |id| id.to_string()));
        }
        table.row(row);
    }
    output::print(&table.render())
}

fn compare(runs: &[RunRow], session: &Session) -> Result<()> {
    if session.global.json {
        return output::print_json(&runs);
    }
    let titles: Vec<String> = runs.iter().map(|r| format!(">run {}", r.id)).collect();
    let titles: Vec<&str> = std::iter::once("").chain(titles.iter().map(String::as_str)).collect();
    let mut table = TextTable::new(&titles);
    let mut line = |name: &str, value: &dyn Fn(&RunRow) -> String| {
        let values: Vec<String> = runs.iter().map(value).collect();
        if values.iter().any(|v| !v.is_empty()) {
            table.row(std::iter::once(name.to_owned()).chain(values).collect());
        }
    };
    line("kind", &|r| r.kind.clone());
    line("data", &|r| r.data_name.clone().unwrap_or_default());
    line("rows", &|r| r.n_rows.map_or(String::new(), |n| count(n as usize)));
    line("took", &|r| r.duration_s.map_or(String::new(), seconds));
    let mut names: Vec<&str> = Vec::new();
    for m in runs.iter().flat_map(|r| &r.metrics) {
        if !names.contains(&m.name.as_str()) {
            names.push(&m.name);
        }
    }
    for name in names {
        line(name, &|r| {
            let found = r.metrics.iter().find(|m| m.name == name).and_then(|m| m.value);
            found.map_or(String::new(), number)
        });
    }
    // Only what differs is worth a line.
    let mut keys: Vec<&String> =
        runs.iter().filter_map(|r| r.parameters.as_object()).flat_map(|o| o.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let of = |r: &RunRow| r.parameters.get(key).map_or(String::new(), ToString::to_string);
        if runs.iter().any(|r| of(r) != of(&runs[0])) {
            line(key, &of);
        }
    }
    output::print(&table.render())
}

fn export(store: &Store, ids: &[i64], file: Option<PathBuf>) -> Result<()> {
    let runs = if ids.is_empty() {
        store.runs(&RunFilter::default())?
    } else {
        ids.iter().map(|id| store.run(*id)).collect::<Result<_>>()?
    };
    let file = output::or_stdout(file);
    let folder = file.as_deref().map(|path| path.parent().unwrap_or(Path::new("")));
    // Only within the store are names that mean something to it.
    let is_of_store = folder.is_some_and(|folder| {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let place = folder.canonicalize().ok().zip(store.folder().canonicalize().ok());
        place.is_some_and(|(folder, store)| folder.starts_with(store))
    });
    if is_of_store {
        return Err(Error::input("the output would be written into the store")
            .at("--output")
            .expected("a file elsewhere")
            .got(file.unwrap_or_default().display().to_string()));
    }
    let mut text = String::new();
    for run in &runs {
        text += &json!(run).to_string();
        text.push('\n');
    }
    match file {
        None => output::print(&text),
        Some(path) => modelwright_lifecycle::atomic_write(path, text.as_bytes()),
    }
}
