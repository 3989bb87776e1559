//! Rows whose answers are known: what was said of them, and what is true.

use modelwright_automl::target::{self, rows_with_target};
use modelwright_automl::{GroupNumbers, Predictor};
use modelwright_core::data::{Column, ColumnData, MISSING_INSTANT, Table};
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Context, Result};

use super::{MonitorOptions, Watched};

/// Bytes that measuring needs for each row and each output.
const BYTES_PER_ROW: u64 = 120;
const BYTES_PER_OUTPUT: u64 = 32;

/// Truth and predictions of the rows whose target is known.
pub(super) struct Answers {
    pub(super) truth: Target,
    pub(super) predictions: Predictions,
    /// The weights of these rows; `None` when the model knows none, or a row has none that is
    /// usable.
    pub(super) weights: Option<Vec<f64>>,
    /// The column of weights.
    weight: Option<String>,
    /// The group of each of these rows; given up where a part of them lacks the column.
    groups: Option<Vec<u32>>,
    /// The column of groups, and the number of each of its values so far.
    group: (Option<String>, GroupNumbers),
    /// Rows whose label the model does not know.
    pub(super) n_unknown: u64,
    /// One of these labels.
    pub(super) unknown: Option<String>,
    /// Whether there was no room for all rows.
    pub(super) is_cut: bool,
    /// The columns whose groups are looked at, as far as all rows have them.
    pub(super) by: Table,
    /// Their names, each with whether the rows have it.
    names: Vec<(String, bool)>,
    /// When each row was; all missing where that is not known.
    pub(super) times: Vec<i64>,
    time_column: Option<String>,
}

impl Answers {
    /// No rows yet; weights and groups are in the columns that the options of the fit name.
    pub(super) fn new(watched: &Watched<'_>, asked: &MonitorOptions) -> Self {
        let (predictor, options) = (watched.predictor, &watched.record.options);
        let mut names: Vec<(String, bool)> = Vec::new();
        for name in options.sensitive.iter().chain(&asked.by) {
            if *name != predictor.target && !names.iter().any(|known| known.0 == *name) {
                names.push((name.clone(), true));
            }
        }
        let n_classes = predictor.classes.len();
        let truth = match predictor.task {
            Task::Regression => Target::Real(Vec::new()),
            _ => Target::Class { codes: Vec::new(), n_classes },
        };
        let predictions = Predictions::new(predictor.n_outputs(), Vec::new());
        Self {
            truth,
            predictions,
            weights: options.weight.as_ref().map(|_| Vec::new()),
            weight: options.weight.clone(),
            groups: options.group.as_ref().map(|_| Vec::new()),
            group: (options.group.clone(), GroupNumbers::default()),
            n_unknown: 0,
            unknown: None,
            is_cut: false,
            by: Table::default(),
            names,
            times: Vec::new(),
            time_column: asked.time_column.clone(),
        }
    }

    /// Adds the rows of a part that have an answer.
    pub(super) fn add(
        &mut self,
        predictor: &Predictor,
        table: &Table,
        predictions: &Predictions,
        ctx: &Context,
    ) -> Result<()> {
        let Some(column) = table.column(&predictor.target) else { return Ok(()) };
        let mut known = rows_with_target(column);
        if predictor.task.is_classification() {
            known.retain(|row| self.is_label(predictor, column, *row));
        } else {
            let is_usable = |row: usize| match &column.data {
                ColumnData::Number(values) => target::is_usable(values.at(row)),
                _ => column.display(row).is_some_and(|v| !v.contains("inf")),
            };
            known.retain(|row| is_usable(*row as usize));
        }
        if known.is_empty() || self.is_cut {
            return Ok(());
        }
        let n_outputs = predictions.n_outputs as u64;
        let row_bytes = BYTES_PER_ROW + n_outputs * BYTES_PER_OUTPUT;
        let needed = (self.truth.n_rows() + known.len()) as u64 * row_bytes;
        if ctx.memory_left_bytes().is_some_and(|left| left < needed) {
            self.is_cut = true;
            return Ok(());
        }
        let column = column.select(&known);
        self.truth.append(target::encode(&column, &predictor.classes, predictor.task)?);
        self.predictions.values.extend(predictions.select(&known).values);
        self.weigh(table, &known);
        self.group(table, &known);
        self.keep(table, &known)
    }

