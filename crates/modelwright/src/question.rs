//! What `fit` and `train` both ask: the table, its target, how it is tested, where results go.
//!
//! Both are one run with different options: the same flags, the same tables, the same outputs.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use modelwright::automl::FitOutcome;
use modelwright::automl::fair::MITIGATIONS;
use modelwright::evaluate::fairness::thresholds::Constraint;
use modelwright::evaluate::metric;
use modelwright::{Continuing, OutputFolder, Saved, read_test, read_train, read_train_as};
use modelwright_core::context::Event;
use modelwright_core::data::Kind;
use modelwright_core::record::Options;
use modelwright_core::task::Task;
use modelwright_core::{Context, Error, Result};

use crate::flags::text::TextArgs;
use crate::flags::{Global, values};
use crate::recording::{LogArg, Recorded, Recording};
use crate::run_end::fit_end;
use crate::session::{Limits, Session};
use crate::{machine, output, summary};

/// The folder that takes the outputs when the user names none.
const DEFAULT_FOLDER: &str = "modelwright-out";

/// How rows may be parted.
const SPLITS: [&str; 4] = ["random", "stratified", "group", "time"];

/// What the delivered model may learn from.
const REFITS: [&str; 2] = ["all", "train"];

/// Flags of a run, whatever it trains.
#[derive(Debug, Args)]
pub(crate) struct Question {
    /// The training table: CSV, TSV, JSON Lines, Parquet or Arrow; also .gz and .zst
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// The column to predict
    #[arg(long, value_name = "COLUMN", value_parser = values::name, display_order = 0,
          required = true)]
    target: Option<String>,
    /// What kind of question it is: binary, multiclass or regression [default: by the target]
    #[arg(long, value_parser = values::task)]
    task: Option<Task>,
    /// The metric to optimise [default: roc_auc, log_loss or rmse, by the task]
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// The folder for model.mw, report.html and record.json
    #[arg(long, value_name = "DIR", default_value = DEFAULT_FOLDER)]
    out: PathBuf,
    /// A table to test on, instead of a part of DATA
    #[arg(long, value_name = "FILE", conflicts_with_all = ["holdout", "split"])]
    test: Option<PathBuf>,
    /// The share of rows held out for the test [default: 0.2]
    #[arg(long, value_name = "SHARE", value_parser = values::holdout)]
    holdout: Option<f64>,
    /// What the delivered model learns from when the test is over: all rows, or only those that
    /// were not held out
    #[arg(long, value_name = "ROWS", default_value = "all",
          value_parser = PossibleValuesParser::new(REFITS))]
    refit: String,
    /// How rows are held out and parted into folds [default: by the data]
    #[arg(long, value_parser = PossibleValuesParser::new(SPLITS))]
    split: Option<String>,
    /// The column whose groups must not be torn apart
    #[arg(long, value_name = "COLUMN", value_parser = values::name)]
    group: Option<String>,
    /// The column with the time of each row
    #[arg(long, value_name = "COLUMN", value_parser = values::name)]
    time_column: Option<String>,
    /// The column with the weight of each row
    #[arg(long, value_name = "COLUMN", value_parser = values::name)]
    weight: Option<String>,
    /// Columns not to learn from
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', value_parser = values::name)]
    exclude: Vec<String>,
    /// Columns whose groups are to be treated alike (kept as features)
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', value_parser = values::name)]
    sensitive: Vec<String>,
    /// Decide fairly to the sensitive groups: demographic_parity, equal_opportunity or
    /// equalized_odds (binary)
    #[arg(long, value_name = "DEFINITION")]
    fair: Option<String>,
    /// The largest difference of rates that --fair allows [default: 0.05]
    #[arg(long, value_name = "SHARE", value_parser = values::gap)]
    max_gap: Option<f64>,
    /// How the gap of --fair is kept: by thresholds of groups, which need the sensitive columns to
    /// predict, or in ways that do not; auto takes what costs least [default: thresholds]
    #[arg(long, value_name = "WAY", value_parser = PossibleValuesParser::new(MITIGATIONS))]
    mitigation: Option<String>,
    /// The label that counts as positive (binary)
    #[arg(long, value_name = "LABEL")]
    positive: Option<String>,
    /// What errors cost: fp=1,fn=5 (binary) or ACTUAL:PREDICTED=COST; the cheapest is decided
    #[arg(long, value_name = "ERROR=COST,…", value_parser = values::costs)]
    cost: Option<values::Costs>,
    /// Shares of rows that intervals or sets are to hold, or none [default: 0.9 for regression]
    #[arg(long, value_name = "LEVEL,…", value_delimiter = ',', value_parser = values::level)]
    intervals: Vec<values::Level>,
    /// The column whose groups are each to be held so often; the target: each class
    #[arg(long, value_name = "COLUMN", value_parser = values::name)]
    group_coverage: Option<String>,
    /// Decide what a column means, e.g. --kind zip=category (repeatable)
    #[arg(long = "kind", value_name = "COLUMN=KIND", value_parser = values::column_kind)]
    kinds: Vec<(String, Kind)>,
    /// Keep columns that are almost certainly leaks of the target
    #[arg(long)]
    keep_leaks: bool,
    /// Show single rows of the held-out part in the report, with the reasons for their predictions
    #[arg(long)]
    with_rows: bool,
    /// Print what would be tried, and stop
    #[arg(long)]
    plan_only: bool,
    #[command(flatten)]
    text: TextArgs,
    #[command(flatten)]
    log: LogArg,
}

