//! What a whole column of text is: numbers, instants or strings.
//!
//! The candidates are tried in a fixed order, and the first that fits *every* value that is not
//! missing wins; when none does, the column is strings. Since the order is fixed, a guess from
//! the first rows that also fits all later rows is exactly what the whole column would decide,
//! so readers may parse by the guess at once and need to look again only where it fails.
//!
//! `1,659` is 1.659 or 1659, by country. [`Decimals`] is what the file says about it: its other
//! columns and its separator. Whole numbers beyond 2⁵³ are read, rounded, unless they look like
//! names of things ([`is_quantity`]); only a whole column tells that.

use modelwright_core::data::{
    ColumnData, MISSING_CODE, MISSING_INSTANT, NumberFormat, Numbers, Strings,
};

use super::number::{Seen, Style};
use super::{instant, measure, missing, trim};

/// How the values of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// As numbers of this style.
    Number(Style),
    /// As instants; the flag is the order of day and month, where it matters.
    Instant(Option<bool>),
    /// As they are.
    Text,
}

/// The candidates between numbers and [`Reading::Text`]. Month first is before day first, so that
/// a column in which both fit (no day above 12) is read as pandas reads it.
const INSTANTS: [Reading; 3] =
    [Reading::Instant(None), Reading::Instant(Some(false)), Reading::Instant(Some(true))];

/// What is known about the decimal sign of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Decimals {
    /// Nothing: a point is more usual.
    #[default]
    Open,
    /// A point, says the user.
    Point,
    /// Probably a comma, since fields are not separated by commas but by semicolons.
    LikelyComma,
    /// A comma, say the user or other columns.
    Comma,
}

impl Decimals {
    /// The styles of numbers, in the order in which they are tried.
    pub(super) fn styles(self) -> &'static [Style] {
        match self {
            Self::Open => &[Style::Plain, Style::Point, Style::Comma],
            Self::Point => &[Style::Plain, Style::Point],
            Self::LikelyComma => &[Style::Plain, Style::Comma, Style::Point],
            Self::Comma => &[Style::Comma, Style::Plain, Style::Point],
        }
    }

    /// What the first values of a file's columns say, beside its separator.
    pub(crate) fn of_columns<'a, C>(columns: impl Iterator<Item = C>, delimiter: Option<u8>) -> Self
    where
        C: Iterator<Item = &'a str> + Clone,
    {
        let (mut n_point, mut n_comma) = (0, 0);
        for cells in columns {
            let values = cells.map(trim).filter(|c| !missing::is_missing(c));
            let fits = |style: Style| {
                let mut seen = Seen::default();
                values.clone().all(|value| style.parse(value, &mut seen).is_some())
            };
            // Digits alone say nothing, and most columns have some other letter.
            if !values.clone().any(|v| v.contains(['.', ','])) {
                continue;
            }
            let point = fits(Style::Plain) || fits(Style::Point);
            let comma = fits(Style::Comma);
            n_point += usize::from(point && !comma);
            n_comma += usize::from(comma && !point);
        }
        match (n_point, n_comma) {
            (0, 1..) => Self::Comma,
            (1.., 0) => Self::Open,
            _ if delimiter == Some(b';') => Self::LikelyComma,
            _ => Self::Open,
        }
    }
}

/// All styles of numbers.
const STYLES: [Style; 3] = [Style::Plain, Style::Point, Style::Comma];

/// Whole numbers beyond this are too large to be told apart.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
/// A column whose large whole numbers differ by more digits than this is one of quantities.
const DIGITS_SPREAD: usize = 3;

/// A column of numbers may hold other words in up to this share of its values …
const WORDS_SHARE: f64 = 0.01;
/// … at most so many different ones …
const WORDS_MAX: usize = 10;
/// … and has at least so many different numbers: of fewer, the words may be a level like them.
const NUMBERS_MIN: usize = 20;

/// The reading of a column with these cells; `None` when all are missing.
pub(crate) fn decide<'a>(
    cells: impl Iterator<Item = &'a str> + Clone,
    decimals: Decimals,
) -> Option<Reading> {
    let mut values = cells.map(trim).filter(|c| !missing::is_missing(c)).peekable();
    values.peek()?;
    let fits = |reading: &Reading| {
        let mut seen = Seen::default();
        values.clone().all(|value| match reading {
            Reading::Number(style) => style.parse(value, &mut seen).is_some(),
            Reading::Instant(order) => instant::parse(value, *order).is_some(),
            Reading::Text => true,
        })
    };
    let numbers = decimals.styles().iter().copied().map(Reading::Number);
    Some(numbers.chain(INSTANTS).find(fits).unwrap_or(Reading::Text))
}

