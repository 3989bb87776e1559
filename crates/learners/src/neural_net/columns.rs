//! What each feature is to the net, learned from the training rows: a number, a flag, a category.
//!
//! A number becomes `z = (x − median) / (q75 − q25)` (where the quartiles agree, the median
//! distance of the other values from the median takes their place), then `z / √(1 + (z/3)²)`, which
//! is nearly linear in the middle and never leaves ±3; missing is the median, and a flag says so
//! where training has missing values.
//! A feature of two values is a flag: scaled alike, but without a periodic embedding. A category is
//! a row of a table of embeddings; levels that training does not have, and missing, have their own.

use modelwright_core::data::{FeatureColumn, FeatureMatrix, TrainView};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::shape::Shape;

/// At most about this many rows decide the quantiles.
const SAMPLE: usize = 65_536;

/// The largest number of a level; a column with a larger one is taken as numbers.
const LEVEL_MAX: f32 = 65_535.0;

/// Rows that one thread converts together.
const BLOCK: usize = 512;

/// One feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// What the net makes of it.
    pub role: Role,
    /// Whether a flag says which values are missing.
    pub tells_missing: bool,
}

/// What a feature is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Role {
    /// Constant in training.
    Unused,
    /// A number with an embedding.
    Number {
        /// What is subtracted.
        center: f64,
        /// What the difference is multiplied with.
        factor: f64,
    },
    /// A number of two values.
    Flag {
        /// What is subtracted.
        center: f64,
        /// What the difference is multiplied with.
        factor: f64,
    },
    /// Level numbers below `n_levels`; in its table other levels come next, then missing.
    Category {
        /// How many levels there are.
        n_levels: u32,
    },
}

/// The rows as the net reads them.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    /// Numbers, then flags, of each row.
    pub values: Vec<f32>,
    /// Rows of the embedding tables (laid end to end) of each row.
    pub levels: Vec<u32>,
    pub n_rows: usize,
}

/// Which levels of which category occur in training: one `true` per row of the embedding tables.
pub(super) type Seen = Vec<bool>;

/// Learns what each feature is from the rows, which all have weight.
pub(super) fn learn(train: &TrainView<'_>, rows: &[u32]) -> Vec<Column> {
    let columns = train.features.columns.par_iter();
    columns.map(|column| Column::learn(column, rows, |row| train.weight(row))).collect()
}

/// How many numbers and flags, and how many rows each embedding table has.
pub(super) fn count(columns: &[Column]) -> (usize, usize, Vec<usize>) {
    let numbers = columns.iter().filter(|c| c.is_number()).count();
    let is_flag = |c: &&Column| matches!(c.role, Role::Flag { .. });
    let flags = columns.iter().filter(is_flag).count();
    let missing = columns.iter().filter(|c| c.tells_missing).count();
    let tables = columns.iter().filter_map(|c| match c.role {
        // Two more: levels that training does not have, and missing.
        Role::Category { n_levels } => Some(n_levels as usize + 2),
        _ => None,
    });
    (numbers, flags + missing, tables.collect())
}

/// The given rows of the matrix.
pub(super) fn convert(
    columns: &[Column],
    shape: &Shape,
    features: &FeatureMatrix,
    n_rows: usize,
    row: impl Fn(usize) -> usize + Sync,
) -> Inputs {
    let (width, n_tables) = (shape.numbers + shape.flags, shape.tables.len());
    let mut inputs =
        Inputs { values: vec![0.0; n_rows * width], levels: vec![0; n_rows * n_tables], n_rows };
    let fill = |start: usize, values: &mut [f32], levels: &mut [u32], n: usize| {
        let (mut number, mut flag) = (0, shape.numbers);
        let (mut table, mut first) = (0, 0);
        for (column, feature) in columns.iter().zip(&features.columns) {
            let each = (0..n).map(|i| feature.values[row(start + i)]);
            match column.role {
                Role::Unused => {}
                Role::Number { center, factor } | Role::Flag { center, factor } => {
                    let place = if column.is_number() { &mut number } else { &mut flag };
                    for (i, value) in each.enumerate() {
                        values[i * width + *place] = scaled(value, center, factor);
                    }
                    *place += 1;
                }
                Role::Category { n_levels } => {
                    for (i, value) in each.enumerate() {
                        levels[i * n_tables + table] = first + level(value, n_levels);
                    }
                    table += 1;
                    first += n_levels + 2;
                }
            }
            if column.tells_missing {
                for i in 0..n {
                    let missing = feature.values[row(start + i)].is_nan();
                    values[i * width + flag] = if missing { 1.0 } else { 0.0 };
                }
                flag += 1;
            }
        }
    };
    if n_rows <= BLOCK {
        fill(0, &mut inputs.values, &mut inputs.levels, n_rows);
        return inputs;
    }
    // Empty chunks do not exist, so that a part without columns is given an empty slice.
    let n_blocks = n_rows.div_ceil(BLOCK);
    let mut values: Vec<&mut [f32]> = chunks(&mut inputs.values, BLOCK * width, n_blocks);
    let mut levels: Vec<&mut [u32]> = chunks(&mut inputs.levels, BLOCK * n_tables, n_blocks);
    values.par_iter_mut().zip(levels.par_iter_mut()).enumerate().for_each(
        |(block, (values, levels))| {
            let start = block * BLOCK;
            fill(start, values, levels, BLOCK.min(n_rows - start));
        },
    );
    inputs
}

