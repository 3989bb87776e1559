//! What is kept of one column while rows pass.

use std::borrow::Cow;
use std::collections::BTreeMap;

use modelwright_core::Result;
use modelwright_core::data::{
    Column, ColumnData, Field, Kind, MISSING_CODE, MISSING_INSTANT, Numbers, Storage, Strings,
    Table, number_text,
};
use modelwright_inspect::drift::{Counts, Steps};
use modelwright_preprocess::sketch::{
    ColumnSketch, NumberSketch, TextSketch, ValueSketch, n_outside,
};
use modelwright_preprocess::transform::boolean::side;

use super::share::Part;
use super::witnesses::Worth;

/// Values that were never seen are listed up to this many.
pub(super) const UNSEEN_MAX: usize = 50;

/// Categories are counted one by one up to this many.
const LEVELS_MAX: usize = 1 << 16;

/// Microseconds in a second: sketches hold instants in seconds.
const MICROS: f64 = 1e6;

/// A column of one side.
pub(super) struct ColumnTally<'a> {
    /// Name, kind and storage.
    pub(super) field: Field,
    /// The mergeable summary.
    pub(super) sketch: ColumnSketch,
    /// The values themselves, as long as they are few.
    exact: Option<Exact>,
    exact_max: usize,
    /// The reference, for what lies outside of it.
    pub(super) reference: Option<&'a ColumnSketch>,
    /// What the delivered model says of the reference rows, of predictions of another one.
    pub(super) served: Option<&'a ColumnSketch>,
    /// Finite numbers below the smallest and above the largest of the reference.
    pub(super) n_below: u64,
    pub(super) n_above: u64,
    /// Rows whose value the reference never had, and some of these values.
    pub(super) n_unseen: u64,
    pub(super) unseen: BTreeMap<String, u64>,
    /// Values that could not be read.
    pub(super) n_wrong: u64,
    /// Whether any part of the rows had the column.
    pub(super) is_there: bool,
    /// As how many independent rows those of both sides count.
    pub(super) worth: Worth,
    /// The same column in each season; none where seasons are not looked at.
    pub(super) strata: Vec<Self>,
}

enum Exact {
    Numbers(Vec<f64>),
    Levels(BTreeMap<String, u64>),
}

impl<'a> ColumnTally<'a> {
    pub(super) fn new(field: Field, reference: Option<&'a ColumnSketch>, exact_max: usize) -> Self {
        let exact = match field.storage {
            Storage::String => Exact::Levels(BTreeMap::new()),
            _ => Exact::Numbers(Vec::new()),
        };
        Self {
            sketch: ColumnSketch::new(field.storage),
            exact: Some(exact),
            exact_max,
            reference: reference.filter(|sketch| sketch.storage == field.storage),
            served: None,
            n_below: 0,
            n_above: 0,
            n_unseen: 0,
            unseen: BTreeMap::new(),
            n_wrong: 0,
            is_there: false,
            worth: Worth::default(),
            strata: Vec::new(),
            field,
        }
    }

    /// Of predictions: beside what the delivered model says of the reference rows too.
    pub(super) fn beside_served(self, served: Option<&'a ColumnSketch>) -> Self {
        let storage = self.field.storage;
        Self { served: served.filter(|sketch| sketch.storage == storage), ..self }
    }

    /// One that is also kept season by season, with as many values as before in all of them.
    pub(super) fn in_seasons(self, n_seasons: usize) -> Self {
        let exact_max = self.exact_max / n_seasons.max(1);
        let stratum = |_| Self::new(self.field.clone(), None, exact_max);
        Self { strata: (0..n_seasons).map(stratum).collect(), exact: None, ..self }
    }

    /// One that keeps no values.
    pub(super) fn without_values(field: Field, reference: Option<&'a ColumnSketch>) -> Self {
        Self { exact: None, ..Self::new(field, reference, 0) }
    }