/// A decided column with what serving must know about its text.
pub(crate) struct Decided {
    pub data: ColumnData,
    pub format: NumberFormat,
    pub day_first: Option<bool>,
    /// Whether month-first and day-first both fitted, so that the order was taken by custom.
    pub order_is_open: bool,
    /// Whether a comma and a point both could be the decimal sign of all numbers that have one.
    pub sign_is_open: bool,
    /// Whether whole numbers were too large to be exact.
    pub is_rounded: bool,
}

impl Decided {
    /// Values that need no remark.
    pub(crate) fn plain(data: ColumnData) -> Self {
        Self {
            data,
            format: NumberFormat::default(),
            day_first: None,
            order_is_open: false,
            sign_is_open: false,
            is_rounded: false,
        }
    }

    /// Numbers of a style, in which this was seen.
    pub(crate) fn numbers(values: Vec<f64>, style: Style, seen: &Seen) -> Self {
        Self {
            format: seen.format(style),
            sign_is_open: seen.is_open(),
            ..Self::plain(ColumnData::Number(values.into()))
        }
    }
}

/// Decides a column that was read as strings, and converts it by its dictionary.
///
/// A column without any value becomes numbers, all missing.
pub(crate) fn decide_strings(codes: Vec<u32>, dictionary: Strings, decimals: Decimals) -> Decided {
    match decide(dictionary.iter(), decimals) {
        None => Decided::plain(ColumnData::Number(Numbers::missing(codes.len()))),
        Some(Reading::Text) if is_quantity(&codes, &dictionary) => Decided {
            is_rounded: true,
            ..numbers(&codes, &dictionary, Style::Plain, Seen::rounding())
        },
        Some(Reading::Text) => match numbers_but_for_words(&codes, &dictionary, decimals) {
            Some((style, seen)) => numbers(&codes, &dictionary, style, seen),
            None => match measure::detect(&dictionary, decimals) {
                Some((style, seen)) => numbers(&codes, &dictionary, style, seen),
                None => Decided::plain(ColumnData::String { codes, dictionary }),
            },
        },
        Some(Reading::Number(style)) => numbers(&codes, &dictionary, style, Seen::default()),
        Some(Reading::Instant(order)) => {
            let read = |v| instant::parse(trim(v), order).unwrap_or(MISSING_INSTANT);
            let values: Vec<i64> = dictionary.iter().map(read).collect();
            let value =
                |c: &u32| if *c == MISSING_CODE { MISSING_INSTANT } else { values[*c as usize] };
            let data = ColumnData::Instant(codes.iter().map(value).collect());
            let order_is_open = order == Some(false)
                && dictionary
                    .iter()
                    .map(trim)
                    .all(|v| missing::is_missing(v) || instant::parse(v, Some(true)).is_some());
            Decided { day_first: order, order_is_open, ..Decided::plain(data) }
        }
    }
}

/// Numbers by the dictionary of a column of strings.
fn numbers(codes: &[u32], dictionary: &Strings, style: Style, mut seen: Seen) -> Decided {
    let values: Vec<f64> =
        dictionary.iter().map(|v| style.parse(trim(v), &mut seen).unwrap_or(f64::NAN)).collect();
    let value = |c: &u32| if *c == MISSING_CODE { f64::NAN } else { values[*c as usize] };
    Decided::numbers(codes.iter().map(value).collect(), style, &seen)
}

