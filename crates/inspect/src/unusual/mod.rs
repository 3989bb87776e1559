//! How unusual a row is, from what an artifact can keep without keeping a row.
//!
//! Every raw column is cut into few cells (tails, missing, beyond), and depends on the one other
//! column that tells most of it ([`network`]). What is kept are counts of training rows in cells
//! and in pairs of cells, none below ten. A value is as rare as it and all values at most as
//! probable are, given its parent's cell (Das & Schneider, "Detecting anomaly patterns in
//! categorical datasets", KDD 2007); a row's two statistics are the sum of the rarities (Fisher's)
//! and the largest one, and it counts how far the more extreme of them lies in the tail. Rows that
//! were not counted say how often rows are so unusual: a conformal p-value.
//!
//! It sees what single columns and pairs show. What is odd only in three columns together, or
//! inside one cell, it does not.

mod axis;
mod calibration;
mod chance;
mod network;
mod rarity;

use modelwright_core::data::{Field, Table};
use modelwright_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};

pub use chance::by_chance;

use axis::{Axis, Cell};
use calibration::Scores;
use rarity::{Counts, Rarity, Side};

/// Training rows that are counted, and others that the scores are measured on, at most.
pub const COUNTED_ROWS_MAX: usize = 20_000;
/// See [`COUNTED_ROWS_MAX`].
pub const JUDGED_ROWS_MAX: usize = 10_000;

/// Fewer rows say nothing of what is usual, or of how often.
pub const COUNTED_ROWS_MIN: usize = 100;
/// See [`COUNTED_ROWS_MIN`].
pub const JUDGED_ROWS_MIN: usize = 50;

/// Columns that are looked at, at most.
pub const COLUMNS_MAX: usize = 200;

/// Columns that are named of a row, at most; each is at least so rare in nats (one value of 20),
/// and half as rare as the rarest.
const NAMED_MAX: usize = 3;
const NAMED_MIN: f64 = 3.0;

/// A value that is so many nats rarer beside its parent than by itself is unusual beside it.
const BESIDE_MIN: f64 = 1.5;

/// What is usual, learned from rows of which none is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UsualRows {
    n_counted: u32,
    columns: Vec<Looked>,
    /// The two statistics of the counted rows, which make them comparable.
    sums: Scores,
    largest: Scores,
    /// The scores of rows that were not counted.
    judged: Scores,
    #[serde(skip)]
    rarities: Vec<Rarity>,
}

/// A column that is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Looked {
    name: String,
    axis: Axis,
    counts: Counts,
}

impl Looked {
    fn side(&self) -> Side<'_> {
        Side { counts: &self.counts, n_ranked: self.axis.n_ranked() }
    }
}

/// How unusual a row is.
#[derive(Debug, Clone, PartialEq)]
pub struct Unusual {
    /// The share of rows like the judged ones that are at least as unusual, in (0, 1].
    pub p_value: f64,
    /// What makes it so, the rarest first; empty where no single value does.
    pub columns: Vec<UnusualColumn>,
}

impl Unusual {
    /// The share of rows like the judged ones that are less unusual, in [0, 1).
    pub fn unusualness(&self) -> f64 {
        1.0 - self.p_value
    }
}

/// A rare value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusualColumn {
    /// The column.
    pub name: String,
    /// The column beside whose value it is rare, where it is not by itself.
    pub beside: Option<String>,
}

impl UnusualColumn {
    /// The column in words: `age`, or `age with status`.
    pub fn words(&self) -> String {
        match &self.beside {
            Some(beside) => format!("{} with {beside}", self.name),
            None => self.name.clone(),
        }
    }
}

impl UsualRows {
    /// Learns from `counted` rows and tests on `judged` ones, of which none is counted; columns
    /// are those of `fields`, the first [`COLUMNS_MAX`]. `None` where rows or columns are too few.
    pub fn learn(
        counted: &Table,
        judged: &Table,
        fields: &[&Field],
        ctx: &Context,
    ) -> Option<Self> {
        if counted.n_rows() < COUNTED_ROWS_MIN || judged.n_rows() < JUDGED_ROWS_MIN {
            return None;
        }
        let axis = |i: usize| {
            let column = counted.column(&fields[i].name)?;
            let axis = Axis::of(column, fields[i].kind)?;
            let cells = axis.cells(Some(column), counted.n_rows());
            Some((fields[i].name.clone(), axis, cells))
        };
        let found = ctx.map(fields.len().min(COLUMNS_MAX), axis);
        let (mut named, mut cells) = (Vec::new(), Vec::new());
        for (name, axis, of_rows) in found.into_iter().flatten() {
            named.push((name, axis));
            cells.push(of_rows);
        }
        if named.is_empty() {
            return None;
        }
        let n_cells: Vec<usize> = named.iter().map(|(_, axis)| axis.n_cells()).collect();
        let parents = network::parents(&cells, &n_cells, ctx);
        let counts = ctx.map(named.len(), |i| Counts::of(i, &cells, &n_cells, parents[i]));
        let columns = named.into_iter().zip(counts).map(|((name, axis), counts)| Looked {
            name,
            axis,
            counts,
        });
        let mut usual = Self {
            n_counted: counted.n_rows() as u32,
            columns: columns.collect(),
            sums: Scores::default(),
            largest: Scores::default(),
            judged: Scores::default(),
            rarities: Vec::new(),
        };
        usual.prepare();
        let both = ctx.map(counted.n_rows(), |row| usual.statistics(&cells, row));
        usual.sums = Scores::of(both.iter().map(|s| s.0).collect());
        usual.largest = Scores::of(both.iter().map(|s| s.1).collect());
        let cells = usual.cells(judged, ctx);
        let scores = ctx.map(judged.n_rows(), |row| usual.score(usual.statistics(&cells, row)));
        usual.judged = Scores::of(scores);
        Some(usual)
    }

