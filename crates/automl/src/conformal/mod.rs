//! Intervals (regression) and sets (classification) that hold a stated share of new rows.
//!
//! They are made of the out-of-fold predictions that the search keeps anyway: what a model said of
//! rows it had not seen, and how wrong it was. The regions of a new row are centred at the
//! refitted model, so that the guarantee is that of the cross-validated approximation: exact if
//! the refitted model errs as its folds did. Because it learns from more rows than a fold it tends
//! to err less, and the intervals to hold a little more than stated; because the ensemble was
//! selected on the same predictions, a little less. The untouched rows measure what is reached.
//!
//! | rule | region | when |
//! |---|---|---|
//! | constant | `ŷ ± q` | always possible |
//! | quantiles | `ŷ + [l(x) − q, u(x) + q]`, `l` and `u` learned from errors | clearly better |
//! | sets | all classes with `p ≥ 1 − q`, the most probable one always | classification |
//!
//! Each group of a column may have its own `q` (Mondrian), or each true class.

mod fit;
mod groups;
mod reached;
mod residuals;

pub(crate) use fit::{Input, Parts, check, fit, reserve};
pub(crate) use groups::Groups;
pub use reached::Held;

use modelwright_core::data::{FeatureMatrix, FeatureView};
use modelwright_core::record::Interval;
use modelwright_core::task::{Predictions, Task};
use modelwright_core::{Context, Error, Result};
use modelwright_learners::{Fitted, learner};
use serde::{Deserialize, Serialize};

/// What makes regions of predictions.
pub(crate) struct Intervals {
    /// Shares of rows to be held, ascending.
    pub levels: Vec<f64>,
    /// The groups that have a reach of their own.
    pub groups: Option<Groups>,
    /// `reach[level][group]`, group 0 being all others; or `reach[level][class]`.
    pub reach: Vec<Vec<f64>>,
    pub rule: Rule,
}

/// How far a reach reaches.
pub(crate) enum Rule {
    /// The prediction ± the reach.
    Constant,
    /// Learned quantiles of the residuals, moved out by the reach.
    Quantiles {
        /// What writes the features of the model; the last one is the prediction itself.
        encoder: usize,
        model: Box<Fitted>,
    },
    /// Classes of at least a probability of 1 − reach.
    Sets { per_class: bool },
}

/// How they are stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct Stored {
    levels: Vec<f64>,
    groups: Option<Groups>,
    reach: Vec<Vec<f64>>,
    rule: StoredRule,
}

#[derive(Serialize, Deserialize)]
enum StoredRule {
    Constant,
    Quantiles { encoder: u32, layout: u32, model: Vec<u8> },
    Sets { per_class: bool },
}

/// Regions of some rows, level after level (ascending).
#[derive(Debug, Clone, PartialEq)]
pub enum Regions {
    /// Of a regression.
    Intervals(Vec<LevelIntervals>),
    /// Of a classification.
    Sets(Vec<LevelSets>),
}

/// The intervals of one level.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelIntervals {
    /// The share of rows to be held.
    pub level: f64,
    /// One per row.
    pub intervals: Vec<Interval>,
}

/// The sets of one level.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelSets {
    /// The share of rows to be held.
    pub level: f64,
    /// Row-major: whether each class is in the row's set.
    pub members: Vec<bool>,
    /// Classes.
    pub n_classes: usize,
}

impl Intervals {
    /// Intervals of rows that are predicted as `values`; `quantiles` of residuals as the rule's
    /// model gives them, `groups` of the rows.
    pub(crate) fn intervals(
        &self,
        values: &[f64],
        quantiles: Option<&Predictions>,
        groups: &[u32],
    ) -> Vec<LevelIntervals> {
        let n = self.levels.len();
        let mut levels: Vec<LevelIntervals> = Vec::with_capacity(n);
        for (l, level) in self.levels.iter().enumerate() {
            let of_row = |(row, value): (usize, &f64)| {
                let reach = self.reach[l][groups.get(row).map_or(0, |g| *g as usize)];
                let (low, high) = quantiles.map_or((0.0, 0.0), |q| {
                    let row = q.row(row);
                    (row[n - 1 - l], row[n + l])
                });
                let (low, high) = (value + low - reach, value + high + reach);
                // A reach below zero may turn a narrow interval around: nothing is left but its
                // middle. A higher level holds all that a lower one does.
                let middle = f64::midpoint(low, high);
                let inner = levels.last().map(|inner| inner.intervals[row]);
                Interval {
                    low: inner.map_or(f64::INFINITY, |i| i.low).min(low.min(middle)),
                    high: inner.map_or(f64::NEG_INFINITY, |i| i.high).max(high.max(middle)),
                }
            };
            let intervals = values.iter().enumerate().map(of_row).collect();
            levels.push(LevelIntervals { level: *level, intervals });
        }
        levels
    }

