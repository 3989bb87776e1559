//! Kinds that the user decided.

use modelwright_core::data::{Column, ColumnData, Kind, MISSING_CODE};
use modelwright_core::record::KindGuess;
use modelwright_core::{Error, Result};

use super::Subject;
use super::number::unix_unit;

/// The wish as a decision, or why it cannot be.
pub(super) fn check(subject: &Subject<'_>, wish: Kind) -> Result<KindGuess> {
    let possible: &[Kind] = match &subject.column.data {
        ColumnData::Instant(_) => {
            &[Kind::Datetime, Kind::Identifier, Kind::Constant, Kind::Unsupported]
        }
        // Numbers and strings become each other where the column is prepared.
        ColumnData::Number(_) | ColumnData::String { .. } => &[
            Kind::Number,
            Kind::IntegerCategory,
            Kind::Category,
            Kind::Boolean,
            Kind::Text,
            Kind::Identifier,
            Kind::Constant,
            Kind::Unsupported,
        ],
    };
    let is_unix_time = || subject.sketch.numbers().is_some_and(|n| unix_unit(n).is_some());
    let is_number = matches!(subject.column.data, ColumnData::Number(_));
    let reads_numbers_as_times = is_number && wish == Kind::Datetime;
    if reads_numbers_as_times && !is_unix_time() {
        return Err(Error::input("these numbers are no dates or times")
            .column(&subject.column.name)
            .expected("Unix times from 1990 to 2050, in seconds or milliseconds"));
    }
    if !reads_numbers_as_times && !possible.contains(&wish) {
        return Err(refusal(subject.column, wish, possible));
    }
    if wish == Kind::Number {
        words_are_numbers(subject.column)?;
    }
    if wish == Kind::Boolean && subject.n_distinct > 2 {
        return Err(Error::input("a boolean column has at most two values")
            .column(&subject.column.name)
            .got(format!("{} distinct values", subject.n_distinct)));
    }
    // Numbers without order have one kind, whichever word the user takes for it.
    let kind = if is_number && wish == Kind::Category { Kind::IntegerCategory } else { wish };
    Ok(KindGuess { kind, evidence: "decided by the user".to_owned(), overridden: true })
}

/// Refuses strings that are no numbers before any work is done.
fn words_are_numbers(column: &Column) -> Result<()> {
    let ColumnData::String { codes, dictionary } = &column.data else { return Ok(()) };
    let is_number: Vec<bool> =
        dictionary.iter().map(|text| text.trim().parse::<f64>().is_ok()).collect();
    let is_word = |code: &u32| *code != MISSING_CODE && !is_number[*code as usize];
    match codes.iter().position(is_word) {
        None => Ok(()),
        Some(row) => Err(Error::input("a column of words cannot be one of numbers")
            .column(&column.name)
            .row(row as u64 + 1)
            .expected("a number in every row that has a value")
            .got(dictionary.get(codes[row]))
            .hint("clean the column, or leave its kind to the program")),
    }
}

fn refusal(column: &Column, wish: Kind, possible: &[Kind]) -> Error {
    let held = match column.data {
        ColumnData::Number(_) => "numbers",
        ColumnData::Instant(_) => "instants",
        ColumnData::String { .. } => "strings",
    };
    let names: Vec<&str> = possible.iter().map(|k| k.name()).collect();
    Error::input(format!("a column of {held} cannot be of this kind"))
        .column(&column.name)
        .expected(names.join(", "))
        .got(wish.name())
        .hint("the kind decides how values are used; how they are read is decided by the file")
}
