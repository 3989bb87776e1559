//! What the members and their mean say, on the scale on which losses are curved alike: logarithms
//! of probabilities, numbers as they are.

use std::sync::Arc;

use modelwright_core::task::Predictions;

/// Probabilities of the ensemble are taken to be at least so far from 0 and 1, as calibration does.
pub(crate) const MARGIN: f64 = 1e-9;

/// What is added to each probability before members are compared: a forest or a neighbour that has
/// seen no row of a class says 0 of it, whose logarithm would drown what all others say.
pub(crate) const SOFTENING: f64 = 1e-3;

/// The scores of some rows; all of them row-major.
pub(super) struct Scores {
    pub n_outputs: usize,
    is_class: bool,
    /// Where a correction starts: the ensemble's scores.
    pub start: Vec<f64>,
    /// The ensemble's scores as members are compared with them.
    soft: Vec<f64>,
    /// How far each member's scores are from these.
    pub away: Vec<Vec<f64>>,
}

impl Scores {
    pub(super) fn of(said: &[&Predictions], mean: &Predictions, is_class: bool) -> Self {
        let n_outputs = mean.n_outputs;
        let soft = softened(mean, is_class);
        let away = |member: &&Predictions| {
            let own = softened(member, is_class);
            own.iter().zip(&soft).map(|(own, soft)| own - soft).collect()
        };
        let away = said.iter().map(away).collect();
        let start = mean.values.iter().map(|value| match (is_class, n_outputs) {
            (false, _) => *value,
            (true, 1) => log_odds(value.clamp(MARGIN, 1.0 - MARGIN)),
            (true, _) => value.max(MARGIN).ln(),
        });
        Self { n_outputs, is_class, start: start.collect(), soft, away }
    }

    pub(super) fn is_class(&self) -> bool {
        self.is_class
    }

    /// How many rows there are.
    pub(super) fn n_rows(&self) -> usize {
        self.start.len() / self.n_outputs
    }

    /// The scores as columns: the ensemble's, then each member's, output by output.
    pub(super) fn columns(&self) -> Vec<Arc<[f32]>> {
        let limit = f64::from(f32::MAX);
        let number = |value: f64| value.clamp(-limit, limit) as f32;
        let n = self.n_outputs;
        let mut columns = Vec::with_capacity((self.away.len() + 1) * n);
        for k in 0..n {
            columns.push(self.soft.iter().skip(k).step_by(n).map(|s| number(*s)).collect());
        }
        for away in &self.away {
            for k in 0..n {
                let own = away.iter().zip(&self.soft).skip(k).step_by(n);
                columns.push(own.map(|(a, s)| number(a + s)).collect());
            }
        }
        columns
    }

    /// Makes predictions of scores, in place.
    pub(super) fn to_predictions(&self, values: &mut [f64]) {
        match (self.is_class, self.n_outputs) {
            (false, _) => {}
            (true, 1) => values.iter_mut().for_each(|v| *v = 1.0 / (1.0 + (-*v).exp())),
            (true, n) => values.chunks_exact_mut(n).for_each(shares),
        }
    }
}

/// Shares of the exponentials.
pub(super) fn shares(row: &mut [f64]) {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for v in row.iter_mut() {
        *v = (*v - largest).exp();
    }
    let total: f64 = row.iter().sum();
    for v in row {
        *v /= total;
    }
}

fn log_odds(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn softened(said: &Predictions, is_class: bool) -> Vec<f64> {
    let soft = |value: &f64| match (is_class, said.n_outputs) {
        (false, _) => *value,
        (true, 1) => log_odds((value + SOFTENING) / (1.0 + 2.0 * SOFTENING)),
        (true, n) => ((value + SOFTENING) / (1.0 + n as f64 * SOFTENING)).ln(),
    };
    said.values.iter().map(soft).collect()
}
