//! Which pieces of evidence the features are.

use std::collections::BTreeSet;

use modelwright_core::data::{FeatureColumn, FeatureMatrix};
use serde::{Deserialize, Serialize};

/// The most levels of a category.
pub(super) const MOST_LEVELS: usize = 1 << 16;

/// One piece of evidence, by positions of features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evidence {
    /// A number.
    Number(u32),
    /// A category by the number of its level.
    Level(u32),
    /// A category whose level is the place of the one column that is 1, or one more where none is.
    OneHot(Vec<u32>),
}

impl Evidence {
    /// The features it is made of.
    pub(super) fn features(&self) -> &[u32] {
        match self {
            Self::Number(feature) | Self::Level(feature) => std::slice::from_ref(feature),
            Self::OneHot(features) => features,
        }
    }

    /// The level of a row; `None` where it is missing or no level at all.
    pub(super) fn level(&self, matrix: &FeatureMatrix, row: usize) -> Option<usize> {
        let value = |feature: &u32| matrix.columns[*feature as usize].values[row];
        match self {
            Self::Number(_) => None,
            Self::Level(feature) => {
                let value = value(feature);
                (value >= 0.0 && value < MOST_LEVELS as f32).then_some(value as usize)
            }
            Self::OneHot(features) => {
                if features.iter().any(|feature| value(feature).is_nan()) {
                    return None;
                }
                let on = features.iter().position(|feature| value(feature) > 0.5);
                Some(on.unwrap_or(features.len()))
            }
        }
    }
}

/// The evidence in a matrix, as its training rows show it.
pub(super) fn find(matrix: &FeatureMatrix, rows: &[u32]) -> Vec<Evidence> {
    let columns = &matrix.columns;
    // Sources that are there as a category, of which all else is a function.
    let categories: BTreeSet<&str> =
        columns.iter().filter(|c| c.is_category).map(|c| &*c.source).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < columns.len() {
        let column = &columns[at];
        if column.is_category {
            found.push(Evidence::Level(at as u32));
        } else if !categories.contains(&*column.source) {
            let run = one_hot_run(&columns[at..], rows);
            if run > 1 {
                found.push(Evidence::OneHot((at as u32..(at + run) as u32).collect()));
                at += run;
                continue;
            }
            let feature = at as u32;
            found.push(if run == 1 { Evidence::Level(feature) } else { Evidence::Number(feature) });
        }
        at += 1;
    }
    found
}

/// How many of the first columns are of one source, hold zeros and ones, and never two ones in one
/// row: 0 where the first holds other numbers.
fn one_hot_run(columns: &[FeatureColumn], rows: &[u32]) -> usize {
    let mut taken = vec![false; rows.len()];
    let mut run = 0;
    for column in columns {
        let same = column.source == columns[0].source && !column.is_category;
        let value = |row: &u32| column.values[*row as usize];
        let is_bit = |v: f32| v == 0.0 || v == 1.0 || v.is_nan();
        if !same || !rows.iter().all(|row| is_bit(value(row))) {
            break;
        }
        let ones = || taken.iter().zip(rows).filter(|(_, row)| value(row) == 1.0);
        if ones().any(|(taken, _)| *taken) {
            break;
        }
        for (taken, row) in taken.iter_mut().zip(rows) {
            *taken |= value(row) == 1.0;
        }
        run += 1;
    }
    run
}

#[cfg(test)]
mod tests {
    use super::Evidence::{Level, Number, OneHot};
    use super::*;

    #[test]
    fn a_raw_column_counts_once_where_it_is_there_as_a_category() {
        let column = |name: &str, source: &str, values: [f32; 3], is_category| FeatureColumn {
            source: source.into(),
            is_category,
            ..FeatureColumn::dense(name, values.to_vec())
        };
        let columns = vec![
            column("city=a", "city", [1.0, 0.0, 0.0], false),
            column("city=b", "city", [0.0, 1.0, 0.0], false),
            column("city:code", "city", [0.0, 1.0, 2.0], true),
            column("x", "x", [0.5, 1.0, f32::NAN], false),
            column("x:missing", "x", [0.0, 0.0, 1.0], false),
            column("job=a", "job", [1.0, 0.0, 0.0], false),
            column("job=b", "job", [0.0, 1.0, 0.0], false),
            column("job:rate", "job", [0.2, 0.3, 0.4], false),
            column("two", "two", [0.0, 1.0, 1.0], false),
            column("twice", "two", [1.0, 1.0, 0.0], false),
        ];
        let matrix = FeatureMatrix::new(3, columns);
        let found = find(&matrix, &[0, 1, 2]);
        let wanted =
            [Level(2), Number(3), Level(4), OneHot(vec![5, 6]), Number(7), Level(8), Level(9)];
        assert_eq!(found, wanted);
        let levels: Vec<_> = (0..3).map(|row| found[3].level(&matrix, row)).collect();
        assert_eq!(levels, [Some(0), Some(1), Some(2)], "neither is a level of its own");
    }
}
