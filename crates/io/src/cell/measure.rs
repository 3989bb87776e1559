//! Times of day, durations and numbers with a unit: quantities that are written like words.
//!
//! A column is read so only when *every* value that is not missing is of one and the same form, and
//! when there are enough different ones for a quantity:
//!
//! | form | examples | read as |
//! |---|---|---|
//! | hours and minutes | `7:05`, `23:59` | minutes |
//! | with seconds | `7:05:30`, `23:59:59.5` | seconds |
//! | durations | `1h 20m`, `2 days 3 h`, `45 min`, `PT1H20M` | seconds |
//! | a number and one unit | `5 kg`, `12.5cm`, `1,5 km/h` | the number |
//!
//! `4:3` (a ratio) is none of these: minutes have two digits. `5 kg` among `500 g` is none either:
//! which of two units counts is no matter of spelling. A schema keeps the form where it keeps the
//! currency of amounts, so that serving reads what training read and refuses another unit.

use modelwright_core::data::{NumberFormat, Strings};

use super::currency::CURRENCIES;
use super::decide::Decimals;
use super::number::{Seen, Style};
use super::{missing, trim};

/// Fewer different values than this may as well be levels.
const DISTINCT_MIN: usize = 5;

/// The most characters of a unit.
const UNIT_MAX: usize = 12;

/// How forms that are no unit are called in a schema.
const MINUTES: &str = "hh:mm";
const SECONDS: &str = "hh:mm:ss";
const DURATION: &str = "1h 20m";

/// Units of time, largest first, with their seconds.
const UNITS: [(&[&str], f64); 6] = [
    (&["w", "wk", "wks", "week", "weeks"], 604_800.0),
    (&["d", "day", "days"], 86_400.0),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600.0),
    (&["m", "min", "mins", "minute", "minutes"], 60.0),
    (&["s", "sec", "secs", "second", "seconds"], 1.0),
    (&["ms", "msec", "millisecond", "milliseconds"], 0.001),
];

/// How the quantities of a column are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Measure {
    /// `hh:mm`, in minutes.
    Minutes,
    /// `hh:mm:ss`, in seconds.
    Seconds,
    /// Numbers with units of time, in seconds.
    Duration,
    /// A number before this unit.
    Unit(String),
}

impl Measure {
    /// The form that a schema names so.
    pub(crate) fn of_name(name: &str) -> Self {
        match name {
            MINUTES => Self::Minutes,
            SECONDS => Self::Seconds,
            DURATION => Self::Duration,
            unit => Self::Unit(unit.to_owned()),
        }
    }

    /// Its name in a schema.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Minutes => MINUTES,
            Self::Seconds => SECONDS,
            Self::Duration => DURATION,
            Self::Unit(unit) => unit,
        }
    }

    /// The quantity in a trimmed cell; `None` when it is of another form.
    pub(crate) fn parse(&self, trimmed: &str, style: Style) -> Option<f64> {
        match self {
            Self::Minutes => clock(trimmed, 2),
            Self::Seconds => clock(trimmed, 3),
            Self::Duration => duration(trimmed).map(|(seconds, _)| seconds),
            Self::Unit(unit) => {
                let (number, own) = with_unit(trimmed)?;
                (own == unit).then(|| bare(number, style, &mut Seen::default())).flatten()
            }
        }
    }

    /// What the values of a column must look like, in words.
    pub(crate) fn expectation(&self, number: &str) -> String {
        match self {
            Self::Minutes => "a time such as 12:30, as in training".to_owned(),
            Self::Seconds => "a time such as 12:30:00, as in training".to_owned(),
            Self::Duration => "a duration such as 1h 20m, as in training".to_owned(),
            Self::Unit(unit) => format!("a number such as {number} {unit}, as in training"),
        }
    }

    /// What a reader says of a column that it read so.
    pub(crate) fn note(&self, column: &str) -> String {
        match self {
            Self::Minutes => format!("`{column}` holds times such as 12:30: read as minutes"),
            Self::Seconds => format!("`{column}` holds times such as 12:30:00: read as seconds"),
            Self::Duration => format!("`{column}` holds durations such as 1h 20m: read as seconds"),
            Self::Unit(unit) => {
                format!("`{column}` holds numbers in {unit}: read without the unit")
            }
        }
    }
}

/// The form that all values of a column have, with the style of its numbers and what was seen in
/// them; `None` where they have none in common, or are too few.
pub(crate) fn detect(dictionary: &Strings, decimals: Decimals) -> Option<(Style, Seen)> {
    let values = || dictionary.iter().map(trim).filter(|text| !missing::is_missing(text));
    let first = values().next()?;
    // Most columns of words are through here.
    if !first.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let measure = form_of(first, values)?;
    let fits = |style: &Style| {
        let mut seen = Seen::default();
        let all = values().all(|text| match &measure {
            Measure::Unit(_) => {
                with_unit(text).and_then(|(number, _)| bare(number, *style, &mut seen)).is_some()
            }
            other => other.parse(text, *style).is_some(),
        });
        all.then_some((*style, seen))
    };
    let mut styles = decimals.styles().iter().filter(|style| **style != Style::Plain);
    let (style, seen) = styles.find_map(fits)?;
    let mut distinct: Vec<u64> =
        values().filter_map(|text| measure.parse(text, style)).map(f64::to_bits).collect();
    distinct.sort_unstable();
    distinct.dedup();
    (distinct.len() >= DISTINCT_MIN).then(|| (style, seen.with_measure(measure)))
}

