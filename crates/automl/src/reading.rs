//! What the reading of a table may take of a run's memory and time, so that enough is left for
//! what follows. The reader takes these numbers and makes a sample of what is larger.

use std::time::Duration;

use modelwright_core::{Context, Error, Result};

/// The part of the free memory that reading may take when a model is to be learned. The rest is for
/// looking at the table, parting it (one column is held twice) and encoding it, which takes more
/// than the table where columns are categories; for looking for weaknesses and reasons at the end;
/// and for code that is loaded when it is first run. Rows that do not fit then are left out by
/// `capacity`.
const MEMORY_SHARE: f64 = 0.4;

/// The same when the table is only looked at.
const MEMORY_SHARE_TO_LOOK: f64 = 0.7;

/// Bytes that are found out about a column.
const BYTES_PER_COLUMN: u64 = 16_384;

/// The part of the time left that one pass over the file may take. A second one may follow for
/// columns whose later values contradict the first, and looking at the table takes about as
/// long again.
const TIME_SHARE: f64 = 0.25;

/// A sample of fewer rows is of no use to learn from.
const N_ROWS_MIN: u64 = 200;

/// What a table is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A model is learned from it, or measured on it.
    Learn,
    /// It is profiled.
    Look,
}

/// What reading may take; `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadingLimits {
    /// Bytes for the table and for everything that is needed to read it.
    pub bytes: Option<u64>,
    /// Wall time.
    pub time: Option<Duration>,
    /// The fewest rows that are of use.
    pub n_rows_min: u64,
}

impl ReadingLimits {
    /// What a reading that begins now may take of what `ctx` has left, for a table to learn from or
    /// to look at.
    pub fn of(ctx: &Context, to: Purpose) -> Self {
        let share = match to {
            Purpose::Learn => MEMORY_SHARE,
            Purpose::Look => MEMORY_SHARE_TO_LOOK,
        };
        Self {
            bytes: ctx.memory_left_bytes().map(|left| (left as f64 * share) as u64),
            time: ctx.remaining().map(|left| left.mul_f64(TIME_SHARE)),
            n_rows_min: N_ROWS_MIN,
        }
    }

    /// Refuses a table that was read when there is no memory left to look at its columns.
    ///
    /// # Errors
    /// Work error that says what would be needed. Never in a replay, which decides nothing.
    pub fn check_columns(n_columns: usize, ctx: &Context) -> Result<()> {
        let needed = n_columns as u64 * BYTES_PER_COLUMN;
        match ctx.memory_left_bytes() {
            Some(left) if left < needed && !ctx.is_replay() => {
                Err(Error::work("the memory limit is too small for so many columns")
                    .expected(format!("{} MB for {n_columns} columns", needed / 1_000_000))
                    .got(format!("{} MB left", left / 1_000_000))
                    .hint("raise --memory, or leave columns out of the file"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::context::Settings;

    use super::*;

    #[test]
    fn reading_leaves_most_of_time_and_memory() {
        let ctx = Context::new(Settings {
            time_limit: Some(Duration::from_secs(100)),
            memory_limit_bytes: Some(1000),
            memory_in_use: || 500,
            ..Settings::default()
        });
        let ctx = ctx.unwrap();
        let limits = ReadingLimits::of(&ctx, Purpose::Learn);
        assert_eq!(limits.bytes, Some(200));
        assert_eq!(ReadingLimits::of(&ctx, Purpose::Look).bytes, Some(350));
        assert!(ReadingLimits::check_columns(1, &ctx).is_err());
        assert!(ReadingLimits::check_columns(0, &ctx).is_ok());
        assert!(limits.time <= Some(Duration::from_secs(25)));
        let free = ReadingLimits::of(&Context::unlimited(0, 1), Purpose::Learn);
        assert_eq!((free.bytes, free.time), (None, None));
    }
}