/// Whether all values are numbers, some of them whole and too large to be exact, and they do not
/// look like names of things (keys, hashes, card numbers), which must keep their digits.
///
/// Names are nearly all large, of about one length and end in any digits. So quantities are taken
/// from: a column most of whose rows are exact numbers (bytes, a sentinel like
/// 99999999999999999), one whose lengths differ widely, and one of rounded amounts. A few values
/// show none of this and keep their digits.
fn is_quantity(codes: &[u32], dictionary: &Strings) -> bool {
    if dictionary.len() < NUMBERS_MIN {
        return false;
    }
    let mut seen = Seen::rounding();
    let (mut is_large, mut are_round) = (vec![false; dictionary.len()], true);
    let (mut least, mut most) = (usize::MAX, 0);
    for (text, is_large) in dictionary.iter().zip(&mut is_large) {
        let text = trim(text);
        if missing::is_missing(text) {
            continue;
        }
        let Some(value) = Style::Plain.parse(text, &mut seen) else { return false };
        let digits = text.trim_start_matches(['-', '+']).len();
        (least, most) = (least.min(digits), most.max(digits));
        *is_large = value.abs() >= WHOLE_MAX;
        are_round &= !*is_large || text.ends_with("00");
    }
    let present = codes.iter().filter(|code| **code != MISSING_CODE);
    let n_large = present.clone().filter(|code| is_large[**code as usize]).count();
    2 * n_large < present.count() || most - least.min(most) > DIGITS_SPREAD || are_round
}

/// How to read a column that is numbers but for a few stray words (`unknown`, `#REF!`, `> 80`),
/// with these words as missing: one slip of a typist is no reason to lose a column.
///
/// What another style reads as a number (`1,234`, `5 %`) and words of digits alone (`00123`) are no
/// slips: the column stays one of strings.
fn numbers_but_for_words(
    codes: &[u32],
    dictionary: &Strings,
    decimals: Decimals,
) -> Option<(Style, Seen)> {
    let mut n_rows = vec![0_usize; dictionary.len()];
    for code in codes.iter().filter(|code| **code != MISSING_CODE) {
        n_rows[*code as usize] += 1;
    }
    let allowed = (n_rows.iter().sum::<usize>() as f64 * WORDS_SHARE) as usize;
    decimals.styles().iter().copied().find_map(|style| {
        let mut seen = Seen::default();
        let (mut words, mut n_numbers, mut in_words) = (Vec::new(), 0, 0);
        for (text, n) in dictionary.iter().zip(&n_rows).filter(|(_, n)| **n > 0) {
            let text = trim(text);
            if missing::is_missing(text) {
                continue;
            }
            if style.parse(text, &mut seen).is_some() {
                n_numbers += 1;
                continue;
            }
            in_words += n;
            words.push(text.to_owned());
            if in_words > allowed || words.len() > WORDS_MAX || is_number_like(text) {
                return None;
            }
        }
        (n_numbers >= NUMBERS_MIN).then(|| (style, Seen::with_missing_words(words)))
    })
}

