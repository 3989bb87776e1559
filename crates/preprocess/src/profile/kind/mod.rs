//! The kind of a column and the evidence for it.
//!
//! Wrong guesses cost accuracy, so the rules lean to the harmless side: numbers stay numbers
//! unless their *name* calls them a code or a key (trees cut ordered numbers well, and a code that
//! stays a number is only a little worse), and a column is thrown away as an identifier only
//! when nearly every value is distinct and nothing else can be read from it.

mod number;
mod text;
mod wish;

use modelwright_core::Result;
use modelwright_core::data::{Column, ColumnData, Kind, MISSING_CODE};
use modelwright_core::record::KindGuess;

use super::wording;
use crate::sketch::ColumnSketch;

pub(crate) use text::looks_like_date;

/// Fewer values than this prove no identifier.
const IDENTIFIER_VALUES_MIN: usize = 20;
/// From this share of distinct values on, values name their row.
const IDENTIFIER_DISTINCT_SHARE: f64 = 0.95;

/// A column and what is known of it.
pub(crate) struct Subject<'a> {
    /// The values.
    pub column: &'a Column,
    /// Their summary.
    pub sketch: &'a ColumnSketch,
    /// Distinct values that are not missing.
    pub n_distinct: usize,
    /// Whether `n_distinct` is exact.
    pub distinct_is_exact: bool,
    /// What the reader thinks, if it has an opinion.
    pub reader_kind: Option<Kind>,
}

impl<'a> Subject<'a> {
    /// A column with its sketch.
    pub(crate) fn new(
        column: &'a Column,
        sketch: &'a ColumnSketch,
        reader_kind: Option<Kind>,
    ) -> Self {
        let (n_distinct, distinct_is_exact) = n_distinct(column, sketch);
        Self { column, sketch, n_distinct, distinct_is_exact, reader_kind }
    }

    /// Values that are not missing.
    pub(crate) fn n_present(&self) -> usize {
        (self.sketch.n_rows - self.sketch.n_missing) as usize
    }

    /// Distinct values per value.
    pub(crate) fn distinct_share(&self) -> f64 {
        wording::share(self.n_distinct, self.n_present())
    }
}

/// The number of distinct values, counted exactly where that is cheap (strings) or where the
/// estimate cannot tell "all distinct" from "nearly all".
fn n_distinct(column: &Column, sketch: &ColumnSketch) -> (usize, bool) {
    let estimate = sketch.distinct.count();
    if sketch.distinct.is_exact() {
        return (estimate, true);
    }
    let n_present = (sketch.n_rows - sketch.n_missing) as usize;
    match &column.data {
        ColumnData::String { codes, dictionary } => {
            let mut used = vec![false; dictionary.len()];
            for code in codes.iter().filter(|c| **c != MISSING_CODE) {
                used[*code as usize] = true;
            }
            (used.iter().filter(|u| **u).count(), true)
        }
        ColumnData::Number(values) if wording::share(estimate, n_present) > 0.85 => {
            let mut bits: Vec<u64> =
                values.iter().filter(|v| !v.is_nan()).map(|v| (v + 0.0).to_bits()).collect();
            bits.sort_unstable();
            bits.dedup();
            (bits.len(), true)
        }
        _ => (estimate.min(n_present), false),
    }
}

/// The kind of a column: the user's wish, or the first rule that applies.
///
/// # Errors
/// Input error when the wish does not suit the way the column is held.
pub(crate) fn decide(subject: &Subject<'_>, wish: Option<Kind>) -> Result<KindGuess> {
    if let Some(kind) = wish {
        return wish::check(subject, kind);
    }
    let (kind, evidence) = guess(subject);
    Ok(KindGuess { kind, evidence, overridden: false })
}

fn guess(subject: &Subject<'_>) -> (Kind, String) {
    let rows = wording::count(subject.sketch.n_rows as usize);
    if subject.reader_kind == Some(Kind::Unsupported) {
        return (Kind::Unsupported, "nested or binary values".to_owned());
    }
    if subject.n_distinct == 0 {
        return (Kind::Constant, format!("no value in {rows} rows"));
    }
    if subject.n_distinct == 1 && subject.sketch.n_missing == 0 {
        return (Kind::Constant, format!("one value in all {rows} rows"));
    }
    match &subject.column.data {
        ColumnData::Number(values) => number::guess(subject, values),
        ColumnData::Instant(_) => {
            let distinct = wording::count(subject.n_distinct);
            (Kind::Datetime, format!("{distinct} distinct instants in {rows} rows"))
        }
        ColumnData::String { codes, dictionary } => text::guess(subject, codes, dictionary),
    }
}
