//! Mixtures of a row and a background row, and what the model says of them.
//!
//! Rows and background rows lie in one table; a mixture takes each column from one of two rows of
//! it. Only columns in which the two rows differ are players: exchanging equal values changes
//! nothing.

use std::ops::Range;

use modelwright_core::data::{
    Column, ColumnData, MISSING_CODE, MISSING_INSTANT, Numbers, Strings, Table,
};
use modelwright_core::{Context, Error, Result};

use super::background::Background;
use super::explanation::{Explanation, Method, Scale};
use super::subject::Subject;
use crate::explain::RawPredictor;

/// Cells of the mixtures that are predicted at a time, and rows at most.
const CELLS_MAX: usize = 1 << 17;
const ROWS_MAX: usize = 8192;
/// Mixtures that a task should have, so that predicting them in one go pays.
const TASK_MIXTURES: usize = 4096;
/// Tasks between two questions whether there is time for more.
const TASKS_PER_BATCH: usize = 8;

/// What the methods share: the rows, the background, the predictions of both.
pub(super) struct Mixer<'a> {
    subject: &'a Subject<'a>,
    predictor: &'a dyn RawPredictor,
    scale: Scale,
    /// Background rows first, then the rows to explain; only the subject's columns.
    table: Table,
    n_background: usize,
    n_rows: usize,
    /// Predictions of all rows of `table`.
    predictions: Vec<f64>,
}

/// Values of one row (columns × outputs), and the squares of their standard errors.
pub(super) struct RowValues {
    pub(super) values: Vec<f64>,
    pub(super) variances: Vec<f64>,
}

impl<'a> Mixer<'a> {
    pub(super) fn new(
        subject: &'a Subject<'a>,
        table: &Table,
        background: &Background,
        scale: Scale,
        ctx: &Context,
    ) -> Result<Self> {
        let (n_background, n_rows) = (background.n_rows(), table.n_rows());
        let columns: Vec<Column> = subject
            .columns
            .iter()
            .map(|name| joined(name, background.table(), table))
            .collect::<Result<_>>()?;
        let table = Table::new(columns)?;
        let predictor = subject.predictor;
        let mut mixer = Self {
            subject,
            predictor,
            scale,
            table,
            n_background,
            n_rows,
            predictions: Vec::new(),
        };
        mixer.predictions = mixer.predict(&mixer.table, ctx)?;
        Ok(mixer)
    }

    /// The same rows, predicted by another model of the same task.
    pub(super) fn by(&self, predictor: &'a dyn RawPredictor, ctx: &Context) -> Result<Self> {
        let table = self.table.clone();
        let mut mixer = Self { predictor, table, predictions: Vec::new(), ..*self };
        mixer.predictions = mixer.predict(&mixer.table, ctx)?;
        Ok(mixer)
    }

    pub(super) fn subject(&self) -> &Subject<'a> {
        self.subject
    }

    pub(super) fn scale(&self) -> Scale {
        self.scale
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    pub(super) fn n_columns(&self) -> usize {
        self.table.n_columns()
    }

    pub(super) fn n_background(&self) -> usize {
        self.n_background
    }

    pub(super) fn n_outputs(&self) -> usize {
        self.subject.outputs.len()
    }

    /// What the model says of a background row.
    pub(super) fn of_background(&self, b: usize) -> &[f64] {
        &self.predictions[b * self.n_outputs()..][..self.n_outputs()]
    }

    /// What the model says of a row.
    pub(super) fn of_row(&self, row: usize) -> &[f64] {
        self.of_background(self.n_background + row)
    }

    /// The columns in which a row differs from a background row.
    pub(super) fn players(&self, row: usize, b: usize) -> Vec<u32> {
        let row = self.n_background + row;
        let differs = |column: &Column| match &column.data {
            ColumnData::Number(v) => {
                v.at(row) != v.at(b) && !(v.at(row).is_nan() && v.at(b).is_nan())
            }
            ColumnData::Instant(v) => v[row] != v[b],
            ColumnData::String { codes, .. } => codes[row] != codes[b],
        };
        let columns = self.table.columns().iter().zip(0..);
        columns.filter(|(column, _)| differs(column)).map(|(_, i)| i).collect()
    }

    /// A number that depends on what is in a row alone: the same for equal rows.
    pub(super) fn fingerprint(&self, row: usize) -> u64 {
        let row = self.n_background + row;
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut eat = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        for column in self.table.columns() {
            match &column.data {
                ColumnData::Number(v) => eat(&(v.at(row) + 0.0).to_bits().to_le_bytes()),
                ColumnData::Instant(v) => eat(&v[row].to_le_bytes()),
                ColumnData::String { .. } => eat(column.text(row).unwrap_or("\u{0}").as_bytes()),
            }
            eat(&[0xff]);
        }
        hash
    }

    /// A place to ask for mixtures.
    pub(super) fn asking<'m>(&'m self, ctx: &'m Context) -> Asking<'m, 'a> {
        let picks = vec![Vec::new(); self.n_columns()];
        Asking { mixer: self, ctx, picks, n: 0, values: Vec::new() }
    }

    fn predict(&self, table: &Table, ctx: &Context) -> Result<Vec<f64>> {
        let mut predictions = self.predictor.predict(table, ctx)?;
        if predictions.n_outputs != self.n_outputs() || predictions.n_rows() != table.n_rows() {
            return Err(Error::work("the predictor does not answer as it says")
                .expected(format!("{} × {} numbers", table.n_rows(), self.n_outputs()))
                .got(format!("{} numbers", predictions.values.len())));
        }
        self.subject.on_scale(self.scale, &mut predictions);
        if let Some(place) = predictions.values.iter().position(|v| !v.is_finite()) {
            return Err(Error::work("the model predicts something that is no finite number")
                .got(predictions.values[place].to_string()));
        }
        Ok(predictions.values)
    }

    /// Explains rows by `of_rows`, several at a time, as long as there is time: as many as make a
    /// task of the mixtures that the model is asked for each.
    pub(super) fn explain(
        &self,
        method: Method,
        mixtures_per_row: usize,
        ctx: &Context,
        of_rows: impl Fn(Range<usize>, &Context) -> Result<Vec<RowValues>> + Sync + Send,
    ) -> Result<Explanation> {
        let rows_per_task = (TASK_MIXTURES / mixtures_per_row.max(1)).max(1);
        let rows_per_batch = rows_per_task * TASKS_PER_BATCH;
        let n_values = self.n_columns() * self.n_outputs();
        let mut values = Vec::with_capacity(self.n_rows * n_values);
        let mut errors = Vec::new();
        let n = self.n_background as f64;
        let mut first = 0;
        while first < self.n_rows && ctx.proceed() {
            let end = self.n_rows.min(first + rows_per_batch);
            let n_tasks = (end - first).div_ceil(rows_per_task);
            let task = |k: usize| {
                let from = first + k * rows_per_task;
                of_rows(from..end.min(from + rows_per_task), ctx)
            };
            for rows in ctx.map(n_tasks, task) {
                for row in rows? {
                    errors.extend(row.variances.into_iter().map(f64::sqrt));
                    values.extend(row.values);
                }
            }
            first = end;
        }
        let n_outputs = self.n_outputs();
        let mut base_values = vec![0.0; n_outputs];
        for b in 0..self.n_background {
            for (base, p) in base_values.iter_mut().zip(self.of_background(b)) {
                *base += p / n;
            }
        }
        let start = self.n_background * n_outputs;
        Ok(Explanation {
            columns: self.subject.columns.clone(),
            outputs: self.subject.outputs.clone(),
            n_rows: first,
            values,
            base_values,
            predictions: self.predictions[start..start + first * n_outputs].to_vec(),
            standard_errors: (method == Method::Permutation).then_some(errors),
            method,
            scale: self.scale,
            n_background: self.n_background,
        })
    }
}

