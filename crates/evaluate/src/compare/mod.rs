//! Is one model better than another? A paired test on the same rows.
//!
//! | metric | test | interval of the difference |
//! |---|---|---|
//! | roc_auc | DeLong | DeLong |
//! | accuracy | McNemar (exact below 25 disagreements) | Bonett & Price |
//! | others, or with weights | paired stratified bootstrap | percentile |

mod delong;
mod mcnemar;
mod paired;
mod welch;

use modelwright_core::record::Interval;
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::metric::{MetricEntry, MetricInput, MetricSpec};

pub use delong::{Delong, delong};
pub use mcnemar::{McNemar, mcnemar};
pub use welch::{Welch, welch};

/// The level below which a difference counts as shown.
const LEVEL: f64 = 0.05;

/// The result of comparing model A with model B.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The metric's name.
    pub metric: String,
    /// The value of A.
    pub value_a: f64,
    /// The value of B.
    pub value_b: f64,
    /// A minus B.
    pub difference: f64,
    /// 95 % interval of the difference.
    pub ci95: Interval,
    /// Two-sided p-value of "there is no difference".
    pub p_value: f64,
    /// The test and the interval, in words.
    pub method: String,
    /// The finding, in one sentence.
    pub verdict: String,
}

impl Comparison {
    /// Whether a difference is shown at the 5 % level.
    pub fn is_significant(&self) -> bool {
        self.p_value < LEVEL
    }
}

/// What a test of the difference yields.
struct Tested {
    ci95: Interval,
    p_value: f64,
    method: String,
}

/// Compares the predictions of two models for the same rows by `metric`; `thresholds` are the
/// decision thresholds of A and B.
///
/// # Errors
/// Input error when predictions do not fit the truth or the metric is undefined on these rows.
pub fn compare(
    metric: &MetricEntry,
    truth: &Target,
    a: &Predictions,
    b: &Predictions,
    weights: Option<&[f64]>,
    thresholds: (f64, f64),
    ctx: &Context,
) -> Result<Comparison> {
    let input_a = MetricInput { truth, predictions: a, weights, threshold: thresholds.0 };
    let input_b = MetricInput { truth, predictions: b, weights, threshold: thresholds.1 };
    let (prepared_a, prepared_b) = (metric.prepare(&input_a)?, metric.prepare(&input_b)?);
    let (value_a, value_b) = (prepared_a.value(weights)?, prepared_b.value(weights)?);
    let codes = truth.codes().unwrap_or_default();
    let tested = match (metric.spec.name, weights) {
        ("roc_auc", None) => delong(codes, &a.values, &b.values)?.tested(),
        ("accuracy", None) => {
            let (a, b) = (a.classes(thresholds.0), b.classes(thresholds.1));
            mcnemar(codes, &a, &b).tested()
        }
        _ => paired::bootstrap(&prepared_a, &prepared_b, &input_a, ctx)?,
    };
    let Tested { ci95, p_value, method } = tested;
    Ok(Comparison {
        metric: metric.spec.name.to_owned(),
        value_a,
        value_b,
        difference: value_a - value_b,
        ci95,
        p_value,
        method,
        verdict: verdict(metric.spec, value_a - value_b, ci95, p_value),
    })
}

fn verdict(spec: &MetricSpec, difference: f64, ci95: Interval, p_value: f64) -> String {
    let p = if p_value < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p_value:.3}") };
    if p_value >= LEVEL {
        let (low, high) = (ci95.low, ci95.high);
        return format!(
            "No difference in {} is shown: A minus B is {} (95 % interval {} to {}, {p}).",
            spec.name,
            digits(difference),
            digits(low),
            digits(high)
        );
    }
    let (better, worse) = if spec.gain(difference, 0.0) > 0.0 { ("A", "B") } else { ("B", "A") };
    let (mut low, mut high) = (ci95.low.abs(), ci95.high.abs());
    if ci95.low * ci95.high < 0.0 {
        low = 0.0; // the interval and the test may disagree by a hair
        high = if difference > 0.0 { ci95.high } else { -ci95.low };
    }
    format!(
        "{better} is better than {worse}: its {} is {} by {} (95 % interval {} to {}, {p}).",
        spec.name,
        if spec.larger_is_better { "higher" } else { "lower" },
        digits(difference.abs()),
        digits(low.min(high)),
        digits(low.max(high))
    )
}

/// Four significant digits without an exponent in the usual range.
fn digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let places = (3 - value.abs().log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.places$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests;