/// Whether a word is a code of digits, or a number in some style.
fn is_number_like(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
        || STYLES.iter().any(|style| style.parse(text, &mut Seen::default()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: &[&str]) -> Option<Reading> {
        decide(cells.iter().copied(), Decimals::Open)
    }

    #[test]
    fn where_both_signs_fit_the_file_decides() {
        use Reading::Number;
        let of = |cells: &[&'static str], decimals| decide(cells.iter().copied(), decimals);
        let fuel = ["1,659", "1,789"];
        assert_eq!(of(&fuel, Decimals::Open), Some(Number(Style::Point)));
        assert_eq!(of(&fuel, Decimals::LikelyComma), Some(Number(Style::Comma)));
        assert_eq!(of(&["1.234", "2.000"], Decimals::LikelyComma), Some(Number(Style::Plain)));
        assert_eq!(of(&["1.234", "2.000"], Decimals::Comma), Some(Number(Style::Comma)));
        assert_eq!(of(&["1,234,567", "2"], Decimals::LikelyComma), Some(Number(Style::Point)));
        assert_eq!(of(&["1,5"], Decimals::Point), Some(Reading::Text));

        let says = |columns: &[&[&'static str]], delimiter| {
            Decimals::of_columns(columns.iter().map(|c| c.iter().copied()), delimiter)
        };
        let words: &[&str] = &["a.b", "c"];
        assert_eq!(says(&[&fuel, words], Some(b';')), Decimals::LikelyComma);
        assert_eq!(says(&[&fuel, words], Some(b',')), Decimals::Open);
        assert_eq!(says(&[&fuel, &["0,5"]], Some(b',')), Decimals::Comma);
        assert_eq!(says(&[&fuel, &["1.5"]], Some(b';')), Decimals::Open);
    }

    #[test]
    fn large_whole_numbers_are_quantities_unless_they_look_like_names() {
        let rounded = |cells: &mut dyn Iterator<Item = String>| column(cells).is_rounded;
        let keys =
            |i: u64| 1_700_000_000_000_000_000 + i.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 1_000_003;
        assert!(!rounded(&mut (0..300).map(|i| keys(i).to_string())));
        let bytes = |i: u64| if i.is_multiple_of(3) { keys(i) } else { i * 7919 };
        assert!(rounded(&mut (0..300).map(|i| bytes(i).to_string())));
        let sentinel = |i: u64| if i == 9 { "99999999999999999".to_owned() } else { i.to_string() };
        let decided = column((0..300).map(sentinel));
        let ColumnData::Number(values) = &decided.data else { panic!("strings") };
        assert!(decided.is_rounded && values.at(9) == 1e17 && values.at(8) == 8.0);
        assert!(rounded(&mut (0..300).map(|i| format!("{}00000", 17_000_000_000_000_u64 + i * 7))));
        assert!(!rounded(&mut ["99999999999999999", "x"].map(str::to_owned).into_iter()));
        assert!(!rounded(&mut ["99999999999999999", "007"].map(str::to_owned).into_iter()));
    }

    #[test]
    fn the_first_reading_that_fits_every_value_wins() {
        use Reading::{Instant, Number, Text};
        assert_eq!(of(&["1", "NA", " 2.5 "]), Some(Number(Style::Plain)));
        assert_eq!(of(&["1,234", "5"]), Some(Number(Style::Point)));
        assert_eq!(of(&["1,234", "1,5"]), Some(Number(Style::Comma)));
        assert_eq!(of(&["1.234,50", "7"]), Some(Number(Style::Comma)));
        assert_eq!(of(&["$5", "7"]), Some(Number(Style::Point)));
        assert_eq!(of(&["5%", "7"]), Some(Text));
        assert_eq!(of(&["2024-01-02", "?"]), Some(Instant(None)));
        assert_eq!(of(&["01/02/2024", "12/31/2024"]), Some(Instant(Some(false))));
        assert_eq!(of(&["01/02/2024", "31/12/2024"]), Some(Instant(Some(true))));
        assert_eq!(of(&["13/01/2024", "01/13/2024"]), Some(Text));
        assert_eq!(of(&["1", "2", "many"]), Some(Text));
        assert_eq!(of(&["00123", "123"]), Some(Text));
        assert_eq!(of(&["", "NA"]), None);
    }

    fn column(cells: impl Iterator<Item = String>) -> Decided {
        let column = modelwright_core::data::Column::strings("x", cells.map(Some));
        let ColumnData::String { codes, dictionary } = column.data else { unreachable!() };
        decide_strings(codes, dictionary, Decimals::Open)
    }

    #[test]
    fn numbers_with_a_few_stray_words_are_numbers_that_remember_the_words() {
        let with =
            |n: usize, word: &str, every: usize| {
                column((0..n).map(|i| {
                    if i % every == 7 { word.to_owned() } else { format!("{}.5", i % 90) }
                }))
            };
        let decided = with(2000, " unknown", 500);
        let ColumnData::Number(values) = &decided.data else { panic!("strings") };
        assert!(values.at(7).is_nan() && values.at(8) == 8.5);
        assert_eq!(decided.format.missing_words, ["unknown"]);
        assert!(with(400, "> 80", 200).format.missing_words == ["> 80"]);
        let strings = |d: Decided| matches!(d.data, ColumnData::String { .. });
        assert!(strings(with(2000, "unknown", 50)), "two in a hundred are a level");
        assert!(strings(with(2000, "00123", 500)), "digits that are no number are a code");
        assert!(strings(with(2000, "5 %", 500)), "percentages are another unit");
        let thousands = (0..2000).map(|i| match i {
            7 => "unknown".to_owned(),
            8 | 900 => "1,234".to_owned(),
            _ => format!("{}", i % 900),
        });
        let decided = column(thousands);
        assert!(decided.format.thousands, "the style that loses no number");
        let ColumnData::Number(values) = decided.data else { panic!("strings") };
        assert!(values.at(7).is_nan() && values.at(8) == 1234.0);
        let few = (0..2000).map(|i| if i == 7 { "x".into() } else { format!("{}", i % 9) });
        assert!(strings(column(few)), "nine numbers and a word are levels");
    }
}
