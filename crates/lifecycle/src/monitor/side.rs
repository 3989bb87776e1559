//! One side of a comparison: rows that pass once, part by part.

use std::borrow::Cow;

use modelwright_automl::Predictor;
use modelwright_automl::reference::{Expectation, prediction_column};
use modelwright_core::data::{
    Column, ColumnData, Field, Kind, MISSING_INSTANT, Numbers, Storage, Table,
};
use modelwright_core::record::{MetricValue, RowsRecord};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_preprocess::sketch::ColumnSketch;
use rayon::prelude::*;

use super::answers::Answers;
use super::held_as_text::read_strings;
use super::live::prediction_field;
use super::rhythm;
use super::sample::RowSample;
use super::season::{Calendar, Season, Seasonal, time_field};
use super::serial::Serial;
use super::share::{self, Part};
use super::tally::{ColumnTally, is_category};
use super::witnesses::{self, Witnesses};
use super::{MonitorOptions, Watched, may_drift};

/// Values of all columns together that are kept, at most, and the share of the memory for them.
const EXACT_CELLS_MAX: u64 = 1 << 24;
const EXACT_MEMORY_SHARE: u64 = 8;

/// Rows of either side that a classifier is to tell apart.
const SAMPLE_ROWS: usize = 10_000;

/// Columns of the sample that are no columns of the table: the time of a row, what the model says
/// of it, output by output, and its group, as a text.
pub(super) const TIME: &str = "\u{0}time";
const SAID: &str = "\u{0}said";
pub(super) const GROUP: &str = "\u{0}group";

/// What is kept of the rows of one side.
pub struct Side<'a> {
    predictor: &'a Predictor,
    names: Vec<String>,
    n_rows: u64,
    columns: Vec<ColumnTally<'a>>,
    target: Option<ColumnTally<'a>>,
    predictions: Option<ColumnTally<'a>>,
    /// What is to be expected of the predictions.
    pub(super) expectation: Expectation,
    /// Where answers are known.
    pub(super) answers: Answers,
    sample: Option<RowSample>,
    /// Columns of the files that the model never knew.
    pub(super) unexpected: Vec<String>,
    /// Why rows are not predicted.
    unpredicted: Option<String>,
    has_target: bool,
    /// The seasons of the rows, where they are looked at.
    calendar: Option<Calendar>,
    /// The column with the time of each row, where it is known.
    time_column: Option<String>,
    /// The groups of the rows, where the model was fitted by groups.
    witnesses: Option<Witnesses>,
    /// The rows in the order of time, where that is known.
    serial: Option<Serial>,
    /// The size of the group of a row of the reference, where that is known.
    group_size_before: Option<f64>,
}

impl<'a> Side<'a> {
    /// No rows yet, to be compared with the artifact's sketches.
    pub fn new(watched: &'a Watched<'a>, options: &MonitorOptions, ctx: &Context) -> Self {
        let predictions = watched.reference.predictions.as_ref();
        let of_column = |name: &str| watched.reference.columns.column(name);
        let said = predictions.and_then(|p| p.predictions());
        Self::with(watched, options, of_column, said, ctx)
    }

    /// No rows yet, to be compared with the rows of another side.
    pub fn beside(
        watched: &'a Watched<'a>,
        options: &MonitorOptions,
        reference: &'a Side<'a>,
        ctx: &Context,
    ) -> Self {
        let of_column = |name: &str| {
            let tallies = reference.columns.iter().chain(&reference.target);
            tallies.map(|t| (&t.field.name, &t.sketch)).find(|(n, _)| *n == name).map(|t| t.1)
        };
        let said = reference.predictions.as_ref().map(|t| &t.sketch);
        let mut side = Self::with(watched, options, of_column, said, ctx);
        side.calendar = reference.calendar.as_ref().map(|c| Calendar::new(c.season, &c.column));
        side.group_size_before = reference.witnesses.as_ref().and_then(Witnesses::mean_size);
        side.sample_rows("monitor/current", ctx);
        side
    }

    /// No rows yet: they will be the reference of another side.
    pub fn reference(watched: &'a Watched<'a>, options: &MonitorOptions, ctx: &Context) -> Self {
        let mut side = Self::with(watched, options, |_| None, None, ctx);
        let season = options.season.season().zip(options.time_column.as_ref());
        if let Some(calendar) = season.map(|(season, name)| Calendar::new(season, name)) {
            let n = calendar.counts.len();
            side.columns = side.columns.into_iter().map(|t| t.in_seasons(n)).collect();
            side.target = side.target.map(|t| t.in_seasons(n));
            side.predictions = side.predictions.map(|t| t.in_seasons(n));
            side.calendar = Some(calendar);
        }
        side.sample_rows("monitor/reference", ctx);
        side
    }

