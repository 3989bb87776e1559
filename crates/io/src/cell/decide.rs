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
        Some(Reading::Text) => Decided::plain(ColumnData::String { codes, dictionary }),
        Some(Reading::Number(style)) => {
            let mut seen = Seen::default();
            let values: Vec<f64> = dictionary
                .iter()
                .map(|v| style.parse(trim(v), &mut seen).unwrap_or(f64::NAN))
                .collect();
            let value = |c: &u32| if *c == MISSING_CODE { f64::NAN } else { values[*c as usize] };
            let format = seen.format(style);
            let data = ColumnData::Number(codes.iter().map(value).collect());
            Decided { format, ..Decided::plain(data) }
        }
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
}
