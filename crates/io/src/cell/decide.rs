//! What a whole column of text is: numbers, instants or strings.
//!
//! The candidates are tried in a fixed order, and the first that fits *every* value that is not
//! missing wins; when none does, the column is strings. Since the order is fixed, a guess from
//! the first rows that also fits all later rows is exactly what the whole column would decide,
//! so readers may parse by the guess at once and need to look again only where it fails.

use modelwright_core::data::{ColumnData, MISSING_CODE, MISSING_INSTANT, NumberFormat, Strings};

use super::number::{Seen, Style};
use super::{instant, missing, trim};

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

/// The candidates before [`Reading::Text`]. Month first is before day first, so that a column in
/// which both fit (no day above 12) is read as pandas reads it.
const CANDIDATES: [Reading; 6] = [
    Reading::Number(Style::Plain),
    Reading::Number(Style::Point),
    Reading::Number(Style::Comma),
    Reading::Instant(None),
    Reading::Instant(Some(false)),
    Reading::Instant(Some(true)),
];

/// The styles of numbers, in the order in which they are tried.
const STYLES: [Style; 3] = [Style::Plain, Style::Point, Style::Comma];

/// A column of numbers may hold other words in up to this share of its values …
const WORDS_SHARE: f64 = 0.01;
/// … at most so many different ones …
const WORDS_MAX: usize = 10;
/// … and has at least so many different numbers: of fewer, the words may be a level like them.
const NUMBERS_MIN: usize = 20;

/// The reading of a column with these cells; `None` when all are missing.
pub(crate) fn decide<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Option<Reading> {
    let mut values = cells.map(trim).filter(|c| !missing::is_missing(c)).peekable();
    values.peek()?;
    let fits = |reading: &&Reading| {
        let mut seen = Seen::default();
        values.clone().all(|value| match reading {
            Reading::Number(style) => style.parse(value, &mut seen).is_some(),
            Reading::Instant(order) => instant::parse(value, *order).is_some(),
            Reading::Text => true,
        })
    };
    Some(CANDIDATES.iter().find(fits).copied().unwrap_or(Reading::Text))
}

/// A decided column with what serving must know about its text.
pub(crate) struct Decided {
    pub data: ColumnData,
    pub format: NumberFormat,
    pub day_first: Option<bool>,
    /// Whether month-first and day-first both fitted, so that the order was taken by custom.
    pub order_is_open: bool,
}

impl Decided {
    /// Values that need no remark.
    pub(crate) fn plain(data: ColumnData) -> Self {
        Self { data, format: NumberFormat::default(), day_first: None, order_is_open: false }
    }
}

/// Decides a column that was read as strings, and converts it by its dictionary.
///
/// A column without any value becomes numbers, all missing.
pub(crate) fn decide_strings(codes: Vec<u32>, dictionary: Strings) -> Decided {
    match decide(dictionary.iter()) {
        None => Decided::plain(ColumnData::Number(vec![f64::NAN; codes.len()])),
        Some(Reading::Text) => match numbers_but_for_words(&codes, &dictionary) {
            Some((style, seen)) => numbers(&codes, &dictionary, style, seen),
            None => Decided::plain(ColumnData::String { codes, dictionary }),
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
    let format = seen.format(style);
    let data = ColumnData::Number(codes.iter().map(value).collect());
    Decided { format, ..Decided::plain(data) }
}

/// How to read a column that is numbers but for a few stray words (`unknown`, `#REF!`, `> 80`),
/// with these words as missing: one slip of a typist is no reason to lose a column.
///
/// What another style reads as a number (`1,234`, `5 %`) and words of digits alone (`00123`) are no
/// slips: the column stays one of strings.
fn numbers_but_for_words(codes: &[u32], dictionary: &Strings) -> Option<(Style, Seen)> {
    let mut n_rows = vec![0_usize; dictionary.len()];
    for code in codes.iter().filter(|code| **code != MISSING_CODE) {
        n_rows[*code as usize] += 1;
    }
    let allowed = (n_rows.iter().sum::<usize>() as f64 * WORDS_SHARE) as usize;
    STYLES.into_iter().find_map(|style| {
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
        decide(cells.iter().copied())
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
        decide_strings(codes, dictionary)
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
        assert!(values[7].is_nan() && values[8] == 8.5);
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
        assert!(values[7].is_nan() && values[8] == 1234.0);
        let few = (0..2000).map(|i| if i == 7 { "x".into() } else { format!("{}", i % 9) });
        assert!(strings(column(few)), "nine numbers and a word are levels");
    }
}