    /// Keeps what groups and periods are made of; a column that a part lacks is given up for all.
    fn keep(&mut self, table: &Table, rows: &[u32]) -> Result<()> {
        let time = self.time_column.as_deref().and_then(|name| table.column(name));
        match time.map(|column| &column.data) {
            Some(ColumnData::Instant(times)) => {
                self.times.extend(rows.iter().map(|row| times[*row as usize]));
            }
            _ => self.times.extend(std::iter::repeat_n(MISSING_INSTANT, rows.len())),
        }
        let mut kept = std::mem::take(&mut self.by).into_columns();
        let mut columns = Vec::new();
        for (name, is_there) in self.names.iter_mut().filter(|known| known.1) {
            let before = kept.iter().position(|column| column.name == *name);
            let new = table.column(name).map(|column| column.select(rows));
            *is_there = new.is_some();
            match (before.map(|at| kept.swap_remove(at)), new) {
                (_, None) => {}
                (None, Some(new)) => columns.push(new),
                (Some(mut before), Some(new)) => {
                    before.append(&new)?;
                    columns.push(before);
                }
            }
        }
        self.by = Table::new(columns)?;
        Ok(())
    }

    /// Columns whose groups were to be looked at, and which the rows lack.
    pub(super) fn absent(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter(|known| !known.1).map(|known| known.0.as_str())
    }

    /// Adds the weights of rows, or gives them up for all.
    fn weigh(&mut self, table: &Table, rows: &[u32]) {
        let (Some(name), Some(weights)) = (&self.weight, &mut self.weights) else { return };
        let of_rows = match table.column(name).map(|column| &column.data) {
            Some(ColumnData::Number(values)) => values.of_rows(rows),
            _ => Vec::new(),
        };
        let is_usable = |w: &f64| w.is_finite() && *w >= 0.0;
        if of_rows.len() == rows.len() && of_rows.iter().all(is_usable) {
            weights.extend(of_rows);
        } else {
            self.weights = None;
        }
    }

    /// Notes the groups of rows, or gives them up for all.
    fn group(&mut self, table: &Table, rows: &[u32]) {
        let (Some(name), numbers) = (&self.group.0, &mut self.group.1) else { return };
        let (Some(column), Some(groups)) = (table.column(name), &mut self.groups) else {
            self.groups = None;
            return;
        };
        groups.extend(rows.iter().map(|row| numbers.of(column, *row as usize)));
    }

    /// The group of each row, where rows of a group belong together.
    pub(super) fn groups(&self) -> Option<&[u32]> {
        self.groups.as_deref()
    }

    /// Whether the model was trained by groups that these rows lack.
    pub(super) fn lacks_groups(&self) -> bool {
        self.group.0.is_some() && self.truth.n_rows() > 0 && self.groups.is_none()
    }

    /// Weights that a metric can use: not all of them are zero.
    pub(super) fn usable_weights(&self) -> Option<&[f64]> {
        self.weights.as_deref().filter(|weights| weights.iter().any(|w| *w > 0.0))
    }

    /// Whether the model was trained with weights that these rows lack.
    pub(super) fn lacks_weights(&self) -> bool {
        self.weight.is_some() && self.truth.n_rows() > 0 && self.usable_weights().is_none()
    }

    fn is_label(&mut self, predictor: &Predictor, column: &Column, row: u32) -> bool {
        // As where answers are put into numbers: `True` of Python is the `true` of other programs.
        let fits = |label: &str| predictor.class_of(label).is_some();
        let is_known = if let Some(text) = column.text(row as usize) {
            fits(text)
        } else {
            column.display(row as usize).is_some_and(|label| fits(&label))
        };
        if !is_known {
            self.n_unknown += 1;
            if self.unknown.is_none() {
                self.unknown = column.display(row as usize);
            }
        }
        is_known
    }
}
