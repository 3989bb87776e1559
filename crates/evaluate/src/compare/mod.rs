//! Is one model better than another? A paired test on the same rows.
//!
//! | metric | test | interval of the difference |
//! |---|---|---|
//! | roc_auc | DeLong | DeLong |
//! | accuracy | McNemar (exact below 25 disagreements) | Bonett & Price |
//! | means over rows, such as losses | paired bootstrap | studentised |
//! | the same, where at most 25 rows differ | exchanges of those rows | percentile |
//! | others, or with weights | paired bootstrap | percentile |
//! | any, of rows in groups | paired bootstrap of whole groups, t-test | t |

pub mod adjust;
pub mod clusters;
mod costs;
pub mod datasets;
mod delong;
pub mod folds;
mod mcnemar;
mod paired;
pub mod power;
mod studentised;
pub mod study;
mod swaps;
mod welch;

use modelwright_core::record::Interval;
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::metric::{MetricEntry, MetricInput, MetricSpec, nothing_measured_of_truth};

pub use costs::{compare_costs, compare_decisions};
pub(crate) use delong::auc_variance;
pub use delong::{Delong, delong};
pub use mcnemar::{McNemar, mcnemar};
pub use welch::{Parted, Welch, welch, welch_of_rows};

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

/// Whether a difference matters, beyond whether it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// The difference up to which two models are equal for all practical purposes (the region of
    /// practical equivalence), in the metric's unit.
    pub rope: f64,
    /// The probability that A is better by more than that.
    pub a_better: f64,
    /// The probability that the two are practically equal.
    pub equal: f64,
    /// The probability that B is better by more than that.
    pub b_better: f64,
    /// Rows from which on a difference of this size is found in four of five samples.
    pub n_rows_needed: Option<f64>,
    /// What it comes to, in one or two sentences.
    pub words: String,
}

impl Comparison {
    /// Weighs the difference, measured on `n_rows` rows, against `rope`; the metric's direction
    /// says who is better.
    pub fn weigh(&self, larger_is_better: bool, n_rows: usize, rope: f64) -> Weight {
        let sign = if larger_is_better { 1.0 } else { -1.0 };
        let belief = power::belief(sign * self.difference, self.ci95, n_rows, rope);
        let [b_better, equal, a_better] = belief.probabilities;
        let mut weight = Weight {
            rope,
            a_better,
            equal,
            b_better,
            n_rows_needed: belief.n_rows_needed,
            words: String::new(),
        };
        weight.words = words(&weight, self.is_significant(), n_rows);
        weight
    }
}

fn words(weight: &Weight, is_shown: bool, n_rows: usize) -> String {
    /// From here on something is called nearly certain.
    const SURE: f64 = 0.95;
    let Weight { rope, a_better, equal, b_better, .. } = *weight;
    let percent = |p: f64| match p {
        p if p > 0.995 && p < 1.0 => "more than 99 %".to_owned(),
        p if p < 0.005 && p > 0.0 => "less than 1 %".to_owned(),
        p => format!("{:.0} %", p * 100.0),
    };
    let rope = digits(rope);
    let first = if equal > SURE {
        format!(
            "The difference does not matter: it is within ±{rope} with a \
             probability of {}.",
            percent(equal)
        )
    } else if a_better.max(b_better) > SURE {
        let better = if a_better > b_better { "A" } else { "B" };
        let p = percent(a_better.max(b_better));
        format!(
            "The difference matters: {better} is better by more than {rope} with a probability of \
             {p}."
        )
    } else {
        format!(
            "Whether it matters is open: A is better by more than {rope} with a probability of \
             {}, B with {}; they are practically equal with {}.",
            percent(a_better),
            percent(b_better),
            percent(equal)
        )
    };
    match weight.n_rows_needed {
        Some(needed) if !is_shown && needed > n_rows as f64 && equal <= SURE => {
            format!("{first} To tell so small a difference takes about {} rows.", rounded(needed))
        }
        _ => first,
    }
}

/// Two significant digits with separators: a guess of a number of rows.
fn rounded(n: f64) -> String {
    let unit = 10.0_f64.powi((n.log10().floor() as i32 - 1).max(0));
    let text = format!("{:.0}", (n / unit).round() * unit);
    let digits = text.len();
    let mut grouped = String::new();
    for (i, c) in text.chars().enumerate() {
        if i > 0 && (digits - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(c);
    }
    grouped
}

/// What a test of the difference yields.
struct Tested {
    ci95: Interval,
    p_value: f64,
    method: String,
}

/// Two models' predictions of the same rows.
#[derive(Debug, Clone, Copy)]
pub struct Paired<'a> {
    /// The answers.
    pub truth: &'a Target,
    /// What model A says.
    pub a: &'a Predictions,
    /// What model B says.
    pub b: &'a Predictions,
    /// Row weights.
    pub weights: Option<&'a [f64]>,
    /// The group of each row, where rows of a group belong together and are no independent
    /// witnesses.
    pub groups: Option<&'a [u32]>,
    /// The decision thresholds of A and B.
    pub thresholds: (f64, f64),
}

impl<'a> Paired<'a> {
    /// Rows that weigh alike and are independent, decided at 0.5.
    pub fn new(truth: &'a Target, a: &'a Predictions, b: &'a Predictions) -> Self {
        Self { truth, a, b, weights: None, groups: None, thresholds: (0.5, 0.5) }
    }

    /// The groups, unless each has one row.
    fn groups(&self) -> Option<&'a [u32]> {
        self.groups.filter(|groups| {
            let mut sorted = groups.to_vec();
            sorted.sort_unstable();
            sorted.windows(2).any(|pair| pair[0] == pair[1])
        })
    }
}

/// Compares the predictions of two models for the same rows by `metric`.
///
/// # Errors
/// Input error when predictions do not fit the truth, the metric is undefined on these rows, or all
/// of them are of one group.
pub fn compare(metric: &MetricEntry, pair: &Paired<'_>, ctx: &Context) -> Result<Comparison> {
    let Paired { truth, weights, thresholds, .. } = *pair;
    let input_a = MetricInput { truth, predictions: pair.a, weights, threshold: thresholds.0 };
    let input_b = MetricInput { truth, predictions: pair.b, weights, threshold: thresholds.1 };
    // What a model alone makes undefined, such as the precision of one that never says yes, is
    // compared by its convention: such a model must be possible to replace.
    if let Some(undefined) = nothing_measured_of_truth(metric.name(), &input_a) {
        metric.value(&input_a)?;
        return Err(undefined);
    }
    let (prepared_a, prepared_b) = (metric.prepare(&input_a)?, metric.prepare(&input_b)?);
    let (value_a, value_b) = (prepared_a.value(weights)?, prepared_b.value(weights)?);
    let codes = truth.codes().unwrap_or_default();
    let is_plain = weights.is_none() && pair.groups().is_none();
    let tested = match metric.spec.name {
        "roc_auc" if is_plain => delong(codes, &pair.a.values, &pair.b.values)?.tested(),
        "accuracy" if is_plain => {
            let (a, b) = (pair.a.classes(thresholds.0), pair.b.classes(thresholds.1));
            mcnemar(codes, &a, &b).tested()
        }
        _ => paired::bootstrap(metric, &prepared_a, &prepared_b, pair, ctx)?,
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
mod golden;
#[cfg(test)]
mod tests;
