//! What belongs to which function: tables that are unique.
//!
//! A pair's function can hold what its features say alone, and every function can hold a part of
//! the intercept; predictions do not tell. Here each function of a pair is left with a mean of 0
//! along each row and column of its table, each function of a feature with a mean of 0, means over
//! the training rows; what is taken away goes to the functions of the features and from there to
//! the intercept, so that no prediction changes.
//!
//! Where no training row is (missing values or levels that training lacks), a function is 0: the
//! mean of what the others have.
//! Reference: Lengerich et al., AISTATS 2020, algorithm 1 (mass moving).

use super::coarse::{Coarse, MISSING, SIDE};
use super::cross::CELLS;
use super::mains::BINS;

/// Passes over the rows and columns of a table; each leaves a part of the means of the one before.
const MOST_PASSES: usize = 200;
/// Means below this part of the largest number are rounding.
const ROUNDING: f64 = 1e-14;

/// A function of one feature: numbers of its bins, and the weight of the training rows there.
pub(super) struct Main {
    pub(super) values: Vec<f64>,
    pub(super) weights: Vec<f64>,
    /// Whether bins without rows know nothing from their neighbours.
    pub(super) is_category: bool,
}

/// The function of a pair, likewise, with the places of its features among the mains.
pub(super) struct PairTable {
    pub(super) features: [usize; 2],
    pub(super) values: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

/// Moves everything to where it belongs; returns what goes to the intercept.
pub(super) fn purify(mains: &mut [Main], pairs: &mut [PairTable], coarse: &[Coarse]) -> f64 {
    for pair in &mut *pairs {
        let rows: Vec<(Vec<usize>, usize)> = (0..SIDE).map(|a| (along(a * SIDE, 1), a)).collect();
        let columns: Vec<(Vec<usize>, usize)> = (0..SIDE).map(|b| (along(b, SIDE), b)).collect();
        for _ in 0..MOST_PASSES {
            let size = pair.values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            let mut largest = 0.0_f64;
            for (side, lines) in [&rows, &columns].into_iter().enumerate() {
                for (cells, group) in lines {
                    let mean = pair.take_mean(cells);
                    largest = largest.max(mean.abs());
                    let feature = pair.features[side];
                    give(&mut mains[feature], &coarse[feature], *group, mean);
                }
            }
            if largest <= ROUNDING * size {
                break;
            }
        }
        pair.forget_missing();
    }
    mains.iter_mut().map(Main::centre).sum()
}

/// The cells of a line of a table.
fn along(start: usize, step: usize) -> Vec<usize> {
    (0..SIDE).map(|i| start + i * step).collect()
}

/// Adds `mean` to the bins of a group.
fn give(main: &mut Main, coarse: &Coarse, group: usize, mean: f64) {
    for (value, of) in main.values.iter_mut().zip(&coarse.group_of) {
        if usize::from(*of) == group {
            *value += mean;
        }
    }
}

impl PairTable {
    /// Takes the mean of some cells out of them; 0 where no row is.
    fn take_mean(&mut self, cells: &[usize]) -> f64 {
        let weight: f64 = cells.iter().map(|at| self.weights[*at]).sum();
        if weight <= 0.0 {
            return 0.0;
        }
        let sum: f64 = cells.iter().map(|at| self.weights[*at] * self.values[*at]).sum();
        let mean = sum / weight;
        for at in cells {
            self.values[*at] -= mean;
        }
        mean
    }

    /// Sets the cells of missing values to 0 where training has none.
    fn forget_missing(&mut self) {
        for cells in [along(MISSING * SIDE, 1), along(MISSING, SIDE)] {
            if cells.iter().all(|at| self.weights[*at] <= 0.0) {
                for at in cells {
                    self.values[at] = 0.0;
                }
            }
        }
    }
}

impl Main {
    /// Takes the mean away and returns it.
    fn centre(&mut self) -> f64 {
        let weight: f64 = self.weights.iter().sum();
        let sum: f64 = self.weights.iter().zip(&self.values).map(|(w, v)| w * v).sum();
        let mean = if weight > 0.0 { sum / weight } else { 0.0 };
        let missing = self.values.len() - 1;
        for (bin, (value, weight)) in self.values.iter_mut().zip(&self.weights).enumerate() {
            let knows = *weight > 0.0 || (bin < missing && !self.is_category);
            *value = if knows { *value - mean } else { 0.0 };
        }
        mean
    }

    /// The mean size of the function over the training rows.
    pub(super) fn importance(&self) -> f64 {
        importance(&self.values, &self.weights)
    }
}

impl PairTable {
    /// The mean size of the function over the training rows.
    pub(super) fn importance(&self) -> f64 {
        importance(&self.values, &self.weights)
    }
}

fn importance(values: &[f64], weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    let sum: f64 = values.iter().zip(weights).map(|(v, w)| v.abs() * w).sum();
    if total > 0.0 { sum / total } else { 0.0 }
}

const _: () = assert!(CELLS == SIDE * SIDE && SIDE <= BINS);

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    #[test]
    fn every_prediction_stays_and_every_mean_is_zero() {
        let mut random = Random::new(4);
        let n_bins = 9;
        let coarse: Vec<Coarse> = (0..2)
            .map(|_| Coarse { group_of: vec![0, 0, 1, 1, 2, 3, 3, 4, MISSING as u8] })
            .collect();
        let rows: Vec<[usize; 2]> =
            (0..400).map(|_| [random.below(n_bins - 1), random.below(n_bins - 1)]).collect();
        let place = |r: &[usize; 2]| {
            let [a, b] = [0, 1].map(|side| usize::from(coarse[side].group_of[r[side]]));
            a * SIDE + b
        };
        let mut mains: Vec<Main> = (0..2)
            .map(|side| {
                let mut weights = vec![0.0; n_bins];
                for r in &rows {
                    weights[r[side]] += 1.0 + r[1] as f64;
                }
                let values = (0..n_bins).map(|_| random.normal()).collect();
                Main { values, weights, is_category: false }
            })
            .collect();
        let mut weights = vec![0.0; CELLS];
        for r in &rows {
            weights[place(r)] += 1.0 + r[1] as f64;
        }
        let values = (0..CELLS).map(|_| random.normal()).collect();
        let mut pairs = vec![PairTable { features: [0, 1], values, weights }];
        let predict = |mains: &[Main], pairs: &[PairTable], r: &[usize; 2]| {
            mains[0].values[r[0]] + mains[1].values[r[1]] + pairs[0].values[place(r)]
        };
        let before: Vec<f64> = rows.iter().map(|r| predict(&mains, &pairs, r)).collect();
        let intercept = purify(&mut mains, &mut pairs, &coarse);
        for (r, before) in rows.iter().zip(&before) {
            let after = intercept + predict(&mains, &pairs, r);
            assert!((after - before).abs() < 1e-12, "{after} {before}");
        }
        for main in &mut mains {
            assert!(main.centre().abs() < 1e-12);
            assert_eq!(main.values[n_bins - 1], 0.0, "nothing is known of missing values");
        }
        for line in (0..SIDE).flat_map(|i| [along(i * SIDE, 1), along(i, SIDE)]) {
            assert!(pairs[0].take_mean(&line).abs() < 1e-12);
        }
    }
}