    /// Sets of rows with these probabilities.
    pub(crate) fn sets(&self, predictions: &Predictions, groups: &[u32]) -> Vec<LevelSets> {
        let per_class = matches!(self.rule, Rule::Sets { per_class: true });
        let n_classes = predictions.n_outputs.max(2);
        let of_level = |(level, reach): (&f64, &Vec<f64>)| {
            let mut members = Vec::with_capacity(predictions.n_rows() * n_classes);
            for row in 0..predictions.n_rows() {
                let group = groups.get(row).map_or(0, |g| *g as usize);
                let p = |class: usize| probability(predictions, row, class);
                let top = (1..n_classes).fold(0, |top, c| if p(c) > p(top) { c } else { top });
                let is_member = |class: usize| {
                    let reach = reach[if per_class { class } else { group }];
                    class == top || 1.0 - p(class) <= reach
                };
                members.extend((0..n_classes).map(is_member));
            }
            LevelSets { level: *level, members, n_classes }
        };
        self.levels.iter().zip(&self.reach).map(of_level).collect()
    }

    /// The features of the rule's model: those of its encoder, and the prediction.
    pub(crate) fn quantiles(
        model: &Fitted,
        features: FeatureMatrix,
        values: &[f64],
        ctx: &Context,
    ) -> Result<Predictions> {
        let features = residuals::with_prediction(features, values, None);
        model.model.predict(&FeatureView::all(&features), ctx)
    }

    /// The number of the encoder that the rule's model reads, if it has one.
    pub(crate) fn encoder_mut(&mut self) -> Option<&mut usize> {
        match &mut self.rule {
            Rule::Quantiles { encoder, .. } => Some(encoder),
            Rule::Constant | Rule::Sets { .. } => None,
        }
    }

    /// The form that is stored.
    pub(crate) fn store(&self) -> Result<Stored> {
        let rule = match &self.rule {
            Rule::Constant => StoredRule::Constant,
            Rule::Sets { per_class } => StoredRule::Sets { per_class: *per_class },
            Rule::Quantiles { encoder, model } => StoredRule::Quantiles {
                encoder: *encoder as u32,
                layout: model.layout,
                model: model.encode()?,
            },
        };
        let (levels, groups) = (self.levels.clone(), self.groups.clone());
        Ok(Stored { levels, groups, reach: self.reach.clone(), rule })
    }

    /// Reads them back.
    pub(crate) fn read(stored: Stored) -> Result<Self> {
        let rule = match stored.rule {
            StoredRule::Constant => Rule::Constant,
            StoredRule::Sets { per_class } => Rule::Sets { per_class },
            StoredRule::Quantiles { encoder, layout, model } => {
                let model = learner("gbdt")?.decode(layout, &model)?;
                Rule::Quantiles { encoder: encoder as usize, model: Box::new(model) }
            }
        };
        let Stored { levels, groups, reach, .. } = stored;
        Ok(Self { levels, groups, reach, rule })
    }

    /// Proves them sound for a task, its classes, and the features of each encoder.
    pub(crate) fn validate(
        &self,
        task: Task,
        n_classes: usize,
        n_features: impl Fn(usize) -> Option<usize>,
    ) -> Result<()> {
        let broken = |what: &str| {
            Err(Error::input(format!("the stored intervals are broken: {what}"))
                .hint("fit the model again, or fetch the file again"))
        };
        let is_level = |l: &f64| *l > 0.0 && *l < 1.0;
        if self.levels.is_empty()
            || !self.levels.iter().all(is_level)
            || !self.levels.is_sorted_by(|a, b| a < b)
        {
            return broken("their levels do not rise within (0, 1)");
        }
        let width = match self.rule {
            Rule::Sets { per_class: true } => n_classes,
            _ => 1 + self.groups.as_ref().map_or(0, Groups::len),
        };
        let fits = |of_level: &Vec<f64>| {
            of_level.len() == width && of_level.iter().all(|reach| reach.is_finite())
        };
        if self.reach.len() != self.levels.len() || !self.reach.iter().all(fits) {
            return broken("a reach is missing or not a number");
        }
        if task.is_classification() != matches!(self.rule, Rule::Sets { .. }) {
            return broken("they do not fit the task");
        }
        if let Rule::Quantiles { encoder, model } = &self.rule {
            let booster: &dyn std::any::Any = model.model.as_ref();
            let n_outputs = booster
                .downcast_ref::<modelwright_learners::gbdt::GbdtModel>()
                .map_or(0, modelwright_learners::gbdt::GbdtModel::n_outputs);
            let n_wanted = n_features(*encoder).map(|n| n + 1);
            if n_outputs != 2 * self.levels.len() || n_wanted != Some(model.model.n_features()) {
                return broken("their model does not fit its encoder or the levels");
            }
        }
        Ok(())
    }
}

/// The probability of a class; of two only that of class 1 is stored.
fn probability(predictions: &Predictions, row: usize, class: usize) -> f64 {
    match predictions.row(row) {
        [p] if class == 0 => 1.0 - p,
        [p] => *p,
        many => many[class],
    }
}

#[cfg(test)]
mod tests;
