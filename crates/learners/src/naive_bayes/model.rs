//! Shares and likelihoods of the classes, and the probabilities that follow from a row.

use modelwright_core::data::FeatureView;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, MOST_LEVELS};
use crate::learner::Model;

/// Rows that are predicted together.
const BLOCK: usize = 256;
/// Rows times pieces of evidence from which threads share the work.
const PARALLEL_PIECES: usize = 1 << 15;

/// Mean and variance of a feature in a class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Normal {
    /// The mean.
    pub mean: f64,
    /// The variance, above 0.
    pub variance: f64,
}

/// What a piece of evidence says of each class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Likelihood {
    /// A number; one density per class. A missing one says nothing.
    Normal {
        /// The feature.
        feature: u32,
        /// Its density in each class.
        normals: Vec<Normal>,
    },
    /// A category. A missing level, or one that is not known, says nothing.
    Levels {
        /// Which features tell the level.
        evidence: Evidence,
        /// Logarithms of shares, the levels of one class after the other.
        log_shares: Vec<f64>,
    },
}

/// Shares of the classes and densities of the features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NaiveBayesModel {
    pub(super) n_features: u32,
    /// Of each class; 0 for one that no training row has.
    pub(super) shares: Vec<f64>,
    pub(super) likelihoods: Vec<Likelihood>,
}

impl Likelihood {
    /// Adds the logarithm of the likelihood of rows from number `first` of the view on, `n_classes`
    /// scores per row.
    fn add(&self, x: &FeatureView<'_>, first: usize, n_classes: usize, scores: &mut [f64]) {
        let rows = scores.chunks_exact_mut(n_classes).enumerate();
        match self {
            Self::Normal { feature, normals } => {
                let values = &x.features.columns[*feature as usize].values;
                let terms: Vec<[f64; 3]> = normals
                    .iter()
                    .map(|n| {
                        let constant = -0.5 * (std::f64::consts::TAU * n.variance).ln();
                        [n.mean, 0.5 / n.variance, constant]
                    })
                    .collect();
                for (i, scores) in rows {
                    let value = f64::from(values[x.row(first + i)]);
                    if value.is_nan() {
                        continue;
                    }
                    for (score, [mean, half, constant]) in scores.iter_mut().zip(&terms) {
                        *score += constant - (value - mean).powi(2) * half;
                    }
                }
            }
            Self::Levels { evidence, log_shares } => {
                let n_levels = log_shares.len() / n_classes;
                for (i, scores) in rows {
                    let level = evidence.level(x.features, x.row(first + i));
                    let Some(level) = level.filter(|level| *level < n_levels) else { continue };
                    let of_classes = log_shares.iter().skip(level).step_by(n_levels);
                    for (score, log_share) in scores.iter_mut().zip(of_classes) {
                        *score += log_share;
                    }
                }
            }
        }
    }

    fn is_sound(&self, n_features: u32, n_classes: usize) -> bool {
        match self {
            Self::Normal { feature, normals } => {
                let usable =
                    |n: &Normal| n.mean.abs() < 1e40 && (1e-110..1e80).contains(&n.variance);
                *feature < n_features && normals.len() == n_classes && normals.iter().all(usable)
            }
            Self::Levels { evidence, log_shares } => {
                let features = evidence.features();
                !matches!(evidence, Evidence::Number(_))
                    && !features.is_empty()
                    && features.iter().all(|feature| *feature < n_features)
                    && !log_shares.is_empty()
                    && log_shares.len().is_multiple_of(n_classes)
                    && log_shares.len() / n_classes <= MOST_LEVELS.max(features.len() + 1)
                    && log_shares.iter().all(|l| (-100.0..=0.0).contains(l))
            }
        }
    }
}

impl NaiveBayesModel {
    /// The share of each class; 0 for one that no training row has.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// What each piece of evidence says of the classes.
    pub fn likelihoods(&self) -> &[Likelihood] {
        &self.likelihoods
    }

    fn n_outputs(&self) -> usize {
        if self.shares.len() == 2 { 1 } else { self.shares.len() }
    }

    /// Probabilities of as many rows from number `first` of the view as `out` holds.
    fn predict_some(&self, x: &FeatureView<'_>, first: usize, out: &mut [f64]) {
        let (n_classes, n_outputs) = (self.shares.len(), self.n_outputs());
        let priors: Vec<f64> = self.shares.iter().map(|share| share.ln()).collect();
        let mut scores = priors.repeat(out.len() / n_outputs);
        for likelihood in &self.likelihoods {
            likelihood.add(x, first, n_classes, &mut scores);
        }
        let rows = scores.chunks_exact_mut(n_classes).zip(out.chunks_exact_mut(n_outputs));
        for (scores, out) in rows {
            let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            for score in &mut *scores {
                *score = (*score - largest).exp();
            }
            let total: f64 = scores.iter().sum();
            for score in &mut *scores {
                *score /= total;
            }
            out.copy_from_slice(&scores[n_classes - n_outputs..]);
        }
    }
}

impl Model for NaiveBayesModel {
    fn predict(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Predictions> {
        if x.features.n_features() != self.n_features as usize {
            return Err(Error::input("the table does not have the columns of the model")
                .expected(format!("{} features", self.n_features))
                .got(format!("{} features", x.features.n_features())));
        }
        let n_outputs = self.n_outputs();
        let mut values = vec![0.0; x.n_rows() * n_outputs];
        let some = |(i, out): (usize, &mut [f64])| self.predict_some(x, i * BLOCK, out);
        let size = BLOCK * n_outputs;
        if x.n_rows() * self.likelihoods.len() < PARALLEL_PIECES {
            values.chunks_mut(size).enumerate().for_each(some);
        } else {
            ctx.install(|| values.par_chunks_mut(size).enumerate().for_each(some));
        }
        Ok(Predictions::new(n_outputs, values))
    }

    fn rounds(&self) -> usize {
        1
    }

    fn n_features(&self) -> usize {
        self.n_features as usize
    }

    fn validate(&self) -> Result<()> {
        let n_classes = self.shares.len();
        let sound = n_classes >= 2
            && self.shares.iter().all(|share| (0.0..=1.0).contains(share))
            && self.shares.iter().any(|share| *share > 0.0)
            && self.likelihoods.iter().all(|l| l.is_sound(self.n_features, n_classes));
        if sound { Ok(()) } else { Err(Error::input("the stored naive_bayes model is not sound")) }
    }
}
