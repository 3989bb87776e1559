//! Durations and sizes as people write them: `90s`, `1.5h`, `64MiB`.

use std::time::Duration;

use crate::{Error, Result};

/// A year: a longer budget is a slip of the finger.
const TIME_MAX_S: f64 = 366.0 * 86_400.0;

/// A duration: `60s`, `5m`, `1h`, `1.5h`, `500ms`, `1h30m`, plain seconds.
///
/// # Errors
/// Input error when it is none, zero, or longer than a year.
pub fn duration(text: &str) -> Result<Duration> {
    const UNITS: [(&str, f64); 12] = [
        ("", 1.0),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
        ("sec", 1.0),
        ("m", 60.0),
        ("min", 60.0),
        ("h", 3600.0),
        ("hour", 3600.0),
        ("hours", 3600.0),
        ("d", 86_400.0),
    ];
    let bad = || {
        Error::input("not a duration").expected(
            "a number of seconds, or numbers with ms, s, m, h or d (e.g. 90, 60s, 5m30s, 1.5h)",
        )
    };
    let seconds = quantity(text, &UNITS).or_else(|| sum(text, &UNITS)).ok_or_else(bad)?;
    if seconds <= 0.0 {
        return Err(Error::input("the time must be more than zero").expected("e.g. 60s, 5m, 1h30m"));
    }
    if seconds > TIME_MAX_S {
        return Err(Error::input("the time is too long").expected("at most one year"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// A size in bytes: `10MB`, `200kB`, plain bytes.
///
/// # Errors
/// Input error when it is none, or zero.
pub fn size(text: &str) -> Result<u64> {
    let bytes = bytes(text).filter(|bytes| (1.0..=1e18).contains(bytes));
    bytes.map(|bytes| bytes as u64).ok_or_else(|| {
        Error::input("not a size")
            .expected("a number of bytes, or a number with kB, MB, KiB or MiB (e.g. 500kB, 10MB)")
    })
}

/// A number of bytes with or without a unit; `None` where it is none.
pub fn bytes(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 15] = [
        ("", 1.0),
        ("b", 1.0),
        ("k", 1024.0),
        ("m", 1_048_576.0),
        ("g", 1_073_741_824.0),
        ("t", 1_099_511_627_776.0),
        ("kib", 1024.0),
        ("mib", 1_048_576.0),
        ("gib", 1_073_741_824.0),
        ("tib", 1_099_511_627_776.0),
        ("kb", 1e3),
        ("mb", 1e6),
        ("gb", 1e9),
        ("tb", 1e12),
        ("bytes", 1.0),
    ];
    quantity(&text.to_ascii_lowercase(), &UNITS)
}

/// A number followed by one of the units, without regard to blanks between them.
fn quantity(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let text = text.trim();
    let split = text.find(char::is_alphabetic).unwrap_or(text.len());
    let (number, unit) = (text[..split].trim_end(), &text[split..]);
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    let plain = number.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
    let value: f64 = number.parse().ok().filter(|_| plain)?;
    Some(value * scale)
}

/// Several quantities in a row, from the largest unit to the smallest: `1h30m`, `5m 30s`.
fn sum(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let (mut rest, mut total, mut last) = (text.trim(), 0.0, f64::INFINITY);
    while !rest.is_empty() {
        let unit = rest.find(char::is_alphabetic)?;
        let end = rest[unit..].find(|c: char| !c.is_alphabetic()).map_or(rest.len(), |n| unit + n);
        let (_, scale) = units.iter().find(|(name, _)| *name == &rest[unit..end])?;
        if *scale >= last || rest.starts_with('-') {
            return None;
        }
        total += quantity(&rest[..end], units)?;
        (last, rest) = (*scale, rest[end..].trim_start());
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in
            [("90", 90.0), ("60s", 60.0), ("5m", 300.0), ("1.5h", 5400.0), ("8µs", 8e-6)]
        {
            assert_eq!(duration(text).unwrap().as_secs_f64(), seconds, "{text}");
        }
        for (text, seconds) in [("1h30m", 5400.0), ("5m30s", 330.0), ("1h 2m 3s", 3723.0)] {
            assert_eq!(duration(text).unwrap().as_secs_f64(), seconds, "{text}");
        }
        for text in ["", "s", "60 parsecs", "1e3", "inf", "nan", "-5s", "0", "400d", "1h30"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["30m1h", "5m5m", "1h-30m", "h30m", "1h30x"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
