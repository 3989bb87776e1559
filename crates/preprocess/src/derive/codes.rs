//! A column of the screening sample as small whole numbers: what the screen counts by.
//!
//! Numbers and instants share at most [`BINS_MAX`] bins of about equal row counts; the levels of a
//! category are themselves, those of one row pooled. Missing has a number of its own.

use modelwright_core::data::{Column, ColumnData, MISSING_INSTANT};

/// Bins of a number: one for so many rows, so that the mean of each means something.
const ROWS_PER_BIN: usize = 50;
const BINS_MIN: usize = 8;
const BINS_MAX: usize = 32;

/// The cuts between bins are decided on about this many values.
const CUT_VALUES: usize = 2_048;

/// Levels of fewer rows are pooled.
const LEVEL_ROWS_MIN: u32 = 2;

/// One number per row of the sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Codes {
    pub(super) of_row: Vec<u16>,
    /// How many numbers there are.
    pub(super) n: usize,
}

impl Codes {
    /// The codes of a column of at most `u16::MAX` rows.
    pub(super) fn of(column: &Column) -> Self {
        match &column.data {
            ColumnData::Number(values) => of_numbers(&values.wide()),
            ColumnData::Instant(values) => {
                let number = |v: &i64| if *v == MISSING_INSTANT { f64::NAN } else { *v as f64 };
                of_numbers(&values.iter().map(number).collect::<Vec<f64>>())
            }
            ColumnData::String { codes, dictionary } => of_levels(codes, dictionary.len()),
        }
    }

    /// Whether all rows have the same number.
    pub(super) fn is_constant(&self) -> bool {
        self.of_row.windows(2).all(|w| w[0] == w[1])
    }
}

fn of_numbers(values: &[f64]) -> Codes {
    let step = values.len().div_ceil(CUT_VALUES).max(1);
    let mut sorted: Vec<f64> =
        values.iter().step_by(step).copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    let n_bins = (values.len() / ROWS_PER_BIN).clamp(BINS_MIN, BINS_MAX);
    // A value is above a cut when it is larger, so that a cut at the largest parts nothing.
    let mut cuts: Vec<f64> =
        (1..n_bins).filter_map(|i| sorted.get(i * n / n_bins)).copied().collect();
    cuts.dedup();
    if cuts.last() == sorted.last() {
        cuts.pop();
    }
    let missing = cuts.len() as u16 + 1;
    let code = |v: &f64| {
        if v.is_nan() { missing } else { cuts.partition_point(|c| c < v) as u16 }
    };
    Codes { of_row: values.iter().map(code).collect(), n: cuts.len() + 2 }
}

fn of_levels(codes: &[u32], n_levels: usize) -> Codes {
    let mut counts = vec![0_u32; n_levels];
    for code in codes {
        if let Some(count) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    // 0 is missing, 1 is rare.
    let mut next = 2;
    let mut number = |count: u32| {
        if count < LEVEL_ROWS_MIN {
            return 1;
        }
        next += 1;
        next - 1
    };
    let of_code: Vec<u16> = counts.into_iter().map(&mut number).collect();
    let of_row = codes.iter().map(|c| of_code.get(*c as usize).copied().unwrap_or(0)).collect();
    Codes { of_row, n: usize::from(next) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_share_bins_evenly_and_missing_has_its_own() {
        let values: Vec<f64> = (0..6400).map(|i| f64::from(i * 7919 % 6400)).collect();
        let codes = Codes::of(&Column::numbers("x", values.clone()));
        assert_eq!(codes.n, BINS_MAX + 1);
        let mut counts = vec![0; codes.n];
        codes.of_row.iter().for_each(|c| counts[usize::from(*c)] += 1);
        assert!(counts[..BINS_MAX].iter().all(|n| (100..=300).contains(n)), "{counts:?}");
        let smaller = |i: usize, j: usize| values[i] < values[j];
        assert!((1..6400).all(|i| !smaller(i, i - 1) || codes.of_row[i] <= codes.of_row[i - 1]));
        let few = Codes::of(&Column::numbers("x", vec![1.0, 0.0, f64::NAN, 1.0]));
        assert_eq!((few.of_row, few.n), (vec![1, 0, 2, 1], 3));
        assert!(Codes::of(&Column::numbers("x", vec![f64::NAN; 3])).is_constant());
        assert!(Codes::of(&Column::numbers("x", Vec::<f64>::new())).is_constant());
    }

    #[test]
    fn levels_of_one_row_are_pooled() {
        let texts = [Some("a"), Some("rare"), None, Some("b"), Some("a"), Some("b"), Some("lone")];
        let codes = Codes::of(&Column::strings("c", texts));
        assert_eq!((codes.of_row, codes.n), (vec![2, 1, 0, 3, 2, 3, 1], 4));
    }
}
