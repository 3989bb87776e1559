//! Predictions of a batch, and their forms: an object per row, columns of a table.

use modelwright_automl::Regions;
use modelwright_core::Context;
use modelwright_core::data::{Column, ColumnData, MISSING_CODE, MISSING_INSTANT, Table};
use modelwright_core::task::Predictions;
use serde::Serialize;

use crate::ask::Ask;
use crate::clock;
use crate::intake::Batch;
use crate::model::Model;
use crate::problem::{Place, Problem};
use crate::reasons::{RowWhy, Why};
use crate::unusualness::Unusualness;

/// Warnings that are listed; more are counted.
const N_WARNINGS_MAX: usize = 100;

/// What a model says of a batch.
pub(crate) struct Outcome {
    pub(crate) batch: Batch,
    pub(crate) predictions: Predictions,
    /// The class that is decided for, per row of the table; empty for regression.
    pub(crate) codes: Vec<u32>,
    /// Intervals or sets of the one level that was asked for.
    regions: Option<Regions>,
    /// How unusual the rows are, where that was asked for.
    unusualness: Option<Unusualness>,
    /// Reasons of the rows, and how many of each, where they were asked for.
    pub(crate) why: Option<(Why, usize)>,
}

/// Rows of the first block; the blocks after it take about so much time. Between them work ends
/// that nobody waits for any more.
const FIRST_BLOCK_ROWS: usize = 1024;
const BLOCK_NS: u64 = 50_000_000;

/// What a model says of a table's rows; no row's prediction depends on the others.
fn in_blocks(model: &Model, table: &Table, ctx: &Context) -> Result<Predictions, Problem> {
    let predict = |table: &Table| {
        if ctx.is_cancelled() {
            return Err(Problem::new(499, "client-left", "nobody waits for the answer any more"));
        }
        model.predictor.predict(table, ctx).map_err(Problem::of_error)
    };
    let (n_rows, n_outputs) = (table.n_rows(), model.predictor.n_outputs());
    if n_rows <= FIRST_BLOCK_ROWS {
        return predict(table);
    }
    let mut values = Vec::with_capacity(n_rows * n_outputs);
    let (mut first, mut n_block) = (0, FIRST_BLOCK_ROWS);
    while first < n_rows {
        let (begun, end) = (clock::now(), n_rows.min(first.saturating_add(n_block)));
        let rows: Vec<u32> = (first as u32..end as u32).collect();
        values.extend(predict(&table.select(&rows))?.values);
        let row_ns = clock::nanos(begun.elapsed()) / (end - first) as u64;
        n_block = usize::try_from(BLOCK_NS / row_ns.max(1)).unwrap_or(usize::MAX).max(1);
        first = end;
    }
    Ok(Predictions::new(n_outputs, values))
}

/// A value unlike training, as it is answered.
#[derive(Serialize)]
pub(crate) struct Warning<'a> {
    row: usize,
    column: &'a str,
    expected: &'a str,
    got: &'a str,
}

impl Outcome {
    /// Predicts a batch and counts what it took.
    pub(crate) fn of(ask: &Ask, batch: Batch, ctx: &Context) -> Result<Self, Problem> {
        let (model, begun) = (&*ask.model, clock::now());
        let level = ask.level()?;
        let predictor = &model.predictor;
        let n_rows = batch.table.n_rows();
        let predictions = match n_rows {
            0 => Predictions::new(predictor.n_outputs(), Vec::new()),
            _ => in_blocks(model, &batch.table, ctx)?,
        };
        let regions = match level.filter(|_| n_rows > 0) {
            None => None,
            Some(level) => predictor
                .regions(&batch.table, &predictions, ctx)
                .map_err(Problem::of_error)?
                .map(|regions| one_level(regions, level)),
        };
        let codes = match predictor.classes.len() {
            0 => Vec::new(),
            _ => predictor.decide(&batch.table, &predictions),
        };
        let unusualness = Unusualness::of(ask, &batch.table, ctx)?;
        if let Some(drift) = &ask.drift {
            drift.look(&ask.model, &batch.table, &predictions);
        }
        if let Some((shadow, thread)) = &ask.shadow {
            thread.ask(shadow, &batch.table, &predictions, &codes);
        }
        tell(ask, &batch, &predictions, regions.as_ref())?;
        let ns = clock::nanos(begun.elapsed());
        model.observe(n_rows, ns);
        let stats = &model.stats;
        stats.n_executions.add(1);
        stats.n_rows.add(n_rows as u64);
        stats.n_rows_refused.add((batch.n_rows - n_rows) as u64);
        stats.n_unusual.add(batch.unusual.len() as u64);
        stats.infer_ns.add(ns);
        Ok(Self { batch, predictions, codes, regions, unusualness, why: None })
    }