impl Question {
    /// The options as the record keeps them; what only one subcommand asks keeps its default.
    pub(crate) fn options(&self, time: Option<Duration>, global: &Global) -> Result<Options> {
        let target = self.target.as_deref().ok_or_else(|| {
            Error::input("missing --target <COLUMN>")
                .at("modelwright train")
                .expected("the name of the column to predict")
                .hint("add --target COLUMN; only isolation_forest learns without one")
        })?;
        self.options_for(target, time, global)
    }

    /// The same for what learns without a target.
    ///
    /// # Errors
    /// Input error when a target is named.
    pub(crate) fn options_without_target(
        &self,
        time: Option<Duration>,
        global: &Global,
    ) -> Result<Options> {
        if let Some(target) = &self.target {
            return Err(Error::input("this learner needs no target")
                .at("--target")
                .got(target)
                .hint(format!(
                    "leave it out; --exclude {target} keeps it from being learned from"
                )));
        }
        self.options_for("", time, global)
    }

    fn options_for(
        &self,
        target: &str,
        time: Option<Duration>,
        global: &Global,
    ) -> Result<Options> {
        self.check()?;
        let mut options = Options::new(target);
        options.task = self.task;
        options.metric.clone_from(&self.metric);
        options.time_limit_s = time.map(|t| t.as_secs_f64());
        options.memory_limit_bytes = global.memory_limit();
        options.seed = global.seed.unwrap_or(0);
        options.holdout = self.holdout.unwrap_or(options.holdout);
        options.refit.clone_from(&self.refit);
        options.split.clone_from(&self.split);
        options.group.clone_from(&self.group);
        options.time_column.clone_from(&self.time_column);
        options.weight.clone_from(&self.weight);
        options.exclude.clone_from(&self.exclude);
        options.sensitive.clone_from(&self.sensitive);
        options.fair.clone_from(&self.fair);
        options.max_gap = self.max_gap;
        options.mitigation.clone_from(&self.mitigation);
        options.positive.clone_from(&self.positive);
        options.cost = self.cost.iter().flat_map(|costs| costs.0.iter().cloned()).collect();
        options.intervals = self.levels()?;
        options.group_coverage.clone_from(&self.group_coverage);
        options.kinds = self.kinds.iter().cloned().collect();
        options.keep_leaks = self.keep_leaks;
        options.with_rows = self.with_rows;
        options.text = self.text.layout();
        Ok(options)
    }

    /// The levels of `--intervals`; `None` leaves them to the task.
    fn levels(&self) -> Result<Option<Vec<f64>>> {
        let levels: Vec<f64> = self.intervals.iter().filter_map(|level| level.0).collect();
        match (self.intervals.len(), levels.len()) {
            (0, _) => Ok(None),
            (1, 0) => Ok(Some(Vec::new())),
            (n, m) if n == m => Ok(Some(levels)),
            _ => Err(Error::input("`none` stands beside levels")
                .at("--intervals")
                .expected("levels, or none alone")),
        }
    }

    /// Trains, writes and sums up; or prints the plan, when that is all that was asked.
    pub(crate) fn run(&self, options: Options, session: &Session) -> Result<()> {
        self.run_after(None, options, session)
    }