/// The form of the first value, if the others are of it as far as units and colons go.
fn form_of<'a, I: Iterator<Item = &'a str>>(
    first: &str,
    values: impl Fn() -> I,
) -> Option<Measure> {
    for (measure, n_parts) in [(Measure::Minutes, 2), (Measure::Seconds, 3)] {
        if clock(first, n_parts).is_some() {
            return values().all(|text| clock(text, n_parts).is_some()).then_some(measure);
        }
    }
    if let Some((_, unit)) = with_unit(first) {
        let is_same = |text: &str| with_unit(text).is_some_and(|(_, own)| own == unit);
        if values().all(is_same) {
            return Some(Measure::Unit(unit.to_owned()));
        }
    }
    // `5 m` alone are metres; minutes stand beside another unit of time.
    duration(first)?;
    values().all(|text| duration(text).is_some()).then_some(Measure::Duration)
}

/// `h:mm` or `h:mm:ss` in its smallest unit; hours may be many, minutes, seconds have two digits.
fn clock(text: &str, n_parts: usize) -> Option<f64> {
    let mut parts = text.split(':');
    let hours = parts.next()?;
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(hours) || hours.len() > 3 {
        return None;
    }
    let mut value: f64 = hours.parse().ok()?;
    let mut n = 1;
    for part in parts {
        n += 1;
        let (whole, fraction) = part.split_once('.').unwrap_or((part, "0"));
        let is_last_of_three = n == 3;
        let is_sound = whole.len() == 2
            && is_digits(whole)
            && is_digits(fraction)
            && (is_last_of_three || !part.contains('.'));
        let sixtieth: f64 = if is_sound { part.parse().ok()? } else { return None };
        if sixtieth >= 60.0 {
            return None;
        }
        value = value * 60.0 + sixtieth;
    }
    (n == n_parts).then_some(value)
}

/// Seconds, and how many numbers they were written with.
fn duration(text: &str) -> Option<(f64, usize)> {
    let lower = text.to_ascii_lowercase();
    let mut rest = match lower.strip_prefix('p') {
        // ISO 8601: `P1DT2H30M`.
        Some(iso) => iso.replacen('t', "", 1),
        None => lower,
    };
    if rest.len() > 48 {
        return None;
    }
    let (mut seconds, mut n, mut last) = (0.0, 0, None);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest.get(..digits)?.parse().ok()?;
        let behind = rest[digits..].trim_start();
        let letters = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let unit = UNITS.iter().position(|(names, _)| names.contains(&&behind[..letters]))?;
        // From large to small, each once.
        if last.is_some_and(|last| unit <= last) {
            return None;
        }
        last = Some(unit);
        seconds += number * UNITS[unit].1;
        n += 1;
        let further = behind[letters..].trim_start();
        rest = further.strip_prefix(',').unwrap_or(further).trim_start().to_owned();
    }
    (n > 0).then_some((seconds, n))
}

/// The number and the unit behind it.
fn with_unit(text: &str) -> Option<(&str, &str)> {
    let at = number_end(text)?;
    let (number, unit) = (text.get(..at)?.trim_end(), text.get(at..)?.trim_start());
    let is_letter = |c: char| c.is_alphabetic() || matches!(c, '°' | 'µ' | '\'' | '"');
    let is_inner = |c: char| is_letter(c) || c.is_ascii_digit() || "²³/^·.".contains(c);
    let is_unit = unit.starts_with(is_letter)
        && unit.chars().all(is_inner)
        && unit.chars().count() <= UNIT_MAX;
    (is_unit && !number.is_empty()).then_some((number, unit))
}

/// Where the number at the beginning of a text ends.
fn number_end(text: &str) -> Option<usize> {
    let belongs = |c: char| c.is_ascii_digit() || ".,-+ '\u{a0}\u{202f}\u{2019}".contains(c);
    let end = text.find(|c: char| !belongs(c))?;
    text[..end].contains(|c: char| c.is_ascii_digit()).then_some(end)
}

/// A number without percent or currency.
fn bare(text: &str, style: Style, seen: &mut Seen) -> Option<f64> {
    let value = style.parse(text, seen)?;
    let format = seen.format(style);
    (value.is_finite() && !format.percent && format.currency.is_none()).then_some(value)
}

