//! Values as bytes: the code of a value is the number of thresholds below it.
//!
//! With the distinct thresholds of a feature in order, `x > thresholds[rank]` is the same as
//! `code(x) > rank`, so that all tests of all trees compare bytes. A missing value fails every
//! test that sends it left and passes every other one: a feature has up to two rows of codes, in
//! which missing values are 0 or 255. A test of levels has a row of its own: 1 where it sends the
//! value right ([`levels`](super::levels)). Reference: Ye et al., "RapidScorer", KDD 2018.
//!
//! A feature may have more thresholds than a byte can count. Trees are therefore taken one after
//! the other until a feature would have too many; those after that have codes of their own
//! ([`compiled`](super::compiled)).

use std::collections::{BTreeMap, BTreeSet};

use super::bytes::Unit;
use super::levels::{Levels, SetTest};
use super::search::{MAX_THRESHOLDS, Search};
use super::sets::Sets;
use super::shape::{NO_SET, Step};
use super::{LANES, PART};
use crate::dispatch::vectorised;

/// Rows of codes from which no further trees are taken: half a mebibyte per block.
const MAX_ROWS: usize = 2048;

/// How the used features become codes.
#[derive(Debug, Clone, Default)]
pub(super) struct Codes {
    columns: BTreeMap<u32, Column>,
    sets: BTreeMap<SetTest, u32>,
    levels: Levels,
    n_rows: usize,
}

#[derive(Debug, Clone, Default)]
struct Column {
    search: Search,
    /// The row of codes where missing is 255, and that where it is 0, if any node wants it.
    rows: [Option<u32>; 2],
}

/// Tests of trees that share codes, as they are collected.
#[derive(Debug, Default)]
pub(super) struct Draft {
    columns: BTreeMap<u32, DraftColumn>,
    sets: BTreeSet<SetTest>,
    n_rows: usize,
}

#[derive(Debug, Default)]
struct DraftColumn {
    /// Distinct and ascending.
    thresholds: Vec<f32>,
    wants: [bool; 2],
}

impl Draft {
    /// Adds the tests of a tree; `false`, and nothing added, if there is no room for them.
    ///
    /// There is always room in an empty draft for a tree with as many inner nodes as a feature may
    /// have thresholds.
    pub(super) fn take(&mut self, steps: &[Step]) -> bool {
        let mut new: Vec<(u32, f32)> = (steps.iter())
            .filter(|step| step.set == NO_SET && !self.knows(step))
            .map(|step| (step.column, step.threshold))
            .collect();
        new.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        // By value, so that zeros of both signs are one.
        new.dedup_by(|a, b| a.0 == b.0 && a.1 == b.1);
        let fits = |new: &[(u32, f32)]| {
            let known = self.columns.get(&new[0].0).map_or(0, |c| c.thresholds.len());
            known + new.len() <= MAX_THRESHOLDS
        };
        let full = self.n_rows + steps.len() > MAX_ROWS && self.n_rows > 0;
        if full || !new.chunk_by(|a, b| a.0 == b.0).all(fits) {
            return false;
        }
        for (column, threshold) in new {
            let thresholds = &mut self.columns.entry(column).or_default().thresholds;
            thresholds.insert(thresholds.partition_point(|t| *t < threshold), threshold);
        }
        for step in steps {
            let is_new = if let Some(test) = SetTest::of(step) {
                self.sets.insert(test)
            } else {
                let wants = &mut self.columns.entry(step.column).or_default().wants;
                !std::mem::replace(&mut wants[usize::from(step.missing_left)], true)
            };
            self.n_rows += usize::from(is_new);
        }
        true
    }

    fn knows(&self, step: &Step) -> bool {
        self.columns.get(&step.column).is_some_and(|column| {
            let at = column.thresholds.partition_point(|t| *t < step.threshold);
            column.thresholds.get(at) == Some(&step.threshold)
        })
    }

    /// The codes for all tests taken.
    pub(super) fn finish(self, sets: &Sets) -> Codes {
        let mut n_rows = 0;
        let mut next_row = || {
            n_rows += 1;
            n_rows - 1
        };
        let columns = (self.columns.into_iter())
            .map(|(column, draft)| {
                let rows = draft.wants.map(|wanted| wanted.then(&mut next_row));
                (column, Column { search: Search::new(draft.thresholds), rows })
            })
            .collect();
        let tests: BTreeMap<SetTest, u32> =
            self.sets.into_iter().map(|test| (test, next_row())).collect();
        let levels = Levels::new(&tests, sets);
        Codes { columns, sets: tests, levels, n_rows: n_rows as usize }
    }
}

impl Codes {
    /// How many rows of codes there are.
    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The row of codes and the rank that a node of a tree taken compares: right is `code > rank`.
    ///
    /// # Panics
    /// If the tree was not taken.
    pub(super) fn test(&self, step: &Step) -> (u32, u8) {
        if let Some(test) = SetTest::of(step) {
            return (self.sets[&test], 0);
        }
        let column = &self.columns[&step.column];
        let row = column.rows[usize::from(step.missing_left)];
        (row.expect("the tree was taken"), column.search.rank(step.threshold))
    }

    /// Codes of the first `n_rows` rows of a block, one array of values per used feature. The
    /// machine must have `unit`.
    pub(super) fn encode(
        &self,
        unit: Unit,
        sets: &Sets,
        values: &[[f32; LANES]],
        n_rows: usize,
        codes: &mut [[u8; LANES]],
    ) {
        let parts = n_rows.div_ceil(PART) * PART;
        for (column, Column { search, rows }) in &self.columns {
            let values = &values[*column as usize];
            let mut found = [0; LANES];
            search.codes(unit, &values[..parts], &mut found[..parts]);
            let [right, left] = *rows;
            if let Some(row) = left {
                codes[row as usize] = found;
            }
            if let Some(row) = right {
                missing_right(values, &found, &mut codes[row as usize]);
            }
        }
        self.levels.encode(unit, sets, values, n_rows, codes);
    }
}

vectorised! {
    fn missing_right(
        values: &[f32; LANES],
        codes: &[u8; LANES],
        out: &mut [u8; LANES],
    ) = missing_right_generic
}

#[inline(always)]
fn missing_right_generic(values: &[f32; LANES], codes: &[u8; LANES], out: &mut [u8; LANES]) {
    for ((out, code), x) in out.iter_mut().zip(codes).zip(values) {
        *out = if x.is_nan() { u8::MAX } else { *code };
    }
}
