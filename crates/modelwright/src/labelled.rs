//! Rows whose answers are known, predicted by one model: what `evaluate` and `compare` work on.
//!
//! The file is read and predicted in parts. What is kept of a row is its answer, its weight and
//! the prediction, so that a file may be far larger than the memory.

use std::path::Path;

use modelwright::Model;
use modelwright::automl::target::{rows_with_target, rows_with_usable_target};
use modelwright::automl::{GroupNumbers, Held, Units, is_judged_in_time, row_times};
use modelwright::io::{ReadOptions, stream_path};
use modelwright_core::context::Event;
use modelwright_core::data::{Column, ColumnData, Schema, Table};
use modelwright_core::record::Options;
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Context, Error, Result};

use crate::learned_rows::{LearnedRows, digest_of, of_digest};
use crate::tolerant::{fitting_rows, read_loosely, tell_left_out};

/// Rows that are predicted at a time.
const ROWS_PER_CHUNK: usize = 8192;

/// Bytes that measuring needs for each row besides its answer and prediction, and for each output:
/// resampled weights, orders by score, copies of predictions.
const MEASURE_BYTES_PER_ROW: u64 = 80;
const MEASURE_BYTES_PER_OUTPUT: u64 = 32;

/// Truth and predictions of the rows whose target is known.
pub struct Labelled {
    /// File name without its folder.
    pub name: String,
    /// SHA-256 of the file; `None` where there is no plain one.
    pub sha256: Option<String>,
    /// The places of these rows in the file, from 0, in rising order.
    pub rows: Vec<u32>,
    /// The answers, in the model's class order.
    pub truth: Target,
    /// What the model says.
    pub predictions: Predictions,
    /// The decided class of each row, of a model with thresholds of groups.
    pub decided: Option<Vec<u32>>,
    /// Row weights, when the model was trained with them and the file has them.
    pub weights: Option<Vec<f64>>,
    /// The group of each row, when the model was trained by groups and the file has them.
    pub groups: Option<Vec<u32>>,
    /// When each row was, when the model is judged in the order of time and the file says it.
    pub times: Option<Vec<f64>>,
    /// Whether the model's intervals or sets hold the answers; `None` when it has none.
    pub held: Option<Held>,
    /// What says that the model learned from these rows, in words; `None` when they seem new.
    pub learned_from: Option<String>,
    /// The columns whose groups are looked at, of the same rows; none when that was not asked.
    pub by: Table,
}

impl Labelled {
    /// What belongs together among the rows.
    pub fn units(&self) -> Option<Units> {
        let (groups, times) = (self.groups.as_deref(), self.times.as_deref());
        Units::of(groups, times, &self.truth, &self.predictions)
    }
}

/// Reads DATA for `model` and predicts it.
///
/// # Errors
/// Input error when the file cannot be read, lacks a column, or has no row with a known answer;
/// work error when its rows cannot be measured under the memory limit.
pub fn predict_labelled(model: &Model, data: &Path, ctx: &Context) -> Result<Labelled> {
    predict_labelled_by(model, data, &[], ctx)
}

/// As [`predict_labelled`], and keeps the columns `by`, which the model need not know.
///
/// # Errors
/// As [`predict_labelled`], and input error when one of these columns is not in the file.
pub fn predict_labelled_by(
    model: &Model,
    data: &Path,
    by: &[String],
    ctx: &Context,
) -> Result<Labelled> {
    let options = read_options_by(model, by)?;
    let gathered = gather(model, data, (&options, None), by, ctx)?;
    let rows = gathered.finish(shown_name(data), &data.display().to_string())?;
    let sha256 = digest_of(data);
    let record = model.artifact.record()?;
    let is_file = sha256.as_deref().and_then(|sha256| of_digest(&record, sha256));
    let learned_from = is_file.or(rows.learned_from);
    Ok(Labelled { sha256, learned_from, ..rows })
}

