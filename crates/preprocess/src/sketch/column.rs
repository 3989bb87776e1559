//! Everything that is kept of one column.

use std::ops::Range;

use modelwright_core::data::{Column, ColumnData, Storage, Strings};
use modelwright_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::distinct::Distinct;
use super::frequent::{Frequent, Key};
use super::hash;
use super::histogram::Histogram;
use super::moments::Moments;
use super::quantiles::Quantiles;
use super::runs::{self, NumberRuns};

/// Rows that are sorted at once: they fit in the second-level cache.
const BLOCK_ROWS: usize = 16_384;

/// The summary of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnSketch {
    /// How the column is held.
    pub storage: Storage,
    /// Rows.
    pub n_rows: u64,
    /// Missing values.
    pub n_missing: u64,
    /// Distinct values that are not missing (infinite ones included).
    pub distinct: Distinct,
    /// The values.
    pub values: ValueSketch,
}

/// The values of a column, by storage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ValueSketch {
    /// Numbers, or instants in seconds since 1970.
    Number(NumberSketch),
    /// Strings.
    Text(TextSketch),
}

/// The summary of numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NumberSketch {
    /// Infinite values; all else is over finite ones.
    pub n_infinite: u64,
    /// Zeros.
    pub n_zero: u64,
    /// Negative values.
    pub n_negative: u64,
    /// Values without a fraction.
    pub n_whole: u64,
    /// Mean, spread, skewness, extremes.
    pub moments: Moments,
    /// Quantiles and ranks.
    pub quantiles: Quantiles,
    /// The most frequent values.
    pub frequent: Frequent<Key>,
    /// Bars of equal width.
    pub histogram: Histogram,
}

/// The summary of strings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TextSketch {
    /// The most frequent values.
    pub frequent: Frequent<String>,
    /// Lengths in characters.
    pub lengths: Moments,
    /// Numbers of blank-separated words.
    pub words: Moments,
}

impl ColumnSketch {
    /// The sketch of no rows.
    pub fn new(storage: Storage) -> Self {
        let values = match storage {
            Storage::Number | Storage::Instant => ValueSketch::Number(NumberSketch::default()),
            Storage::String => ValueSketch::Text(TextSketch::default()),
        };
        Self { storage, n_rows: 0, n_missing: 0, distinct: Distinct::default(), values }
    }

    /// The sketch of some rows of a column.
    pub fn of(column: &Column, rows: Range<usize>) -> Self {
        let mut sketch = Self::new(storage_of(&column.data));
        sketch.add(&column.data, rows);
        sketch
    }

    /// The distinct values of a column, for whoever needs nothing else of it.
    pub fn distinct_of(column: &Column) -> Distinct {
        let mut distinct = Distinct::default();
        let of_numbers = |values: &[f64]| -> Vec<u64> {
            values.iter().filter(|v| !v.is_nan()).map(|v| hash::of_number(*v)).collect()
        };
        distinct.add(match &column.data {
            ColumnData::Number(values) => of_numbers(&values.wide()),
            ColumnData::Instant(values) => of_numbers(&runs::seconds(values)),
            ColumnData::String { codes, dictionary } => {
                let (block, _) = runs::of_codes(codes, 0..codes.len());
                block.iter().map(|(code, _)| hash::of_text(dictionary.get(*code))).collect()
            }
        });
        distinct
    }

    /// Adds some rows of a column.
    ///
    /// # Errors
    /// Input error when the column is held in another way.
    pub fn update(&mut self, column: &Column, rows: Range<usize>) -> Result<()> {
        self.check(storage_of(&column.data)).map_err(|e| e.column(&column.name))?;
        self.add(&column.data, rows);
        Ok(())
    }

    /// Adds some rows of a column by what is cheap to keep, and exact: their number, missing and
    /// infinite values, moments and extremes; of strings everything.
    ///
    /// What else is kept of numbers (quantiles, frequent and distinct values, the histogram, zeros,
    /// signs and whole numbers) is then that of the other rows alone.
    ///
    /// # Errors
    /// Input error when the column is held in another way.
    pub fn update_moments(&mut self, column: &Column, rows: Range<usize>) -> Result<()> {
        self.check(storage_of(&column.data)).map_err(|e| e.column(&column.name))?;
        let n_rows = rows.len() as u64;
        let (moments, n_missing, n_infinite) = match &column.data {
            ColumnData::String { .. } => {
                self.add(&column.data, rows);
                return Ok(());
            }
            ColumnData::Number(values) => Moments::of_values(&values.wide_part(rows)),
            ColumnData::Instant(values) => Moments::of_values(&runs::seconds(&values[rows])),
        };
        self.n_rows += n_rows;
        self.n_missing += n_missing;
        if let ValueSketch::Number(sketch) = &mut self.values {
            sketch.n_infinite += n_infinite;
            sketch.moments.merge(&moments);
        }
        Ok(())
    }

