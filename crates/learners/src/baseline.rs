//! The model every other model must beat: one constant, whatever the features say.
//!
//! Classification predicts the weighted class frequencies, which minimise the log loss among
//! constants; regression predicts the weighted mean (minimises squared error), the weighted median
//! (minimises absolute error), the relative median (minimises absolute errors as parts of the
//! target) or another quantile (its pinball loss). Cost: one pass over the target. It is the floor
//! of every leaderboard and the incumbent before anything else is fitted.
//!
//! Reference: Hyndman & Athanasopoulos, *Forecasting: Principles and Practice*, 3rd ed., §5.2.

use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::params::{Checked, Domain};
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};

use modelwright_evaluate::metric::weighted_quantile;

use crate::learner::{Abilities, Learner, LearnerSpec, Model};

/// Predicts one constant.
pub struct Baseline;

modelwright_core::declare_params! {
    /// Parameters of [`Baseline`].
    pub struct BaselineParams {
        /// What a regression predicts: a mean, median, median of relative errors, or quantile.
        statistic: String = "mean",
            Domain::Choice(&["mean", "median", "relative_median", "quantile"]);
        /// Which quantile is predicted, where it is one.
        level: f64 = 0.5, Domain::real(0.0, 1.0);
    }
}

/// A fitted constant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineModel {
    task: Task,
    n_features: usize,
    /// One number per output.
    constant: Vec<f64>,
}

impl BaselineModel {
    /// What it predicts, one number per output.
    pub fn constant(&self) -> &[f64] {
        &self.constant
    }
}

impl Learner for Baseline {
    const SPEC: &'static LearnerSpec = &LearnerSpec {
        name: "baseline",
        title: "Baseline",
        text: "Predicts the class frequencies, or the mean or median of the target",
        reference: "Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., 5.2",
        tasks: &Task::ALL,
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
    type Params = BaselineParams;
    type Model = BaselineModel;

    fn fit(
        train: &TrainView<'_>,
        params: &Checked<BaselineParams>,
        _ctx: &Context,
    ) -> Result<BaselineModel> {
        let total: f64 = train.rows.iter().map(|r| train.weight(*r)).sum();
        if !(total > 0.0 && total.is_finite()) {
            return Err(Error::input("baseline has no rows to learn from")
                .expected("at least one row with a positive weight")
                .got(format!("{} rows of total weight {total}", train.rows.len())));
        }
        let constant = match train.target {
            Target::Class { codes, n_classes } => frequencies(train, codes, *n_classes, total),
            Target::Real(values) if params.statistic == "median" => {
                vec![quantile(train, values, 0.5, |_| 1.0)]
            }
            Target::Real(values) if params.statistic == "relative_median" => {
                vec![quantile(train, values, 0.5, relative_weight)]
            }
            Target::Real(values) if params.statistic == "quantile" => {
                vec![quantile(train, values, params.level, |_| 1.0)]
            }
            Target::Real(values) => vec![mean(train, values, total)],
        };
        if constant.iter().any(|c| !c.is_finite()) {
            return Err(Error::input("the target has values that are not finite")
                .expected("finite numbers"));
        }
        let task = train.target.task();
        Ok(BaselineModel { task, n_features: train.features.n_features(), constant })
    }
}

/// Weighted shares of the classes; only the positive class's for a binary target.
fn frequencies(train: &TrainView<'_>, codes: &[u32], n_classes: usize, total: f64) -> Vec<f64> {
    let mut sums = vec![0.0; n_classes.max(2)];
    for row in train.rows {
        sums[codes[*row as usize] as usize] += train.weight(*row);
    }
    if n_classes <= 2 {
        return vec![(sums[1] / total).clamp(0.0, 1.0)];
    }
    sums.iter().map(|s| s / total).collect()
}

/// Weighted mean; terms are divided before they are added, so that huge values cannot overflow.
fn mean(train: &TrainView<'_>, values: &[f64], total: f64) -> f64 {
    train.rows.iter().map(|r| values[*r as usize] * (train.weight(*r) / total)).sum()
}

