//! Keeps a fit under its memory cap and inside its time: estimates what the rows will need, and
//! learns from fewer of them when that is too much.
//!
//! A sample is always better than dying or being late: with half a million rows left the loss is
//! in the third digit, and a booster that gets its rounds on a sample beats one that is cut off on
//! everything. What is free depends on the machine, so it goes through [`Context::decide`].

use modelwright_core::data::{Kind, Schema};
use modelwright_core::record::ColumnProfile;
use modelwright_core::{Context, Error, Result};

/// Bytes per output and row: out-of-fold predictions of the trials, gradients, scores.
const BYTES_PER_OUTPUT: f64 = 120.0;

/// Bytes per row: indices, partitions, weights, targets.
const BYTES_PER_ROW: f64 = 64.0;

/// Bytes per column whatever the rows: what is found out about it, its encoders, its share of the
/// report; and per distinct value of it, up to the most bins there are. Measured on tables of
/// 3,000 and 9,000 columns and 250 rows.
const BYTES_PER_COLUMN: f64 = 8_192.0;
const BYTES_PER_VALUE: f64 = 110.0;
const N_BINS_MAX: usize = 255;

/// Bytes of a bin in the histograms of all open leaves of the portfolio's large trees, and the
/// most that the histograms of a tree take.
const HISTOGRAM_BYTES_PER_BIN: f64 = 8.0 * 96.0;
const HISTOGRAM_BYTES_MAX: f64 = 134_217_728.0;

/// Bytes that each thread keeps for itself: buffers, and memory that it gave back to its own heap.
const BYTES_PER_THREAD: f64 = 1_048_576.0;

/// Bytes of the program itself that come into memory as it goes on: its code, and heap in small
/// pieces that it cannot give back. Only a limit of a few dozen megabytes notices.
const PROGRAM_BYTES: f64 = 6_291_456.0;
const PROGRAM_SHARE_MAX: f64 = 0.2;

/// The part of the free memory that is planned with.
const MEMORY_SHARE: f64 = 0.9;

/// The part of the time left that encoding may take; the rest is for learning.
const TIME_SHARE: f64 = 0.3;

/// With fewer rows than this a fit makes no sense.
const N_ROWS_MIN: u64 = 200;

/// With fewer rows than this time is never the reason for a sample.
const N_ROWS_TIME_MIN: u64 = 20_000;

/// Why rows are left out, where it is not for time.
pub(crate) const BY_MEMORY: &str = "the memory limit";

/// Looking at a whole table (profile, leaks, parting) takes about this many times the reading.
const LOOKS_PER_READ: f64 = 2.0;

/// The part of the time left that looking may take.
const LOOK_SHARE: f64 = 0.4;

/// The rows of a table to work with at all, when it is so large that looking at every row would
/// use up the time: judged by the time that reading took. `None` is all of them.
pub(crate) fn rows_to_look_at(ctx: &Context, n_rows: usize) -> Option<usize> {
    let rows = ctx.decide("rows-to-look-at", || match ctx.remaining() {
        Some(left) => {
            let look_s = ctx.elapsed().as_secs_f64() * LOOKS_PER_READ;
            let share = left.as_secs_f64() * LOOK_SHARE / look_s.max(1e-9);
            ((n_rows as f64 * share.min(1.0)) as u64).max(N_ROWS_TIME_MIN)
        }
        None => u64::MAX,
    });
    (rows < n_rows as u64).then_some(rows as usize)
}

/// What one training row needs, and what all of them need together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowCost {
    bytes: f64,
    /// Bytes that do not depend on the number of rows.
    fixed_bytes: f64,
    /// Processor nanoseconds of encoding.
    ns: f64,
}

impl RowCost {
    /// The cost of a row of these columns, for targets of `n_outputs` numbers.
    pub(crate) fn of(
        schema: &Schema,
        columns: &[ColumnProfile],
        exclude: &[String],
        n_outputs: usize,
    ) -> Self {
        let n_bins = |c: &ColumnProfile| c.n_distinct.min(N_BINS_MAX) as f64;
        let n_bins: f64 = columns.iter().map(n_bins).sum();
        let histograms = (n_bins * HISTOGRAM_BYTES_PER_BIN).min(HISTOGRAM_BYTES_MAX);
        let known = columns.len() as f64 * BYTES_PER_COLUMN + n_bins * BYTES_PER_VALUE;
        let used =
            || schema.fields.iter().filter(|f| f.kind.is_usable() && !exclude.contains(&f.name));
        Self {
            bytes: BYTES_PER_ROW
                + used().map(|f| encoded_bytes(f.kind)).sum::<f64>()
                + n_outputs as f64 * BYTES_PER_OUTPUT,
            fixed_bytes: known + histograms,
            ns: used().map(|f| encode_ns(f.kind, n_outputs)).sum(),
        }
    }
}

