//! What can be typed: the global flags and the list of subcommands.
//!
//! Each subcommand declares its own flags beside its work (`command/<name>.rs`); values that have a
//! syntax of their own are parsed in [`values`]; [`slips`] answers what clap refuses; [`text`] is
//! what can be said of tables of text.

mod slips;
pub(crate) mod text;
pub(crate) mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use modelwright_core::Result;

use crate::{command, machine};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "modelwright",
    version,
    about = "From a table to a tested, packed model, in one command",
    after_help = EXAMPLES,
    subcommand_required = true,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    /// Flags of every subcommand.
    #[command(flatten)]
    pub(crate) global: Global,
    /// The subcommand.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  modelwright profile sales.csv --target churned
  modelwright fit sales.csv --target churned --time 60s --out churn
  modelwright predict churn new_customers.csv -o predictions.csv
  modelwright evaluate churn last_month.csv --json

Results go to stdout, progress and messages to stderr.
Exit codes: 0 done, 1 the work failed, 2 the input or the flags are wrong, 130 interrupted.";

/// Flags of every subcommand.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Print one JSON document on stdout and nothing else there
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
    /// No progress and no notes on stderr (errors and warnings stay)
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// Worker threads [default: all processors]
    #[arg(long, global = true, value_name = "N", value_parser = values::threads,
          help_heading = "Global options")]
    pub(crate) threads: Option<usize>,
    /// Seed of everything random [default: 0]
    #[arg(long, global = true, value_name = "N", value_parser = values::seed,
          help_heading = "Global options")]
    pub(crate) seed: Option<u64>,
    /// Memory that may be used, e.g. 4GiB or 500MB [default: what is free]
    #[arg(long, global = true, value_name = "SIZE", value_parser = values::memory,
          help_heading = "Global options")]
    pub(crate) memory: Option<u64>,
    /// The folder of runs and registered models, or postgres://USER@HOST/DATABASE [default:
    /// MODELWRIGHT_STORE, or a folder in the user's data folder]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(crate) store: Option<PathBuf>,
}

impl Global {
    /// The memory limit: the flag's, or what is free.
    pub(crate) fn memory_limit(&self) -> Option<u64> {
        self.memory.or_else(machine::default_memory_limit)
    }
}

/// The subcommands, in the order of a model's life.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look at a table: kinds, statistics, alerts, suspected leaks
    Profile(command::profile::Profile),
    /// Train, test and pack a model within a budget
    Fit(Box<command::fit::Fit>),
    /// Train one learner with chosen parameters, without a search
    Train(Box<command::train::Train>),
    /// Predict the rows of a file
    Predict(command::predict::Predict),
    /// Measure a model on a file whose target is known
    Evaluate(command::evaluate::Evaluate),
    /// Test whether one of two models is better on the same rows
    Compare(command::compare::Compare),
    /// Find out whether more rows would make a model better
    LearningCurve(command::learning_curve::LearningCurve),
    /// List the smaller models that a fit offers, and take one
    Pick(command::pick::Pick),
    /// Change by hand what an explainable model adds
    Edit(command::edit::Edit),
    /// Check whether a model treats groups of people alike
    Audit(command::audit::Audit),
    /// Say why a model predicts what it predicts
    Explain(Box<command::explain::Explain>),
    /// Show what is inside a model file
    Inspect(command::inspect::Inspect),
    /// Render the report of a run again
    Report(command::report::Report),
    /// Repeat a recorded run; the model file comes out byte for byte the same
    Replay(command::replay::Replay),
    /// Compare new rows with what a model was trained on: drift, data quality, performance
    Monitor(command::monitor::Monitor),
    /// Fit a new model on new rows; it takes over only if it passes every gate
    Retrain(command::retrain::Retrain),
    /// Versions of data: what they hold, what changed, what that did to the score
    Data(command::data::Data),
    /// Do what has changed in a project: source, fit, gates, registration
    Run(command::run::Run),
    /// Watch a registered model by rule: look, retrain, promote, roll back
    Watch(command::watch::Watch),
    /// List alerts, and try whether those who are to be told can be
    Alerts(command::alerts::Alerts),
    /// List, compare, search and export recorded runs
    Runs(command::runs::Runs),
    /// Register models under a name, and let aliases stand for their versions
    Models(command::models::Models),
    /// Answer requests for predictions over HTTP
    Serve(Box<command::serve::Serve>),
    /// Show runs, models and monitoring on a web page, and answer MLflow's clients
    Ui(Box<command::ui::Ui>),
    /// Write a model as an ONNX file, or its booster as one of LightGBM or XGBoost
    Export(command::export::Export),
    /// Make a model of a model file of LightGBM or XGBoost
    Import(command::import::Import),
}

/// A model, as users name it.
#[derive(Debug, Clone, Args)]
pub(crate) struct ModelArg {
    /// A model.mw, the folder that `fit` wrote, or a registered NAME@ALIAS
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
}

/// Parses the command line; `None` when help or the version was asked for (and printed).
///
/// # Errors
/// Input error, in the shape of every other error, when clap refuses the arguments.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Cli>> {
    let args: Vec<OsString> = args.into_iter().collect();
    match Cli::try_parse_from(&args) {
        Ok(cli) => Ok(Some(cli)),
        Err(refusal) => slips::answer(&refusal, &args).map(|()| None),
    }
}
