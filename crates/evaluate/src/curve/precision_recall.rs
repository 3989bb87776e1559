//! The precision–recall curve.

use modelwright_core::record::CurvePoint;
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Error, Result};

use super::thin::thin;
use super::{POINTS_MAX, ranked};

/// Precision against recall for falling thresholds, from recall 0 (precision 1, by convention) to
/// recall 1, at most [`POINTS_MAX`] points. Once recall is 1 it ends: lower thresholds only lose
/// precision.
///
/// # Errors
/// Input error for a target that is not binary or when no positive row has weight.
pub fn precision_recall_curve(
    truth: &Target,
    probabilities: &Predictions,
    weights: Option<&[f64]>,
) -> Result<Vec<CurvePoint>> {
    let ranked = ranked(truth, probabilities, weights)?;
    let mut points = vec![CurvePoint { x: 0.0, y: 1.0, threshold: None }];
    let (mut decided, mut hits) = (0.0, 0.0);
    let mut n_needed = 0;
    ranked.walk(weights, |negative, positive, row| {
        decided += negative + positive;
        hits += positive;
        if decided > 0.0 {
            let threshold = Some(probabilities.values[row as usize]);
            points.push(CurvePoint { x: hits, y: hits / decided, threshold });
            if positive > 0.0 {
                n_needed = points.len();
            }
        }
    });
    if hits <= 0.0 {
        return Err(Error::input("the precision–recall curve is undefined on these rows")
            .expected("at least one positive row"));
    }
    points.truncate(n_needed);
    for point in &mut points {
        point.x /= hits;
    }
    Ok(thin(points, POINTS_MAX))
}