    fn with(
        watched: &'a Watched<'a>,
        options: &MonitorOptions,
        of_column: impl Fn(&str) -> Option<&'a ColumnSketch>,
        said: Option<&'a ColumnSketch>,
        ctx: &Context,
    ) -> Self {
        let predictor = watched.predictor;
        let fields = watched.fields();
        let cells = ctx.memory_left_bytes().map_or(EXACT_CELLS_MAX, |left| {
            (left / EXACT_MEMORY_SHARE / size_of::<f64>() as u64).min(EXACT_CELLS_MAX)
        });
        let exact_max = cells as usize / (fields.len() + 2);
        let tally = |field: Field| {
            let reference = of_column(&field.name);
            ColumnTally::new(field, reference, exact_max)
        };
        let of_target = target_field(watched);
        let field = prediction_field(predictor);
        let tested = watched.reference.predictions.as_ref();
        let errors = tested.and_then(|p| p.errors.as_ref());
        let group = &watched.record.options.group;
        let columns = &watched.reference.columns;
        let group_size = group.as_ref().and_then(|name| columns.column(name));
        let predictions = |field| {
            let served = tested.and_then(|p| p.served());
            ColumnTally::new(field, said, exact_max).beside_served(served)
        };
        Self {
            predictor,
            names: Vec::new(),
            n_rows: 0,
            columns: fields.into_iter().map(&tally).collect(),
            target: Some(tally(of_target)),
            predictions: options.predict.then(|| predictions(field)),
            expectation: Expectation::new(predictor, errors),
            answers: Answers::new(watched, options),
            sample: None,
            unexpected: Vec::new(),
            unpredicted: None,
            has_target: false,
            calendar: None,
            time_column: options.time_column.clone(),
            witnesses: group.as_ref().map(|name| Witnesses::new(name)),
            serial: options.time_column.as_deref().map(Serial::new),
            group_size_before: group_size.map(witnesses::mean_size),
        }
    }

    fn sample_rows(&mut self, stream: &str, ctx: &Context) {
        self.sample = Some(RowSample::new(SAMPLE_ROWS, ctx.random(stream, 0).next_u64()));
    }

    /// Begins the rows of another file, with the columns in it that were not in training.
    pub fn begin(&mut self, name: &str, unexpected: Vec<String>) {
        self.names.push(name.to_owned());
        for column in unexpected {
            if !self.unexpected.contains(&column) {
                self.unexpected.push(column);
            }
        }
    }