    /// The column with the sides of a boolean as the reference wrote them, as the model reads them:
    /// the same column is `True` in a CSV that Python wrote, `true` in a Parquet file, and `1` in
    /// many a request.
    pub(super) fn as_reference<'c>(&self, column: &'c Column) -> Cow<'c, Column> {
        let (ColumnData::String { codes, dictionary }, Kind::Boolean) =
            (&column.data, self.field.kind)
        else {
            return Cow::Borrowed(column);
        };
        let Some(ValueSketch::Text(known)) = self.reference.map(|sketch| &sketch.values) else {
            return Cow::Borrowed(column);
        };
        let names: Vec<&str> = known.frequent.entries().iter().map(|(v, _)| v.as_str()).collect();
        let written = |text: &str| side(names.iter().copied(), text).filter(|name| *name != text);
        if dictionary.iter().all(|text| written(text).is_none()) {
            return Cow::Borrowed(column);
        }
        let mut renamed = Strings::default();
        let code_of: Vec<u32> =
            dictionary.iter().map(|text| renamed.push(written(text).unwrap_or(text))).collect();
        let code = |code: &u32| code_of.get(*code as usize).copied().unwrap_or(MISSING_CODE);
        let codes = codes.iter().map(code).collect();
        let data = ColumnData::String { codes, dictionary: renamed };
        Cow::Owned(Column { name: column.name.clone(), data })
    }

    /// Adds the rows of a column that is held as the field says; `parts` says which of them are
    /// sketched whole.
    pub(super) fn add(&mut self, column: &Column, parts: &[Part]) -> Result<()> {
        let column = &*self.as_reference(column);
        self.is_there = true;
        for part in parts {
            if part.is_whole {
                self.sketch.update(column, part.rows.clone())?;
            } else {
                self.sketch.update_moments(column, part.rows.clone())?;
            }
        }
        self.keep(&column.data);
        self.look_outside(&column.data);
        Ok(())
    }

    /// Adds the rows of a column to the seasons that they are of; `None` where it is not there.
    pub(super) fn add_to_seasons(
        &mut self,
        column: Option<&Column>,
        rows: &[Vec<u32>],
    ) -> Result<()> {
        for (stratum, rows) in self.strata.iter_mut().zip(rows) {
            let part = Part { rows: 0..rows.len(), is_whole: true };
            match column {
                _ if rows.is_empty() => {}
                Some(column) => stratum.add(&column.select(rows), &[part])?,
                None => stratum.add_absent(rows.len()),
            }
        }
        Ok(())
    }

    /// The column where it is not there: missing in all rows.
    fn absent(&self, n_rows: usize) -> Column {
        let name = self.field.name.clone();
        match self.field.storage {
            Storage::Number => Column::numbers(name, vec![f64::NAN; n_rows]),
            Storage::Instant => Column::instants(name, vec![MISSING_INSTANT; n_rows]),
            Storage::String => Column::strings(name, vec![None::<&str>; n_rows]),
        }
    }

    /// The column as the field says, missing in all rows where it is not there.
    pub(super) fn column_of(&self, table: &Table) -> Column {
        let fits = |column: &&Column| {
            matches!(
                (&column.data, self.field.storage),
                (ColumnData::Number(_), Storage::Number)
                    | (ColumnData::Instant(_), Storage::Instant)
                    | (ColumnData::String { .. }, Storage::String)
            )
        };
        let column = table.column(&self.field.name).filter(fits).cloned();
        column.unwrap_or_else(|| self.absent(table.n_rows()))
    }

    /// Rows without the column: missing in all of them.
    pub(super) fn add_absent(&mut self, n_rows: usize) {
        let column = self.absent(n_rows);
        // An all-missing column has nothing that could be kept or lie outside.
        let added = self.sketch.update(&column, 0..n_rows);
        debug_assert!(added.is_ok(), "the column was made in the field's storage");
    }

    fn keep(&mut self, data: &ColumnData) {
        let Some(exact) = &mut self.exact else { return };
        let has_room = match (exact, data) {
            (Exact::Numbers(kept), ColumnData::Number(values)) => {
                kept.extend(values.iter().filter(|v| v.is_finite()));
                kept.len() <= self.exact_max
            }
            (Exact::Numbers(kept), ColumnData::Instant(values)) => {
                let known = values.iter().filter(|v| **v != MISSING_INSTANT);
                kept.extend(known.map(|v| *v as f64 / MICROS));
                kept.len() <= self.exact_max
            }
            (Exact::Levels(kept), ColumnData::String { codes, dictionary }) => {
                for (code, n) in count_codes(codes, dictionary.len()) {
                    *kept.entry(dictionary.get(code).to_owned()).or_default() += n;
                }
                kept.len() <= LEVELS_MAX
            }
            _ => false,
        };
        if !has_room {
            self.exact = None;
        }
    }

    /// No more rows come: sorts the values once, whoever asks for them then.
    pub(super) fn finish(&mut self) {
        if let Some(Exact::Numbers(values)) = &mut self.exact {
            values.sort_unstable_by(f64::total_cmp);
        }
        self.strata.iter_mut().for_each(Self::finish);
    }

    fn look_outside(&mut self, data: &ColumnData) {
        let Some(reference) = self.reference.filter(|r| r.n_rows > r.n_missing) else { return };
        match (data, &reference.values) {
            (ColumnData::Number(values), ValueSketch::Number(numbers)) => {
                if is_category(self.field.kind) {
                    self.count_unseen_numbers(values, reference);
                } else if let Some((min, max)) = range(numbers) {
                    let (n_below, n_above) = n_outside(&values.wide(), min, max);
                    self.n_below += n_below;
                    self.n_above += n_above;
                }
            }
            (ColumnData::String { codes, dictionary }, ValueSketch::Text(_))
                if self.field.kind != Kind::Text =>
            {
                for (code, n) in count_codes(codes, dictionary.len()) {
                    let text = dictionary.get(code);
                    if reference.distinct.has_text(text) == Some(false) {
                        self.note_unseen(text.to_owned(), n);
                    }
                }
            }
            _ => {}
        }
    }

    fn count_unseen_numbers(&mut self, values: &Numbers, reference: &ColumnSketch) {
        let mut sorted: Vec<f64> = values.iter().filter(|v| v.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        for run in sorted.chunk_by(|a, b| a == b) {
            if reference.distinct.has_number(run[0]) == Some(false) {
                self.note_unseen(number_text(run[0]), run.len() as u64);
            }
        }
    }

    fn note_unseen(&mut self, value: String, n: u64) {
        self.n_unseen += n;
        if self.unseen.len() < UNSEEN_MAX || self.unseen.contains_key(&value) {
            *self.unseen.entry(value).or_default() += n;
        }
    }

    /// How many rows have a value that no other row has; exact where the values are kept, and the
    /// most that there can be by a sketch.
    pub(super) fn n_single(&self) -> f64 {
        match &self.exact {
            Some(Exact::Levels(levels)) => levels.values().filter(|n| **n == 1).count() as f64,
            _ => single_of(&self.sketch),
        }
    }

    /// Whether the values are kept.
    pub(super) fn is_exact(&self) -> bool {
        match &*self.strata {
            [] => self.exact.is_some(),
            strata => strata.iter().all(Self::is_exact),
        }
    }

    /// The numbers as a distribution.
    pub(super) fn steps(&self) -> Steps {
        match (&self.exact, self.sketch.numbers()) {
            (Some(Exact::Numbers(values)), _) => Steps::of_values(values.clone()),
            _ => steps_of(&self.sketch),
        }
    }

    /// The values as a distribution of categories.
    pub(super) fn counts(&self) -> Counts {
        match &self.exact {
            Some(Exact::Levels(levels)) => {
                Counts::new(levels.iter().map(|(v, n)| (v.clone(), *n as f64)), 0.0)
            }
            _ => counts_of(&self.sketch),
        }
    }
}

