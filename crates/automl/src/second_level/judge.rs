//! What a correction is worth: the ensemble with it against the ensemble without, both as they
//! would be delivered.

use modelwright_core::Context;
use modelwright_core::data::Fold;
use modelwright_core::task::Predictions;
use modelwright_evaluate::metric::MetricEntry;

use crate::conformal::Parts;
use crate::gate::{self, Duel, Gate};
use crate::search::Found;
use crate::{calibrate, parts};

/// What judges.
pub(super) struct Judge<'a> {
    pub found: &'a Found,
    pub folds: &'a [Fold],
    pub metric: &'static MetricEntry,
    /// Each is judged by what the others taught.
    pub parts: &'a Parts,
    /// The part of the members, by weight, that models of folds judged.
    pub share_of_folds: f64,
}

/// Predictions as they would be delivered, and their score.
pub(super) struct Judged {
    pub predictions: Predictions,
    pub score: Option<f64>,
}

impl Judge<'_> {
    /// Out-of-fold predictions as they would be delivered: calibrated by the other parts.
    pub(super) fn judged(&self, predictions: &Predictions, ctx: &Context) -> Judged {
        let Self { found, folds, metric, .. } = *self;
        let mut calibrated = predictions.clone();
        let made = calibrate::calibrate(found, &mut calibrated, folds, metric, ctx);
        let judged = made.cross_fitted.unwrap_or(calibrated);
        let scored = made.scored.as_ref().unwrap_or(&judged);
        let score = found.score(metric, &found.comparable(metric, scored, self.share_of_folds));
        Judged { predictions: judged, score }
    }

    /// What the gate says of two, part after part.
    pub(super) fn duel(&self, challenger: &Predictions, incumbent: &Predictions) -> Gate {
        let found = self.found;
        let order: Vec<u32> = self.parts.positions.iter().flatten().copied().collect();
        let weights: Option<Vec<f64>> =
            found.weights.as_ref().map(|w| order.iter().map(|i| w[*i as usize]).collect());
        let groups: Option<Vec<u32>> =
            found.groups.as_ref().map(|g| order.iter().map(|i| g[*i as usize]).collect());
        let fold_rows: Vec<usize> = self.parts.positions.iter().map(Vec::len).collect();
        gate::compare(&Duel {
            challenger: &challenger.select(&order),
            incumbent: &incumbent.select(&order),
            truth: &found.truth.select(&order),
            weights: weights.as_deref(),
            groups: groups.as_deref(),
            fold_rows: &fold_rows,
        })
    }

    /// Whether the ensemble knows more than a constant: what knows nothing has nothing to correct,
    /// and its out-of-fold predictions lean away from the very rows that judge them.
    pub(super) fn has_learned(&self, ensemble: &Judged) -> bool {
        let found = self.found;
        let constant = parts::constant(&found.truth, found.weights.as_deref(), found.rows.len());
        self.duel(&ensemble.predictions, &constant).accepted
    }
}