/// `n` chunks of `length`, of which the last may be shorter and any may be empty.
fn chunks<T>(mut from: &mut [T], length: usize, n: usize) -> Vec<&mut [T]> {
    let mut parts = Vec::with_capacity(n);
    for _ in 0..n {
        let (part, rest) = from.split_at_mut(length.min(from.len()));
        parts.push(part);
        from = rest;
    }
    parts
}

/// Which levels the inputs have.
pub(super) fn seen(shape: &Shape, inputs: &Inputs) -> Seen {
    let mut seen = vec![false; shape.tables.iter().sum()];
    for level in &inputs.levels {
        seen[*level as usize] = true;
    }
    seen
}

impl Column {
    fn learn(column: &FeatureColumn, rows: &[u32], weight: impl Fn(u32) -> f64) -> Self {
        let known = || rows.iter().map(|r| column.values[*r as usize]).filter(|v| !v.is_nan());
        let tells_missing = rows.iter().any(|r| column.values[*r as usize].is_nan());
        if column.is_category && known().all(is_level) {
            let n_levels = known().fold(0.0, f32::max) as u32 + 1;
            return Self { role: Role::Category { n_levels }, tells_missing: false };
        }
        let step = rows.len().div_ceil(SAMPLE).max(1);
        let mut sample: Vec<(f64, f64)> = (rows.iter().step_by(step))
            .map(|r| (f64::from(column.values[*r as usize]), weight(*r)))
            .filter(|(value, _)| !value.is_nan())
            .collect();
        sample.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let (low, high) = (known().fold(f32::MAX, f32::min), known().fold(f32::MIN, f32::max));
        // All missing, or a constant: at most the flag of missing values is of use.
        if low >= high {
            let constant = low > high;
            return Self { role: Role::Unused, tells_missing: tells_missing && !constant };
        }
        let (center, factor) = scale(&sample, f64::from(low), f64::from(high));
        let is_flag = known().all(|v| v == low || v == high);
        let role =
            if is_flag { Role::Flag { center, factor } } else { Role::Number { center, factor } };
        Self { role, tells_missing }
    }

    fn is_number(&self) -> bool {
        matches!(self.role, Role::Number { .. })
    }

    /// Whether its numbers can be used.
    pub(super) fn is_sound(&self) -> bool {
        match self.role {
            Role::Unused => true,
            Role::Number { center, factor } | Role::Flag { center, factor } => {
                center.is_finite() && factor.is_finite() && factor >= 0.0
            }
            Role::Category { n_levels } => {
                f64::from(n_levels) <= f64::from(LEVEL_MAX) + 1.0 && !self.tells_missing
            }
        }
    }
}

/// Centre and factor of a number from its sorted values with their weights.
fn scale(sorted: &[(f64, f64)], low: f64, high: f64) -> (f64, f64) {
    let total: f64 = sorted.iter().map(|(_, weight)| weight).sum();
    let quantile = |q: f64| {
        let mut sum = 0.0;
        let reached = sorted.iter().find(|(_, weight)| {
            sum += weight;
            sum >= q * total
        });
        reached.map_or(low, |(value, _)| *value)
    };
    let center = quantile(0.5);
    let quartiles = quantile(0.75) - quantile(0.25);
    let factor =
        if quartiles > 0.0 { 1.0 / quartiles } else { 1.0 / usual(sorted, center, high - low) };
    // Subnormal differences have no finite reciprocal.
    (center, if factor.is_finite() { factor } else { 0.0 })
}

/// The median distance from the centre of the values that are not at it: where most values are
/// equal (zero, often) the others should spread over the useful range, not the largest alone.
fn usual(sorted: &[(f64, f64)], center: f64, range: f64) -> f64 {
    let mut distances: Vec<(f64, f64)> =
        sorted.iter().map(|(v, w)| ((v - center).abs(), *w)).filter(|(d, _)| *d > 0.0).collect();
    distances.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let half = distances.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut sum = 0.0;
    let reached = distances.iter().find(|(_, weight)| {
        sum += weight;
        sum >= half
    });
    reached.map_or(range, |(distance, _)| *distance)
}

fn is_level(value: f32) -> bool {
    (0.0..=LEVEL_MAX).contains(&value) && value.fract() == 0.0
}

/// The scaled and clipped number; 0 when it is missing.
fn scaled(value: f32, center: f64, factor: f64) -> f32 {
    if value.is_nan() {
        return 0.0;
    }
    // Beyond 1e9 the result is 3 to the last bit of an f32, and the square stays finite.
    let z = ((f64::from(value) - center) * factor).clamp(-1e9, 1e9);
    (z / (1.0 + (z / 3.0) * (z / 3.0)).sqrt()) as f32
}

/// The row of a category's table.
fn level(value: f32, n_levels: u32) -> u32 {
    if value.is_nan() {
        n_levels + 1
    } else if is_level(value) && value < n_levels as f32 {
        value as u32
    } else {
        n_levels
    }
}
