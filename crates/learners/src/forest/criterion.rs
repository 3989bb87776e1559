//! Impurity of a node, and the value of a leaf.
//!
//! Both criteria sum numbers per row, so that a node is the sum of its children. With `W` the
//! weight, `S` the weighted sum of a numeric target and `C_k` the weight of class `k`, minimising
//! the variance, or Gini's impurity, is the same as maximising the *score* of the children:
//!
//! ```text
//! mean:   score = S² / W            (variance · W = Σ w y² - S² / W)
//! shares: score = Σ_k C_k² / W      (Gini · W = W - Σ_k C_k² / W)
//! ```
//!
//! Reference: Breiman et al., *Classification and Regression Trees*, 1984, chapters 4 and 8.

use super::bag::Drawn;

/// Sums are slices: rows, weight, then what the criterion adds.
pub(super) const ROWS: usize = 0;
/// Position of the weight.
pub(super) const WEIGHT: usize = 1;

/// What nodes sum and how good a node is.
pub(super) trait Criterion: Sync {
    /// How many numbers a sum has.
    fn width(&self) -> usize;

    /// Adds a row.
    fn add(&self, drawn: Drawn, sums: &mut [f64]);

    /// How good a node is; a split gains `score(left) + score(right) - score(parent)`.
    fn score(&self, sums: &[f64]) -> f64;

    /// Appends the value of a leaf.
    fn value(&self, sums: &[f64], out: &mut Vec<f64>);

    /// Whether nothing is left to be told apart.
    fn is_pure(&self, sums: &[f64]) -> bool;
}

/// Variance of a numeric target; also Gini's impurity of two classes as 0 and 1.
pub(super) struct Mean<'a> {
    /// Target of each training row.
    pub(super) targets: &'a [f64],
}

impl Criterion for Mean<'_> {
    fn width(&self) -> usize {
        4
    }

    #[inline(always)]
    fn add(&self, drawn: Drawn, sums: &mut [f64]) {
        let (w, y) = (f64::from(drawn.weight), self.targets[drawn.row as usize]);
        sums[ROWS] += 1.0;
        sums[WEIGHT] += w;
        sums[2] += w * y;
        sums[3] += w * y * y;
    }

    #[inline(always)]
    fn score(&self, sums: &[f64]) -> f64 {
        if sums[WEIGHT] > 0.0 { sums[2] * sums[2] / sums[WEIGHT] } else { 0.0 }
    }

    fn value(&self, sums: &[f64], out: &mut Vec<f64>) {
        out.push(if sums[WEIGHT] > 0.0 { sums[2] / sums[WEIGHT] } else { 0.0 });
    }

    fn is_pure(&self, sums: &[f64]) -> bool {
        // Rounding dust of equal targets is not variance.
        sums[3] - self.score(sums) <= 1e-12 * sums[3]
    }
}

/// Gini's impurity of classes.
pub(super) struct Shares<'a> {
    /// Class of each training row.
    pub(super) codes: &'a [u32],
    /// How many classes there are.
    pub(super) n_classes: usize,
}

/// Where the weights of the classes start.
const CLASSES: usize = 2;

impl Criterion for Shares<'_> {
    fn width(&self) -> usize {
        CLASSES + self.n_classes
    }

    #[inline(always)]
    fn add(&self, drawn: Drawn, sums: &mut [f64]) {
        let w = f64::from(drawn.weight);
        sums[ROWS] += 1.0;
        sums[WEIGHT] += w;
        sums[CLASSES + self.codes[drawn.row as usize] as usize] += w;
    }

    #[inline(always)]
    fn score(&self, sums: &[f64]) -> f64 {
        let squares: f64 = sums[CLASSES..].iter().map(|c| c * c).sum();
        if sums[WEIGHT] > 0.0 { squares / sums[WEIGHT] } else { 0.0 }
    }

    fn value(&self, sums: &[f64], out: &mut Vec<f64>) {
        let even = 1.0 / self.n_classes as f64;
        let share = |c: &f64| if sums[WEIGHT] > 0.0 { c / sums[WEIGHT] } else { even };
        out.extend(sums[CLASSES..].iter().map(share));
    }

    fn is_pure(&self, sums: &[f64]) -> bool {
        sums[CLASSES..].iter().filter(|c| **c > 0.0).count() < 2
    }
}
