//! `predict`: the predictions of every row of a file.
//!
//! Rows stream through three stages that run at the same time, with a few chunks between them:
//! parse → predict → format and write. Memory does not depend on the size of the file, and a
//! prediction does not depend on the rows around it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use clap::Args;
use modelwright::automl::Regions;
use modelwright::automl::boosting::quantile_levels;
use modelwright::automl::tree_answers::{answer_columns, quantile_columns};
use modelwright::automl::unusual::{self, UsualRows};
use modelwright::io::{ReadOptions, TableStream, TableWriter, column_names, stream_path};
use modelwright::{Model, PredictionTable, StreamedReasons};
use modelwright_core::context::Event;
use modelwright_core::data::Table;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_lifecycle::AtomicFile;
use serde_json::json;

use crate::flags::text::TextArgs;
use crate::flags::{ModelArg, values};
use crate::output::{self, count};
use crate::rows_json::RowsJson;
use crate::session::{Limits, Session};

const EXAMPLES: &str = "\
Examples:
  modelwright predict churn new_customers.csv > predictions.csv
  modelwright predict churn/model.mw new_customers.parquet -o predictions.parquet
  modelwright predict houses new_houses.csv --intervals > predictions.csv
  modelwright predict booster new_customers.csv --raw --leaf -o leaves.parquet

The output has the column `prediction` and, for classification, `probability_<class>` for every
class; rows are in the order of DATA. With --intervals come `prediction_lower` and
`prediction_upper`, or `prediction_set`; of several levels each with its level behind. A model of
several quantiles adds `quantile_LEVEL` for each, an isolation forest `is_anomaly`. With --unusual
come `unusualness` (0.998: stranger than 99.8 % of the rows of the test) and `unusual_columns`.
Columns of DATA may be in any order, and others are ignored.";

/// Rows that go through the stages together.
const ROWS_PER_CHUNK: usize = 16 << 10;

/// Chunks that may wait between two stages.
const CHUNKS_WAITING: usize = 2;

/// Flags of `predict`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that stands alone")]
#[command(after_help = EXAMPLES)]
pub(crate) struct Predict {
    #[command(flatten)]
    model: ModelArg,
    /// The rows to predict; `-` is standard input
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// Where to write: .csv or .parquet [default: CSV on stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Add the largest reasons of each prediction in words, as reason_1, … [default: 3 of them]
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "3",
          value_parser = values::count)]
    explain: Option<usize>,
    /// Add the model's intervals (regression) or sets (classification)
    #[arg(long)]
    intervals: bool,
    /// Add what boosters add up to before it becomes a prediction: `score`, or `score_<class>`
    #[arg(long)]
    raw: bool,
    /// Add the number of the leaf in which the row ends, for each tree: leaf_1, …
    #[arg(long)]
    leaf: bool,
    /// Add how unusual each row is beside those that the model was tested on (`unusualness`: the
    /// share of these that are less so), and what makes it so (`unusual_columns`)
    #[arg(long)]
    unusual: bool,
    #[command(flatten)]
    text: TextArgs,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Parquet,
    Json,
}

