//! What a duel has counted: its bets, and the rows that they took.
//!
//! A bet may be looked at any time only as long as the values come in one order, whatever came
//! before. Files of several servers interleave, files grow, and answers come late; a bet that was
//! made again at each look, by path, would be another one each time. So it goes on from look to
//! look, and takes every row once, in the order in which it was first seen with its answer.

use std::collections::BTreeMap;

use modelwright_inspect::drift::MeanBet;
use serde::{Deserialize, Serialize};

/// The running duel of two versions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bets {
    /// The newer version, and the older one.
    pub of: (i64, i64),
    /// The bet on the newer one being better.
    pub better: MeanBet,
    /// The bet on its being worse.
    pub worse: MeanBet,
    /// Sum of the losses of the older one, of values.
    pub error_sum: f64,
    /// How many losses those are.
    pub n_errors: f64,
    /// The largest differences of losses of values that grow faster than the error, descending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub largest: Vec<f64>,
    /// Rows that were taken.
    pub n_rows: u64,
    /// Sum of how much better the newer one was on them.
    pub gains: f64,
    /// Whether stakes are laid on groups of rows.
    pub by_group: bool,
    /// What was taken of each file, by path.
    pub files: BTreeMap<String, Counted>,
}

/// What was taken of a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// SHA-256 of its bytes when it was looked at last.
    pub sha256: String,
    /// The rows that were taken, counted from 0: from one to another, both included.
    pub rows: Vec<(u32, u32)>,
}

impl Counted {
    /// Takes those of these rows, in rising order, that were not taken yet; returns their places.
    pub fn take(&mut self, rows: &[u32]) -> Vec<u32> {
        let is_known = |row: u32| {
            let at = self.rows.partition_point(|span| span.1 < row);
            self.rows.get(at).is_some_and(|span| span.0 <= row)
        };
        let new = (0..).zip(rows).filter(|(_, row)| !is_known(**row));
        let new: Vec<u32> = new.map(|(place, _): (u32, _)| place).collect();
        let mut all = std::mem::take(&mut self.rows);
        all.extend(new.iter().map(|place| rows[*place as usize]).map(|row| (row, row)));
        all.sort_unstable();
        for (first, last) in all {
            match self.rows.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last);
                }
                _ => self.rows.push((first, last)),
            }
        }
        new
    }
}

/// Rows of a file that was there when a trial, a canary or a guard began: they do not count, and
/// those that are added to it later do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Had {
    /// How many.
    pub n_rows: u64,
    /// A digest of them: of a file whose first rows are others now, nobody knows which are new.
    /// Empty where they are still to be counted.
    pub digest: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_taken_once_however_late_its_answer_comes() {
        let mut counted = Counted::default();
        assert_eq!(counted.take(&[0, 1, 2, 5]), [0, 1, 2, 3]);
        assert_eq!(counted.rows, [(0, 2), (5, 5)]);
        assert_eq!(counted.take(&[0, 1, 2, 3, 5, 6]), [3, 5]);
        assert_eq!(counted.rows, [(0, 3), (5, 6)]);
        assert_eq!(counted.take(&[4]), [0]);
        assert_eq!(counted.rows, [(0, 6)]);
        assert!(counted.take(&[0, 6]).is_empty() && counted.take(&[]).is_empty());
    }
}
