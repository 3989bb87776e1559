//! The columns of a Parquet file into builders, each by one thread, watched.
//!
//! How large the table will be is known from the footer before anything is decoded, and so is the
//! share of rows that fits. A column is read to its end before its thread takes the next: so only
//! a few columns have their pages unpacked at a time, however many there are.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use modelwright_core::{Error, Result};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::FileReader;
use rayon::prelude::*;

use super::leaf::{read_all_values, read_values, skip_values};
use super::{FlatColumn, Opening, broken, guard};
use crate::sampling::Sampling;
use crate::source::Source;
use crate::typed::Builder;
use crate::watch::{Done, Verdict, Watch};

/// The parts that are read or passed over when time is short: so many to a file, within bounds
/// in rows.
const N_WINDOWS: u64 = 256;
const WINDOW_ROWS: (u64, u64) = (64, 8192);

/// What unpacking one column takes: a page, packed and plain, a dictionary, some values. Pages
/// and dictionaries are of one megabyte unless the writer was told otherwise.
const PAGES_BYTES: u64 = 4 << 20;

/// The part of the room that unpacking may take; with less, fewer columns are unpacked at once.
const PAGES_SHARE: u64 = 3;

/// A column's values, and whether they are text where they should be.
type Column = (Builder, bool);

/// Reads the columns: those rows of them that there is room for.
pub(super) fn read(
    source: &Source<'_>,
    file: &Opening,
    leaves: &[FlatColumn],
    n_max: usize,
    watch: &mut Watch<'_>,
) -> Result<Vec<Column>> {
    watch.can_skip = true;
    watch.can_stop = false;
    let mut n_parallel = leaves.len().max(1);
    if let Some(room) = watch.room_bytes() {
        let n_threads = watch.ctx.threads();
        let (n, bytes) = parallel(file, leaves, room, n_threads);
        watch.reserve(bytes);
        // Without want of memory each thread takes the next column as soon as it is done.
        n_parallel = if n < n_threads { n } else { n_parallel };
    }
    let n_rows = n_rows(file);
    watch.expect(table_bytes(file, leaves), n_rows).map_err(|e| e.at(source.shown()))?;
    loop {
        watch.begin_pass();
        let reading = Reading {
            file,
            sampling: watch.sampling,
            n_max,
            n_rows,
            work: leaves.iter().map(|c| n_rows + packed_bytes(file, c)).sum(),
            is_over: AtomicBool::new(false),
            state: Mutex::new(State { watch, done: Done::default(), refusal: None }),
        };
        let mut columns = Vec::with_capacity(leaves.len());
        for some in leaves.chunks(n_parallel) {
            columns.par_extend(some.par_iter().map(|column| reading.column(column)));
        }
        let is_over = reading.is_over.into_inner();
        let state = reading.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(refusal) = state.refusal {
            return Err(refusal.at(source.shown()));
        }
        if !is_over {
            let named = leaves.iter().zip(columns);
            let named = named.map(|(leaf, read)| read.map_err(|e| broken(source, e, &leaf.name)));
            return named.collect();
        }
        if watch.ctx.is_cancelled() {
            return Err(Error::interrupted("interrupted while reading"));
        }
    }
}

/// The rows that a sampling comes across.
pub(super) fn n_seen(file: &Opening, sampling: &Sampling) -> u64 {
    let n_rows = n_rows(file);
    let window = window_rows(n_rows);
    let windows = (0..n_rows.div_ceil(window)).filter(|w| sampling.keeps_part(*w));
    windows.map(|w| window.min(n_rows - w * window)).sum()
}

fn n_rows(file: &Opening) -> u64 {
    u64::try_from(file.reader.metadata().file_metadata().num_rows()).unwrap_or(0)
}

fn window_rows(n_rows: u64) -> u64 {
    (n_rows / N_WINDOWS).clamp(WINDOW_ROWS.0, WINDOW_ROWS.1)
}

/// A bound of the table's bytes, by the footer.
fn table_bytes(file: &Opening, leaves: &[FlatColumn]) -> u64 {
    let of = |column: &FlatColumn| {
        if column.is_narrow {
            return 4 * n_rows(file);
        }
        if column.leaf.is_numeric() {
            return 8 * n_rows(file);
        }
        // Codes, and each distinct text once: at most all that is stored.
        4 * n_rows(file) + sum(file, column, ColumnChunkMetaData::uncompressed_size)
    };
    leaves.iter().map(of).sum()
}

fn packed_bytes(file: &Opening, column: &FlatColumn) -> u64 {
    sum(file, column, ColumnChunkMetaData::compressed_size)
}

fn sum(file: &Opening, column: &FlatColumn, of: impl Fn(&ColumnChunkMetaData) -> i64) -> u64 {
    let groups = file.reader.metadata().row_groups().iter();
    groups.map(|g| u64::try_from(of(g.column(column.position))).unwrap_or(0)).sum()
}