    /// Adds the next rows. Columns may be held as strings where numbers or dates are expected:
    /// values that are none count as unreadable, and as missing.
    ///
    /// # Errors
    /// Input error when the model cannot read the rows.
    pub fn add(&mut self, table: Table, ctx: &Context) -> Result<()> {
        let table = self.as_expected(table)?;
        let n_rows = table.n_rows();
        let parts = share::parts(self.n_rows, n_rows);
        self.n_rows += n_rows as u64;
        let add = |tally: &mut ColumnTally<'_>| {
            if let Some(column) = table.column(&tally.field.name) {
                return tally.add(column, &parts);
            }
            tally.add_absent(n_rows);
            Ok(())
        };
        ctx.install(|| self.columns.par_iter_mut().try_for_each(add))?;
        if let (Some(tally), Some(column)) =
            (&mut self.target, table.column(&self.predictor.target))
        {
            // Labels may come in another form than in training; they are then not compared.
            self.has_target = true;
            if tally.add(column, &parts).is_err() {
                self.target = None;
            }
        }
        let said = self.predict(&table, &parts, ctx)?;
        self.add_to_seasons(&table, said.as_ref(), ctx)?;
        self.add_to_groups(&table, said.as_ref(), ctx)?;
        self.add_to_serial(&table, said.as_ref())?;
        self.add_to_sample(&table, said.as_ref())
    }

    /// Adds the rows to the seasons that they are of.
    fn add_to_seasons(
        &mut self,
        table: &Table,
        said: Option<&Predictions>,
        ctx: &Context,
    ) -> Result<()> {
        let Some(calendar) = &mut self.calendar else { return Ok(()) };
        let rows = calendar.part(table);
        let add = |tally: &mut ColumnTally<'_>| {
            tally.add_to_seasons(table.column(&tally.field.name), &rows)
        };
        ctx.install(|| self.columns.par_iter_mut().try_for_each(add))?;
        if let Some(tally) = &mut self.target {
            tally.add_to_seasons(table.column(&self.predictor.target), &rows)?;
        }
        match (&mut self.predictions, said) {
            (Some(tally), Some(said)) => {
                tally.add_to_seasons(Some(&prediction_column(self.predictor, said)), &rows)
            }
            _ => Ok(()),
        }
    }

    /// Shows the rows with their groups.
    fn add_to_groups(
        &mut self,
        table: &Table,
        said: Option<&Predictions>,
        ctx: &Context,
    ) -> Result<()> {
        let Some(witnesses) = &mut self.witnesses else { return Ok(()) };
        let tallies = self.columns.iter().chain(&self.target);
        let mut columns: Vec<Column> = tallies.map(|tally| tally.column_of(table)).collect();
        columns.extend(said.map(|said| prediction_column(self.predictor, said)));
        witnesses.add(table.column(&witnesses.name), columns, ctx)
    }

    /// Shows the rows in time, as many as are kept.
    fn add_to_serial(&mut self, table: &Table, said: Option<&Predictions>) -> Result<()> {
        let Some(serial) = &mut self.serial else { return Ok(()) };
        let rows = serial.chosen(table);
        if rows.is_empty() {
            return Ok(());
        }
        let chosen = table.select(&rows);
        let tallies = self.columns.iter().chain(&self.target);
        let mut columns: Vec<Column> = tallies.map(|tally| tally.column_of(&chosen)).collect();
        columns.extend(said.map(|said| prediction_column(self.predictor, said).select(&rows)));
        serial.add(&chosen, columns)
    }

    fn add_to_sample(&mut self, table: &Table, said: Option<&Predictions>) -> Result<()> {
        let Some(sample) = &mut self.sample else { return Ok(()) };
        let rows = sample.chosen(table.n_rows());
        if rows.is_empty() {
            return Ok(());
        }
        let names = self.columns.iter().filter_map(|t| table.column(&t.field.name));
        let mut columns: Vec<Column> = names.map(|column| column.select(&rows)).collect();
        let of_rows = || rows.iter().map(|row| *row as usize);
        if let Some(name) = &self.time_column {
            let times = match table.column(name).map(|column| &column.data) {
                Some(ColumnData::Instant(times)) => of_rows().map(|row| times[row]).collect(),
                _ => vec![MISSING_INSTANT; rows.len()],
            };
            columns.push(Column::instants(TIME, times));
            for output in 0..self.predictor.n_outputs() {
                let value = |row| said.map_or(f64::NAN, |said| said.row(row)[output]);
                let values = of_rows().map(value).collect::<Vec<f64>>();
                columns.push(Column::numbers(format!("{SAID} {output}"), values));
            }
        }
        if let Some(witnesses) = &self.witnesses {
            let groups = table.column(&witnesses.name);
            let group = |row| groups.and_then(|groups| groups.display(row));
            columns.push(Column::strings(GROUP, of_rows().map(group)));
        }
        sample.add(Table::new(columns)?)
    }

    /// No more rows come.
    pub fn finish(&mut self, ctx: &Context) {
        ctx.install(|| self.columns.par_iter_mut().for_each(ColumnTally::finish));
        if let Some(sample) = &mut self.sample {
            sample.finish();
        }
        let before = self.group_size_before;
        let tallies = self.columns.iter_mut().chain(&mut self.target);
        let mut tallies: Vec<_> = tallies.chain(&mut self.predictions).collect();
        if let Some(witnesses) = &mut self.witnesses {
            witnesses.finish();
            for tally in tallies.iter_mut().filter(|_| witnesses.is_known()) {
                let is_category = is_category(tally.field.kind);
                tally.worth = witnesses.worth(&tally.field.name, is_category, before);
            }
        }
        let Some(serial) = &mut self.serial else { return };
        serial.finish();
        for tally in tallies {
            let is_category = is_category(tally.field.kind);
            let least = serial.least;
            tally.worth = serial.worth(&tally.field.name, is_category, tally.worth);
            // Time goes on by itself.
            if !may_drift(tally.field.kind) {
                serial.least = least;
            }
        }
    }

    fn predict(
        &mut self,
        table: &Table,
        parts: &[Part],
        ctx: &Context,
    ) -> Result<Option<Predictions>> {
        if self.predictions.is_none() || self.unpredicted.is_some() {
            return Ok(None);
        }
        let needed = self.predictor.schema.fields.iter().filter(|f| !f.optional);
        if let Some(lacking) = needed.into_iter().find(|f| table.column(&f.name).is_none()) {
            self.unpredicted = Some(lacking.name.clone());
            self.predictions = None;
            return Ok(None);
        }
        let said = self.predictor.predict(table, ctx)?;
        if let Some(tally) = &mut self.predictions {
            tally.add(&prediction_column(self.predictor, &said), parts)?;
        }
        self.expectation.add(&said);
        self.answers.add(self.predictor, table, &said, ctx)?;
        Ok(Some(said))
    }

    /// The columns as the model holds them, and the target as training did; counts what cannot be
    /// read.
    fn as_expected(&mut self, table: Table) -> Result<Table> {
        let mut columns = table.into_columns();
        for column in &mut columns {
            let is_time = self.time_column.as_ref() == Some(&column.name);
            if is_time && matches!(column.data, ColumnData::String { .. }) {
                *column = read_strings(column, &time_field(&column.name))?.column;
            }
            let mut tallies = self.columns.iter_mut().chain(&mut self.target);
            let Some(tally) = tallies.find(|t| t.field.name == column.name) else { continue };
            if let Cow::Owned(renamed) = tally.as_reference(column) {
                *column = renamed;
            }
            if let (ColumnData::String { .. }, Storage::Number | Storage::Instant) =
                (&column.data, tally.field.storage)
            {
                let read = read_strings(column, &tally.field)?;
                *column = read.column;
                tally.n_wrong += read.n_wrong;
                if column.name == self.predictor.target {
                    self.answers.n_unknown += read.n_wrong;
                    self.answers.unknown = self.answers.unknown.take().or(read.wrong);
                }
            }
        }
        Table::new(columns)
    }

    pub(super) fn columns(&self) -> &[ColumnTally<'a>] {
        &self.columns
    }

    pub(super) fn predictions(&self) -> Option<&ColumnTally<'a>> {
        self.predictions.as_ref().filter(|_| self.n_rows > 0)
    }

    pub(super) fn target(&self) -> Option<&ColumnTally<'a>> {
        self.target.as_ref().filter(|t| self.has_target && t.sketch.n_rows > t.sketch.n_missing)
    }

    pub(super) fn sample(&self) -> Option<&Table> {
        self.sample.as_ref().and_then(RowSample::table)
    }

    /// These reference rows as the new rows have their seasons; `None` without seasons.
    pub(super) fn mix_like(&self, current: &Self) -> Option<Seasonal> {
        Seasonal::of(self.calendar.as_ref()?, current.calendar.as_ref()?)
    }

    /// The sampled rows, those of a mixture of seasons if there is one.
    pub(super) fn sample_like(&self, mix: Option<&Seasonal>) -> Option<Cow<'_, Table>> {
        let (sample, table) = self.sample.as_ref().zip(self.sample())?;
        let seasons = mix.zip(self.calendar.as_ref());
        let chosen = seasons.zip(table.column(TIME)).map(|((mix, calendar), times)| {
            table.select(&mix.chosen(calendar.season, times, sample.numbers()))
        });
        Some(chosen.map_or(Cow::Borrowed(table), Cow::Owned))
    }

    /// Metrics that are to be expected of sampled rows in a mixture of seasons.
    pub(super) fn expected_like(&self, mix: &Seasonal, ctx: &Context) -> Option<Vec<MetricValue>> {
        let rows = self.sample_like(Some(mix))?;
        let n_outputs = self.predictor.n_outputs();
        let outputs = (0..n_outputs).map(|output| rows.column(&format!("{SAID} {output}")));
        let outputs: Vec<&Numbers> = outputs
            .map(|column| match &column?.data {
                ColumnData::Number(values) => Some(values),
                _ => None,
            })
            .collect::<Option<_>>()?;
        let values = (0..rows.n_rows()).flat_map(|row| outputs.iter().map(move |o| o.at(row)));
        let said = Predictions::new(n_outputs, values.collect());
        if said.values.iter().any(|value| value.is_nan()) {
            return None;
        }
        let mut expectation = self.expectation.empty();
        expectation.add(&said);
        Some(expectation.metrics(ctx))
    }

    /// The rhythm that the sampled rows show: its season, what shows it most, and the share of the
    /// variance of that which the season explains.
    pub fn rhythm(&self) -> Option<(Season, String, f64)> {
        let table = self.sample()?;
        let ColumnData::Instant(times) = &table.column(TIME)?.data else { return None };
        let found = rhythm::find(table, times)?;
        let name = &table.columns()[found.column].name;
        let is_said = name.starts_with(SAID);
        let name = if is_said { "the predictions".to_owned() } else { format!("`{name}`") };
        Some((found.season, name, found.share))
    }

    /// What is to be said of the seasons of the new rows, beside these of the reference.
    pub(super) fn season_note(&self, current: &Self, mix: Option<&Seasonal>) -> Option<String> {
        if let Some(mix) = mix {
            let (n, season) = (mix.record.n_lacking, &mix.record.season);
            let text = "of which the reference has too few rows: all of it stands in for them";
            let of = current.n_rows;
            return (n > 0).then(|| format!("{n} of {of} rows are of a {season} {text}"));
        }
        if self.calendar.is_some() {
            return Some("no season of the reference has rows enough: all are compared".to_owned());
        }
        let (season, what, share) = self.rhythm()?;
        let (season, percent) = (season.name(), share * 100.0);
        Some(format!(
            "the reference has a rhythm by {season}, {percent:.0} % of the variance of {what}: \
             --season {season} compares like with like"
        ))
    }

    /// The column with the time of each row, where it is known.
    pub(super) fn time_column(&self) -> Option<&str> {
        self.time_column.as_deref()
    }

    /// As how large a share the rows count at least, as they are like their neighbours in time.
    pub(super) fn share_in_time(&self) -> f64 {
        self.serial.as_ref().map_or(1.0, |serial| serial.least)
    }

    /// Rows that passed.
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    pub(super) fn rows(&self) -> RowsRecord {
        let is_exact = self.columns.iter().all(ColumnTally::is_exact);
        RowsRecord { names: self.names.clone(), n_rows: self.n_rows, is_exact }
    }

    /// As how many independent rows those of groups count.
    fn group_note(&self) -> Option<String> {
        let witnesses = self.witnesses.as_ref().filter(|_| self.n_rows > 0)?;
        if witnesses.is_lacking() || self.answers.lacks_groups() {
            let text = "rows count as independent in tests and intervals: the new rows lack the \
                        column of groups";
            return Some(text.to_owned());
        }
        let (n_rows, n_groups) = (self.n_rows, witnesses.n_groups());
        let worth = self.columns.iter().filter(|tally| tally.is_there).map(|tally| tally.worth.is);
        let least = worth.fold(1.0, f64::min);
        let count = (least * n_rows as f64).round();
        (count < n_rows as f64).then(|| {
            format!(
                "{n_rows} rows are of {n_groups} groups (`{}`), whose rows are alike: the tests of \
                 a column count them as what they are worth, from {count} independent rows on",
                witnesses.name
            )
        })
    }

    /// What could not be looked at.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.n_rows > share::WHOLE_ROWS {
            notes.push(share::words(self.n_rows));
        }
        if let Some(column) = &self.unpredicted {
            notes.push(format!("the rows cannot be predicted: they lack `{column}`"));
        }
        if self.answers.is_cut {
            let n = self.answers.truth.n_rows();
            notes.push(format!("answers are measured on the first {n} rows: the memory limit"));
        }
        notes.extend(self.group_note());
        notes.extend(self.serial.as_ref().and_then(Serial::note));
        if self.answers.lacks_weights() {
            notes.push("metrics weigh every row 1: the new rows have no usable weights".to_owned());
        }
        if self.target.is_none() {
            notes.push("the answers are written in another form than in training".to_owned());
        }
        notes
    }
}

/// The reference as rows.
pub(super) fn reference_rows(watched: &Watched<'_>, side: Option<&Side<'_>>) -> RowsRecord {
    match side {
        Some(side) => side.rows(),
        None => RowsRecord {
            names: vec!["training data".to_owned()],
            n_rows: watched.reference.columns.n_rows as u64,
            is_exact: false,
        },
    }
}

fn target_field(watched: &Watched<'_>) -> Field {
    let name = &watched.predictor.target;
    let known = watched.record.schema.field(name).cloned();
    let mut field =
        known.unwrap_or_else(|| Field::new(name.clone(), Storage::String, Kind::Category));
    if watched.predictor.task.is_classification() && field.kind == Kind::Number {
        field.kind = Kind::IntegerCategory;
    }
    field
}

/// The error for a model that keeps nothing to compare with.
///
/// # Errors
/// Input error when there are no sketches.
pub fn must_have_reference(watched: &Watched<'_>) -> Result<()> {
    if watched.reference.columns.columns.is_empty() {
        return Err(Error::input("the model keeps nothing of its training to compare with")
            .expected("a reference file: rows like those that the model was trained on")
            .hint("give one with --reference FILE"));
    }
    Ok(())
}
