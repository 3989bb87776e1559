//! Numbers as files write them: plain ones fast, decorated ones right.
//!
//! * *plain*: `-12`, `0.5`, `.5`, `1e-3`, `inf`. Codes are not numbers: leading zeros (`00123`)
//!   and whole numbers beyond 2⁵³ (which f64 cannot tell apart) are refused, so that such a
//!   column is looked at as a whole: see [`super::decide`]. A column that is known to hold numbers
//!   takes them, rounded.
//! * *decorated*: thousands separators (`1,234.5`, `1.234,5`, `1 234`, `1'234`, `12,34,567`),
//!   percent signs, currency signs and codes before or after, accounting brackets, a minus behind
//!   an amount (`1.234,56-`, as SAP writes it).
//!
//! The fast path is Clinger's: up to 15 digits and a power of ten up to 22 are both exact in
//! f64, so one division rounds correctly ("How to read floating point numbers accurately",
//! PLDI 1990). All else goes to `fast_float2` (Lemire, "Number parsing at a gigabyte per
//! second", 2021).

use modelwright_core::data::NumberFormat;

use super::currency::CURRENCIES;
use super::measure::{self, Measure};

/// The largest whole number that f64 tells apart from its neighbours.
const WHOLE_MAX: u64 = 1 << 53;

/// Powers of ten that are exact in f64.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// How a column of numbers is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Nothing but sign, digits, point and exponent.
    Plain,
    /// Decorated, with a decimal point.
    Point,
    /// Decorated, with a decimal comma.
    Comma,
}

impl Style {
    /// The style in which a column with this format was read.
    pub(crate) fn of(format: &NumberFormat) -> Self {
        if format.decimal_comma {
            Self::Comma
        } else if format.thousands || format.percent || format.currency.is_some() {
            Self::Point
        } else {
            Self::Plain
        }
    }

    /// The number in a trimmed cell that is not missing, or `None` when it is none of this style
    /// or does not go with the decorations in `seen` (two currencies, percent in some rows only).
    /// NaN for a word that `seen` knows to be no value.
    #[inline]
    pub(crate) fn parse(self, trimmed: &str, seen: &mut Seen) -> Option<f64> {
        if let Some(measure) = &seen.measure {
            return measure.parse(trimmed, self).or_else(|| seen.parse_unusual(trimmed));
        }
        let number = match self {
            Self::Plain => parse_plain(trimmed.as_bytes()),
            _ => parse_decorated(trimmed, self == Self::Comma)
                .filter(|decorated| seen.add(decorated))
                .map(|decorated| decorated.value),
        };
        number.or_else(|| seen.parse_unusual(trimmed))
    }
}

/// Whether two words beside numbers are the same slip: letters in any case, digits of any number
/// (`> 80` today is `> 85` tomorrow).
fn is_same_slip(word: &str, other: &str) -> bool {
    word == other || shape(word).eq(shape(other))
}

/// Small letters, and `0` for every run of digits.
fn shape(word: &str) -> impl Iterator<Item = char> {
    let mut is_in_digits = false;
    word.chars().flat_map(char::to_lowercase).filter_map(move |c| {
        let was_in_digits = std::mem::replace(&mut is_in_digits, c.is_ascii_digit());
        match (c.is_ascii_digit(), was_in_digits) {
            (true, true) => None,
            (true, false) => Some('0'),
            (false, _) => Some(c),
        }
    })
}

/// The decorations seen in a column so far; merged over chunks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "what was seen, each for itself")]
pub(crate) struct Seen {
    with_percent: bool,
    without_percent: bool,
    thousands: bool,
    /// A decimal sign stood in a decorated number.
    fraction: bool,
    currency: Option<&'static str>,
    /// The form of quantities that are no bare numbers.
    measure: Option<Measure>,
    missing_words: Vec<String>,
    /// Some number is like `1,234`, whose sign may be of decimals or of thousands …
    open: bool,
    /// … and another one says which.
    settled: bool,
    /// Whole numbers beyond 2⁵³ are rounded.
    rounds: bool,
}

impl Seen {
    /// As [`Self::default`], for a column whose large whole numbers are to be rounded.
    pub(crate) fn rounding() -> Self {
        Self { rounds: true, ..Self::default() }
    }

    /// Whether every number that has a separator could be read in the other style as well.
    pub(crate) fn is_open(&self) -> bool {
        self.open && !self.settled
    }

