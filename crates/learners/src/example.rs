//! Gaussian naive Bayes: the living example of a learner, to copy.
//!
//! Idea: within a class every feature is a normal variable, independent of the others, so that
//! `log P(class | x) = log share + Σ_j log N(x_j; mean_cj, variance_cj) + constant`.
//! A missing value says nothing and is left out of the sum. Cost: one pass,
//! `rows · features`. Not when features repeat each other: their evidence is counted twice and
//! probabilities become extreme.
//!
//! Reference: Hastie, Tibshirani & Friedman, *The Elements of Statistical Learning*, §6.6.3.
//!
//! It is compiled for tests only. A real learner is written the same way, with its `mod` line in
//! `lib.rs` and its line in `catalog.rs`; the conformance suite does the rest.

use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::params::{Checked, Domain};
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};

use crate::learner::{Abilities, Learner, LearnerSpec, Model};

/// Gaussian naive Bayes.
pub(crate) struct GaussianNaiveBayes;

modelwright_core::declare_params! {
    /// Parameters of [`GaussianNaiveBayes`].
    pub(crate) struct GaussianNaiveBayesParams {
        /// Added to every variance, as a share of the feature's variance over all classes.
        var_smoothing: f64 = 1e-6, Domain::real(1e-12, 1.0).log();
    }
}

/// Shares of the classes, and mean and variance of each feature in each class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GaussianNaiveBayesModel {
    /// Share of each class; 0 for one that no training row has.
    shares: Vec<f64>,
    /// Mean and variance, class after class; a variance of 0 marks a feature without evidence.
    moments: Vec<(f64, f64)>,
    n_features: usize,
}

impl Learner for GaussianNaiveBayes {
    const SPEC: &'static LearnerSpec = &LearnerSpec {
        name: "gaussian_naive_bayes",
        title: "Gaussian naive Bayes",
        text: "Classes as normal distributions of independent features",
        reference: "Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 6.6.3",
        tasks: &[Task::Binary, Task::Multiclass],
        abilities: Abilities {
            weights: true,
            missing: true,
            bins: false,
            sparse: false,
            early_stopping: false,
            out_of_bag: false,
        },
        rounds_param: None,
    };
    type Params = GaussianNaiveBayesParams;
    type Model = GaussianNaiveBayesModel;

    fn fit(
        train: &TrainView<'_>,
        params: &Checked<GaussianNaiveBayesParams>,
        ctx: &Context,
    ) -> Result<GaussianNaiveBayesModel> {
        let Target::Class { codes, n_classes } = train.target else {
            return Err(Error::input("naive Bayes needs a class to predict"));
        };
        let n_classes = (*n_classes).max(2);
        let mut shares = vec![0.0; n_classes];
        for row in train.rows {
            shares[codes[*row as usize] as usize] += train.weight(*row);
        }
        let total: f64 = shares.iter().sum();
        if !(total > 0.0 && total.is_finite()) {
            return Err(Error::input("naive Bayes has no rows to learn from"));
        }
        for share in &mut shares {
            *share /= total;
        }
        let n_features = train.features.n_features();
        let mut moments = vec![(0.0, 0.0); n_classes * n_features];
        for (j, column) in train.features.columns.iter().enumerate() {
            // Features not reached in time stay without evidence, which is a valid model.
            if !ctx.proceed() {
                break;
            }
            let of = |class: Option<u32>| {
                let rows = train.rows.iter().filter(|r| {
                    !column.values[**r as usize].is_nan()
                        && class.is_none_or(|c| codes[**r as usize] == c)
                });
                mean_and_variance(
                    rows.map(|r| (f64::from(column.values[*r as usize]), train.weight(*r))),
                )
            };
            let floor = params.var_smoothing * of(None).1;
            for class in 0..n_classes {
                let (mean, variance) = of(Some(class as u32));
                let variance = if floor > 0.0 { variance + floor } else { 0.0 };
                moments[class * n_features + j] = (mean, variance);
            }
        }
        Ok(GaussianNaiveBayesModel { shares, moments, n_features })
    }
}

