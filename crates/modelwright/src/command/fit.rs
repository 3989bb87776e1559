//! `fit`: train, test and pack a model within a budget.

use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use modelwright_core::Result;
use modelwright_core::record::Options;

use crate::flags::{Global, values};
use crate::question::Question;
use crate::session::Session;

/// How thorough a search may be.
const PRESETS: [&str; 3] = ["quick", "balanced", "best"];

const EXAMPLES: &str = "\
Examples:
  modelwright fit titanic.csv --target Survived
  modelwright fit sales.parquet --target price --time 5m --metric mae --out sales
  modelwright fit visits.csv --target churned --split time --time-column date --exclude id,name
  modelwright fit train.csv --target y --test test.csv --preset best --memory 4GiB
  modelwright fit train.csv --target y --plan-only

The folder gets model.mw (the model), report.html (the report) and record.json (the account of
the run, for `replay`). Ctrl-C ends the search early and keeps the best model so far.";

/// Flags of `fit`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that stands alone")]
pub(crate) struct Fit {
    #[command(flatten)]
    question: Question,
    /// Wall time from the start to the last file written, e.g. 60s, 5m, 1h
    #[arg(long, value_name = "DURATION", value_parser = values::duration, default_value = "60s",
          display_order = 1)]
    time: Duration,
    /// How thorough the search is
    #[arg(long, default_value = "balanced", display_order = 2,
          value_parser = PossibleValuesParser::new(PRESETS))]
    preset: String,
    /// The only learners to search among, e.g. gbdt,linear [default: those that suit the table]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = values::learner,
          display_order = 5)]
    learners: Vec<String>,
    /// Directions in which columns may act on the score, e.g. age:+1,price:-1; every member keeps
    /// to them
    #[arg(long, value_name = "COLUMN:±1,…", allow_hyphen_values = true, display_order = 5)]
    monotone: Option<String>,
    /// Groups of columns that may act together, e.g. "age,income|hours,age"; columns that no group
    /// names form a further one
    #[arg(long, value_name = "GROUPS", display_order = 5)]
    interactions: Option<String>,
    /// Only models that a person can read as a whole: one linear or additive model
    #[arg(long, display_order = 5)]
    interpretable: bool,
    /// The longest time to predict one row, e.g. 50us: the best model of the fit that keeps to it
    #[arg(long, value_name = "TIME", value_parser = values::latency, display_order = 6)]
    max_latency: Option<f64>,
    /// The largest size of the model, e.g. 500kB, 10MB
    #[arg(long, value_name = "SIZE", value_parser = values::size, display_order = 6)]
    max_size: Option<u64>,
    /// What columns cost for each row: COLUMN=COST,… (*=1 is all others), or a file of columns and
    /// costs; models that do with cheaper ones are offered to `pick`
    #[arg(long, value_name = "COSTS", value_parser = values::feature_costs, display_order = 6)]
    feature_cost: Option<values::Costs>,
    /// The most that the columns may cost together that the model reads; the whole ensemble keeps
    /// to it
    #[arg(long, value_name = "COST", value_parser = values::cost_limit, requires = "feature_cost",
          display_order = 6)]
    max_feature_cost: Option<f64>,
    /// Deliver the fastest model that a test cannot tell from the best one, in place of the best
    #[arg(long, conflicts_with_all = ["max_latency", "max_size"], display_order = 6)]
    prefer_simple: bool,
    /// Teach one small model what the ensemble says, and offer it to `pick`; with --preset quick it
    /// is delivered. --max-latency and --max-size imply it
    #[arg(long, conflicts_with = "interpretable", display_order = 6)]
    distill: bool,
    /// Deliver the mean of the members as it is, whatever a second level of models would gain
    #[arg(long, display_order = 6)]
    no_second_level: bool,
    /// Judge the whole search by so many outer folds as well; takes an even share of the time for
    /// each
    #[arg(long, value_name = "FOLDS", num_args = 0..=1, default_missing_value = "3",
          value_parser = values::outer_folds, display_order = 4)]
    nested: Option<usize>,
}

impl Fit {
    /// Fits, writes and sums up.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let options = self.options(&session.global)?;
        self.question.run(options, session)
    }

    /// What is asked, as the record keeps it.
    pub(crate) fn options(&self, global: &Global) -> Result<Options> {
        let mut options = self.question.options(Some(self.time), global)?;
        options.preset.clone_from(&self.preset);
        options.learners.clone_from(&self.learners);
        options.nested = self.nested;
        options.monotone.clone_from(&self.monotone);
        options.interactions.clone_from(&self.interactions);
        options.interpretable = self.interpretable;
        options.max_latency_us = self.max_latency;
        options.max_size_bytes = self.max_size;
        let costs = self.feature_cost.iter().flat_map(|costs| costs.0.iter().cloned());
        options.feature_cost = costs.collect();
        options.max_feature_cost = self.max_feature_cost;
        options.distill = self.distill;
        options.second_level = !self.no_second_level;
        options.prefer_simple = self.prefer_simple;
        Ok(options)
    }
}