    /// What is no number at first sight: one that is too large, or a word that is no value.
    #[cold]
    fn parse_unusual(&self, trimmed: &str) -> Option<f64> {
        let rounded = if self.rounds { parse_whole(trimmed.as_bytes()) } else { None };
        rounded.or_else(|| self.knows_as_missing(trimmed).then_some(f64::NAN))
    }

    /// As [`Self::default`], with words that are taken as missing.
    pub(crate) fn with_missing_words(missing_words: Vec<String>) -> Self {
        Self { missing_words, ..Self::default() }
    }

    /// With the form that all quantities of the column have.
    pub(crate) fn with_measure(self, measure: Measure) -> Self {
        Self { measure: Some(measure), ..self }
    }

    fn knows_as_missing(&self, trimmed: &str) -> bool {
        self.missing_words.iter().any(|word| is_same_slip(word, trimmed))
    }

    /// What a column of this format shows, so that a value that does not go with it is refused.
    pub(crate) fn of(format: &NumberFormat) -> Self {
        let known = |name: &String| CURRENCIES.iter().find(|c| **c == name).copied();
        Self {
            with_percent: format.percent,
            without_percent: !format.percent,
            thousands: format.thousands,
            fraction: format.decimal_comma,
            currency: format.currency.as_ref().and_then(known),
            measure: measure::measure_of(format),
            missing_words: format.missing_words.clone(),
            open: false,
            settled: true,
            rounds: true,
        }
    }

    /// The format to remember for serving.
    pub(crate) fn format(&self, style: Style) -> NumberFormat {
        // Whole numbers without any sign are plain, in whatever file they stand.
        let is_decorated =
            self.fraction || self.thousands || self.with_percent || self.currency.is_some();
        NumberFormat {
            decimal_comma: style == Style::Comma && is_decorated,
            thousands: self.thousands,
            percent: self.with_percent,
            currency: match &self.measure {
                Some(measure) => Some(measure.name().to_owned()),
                None => self.currency.map(str::to_owned),
            },
            missing_words: self.missing_words.clone(),
        }
    }

    /// Adds what another part of the column showed; false when the two contradict each other.
    pub(crate) fn merge(&mut self, other: &Self) -> bool {
        self.with_percent |= other.with_percent;
        self.without_percent |= other.without_percent;
        self.thousands |= other.thousands;
        self.fraction |= other.fraction;
        self.open |= other.open;
        self.settled |= other.settled;
        let same = match (self.currency, other.currency) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        self.currency = self.currency.or(other.currency);
        if self.measure.is_none() {
            self.measure.clone_from(&other.measure);
        }
        if self.missing_words.is_empty() {
            self.missing_words.clone_from(&other.missing_words);
        }
        same && !(self.with_percent && self.without_percent)
    }

    fn add(&mut self, cell: &Decorated) -> bool {
        let Signs { thousands, fraction, open } = cell.signs;
        self.merge(&Self {
            with_percent: cell.percent,
            // Nothing is nothing in percent, too: spreadsheets write a plain `0` among `5 %`.
            without_percent: !cell.percent && cell.value != 0.0,
            thousands,
            fraction,
            currency: cell.currency,
            open,
            settled: (thousands || fraction) && !open,
            ..Self::default()
        })
    }
}

/// The value of a plain number; see the module's text for what is refused.
#[inline]
pub(crate) fn parse_plain(bytes: &[u8]) -> Option<f64> {
    let (negative, digits) = match bytes.first()? {
        b'-' => (true, &bytes[1..]),
        b'+' => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    let mut mantissa = 0_u64;
    let mut i = 0;
    while i < digits.len() && digits[i].is_ascii_digit() {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digits[i] - b'0'));
        i += 1;
    }
    let n_whole = i;
    if n_whole > 1 && digits[0] == b'0' {
        return None;
    }
    let mut n_fraction = 0;
    if i < digits.len() && digits[i] == b'.' {
        i += 1;
        while i < digits.len() && digits[i].is_ascii_digit() {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digits[i] - b'0'));
            i += 1;
        }
        n_fraction = i - n_whole - 1;
    }
    if i < digits.len() || n_whole + n_fraction == 0 {
        return parse_general(bytes, digits);
    }
    if n_whole + n_fraction <= 15 {
        let value = mantissa as f64 / POWERS[n_fraction];
        return Some(if negative { -value } else { value });
    }
    if n_fraction == 0 && (n_whole > 16 || mantissa > WHOLE_MAX) {
        return None;
    }
    fast_float2::parse(bytes).ok()
}