    /// Rows that tell how often rows are so unusual; no p-value is below one in that many and one.
    pub fn n_judged(&self) -> usize {
        self.judged.n()
    }

    /// Columns that are looked at.
    pub fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// How unusual each row of a table is; a column that it lacks is missing in every row.
    pub fn of_rows(&self, table: &Table, ctx: &Context) -> Vec<Unusual> {
        let cells = self.cells(table, ctx);
        ctx.map(table.n_rows(), |row| Unusual {
            p_value: self.judged.p_value(self.score(self.statistics(&cells, row))),
            columns: self.named(&cells, row),
        })
    }

    fn cells(&self, table: &Table, ctx: &Context) -> Vec<Vec<Cell>> {
        ctx.map(self.columns.len(), |i| {
            let column = &self.columns[i];
            column.axis.cells(table.column(&column.name), table.n_rows())
        })
    }

    /// The rarity of a row's value of a column, beside its parent's.
    fn rarity(&self, cells: &[Vec<Cell>], row: usize, i: usize) -> f64 {
        let parent = self.columns[i].counts.parent;
        let beside = parent.map(|p| cells[p as usize][row].0);
        self.rarities[i].at(cells[i][row], beside)
    }

    /// The sum of all rarities and the largest one.
    fn statistics(&self, cells: &[Vec<Cell>], row: usize) -> (f64, f64) {
        let rarities = (0..self.columns.len()).map(|i| self.rarity(cells, row, i));
        rarities.fold((0.0, 0.0), |(sum, most), r| (sum + r, f64::max(most, r)))
    }

    /// The more extreme of the two, in nats; a little of both breaks ties beyond all known rows.
    fn score(&self, (sum, most): (f64, f64)) -> f64 {
        let p = self.sums.p_value(sum).min(self.largest.p_value(most));
        -libm::log(p) + 1e-3 * (libm::log1p(sum) + libm::log1p(most))
    }

    fn named(&self, cells: &[Vec<Cell>], row: usize) -> Vec<UnusualColumn> {
        let mut rare: Vec<(f64, usize)> = (0..self.columns.len())
            .map(|i| (self.rarity(cells, row, i), i))
            .filter(|(rarity, _)| *rarity >= NAMED_MIN)
            .collect();
        rare.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let least = rare.first().map_or(0.0, |(most, _)| most / 2.0);
        rare.retain(|(rarity, _)| *rarity >= least);
        rare.truncate(NAMED_MAX);
        let name = |i: usize| self.columns[i].name.clone();
        let column = |(rarity, i): (f64, usize)| {
            let alone = self.rarities[i].at(cells[i][row], None);
            let parent = self.columns[i].counts.parent.filter(|_| rarity >= alone + BESIDE_MIN);
            UnusualColumn { name: name(i), beside: parent.map(|p| name(p as usize)) }
        };
        rare.into_iter().map(column).collect()
    }

    /// Rarities from counts; after reading, too.
    fn prepare(&mut self) {
        let rarity = |column: &Looked| {
            let parent = column.counts.parent.map(|p| self.columns[p as usize].side());
            Rarity::new(&column.side(), parent.as_ref(), self.n_counted)
        };
        self.rarities = self.columns.iter().map(rarity).collect();
    }

    /// Proves what was read to be sound, and makes it ready.
    ///
    /// # Errors
    /// Input error when it is damaged.
    pub fn validated(mut self) -> Result<Self> {
        let damaged = || Error::input("the stored account of usual rows is damaged");
        let n_columns = self.columns.len();
        if n_columns == 0 || n_columns > COLUMNS_MAX || self.judged.n() == 0 {
            return Err(damaged());
        }
        self.columns.iter().try_for_each(|column| column.axis.validate())?;
        let n_cells: Vec<usize> = self.columns.iter().map(|c| c.axis.n_cells()).collect();
        let counts = self.columns.iter().enumerate();
        let are_sound = counts.into_iter().all(|(i, c)| c.counts.is_sound(i, &n_cells));
        if !are_sound || ![&self.sums, &self.largest, &self.judged].iter().all(|s| s.is_sound()) {
            return Err(damaged());
        }
        self.prepare();
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