/// As [`predict_labelled`]; `None` when no row has an answer yet. Rows with a value that does not
/// fit its column, or an answer that the model does not know, are left out, with a warning. Where
/// the rows come from is not asked.
///
/// # Errors
/// As [`predict_labelled`], but for rows without answers.
pub fn predict_answered(model: &Model, data: &Path, ctx: &Context) -> Result<Option<Labelled>> {
    let options = read_options_by(model, &[])?;
    let wanted = options.schema.clone().unwrap_or_default();
    let gathered = read_loosely(&wanted, |schema| {
        let options = ReadOptions { schema: Some(schema.clone()), ..options.clone() };
        gather(model, data, (&options, Some(&wanted)), &[], ctx)
    })?;
    let shown = data.display().to_string();
    tell_left_out(gathered.n_left_out, &shown, ctx);
    if gathered.truth.n_rows() == 0 {
        return Ok(None);
    }
    gathered.finish(shown_name(data), &shown).map(Some)
}

fn gather<'a>(
    model: &'a Model,
    data: &Path,
    (options, wanted): (&ReadOptions, Option<&'a Schema>),
    by: &'a [String],
    ctx: &'a Context,
) -> Result<Gathering<'a>> {
    ctx.tell(Event::Phase("predict".to_owned()));
    let shown = data.display().to_string();
    let mut gathering = Gathering::new(model, Roles::of(model)?, by, ctx);
    if wanted.is_some() {
        // A weight that cannot be used would be one more thing to end on.
        gathering.weight = None;
        gathering.wanted = wanted;
    } else {
        gathering.learned_rows = Some(LearnedRows::of(model)?);
    }
    for table in stream_path(data, options, ROWS_PER_CHUNK, ctx)? {
        let table = table?;
        gathering.add(table).map_err(|e| if is_placed(&e) { e } else { e.at(shown.clone()) })?;
    }
    Ok(gathering)
}

/// How rows with answers are read for [`label_table`]: the columns of the model, its target, those
/// of weights, groups and times, and `by`.
fn read_options_by(model: &Model, by: &[String]) -> Result<ReadOptions> {
    Ok(model.read_options_of(by)?.0)
}

/// The columns that say of rows what the model does not read.
struct Roles {
    weight: Option<String>,
    group: Option<String>,
    /// What was asked of the fit, which names the time column; `None` where the model is not judged
    /// in the order of time.
    timed: Option<Options>,
}

impl Roles {
    fn of(model: &Model) -> Result<Self> {
        let record = model.artifact.record()?;
        let is_timed = is_judged_in_time(&record);
        let options = record.options;
        let (weight, group) = (options.weight.clone(), options.group.clone());
        Ok(Self { weight, group, timed: is_timed.then_some(options) })
    }
}

/// The schema that a table must have been read by for [`label_table`].
///
/// # Errors
/// Input error when the model's record cannot be read.
pub fn labelled_schema(model: &Model, by: &[String]) -> Result<Schema> {
    Ok(read_options_by(model, by)?.schema.unwrap_or_default())
}

/// What a file of rows is called in results: its name without the folder, or standard input.
pub(crate) fn shown_name(data: &Path) -> String {
    let name = data.file_name().unwrap_or(data.as_os_str()).to_string_lossy().into_owned();
    if name == "-" { "standard input".to_owned() } else { name }
}

/// Predicts a table with the answers, which was read by [`labelled_schema`], and keeps the columns
/// `by`.
///
/// # Errors
/// As [`predict_labelled_by`].
pub fn label_table(
    model: &Model,
    table: Table,
    name: &str,
    by: &[String],
    ctx: &Context,
) -> Result<Labelled> {
    let roles = Roles::of(model)?;
    ctx.tell(Event::Phase("predict".to_owned()));
    let mut gathering = Gathering::new(model, roles, by, ctx);
    gathering.learned_rows = Some(LearnedRows::of(model)?);
    gathering.add(table)?;
    gathering.finish(name.to_owned(), name)
}

fn is_placed(error: &Error) -> bool {
    error.place().source.is_some()
}

/// Rows as they come in.
struct Gathering<'a> {
    model: &'a Model,
    weight: Option<String>,
    group: Option<String>,
    timed: Option<Options>,
    times: Vec<f64>,
    /// The number of each value of the group column so far.
    group_numbers: GroupNumbers,
    ctx: &'a Context,
    /// What the columns must be where rows that do not fit are left out.
    wanted: Option<&'a Schema>,
    /// Rows with an answer that were left out.
    n_left_out: usize,
    rows: Vec<u32>,
    truth: Target,
    predictions: Predictions,
    decided: Option<Vec<u32>>,
    weights: Option<Vec<f64>>,
    groups: Vec<u32>,
    held: Option<Held>,
    /// Whether the rows are known, where that is asked.
    learned_rows: Option<LearnedRows>,
    n_rows: usize,
    has_target: bool,
    /// The names of columns to keep, and what was kept of them.
    by: (&'a [String], Table),
}