    /// As [`Self::run`], adding rounds to an earlier model, if there is one.
    pub(crate) fn run_after(
        &self,
        earlier: Option<&Continuing>,
        options: Options,
        session: &Session,
    ) -> Result<()> {
        let ctx = session.context(Limits {
            time: options.time_limit_s.map(Duration::from_secs_f64),
            memory_bytes: options.memory_limit_bytes,
            ..Limits::default()
        })?;
        if self.plan_only && options.target.is_empty() {
            return Err(Error::input("without a target there is nothing to plan")
                .at("--plan-only")
                .hint("leave it out: all rows are learned from at once"));
        }
        if self.plan_only {
            let plan = modelwright::plan(self.read(earlier, options, &ctx)?, &ctx)?;
            drop(ctx);
            return if session.global.json {
                output::print_json(&plan)
            } else {
                output::print(&summary::plan(&plan))
            };
        }
        let kind = if options.single.is_some() { "train" } else { "fit" };
        let mut recording = Recording::begin(kind, &options, Some(&self.out), &self.log, session)?;
        let done = self.fit(earlier, options, (session, &mut recording), ctx);
        recording
            .end(done, session, |(outcome, saved)| Recorded {
                end: fit_end(&outcome.record, None),
                model: &saved.model,
            })
            .and_then(|(outcome, saved)| summary::print_fit(&outcome.record, &saved, session))
    }

    /// Reads, fits and writes.
    fn fit(
        &self,
        earlier: Option<&Continuing>,
        options: Options,
        (session, recording): (&Session, &mut Recording),
        ctx: Context,
    ) -> Result<(FitOutcome, Saved)> {
        let folder = OutputFolder::prepare(&self.out)?;
        let input = self.read(earlier, options, &ctx)?;
        recording.account().keep_data((&input.table, &input.source), &ctx, &output::warn);
        session.end_gracefully();
        let mut outcome = modelwright::fit(input, &ctx)?;
        ctx.tell(Event::Phase("write".to_owned()));
        outcome.record.clock.created.clone_from(&session.created);
        machine::complete(&mut outcome.record.clock, &ctx);
        let saved = modelwright::save(&outcome, &folder)?;
        let was_cut_short = ctx.is_cancelled();
        drop(ctx);
        if was_cut_short {
            session.note("ended early on request, with the best model so far");
        }
        Ok((outcome, saved))
    }

    /// Reads the training table and, if there is one, the test table.
    fn read(
        &self,
        earlier: Option<&Continuing>,
        options: Options,
        ctx: &Context,
    ) -> Result<modelwright::FitInput> {
        ctx.tell(Event::Phase("read".to_owned()));
        let train = match earlier {
            None => read_train(&self.data, &options.text, ctx)?,
            Some(earlier) => read_train_as(&self.data, &options.text, &earlier.schema, ctx)?,
        };
        let test = match &self.test {
            None => None,
            Some(path) => Some(read_test(path, &options.text, &train, ctx)?),
        };
        let Some(earlier) = earlier else {
            let all_rows = modelwright::all_rows(&self.data, &options.text);
            let input = modelwright::input_of(train, test, options);
            return Ok(modelwright::FitInput { all_rows, ..input });
        };
        if test.is_none() && earlier.learned_whole.as_ref() == Some(&train.source.sha256) {
            ctx.tell(Event::Warning(
                "the model had learned from all rows of this table: what is held out of it tests \
                 nothing (--test FILE names rows that it has not seen)"
                    .to_owned(),
            ));
        }
        let mut input = modelwright::input_of(train, test, options);
        input.own.continued = Some(earlier.earlier.clone());
        Ok(input)
    }

    /// Refuses flags that need each other, or cannot be together, before anything is read.
    fn check(&self) -> Result<()> {
        if self.split.as_deref() == Some("group") && self.group.is_none() {
            return Err(missing_partner("--split group", "--group COLUMN"));
        }
        if self.split.as_deref() == Some("time") && self.time_column.is_none() {
            return Err(missing_partner("--split time", "--time-column COLUMN"));
        }
        if self.task == Some(Task::Regression) && self.positive.is_some() {
            return Err(Error::input("`--positive` needs a target with two classes")
                .at("--positive")
                .expected("--task binary")
                .hint("leave --positive or --task out"));
        }
        if self.max_gap.is_some() && self.fair.is_none() {
            return Err(missing_partner("--max-gap", "--fair DEFINITION"));
        }
        if self.mitigation.is_some() && self.fair.is_none() {
            return Err(missing_partner("--mitigation", "--fair DEFINITION"));
        }
        if let Some(name) = &self.fair {
            name.parse::<Constraint>().map_err(|e| e.at("--fair"))?;
            if self.sensitive.is_empty() {
                return Err(missing_partner("--fair", "--sensitive COLUMN,…"));
            }
        }
        if let Some(name) = &self.metric {
            metric(name).map_err(|e| e.at("--metric"))?;
        }
        Ok(())
    }
}

fn missing_partner(flag: &str, partner: &str) -> Error {
    Error::input(format!("`{flag}` needs `{partner}`"))
        .at(flag)
        .expected(partner)
        .hint(format!("add {partner}, or leave {flag} out"))
}