    /// Adds the rows of another sketch.
    ///
    /// # Errors
    /// Input error when the other column is held in another way.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.check(other.storage)?;
        self.n_rows += other.n_rows;
        self.n_missing += other.n_missing;
        self.distinct.merge(&other.distinct);
        match (&mut self.values, &other.values) {
            (ValueSketch::Number(a), ValueSketch::Number(b)) => a.merge(b),
            (ValueSketch::Text(a), ValueSketch::Text(b)) => a.merge(b),
            _ => return Err(Error::input("a sketch of numbers meets a sketch of strings")),
        }
        Ok(())
    }

    /// The numbers, if it is a column of numbers or instants.
    pub fn numbers(&self) -> Option<&NumberSketch> {
        match &self.values {
            ValueSketch::Number(numbers) => Some(numbers),
            ValueSketch::Text(_) => None,
        }
    }

    /// The strings, if it is a column of strings.
    pub fn texts(&self) -> Option<&TextSketch> {
        match &self.values {
            ValueSketch::Number(_) => None,
            ValueSketch::Text(texts) => Some(texts),
        }
    }

    /// Whether all parts keep the limits that merging and reading rely on.
    pub(super) fn is_sound(&self) -> bool {
        let right = matches!(
            (self.storage, &self.values),
            (Storage::Number | Storage::Instant, ValueSketch::Number(_))
                | (Storage::String, ValueSketch::Text(_))
        );
        let values = match &self.values {
            ValueSketch::Number(n) => {
                let counts = [n.n_infinite, n.n_zero, n.n_negative, n.n_whole, n.moments.n()];
                counts.iter().all(|count| *count <= self.n_rows)
                    && n.quantiles.n() <= self.n_rows
                    && n.quantiles.is_sound()
                    && n.histogram.is_sound(self.n_rows)
                    && n.frequent.is_sound(self.n_rows)
            }
            ValueSketch::Text(t) => t.frequent.is_sound(self.n_rows),
        };
        let rows = self.n_rows < 1 << 48 && self.n_missing <= self.n_rows;
        right && rows && values && self.distinct.is_sound()
    }

    fn check(&self, other: Storage) -> Result<()> {
        if self.storage == other {
            return Ok(());
        }
        Err(Error::input("the column is held in another way than in the sketch")
            .expected(format!("{:?}", self.storage).to_lowercase())
            .got(format!("{other:?}").to_lowercase()))
    }

    fn add(&mut self, data: &ColumnData, rows: Range<usize>) {
        let mut start = rows.start;
        while start < rows.end {
            let end = rows.end.min(start + BLOCK_ROWS);
            self.n_rows += (end - start) as u64;
            match (data, &mut self.values) {
                (ColumnData::Number(values), ValueSketch::Number(sketch)) => {
                    let values = values.wide_part(start..end);
                    let block = runs::of_numbers(&values);
                    self.n_missing += block.n_missing;
                    self.distinct.add(hashes(&block, &values));
                    sketch.add(&block);
                }
                (ColumnData::Instant(values), ValueSketch::Number(sketch)) => {
                    let block = runs::of_instants(&values[start..end]);
                    self.n_missing += block.n_missing;
                    self.distinct.add(hashes(&block, &[]));
                    sketch.add(&block);
                }
                (ColumnData::String { codes, dictionary }, ValueSketch::Text(sketch)) => {
                    let (block, n_missing) = runs::of_codes(codes, start..end);
                    self.n_missing += n_missing;
                    let hash = |(code, _): &(u32, u64)| hash::of_text(dictionary.get(*code));
                    self.distinct.add(block.iter().map(hash).collect());
                    sketch.add(&block, dictionary);
                }
                _ => unreachable!("the storage was checked"),
            }
            start = end;
        }
    }
}

impl NumberSketch {
    fn add(&mut self, block: &NumberRuns) {
        self.n_infinite += block.n_infinite;
        for (value, count) in &block.runs {
            self.n_zero += if *value == 0.0 { *count } else { 0 };
            self.n_negative += if *value < 0.0 { *count } else { 0 };
            self.n_whole += if *value == value.trunc() { *count } else { 0 };
        }
        self.moments.merge(&Moments::of_runs(&block.runs));
        self.quantiles.add_runs(&block.runs);
        self.frequent.merge(&Frequent::of_counts(&block.runs, |v| Key::new(*v)));
        self.histogram.merge(&Histogram::of_runs(&block.runs));
    }

    fn merge(&mut self, other: &Self) {
        self.n_infinite += other.n_infinite;
        self.n_zero += other.n_zero;
        self.n_negative += other.n_negative;
        self.n_whole += other.n_whole;
        self.moments.merge(&other.moments);
        self.quantiles.merge(&other.quantiles);
        self.frequent.merge(&other.frequent);
        self.histogram.merge(&other.histogram);
    }
}

impl TextSketch {
    fn add(&mut self, block: &[(u32, u64)], dictionary: &Strings) {
        let measure = |size: fn(&str) -> usize| {
            let runs: Vec<(f64, u64)> =
                block.iter().map(|(c, n)| (size(dictionary.get(*c)) as f64, *n)).collect();
            Moments::of_runs(&runs)
        };
        self.lengths.merge(&measure(|text| text.chars().count()));
        self.words.merge(&measure(|text| text.split_whitespace().count()));
        self.frequent.merge(&Frequent::of_counts(block, |c| dictionary.get(*c).to_owned()));
    }

    fn merge(&mut self, other: &Self) {
        self.frequent.merge(&other.frequent);
        self.lengths.merge(&other.lengths);
        self.words.merge(&other.words);
    }
}

fn hashes(block: &NumberRuns, raw: &[f64]) -> Vec<u64> {
    let mut hashes: Vec<u64> = block.runs.iter().map(|(v, _)| hash::of_number(*v)).collect();
    if block.n_infinite > 0 {
        hashes.extend(raw.iter().filter(|v| v.is_infinite()).map(|v| hash::of_number(*v)));
    }
    hashes
}

pub(crate) fn storage_of(data: &ColumnData) -> Storage {
    match data {
        ColumnData::Number(_) => Storage::Number,
        ColumnData::Instant(_) => Storage::Instant,
        ColumnData::String { .. } => Storage::String,
    }
}
