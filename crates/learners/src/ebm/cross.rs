//! Tables of gradient sums by two features, and the crosses that cut them in four.

use modelwright_kernels::entry::{gradient_units, hessian_units};

use super::coarse::SIDE;
use super::cuts::StepRule;

/// Places of a pair's table.
pub(super) const CELLS: usize = SIDE * SIDE;

/// Sums of all places above and to the left of a place, itself included.
pub(super) struct Sums {
    g: Vec<f64>,
    h: Vec<f64>,
}

/// The two cuts that divide a table in quadrants: the last row and column of the first one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cross {
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) gain: f64,
}

/// Adds up places from the first to each, along both sides.
pub(super) fn integrate<T: Copy + std::ops::AddAssign>(cells: &mut [T]) {
    for row in cells.chunks_exact_mut(SIDE) {
        for column in 1..SIDE {
            let before = row[column - 1];
            row[column] += before;
        }
    }
    for at in SIDE..cells.len() {
        let above = cells[at - SIDE];
        cells[at] += above;
    }
}

/// Quadrants of integrated cells: before both cuts, after the column's, after the row's, after
/// both.
fn quadrants<T: Copy + std::ops::Sub<Output = T> + std::ops::Add<Output = T>>(
    cells: &[T],
    row: usize,
    column: usize,
) -> [T; 4] {
    let at = |row: usize, column: usize| cells[row * SIDE + column];
    let (inner, right) = (at(row, column), at(row, SIDE - 1));
    let (below, all) = (at(SIDE - 1, column), at(SIDE - 1, SIDE - 1));
    [inner, right - inner, below - inner, all - right - below + inner]
}

impl Sums {
    pub(super) fn new() -> Self {
        Self { g: vec![0.0; CELLS], h: vec![0.0; CELLS] }
    }

    /// Takes a histogram in units.
    pub(super) fn fill(&mut self, histogram: &[i64], units: [f64; 2]) {
        for ((g, h), sum) in self.g.iter_mut().zip(&mut self.h).zip(histogram) {
            *g = f64::from(gradient_units(*sum)) * units[0];
            *h = f64::from(hessian_units(*sum)) * units[1];
        }
        integrate(&mut self.g);
        integrate(&mut self.h);
    }

    /// Gradient and Hessian of the quadrants.
    pub(super) fn quadrants(&self, row: usize, column: usize) -> [[f64; 2]; 4] {
        let g = quadrants(&self.g, row, column);
        let h = quadrants(&self.h, row, column);
        std::array::from_fn(|q| [g[q], h[q]])
    }

    /// What four leaves gain over functions of each feature alone: with means `m = G / H` of the
    /// quadrants, `(m₁ - m₂ - m₃ + m₄)² / Σ 1/H`, the one contrast that such functions leave out.
    pub(super) fn best_contrast(&self) -> f64 {
        let mut best = 0.0_f64;
        for row in 0..SIDE - 1 {
            for column in 0..SIDE - 1 {
                let [a, b, c, d] = self.quadrants(row, column);
                let least = a[1].min(b[1]).min(c[1]).min(d[1]);
                if least <= 0.0 {
                    continue;
                }
                let contrast = a[0] / a[1] - b[0] / b[1] - c[0] / c[1] + d[0] / d[1];
                let spread = 1.0 / a[1] + 1.0 / b[1] + 1.0 / c[1] + 1.0 / d[1];
                best = best.max(contrast * contrast / spread);
            }
        }
        best
    }

    /// The cross whose four leaves lower the loss most.
    ///
    /// `rows` are integrated numbers of rows.
    pub(super) fn best_cross(&self, rows: &[u32], rule: &StepRule) -> Option<Cross> {
        let mut best: Option<Cross> = None;
        let mut gains = [0.0; SIDE];
        let mut before = 0;
        for row in 0..SIDE - 1 {
            let above = rows[row * SIDE + SIDE - 1];
            // A group without rows divides the table as the one before it.
            if above == before || above < rule.min_samples {
                continue;
            }
            before = above;
            self.gains(row, rule, &mut gains);
            for (column, gain) in gains[..SIDE - 1].iter().enumerate() {
                let is_better = *gain > best.map_or(0.0, |b| b.gain);
                if is_better && is_allowed(rows, row, column, rule) {
                    best = Some(Cross { row, column, gain: *gain });
                }
            }
        }
        best
    }

