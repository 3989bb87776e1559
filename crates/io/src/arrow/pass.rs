//! One pass over the batches of an Arrow file, watched.

use modelwright_core::{Error, Result};
use rayon::prelude::*;

use super::{ArrowBatches, push_array};
use crate::options::ReadOptions;
use crate::sampling::Sampling;
use crate::source::Source;
use crate::typed::Builder;
use crate::watch::{Done, Verdict, Watch};

/// Reads the columns, and how many rows were seen; `None` when the watch wants fewer rows.
pub(super) fn pass(
    source: &Source<'_>,
    batches: &mut ArrowBatches,
    options: &ReadOptions,
    watch: &mut Watch<'_>,
) -> Result<Option<(Vec<Builder>, u64)>> {
    let mut builders: Vec<Builder> = batches.columns.iter().map(|_| Builder::new(0)).collect();
    let n_max = options.n_rows_max.unwrap_or(usize::MAX);
    let (mut n_seen, mut n_read) = (0, 0_u64);
    let sampling = watch.sampling;
    for index in 0.. {
        if watch.ctx.is_cancelled() {
            return Err(Error::interrupted("interrupted while reading"));
        }
        let n_left = n_max - builders.first().map_or(0, Builder::n_rows);
        if n_left == 0 || index >= batches.messages.n_batches.min(sampling.end) {
            break;
        }
        if !sampling.keeps_part(index) {
            // Rows are counted within what is read: nothing else is known of the rest.
            batches.pass_over(source, index)?;
        } else if let Some(batch) = batches.next_batch(source)? {
            let n = batch.num_rows();
            let batch = batch.slice(0, n.min(n_left));
            let runs = kept_runs(&sampling, index, batch.num_rows());
            let columns = &batches.columns;
            watch.ctx.install(|| {
                builders.par_iter_mut().zip(columns).for_each(|(builder, (position, _))| {
                    let array = batch.column(*position);
                    for (at, n) in &runs {
                        push_array(builder, &array.slice(*at, *n));
                    }
                });
            });
            n_seen += n as u64;
            n_read += 1;
        } else {
            break;
        }
        let wanted = batches.messages.n_batches as f64 * sampling.parts.as_f64();
        let share = (n_read as f64 / wanted.max(1.0)).min(1.0);
        let table_bytes = builders.iter().map(Builder::size_bytes).sum();
        let bytes = batches.messages.n_bytes / batches.messages.n_batches.max(1) * n_read;
        let done = Done { share, bytes, n_seen, table_bytes };
        match watch.judge(done).map_err(|e| e.at(source.shown()))? {
            Verdict::Again => return Ok(None),
            Verdict::Stop if index + 1 < batches.messages.n_batches => {
                watch.sampling.end = index + 1;
                break;
            }
            Verdict::GoOn | Verdict::Stop => {}
        }
    }
    Ok(Some((builders, n_seen)))
}

/// The rows of a batch that are in the sample, as runs of neighbours: first and number.
fn kept_runs(sampling: &Sampling, batch: u64, n_rows: usize) -> Vec<(usize, usize)> {
    if sampling.rows.is_all() {
        return vec![(0, n_rows)];
    }
    let mut runs: Vec<(usize, usize)> = Vec::new();
    // A row's place is its number in its batch: batches that are passed over have unknown lengths.
    let place = |row: usize| (batch << 32) | row as u64;
    for row in (0..n_rows).filter(|row| sampling.keeps_row(place(*row))) {
        match runs.last_mut() {
            Some((at, n)) if *at + *n == row => *n += 1,
            _ => runs.push((row, 1)),
        }
    }
    runs
}