/// The weighted quantile; midway between two values where the weight is parted between them, as in
/// the unweighted median of an even count. `extra` is multiplied with a row's own weight.
fn quantile(train: &TrainView<'_>, values: &[f64], level: f64, extra: impl Fn(f64) -> f64) -> f64 {
    let mut pairs: Vec<(f64, f64)> = train
        .rows
        .iter()
        .map(|r| (values[*r as usize], train.weight(*r) * extra(values[*r as usize])))
        .filter(|(_, weight)| *weight > 0.0)
        .collect();
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let ascending: Vec<f64> = pairs.iter().map(|p| p.0).collect();
    weighted_quantile(&ascending, |i| pairs[i].1, level).unwrap_or(f64::NAN)
}

/// How much a row counts in the median that minimises mean absolute percentage errors, whose
/// denominators have scikit-learn's floor.
pub fn relative_weight(target: f64) -> f64 {
    1.0 / target.abs().max(f64::EPSILON)
}

impl Model for BaselineModel {
    fn predict(&self, x: &FeatureView<'_>, _ctx: &Context) -> Result<Predictions> {
        if x.features.n_features() != self.n_features {
            return Err(Error::input("the table does not have the columns of the model")
                .expected(format!("{} features", self.n_features))
                .got(format!("{} features", x.features.n_features())));
        }
        Ok(Predictions::new(self.constant.len(), self.constant.repeat(x.n_rows())))
    }

    fn rounds(&self) -> usize {
        1
    }

    fn n_features(&self) -> usize {
        self.n_features
    }

    fn validate(&self) -> Result<()> {
        let sound = match self.task {
            Task::Regression => self.constant.len() == 1 && self.constant[0].is_finite(),
            Task::Binary => self.constant.len() == 1 && (0.0..=1.0).contains(&self.constant[0]),
            Task::Multiclass => {
                self.constant.len() > 2
                    && self.constant.iter().all(|p| (0.0..=1.0).contains(p))
                    && (self.constant.iter().sum::<f64>() - 1.0).abs() < 1e-6
            }
        };
        if sound { Ok(()) } else { Err(Error::input("the stored baseline model is not sound")) }
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::FeatureMatrix;
    use modelwright_core::params::Params;

    use super::*;

    fn fit(target: &Target, weights: Option<&[f64]>, statistic: &str) -> Result<Vec<f64>> {
        let features = FeatureMatrix::new(target.n_rows(), vec![]);
        let rows: Vec<u32> = (0..target.n_rows() as u32).collect();
        let train =
            TrainView { features: &features, target, weights, rows: &rows, validation: &[] };
        let params = BaselineParams { statistic: statistic.to_owned(), level: 0.9 };
        let params = params.check("baseline")?;
        Ok(Baseline::fit(&train, &params, &Context::unlimited(0, 1))?.constant)
    }

    #[test]
    fn classes_are_predicted_by_their_weight() {
        let target = Target::Class { codes: vec![0, 1, 1, 2], n_classes: 3 };
        assert_eq!(fit(&target, None, "mean").unwrap(), [0.25, 0.5, 0.25]);
        let weights = [5.0, 1.0, 1.0, 1.0];
        assert_eq!(fit(&target, Some(&weights), "mean").unwrap(), [0.625, 0.25, 0.125]);
        let target = Target::Class { codes: vec![0, 1, 1, 1], n_classes: 2 };
        assert_eq!(fit(&target, None, "mean").unwrap(), [0.75]);
    }

    #[test]
    fn mean_and_median_follow_weights() {
        let target = Target::Real(vec![1.0, 10.0, 2.0, 3.0]);
        assert_eq!(fit(&target, None, "mean").unwrap(), [4.0]);
        assert_eq!(fit(&target, None, "median").unwrap(), [2.5]);
        // 1 weighs 1, 2 a half, 3 a third, 10 a tenth: half of the weight is reached at 1.
        assert_eq!(fit(&target, None, "relative_median").unwrap(), [1.0]);
        let weights = [1.0, 7.0, 1.0, 1.0];
        assert_eq!(fit(&target, Some(&weights), "median").unwrap(), [10.0]);
        assert_eq!(fit(&target, Some(&weights), "mean").unwrap(), [7.6]);
        let huge = Target::Real(vec![f64::MAX, f64::MAX]);
        assert_eq!(fit(&huge, None, "mean").unwrap(), [f64::MAX]);
        assert_eq!(fit(&huge, None, "median").unwrap(), [f64::MAX]);
    }

    #[test]
    fn nothing_to_learn_from_is_an_error() {
        assert!(fit(&Target::Real(vec![]), None, "mean").is_err());
        assert!(fit(&Target::Real(vec![1.0]), Some(&[0.0]), "mean").is_err());
    }
}
