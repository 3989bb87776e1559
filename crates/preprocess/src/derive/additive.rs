//! What a sum of functions of single columns leaves unexplained.
//!
//! A small generalised additive model, boosted by least squares one column after the other, as an
//! explainable boosting machine does it (Nori et al., "InterpretML", 2019). Rows are parted; each
//! part's residuals come from a model of the other parts, so that they are honest. A derived
//! column is of use to trees mostly for what is left then: an effect of two columns together.
//! O(parts × rounds × rows × columns).

use super::codes::Codes;

/// At most this many rounds over all columns.
const ROUNDS_MAX: usize = 20;

/// Rounds without a gain on the judged half after which it ends.
const PATIENCE: usize = 3;

/// Share of a column's step that is taken.
const RATE: f64 = 0.3;

/// How many rows with a residual of 0 each bin has in addition.
const STRENGTH: f64 = 10.0;

/// Weights of the sample's rows, and the parts of those learned from.
pub(super) struct Rows {
    pub(super) weights: Vec<f64>,
    pub(super) parts: Vec<Vec<u32>>,
}

/// Sum and weight by code of `y` among `rows`.
fn sums(codes: &Codes, y: &[f64], weights: &[f64], rows: &[u32]) -> Vec<(f64, f64)> {
    let mut sums = vec![(0.0, 0.0); codes.n];
    for row in rows {
        let row = *row as usize;
        let sum = &mut sums[usize::from(codes.of_row[row])];
        sum.0 += weights[row] * y[row];
        sum.1 += weights[row];
    }
    sums
}

/// The mean, pulled to 0.
fn shrunken((sum, n): (f64, f64)) -> f64 {
    sum / (n + STRENGTH)
}

impl Rows {
    /// For each part the shrunken means of `y` by code among the rows of all other parts.
    pub(super) fn means_of_others(&self, codes: &Codes, y: &[f64]) -> Vec<Vec<f64>> {
        let own: Vec<Vec<(f64, f64)>> =
            self.parts.iter().map(|rows| sums(codes, y, &self.weights, rows)).collect();
        let others = |k: usize| {
            let of_code = |code: usize| {
                let mut sum = (0.0, 0.0);
                for part in own.iter().enumerate().filter(|(j, _)| *j != k).map(|(_, part)| part) {
                    sum.0 += part[code].0;
                    sum.1 += part[code].1;
                }
                shrunken(sum)
            };
            (0..codes.n).map(of_code).collect()
        };
        (0..self.parts.len()).map(others).collect()
    }

    /// The residuals of `y` (by row of the sample): those of each part by a model of the others.
    pub(super) fn residuals(&self, columns: &[&Codes], y: &[f64]) -> Vec<f64> {
        let mut residuals = vec![0.0; y.len()];
        for (k, judge) in self.parts.iter().enumerate() {
            let others = self.parts.iter().enumerate().filter(|(j, _)| *j != k);
            let fit: Vec<u32> = others.flat_map(|(_, part)| part.iter().copied()).collect();
            let best = self.boost(columns, y, &fit, judge);
            for row in judge {
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
                let sums = sums(codes, &left, &self.weights, fit);
                let steps: Vec<f64> = sums.into_iter().map(shrunken).collect();
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
        let part = |k: u32| (0..n as u32).filter(|r| r % 4 == k).collect();
        let rows = Rows { weights: vec![1.0; n], parts: (0..4).map(part).collect() };
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