/// The form of the quantities of a column with this format: what is no currency is one.
pub(crate) fn measure_of(format: &NumberFormat) -> Option<Measure> {
    let name = format.currency.as_deref()?;
    (!CURRENCIES.contains(&name)).then(|| Measure::of_name(name))
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::{Column, ColumnData};

    use super::*;
    use crate::cell::decide::decide_strings;

    /// The values and the form of a column; `None` when it stays one of words.
    fn read(cells: &[&str], decimals: Decimals) -> Option<(Vec<f64>, Option<String>)> {
        let column = Column::strings("x", cells.iter().map(|c| Some(*c)));
        let ColumnData::String { codes, dictionary } = column.data else { unreachable!() };
        let decided = decide_strings(codes, dictionary, decimals);
        match decided.data {
            ColumnData::Number(values) => Some((values.into_wide(), decided.format.currency)),
            _ => None,
        }
    }

    fn open(cells: &[&str]) -> Option<(Vec<f64>, Option<String>)> {
        read(cells, Decimals::Open)
    }

    #[test]
    fn times_of_day_are_minutes_or_seconds() {
        let (values, form) = open(&["7:05", "23:59", "00:00", "NA", "12:30", "1:00"]).unwrap();
        assert_eq!(form.as_deref(), Some("hh:mm"));
        assert!(values[3].is_nan());
        assert_eq!([values[0], values[1], values[2], values[4]], [425.0, 1439.0, 0.0, 750.0]);
        let (values, form) =
            open(&["0:00:01", "1:00:00", "12:30:15.5", "23:59:59", "9:09:09"]).unwrap();
        assert_eq!((values[0], values[2], form.as_deref()), (1.0, 45_015.5, Some("hh:mm:ss")));
        for words in [
            ["4:3", "16:9", "3:2", "1:1", "5:4"],
            ["7:05", "23:59", "7:05:10", "12:30", "1:00"],
            ["7:05", "23:60", "00:00", "12:30", "1:00"],
            ["a7:05", "23:59", "00:00", "12:30", "1:00"],
            ["7:05", "7:05", "7:06", "7:07", "7:08"],
        ] {
            assert_eq!(open(&words), None, "{words:?}");
        }
    }

    #[test]
    fn durations_are_seconds() {
        let cells = ["1h 20m", "45m", "2 days 3 h", "PT1H20M", "1 hour, 5 min", "90s", "1.5h"];
        let (values, form) = open(&cells).unwrap();
        assert_eq!(values, [4800.0, 2700.0, 183_600.0, 4800.0, 3900.0, 90.0, 5400.0]);
        assert_eq!(form.as_deref(), Some("1h 20m"));
        assert_eq!(open(&["1h 20m", "45m", "20m 1h", "2h", "3h"]), None, "small before large");
        assert_eq!(open(&["1h 20m", "45m", "long", "2h", "3h"]), None);
    }

    #[test]
    fn a_number_with_one_unit_is_the_number() {
        let (values, unit) = open(&["5 kg", "12.5kg", "-3 kg", "1,250 kg", "0 kg"]).unwrap();
        assert_eq!((values, unit.as_deref()), (vec![5.0, 12.5, -3.0, 1250.0, 0.0], Some("kg")));
        let comma = read(&["1,5 km/h", "2,25 km/h", "3 km/h", "4 km/h", "5 km/h"], Decimals::Comma);
        assert_eq!(comma.unwrap().0, [1.5, 2.25, 3.0, 4.0, 5.0]);
        for unit in ["m2", "m²", "°C", "\"", "kWh"] {
            let cells: Vec<String> = (1..8).map(|i| format!("{i}{unit}")).collect();
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            assert_eq!(open(&cells).unwrap().1.as_deref(), Some(unit));
        }
        for words in [
            ["5 kg", "500 g", "7 kg", "8 kg", "9 kg"],
            ["5 kg", "6", "7 kg", "8 kg", "9 kg"],
            ["A5", "A6", "A7", "A8", "A9"],
            ["005X", "006X", "007X", "008X", "009X"],
            ["5 High St", "6 High St", "7 High St", "8 High St", "9 High St"],
            ["5kg", "5 kg", "6kg", "6 kg", "6  kg"],
        ] {
            assert_eq!(open(&words).map(|r| r.0.len()), None, "{words:?}");
        }
        // Minutes alone may be metres: the number is the same for both.
        assert_eq!(open(&["5 m", "6 m", "7 m", "8 m", "9 m"]).unwrap().1.as_deref(), Some("m"));
    }

    #[test]
    fn serving_reads_what_training_read_and_refuses_another_unit() {
        let (_, unit) = open(&["5 kg", "12.5 kg", "3 kg", "1 kg", "2 kg"]).unwrap();
        let format = modelwright_core::data::NumberFormat { currency: unit, ..Default::default() };
        let parse = |text: &str| Style::of(&format).parse(text, &mut Seen::of(&format));
        assert_eq!(parse("7.25 kg"), Some(7.25));
        // As an amount without its currency; but another unit would be another quantity.
        assert_eq!((parse("7 g"), parse("7")), (None, Some(7.0)));
        assert_eq!(Measure::of_name("hh:mm").parse("8:30", Style::Point), Some(510.0));
        assert!(Measure::of_name("kg").expectation("12.5").contains("12.5 kg"));
    }
}
