//! Sets of levels: the distinct ones of a forest, and which level a value is.

use std::collections::BTreeMap;
use std::ops::Range;

/// The level of a value that is none: negative, fractional, missing, or too large.
pub(super) const NO_LEVEL: u32 = u32::MAX;

/// Distinct sets; nodes of many trees may share one.
#[derive(Debug, Clone, Default)]
pub(super) struct Sets {
    words: Vec<u64>,
    /// Where the words of each set lie, without zeros at the end.
    ranges: Vec<Range<usize>>,
    numbers: BTreeMap<Vec<u64>, u32>,
}

impl Sets {
    /// The number of a set, which is new or known; bit `v % 64` of word `v / 64` is level `v`.
    pub(super) fn number(&mut self, words: &[u64]) -> u32 {
        let len = words.iter().rposition(|w| *w != 0).map_or(0, |last| last + 1);
        let words = &words[..len];
        if let Some(number) = self.numbers.get(words) {
            return *number;
        }
        let number = self.ranges.len() as u32;
        let start = self.words.len();
        self.words.extend(words);
        self.ranges.push(start..self.words.len());
        self.numbers.insert(words.to_vec(), number);
        number
    }

    /// The words of a set.
    #[inline(always)]
    pub(super) fn words(&self, set: u32) -> &[u64] {
        &self.words[self.ranges[set as usize].clone()]
    }

    /// Whether a level is in the set; `false` for [`NO_LEVEL`].
    #[inline(always)]
    pub(super) fn contains(&self, set: u32, level: u32) -> bool {
        let word = self.words(set).get(level as usize / 64);
        level != NO_LEVEL && word.is_some_and(|word| word >> (level % 64) & 1 == 1)
    }
}

/// The level that a value is, or [`NO_LEVEL`].
#[inline(always)]
pub(super) fn level(x: f32) -> u32 {
    // Every whole f32 below 2^32 is a u32 below `NO_LEVEL`; the cast of any other saturates.
    let level = x as u32;
    if level as f32 == x && level != NO_LEVEL { level } else { NO_LEVEL }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_values_that_are_not_negative_are_levels() {
        for (x, wanted) in [(0.0, 0), (-0.0, 0), (7.0, 7), (16_777_216.0, 1 << 24)] {
            assert_eq!(level(x), wanted);
        }
        assert_eq!(level(4_294_967_040.0), 4_294_967_040);
        for x in [-1.0, 0.5, 4_294_967_296.0, 1e30, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            assert_eq!(level(x), NO_LEVEL, "{x}");
        }
    }

    #[test]
    fn equal_sets_have_one_number_whatever_zeros_follow() {
        let mut sets = Sets::default();
        assert_eq!(sets.number(&[5]), 0);
        assert_eq!(sets.number(&[5, 0, 0]), 0);
        assert_eq!(sets.number(&[]), 1);
        assert_eq!(sets.number(&[0]), 1);
        assert_eq!(sets.number(&[5, 1]), 2);
        assert!(sets.contains(2, 64) && sets.contains(0, 2) && !sets.contains(0, 64));
        assert!(!sets.contains(1, 0) && !sets.contains(2, NO_LEVEL));
    }
}
