//! What one fit offers: the delivered combination, and smaller ones that may be picked instead.

use serde::{Deserialize, Serialize};

use super::evaluation::MetricValue;

/// A combination of some members of the delivered model. The first of a record is the delivered
/// one; the others are smaller or read cheaper columns, and none is worse, larger and dearer than
/// another (a Pareto set).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// Its members' trials with their weights, which sum to 1; heaviest first.
    pub members: Vec<Share>,
    /// Score on predictions out of fold, in the optimised metric's unit. All offers of a record
    /// are scored on the same rows.
    pub score: Option<f64>,
    /// How much more error it makes out of fold than the delivered one, as a share of that one's
    /// error: 0.01 is one per cent more. Negative when it makes less.
    pub more_error: Option<f64>,
    /// Whether a paired test of the predictions out of fold cannot tell it from the delivered one
    /// (5 % level); false for the delivered one itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tied: bool,
    /// What the columns cost that it reads, where the fit was told what columns cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature_cost: Option<f64>,
    /// The optimised metric on the untouched rows.
    pub holdout: Option<MetricValue>,
}

/// A member's trial and its weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The trial's name.
    pub trial: String,
    /// Its weight, in `(0, 1]`.
    pub weight: f64,
}

/// Which offer a model is, when it is not the delivered one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picked {
    /// Its position in [`RunRecord::offers`](super::RunRecord::offers).
    pub offer: usize,
    /// Whether each member was cut to its first model.
    pub one_model_each: bool,
}
