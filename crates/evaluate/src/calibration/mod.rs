//! Calibration: making what is given 30 % happen in 30 % of the rows.
//!
//! A [`Calibrator`] is a fitted map from a model's probabilities to honest ones. It is fitted on
//! predictions of rows that the model did not learn from, and [`choose()`] tells, on those rows,
//! which one (if any) is worth having.
//!
//! | calibrator | numbers | keeps |
//! |---|---|---|
//! | temperature | 1 | the order within and, binary, across rows |
//! | Platt | 2 | the order |
//! | beta | 3 | the order |
//! | isotonic | many | the order, by a small share of the probability itself |
//!
//! All binary maps rise strictly, so that no ranking metric changes.

mod beta;
mod choose;
mod isotonic;
mod logistic;
mod platt;
mod temperature;

pub use choose::{Choice, N_CELLS_MAX, Tried, choose};
pub use isotonic::Isotonic;
pub use platt::MARGIN;

use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// The share of the probability itself in an isotonic map: its steps have slopes, so that rows of
/// one step keep their order.
pub const OWN_SHARE: f64 = 1e-3;

/// A map from a model's probabilities to calibrated ones.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum Calibrator {
    /// The probabilities as they are.
    #[default]
    None,
    /// Log-odds (or log-probabilities of many classes) divided by a number above 0.
    Temperature(f64),
    /// `1 / (1 + exp(-(slope · logit p + intercept)))`, `slope` above 0.
    Platt {
        /// What the log-odds are multiplied with.
        slope: f64,
        /// What is added to them.
        intercept: f64,
    },
    /// `1 / (1 + exp(-(a ln p − b ln(1 − p) + c)))`, `a` and `b` not negative, one of them above 0.
    Beta {
        /// Weight of `ln p`.
        a: f64,
        /// Weight of `−ln(1 − p)`.
        b: f64,
        /// What is added.
        c: f64,
    },
    /// A rising line of pieces.
    Isotonic(Isotonic),
}

/// The methods that can be fitted, simplest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// [`Calibrator::Temperature`].
    Temperature,
    /// [`Calibrator::Platt`].
    Platt,
    /// [`Calibrator::Beta`].
    Beta,
    /// [`Calibrator::Isotonic`].
    Isotonic,
}

impl Method {
    /// All methods, simplest first.
    pub const ALL: [Self; 4] = [Self::Temperature, Self::Platt, Self::Beta, Self::Isotonic];

    /// The name used in records and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::Platt => "platt",
            Self::Beta => "beta",
            Self::Isotonic => "isotonic",
        }
    }

    /// Fits it; `None` when the rows do not determine a rising map, or there is a row of which
    /// nothing can be learned (see [`Isotonic::fit`]), or the method is for two classes only and
    /// there are more.
    pub fn fit(
        self,
        truth: &Target,
        predictions: &Predictions,
        weights: Option<&[f64]>,
    ) -> Option<Calibrator> {
        let codes = truth.codes()?;
        let n_rows = codes.len();
        let is_binary = predictions.n_outputs == 1;
        let fits = predictions.n_rows() == n_rows && weights.is_none_or(|w| w.len() == n_rows);
        if n_rows == 0 || !fits || (self != Self::Temperature && !is_binary) {
            return None;
        }
        match self {
            Self::Temperature => temperature::fit(codes, predictions, weights),
            Self::Platt => platt::fit(codes, &predictions.values, weights),
            Self::Beta => beta::fit(codes, &predictions.values, weights),
            Self::Isotonic => isotonic::fit_calibrator(codes, &predictions.values, weights),
        }
    }
}

impl Calibrator {
    /// The method's name; `none` for [`Self::None`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Temperature(_) => Method::Temperature.name(),
            Self::Platt { .. } => Method::Platt.name(),
            Self::Beta { .. } => Method::Beta.name(),
            Self::Isotonic(_) => Method::Isotonic.name(),
        }
    }

    /// Calibrates predictions in place; those of a regression are left alone by the rule that
    /// none is ever fitted to them. [`Self::None`] leaves the bytes as they are.
    pub fn apply(&self, predictions: &mut Predictions) {
        match self {
            Self::None => {}
            Self::Temperature(t) => temperature::apply(predictions, *t),
            Self::Platt { slope, intercept } => {
                each(predictions, |p| platt::value(p, *slope, *intercept));
            }
            Self::Beta { a, b, c } => each(predictions, |p| beta::value(p, [*a, *b, *c])),
            Self::Isotonic(map) => {
                each(predictions, |p| (1.0 - OWN_SHARE) * map.value(p) + OWN_SHARE * p);
            }
        }
    }

    /// Proves that a decoded calibrator is a rising map of finite numbers that fits predictions
    /// of `n_outputs` numbers a row.
    ///
    /// # Errors
    /// Input error that says what is broken.
    pub fn validate(&self, n_outputs: usize) -> Result<()> {
        let broken = |what: &str| Err(Error::input(format!("a stored calibration {what}")));
        let rises = match self {
            Self::None => true,
            Self::Temperature(t) => t.is_finite() && *t > 0.0,
            Self::Platt { slope, intercept } => {
                slope.is_finite() && *slope > 0.0 && intercept.is_finite()
            }
            Self::Beta { a, b, c } => {
                let usable = |w: &f64| w.is_finite() && *w >= 0.0;
                usable(a) && usable(b) && a + b > 0.0 && c.is_finite()
            }
            Self::Isotonic(map) => map.is_sound_probability(),
        };
        if !rises {
            return broken("is not a rising map of numbers");
        }
        if n_outputs > 1 && !matches!(self, Self::None | Self::Temperature(_)) {
            return broken("is for two classes, and there are more");
        }
        Ok(())
    }
}

fn each(predictions: &mut Predictions, value: impl Fn(f64) -> f64) {
    for p in &mut predictions.values {
        *p = value(*p);
    }
}

/// `1 / (1 + exp(-z))`, without overflow on either side.
fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 {
        1.0 / (1.0 + (-z).exp())
    } else {
        let e = z.exp();
        e / (1.0 + e)
    }
}

#[cfg(test)]
mod tests;