impl<'a> Gathering<'a> {
    fn new(model: &'a Model, roles: Roles, by: &'a [String], ctx: &'a Context) -> Self {
        let predictor = &model.predictor;
        let n_classes = predictor.classes.len();
        let truth = match predictor.task {
            Task::Regression => Target::Real(Vec::new()),
            _ => Target::Class { codes: Vec::new(), n_classes },
        };
        let predictions = Predictions::new(predictor.n_outputs(), Vec::new());
        let decided = predictor.group_thresholds().map(|_| Vec::new());
        Self {
            model,
            weight: roles.weight,
            group: roles.group,
            timed: roles.timed,
            group_numbers: GroupNumbers::default(),
            ctx,
            wanted: None,
            n_left_out: 0,
            rows: Vec::new(),
            truth,
            predictions,
            decided,
            weights: None,
            times: Vec::new(),
            groups: Vec::new(),
            held: None,
            learned_rows: None,
            n_rows: 0,
            has_target: false,
            by: (by, Table::default()),
        }
    }

    /// Predicts the rows of the next part whose answers are known.
    fn add(&mut self, table: Table) -> Result<()> {
        let predictor = &self.model.predictor;
        if self.n_rows == 0 {
            self.model.check_columns(&table, self.ctx)?;
        }
        let n_before = self.n_rows;
        self.n_rows += table.n_rows();
        // A part of a JSON file may lack a column that others have.
        let Some(target) = table.column(&predictor.target) else { return Ok(()) };
        self.has_target = true;
        let known = rows_with_target(target);
        let table = if known.len() == table.n_rows() { table } else { table.select(&known) };
        let (table, known) = self.usable(table, known)?;
        if known.is_empty() {
            return Ok(());
        }
        // Rows are counted in the file, not among those of this part whose answers are known.
        let in_file = |e: Error| match e.place().row {
            Some(row) => e.row((n_before + known[row as usize - 1] as usize) as u64 + 1),
            None => e,
        };
        let truth = predictor.encode_target(&table).map_err(in_file)?;
        let weight = self.weight.as_deref().and_then(|name| table.column(name));
        match (weight, &mut self.weights) {
            (Some(column), None) if self.truth.n_rows() == 0 => {
                self.weights = Some(weights_of(column).map_err(in_file)?);
            }
            (Some(column), Some(weights)) => weights.extend(weights_of(column).map_err(in_file)?),
            (None, None) => {}
            (column, _) => {
                let name = column.map_or("", |c| &c.name);
                return Err(Error::input("only some rows have a weight")
                    .column(name)
                    .expected("a weight in every row, or in none"));
            }
        }
        if let Some(learned_rows) = &mut self.learned_rows {
            learned_rows.look(&table);
        }
        self.add_groups(&table);
        self.add_times(&table);
        let predicted = predictor.predict(&table, self.ctx)?;
        if let Some(decided) = &mut self.decided {
            decided.extend(predictor.decide(&table, &predicted));
        }
        if let Some(held) = predictor.held(&table, &predicted, &truth, self.ctx)? {
            self.held.get_or_insert_default().append(held);
        }
        self.keep(&table)?;
        self.rows.extend(known.iter().map(|row| n_before as u32 + row));
        self.truth.append(truth);
        self.predictions.values.extend(predicted.values);
        self.must_fit()
    }

    /// Those of the rows whose values fit and whose answer the model knows, where others are left
    /// out; `known` are their places in the part.
    fn usable(&mut self, table: Table, known: Vec<u32>) -> Result<(Table, Vec<u32>)> {
        let Some(wanted) = self.wanted else { return Ok((table, known)) };
        let predictor = &self.model.predictor;
        let (table, fitting) = fitting_rows(table, wanted)?;
        let target = table.require(&predictor.target)?;
        let usable = rows_with_usable_target(target, &predictor.classes, predictor.task);
        let places: Vec<u32> =
            usable.iter().map(|row| known[fitting[*row as usize] as usize]).collect();
        self.n_left_out += known.len() - places.len();
        let table = if usable.len() == table.n_rows() { table } else { table.select(&usable) };
        Ok((table, places))
    }

