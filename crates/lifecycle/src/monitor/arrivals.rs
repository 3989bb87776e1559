//! Rows of a running server in the order in which they came: as how many independent ones they
//! count.
//!
//! A server's rows have no column of time in general, and need none: what comes later is later. Of
//! each row there is a number for every column (see [`packed`]), a level by its hash, so that no
//! text is kept and adding costs little. Of many rows every second, fourth … is kept, as [`serial`]
//! has it; where that begins, the first ones stay in a run of their own, since a memory that is
//! shorter than the step shows only among rows that came one after the other.

use modelwright_core::data::{Column, Field, Storage};

use super::observed::{MISSING, Observed, packed};
use super::serial;
use super::tally::is_category;

/// Rows of a window that are kept at most; and half as many that came one after the other.
const ROWS_MAX: usize = 4_096;
/// And of each of its spans, however many there are.
const SPAN_ROWS_MIN: usize = 64;

/// The rows of a span of time, in the order in which they came.
pub(super) struct Arrivals {
    /// For each column whether its values are names, not sizes.
    are_levels: Vec<bool>,
    rows_max: usize,
    n_seen: u64,
    /// Of so many rows one is kept.
    step: u64,
    /// The rows that are kept, one after the other.
    kept: Vec<u64>,
    /// The first rows, each of them, where of the others only some are kept.
    run: Vec<u64>,
}

impl Arrivals {
    /// No rows yet of these columns, in one of `n_spans` spans of a window.
    pub(super) fn new<'f>(fields: impl Iterator<Item = &'f Field>, n_spans: usize) -> Self {
        let is_level = |f: &Field| is_category(f.kind) && f.storage != Storage::Instant;
        Self {
            are_levels: fields.map(is_level).collect(),
            rows_max: (ROWS_MAX / n_spans.max(1)).max(SPAN_ROWS_MIN),
            n_seen: 0,
            step: 1,
            kept: Vec::new(),
            run: Vec::new(),
        }
    }

    /// Adds rows: their columns in the order of the fields, `None` for one that is not there.
    pub(super) fn add(&mut self, columns: &[Option<&Column>], n_rows: usize) {
        debug_assert_eq!(columns.len(), self.are_levels.len());
        let width = self.are_levels.len();
        let before = self.n_seen;
        self.n_seen += n_rows as u64;
        let mut next = before.next_multiple_of(self.step);
        while next < self.n_seen {
            let row = (next - before) as usize;
            let of = |(column, is_level): (Option<&Column>, &bool)| {
                column.map_or(MISSING, |column| packed(column, row, *is_level))
            };
            self.kept.extend(columns.iter().copied().zip(&self.are_levels).map(of));
            if self.kept.len() > self.rows_max * width {
                self.thin_out();
            }
            next = (next + 1).next_multiple_of(self.step);
        }
    }

    fn thin_out(&mut self) {
        let width = self.are_levels.len();
        if self.step == 1 {
            self.run = self.kept[..self.rows_max / 2 * width].to_vec();
        }
        self.step *= 2;
        let rows = self.kept.chunks_exact(width).step_by(2);
        self.kept = rows.flatten().copied().collect();
    }

    /// The rows that came one after the other, from the first on.
    fn run(&self) -> &[u64] {
        if self.step > 1 {
            return &self.run;
        }
        let n_values = self.rows_max / 2 * self.are_levels.len();
        &self.kept[..n_values.min(self.kept.len())]
    }

    /// A column of some rows.
    fn column<'r>(&self, rows: &'r [u64], column: usize) -> impl Iterator<Item = u64> + 'r {
        rows.chunks_exact(self.are_levels.len()).map(move |row| row[column])
    }
}

/// As how large a share the rows of a window count in each column: of its spans, the oldest first,
/// all with the same columns.
pub(super) fn shares(spans: &[&Arrivals]) -> Vec<f64> {
    let step = spans.iter().map(|span| span.step).max().unwrap_or(1);
    let are_levels = spans.first().map_or(&[][..], |span| &span.are_levels);
    let of = |(column, is_level): (usize, &bool)| {
        let kept = spans.iter().flat_map(|span| {
            let rows = span.column(&span.kept, column);
            rows.step_by((step / span.step) as usize)
        });
        let found = serial::share_of_few(&Observed::of_packed(kept, *is_level), step);
        if step == 1 {
            return found;
        }
        let run = spans.iter().flat_map(|span| span.column(span.run(), column));
        found.min(serial::share_of_few(&Observed::of_packed(run, *is_level), 1))
    };
    are_levels.iter().enumerate().map(of).collect()
}

#[cfg(test)]
#[path = "arrivals_tests.rs"]
mod tests;
