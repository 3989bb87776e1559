//! What a fit may be given beside rows and parameters, through the library.

use modelwright_core::Result;
use modelwright_core::data::TrainView;

use super::loss::{self, Loss};
use super::model::{GbdtModel, Link};
use super::objective::{Custom, Objective};
use super::params::GbdtParams;

/// Extras of [`super::Gbdt::fit_with`]; the default is none.
#[derive(Clone, Copy, Default)]
pub struct FitOptions<'a> {
    /// A loss of one's own in place of the parameter `loss`.
    pub objective: Option<&'a dyn Objective>,
    /// Ascending levels between 0 and 1 of quantiles to be learned at once, in place of the
    /// parameter `loss`: the model has one output per level, and they never cross.
    pub quantile_levels: Option<&'a [f64]>,
    /// A model to add rounds to; the new model begins with its trees. It must have been fitted on
    /// the same features with the same loss. With the learning rate given, rounds added in two
    /// fits are those of one.
    pub warm_start: Option<&'a GbdtModel>,
    /// Scores that rows start from (offsets), row-major with one entry per row of the table, the
    /// validation rows among them, and output. They take the place of the base score and are no
    /// part of the model: add them to its [`GbdtModel::scores`].
    pub init_scores: Option<&'a [f64]>,
    /// Called with the model so far while rounds go on.
    pub snapshot: Option<Snapshot<'a>>,
}

/// How often the model so far is shown, and to whom.
#[derive(Clone, Copy)]
pub struct Snapshot<'a> {
    /// Rounds between two calls; at least 1.
    pub every: usize,
    /// Takes the model, cut to its best round where validation rows know it.
    pub take: &'a (dyn Fn(&GbdtModel) + Send + Sync),
}

impl std::fmt::Debug for FitOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FitOptions")
            .field("objective", &self.objective.is_some())
            .field("quantile_levels", &self.quantile_levels)
            .field("warm_start", &self.warm_start.is_some())
            .field("init_scores", &self.init_scores.map(<[f64]>::len))
            .field("snapshot", &self.snapshot.map(|s| s.every))
            .finish()
    }
}

impl<'a> FitOptions<'a> {
    /// The loss of the given rows.
    ///
    /// # Errors
    /// Input error when the loss cannot learn the rows.
    pub(super) fn loss(
        &self,
        params: &GbdtParams,
        train: &TrainView<'_>,
        rows: &'a [u32],
    ) -> Result<Box<dyn Loss + 'a>> {
        match (self.objective, self.quantile_levels) {
            (Some(objective), _) => Ok(Box::new(Custom::new(objective, train, rows)?)),
            (None, Some(levels)) => loss::make_quantiles(levels, Link::Ascending, train, rows),
            (None, None) => match params.quantile_levels()? {
                levels if levels.is_empty() => loss::make(params, train, rows),
                levels => {
                    params.check_quantiles()?;
                    loss::make_quantiles(&levels, Link::Quantiles, train, rows)
                }
            },
        }
    }
}
