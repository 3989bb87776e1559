//! Kept rows, and what the nearest of them say of a new one.

use modelwright_core::data::FeatureView;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::nearest::{Blocks, Neighbour, QUERIES, Votes};
use super::{LARGEST_TARGET, WEIGHTS};
use crate::learner::Model;

/// Values to compare from which threads share the queries.
const PARALLEL_VALUES: usize = 1 << 22;

/// How far apart two rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Metric {
    /// Root of the sum of squared differences.
    Euclidean,
    /// Sum of absolute differences.
    Manhattan,
}

/// The targets of the kept rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Targets {
    /// Numbers.
    Real(Vec<f64>),
    /// Classes.
    Class {
        /// The class of each row.
        codes: Vec<u32>,
        /// How many classes there are.
        n_classes: u32,
    },
}

/// The rows that vote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnnModel {
    pub(super) blocks: Blocks,
    pub(super) targets: Targets,
    /// Empty where all are 1.
    pub(super) weights: Vec<f64>,
    /// The share of each class; empty for numbers.
    pub(super) shares: Vec<f64>,
    pub(super) n_neighbors: f64,
    pub(super) by_distance: bool,
    pub(super) metric: Metric,
    pub(super) smoothing: f64,
}

impl KnnModel {
    /// How many training rows are kept.
    pub fn n_rows(&self) -> usize {
        self.blocks.n_rows()
    }

    /// To what the weights of the neighbours that vote sum: their number, where all weights are 1.
    pub fn n_neighbors(&self) -> f64 {
        self.n_neighbors
    }

    /// The kept rows, the values of one feature after the other.
    pub fn columns(&self) -> Vec<Vec<f32>> {
        self.blocks.columns()
    }

    /// The targets of the kept rows.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// The weights of the kept rows; empty where all are 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The share of each class; empty for numbers.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// How far apart two rows are.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// Whether neighbours count by the inverse of their distance; those at no distance then count
    /// alone.
    pub fn counts_by_distance(&self) -> bool {
        self.by_distance
    }

    /// How many votes the shares of the classes have together.
    pub fn smoothing(&self) -> f64 {
        self.smoothing
    }

    fn n_outputs(&self) -> usize {
        match &self.targets {
            Targets::Class { n_classes, .. } if *n_classes > 2 => *n_classes as usize,
            _ => 1,
        }
    }

    /// Predicts as many rows from number `first` of the view as `out` holds.
    fn predict_some(&self, x: &FeatureView<'_>, first: usize, out: &mut [f64]) -> Result<()> {
        let n_outputs = self.n_outputs();
        let votes = Votes { metric: self.metric, wanted: self.n_neighbors, weights: &self.weights };
        let n = out.len() / n_outputs;
        let mut sums = vec![0.0; self.shares.len()];
        self.blocks.nearest(x, first, n, &votes, |query, neighbours| {
            let out = &mut out[query * n_outputs..(query + 1) * n_outputs];
            let votes = self.votes(neighbours);
            match &self.targets {
                Targets::Real(values) => {
                    let rows = neighbours.iter().zip(&votes);
                    out[0] = rows.map(|(n, vote)| values[n.row] * vote).sum();
                }
                Targets::Class { codes, .. } => {
                    sums.fill(0.0);
                    for (n, vote) in neighbours.iter().zip(&votes) {
                        sums[codes[n.row] as usize] += vote;
                    }
                    self.smooth(neighbours, &mut sums);
                    out.copy_from_slice(&sums[sums.len() - n_outputs..]);
                }
            }
        })
    }

    /// The part that each neighbour has in the prediction; they sum to 1.
    fn votes(&self, neighbours: &[Neighbour]) -> Vec<f64> {
        let at_hand = neighbours.first().is_some_and(|n| n.distance == 0.0);
        let part = |n: &Neighbour| match (self.by_distance, at_hand) {
            (false, _) => n.weight,
            (true, true) => {
                if n.distance == 0.0 {
                    n.weight
                } else {
                    0.0
                }
            }
            (true, false) => match self.metric {
                Metric::Euclidean => n.weight / f64::from(n.distance).sqrt(),
                Metric::Manhattan => n.weight / f64::from(n.distance),
            },
        };
        let mut parts: Vec<f64> = neighbours.iter().map(part).collect();
        let total: f64 = parts.iter().sum();
        for part in &mut parts {
            *part /= total;
        }
        parts
    }

    /// Mixes shares of votes with the shares of the classes, and makes them sum to 1.
    fn smooth(&self, neighbours: &[Neighbour], sums: &mut [f64]) {
        let n_votes: f64 = neighbours.iter().map(|n| n.weight).sum();
        for (sum, share) in sums.iter_mut().zip(&self.shares) {
            *sum = *sum * n_votes + self.smoothing * share;
        }
        let total: f64 = sums.iter().sum();
        for sum in sums {
            *sum /= total;
        }
    }
}

impl Model for KnnModel {
    fn predict(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Predictions> {
        let (wanted, has) = (self.blocks.n_features(), x.features.n_features());
        if wanted != has {
            return Err(Error::input("the table does not have the columns of the model")
                .expected(format!("{wanted} features"))
                .got(format!("{has} features")));
        }
        let n_outputs = self.n_outputs();
        let mut values = vec![0.0; x.n_rows() * n_outputs];
        let some = |(i, out): (usize, &mut [f64])| self.predict_some(x, i * QUERIES, out);
        let size = QUERIES * n_outputs;
        if x.n_rows() * self.n_rows() * wanted.max(1) < PARALLEL_VALUES {
            values.chunks_mut(size).enumerate().try_for_each(some)?;
        } else {
            let done: Vec<Result<()>> =
                ctx.install(|| values.par_chunks_mut(size).enumerate().map(some).collect());
            done.into_iter().collect::<Result<()>>()?;
        }
        Ok(Predictions::new(n_outputs, values))
    }

    fn rounds(&self) -> usize {
        1
    }

    fn n_features(&self) -> usize {
        self.blocks.n_features()
    }

    fn validate(&self) -> Result<()> {
        let broken = |what: &str| Err(Error::input("the stored knn model is not sound").got(what));
        let n_rows = self.n_rows();
        if !self.blocks.is_sound() {
            return broken("rows that do not fit their number, or values that are not usable");
        }
        let (fits, n_shares) = match &self.targets {
            Targets::Real(values) => {
                (values.len() == n_rows && values.iter().all(|v| v.abs() <= LARGEST_TARGET), 0)
            }
            Targets::Class { codes, n_classes } => (
                codes.len() == n_rows && *n_classes >= 2 && codes.iter().all(|c| c < n_classes),
                *n_classes as usize,
            ),
        };
        if !fits || self.shares.len() != n_shares {
            return broken("targets that do not fit the rows");
        }
        let weights_fit = self.weights.is_empty() || self.weights.len() == n_rows;
        if !weights_fit || !self.weights.iter().all(|w| WEIGHTS.contains(w)) {
            return broken("a weight that is not usable");
        }
        let rates = (1.0..1e15).contains(&self.n_neighbors);
        let shares = self.shares.iter().all(|s| (0.0..=1.0).contains(s));
        if !rates || !shares || !(0.0..1e100).contains(&self.smoothing) {
            return broken("numbers of neighbours or shares that cannot be");
        }
        Ok(())
    }
}