impl Predict {
    /// Streams DATA through the model.
    pub(crate) fn run(mut self, session: &Session) -> Result<()> {
        self.output = output::or_stdout(self.output);
        let form = self.form(session)?;
        let model = Model::load(&self.model.model)?.with_text(self.text.layout());
        if self.intervals && model.predictor.levels().is_empty() {
            return Err(Error::input("the model has no intervals")
                .at("--intervals")
                .expected("a model that was fitted with them")
                .hint("fit it with --intervals 0.9"));
        }
        let ctx = session.context(Limits::default())?;
        ctx.tell(Event::Phase("predict".to_owned()));
        let stream = stream_path(&self.data, &model.read_options()?, ROWS_PER_CHUNK, &ctx)?;
        let (data, intervals, explain) = (&self.data, self.intervals, self.explain);
        let answers = (self.raw, self.leaf);
        let levels = quantile_levels(&model.artifact.record()?.options)?;
        let usual = self.unusual.then(|| model.usual()).transpose()?;
        let job =
            Job { model: &model, data, intervals, explain, answers, levels, usual, ctx: &ctx };
        let n_rows = match &self.output {
            None => job.run(stream, Out::new(form, io::stdout()))?.0,
            Some(path) => {
                let out = Out::new(form, AtomicFile::create(path)?);
                let (n_rows, file) = job.run(stream, out)?;
                if let Some(file) = file {
                    file.commit()?;
                }
                n_rows
            }
        };
        drop(ctx);
        match &self.output {
            Some(path) if session.global.json => {
                output::print_json(&json!({ "n_rows": n_rows, "output": path }))
            }
            Some(path) => {
                session.note(&format!("{} rows predicted to {}", count(n_rows), path.display()));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The form that the output's name asks for.
    fn form(&self, session: &Session) -> Result<Form> {
        let Some(path) = &self.output else {
            return Ok(if session.global.json { Form::Json } else { Form::Csv });
        };
        output::spare(Some(path), [&*self.data], "--output")?;
        output::spare_model(Some(path), &self.model.model, "--output")?;
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "csv" => Ok(Form::Csv),
            "parquet" | "pq" => Ok(Form::Parquet),
            _ => Err(Error::input("unknown form of output")
                .at("--output")
                .expected("a file name that ends in .csv or .parquet")
                .got(path.display().to_string())),
        }
    }
}

/// What is needed to predict one file.
struct Job<'a> {
    model: &'a Model,
    data: &'a Path,
    intervals: bool,
    /// Reasons for each row.
    explain: Option<usize>,
    /// Whether scores and leaves are wanted.
    answers: (bool, bool),
    /// Levels of the quantiles that the model learned at once.
    levels: Vec<f64>,
    /// What tells how unusual rows are, where that is wanted.
    usual: Option<UsualRows>,
    ctx: &'a Context,
}

impl Job<'_> {
    /// Runs the three stages; returns the rows predicted and the finished output (none when its
    /// reader had seen enough).
    fn run<W: Write + Send>(&self, stream: TableStream, out: Out<W>) -> Result<(usize, Option<W>)> {
        thread::scope(|scope| {
            let (send_table, tables) = sync_channel(CHUNKS_WAITING);
            let (send_done, done) = sync_channel(CHUNKS_WAITING);
            scope.spawn(move || parse(stream, &send_table));
            let predicting = scope.spawn(move || self.predict(&tables, &send_done));
            let written = write(out, &done);
            drop(done);
            let predicted = match predicting.join() {
                Ok(predicted) => predicted,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            // A stage that fails closes its channels; the first to fail says why.
            let n_rows = predicted?;
            Ok((n_rows, written?))
        })
    }

    fn predict(&self, tables: &Receiver<Result<Table>>, send: &SyncSender<Table>) -> Result<usize> {
        let as_table = PredictionTable::of(&self.model.predictor);
        let mut n_rows = 0;
        let mut reasons: Option<StreamedReasons<'_>> = None;
        for table in tables {
            let table = table.map_err(|e| self.at_data(e))?;
            if n_rows == 0 {
                self.model.check_columns(&table, self.ctx).map_err(|e| self.with_nearest(e))?;
                let begin = |n| StreamedReasons::begin(self.model, &table, n, self.ctx);
                reasons = self.explain.map(begin).transpose().map_err(|e| self.at_data(e))?;
            }
            let predicted = self.predict_table(&table);
            n_rows += table.n_rows();
            let (predictions, regions) = predicted.map_err(|e| self.at_data(e))?;
            let mut out = as_table.of_rows(&table, &predictions, regions.as_ref())?;
            let trees = answer_columns(&self.model.predictor, &table, self.answers, self.ctx);
            let more = trees.map_err(|e| self.at_model(e))?;
            let quantiles = quantile_columns(&self.model.predictor, &table, &self.levels, self.ctx);
            let quantiles = quantiles.map_err(|e| self.at_model(e))?;
            let columns = out.into_columns().into_iter().chain(quantiles);
            out = Table::new(columns.chain(more).collect())?;
            if let Some(usual) = &self.usual {
                let more = unusual::columns(usual, &table, self.ctx);
                out = Table::new(out.into_columns().into_iter().chain(more).collect())?;
            }
            if let Some(reasons) = &reasons {
                let more = reasons.columns(&table, self.ctx).map_err(|e| self.at_data(e))?;
                let columns = out.into_columns().into_iter().chain(more);
                out = Table::new(columns.collect())?;
            }
            if send.send(out).is_err() {
                return Ok(n_rows); // the writer stopped, and says why
            }
        }
        if n_rows == 0 {
            let none = Predictions::new(self.model.predictor.n_outputs(), Vec::new());
            let regions = self.regions(&Table::new(Vec::new())?, &none)?;
            let out = as_table.of_rows(&Table::default(), &none, regions.as_ref())?;
            let _ = send.send(out);
        }
        Ok(n_rows)
    }

    fn predict_table(&self, table: &Table) -> Result<(Predictions, Option<Regions>)> {
        let predictions = self.model.predictor.predict(table, self.ctx)?;
        let regions = self.regions(table, &predictions)?;
        Ok((predictions, regions))
    }

    fn regions(&self, table: &Table, predictions: &Predictions) -> Result<Option<Regions>> {
        if !self.intervals {
            return Ok(None);
        }
        self.model.predictor.regions(table, predictions, self.ctx)
    }

    /// Names the file in an error that does not know it.
    fn at_data(&self, error: Error) -> Error {
        if error.place().source.is_some() {
            error
        } else {
            error.at(self.data.display().to_string())
        }
    }

    /// Names the model in an error that is of it.
    fn at_model(&self, error: Error) -> Error {
        if error.place().column.is_some() {
            return self.at_data(error);
        }
        error.at(self.model.path.display().to_string())
    }

    /// Adds the nearest name that the file has to the error of a missing column.
    fn with_nearest(&self, error: Error) -> Error {
        let error = self.at_data(error);
        let Some(column) = error.place().column.clone() else { return error };
        let text = ReadOptions::of_text(&self.model.text_layout());
        match text.and_then(|text| column_names(self.data, &text, self.ctx)) {
            Ok(names) => error.suggest(&column, names.iter().map(String::as_str)),
            Err(_) => error,
        }
    }
}

fn parse(stream: TableStream, send: &SyncSender<Result<Table>>) {
    for table in stream {
        let failed = table.is_err();
        if send.send(table).is_err() || failed {
            return;
        }
    }
}

/// Writes chunks until there are no more; `None` when the output's reader has seen enough.
fn write<W: Write + Send>(mut out: Out<W>, chunks: &Receiver<Table>) -> Result<Option<W>> {
    let quiet_end = |error: Error| if is_broken_pipe(&error) { Ok(None) } else { Err(error) };
    for chunk in chunks {
        if let Err(error) = out.write(&chunk) {
            return quiet_end(error);
        }
    }
    out.finish().map(Some).or_else(quiet_end)
}

fn is_broken_pipe(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(this) = cause {
        let io = this.downcast_ref::<io::Error>();
        if io.is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        cause = this.source();
    }
    false
}

/// The output in one of its forms.
enum Out<W: Write + Send> {
    Table(TableWriter<W>),
    Json(RowsJson<W>),
}

impl<W: Write + Send> Out<W> {
    fn new(form: Form, out: W) -> Self {
        match form {
            Form::Csv => Self::Table(TableWriter::csv(out)),
            Form::Parquet => Self::Table(TableWriter::parquet(out)),
            Form::Json => Self::Json(RowsJson::new(out)),
        }
    }

    fn write(&mut self, table: &Table) -> Result<()> {
        match self {
            Self::Table(writer) => writer.write(table),
            Self::Json(writer) => writer.write(table),
        }
    }

    fn finish(self) -> Result<W> {
        match self {
            Self::Table(writer) => writer.finish(),
            Self::Json(writer) => writer.finish(),
        }
    }
}
