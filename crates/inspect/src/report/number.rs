//! How numbers are written: enough digits to be useful, never more than are known.

use modelwright_core::record::Interval;

/// A whole number with thousands separators: `39,074`.
pub(crate) fn count(n: usize) -> String {
    group(&n.to_string())
}

/// A count and its noun, in singular or plural: `1 row`, `39,074 rows`.
pub(crate) fn counted(n: usize, singular: &str, plural: &str) -> String {
    format!("{} {}", count(n), if n == 1 { singular } else { plural })
}

/// Rows: `39,074 rows`.
pub(crate) fn rows(n: usize) -> String {
    counted(n, "row", "rows")
}

/// Rows that took no part in learning: `9,769 untouched rows`.
pub(crate) fn untouched(n: usize) -> String {
    counted(n, "untouched row", "untouched rows")
}

/// A share as percent with one digit after the point: `12.3 %`.
///
/// A share that is small but not zero is `< 0.1 %`, and one short of everything is `> 99.9 %`.
pub(crate) fn share(share: f64) -> String {
    // A zero has no sign.
    let percent = share * 100.0 + 0.0;
    if percent > 0.0 && percent < 0.1 {
        "< 0.1 %".to_owned()
    } else if percent < 100.0 && percent > 99.9 {
        "> 99.9 %".to_owned()
    } else if percent == 0.0 || percent == 100.0 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// The share `part / whole` as percent; `–` of nothing.
pub(crate) fn part(part: usize, whole: usize) -> String {
    if whole == 0 { "–".to_owned() } else { share(part as f64 / whole as f64) }
}

/// A number with `digits` significant digits, separators, and powers of ten only at the extremes.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "–"
        } else if value > 0.0 {
            "∞"
        } else {
            "−∞"
        }
        .to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-5.0..12.0).contains(&magnitude) {
        return format!("{value:.*e}", digits.saturating_sub(1)).replace('-', "−");
    }
    let decimals = (digits as f64 - 1.0 - magnitude).max(0.0) as usize;
    trim(fixed(value, decimals))
}

/// The value; 0 where it is no more than floating-point sums of numbers as large as `scale` leave
/// of nothing.
pub(crate) fn denoised(value: f64, scale: f64) -> f64 {
    /// Of sums of a million rows or so.
    const ROUNDING: f64 = 1e-10;
    if value.abs() <= ROUNDING * scale.abs() { 0.0 } else { value }
}

/// A value that is next to nothing on a scale of shares: `0` for what rounding leaves, else
/// `< 0.0001`; `None` for others.
pub(crate) fn next_to_nothing(value: f64) -> Option<String> {
    match value {
        v if v.abs() < 1e-12 => Some("0".to_owned()),
        v if v > 0.0 && v < 1e-4 => Some("< 0.0001".to_owned()),
        v if v < 0.0 && v > -1e-4 => Some("> −0.0001".to_owned()),
        _ => None,
    }
}

/// The same of both ends of an interval.
pub(crate) fn denoised_interval(ci95: Interval, scale: f64) -> Interval {
    Interval { low: denoised(ci95.low, scale), high: denoised(ci95.high, scale) }
}

/// A number with a fixed number of digits after the point and separators before it.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return significant(value, 4);
    }
    let text = format!("{:.*}", decimals, value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let negative = value < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    let sign = if negative { "−" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", group(whole))
}

/// How many digits after the point an estimate deserves: two significant ones of its half-width.
pub(crate) fn decimals(value: f64, ci95: Option<Interval>) -> usize {
    let half = ci95.map_or(0.0, |c| (c.high - c.low).abs() / 2.0);
    let resolution = if half > 0.0 && half.is_finite() { half } else { value.abs() / 100.0 };
    if resolution > 0.0 && resolution.is_finite() {
        (1.0 - resolution.log10().floor()).clamp(0.0, 8.0) as usize
    } else {
        0
    }
}

/// An estimate without its interval, with as many digits as the interval allows.
pub(crate) fn estimate(value: f64, ci95: Option<Interval>) -> String {
    let tiny = value != 0.0 && value.abs() < 1e-6 && ci95.is_none();
    if value.abs() >= 1e12 || tiny {
        return significant(value, 4);
    }
    fixed(value, decimals(value, ci95))
}

/// An interval, with the digits of its estimate: `0.9231 to 0.9316`.
pub(crate) fn interval(ci95: Interval) -> String {
    let middle = f64::midpoint(ci95.low, ci95.high);
    if middle.abs() >= 1e12 || (middle != 0.0 && middle.abs() < 1e-6) {
        return format!("{} to {}", significant(ci95.low, 4), significant(ci95.high, 4));
    }
    let decimals = decimals(middle, Some(ci95));
    format!("{} to {}", fixed(ci95.low, decimals), fixed(ci95.high, decimals))
}

/// A duration in words: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 4 min`.
pub(crate) fn seconds(s: f64) -> String {
    if !s.is_finite() || s < 0.0 {
        return "–".to_owned();
    }
    if s < 0.001 {
        return "< 1 ms".to_owned();
    }
    if s < 1.0 {
        return format!("{:.0} ms", s * 1000.0);
    }
    if s < 9.95 {
        return format!("{s:.1} s");
    }
    let whole = s.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", group(&(whole / 3600).to_string()), whole % 3600 / 60),
    }
}