fn mean_and_variance(values: impl Iterator<Item = (f64, f64)> + Clone) -> (f64, f64) {
    let total: f64 = values.clone().map(|(_, w)| w).sum();
    if total <= 0.0 {
        return (0.0, 0.0);
    }
    let mean = values.clone().map(|(x, w)| w * x).sum::<f64>() / total;
    (mean, values.map(|(x, w)| w * (x - mean).powi(2)).sum::<f64>() / total)
}

impl Model for GaussianNaiveBayesModel {
    fn predict(&self, x: &FeatureView<'_>, _ctx: &Context) -> Result<Predictions> {
        if x.features.n_features() != self.n_features {
            return Err(Error::input("the table does not have the columns of the model")
                .expected(format!("{} features", self.n_features))
                .got(format!("{} features", x.features.n_features())));
        }
        let n_outputs = if self.shares.len() == 2 { 1 } else { self.shares.len() };
        let mut values = Vec::with_capacity(x.n_rows() * n_outputs);
        for i in 0..x.n_rows() {
            let probabilities = self.probabilities(x, x.row(i));
            values.extend_from_slice(&probabilities[probabilities.len() - n_outputs..]);
        }
        Ok(Predictions::new(n_outputs, values))
    }

    fn rounds(&self) -> usize {
        1
    }

    fn n_features(&self) -> usize {
        self.n_features
    }

    fn validate(&self) -> Result<()> {
        let n_classes = self.shares.len();
        let sound = n_classes >= 2
            && n_classes.checked_mul(self.n_features) == Some(self.moments.len())
            && self.shares.iter().all(|s| (0.0..=1.0).contains(s))
            && self.shares.iter().any(|s| *s > 0.0)
            && self.moments.iter().all(|(m, v)| m.abs() < 1e40 && (0.0..1e80).contains(v));
        if sound { Ok(()) } else { Err(Error::input("the stored naive Bayes model is not sound")) }
    }
}

impl GaussianNaiveBayesModel {
    fn probabilities(&self, x: &FeatureView<'_>, row: usize) -> Vec<f64> {
        let mut scores: Vec<f64> = self.shares.iter().map(|s| s.ln()).collect();
        for (j, column) in x.features.columns.iter().enumerate() {
            let value = f64::from(column.values[row]);
            // Evidence only where every present class has some.
            let of = |class: usize| self.moments[class * self.n_features + j];
            let known = (0..scores.len()).all(|c| self.shares[c] == 0.0 || of(c).1 > 0.0);
            if value.is_nan() || !known {
                continue;
            }
            for (class, score) in scores.iter_mut().enumerate() {
                let (mean, variance) = of(class);
                if self.shares[class] > 0.0 {
                    let distance = ((value - mean) / variance.sqrt()).clamp(-1e100, 1e100);
                    *score -= 0.5 * (variance.ln() + distance * distance);
                }
            }
        }
        let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|s| (s - max).exp()).collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|w| w / total).collect()
    }
}

mod tests {
    use modelwright_core::data::{FeatureColumn, FeatureMatrix};
    use modelwright_core::params::Params;

    use super::*;

    #[test]
    fn probabilities_are_those_of_bayes_rule() {
        // Class 0: mean 0, variance 1; class 1: mean 4, variance 1; equal shares. By Bayes' rule
        // the log odds of class 1 at x are ((x − 0)² − (x − 4)²) / 2 = 4x − 8.
        let values = vec![-1.0, 1.0, 3.0, 5.0, 1.5, f32::NAN];
        let features = FeatureMatrix::new(6, vec![FeatureColumn::dense("x", values)]);
        let target = Target::Class { codes: vec![0, 0, 1, 1, 0, 0], n_classes: 2 };
        let train = TrainView {
            features: &features,
            target: &target,
            weights: None,
            rows: &[0, 1, 2, 3],
            validation: &[],
        };
        let ctx = Context::unlimited(0, 1);
        let params = GaussianNaiveBayesParams { var_smoothing: 1e-12 }.check("test").unwrap();
        let model = GaussianNaiveBayes::fit(&train, &params, &ctx).unwrap();
        let found = model.predict(&FeatureView::of(&features, &[4, 5]), &ctx).unwrap();
        let wanted = 1.0 / (1.0 + (8.0_f64 - 4.0 * 1.5).exp());
        assert!((found.values[0] - wanted).abs() < 1e-9, "{found:?}");
        assert_eq!(found.values[1], 0.5);
    }
}
