//! How honest probabilities are, and what decisions by them are worth.

use serde::{Deserialize, Serialize};

use super::evaluation::{CurvePoint, Interval};

/// How honest probabilities are on one set of rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Expected calibration error in bins of equal width (of many classes: of the most probable
    /// one).
    pub ece_equal_width: f64,
    /// The same in bins of equal weight.
    pub ece_equal_mass: f64,
    /// Mean over the classes of each class's own error, in bins of equal width.
    pub ece_class_wise: f64,
    /// The Brier score of the positive (or the most probable) class, taken apart.
    pub brier: BrierParts,
    /// For each bin of the reliability diagram: where 95 % of the observed shares would lie if
    /// the probabilities were honest.
    pub consistent: Vec<Interval>,
}

/// Brier score = reliability − resolution + uncertainty + within.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct BrierParts {
    /// How far probabilities are from what happens: 0 is best.
    pub reliability: f64,
    /// How far what happens in the bins is from the overall share: the more the better.
    pub resolution: f64,
    /// What cannot be helped: the variance of the answers.
    pub uncertainty: f64,
    /// What bins hide: the variance of probabilities within them, less twice their covariance with
    /// the answers.
    pub within: f64,
}

/// What binary decisions by the probabilities are worth.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usefulness {
    /// Net benefit of deciding at each threshold: x threshold, y true positives less false ones
    /// at the odds of the threshold, per row.
    pub net_benefit: Vec<CurvePoint>,
    /// The same when every row is decided positive.
    pub net_benefit_of_all: Vec<CurvePoint>,
    /// Cumulative gain: x share of rows from the most probable on, y share of positives among them.
    pub gain: Vec<CurvePoint>,
}
