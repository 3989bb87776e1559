//! The best, or a random, cut of a node's rows by one feature.
//!
//! Rows are summed per bin, but only bins that occur among the rows are touched: a set of 256 bits
//! remembers them. So a node of few rows costs as much as its rows, not as its bins.

use super::bag::Drawn;
use super::criterion::{Criterion, ROWS, WEIGHT};

/// A cut of a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    /// The last bin that goes left.
    pub(super) bin: u8,
    pub(super) missing_left: bool,
    /// Score of both children together.
    pub(super) score: f64,
}

/// Sums of the bins that occur, kept from feature to feature.
pub(super) struct Sums {
    width: usize,
    bins: Vec<f64>,
    occurs: [u64; 4],
    left: Vec<f64>,
    right: Vec<f64>,
}

impl Sums {
    /// Room for the sums of a criterion.
    pub(super) fn new(width: usize) -> Self {
        let zeros = vec![0.0; width];
        Self {
            width,
            bins: vec![0.0; 256 * width],
            occurs: [0; 4],
            left: zeros.clone(),
            right: zeros,
        }
    }

    /// Sums the rows per bin.
    pub(super) fn fill(&mut self, criterion: &impl Criterion, rows: &[Drawn], codes: &[u8]) {
        self.occurs = [0; 4];
        for drawn in rows {
            let bin = usize::from(codes[drawn.row as usize]);
            let sums = &mut self.bins[bin * self.width..(bin + 1) * self.width];
            let (word, bit) = (bin / 64, 1_u64 << (bin % 64));
            if self.occurs[word] & bit == 0 {
                self.occurs[word] |= bit;
                sums.fill(0.0);
            }
            criterion.add(*drawn, sums);
        }
    }

    /// The first and the last bin that occur and whether missing values do; `None` without values.
    pub(super) fn span(&self, missing: u8) -> Option<(u8, u8, bool)> {
        let mut values = self.occurs;
        let (word, bit) = (usize::from(missing) / 64, 1_u64 << (missing % 64));
        let with_missing = values[word] & bit != 0;
        values[word] &= !bit;
        let first = values.iter().position(|w| *w != 0)?;
        let last = values.iter().rposition(|w| *w != 0)?;
        let low = 64 * first as u32 + values[first].trailing_zeros();
        let high = 64 * last as u32 + 63 - values[last].leading_zeros();
        Some((low as u8, high as u8, with_missing))
    }

    /// The best cut whose children have at least `min_leaf` rows; the lowest bin on a tie, and
    /// missing values on the right, or in the heavier child where none are among the rows.
    pub(super) fn best_cut(
        &mut self,
        criterion: &impl Criterion,
        total: &[f64],
        missing: u8,
        min_leaf: usize,
    ) -> Option<Cut> {
        let (_, last, with_missing) = self.span(missing)?;
        let mut best = None;
        for missing_left in [false, true] {
            if missing_left && !with_missing {
                break;
            }
            self.start(missing, missing_left);
            // With all values left, only missing values can be right.
            let end = if with_missing && !missing_left { last } else { last.saturating_sub(1) };
            for word in 0..=usize::from(end) / 64 {
                let mut bits = self.occurs[word];
                while bits != 0 {
                    let bin = (64 * word as u32 + bits.trailing_zeros()) as u8;
                    bits &= bits - 1;
                    if bin > end || bin == missing {
                        continue;
                    }
                    self.move_left(bin);
                    let side = with_missing.then_some(missing_left);
                    let cut = self.judge(criterion, total, min_leaf, bin, side);
                    best = better(best, cut);
                }
            }
        }
        best
    }

    /// The given cut, with missing values where they fit better.
    pub(super) fn one_cut(
        &mut self,
        criterion: &impl Criterion,
        total: &[f64],
        missing: u8,
        min_leaf: usize,
        bin: u8,
    ) -> Option<Cut> {
        let (first, _, with_missing) = self.span(missing)?;
        let mut best = None;
        for missing_left in [false, true] {
            if missing_left && !with_missing {
                break;
            }
            self.start(missing, missing_left);
            for left in first..=bin {
                if self.occurs[usize::from(left) / 64] >> (left % 64) & 1 == 1 {
                    self.move_left(left);
                }
            }
            let side = with_missing.then_some(missing_left);
            best = better(best, self.judge(criterion, total, min_leaf, bin, side));
        }
        best
    }

    fn start(&mut self, missing: u8, missing_left: bool) {
        self.left.fill(0.0);
        if missing_left {
            self.move_left(missing);
        }
    }

    fn move_left(&mut self, bin: u8) {
        let sums = &self.bins[usize::from(bin) * self.width..];
        for (left, sum) in self.left.iter_mut().zip(sums) {
            *left += sum;
        }
    }

    /// The cut, if both children are large enough; `missing_left` is `None` where no row of the
    /// node has a missing value, and one that comes later belongs to the heavier child.
    fn judge(
        &mut self,
        criterion: &impl Criterion,
        total: &[f64],
        min_leaf: usize,
        bin: u8,
        missing_left: Option<bool>,
    ) -> Option<Cut> {
        for ((right, left), total) in self.right.iter_mut().zip(&self.left).zip(total) {
            *right = total - left;
        }
        let least = min_leaf.max(1) as f64;
        let enough = self.left[ROWS] >= least && self.right[ROWS] >= least;
        if !enough || self.left[WEIGHT] <= 0.0 || self.right[WEIGHT] <= 0.0 {
            return None;
        }
        let score = criterion.score(&self.left) + criterion.score(&self.right);
        let missing_left = missing_left.unwrap_or(self.left[WEIGHT] > self.right[WEIGHT]);
        Some(Cut { bin, missing_left, score })
    }
}

/// The cut with the larger score; the first on a tie.
fn better(first: Option<Cut>, second: Option<Cut>) -> Option<Cut> {
    match (first, second) {
        (Some(a), Some(b)) if b.score > a.score => Some(b),
        (Some(a), _) => Some(a),
        (None, b) => b,
    }
}
