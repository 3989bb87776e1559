//! A dictionary of categories: which levels a column has, and what all other values are.
//!
//! Level numbers follow training frequency (ties: by text), so level 0 is the most frequent. Two
//! more numbers always exist: [`Levels::other`] for values that are rare in training or were never
//! seen, and [`Levels::missing`]. Values are matched by their text, never by the code that a
//! table's own dictionary happens to give them.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use modelwright_core::data::{MISSING_CODE, RawValue, Strings};
use serde::{Deserialize, Serialize};

use super::transformer::broken;

/// The levels of one column.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Vec<Arc<str>>", into = "Vec<Arc<str>>")]
pub struct Levels {
    names: Vec<Arc<str>>,
    index: HashMap<Arc<str>, u32, FixedState>,
}

/// Levels of training rows, with what is known of those rows.
#[derive(Debug)]
pub struct LevelsOfRows {
    /// The levels.
    pub levels: Levels,
    /// Level number of each code of the table's dictionary.
    pub of_code: Vec<u32>,
    /// Rows learned from with each level number (other and missing included).
    pub counts: Vec<u64>,
}

impl Levels {
    /// The levels of the given rows: those of at least `min_count` rows, at most `max_levels`.
    pub fn of_rows(
        codes: &[u32],
        dictionary: &Strings,
        rows: &[u32],
        min_count: usize,
        max_levels: usize,
    ) -> LevelsOfRows {
        let mut by_code = vec![0_u64; dictionary.len()];
        let mut n_missing = 0;
        for row in rows {
            match by_code.get_mut(codes[*row as usize] as usize) {
                Some(count) => *count += 1,
                None => n_missing += 1,
            }
        }
        let least = min_count.max(1) as u64;
        let mut kept: Vec<u32> =
            (0..by_code.len() as u32).filter(|c| by_code[*c as usize] >= least).collect();
        kept.sort_unstable_by(|a, b| {
            let by_count = by_code[*b as usize].cmp(&by_code[*a as usize]);
            by_count.then_with(|| dictionary.get(*a).cmp(dictionary.get(*b)))
        });
        kept.truncate(max_levels);
        let mut of_code = vec![kept.len() as u32; by_code.len()];
        for (level, code) in kept.iter().enumerate() {
            of_code[*code as usize] = level as u32;
        }
        let mut counts = vec![0; kept.len() + 2];
        for (code, count) in by_code.iter().enumerate() {
            counts[of_code[code] as usize] += count;
        }
        counts[kept.len() + 1] = n_missing;
        let names: Vec<Arc<str>> = kept.iter().map(|c| dictionary.get(*c).into()).collect();
        LevelsOfRows { levels: names.into(), of_code, counts }
    }

    /// How many levels there are, other and missing not counted.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The texts of the levels.
    pub fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// The number of rare and unseen values.
    pub fn other(&self) -> usize {
        self.names.len()
    }

    /// The number of missing values.
    pub fn missing(&self) -> usize {
        self.names.len() + 1
    }

    /// How many numbers there are: the levels, other, missing.
    pub fn n_codes(&self) -> usize {
        self.names.len() + 2
    }

    /// The number of a text.
    pub fn of_text(&self, text: &str) -> usize {
        self.index.get(text).map_or(self.other(), |level| *level as usize)
    }

    /// The number of a single value; `None` for one that is no text.
    #[inline]
    pub(crate) fn of_value(&self, value: RawValue<'_>) -> Option<usize> {
        match value {
            RawValue::Missing => Some(self.missing()),
            RawValue::Text(text) => Some(self.of_text(text)),
            _ => None,
        }
    }

    /// `value(number)` for every row of a column of strings.
    ///
    /// The table's dictionary is looked up once; where it is larger than the rows (a few rows cut
    /// out of a large table) only the codes that occur are looked up.
    pub fn map_rows<T: Copy>(
        &self,
        codes: &[u32],
        dictionary: &Strings,
        value: impl Fn(usize) -> T,
    ) -> Arc<[T]> {
        let missing = value(self.missing());
        if dictionary.len() > codes.len() {
            let of = |code: &u32| match *code {
                MISSING_CODE => missing,
                code => value(self.of_text(dictionary.get(code))),
            };
            return codes.iter().map(of).collect();
        }
        let by_code: Vec<T> = dictionary.iter().map(|text| value(self.of_text(text))).collect();
        codes.iter().map(|code| by_code.get(*code as usize).copied().unwrap_or(missing)).collect()
    }

    /// Proves that decoded levels are distinct.
    pub(crate) fn validate(&self, owner: &str) -> modelwright_core::Result<()> {
        if self.index.len() == self.names.len() {
            Ok(())
        } else {
            Err(broken(owner, "a level that occurs twice"))
        }
    }
}

impl From<Vec<Arc<str>>> for Levels {
    fn from(names: Vec<Arc<str>>) -> Self {
        let index = names.iter().enumerate().map(|(i, name)| (name.clone(), i as u32)).collect();
        Self { names, index }
    }
}

impl From<Levels> for Vec<Arc<str>> {
    fn from(levels: Levels) -> Self {
        levels.names
    }
}

impl PartialEq for Levels {
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::{Column, ColumnData};

    use super::*;

    fn parts(column: &Column) -> (&[u32], &Strings) {
        let ColumnData::String { codes, dictionary } = &column.data else { unreachable!() };
        (codes, dictionary)
    }

    #[test]
    fn levels_follow_frequency_then_text_and_rare_ones_are_pooled() {
        let values = ["b", "a", "a", "c", "b", "z"].map(Some);
        let column = Column::strings("c", values.into_iter().chain([None]));
        let (codes, dictionary) = parts(&column);
        let rows = [0, 1, 2, 3, 4, 5, 6];
        let of_rows = Levels::of_rows(codes, dictionary, &rows, 2, 100);
        let names: Vec<&str> = of_rows.levels.names().iter().map(|n| &**n).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(of_rows.counts, [2, 2, 2, 1]);
        assert_eq!(of_rows.of_code, [1, 0, 2, 2]);
    }

    #[test]
    fn values_are_matched_by_text_in_both_directions_of_lookup() {
        let train = Column::strings("c", ["x", "x", "y"].map(Some));
        let (codes, dictionary) = parts(&train);
        let levels = Levels::of_rows(codes, dictionary, &[0, 1, 2], 1, 10).levels;
        let other = Column::strings("c", [Some("y"), Some("new"), None, Some("x")]);
        let (codes, dictionary) = parts(&other);
        let all = levels.map_rows(codes, dictionary, |level| level);
        assert_eq!(*all, [1, 2, 3, 0]);
        for (i, code) in codes.iter().enumerate() {
            assert_eq!(levels.map_rows(&[*code], dictionary, |level| level)[0], all[i]);
        }
    }
}
