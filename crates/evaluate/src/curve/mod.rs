//! The curves, bins and tables behind the numbers, in the shapes that the record keeps.

mod calibration;
mod confusion;
mod precision_recall;
mod residuals;
mod roc;
mod thin;

pub use calibration::calibration_bins;
pub(crate) use calibration::wilson;
pub use confusion::confusion_matrix;
pub(crate) use confusion::share_intervals;
pub use precision_recall::precision_recall_curve;
pub use residuals::residuals;
pub use roc::roc_curve;

use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Error, Result};

use crate::metric::{Ranked, check_pair, check_weights};

/// The most points that a curve has.
pub const POINTS_MAX: usize = 200;

/// The rows of a binary target by falling probability.
fn ranked(truth: &Target, p: &Predictions, weights: Option<&[f64]>) -> Result<Ranked> {
    check_pair(truth, p)?;
    if let Some(weights) = weights {
        check_weights(weights, truth.n_rows())?;
    }
    match truth {
        Target::Class { codes, n_classes: 0..=2 } => {
            Ok(Ranked::new(codes.len(), |row| p.values[row], |row| codes[row] == 1))
        }
        _ => Err(Error::input("this curve needs a binary target").got(truth.task().name())),
    }
}

#[cfg(test)]
mod tests;