/// Whether values are names rather than sizes.
pub(super) fn is_category(kind: Kind) -> bool {
    matches!(kind, Kind::Category | Kind::IntegerCategory | Kind::Boolean | Kind::Constant)
}

fn range(numbers: &NumberSketch) -> Option<(f64, f64)> {
    numbers.moments.min().zip(numbers.moments.max())
}

fn count_codes(codes: &[u32], n_strings: usize) -> Vec<(u32, u64)> {
    let mut counts = vec![0_u64; n_strings];
    for code in codes.iter().filter(|code| **code != MISSING_CODE) {
        counts[*code as usize] += 1;
    }
    (0..).zip(counts).filter(|(_, n)| *n > 0).collect()
}

/// The numbers of a sketch as a distribution: exact for few distinct values.
pub(super) fn steps_of(sketch: &ColumnSketch) -> Steps {
    let Some(numbers) = sketch.numbers() else { return Steps::default() };
    if numbers.frequent.error() == 0 {
        let value =
            |(key, n): &(modelwright_preprocess::sketch::Key, u64)| (key.value(), *n as f64);
        return Steps::of_counts(numbers.frequent.entries().iter().map(value).collect());
    }
    let mut below = 0;
    let mut steps = Vec::new();
    for (value, up_to) in numbers.quantiles.steps() {
        steps.push((value, (up_to - below) as f64));
        below = up_to;
    }
    let n = numbers.moments.n() as f64;
    // The sketch divides by n − 1, the measure by n.
    let std = numbers.moments.std().map(|std| std * ((n - 1.0) / n).sqrt());
    let rank_error = numbers.quantiles.rank_error();
    Steps::of_counts(steps).of_sketch(sketch.distinct.count(), std, rank_error)
}