impl RowCost {
    /// Bytes that a further encoding of so many rows may need: as much as those that are counted,
    /// and as much again while it is written.
    pub(crate) fn further_encoding(&self, n_rows: usize) -> u64 {
        (2.0 * self.bytes * n_rows as f64 + self.fixed_bytes) as u64
    }
}

/// Encoded bytes of one value: f32 and bin in the trees' and f32 in the linear encoding, times the
/// columns it becomes (levels one-hot, statistics of each fold, parts of a date, hashed words).
fn encoded_bytes(kind: Kind) -> f64 {
    match kind {
        Kind::Category | Kind::IntegerCategory => 110.0,
        Kind::Datetime => 100.0,
        Kind::Text => 400.0,
        _ => 16.0,
    }
}

/// Processor nanoseconds to encode one value for all learners and folds, measured on tables of
/// 10⁵–10⁷ rows.
fn encode_ns(kind: Kind, n_outputs: usize) -> f64 {
    match kind {
        Kind::Category | Kind::IntegerCategory => 600.0 + 200.0 * n_outputs.min(10) as f64,
        Kind::Datetime => 800.0,
        Kind::Text => 20_000.0,
        _ => 240.0,
    }
}

/// The most rows that fit under the memory cap.
pub(crate) fn rows_by_memory(ctx: &Context, cost: RowCost) -> u64 {
    ctx.decide("rows-by-memory", || match ctx.memory_left_bytes() {
        Some(left) => {
            let program = PROGRAM_BYTES.min(left as f64 * PROGRAM_SHARE_MAX);
            let fixed = cost.fixed_bytes + ctx.threads() as f64 * BYTES_PER_THREAD + program;
            ((left as f64 * MEMORY_SHARE - fixed).max(0.0) / cost.bytes) as u64
        }
        None => u64::MAX,
    })
}

/// The most training rows that fit under the memory cap and into the time, with the reason;
/// `None` when all of them do.
///
/// # Errors
/// Work error when not even a few rows fit.
pub(crate) fn rows_that_fit(
    ctx: &Context,
    n_rows: usize,
    cost: RowCost,
) -> Result<Option<(usize, &'static str)>> {
    let by_memory = rows_by_memory(ctx, cost);
    let by_time = ctx.decide("rows-by-time", || match ctx.remaining() {
        Some(left) => {
            let ns = left.as_secs_f64() * 1e9 * TIME_SHARE * ctx.threads().min(4) as f64;
            ((ns / cost.ns.max(1.0)) as u64).max(N_ROWS_TIME_MIN)
        }
        None => u64::MAX,
    });
    if by_memory < N_ROWS_MIN.min(n_rows as u64) {
        return Err(Error::work("the memory limit is too small for this table")
            .at("--memory")
            .expected(format!(
                "room for at least {N_ROWS_MIN} rows of {:.0} bytes, beside {:.0} MB for columns",
                cost.bytes,
                cost.fixed_bytes / 1e6
            ))
            .got(format!("room for {by_memory} rows"))
            .hint("raise --memory, or leave out columns with --exclude"));
    }
    let (fit, reason) =
        if by_memory < by_time { (by_memory, BY_MEMORY) } else { (by_time, "the time limit") };
    Ok((fit < n_rows as u64).then_some((fit as usize, reason)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use modelwright_core::context::Settings;
    use modelwright_core::data::{Field, Storage};

    use super::*;

    fn cost() -> RowCost {
        let field = |i| Field::new(format!("c{i}"), Storage::Number, Kind::Number);
        RowCost::of(&Schema { fields: (0..10).map(field).collect() }, &[], &[], 1)
    }

    fn capped(limit: u64) -> Context {
        let limit = Some(limit);
        Context::new(Settings { memory_limit_bytes: limit, threads: 1, ..Settings::default() })
            .unwrap()
    }

    #[test]
    fn a_cap_lowers_the_rows_and_a_tiny_one_is_refused() {
        assert_eq!(rows_that_fit(&capped(1 << 40), 1000, cost()).unwrap(), None);
        let (n_rows, reason) = rows_that_fit(&capped(3 << 20), 1_000_000, cost()).unwrap().unwrap();
        assert!((1000..10_000).contains(&n_rows), "{n_rows}");
        assert_eq!(reason, "the memory limit");
        assert!(rows_that_fit(&capped(1000), 1_000_000, cost()).is_err());
    }

    #[test]
    fn little_time_means_fewer_rows_but_never_few() {
        let short = |seconds| {
            let limit = Some(Duration::from_secs(seconds));
            Context::new(Settings { time_limit: limit, threads: 2, ..Settings::default() }).unwrap()
        };
        let (n_rows, reason) = rows_that_fit(&short(5), 50_000_000, cost()).unwrap().unwrap();
        assert_eq!(reason, "the time limit");
        assert!(n_rows < 5_000_000, "{n_rows}");
        assert_eq!(rows_that_fit(&short(1), 20_000, cost()).unwrap(), None);
    }
}
