//! The mean of a number in each group, learned from training rows.
//!
//! Means of small groups are pulled to the mean of all rows, as if each group had [`STRENGTH`]
//! more rows of that mean: a group of one row would otherwise be described by that row alone.
//! Groups of one row, groups never seen and rows without a group have the mean of all.

use modelwright_core::Result;
use modelwright_core::data::{Numbers, Strings};
use serde::{Deserialize, Serialize};

use crate::transform::levels::Levels;
use crate::transform::transformer::{broken, saturate};

/// How many rows of the common mean each group has in addition.
const STRENGTH: f64 = 5.0;

/// Smaller groups are not told apart.
const ROWS_MIN: usize = 2;

/// At most this many groups are told apart, the largest ones.
const GROUPS_MAX: usize = 20_000;

/// The groups and their means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Groups {
    levels: Levels,
    /// Of each level, of other and of missing.
    means: Vec<f64>,
}

impl Groups {
    /// The groups.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// The mean of each group, of other and of missing.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The means of `values` by group, among `rows`.
    pub(super) fn of_rows(
        values: &Numbers,
        codes: &[u32],
        dictionary: &Strings,
        rows: &[u32],
    ) -> Self {
        let found = Levels::of_rows(codes, dictionary, rows, ROWS_MIN, GROUPS_MAX);
        let levels = found.levels;
        let mut sums = vec![(0.0, 0.0); levels.n_codes()];
        let (mut sum, mut n) = (0.0, 0.0);
        for row in rows {
            let value = bounded(values.at(*row as usize));
            if !value.is_nan() {
                let code = codes[*row as usize] as usize;
                let level = found.of_code.get(code).map_or(levels.missing(), |l| *l as usize);
                sums[level].0 += value;
                sums[level].1 += 1.0;
                sum += value;
                n += 1.0;
            }
        }
        let all = if n > 0.0 { sum / n } else { 0.0 };
        let mut means: Vec<f64> =
            sums.iter().map(|(s, n)| (s + STRENGTH * all) / (n + STRENGTH)).collect();
        means[levels.other()] = all;
        Self { levels, means }
    }

    /// The mean of each row's group.
    pub(super) fn of_each(&self, codes: &[u32], dictionary: &Strings) -> std::sync::Arc<[f64]> {
        self.levels.map_rows(codes, dictionary, |level| self.means[level])
    }

    /// Proves that decoded groups are sound.
    pub(super) fn validate(&self) -> Result<()> {
        self.levels.validate("groups")?;
        let fits = self.means.len() == self.levels.n_codes();
        if fits && self.means.iter().all(|m| m.is_finite()) {
            Ok(())
        } else {
            Err(broken("groups", "means that do not fit the groups"))
        }
    }
}

/// A value that sums cannot overflow with.
fn bounded(value: f64) -> f64 {
    f64::from(saturate(value))
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::{Column, ColumnData};

    use super::*;

    #[test]
    fn small_groups_are_pulled_to_the_mean_of_all_and_strangers_have_it() {
        let values = vec![1.0, 3.0, 8.0, f64::NAN, f64::INFINITY].into();
        let groups = Column::strings("g", [Some("a"), Some("a"), Some("b"), Some("a"), Some("c")]);
        let ColumnData::String { codes, dictionary } = &groups.data else { unreachable!() };
        let fitted = Groups::of_rows(&values, codes, dictionary, &[0, 1, 2, 3]);
        let of = |texts: [Option<&str>; 3]| {
            let column = Column::strings("g", texts);
            let ColumnData::String { codes, dictionary } = &column.data else { unreachable!() };
            fitted.of_each(codes, dictionary)
        };
        let all = 4.0;
        assert_eq!(*of([Some("a"), Some("b"), Some("new")]), [(4.0 + 5.0 * all) / 7.0, all, all]);
        assert_eq!(of([None, None, None])[0], all);
        fitted.validate().unwrap();
        let wrong = Groups { means: vec![0.0], ..fitted };
        assert!(wrong.validate().unwrap_err().to_string().contains("do not fit the groups"));
        assert!(Groups::of_rows(&values, codes, dictionary, &[4]).validate().is_ok());
    }
}
