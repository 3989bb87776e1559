//! What the reading of a table may take of a run's memory and time, so that enough is left for
//! what follows. The reader takes these numbers and makes a sample of what is larger.

use std::time::Duration;

use modelwright_core::Context;

/// The part of the free memory that reading may take. The rest is for looking at the table,
/// parting it (one column is held twice) and encoding it, which takes more than the table where
/// columns are categories; rows that do not fit then are left out by `capacity`.
const MEMORY_SHARE: f64 = 0.4;

/// The part of the time left that one pass over the file may take. A second one may follow for
/// columns whose later values contradict the first, and looking at the table takes about as
/// long again.
const TIME_SHARE: f64 = 0.25;

/// A sample of fewer rows is of no use to learn from.
const N_ROWS_MIN: u64 = 200;

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
    /// What a reading that begins now may take of what `ctx` has left.
    pub fn of(ctx: &Context) -> Self {
        Self {
            bytes: ctx.memory_left_bytes().map(|left| (left as f64 * MEMORY_SHARE) as u64),
            time: ctx.remaining().map(|left| left.mul_f64(TIME_SHARE)),
            n_rows_min: N_ROWS_MIN,
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
        let limits = ReadingLimits::of(&ctx.unwrap());
        assert_eq!(limits.bytes, Some(200));
        assert!(limits.time <= Some(Duration::from_secs(25)));
        let free = ReadingLimits::of(&Context::unlimited(0, 1));
        assert_eq!((free.bytes, free.time), (None, None));
    }
}