/// Bytes in binary units: `512 B`, `12.3 MiB`.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", significant(value, 3), UNITS[unit])
}

/// A tick of an axis whose step is 1, 2 or 5 times a power of ten: short, with thousands and
/// millions abbreviated.
pub(crate) fn tick(value: f64, step: f64) -> String {
    let largest = value.abs().max(step);
    let (scale, suffix) = match largest {
        x if x >= 1e12 || (x > 0.0 && x < 1e-4) => {
            return if value == 0.0 { "0".to_owned() } else { significant(value, 2) };
        }
        x if x >= 1e9 => (1e9, "G"),
        x if x >= 1e6 => (1e6, "M"),
        x if x >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let decimals = (-(step / scale).log10() - 1e-9).ceil().clamp(0.0, 6.0) as usize;
    let text = fixed(value / scale, decimals);
    if value == 0.0 { text } else { text + suffix }
}

fn group(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Drops zeros at the end of the digits after the point.
fn trim(text: String) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators_and_nouns_agree() {
        assert_eq!(count(39_074), "39,074");
        assert_eq!(count(999), "999");
        assert_eq!(rows(1), "1 row");
        assert_eq!(rows(1_234_567), "1,234,567 rows");
    }

    #[test]
    fn shares_never_round_to_nothing_or_everything() {
        assert_eq!(share(0.0), "0 %");
        assert_eq!(share(0.000_01), "< 0.1 %");
        assert_eq!(share(0.123), "12.3 %");
        assert_eq!(share(0.6), "60.0 %");
        assert_eq!(share(0.999_99), "> 99.9 %");
        assert_eq!(share(1.0), "100 %");
        assert_eq!(part(1, 0), "–");
    }

    #[test]
    fn an_estimate_has_the_digits_that_its_interval_allows() {
        let ci = |low, high| Some(Interval { low, high });
        assert_eq!(estimate(0.927_412_3, ci(0.9231, 0.9316)), "0.9274");
        assert_eq!(estimate(46_812.34, ci(46_050.0, 47_550.0)), "46,812");
        assert_eq!(estimate(-1.4e-7, ci(0.65, 0.71)), "0.000");
        assert_eq!(estimate(0.5, None), "0.5000");
        assert_eq!(estimate(0.0, None), "0");
        assert_eq!(interval(Interval { low: 0.923_11, high: 0.931_64 }), "0.9231 to 0.9316");
        assert_eq!(interval(Interval { low: -1.0, high: 1.0 }), "−1.0 to 1.0");
    }

    #[test]
    fn significant_digits_hold_at_every_magnitude() {
        assert_eq!(significant(1234.567, 3), "1,235");
        assert_eq!(significant(0.001_234_5, 3), "0.00123");
        assert_eq!(significant(-2.50, 3), "−2.5");
        assert_eq!(significant(1e15, 3), "1.00e15");
        assert_eq!(significant(1e-9, 3), "1.00e−9");
        assert_eq!(significant(f64::NAN, 3), "–");
        assert_eq!(fixed(-0.000_1, 2), "0.00");
    }

    #[test]
    fn what_rounding_leaves_of_nothing_is_nothing() {
        assert_eq!(denoised(-6e-15, 0.8), 0.0);
        assert_eq!(denoised(-6e-15, 1e-14), -6e-15);
        assert_eq!(denoised(0.0, 0.0), 0.0);
        let ends = denoised_interval(Interval { low: -3e-17, high: 0.2 }, 0.2);
        assert_eq!((ends.low, ends.high), (0.0, 0.2));
    }

    #[test]
    fn times_and_sizes_are_in_the_unit_a_person_would_choose() {
        assert_eq!(seconds(0.0421), "42 ms");
        assert_eq!(seconds(4.23), "4.2 s");
        assert_eq!(seconds(59.6), "1 min 0 s");
        assert_eq!(seconds(7260.0), "2 h 1 min");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(12_897_485), "12.3 MiB");
    }

    #[test]
    fn ticks_are_short_and_exact() {
        assert_eq!(tick(0.25, 0.05), "0.25");
        assert_eq!(tick(20_000.0, 5_000.0), "20k");
        assert_eq!(tick(2_500_000.0, 500_000.0), "2.5M");
        assert_eq!(tick(0.0, 5_000.0), "0");
    }
}