    /// Of a single row that came the quick way; there is no table of it. It took `ns`; `None` where
    /// that was counted already.
    pub(crate) fn of_one(model: &Model, predictions: Predictions, ns: Option<u64>) -> Self {
        let (table, faults, unusual) = (Table::default(), Vec::new(), Vec::new());
        let codes = match model.predictor.classes.len() {
            0 => Vec::new(),
            _ => model.predictor.decide(&table, &predictions),
        };
        if let Some(ns) = ns {
            model.observe(1, ns);
            model.stats.n_executions.add(1);
            model.stats.infer_ns.add(ns);
        }
        model.stats.n_quick.add(1);
        model.stats.n_rows.add(1);
        let batch = Batch { table, n_rows: 1, first_row: 0, kept: None, faults, unusual };
        Self { batch, predictions, codes, regions: None, unusualness: None, why: None }
    }

    /// The same with the `n` largest reasons of every row.
    pub(crate) fn explained(
        ask: &Ask,
        batch: Batch,
        n: usize,
        ctx: &Context,
    ) -> Result<Self, Problem> {
        Why::check(batch.table.n_rows())?;
        let mut outcome = Self::of(ask, batch, ctx)?;
        outcome.why = Some((Why::of(ask, &outcome.batch.table, n, ctx)?, n));
        Ok(outcome)
    }

    /// Why a row of the table is predicted so; `None` where there was no time to find out.
    pub(crate) fn row_why(&self, row: usize) -> Option<&RowWhy> {
        self.why.as_ref().and_then(|(why, _)| why.rows.get(row))
    }

    /// How many rows have reasons, where not all have that should.
    pub(crate) fn n_explained(&self) -> Option<usize> {
        let (why, _) = self.why.as_ref()?;
        (why.rows.len() < self.batch.table.n_rows()).then_some(why.rows.len())
    }

    /// The probability of a class in a row of the table.
    pub(crate) fn probability(&self, row: usize, class: usize) -> f64 {
        let values = self.predictions.row(row);
        match (values.len(), class) {
            (1, 0) => 1.0 - values[0],
            (1, _) => values[0],
            _ => values[class],
        }
    }