/// Exponents and infinities. Words other than these (and `nan`) are no numbers.
#[cold]
fn parse_general(bytes: &[u8], unsigned: &[u8]) -> Option<f64> {
    let is_number = match unsigned.first()? {
        b'0'..=b'9' => true,
        b'.' => unsigned.get(1).is_some_and(u8::is_ascii_digit),
        _ => unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity"),
    };
    if !is_number {
        return None;
    }
    let amount = bytes.strip_suffix(b"-").filter(|b| b.len() == unsigned.len() - 1);
    match amount.filter(|b| b.contains(&b'.') && b.iter().all(|c| matches!(c, b'0'..=b'9' | b'.')))
    {
        Some(amount) => parse_plain(amount).map(|value| -value),
        None => fast_float2::parse(bytes).ok(),
    }
}

/// A whole number of any size, rounded to the nearest f64; none with leading zeros, none too
/// large for one.
fn parse_whole(bytes: &[u8]) -> Option<f64> {
    let digits = bytes.strip_prefix(b"-").or_else(|| bytes.strip_prefix(b"+")).unwrap_or(bytes);
    let is_whole =
        digits.iter().all(u8::is_ascii_digit) && digits.first().is_some_and(|d| *d > b'0');
    if !is_whole {
        return None;
    }
    fast_float2::parse::<f64, _>(bytes).ok().filter(|value| value.is_finite())
}

struct Decorated {
    value: f64,
    signs: Signs,
    percent: bool,
    currency: Option<&'static str>,
}

/// The signs inside a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Signs {
    /// Some stand between thousands.
    thousands: bool,
    /// One stands before decimals.
    fraction: bool,
    /// There is one sign, before three digits: it may be either.
    open: bool,
}

fn parse_decorated(cell: &str, decimal_comma: bool) -> Option<Decorated> {
    // Only cells that begin or end like a number are worth the work.
    if !cell.bytes().any(|b| b.is_ascii_digit()) || cell.len() > 64 {
        return None;
    }
    if cell.bytes().all(|b| b.is_ascii_digit()) {
        let value = parse_plain(cell.as_bytes())?;
        return Some(Decorated { value, signs: Signs::default(), percent: false, currency: None });
    }
    let (mut rest, mut negative) = (cell, false);
    if let Some(inner) = rest.strip_prefix('(').and_then(|r| r.strip_suffix(')')) {
        (rest, negative) = (inner.trim(), true);
    }
    let mut currency = None;
    for _ in 0..2 {
        // A sign may stand before or after the currency: `-$5`, `$-5`.
        if let Some(after) = rest.strip_prefix(['-', '\u{2212}']) {
            if negative {
                return None;
            }
            (rest, negative) = (after.trim_start(), true);
        } else if let Some(after) = rest.strip_prefix('+') {
            rest = after;
        }
        if currency.is_none()
            && let Some((name, after)) = strip_currency(rest, |t, c| t.strip_prefix(c))
        {
            (currency, rest) = (Some(name), after.trim_start());
        }
    }
    let mut percent = false;
    if let Some(before) = rest.strip_suffix('%') {
        (rest, percent) = (before.trim_end(), true);
    } else if currency.is_none()
        && let Some((name, before)) = strip_currency(rest, |t, c| t.strip_suffix(c))
    {
        (currency, rest) = (Some(name), before.trim_end());
    }
    if rest.starts_with(['-', '+']) {
        return None;
    }
    let (rest, is_behind) = match rest.strip_suffix('-') {
        Some(before) if !negative => (before, true),
        _ => (rest, false),
    };
    let (value, signs) = parse_grouped(rest, decimal_comma)?;
    let is_amount = signs.thousands || signs.fraction || percent || currency.is_some();
    if is_behind && !is_amount {
        // `2-` may be a grade.
        return None;
    }
    negative |= is_behind;
    let value = if negative { -value } else { value };
    Some(Decorated { value, signs, percent, currency })
}

fn strip_currency<'a>(
    text: &'a str,
    strip: impl Fn(&'a str, &'static str) -> Option<&'a str>,
) -> Option<(&'static str, &'a str)> {
    CURRENCIES.iter().find_map(|name| strip(text, name).map(|rest| (*name, rest)))
}

