//! The receiver operating characteristic.

use modelwright_core::record::CurvePoint;
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Error, Result};

use super::thin::thin;
use super::{POINTS_MAX, ranked};

/// True against false positive rate for falling thresholds, from (0, 0) to (1, 1), at most
/// [`POINTS_MAX`] points.
///
/// # Errors
/// Input error for a target that is not binary or when a class has no weight.
pub fn roc_curve(
    truth: &Target,
    probabilities: &Predictions,
    weights: Option<&[f64]>,
) -> Result<Vec<CurvePoint>> {
    let ranked = ranked(truth, probabilities, weights)?;
    let mut points = vec![CurvePoint { x: 0.0, y: 0.0, threshold: None }];
    let (mut negatives, mut positives) = (0.0, 0.0);
    ranked.walk(weights, |negative, positive, row| {
        negatives += negative;
        positives += positive;
        let threshold = Some(probabilities.values[row as usize]);
        points.push(CurvePoint { x: negatives, y: positives, threshold });
    });
    if !(negatives > 0.0 && positives > 0.0) {
        return Err(Error::input("the ROC curve is undefined on these rows")
            .expected("rows of both classes"));
    }
    for point in &mut points {
        point.x /= negatives;
        point.y /= positives;
    }
    Ok(thin(points, POINTS_MAX))
}