    /// Writes `"prediction": …` and what goes with it, without braces, for a row of the table.
    pub(crate) fn write_row(&self, ask: &Ask, row: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"prediction\":");
        let classes = &ask.model.class_json;
        if classes.is_empty() {
            write_number(self.predictions.values[row], out);
        } else {
            out.extend_from_slice(classes[self.codes[row] as usize].as_bytes());
            out.extend_from_slice(b",\"probabilities\":{");
            for (class, name) in classes.iter().enumerate() {
                if class > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(name.as_bytes());
                out.push(b':');
                write_number(self.probability(row, class), out);
            }
            out.push(b'}');
        }
        if let Some(unusualness) = &self.unusualness {
            out.push(b',');
            write_members(&unusualness.of_row(row), out);
        }
        if self.why.is_some() {
            match self.row_why(row) {
                Some(why) => {
                    out.push(b',');
                    write_members(why, out);
                }
                None => out.extend_from_slice(b",\"reasons\":null"),
            }
        }
        match &self.regions {
            None => {}
            Some(Regions::Intervals(levels)) => {
                for level in levels {
                    let interval = level.intervals[row];
                    out.extend_from_slice(b",\"interval\":{\"level\":");
                    write_number(level.level, out);
                    out.extend_from_slice(b",\"low\":");
                    write_number(interval.low, out);
                    out.extend_from_slice(b",\"high\":");
                    write_number(interval.high, out);
                    out.push(b'}');
                }
            }
            Some(Regions::Sets(levels)) => {
                for level in levels {
                    out.extend_from_slice(b",\"set\":{\"level\":");
                    write_number(level.level, out);
                    out.extend_from_slice(b",\"labels\":[");
                    let members = &level.members[row * level.n_classes..][..level.n_classes];
                    let labels = classes.iter().zip(members).filter(|(_, is_in)| **is_in);
                    for (i, (label, _)) in labels.enumerate() {
                        if i > 0 {
                            out.push(b',');
                        }
                        out.extend_from_slice(label.as_bytes());
                    }
                    out.extend_from_slice(b"]}");
                }
            }
        }
    }

    /// Values unlike training.
    pub(crate) fn warnings(&self) -> Vec<Warning<'_>> {
        let warning = |u: &'_ crate::model::Unusual| u.row + 1;
        let unusual = self.batch.unusual.iter().take(N_WARNINGS_MAX);
        unusual
            .map(|u| Warning {
                row: warning(u),
                column: &u.column,
                expected: &u.expected,
                got: &u.got,
            })
            .collect()
    }

    /// Rows that were refused while others were answered.
    pub(crate) fn errors(&self) -> Vec<Place<'_>> {
        self.batch.faults.iter().take(N_WARNINGS_MAX).map(Place::of).collect()
    }

    /// The columns that `modelwright predict` writes, with a row for every row of the request.
    pub(crate) fn table(&self, ask: &Ask) -> Result<Table, Problem> {
        let rows = &self.batch.table;
        let regions = self.regions.as_ref();
        let table = ask.model.answers.of_rows(rows, &self.predictions, regions);
        let mut columns = table.map_err(Problem::of_error)?.into_columns();
        columns.extend(self.unusualness.iter().flat_map(Unusualness::columns));
        if let Some((why, n)) = &self.why {
            columns.extend(why.columns(rows.n_rows(), *n));
        }
        let table = Table::new(columns).map_err(Problem::of_error)?;
        if self.batch.kept.is_none() {
            return Ok(table);
        }
        let places: Vec<Option<usize>> = self.batch.places().collect();
        let columns = table.into_columns().into_iter().map(|c| spread(c, &places)).collect();
        Table::new(columns).map_err(Problem::of_error)
    }
}

/// Writes rows and answers down, and tells of them, where somebody wants that.
fn tell(
    ask: &Ask,
    batch: &Batch,
    predictions: &Predictions,
    regions: Option<&Regions>,
) -> Result<(), Problem> {
    if ask.request_log.is_none() && ask.events.is_none() {
        return Ok(());
    }
    let (model, rows) = (&*ask.model, &batch.table);
    let answers = model.answers.of_rows(rows, predictions, regions).map_err(Problem::of_error)?;
    let places = || {
        let places = batch.places().enumerate();
        places.filter_map(|(row, place)| place.map(|_| batch.first_row + row))
    };
    if let Some(events) = &ask.events {
        let told = (rows, answers.clone());
        events.answered((&model.name, model.version), &ask.request_id, places(), told);
    }
    if let Some(log) = &ask.request_log {
        log.answered(model, &ask.request_id, places(), (rows, answers));
    }
    Ok(())
}

/// A column with missing values where there is no place.
fn spread(column: Column, places: &[Option<usize>]) -> Column {
    let data = match column.data {
        ColumnData::Number(values) => ColumnData::Number(values.select_known(places)),
        ColumnData::Instant(values) => {
            let value = |p: &Option<usize>| p.map_or(MISSING_INSTANT, |p| values[p]);
            ColumnData::Instant(places.iter().map(value).collect())
        }
        ColumnData::String { codes, dictionary } => ColumnData::String {
            codes: places.iter().map(|p| p.map_or(MISSING_CODE, |p| codes[p])).collect(),
            dictionary,
        },
    };
    Column { name: column.name, data }
}

fn one_level(regions: Regions, level: usize) -> Regions {
    match regions {
        Regions::Intervals(levels) => {
            Regions::Intervals(levels.into_iter().skip(level).take(1).collect())
        }
        Regions::Sets(levels) => Regions::Sets(levels.into_iter().skip(level).take(1).collect()),
    }
}

/// A number as the shortest text that is read back as the same number; null where it is none.
pub(crate) fn write_number(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

/// The members of an object, without its braces.
pub(crate) fn write_members(value: &impl Serialize, out: &mut Vec<u8>) {
    // What is written here is an object, and writing to a vector cannot fail.
    let text = serde_json::to_vec(value).unwrap_or_default();
    let members = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    out.extend_from_slice(members);
}

/// A text as JSON.
pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail, and every text is JSON.
    let _ = serde_json::to_writer(out, text);
}