/// The value of an unsigned number with optional thousands separators, and its signs.
fn parse_grouped(text: &str, decimal_comma: bool) -> Option<(f64, Signs)> {
    let (decimal, dot) = if decimal_comma { (',', '.') } else { ('.', ',') };
    let exponent = text.find(['e', 'E']).unwrap_or(text.len());
    let (mantissa, exponent) = text.split_at(exponent);
    let (whole, fraction) = match mantissa.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let separator = whole.chars().find(|c| !c.is_ascii_digit());
    let mut plain = String::with_capacity(text.len());
    match separator {
        None => plain.push_str(whole),
        Some(s) if s == dot || matches!(s, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '\u{2019}') => {
            let groups: Vec<&str> = whole.split(s).collect();
            let last = groups.len() - 1;
            // Groups of three; the Indian system has groups of two before the last.
            let right = groups.iter().enumerate().all(|(i, g)| {
                g.bytes().all(|b| b.is_ascii_digit())
                    && if i == 0 {
                        (1..=3).contains(&g.len())
                    } else if i == last {
                        g.len() == 3
                    } else {
                        g.len() == 3 || (g.len() == 2 && s == dot && !decimal_comma)
                    }
            });
            if !right {
                return None;
            }
            plain.extend(groups);
        }
        Some(_) => return None,
    }
    if let Some(fraction) = fraction {
        if !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        plain.push('.');
        plain.push_str(fraction);
    }
    plain.push_str(exponent);
    // What is grouped for the eye is a quantity, however large.
    let grouped = || separator.and_then(|_| parse_whole(plain.as_bytes()));
    let value = parse_plain(plain.as_bytes()).or_else(grouped)?;
    let (thousands, fraction) = (separator.is_some(), fraction.is_some());
    let signs = Signs { thousands, fraction, open: is_open(text) };
    value.is_finite().then_some((value, signs))
}

