//! How the validation loss of a fit went, for whoever decides later how many rounds are best.
//!
//! A fit that stops where *its own* validation rows are predicted best is flattered by these rows:
//! on a target of pure noise every fit looks at least as good as a constant. The search judges fits
//! by the rows that they did not learn from, so it asks for the whole course, and lets the courses
//! of the *other* folds say how many rounds a fold is judged after (`automl`, `trial/rounds`).

use modelwright_core::task::Predictions;

/// The most numbers that the predictions of a course may take (32 MB); a fit whose course would
/// take more has so many validation rows that the choice of one number does not flatter it.
const N_NUMBERS_MAX: usize = 4_000_000;

/// What the validation rows say of a fit after each number of rounds.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// The mean loss of the validation rows after 0, 1, 2, … rounds, in the unit that is minimised;
    /// infinite where there is no such model.
    pub losses: Vec<f64>,
    /// The predictions of the validation rows after as many rounds. Empty for a model that can be
    /// cut afterwards ([`crate::Model::cut`]).
    pub predictions: Vec<Predictions>,
}

impl Course {
    /// Whether the predictions of so many rows after so many rounds may be kept.
    pub(crate) fn may_keep(n_rows: usize, n_outputs: usize, n_rounds: usize) -> bool {
        n_rows.saturating_mul(n_outputs).saturating_mul(n_rounds) <= N_NUMBERS_MAX
    }
}