    /// What the crosses of a row gain over one leaf, by column.
    fn gains(&self, row: usize, rule: &StepRule, out: &mut [f64; SIDE]) {
        let line = |cells: &[f64], row: usize| -> [f64; SIDE] {
            std::array::from_fn(|column| cells[row * SIDE + column])
        };
        let (g, h) = (line(&self.g, row), line(&self.h, row));
        let (all_g, all_h) = (line(&self.g, SIDE - 1), line(&self.h, SIDE - 1));
        let last = SIDE - 1;
        let whole = rule.score(all_g[last], all_h[last]);
        for column in 0..SIDE {
            let (g_in, h_in) = (g[column], h[column]);
            let (g_right, h_right) = (g[last] - g_in, h[last] - h_in);
            let (g_below, h_below) = (all_g[column] - g_in, all_h[column] - h_in);
            let (g_rest, h_rest) =
                (all_g[last] - g[last] - g_below, all_h[last] - h[last] - h_below);
            out[column] = rule.score(g_in, h_in)
                + rule.score(g_right, h_right)
                + rule.score(g_below, h_below)
                + rule.score(g_rest, h_rest)
                - whole;
        }
    }
}

/// Whether all quadrants have enough rows, by integrated numbers of rows.
fn is_allowed(rows: &[u32], row: usize, column: usize, rule: &StepRule) -> bool {
    let at = |row: usize, column: usize| rows[row * SIDE + column];
    let (inner, right) = (at(row, column), at(row, SIDE - 1));
    let (below, all) = (at(SIDE - 1, column), at(SIDE - 1, SIDE - 1));
    let least = inner.min(right - inner).min(below - inner).min((all + inner) - (right + below));
    least >= rule.min_samples
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> StepRule {
        StepRule { max_leaves: 2, min_samples: 1, l2: 0.0, rate: 1.0, largest: f64::INFINITY }
    }

    /// A table of one row per cell of `n` × `n` groups, with a gradient from -100 to 100.
    fn sums(n: usize, gradient: impl Fn(usize, usize) -> i64) -> (Sums, Vec<u32>) {
        let (mut histogram, mut rows) = (vec![0; CELLS], vec![0; CELLS]);
        for row in 0..n {
            for column in 0..n {
                histogram[row * SIDE + column] = (gradient(row, column) << 32) | 1;
                rows[row * SIDE + column] = 1;
            }
        }
        let mut sums = Sums::new();
        sums.fill(&histogram, [0.1, 1.0]);
        integrate(&mut rows);
        (sums, rows)
    }

    #[test]
    fn a_checkerboard_is_cut_at_its_cross_and_its_contrast_is_the_whole_gain() {
        let (sums, rows) = sums(8, |r, c| if (r < 3) == (c < 5) { 10 } else { -10 });
        let cross = sums.best_cross(&rows, &rule()).unwrap();
        assert_eq!((cross.row, cross.column), (2, 4));
        let total = 10.0 * 0.1 * (3 * 5 + 5 * 3 - 3 * 3 - 5 * 5) as f64;
        assert!((cross.gain - (64.0 - total.powi(2) / 64.0)).abs() < 1e-9);
        let [a, b, ..] = sums.quadrants(2, 4);
        assert_eq!((a, b), ([15.0, 15.0], [-9.0, 9.0]));
        // 2² over the sum of the inverse numbers of rows.
        let spread = 1.0 / 15.0 + 1.0 / 9.0 + 1.0 / 25.0 + 1.0 / 15.0;
        assert!((sums.best_contrast() - 16.0 / spread).abs() < 1e-9);
    }

    #[test]
    fn functions_of_each_feature_alone_have_no_contrast() {
        let (sums, _) = sums(6, |r, c| [0, 7, 14, 21, 28, 35][r] - [0, 3, 12, 27, 48, 75][c]);
        assert!(sums.best_contrast() < 1e-12, "{}", sums.best_contrast());
    }

    #[test]
    fn quadrants_without_enough_rows_are_not_cut_off() {
        let (sums, rows) = sums(4, |r, c| if r == 0 && c == 0 { 50 } else { -1 });
        let strict = StepRule { min_samples: 4, ..rule() };
        let cross = sums.best_cross(&rows, &strict).unwrap();
        assert_eq!((cross.row, cross.column), (1, 1));
        assert_eq!(sums.best_cross(&rows, &StepRule { min_samples: 5, ..rule() }), None);
    }
}
