//! What the model says about its own certainty: calibration, costs of decisions, intervals.

use serde::{Deserialize, Serialize};

use super::evaluation::{CurvePoint, Interval};

/// How the ensemble's probabilities were calibrated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CalibrationRecord {
    /// What is used: `none`, `temperature`, `platt`, `beta` or `isotonic`.
    pub method: String,
    /// Why, in words.
    pub reason: String,
    /// Out-of-fold rows that decided.
    pub n_rows: usize,
    /// Log loss of the probabilities as they were; `None` when nothing was tried.
    pub log_loss: Option<f64>,
    /// What was tried, simplest first.
    pub tried: Vec<CalibrationTrial>,
}

/// A calibration on rows that it was not fitted on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationTrial {
    /// Its name.
    pub method: String,
    /// Its cross-validated log loss.
    pub log_loss: f64,
    /// By how much that is less than the best before it.
    pub gain: f64,
    /// 95 % interval of the gain.
    pub gain_ci95: Interval,
    /// Whether it took that one's place.
    pub accepted: bool,
}

/// What wrong decisions cost, and what the decision of least expected cost comes to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CostRecord {
    /// `costs[actual][predicted]`, in class order.
    pub costs: Vec<Vec<f64>>,
    /// Mean cost per row of the model's decisions on out-of-fold rows; `None` when there are none.
    pub expected_cost: Option<f64>,
    /// The same when every row gets one class, in class order.
    pub constants: Vec<ConstantCost>,
    /// Binary: x threshold, y mean cost per row, on out-of-fold rows.
    pub curve: Vec<CurvePoint>,
    /// Binary: the threshold that was cheapest on those rows (for comparison; the model uses the
    /// one that follows from the costs), and its cost.
    pub cheapest: Option<CurvePoint>,
    /// Out-of-fold rows.
    pub n_rows: usize,
}

/// What it costs when every row gets the same class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConstantCost {
    /// The class.
    pub class: String,
    /// Mean cost per row.
    pub cost: f64,
}

/// How intervals (regression) or sets (classification) of predictions are made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct IntervalsRecord {
    /// The method: `constant`, `quantiles`, `sets` or `sets per class`.
    pub method: String,
    /// Why, in words.
    pub reason: String,
    /// Out-of-fold rows that they rest on.
    pub n_rows: usize,
    /// The column whose groups have intervals of their own.
    pub group: Option<String>,
    /// The methods that were compared on the out-of-fold rows.
    pub compared: Vec<IntervalMethod>,
    /// The levels, ascending.
    pub levels: Vec<LevelRecord>,
}

/// A method of intervals on out-of-fold rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IntervalMethod {
    /// Its name.
    pub method: String,
    /// Mean width, at the first level.
    pub mean_width: f64,
    /// Mean interval score (width plus the penalty for misses), at the first level.
    pub interval_score: f64,
}

/// One level of intervals or sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LevelRecord {
    /// The share of rows that is to be held, in (0, 1).
    pub level: f64,
    /// What was reached on the untouched rows; `None` when there were none.
    pub reached: Option<Coverage>,
    /// The same of each group with intervals of its own, and of the others together.
    pub groups: Vec<GroupCoverage>,
}

/// How often intervals or sets held the truth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Rows.
    pub n_rows: usize,
    /// The share of them that was held.
    pub share: f64,
    /// 95 % interval of that share (Wilson).
    pub ci95: Interval,
    /// Mean width of the intervals, or classes in a set.
    pub mean_size: f64,
}

/// The coverage of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupCoverage {
    /// The group's value; `None` for all rows without a group of their own.
    pub group: Option<String>,
    /// What it reached.
    pub reached: Coverage,
}