/// Whether an unsigned number is like `1,234` or `1.234`: read with a decimal point it is another
/// one than read with a decimal comma.
fn is_open(text: &str) -> bool {
    let Some((whole, behind)) = text.split_once([',', '.']) else { return false };
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    (1..=3).contains(&whole.len())
        && behind.len() == 3
        && !whole.starts_with('0')
        && is_digits(whole)
        && is_digits(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_known_again_in_other_letters_and_with_other_digits() {
        let seen = Seen::with_missing_words(vec!["> 80".to_owned(), "Unknown".to_owned()]);
        for same in ["> 80", "> 1285", "unknown", "UNKNOWN"] {
            assert!(seen.knows_as_missing(same), "{same}");
        }
        for other in ["< 80", ">80", "unknow", "80", "n/k"] {
            assert!(!seen.knows_as_missing(other), "{other}");
        }
    }

    #[test]
    fn plain_numbers_round_like_the_standard_library() {
        for text in [
            "0",
            "-0",
            "+7",
            "12.50",
            ".5",
            "5.",
            "1e5",
            "1E-3",
            "0.1",
            "123456789012345.6789",
            "9007199254740992",
            "3.141592653589793238",
            "1.7976931348623157e308",
            "5e-324",
            "0.25",
            "inf",
            "-Infinity",
        ] {
            let expected: f64 = text.parse().unwrap();
            let got = parse_plain(text.as_bytes()).unwrap();
            assert_eq!(got.to_bits(), expected.to_bits(), "{text}");
        }
    }

    #[test]
    fn a_minus_behind_an_amount_is_read_and_one_behind_a_grade_is_not() {
        assert_eq!(parse_plain(b"100.92-"), Some(-100.92));
        for text in ["2-", "12-", "-1.5-", "1.5e3-", ".-", "1.2.3-"] {
            assert_eq!(parse_plain(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_plain_nothing_goes_with_percentages() {
        let mut seen = Seen::default();
        let cells = ["5 %", "0", "12.5%"];
        assert!(cells.iter().all(|cell| Style::Point.parse(cell, &mut seen).is_some()));
        assert!(seen.format(Style::Point).percent);
        assert!(Style::Point.parse("0", &mut Seen::of(&seen.format(Style::Point))).is_some());
        assert!(Style::Point.parse("7", &mut seen).is_none());
    }

    #[test]
    fn codes_and_words_are_not_numbers() {
        for text in [
            "00123",
            "-07",
            "9007199254740993",
            "18446744073709551616",
            "1_000",
            "0x1f",
            "nan",
            "e5",
            ".",
            "-",
            "+",
            "1.2.3",
            "12a",
            "infinit",
            "--1",
            ".e1",
        ] {
            assert_eq!(parse_plain(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn decorated_numbers_are_read_in_both_conventions() {
        let point = |t| parse_decorated(t, false).map(|d| d.value);
        let comma = |t| parse_decorated(t, true).map(|d| d.value);
        for (text, value) in [
            ("1,234.5", 1234.5),
            ("$1,234", 1234.0),
            ("-$5.20", -5.2),
            ("$-5.20", -5.2),
            ("12 %", 12.0),
            ("12.5%", 12.5),
            ("(1,000)", -1000.0),
            ("5 USD", 5.0),
            ("1 234 567", 1_234_567.0),
            ("1'234.50", 1234.5),
            ("12,34,567", 1_234_567.0),
            ("1\u{a0}234", 1234.0),
            ("+3", 3.0),
            ("7", 7.0),
            ("£0.99", 0.99),
            ("1,000.92-", -1000.92),
            ("5.20-", -5.2),
            ("$5-", -5.0),
        ] {
            assert_eq!(point(text), Some(value), "{text}");
        }
        for (text, value) in [
            ("1.234,5", 1234.5),
            ("0,5", 0.5),
            ("-3,25 €", -3.25),
            ("1.000,92-", -1000.92),
            ("1 234,5", 1234.5),
            ("12", 12.0),
        ] {
            assert_eq!(comma(text), Some(value), "{text}");
        }
        for text in [
            "1,23", "12,3456", "1,234,56", ",5,", "5 kg", "--5", "(-5)", "$", "%", "1.234,5", "2-",
            "-5.2-",
        ] {
            assert_eq!(point(text), None, "{text}");
        }
    }

    #[test]
    fn mixed_percent_and_two_currencies_contradict() {
        let mut seen = Seen::default();
        assert!(Style::Point.parse("5%", &mut seen).is_some());
        assert!(Style::Point.parse("5", &mut seen).is_none());
        let mut seen = Seen::default();
        assert!(Style::Point.parse("$5", &mut seen).is_some());
        assert!(Style::Point.parse("5", &mut seen).is_some());
        assert!(Style::Point.parse("€5", &mut seen).is_none());
    }

    #[test]
    fn one_sign_before_three_digits_is_open_until_another_number_says_what_it_is() {
        let seen_of = |style: Style, texts: &[&str]| {
            let mut seen = Seen::default();
            assert!(texts.iter().all(|t| style.parse(t, &mut seen).is_some()), "{texts:?}");
            seen
        };
        assert!(seen_of(Style::Comma, &["1,659", "12"]).is_open());
        assert!(seen_of(Style::Point, &["1,659", "12,000 €"]).is_open());
        assert!(!seen_of(Style::Comma, &["1,659", "1,5"]).is_open());
        assert!(!seen_of(Style::Comma, &["0,659"]).is_open());
        assert!(!seen_of(Style::Point, &["1,659", "1,234,567"]).is_open());
        assert!(!seen_of(Style::Comma, &["5"]).is_open());
        assert!(!seen_of(Style::Comma, &["5"]).format(Style::Comma).decimal_comma);
        assert!(seen_of(Style::Comma, &["5,5"]).format(Style::Comma).decimal_comma);
    }

    #[test]
    fn large_whole_numbers_are_rounded_where_they_are_known_to_be_numbers() {
        let parse = |text: &str| Style::Plain.parse(text, &mut Seen::rounding());
        assert_eq!(parse("99999999999999999"), Some(1e17));
        assert_eq!(parse("-9007199254740993"), Some(-9_007_199_254_740_992.0));
        assert_eq!(parse("0099999999999999999"), None);
        assert_eq!(parse(&"9".repeat(400)), None);
        assert_eq!(parse("99999999999999999a"), None);
        let strict = &mut Seen::of(&NumberFormat::default());
        assert_eq!(Style::Plain.parse("99999999999999999", strict), Some(1e17));
        let grouped = Style::Point.parse("9,223,372,036,854,775,807", &mut Seen::default());
        assert_eq!(grouped, Some(9_223_372_036_854_775_807.0));
    }
}
