//! `run`: a project folder: do what has changed since the last time.

use std::path::{Path, PathBuf};

use clap::Args;
use modelwright::RunAccount;
use modelwright::lifecycle::store::Location;
use modelwright::pipeline::{Outcome, Pipeline, Surroundings};
use modelwright_core::Result;

use crate::machine;
use crate::output::{self, TextTable};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  modelwright run                  # the modelwright.toml of this folder
  modelwright run projects/churn --dry-run
  modelwright run --all

A project:

  [source]                         # optional: how the rows come to be
  run = \"python extract.py\"
  inputs = [\"extract.py\"]
  outputs = [\"train.csv\", \"test.csv\"]

  [data]
  train = \"train.csv\"
  test = \"test.csv\"                # optional

  [fit]                            # every flag of `fit`, by its name
  target = \"churned\"
  time = \"60s\"

  [[gate]]                         # what must hold before it comes into use
  metric = \"roc_auc\"
  at_least = 0.8

  [[gate]]
  not_worse_than = \"churn@champion\"

  [register]
  name = \"churn\"
  alias = \"champion\"               # what is served: modelwright serve churn@champion

  [monitor]                        # optional: new rows beside the model
  current = \"this_week.csv\"

A step is done again when its settings, a file that it reads, or a file that it made changed. What
was done is kept in .modelwright/run.json; a run that was killed goes on where it stopped.";

/// Flags of `run`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Run {
    /// The project: a folder with modelwright.toml, or such a file
    #[arg(value_name = "PROJECT", default_value = ".")]
    project: PathBuf,
    /// Say what would be done, and why
    #[arg(long = "dry-run")]
    only_say: bool,
    /// Do every step, also where nothing changed
    #[arg(long, conflicts_with = "only_say")]
    all: bool,
}

impl Run {
    /// Does what has changed.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let pipeline = Pipeline::read(&self.project)?;
        let outcomes = if self.only_say {
            pipeline.plan()?
        } else {
            let world = Surroundings {
                now: &machine::utc_now,
                context: &|time| session.fresh_context(time),
                store: Location::find().map(|location| location.place),
                begins: &|step, reason| session.note(&format!("{step}: {reason}")),
                account: &|kind, asked, made| account(&pipeline, (kind, asked), made, session),
                says: &|text| session.note(text),
                warns: &output::warn,
            };
            session.end_gracefully();
            pipeline.run(self.all, &world)?
        };
        show(&outcomes, self.only_say, session)
    }
}

/// Writes down that a step begins, where runs are written down; a project that registers its models
/// has a store.
fn account(
    pipeline: &Pipeline,
    asked: (&str, &serde_json::Value),
    made: &Path,
    session: &Session,
) -> Result<RunAccount> {
    let records = |location: &Location| pipeline.registers() || location.records_runs();
    let location = Location::find().filter(records);
    let account =
        RunAccount::begin(location, asked, Some(made), &machine::utc_now(), &output::warn)?;
    if let Some(writer) = account.live_writer() {
        session.told.take(writer);
    }
    Ok(account)
}

fn show(outcomes: &[Outcome], is_dry: bool, session: &Session) -> Result<()> {
    if session.global.json {
        return output::print_json(&outcomes);
    }
    let mut table = TextTable::new(&["step", "", "why", "what came of it"]);
    for outcome in outcomes {
        let mark = match (outcome.done, is_dry) {
            (false, _) => "–",
            (true, true) => "would run",
            (true, false) => "done",
        };
        table.row(vec![
            outcome.step.clone(),
            mark.to_owned(),
            outcome.reason.clone(),
            outcome.said.clone(),
        ]);
    }
    output::print(&table.render())
}