/// The values of a sketch as a distribution of categories: exact for few distinct values.
pub(super) fn counts_of(sketch: &ColumnSketch) -> Counts {
    let n_known = (sketch.n_rows - sketch.n_missing) as f64;
    let counts = match &sketch.values {
        ValueSketch::Number(numbers) => {
            let entries = numbers.frequent.entries().iter();
            // Not all rows that are known: beyond some, only a share of them was sketched.
            let sketched = numbers.quantiles.n() as f64;
            with_rest(entries.map(|(k, n)| (number_text(k.value()), *n as f64)), sketched)
                .with_error(numbers.frequent.error() as f64)
        }
        ValueSketch::Text(TextSketch { frequent, .. }) => {
            let entries = frequent.entries().iter();
            with_rest(entries.map(|(k, n)| (k.clone(), *n as f64)), n_known)
                .with_error(frequent.error() as f64)
        }
    };
    counts.with_distinct(sketch.distinct.count())
}

/// The most rows of a sketch that may have a value which no other row has: values that it does not
/// count one by one, each in a row, but for the rows that are more than these values.
pub(super) fn single_of(sketch: &ColumnSketch) -> f64 {
    let n_known = (sketch.n_rows - sketch.n_missing) as f64;
    let of = |counts: &[u64], error: u64, n: f64| {
        let error = error as f64;
        if error == 0.0 {
            return counts.iter().filter(|n| **n == 1).count() as f64;
        }
        let n_dropped = (sketch.distinct.count() as f64 - counts.len() as f64).max(0.0);
        // What was kept has as many rows as it can have: the fewest are left for the others.
        let kept: f64 = counts.iter().map(|n| *n as f64 + error).sum();
        let more = (n - kept - n_dropped).max(0.0);
        // A value that was dropped has at most `error` rows.
        (n_dropped - more / (error - 1.0).max(1.0)).max(0.0)
    };
    match &sketch.values {
        ValueSketch::Number(numbers) => {
            let counts: Vec<u64> = numbers.frequent.entries().iter().map(|(_, n)| *n).collect();
            of(&counts, numbers.frequent.error(), numbers.quantiles.n() as f64)
        }
        ValueSketch::Text(texts) => {
            let counts: Vec<u64> = texts.frequent.entries().iter().map(|(_, n)| *n).collect();
            of(&counts, texts.frequent.error(), n_known)
        }
    }
}

fn with_rest(values: impl Iterator<Item = (String, f64)>, n: f64) -> Counts {
    let values: Vec<(String, f64)> = values.collect();
    let counted: f64 = values.iter().map(|(_, n)| n).sum();
    Counts::new(values, (n - counted).max(0.0))
}