/// Mixtures asked for, predicted in portions.
pub(super) struct Asking<'m, 'a> {
    mixer: &'m Mixer<'a>,
    ctx: &'m Context,
    picks: Vec<Vec<u32>>,
    n: usize,
    values: Vec<f64>,
}

impl Asking<'_, '_> {
    /// Asks for the mixture of a row and a background row that has the row's values where `of_row`
    /// says so.
    pub(super) fn ask(
        &mut self,
        row: usize,
        b: usize,
        of_row: impl Fn(usize) -> bool,
    ) -> Result<()> {
        let places = [b as u32, (self.mixer.n_background + row) as u32];
        for (column, picks) in self.picks.iter_mut().enumerate() {
            picks.push(places[usize::from(of_row(column))]);
        }
        self.n += 1;
        let n_max = (CELLS_MAX / self.picks.len().max(1)).clamp(1, ROWS_MAX);
        if self.n >= n_max { self.answer() } else { Ok(()) }
    }

    /// Predicts what has been asked for.
    fn answer(&mut self) -> Result<()> {
        if self.n == 0 {
            return Ok(());
        }
        let columns = self.mixer.table.columns().iter().zip(&mut self.picks);
        let columns = columns.map(|(column, picks)| {
            let picked = column.select(picks);
            picks.clear();
            picked
        });
        let table = Table::new(columns.collect())?;
        self.n = 0;
        self.values.extend(self.mixer.predict(&table, self.ctx)?);
        Ok(())
    }

    /// The predictions of all mixtures in the order in which they were asked for.
    pub(super) fn finish(mut self) -> Result<Vec<f64>> {
        self.answer()?;
        Ok(self.values)
    }
}

/// The column `name` of the background and the table as one; absent where it is allowed to be.
pub(crate) fn joined(name: &str, background: &Table, table: &Table) -> Result<Column> {
    let mut column = match (background.column(name), table.column(name)) {
        (Some(own), _) => own.clone(),
        (None, Some(other)) => missing_like(other, background.n_rows()),
        (None, None) => {
            let n_rows = background.n_rows() + table.n_rows();
            return Ok(missing_like(&Column::strings(name, [None::<&str>]), n_rows));
        }
    };
    match table.column(name) {
        Some(more) => column.append(more)?,
        None => column.append(&missing_like(&column, table.n_rows()))?,
    }
    Ok(without_unused(column))
}

/// A column of missing values that is stored as another.
fn missing_like(column: &Column, n_rows: usize) -> Column {
    let data = match &column.data {
        ColumnData::Number(_) => ColumnData::Number(Numbers::missing(n_rows)),
        ColumnData::Instant(_) => ColumnData::Instant(vec![MISSING_INSTANT; n_rows]),
        ColumnData::String { .. } => {
            ColumnData::String { codes: vec![MISSING_CODE; n_rows], dictionary: Strings::default() }
        }
    };
    Column { name: column.name.clone(), data }
}

/// The column with only those strings in its dictionary that occur: it is copied many times.
fn without_unused(mut column: Column) -> Column {
    if let ColumnData::String { codes, dictionary } = &mut column.data {
        let mut place = vec![MISSING_CODE; dictionary.len()];
        let mut used = Strings::default();
        for code in codes.iter_mut().filter(|code| **code != MISSING_CODE) {
            let place = &mut place[*code as usize];
            if *place == MISSING_CODE {
                *place = used.push(dictionary.get(*code));
            }
            *code = *place;
        }
        *dictionary = used;
    }
    column
}
