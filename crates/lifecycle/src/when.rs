//! Moments and spans of time as people write them: `2026-01-31T12:00:00Z`, `90s`, `7d`.
//!
//! Nothing here reads a clock: who calls says what time it is, so that everything that depends on
//! it can be tested, and repeated.

use std::time::Duration;

use modelwright_core::data::instant_text;
use modelwright_core::{Error, Result};
use serde::{Deserialize, Deserializer};

/// Seconds in a day.
const DAY_S: i64 = 86_400;

/// The units of a span, in seconds.
const UNITS: [(&str, f64); 6] =
    [("", 1.0), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0), ("w", 604_800.0)];

/// The longest span, in seconds: a hundred years.
const SPAN_MAX_S: f64 = 100.0 * 366.0 * 86_400.0;

/// A moment as ISO 8601 in UTC, with whole seconds.
pub fn moment_text(seconds: i64) -> String {
    let text = instant_text(seconds.saturating_mul(1_000_000));
    if text.contains('T') { text } else { format!("{text}T00:00:00Z") }
}

/// The seconds since 1970 of a moment as [`moment_text`] writes it; `None` for other texts.
pub fn moment_seconds(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let whole = |part: &str| {
        let is_number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i64>().ok().filter(|_| is_number)
    };
    let three = |text: &str, by: char| -> Option<[i64; 3]> {
        let mut parts = text.split(by).map(whole);
        let three = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(three)
    };
    let [year, month, day] = three(date, '-')?;
    let [hour, minute, second] = three(time.split('.').next()?, ':')?;
    let fits = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..61).contains(&second)
        && (0..=9999).contains(&year);
    let days = fits.then(|| days_since_1970(year, month, day))?;
    Some(days * DAY_S + hour * 3600 + minute * 60 + second)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, by the months since March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A length of time in a file of settings: a number of seconds, or a number with s, m, h, d or w.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl Span {
    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Whole seconds.
    pub fn as_seconds(self) -> i64 {
        i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX)
    }

    /// The span that a text names.
    ///
    /// # Errors
    /// Input error for other texts.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let end = text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len());
        let (number, unit) = (text[..end].trim(), text[end..].trim());
        let scale = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| scale);
        let seconds = number.parse::<f64>().ok().zip(scale).map(|(number, scale)| number * scale);
        match seconds.filter(|s| (0.0..=SPAN_MAX_S).contains(s)) {
            Some(seconds) => Ok(Self(Duration::from_secs_f64(seconds))),
            None => Err(Error::input("not a length of time")
                .got(text)
                .expected("a number of seconds, or a number with s, m, h, d or w, such as 30m")),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Seconds(f64),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Seconds(seconds) => seconds.to_string(),
            Written::Text(text) => text,
        };
        Self::parse(&text).map_err(|e| serde::de::Error::custom(e.to_string()))
    }
}

impl serde::Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{}s", self.0.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        for seconds in [0, 951_782_400, 1_709_210_096, 4_102_444_799, -1, 253_402_300_799] {
            assert_eq!(moment_seconds(&moment_text(seconds)), Some(seconds));
        }
        assert_eq!(moment_seconds("2024-02-29T12:34:56Z"), Some(1_709_210_096));
        for text in ["", "2024-02-29", "2024-13-01T00:00:00Z", "2024-02-29T12:34:56", "xTyZ"] {
            assert_eq!(moment_seconds(text), None, "{text}");
        }
    }

    #[test]
    fn spans_are_numbers_with_a_unit() {
        let seconds = |text| Span::parse(text).map(Span::as_seconds).ok();
        let texts = ["90", "30m", "1.5h", "7d", "2 w"];
        assert_eq!(texts.map(seconds), [90, 1800, 5400, 604_800, 1_209_600].map(Some));
        for text in ["", "d", "-3d", "3 fortnights", "1e30d", "nan"] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
    }
}
