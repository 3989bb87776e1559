//! A model, seen from an explanation: raw rows in, numbers out.

use modelwright_core::task::{Predictions, Task};

use super::explanation::Scale;
use crate::explain::RawPredictor;

/// No probability counts as nearer to 0 or 1 than this when its logarithm is taken.
const PROBABILITY_MIN: f64 = 1e-9;

/// The model to explain.
#[derive(Clone)]
pub struct Subject<'a> {
    /// Predicts raw rows.
    pub predictor: &'a dyn RawPredictor,
    /// The raw columns that it reads.
    pub columns: Vec<String>,
    /// Names of what it predicts: classes, or (binary) the positive class, or the target.
    pub outputs: Vec<String>,
    /// The question that it answers.
    pub task: Task,
}

impl Subject<'_> {
    /// What the model's predictions are.
    pub fn scale(&self) -> Scale {
        if self.task.is_classification() { Scale::Probability } else { Scale::Value }
    }

    /// Predictions on the scale asked for, in place. A regression has one scale.
    pub fn on_scale(&self, scale: Scale, predictions: &mut Predictions) {
        if scale != Scale::Margin || !self.task.is_classification() {
            return;
        }
        let is_binary = predictions.n_outputs == 1;
        for p in &mut predictions.values {
            let known = p.clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN);
            *p = if is_binary { (known / (1.0 - known)).ln() } else { known.ln() };
        }
    }
}