    /// Notes the groups of the rows; a part that lacks their column ends that for all rows.
    fn add_groups(&mut self, table: &Table) {
        let Some(column) = self.group.as_ref().and_then(|name| table.column(name)) else {
            self.group = None;
            return;
        };
        let numbers = &mut self.group_numbers;
        self.groups.extend((0..column.n_rows()).map(|row| numbers.of(column, row)));
    }

    /// Notes when the rows were; a part that does not say it ends that for all rows.
    fn add_times(&mut self, table: &Table) {
        match self.timed.as_ref().and_then(|options| row_times(table, options)) {
            Some(times) => self.times.extend(times),
            None => self.timed = None,
        }
    }

    /// Keeps the columns whose groups are looked at.
    fn keep(&mut self, table: &Table) -> Result<()> {
        let (names, kept) = &mut self.by;
        if names.is_empty() {
            return Ok(());
        }
        let column = |name: &String| {
            table.column(name).cloned().ok_or_else(|| {
                Error::input("no such column to group by")
                    .at("--by")
                    .column(name)
                    .expected("a column of DATA")
                    .suggest(name, table.names())
            })
        };
        let part = Table::new(names.iter().map(column).collect::<Result<_>>()?)?;
        if kept.n_rows() == 0 {
            *kept = part;
            return Ok(());
        }
        kept.append(&part)
    }

    /// Refuses rows that could not be measured any more.
    fn must_fit(&self) -> Result<()> {
        let n_outputs = self.predictions.n_outputs as u64;
        let row = MEASURE_BYTES_PER_ROW + n_outputs * MEASURE_BYTES_PER_OUTPUT;
        let needed = self.truth.n_rows() as u64 * row;
        match self.ctx.memory_left_bytes() {
            Some(left) if left < needed => {
                Err(Error::work("the rows are too many to be measured under the memory limit")
                    .expected(format!("{} for so many rows", crate::output::size(needed)))
                    .got(format!("{} left at row {}", crate::output::size(left), self.n_rows))
                    .hint("raise --memory, or evaluate on a sample of the rows"))
            }
            _ => Ok(()),
        }
    }

    fn finish(self, name: String, shown: &str) -> Result<Labelled> {
        let target = &self.model.predictor.target;
        let refuse = |what: &str, expected: String| {
            Err(Error::input(what).at(shown).column(target).expected(expected))
        };
        if !self.has_target {
            if let Some(error) = self.model.measures_nothing() {
                return Err(error.at(shown));
            }
            let expected = format!("the target column `{target}` with the known answers");
            return refuse("no such column", expected);
        }
        if self.truth.n_rows() == 0 {
            let expected = "at least one row with a value in the target column".to_owned();
            return refuse("no row has a known answer", expected);
        }
        let n_unknown = self.n_rows - self.truth.n_rows() - self.n_left_out;
        if n_unknown > 0 {
            let warning = format!("left out {n_unknown} rows whose `{target}` is missing");
            self.ctx.tell(Event::Warning(warning));
        }
        let Self { rows, truth, predictions, decided, weights, held, by, .. } = self;
        let groups = self.group.map(|_| self.groups);
        let times = self.timed.map(|_| self.times);
        let learned_from = self.learned_rows.and_then(|rows| rows.verdict());
        Ok(Labelled {
            name,
            sha256: None,
            rows,
            truth,
            predictions,
            decided,
            weights,
            groups,
            times,
            held,
            learned_from,
            by: by.1,
        })
    }
}

fn weights_of(column: &Column) -> Result<Vec<f64>> {
    let ColumnData::Number(weights) = &column.data else {
        return Err(Error::input("weights must be numbers").column(&column.name));
    };
    match weights.iter().position(|w| !w.is_finite() || w < 0.0) {
        None => Ok(weights.to_vec()),
        Some(row) => Err(Error::input("a weight is missing, negative or infinite")
            .row(row as u64 + 1)
            .column(&column.name)
            .expected("a finite number from 0")
            .got(weights.at(row).to_string())),
    }
}
