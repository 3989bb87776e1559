//! Which question a target column asks.

use modelwright_core::data::{Column, ColumnData, Kind, number_text};
use modelwright_core::record::KindGuess;
use modelwright_core::task::Task;
use modelwright_core::{Error, Result};

use super::wording;
use crate::sketch::{ColumnSketch, NumberSketch, ValueSketch};

/// The most distinct whole numbers that are taken for classes.
const NUMBER_CLASSES_MAX: usize = 20;
/// The most classes that strings may have.
const TEXT_CLASSES_MAX: usize = 1000;
/// Rows that a class of whole numbers has on average at the least.
const ROWS_PER_NUMBER_CLASS_MIN: usize = 20;

/// The task that a target column asks for, and why.
///
/// Two labels are binary; strings, booleans and codes are classes; few whole numbers that repeat
/// often are classes; all other numbers are regression.
///
/// # Errors
/// Input error when the target cannot be learned: no value, one value, nearly as many strings as
/// rows, or a column of dates.
pub fn guess_task(column: &Column, kind: &KindGuess) -> Result<(Task, String)> {
    let sketch = ColumnSketch::of(column, 0..column.n_rows());
    let n_distinct = sketch.distinct.count();
    let n_present = (sketch.n_rows - sketch.n_missing) as usize;
    let fail = |what: &str| Error::input(what).column(&column.name);
    if n_present == 0 {
        return Err(fail("the target has no value at all").hint("name another column as target"));
    }
    if n_distinct == 1 {
        let value = (0..column.n_rows()).find_map(|row| column.display(row)).unwrap_or_default();
        return Err(fail("the target has only one value, so there is nothing to learn")
            .expected("at least two distinct values")
            .got(format!("`{value}` in all {} rows that have one", wording::count(n_present))));
    }
    let labels = format!("{} distinct labels", wording::count(n_distinct));
    match (&column.data, &sketch.values) {
        (ColumnData::Instant(_), _) => Err(fail("a date cannot be a target")
            .expected("classes or numbers")
            .hint("turn it into a number first, for example days since a fixed date")),
        (ColumnData::Number(_), ValueSketch::Number(numbers)) => {
            if n_distinct == 2 {
                return Ok((Task::Binary, "2 distinct labels".to_owned()));
            }
            if kind.kind == Kind::IntegerCategory && kind.overridden {
                return Ok((Task::Multiclass, format!("{labels}, numbers used as categories")));
            }
            if kind.kind == Kind::Number && kind.overridden {
                return Ok((Task::Regression, format!("{labels}, used as numbers")));
            }
            let whole = numbers.n_whole == numbers.moments.n();
            let (min, max) = (numbers.moments.min(), numbers.moments.max());
            let range = format!(
                "from {} to {}",
                number_text(min.unwrap_or(f64::NAN)),
                number_text(max.unwrap_or(f64::NAN))
            );
            if whole && are_classes(numbers, n_distinct) {
                let rarest = numbers.frequent.entries().iter().map(|(_, n)| *n).min().unwrap_or(0);
                let often = if rarest < ROWS_PER_NUMBER_CLASS_MIN as u64 {
                    format!("the rarest in {} rows", wording::count(rarest as usize))
                } else {
                    "each repeated often".to_owned()
                };
                return Ok((
                    Task::Multiclass,
                    format!("{n_distinct} distinct whole numbers {range}, {often}"),
                ));
            }
            let distinct = wording::count(n_distinct);
            Ok((Task::Regression, format!("{distinct} distinct numbers {range}")))
        }
        _ if n_distinct == 2 => Ok((Task::Binary, "2 distinct labels".to_owned())),
        _ if n_distinct > TEXT_CLASSES_MAX || 2 * n_distinct > n_present => {
            Err(fail("the target is text with too many labels to learn")
                .expected(format!("at most {TEXT_CLASSES_MAX} labels, each with two rows or more"))
                .got(format!("{labels} in {} rows", wording::count(n_present)))
                .hint("name another target, or group the labels first"))
        }
        _ => Ok((Task::Multiclass, labels)),
    }
}

/// Whether few distinct whole numbers are classes: they repeat often, count on from 0 or 1 (or are
/// very few), and are not heaped in the middle as ratings and measurements are.
fn are_classes(numbers: &NumberSketch, n_distinct: usize) -> bool {
    let n = numbers.moments.n();
    let levels = numbers.frequent.entries();
    let (Some((first, _)), Some((last, _))) = (levels.first(), levels.last()) else {
        return false;
    };
    let (first, last) = (first.value(), last.value());
    let contiguous = last - first + 1.0 == n_distinct as f64 && (first == 0.0 || first == 1.0);
    let counts: Vec<u64> = levels.iter().map(|(_, count)| *count).collect();
    n_distinct <= NUMBER_CLASSES_MAX
        && n >= (ROWS_PER_NUMBER_CLASS_MIN * n_distinct) as u64
        && (contiguous || n_distinct <= 4)
        && !is_heap(&counts, n)
        && !(first == 0.0 && is_fading(&counts, n))
}

/// Whether five or more levels fade out from near the first one to a rare last one, as counts of
/// events do: none, one, two, …
fn is_fading(counts: &[u64], n: u64) -> bool {
    const RARE_PARTS: u64 = 100;
    let most = counts.iter().max();
    let peak = counts.iter().position(|count| Some(count) == most).unwrap_or(0);
    let fades = counts[peak..].windows(2).all(|pair| pair[0] > pair[1]);
    let ends_rare = counts.last().is_some_and(|last| last * RARE_PARTS < n);
    counts.len() >= 5 && peak <= 1 && fades && ends_rare
}

/// Whether six or more levels rise to one peak and fall again to rare ends.
fn is_heap(counts: &[u64], n: u64) -> bool {
    let rises = |pair: &[u64]| pair[0] < pair[1];
    let turn = counts.windows(2).position(|pair| !rises(pair)).unwrap_or(counts.len());
    let falls = counts.windows(2).skip(turn).all(|pair| !rises(pair));
    let rare = |count: Option<&u64>| count.is_some_and(|c| c * 20 < n);
    counts.len() >= 6 && falls && rare(counts.first()) && rare(counts.last())
}
