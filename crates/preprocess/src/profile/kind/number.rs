//! The kind of a column of numbers.

use modelwright_core::data::{Kind, Numbers, number_text};

use super::{IDENTIFIER_DISTINCT_SHARE, IDENTIFIER_VALUES_MIN, Subject};
use crate::profile::{name, wording};
use crate::sketch::NumberSketch;

/// Plausible Unix times: 1990-01-01 to 2050-01-01, in seconds.
const UNIX_SECONDS: (f64, f64) = (631_152_000.0, 2_524_608_000.0);
/// A run of whole numbers that is filled at least to this share is a numbering of rows.
const DENSE: f64 = 0.75;
/// From this share of distinct values on, what is named a key is one: most rows would be alone.
const KEY_DISTINCT_SHARE: f64 = 0.5;
/// Numbers that are handed out one after the other leave out few: with a smaller filled share of
/// their range, rising numbers are a table that was sorted by a measured quantity.
const HANDED_OUT: f64 = 0.1;
/// The share of rising steps from which on numbers rise with the row number.
const RISING: f64 = 0.999;

/// A number in four digits: more say nothing about a column.
fn rounded(value: f64) -> String {
    format!("{value:.3e}").parse::<f64>().map_or_else(|_| number_text(value), number_text)
}

pub(super) fn guess(subject: &Subject<'_>, values: &Numbers) -> (Kind, String) {
    let Some(numbers) = subject.sketch.numbers() else {
        return (Kind::Number, "numbers".to_owned());
    };
    let (Some(min), Some(max)) = (numbers.moments.min(), numbers.moments.max()) else {
        return (Kind::Number, "only infinite numbers".to_owned());
    };
    let whole = numbers.n_whole == numbers.moments.n() && numbers.n_infinite == 0;
    let about = if subject.distinct_is_exact { "" } else { "about " };
    let end = |v: f64| if whole { number_text(v) } else { rounded(v) };
    let facts = format!(
        "{about}{} distinct {} from {} to {} in {} rows",
        wording::count(subject.n_distinct),
        if whole { "whole numbers" } else { "numbers" },
        end(min),
        end(max),
        wording::count(subject.sketch.n_rows as usize),
    );
    if whole && subject.n_distinct == 2 && min == 0.0 && max == 1.0 {
        return (Kind::Boolean, "only 0 and 1".to_owned());
    }
    if !whole {
        return (Kind::Number, facts);
    }
    if let Some(unit) = unix_unit(numbers)
        && name::says_time(&subject.column.name)
    {
        // Milliseconds stay numbers until asked for: profiles show the numbers of an instant in
        // seconds.
        let kind = if unit == "seconds" { Kind::Datetime } else { Kind::Number };
        return (kind, format!("{facts}: Unix time in {unit}, as its name suggests"));
    }
    if let Some(reason) = identifier(subject, values, min, max) {
        return (Kind::Identifier, format!("{facts}: {reason}"));
    }
    if subject.n_distinct > 2 && is_code(subject, min) {
        return (Kind::IntegerCategory, format!("{facts}; the name calls them codes"));
    }
    (Kind::Number, facts)
}

/// The unit of Unix times, when all numbers are plausible ones.
pub(super) fn unix_unit(numbers: &NumberSketch) -> Option<&'static str> {
    let (min, max) = (numbers.moments.min()?, numbers.moments.max()?);
    let within = |scale: f64| min >= UNIX_SECONDS.0 * scale && max <= UNIX_SECONDS.1 * scale;
    let units = [(1.0, "seconds"), (1e3, "milliseconds")];
    let unit = units.into_iter().find_map(|(scale, unit)| within(scale).then_some(unit));
    unit.filter(|_| numbers.n_infinite == 0)
}

/// Whether whole numbers are names of things that repeat: the name says so, and so does the range
/// (counts such as "lines of code" begin at 0, codes do not).
fn is_code(subject: &Subject<'_>, min: f64) -> bool {
    let name = &subject.column.name;
    (name::says_code(name) && min >= 1.0) || (name::says_key(name) && min >= 0.0)
}

/// Why whole numbers only name their row, when they do.
fn identifier(subject: &Subject<'_>, values: &Numbers, min: f64, max: f64) -> Option<&'static str> {
    let share = subject.distinct_share();
    let named = name::says_key(&subject.column.name);
    if subject.n_present() < IDENTIFIER_VALUES_MIN || min < 0.0 {
        return None;
    }
    if named && share >= KEY_DISTINCT_SHARE {
        return Some("few repeats, and the name calls them keys");
    }
    if share < IDENTIFIER_DISTINCT_SHARE {
        return None;
    }
    if name::says_perhaps_key(&subject.column.name) {
        return Some("nearly all distinct, and the name calls them keys");
    }
    if name::says_time(&subject.column.name) {
        return None;
    }
    let all_distinct = subject.n_distinct == subject.n_present();
    let filled = subject.n_distinct as f64 / (max - min + 1.0);
    if all_distinct && filled >= DENSE {
        return Some("all distinct and without large gaps: a numbering of the rows");
    }
    (filled >= HANDED_OUT && rising_share(values) >= RISING)
        .then_some("nearly all distinct and rising with the row number")
}

/// The share of neighbouring rows whose value rises; missing values are passed over.
fn rising_share(values: &Numbers) -> f64 {
    let mut present = values.iter().filter(|v| !v.is_nan());
    let Some(mut before) = present.next() else { return 0.0 };
    let (mut n_rising, mut n_steps) = (0_usize, 0_usize);
    for value in present {
        n_rising += usize::from(value > before);
        n_steps += 1;
        before = value;
    }
    wording::share(n_rising, n_steps)
}
