//! A raw column cut into few cells: what is known of its values once no row of them is kept.

use std::collections::BTreeMap;

use modelwright_core::data::{Column, ColumnData, Kind, MISSING_CODE, MISSING_INSTANT};
use modelwright_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// A cell, a level or a pair of cells of fewer training rows is not kept: it would tell of people,
/// not of what is usual.
pub(super) const ROWS_MIN_KEPT: usize = 10;

/// Levels that have a cell of their own, at most.
const LEVELS_MAX: usize = 30;

/// Cells of equal share in the middle of numbers, at least and at most; between them as many as
/// leave [`ROWS_PER_PAIR`] rows to a pair of cells.
const MIDDLE: (usize, usize) = (3, 8);
const ROWS_PER_PAIR: usize = 20;

/// Shares at the ends that are cells of their own: most of what goes wrong with numbers lies there.
const ENDS: [f64; 6] = [0.001, 0.01, 0.05, 0.95, 0.99, 0.999];

/// How a column's values become cells. Behind the cells of known values stand two more: that of
/// missing values, and that of all others (numbers beyond the ends, levels of few rows or none).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Axis {
    /// Numbers and instants: cell `i` ends with `edges[i]`, the last one with `high`.
    Ranked { edges: Vec<f64>, low: f64, high: f64, spread: f64 },
    /// Levels with a cell each.
    Levels(Vec<String>),
}

/// The cell of a value, and how far beyond the ends it lies in spreads of the middle half.
pub(super) type Cell = (u16, f32);

impl Axis {
    /// The axis of the training rows' values; `None` where too few of them are known.
    pub(super) fn of(column: &Column, kind: Kind) -> Option<Self> {
        if let Some(mut values) = ranked(column, kind) {
            values.retain(|v| v.is_finite());
            values.sort_by(f64::total_cmp);
            return Self::of_sorted(&values);
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for text in (0..column.n_rows()).filter_map(|row| column.display(row)) {
            *counts.entry(text).or_insert(0) += 1;
        }
        counts.retain(|_, n| *n >= ROWS_MIN_KEPT);
        let mut levels: Vec<(String, usize)> = counts.into_iter().collect();
        levels.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        levels.truncate(LEVELS_MAX);
        (!levels.is_empty()).then(|| Self::Levels(levels.into_iter().map(|l| l.0).collect()))
    }

    fn of_sorted(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n < 2 * ROWS_MIN_KEPT {
            return None;
        }
        let middle = ((n / ROWS_PER_PAIR) as f64).sqrt() as usize;
        let middle = middle.clamp(MIDDLE.0, MIDDLE.1);
        let mut shares: Vec<f64> = (1..middle).map(|i| i as f64 / middle as f64).collect();
        shares.extend(ENDS);
        shares.sort_by(f64::total_cmp);
        let (mut edges, mut before) = (Vec::new(), 0);
        for share in shares {
            let edge = values[((n - 1) as f64 * share) as usize];
            let up_to = values.partition_point(|v| *v <= edge);
            if up_to - before >= ROWS_MIN_KEPT && n - up_to >= ROWS_MIN_KEPT {
                edges.push(edge);
                before = up_to;
            }
        }
        let (low, high) = (values[0], values[n - 1]);
        let half = values[3 * (n - 1) / 4] - values[(n - 1) / 4];
        // Of a number that is nearly always the same, any other is as far as the range is wide.
        let spread = [half, high - low, high.abs(), 1.0].into_iter().find(|s| *s > 0.0);
        Some(Self::Ranked { edges, low, high, spread: spread.unwrap_or(1.0) })
    }

    /// Cells of known values.
    pub(super) fn n_known(&self) -> usize {
        match self {
            Self::Ranked { edges, .. } => edges.len() + 1,
            Self::Levels(levels) => levels.len(),
        }
    }

    /// Cells whose order means something, from the first.
    pub(super) fn n_ranked(&self) -> usize {
        match self {
            Self::Ranked { .. } => self.n_known(),
            Self::Levels(_) => 0,
        }
    }

    /// All cells.
    pub(super) fn n_cells(&self) -> usize {
        self.n_known() + 2
    }

    /// The cells of a column; of one that a table lacks, all are missing.
    pub(super) fn cells(&self, column: Option<&Column>, n_rows: usize) -> Vec<Cell> {
        let n = self.n_known() as u16;
        let (missing, other) = ((n, 0.0), (n + 1, 0.0));
        let Some(column) = column else { return vec![missing; n_rows] };
        match self {
            Self::Ranked { .. } => {
                let Some(values) = ranked(column, Kind::Number) else {
                    return (0..n_rows)
                        .map(|row| if column.is_missing(row) { missing } else { other })
                        .collect();
                };
                values.iter().map(|v| self.cell_of(*v)).collect()
            }
            Self::Levels(levels) => {
                let places: BTreeMap<&str, u16> =
                    levels.iter().map(String::as_str).zip(0..).collect();
                let of = |text: &str| places.get(text).map_or(other, |at| (*at, 0.0));
                if let ColumnData::String { codes, dictionary } = &column.data {
                    let known: Vec<Cell> = dictionary.iter().map(of).collect();
                    let cell = |code: &u32| match *code {
                        MISSING_CODE => missing,
                        code => known.get(code as usize).copied().unwrap_or(other),
                    };
                    return codes.iter().map(cell).collect();
                }
                let cell = |row| column.display(row).map_or(missing, |text| of(&text));
                (0..n_rows).map(cell).collect()
            }
        }
    }

    fn cell_of(&self, value: f64) -> Cell {
        let n = self.n_known() as u16;
        let Self::Ranked { edges, low, high, spread } = self else { return (n + 1, 0.0) };
        if value.is_nan() {
            return (n, 0.0);
        }
        if value < *low || value > *high {
            let beyond = if value < *low { low - value } else { value - high };
            return (n + 1, (beyond / spread).min(1e9) as f32);
        }
        (edges.partition_point(|edge| *edge < value) as u16, 0.0)
    }

    /// Proves that stored numbers can be used.
    ///
    /// # Errors
    /// Input error when they cannot.
    pub(super) fn validate(&self) -> Result<()> {
        let is_sound = match self {
            Self::Ranked { edges, low, high, spread } => {
                edges.len() <= MIDDLE.1 + ENDS.len()
                    && edges.windows(2).all(|w| w[0] < w[1])
                    && [*low, *high, *spread].iter().all(|v| v.is_finite())
                    && low <= high
                    && *spread > 0.0
            }
            Self::Levels(levels) => levels.len() <= LEVELS_MAX,
        };
        let error = || Error::input("the stored account of usual rows is damaged");
        if is_sound { Ok(()) } else { Err(error()) }
    }
}

/// The values of a column whose order means something.
fn ranked(column: &Column, kind: Kind) -> Option<Vec<f64>> {
    if !matches!(kind, Kind::Number | Kind::Datetime) {
        return None;
    }
    match &column.data {
        ColumnData::Number(values) => Some(values.to_vec()),
        ColumnData::Instant(values) => {
            let number = |v: &i64| if *v == MISSING_INSTANT { f64::NAN } else { *v as f64 };
            Some(values.iter().map(number).collect())
        }
        ColumnData::String { .. } => None,
    }
}
