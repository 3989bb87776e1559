//! What an explanation consists of.

use serde::Serialize;

/// Shapley values of rows: for each row and output one number per feature, and the bias last.
///
/// The numbers of a row and output add up to its score. Row-major: row, output, feature (the
/// layout of LightGBM's `pred_contrib`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contributions {
    /// How many rows are explained.
    pub n_rows: usize,
    /// How many scores a row has.
    pub n_outputs: usize,
    /// How many features a row has; each row and output has one number more, the bias.
    pub n_features: usize,
    /// `n_rows × n_outputs × (n_features + 1)` numbers.
    pub values: Vec<f64>,
}

impl Contributions {
    /// The numbers of a row and output: features, then the bias.
    ///
    /// # Panics
    /// If there is no such row or output.
    pub fn of(&self, row: usize, output: usize) -> &[f64] {
        assert!(output < self.n_outputs, "the output exists");
        let start = (row * self.n_outputs + output) * (self.n_features + 1);
        &self.values[start..=start + self.n_features]
    }

    /// The score of a row and output: the sum of its numbers.
    ///
    /// # Panics
    /// As [`Self::of`].
    pub fn score(&self, row: usize, output: usize) -> f64 {
        self.of(row, output).iter().sum()
    }

    /// For each output and feature the mean of the absolute value over the rows (0 without rows):
    /// `n_outputs × n_features` numbers, in units of the score.
    pub fn mean_abs(&self) -> Vec<f64> {
        let stride = self.n_features + 1;
        let mut sums = vec![0.0; self.n_outputs * self.n_features];
        for row in self.values.chunks_exact(self.n_outputs * stride) {
            for (k, of) in row.chunks_exact(stride).enumerate() {
                let sums = &mut sums[k * self.n_features..][..self.n_features];
                for (sum, value) in sums.iter_mut().zip(of) {
                    *sum += value.abs();
                }
            }
        }
        for sum in &mut sums {
            *sum /= self.n_rows.max(1) as f64;
        }
        sums
    }
}

/// Shapley interaction values of rows: for each row and output a symmetric matrix.
///
/// Entry `(i, j)` is half of what `i` and `j` add together beyond what they add alone; the diagonal
/// has the main effects, so that row `i` of the matrix adds up to the Shapley value of `i`. The
/// last row and column are zero but for their common corner, the bias (the layout of XGBoost's
/// `pred_interactions`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Interactions {
    /// How many rows are explained.
    pub n_rows: usize,
    /// How many scores a row has.
    pub n_outputs: usize,
    /// How many features a row has; the matrices have one row and column more.
    pub n_features: usize,
    /// `n_rows × n_outputs × (n_features + 1) × (n_features + 1)` numbers.
    pub values: Vec<f64>,
}

impl Interactions {
    /// The matrix of a row and output, row-major.
    ///
    /// # Panics
    /// If there is no such row or output.
    pub fn of(&self, row: usize, output: usize) -> &[f64] {
        assert!(output < self.n_outputs, "the output exists");
        let size = (self.n_features + 1) * (self.n_features + 1);
        &self.values[(row * self.n_outputs + output) * size..][..size]
    }
}
