//! The server's clock: latencies, ages of files, times in logs. No prediction depends on it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// This moment, for measuring.
#[expect(
    clippy::disallowed_methods,
    reason = "a server measures time; no prediction depends on it"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// This moment as files have it.
#[expect(clippy::disallowed_methods, reason = "compared with files; no prediction depends on it")]
pub(crate) fn system_now() -> SystemTime {
    SystemTime::now()
}

/// This moment in microseconds since 1970 UTC.
#[expect(clippy::disallowed_methods, reason = "a date for people; no prediction depends on it")]
pub(crate) fn unix_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// This moment in nanoseconds since 1970 UTC.
pub(crate) fn unix_nanos() -> u64 {
    unix_micros().unsigned_abs().saturating_mul(1000)
}

/// This moment as ISO 8601 in UTC.
pub(crate) fn utc_text() -> String {
    modelwright_core::data::instant_text(unix_micros())
}

/// Whole nanoseconds of a duration, at most what fits.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