/// How many columns may be unpacked at a time in so much memory, at most one for each thread, and
/// the bytes that this takes.
pub(super) fn parallel(
    file: &Opening,
    leaves: &[FlatColumn],
    room: u64,
    n_threads: usize,
) -> (usize, u64) {
    let pages = leaves.iter().map(|c| pages_bytes(file, c)).max().unwrap_or(1);
    let n = (room / PAGES_SHARE / pages).clamp(1, n_threads as u64);
    (n as usize, (n * pages).min(room / 2))
}

/// The bytes that all columns take when all are open.
pub(super) fn open_bytes(file: &Opening, leaves: &[FlatColumn]) -> u64 {
    leaves.iter().map(|c| pages_bytes(file, c)).sum()
}

/// The bytes that a column takes while it is unpacked.
fn pages_bytes(file: &Opening, column: &FlatColumn) -> u64 {
    let chunks = file.reader.metadata().row_groups().iter();
    let largest = chunks.map(|g| g.column(column.position).uncompressed_size()).max();
    (2 * u64::try_from(largest.unwrap_or(0)).unwrap_or(0)).clamp(1, PAGES_BYTES)
}

/// What the threads share.
struct Reading<'a, 'w, 'c> {
    file: &'a Opening,
    sampling: Sampling,
    n_max: usize,
    n_rows: u64,
    /// What unpacking all columns costs, in values and packed bytes: about as much for each.
    work: u64,
    /// Whether this pass is given up.
    is_over: AtomicBool,
    state: Mutex<State<'w, 'c>>,
}

struct State<'w, 'c> {
    watch: &'w mut Watch<'c>,
    done: Done,
    refusal: Option<Error>,
}

impl Reading<'_, '_, '_> {
    fn column(&self, column: &FlatColumn) -> std::result::Result<Column, ParquetError> {
        let n_expected = (self.n_rows as f64 * self.sampling.rows.as_f64()) as usize;
        let mut builder = Builder::expecting(n_expected.min(self.n_max));
        let (mut is_text, mut n_before) = (true, 0);
        for group in 0..self.file.reader.num_row_groups() {
            if builder.n_rows() >= self.n_max || self.is_over.load(Ordering::Relaxed) {
                break;
            }
            let size_before = builder.size_bytes();
            is_text &= guard(|| self.chunk(column, group, n_before, &mut builder))?;
            let chunk = self.file.reader.metadata().row_group(group);
            let n_rows = u64::try_from(chunk.num_rows()).unwrap_or(0);
            n_before += n_rows;
            let n_bytes = chunk.column(column.position).compressed_size();
            let work = n_rows + u64::try_from(n_bytes).unwrap_or(0);
            self.report(work, builder.size_bytes() - size_before);
        }
        Ok((builder, is_text))
    }

    /// The rows of a row group that are in the sample; `n_before` rows are before it.
    fn chunk(
        &self,
        column: &FlatColumn,
        group: usize,
        n_before: u64,
        builder: &mut Builder,
    ) -> std::result::Result<bool, ParquetError> {
        let group = self.file.reader.get_row_group(group)?;
        let mut reader = group.get_column_reader(column.position)?;
        let (leaf, nullable) = (column.leaf, column.is_nullable);
        if self.sampling.is_all() {
            let n_left = self.n_max - builder.n_rows();
            return Ok(read_all_values(&mut reader, leaf, nullable, n_left, builder)?.1);
        }
        let n_rows = u64::try_from(group.metadata().num_rows()).unwrap_or(0);
        let window = window_rows(self.n_rows);
        let (mut at, mut is_text) = (n_before, true);
        while at < n_before + n_rows {
            let index = at / window;
            let n = ((index + 1) * window).min(n_before + n_rows) - at;
            if self.sampling.keeps_part(index) {
                let keep = |i: usize| self.sampling.keeps_row(at + i as u64);
                is_text &= read_values(&mut reader, leaf, nullable, n as usize, keep, builder)?.1;
            } else {
                skip_values(&mut reader, n as usize)?;
            }
            at += n;
        }
        Ok(is_text)
    }

    /// Tells the watch of a chunk that was read.
    fn report(&self, work: u64, grown_bytes: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_over.load(Ordering::Relaxed) {
            return;
        }
        state.done.share += work as f64 / self.work.max(1) as f64;
        state.done.n_seen = (self.n_rows as f64 * state.done.share) as u64;
        state.done.table_bytes += grown_bytes;
        // How the table grows says little here, since columns differ: the footer said it.
        let done = state.done;
        let is_over = match state.watch.judge(done) {
            Ok(verdict) => verdict == Verdict::Again,
            Err(refusal) => {
                state.refusal = Some(refusal);
                true
            }
        };
        if is_over || state.watch.ctx.is_cancelled() {
            self.is_over.store(true, Ordering::Relaxed);
        }
    }
}
