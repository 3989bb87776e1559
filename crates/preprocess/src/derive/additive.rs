//! What a sum of functions of single columns leaves unexplained.
//!
//! A small generalised additive model, boosted by least squares one column after the other, as an
//! explainable boosting machine does it (Nori et al., "InterpretML", 2019). It is fitted on one
//! half of the rows and the residuals are taken on the other, where they are honest. A derived
//! column is of use to trees mostly for what is left then: an effect of two columns together.
//! O(rounds × rows × columns).

use super::codes::Codes;

/// At most this many rounds over all columns.
const ROUNDS_MAX: usize = 20;

/// Rounds without a gain on the judged half after which it ends.
const PATIENCE: usize = 3;

/// Share of a column's step that is taken.
const RATE: f64 = 0.3;

/// How many rows with a residual of 0 each bin has in addition.
const STRENGTH: f64 = 10.0;

/// Numbers and weights of the sample's rows, and the two halves of those learned from.
pub(super) struct Rows<'a> {
    pub(super) weights: &'a [f64],
    pub(super) halves: [&'a [u32]; 2],
}

/// Shrunken mean of `y` by code among `rows`.
pub(super) fn means(codes: &Codes, y: &[f64], weights: &[f64], rows: &[u32]) -> Vec<f64> {
    let mut sums = vec![(0.0, STRENGTH); codes.n];
    for row in rows {
        let row = *row as usize;
        let sum = &mut sums[usize::from(codes.of_row[row])];
        sum.0 += weights[row] * y[row];
        sum.1 += weights[row];
    }
    sums.into_iter().map(|(sum, n)| sum / n).collect()
}

impl Rows<'_> {
    /// The residuals of `y` (by row of the sample): those of each half by a model of the other.
    pub(super) fn residuals(&self, columns: &[&Codes], y: &[f64]) -> Vec<f64> {
        let mut residuals = vec![0.0; y.len()];
        for (fit, judge) in [(0, 1), (1, 0)] {
            let best = self.boost(columns, y, self.halves[fit], self.halves[judge]);
            for row in self.halves[judge] {
                residuals[*row as usize] = best[*row as usize];
            }
        }
        residuals
    }

    fn boost(&self, columns: &[&Codes], y: &[f64], fit: &[u32], judge: &[u32]) -> Vec<f64> {
        let total: f64 = fit.iter().map(|row| self.weights[*row as usize]).sum();
        let sum: f64 = fit.iter().map(|r| self.weights[*r as usize] * y[*r as usize]).sum();
        let mean = if total > 0.0 { sum / total } else { 0.0 };
        let mut left: Vec<f64> = y.iter().map(|y| y - mean).collect();
        let mut best = left.clone();
        let mut least = self.loss(&left, judge);
        let mut waited = 0;
        for _ in 0..ROUNDS_MAX {
            for codes in columns {
                let steps = means(codes, &left, self.weights, fit);
                for row in fit.iter().chain(judge) {
                    let row = *row as usize;
                    left[row] -= RATE * steps[usize::from(codes.of_row[row])];
                }
            }
            let loss = self.loss(&left, judge);
            waited += 1;
            if loss < least {
                (least, waited) = (loss, 0);
                best.copy_from_slice(&left);
            }
            if waited == PATIENCE {
                break;
            }
        }
        best
    }

    /// The weighted sum of squares over `rows`.
    pub(super) fn loss(&self, residuals: &[f64], rows: &[u32]) -> f64 {
        let square = |row: &u32| {
            let row = *row as usize;
            self.weights[row] * residuals[row] * residuals[row]
        };
        rows.iter().map(square).sum()
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::Column;
    use modelwright_core::random::Random;

    use super::*;

    #[test]
    fn effects_of_single_columns_are_taken_out_and_those_of_two_are_left() {
        let n = 4000;
        let mut random = Random::new(3);
        let mut draw = || (0..n).map(|_| random.normal()).collect::<Vec<f64>>();
        let (a, b, noise) = (draw(), draw(), draw());
        let codes = [&a, &b].map(|v| Codes::of(&Column::numbers("", v.clone())));
        let weights = vec![1.0; n];
        let (first, second): (Vec<u32>, Vec<u32>) = (0..n as u32).partition(|r| r % 2 == 0);
        let rows = Rows { weights: &weights, halves: [&first, &second] };
        let share_left = |y: &[f64]| {
            let left = rows.residuals(&[&codes[0], &codes[1]], y);
            let all: Vec<u32> = (0..n as u32).collect();
            rows.loss(&left, &all) / rows.loss(y, &all)
        };
        let of = |f: &dyn Fn(usize) -> f64| (0..n).map(f).collect::<Vec<f64>>();
        assert!(share_left(&of(&|i| a[i] + (3.0 * b[i]).sin())) < 0.06);
        assert!(share_left(&of(&|i| a[i] * b[i])) > 0.9);
        let of_noise = share_left(&noise);
        assert!((0.98..1.03).contains(&of_noise), "{of_noise}");
    }
}
