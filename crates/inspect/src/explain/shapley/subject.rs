//! A model, seen from an explanation: raw rows in, numbers out.

use modelwright_core::task::{Predictions, Task};

use super::explanation::Scale;
use crate::explain::RawPredictor;

/// No probability counts as nearer to 0 or to 1 than what a number can hold when its logarithm is
/// taken.
const PROBABILITY_MIN: f64 = f64::MIN_POSITIVE;
const PROBABILITY_MAX: f64 = 1.0 - f64::EPSILON / 2.0;

/// The model to explain.
#[derive(Clone)]
pub struct Subject<'a> {
    /// Predicts raw rows.
    pub predictor: &'a dyn RawPredictor,
    /// Says nearly the same in a fraction of the time, if anything does: drawn orders are mostly
    /// walked with it (see [`super`]).
    pub quick: Option<&'a dyn RawPredictor>,
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
            let known = p.clamp(PROBABILITY_MIN, PROBABILITY_MAX);
            *p = if is_binary { (known / (1.0 - known)).ln() } else { known.ln() };
        }
    }
}
