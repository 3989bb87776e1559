//! A loss of one's own, given to the booster through the library.

use modelwright_core::data::TrainView;
use modelwright_core::task::Target;
use modelwright_core::{Error, Result};

use super::loss::{self, Loss};
use super::model::Link;

/// A loss that the booster minimises: derivatives and values of many rows at once.
///
/// Targets are the values of a regression or the class numbers of a classification. Rows have no
/// weights here: the booster multiplies what is returned by them. What is returned is checked,
/// every round; a wrong length, a number that is not finite, or a negative Hessian ends the fit
/// with an error that names row and round.
///
/// ```
/// use modelwright_core::Context;
/// use modelwright_core::data::{BinnedColumn, FeatureColumn, FeatureMatrix, TrainView};
/// use modelwright_core::params::Params;
/// use modelwright_core::task::Target;
/// use modelwright_learners::gbdt::{FitOptions, Gbdt, GbdtParams, Objective};
///
/// /// Being too low costs four times as much as being too high: the expectile of level 0.8.
/// struct Expectile;
///
/// impl Expectile {
///     fn weight(target: f64, score: f64) -> f64 {
///         if target > score { 0.8 } else { 0.2 }
///     }
/// }
///
/// impl Objective for Expectile {
///     fn gradients(&self, targets: &[f64], scores: &[Vec<f64>]) -> Vec<Vec<[f64; 2]>> {
///         let rows = targets.iter().zip(&scores[0]);
///         let of_row = |(y, s): (&f64, &f64)| {
///             let weight = Self::weight(*y, *s);
///             [weight * (s - y), weight]
///         };
///         vec![rows.map(of_row).collect()]
///     }
///
///     fn losses(&self, targets: &[f64], scores: &[Vec<f64>]) -> Vec<f64> {
///         let rows = targets.iter().zip(&scores[0]);
///         rows.map(|(y, s)| 0.5 * Self::weight(*y, *s) * (s - y).powi(2)).collect()
///     }
/// }
///
/// // One feature of two values, in two bins; targets 0 and 10 for one, 100 and 110 for the other.
/// let bins = BinnedColumn { codes: vec![0, 0, 1, 1].into(), cuts: vec![0.5] };
/// let mut column = FeatureColumn::dense("x", vec![0.0, 0.0, 1.0, 1.0]);
/// column.bins = Some(std::sync::Arc::new(bins));
/// let features = FeatureMatrix::new(4, vec![column]);
/// let target = Target::Real(vec![0.0, 10.0, 100.0, 110.0]);
/// let rows = [0, 1, 2, 3];
/// let train = TrainView {
///     features: &features,
///     target: &target,
///     weights: None,
///     rows: &rows,
///     validation: &[],
/// };
/// let params = GbdtParams {
///     n_rounds: 200,
///     learning_rate: 0.3,
///     min_samples_leaf: 1,
///     bagging_fraction: 1.0,
///     ..GbdtParams::default()
/// };
/// let options = FitOptions { objective: Some(&Expectile), ..FitOptions::default() };
/// let ctx = Context::unlimited(0, 1);
/// let model = Gbdt::fit_with(&train, &params.check("gbdt")?, &options, &ctx)?;
/// let scores = model.scores(&modelwright_core::data::FeatureView::all(&features), &ctx)?;
/// // 0.8 (10 - e) = 0.2 e at e = 8.
/// assert!((scores[0] - 8.0).abs() < 0.1 && (scores[3] - 108.0).abs() < 0.1);
/// # Ok::<(), modelwright_core::Error>(())
/// ```
pub trait Objective: Send + Sync {
    /// How many scores a row has; at least 1.
    fn n_outputs(&self) -> usize {
        1
    }

    /// How scores become predictions.
    fn link(&self) -> Link {
        Link::Identity
    }

    /// The scores that every row starts from, one per output; `weights` has one entry per row.
    fn base_scores(&self, targets: &[f64], weights: &[f32]) -> Vec<f64> {
        let _ = (targets, weights);
        vec![0.0; self.n_outputs()]
    }

    /// First and second derivative of each row's loss by its score, one vector per output; the
    /// second is at least 0. `scores` has the same shape.
    fn gradients(&self, targets: &[f64], scores: &[Vec<f64>]) -> Vec<Vec<[f64; 2]>>;

    /// The loss of each row; its weighted mean over the validation rows decides when to stop.
    fn losses(&self, targets: &[f64], scores: &[Vec<f64>]) -> Vec<f64>;
}

/// An objective over a fixed set of rows.
pub(super) struct Custom<'a> {
    objective: &'a dyn Objective,
    rows: &'a [u32],
    targets: Vec<f64>,
    weights: Vec<f32>,
}

impl<'a> Custom<'a> {
    /// The objective of the given rows of `train`.
    ///
    /// # Errors
    /// Input error for targets and weights that are not usable.
    pub(super) fn new(
        objective: &'a dyn Objective,
        train: &TrainView<'_>,
        rows: &'a [u32],
    ) -> Result<Self> {
        let targets = match train.target {
            Target::Real(values) => loss::finite_targets(values, rows)?,
            Target::Class { codes, .. } => {
                rows.iter().map(|r| f64::from(codes[*r as usize])).collect()
            }
        };
        Ok(Self { objective, rows, targets, weights: loss::weights(train, rows)? })
    }

    fn wrong_length(&self, what: &str, got: usize) -> Error {
        Error::input(format!("the custom loss gave the wrong number of {what}"))
            .expected(format!("{}, one per row", self.rows.len()))
            .got(got.to_string())
    }

    fn unusable(&self, what: &str, at: usize, got: f64) -> Error {
        Error::input(format!("the custom loss gave a {what} that is not usable"))
            .row(u64::from(self.rows[at]) + 1)
            .expected("a finite number (a Hessian: of at least 0)")
            .got(got.to_string())
            .hint("bound the score before taking its exponential, and guard divisions by 0")
    }

    /// The weighted derivatives of one output, checked.
    fn store(&self, derivatives: &[[f64; 2]], out: &mut [[f32; 2]]) -> Result<()> {
        if derivatives.len() != out.len() {
            return Err(self.wrong_length("gradients", derivatives.len()));
        }
        for (at, ([g, h], out)) in derivatives.iter().zip(out).enumerate() {
            let weight = self.weights[at];
            *out = [weight * *g as f32, weight * *h as f32];
            if !(out[0].is_finite() && g.is_finite()) {
                return Err(self.unusable("gradient", at, *g));
            }
            if !(out[1].is_finite() && *h >= 0.0) {
                return Err(self.unusable("Hessian", at, *h));
            }
        }
        Ok(())
    }
}

impl Loss for Custom<'_> {
    fn base_scores(&self) -> Result<Vec<f64>> {
        let base = self.objective.base_scores(&self.targets, &self.weights);
        let wanted = self.objective.n_outputs();
        if wanted == 0 || base.len() != wanted || base.iter().any(|s| !s.is_finite()) {
            return Err(Error::input("the custom loss gave base scores that are not usable")
                .expected(format!("{} finite numbers, one per output", wanted.max(1)))
                .got(format!("{base:?}")));
        }
        Ok(base)
    }

    fn gradients(&self, scores: &[Vec<f64>], out: &mut [Vec<[f32; 2]>]) -> Result<()> {
        let derivatives = self.objective.gradients(&self.targets, scores);
        if derivatives.len() != out.len() {
            return Err(Error::input("the custom loss gave gradients of the wrong outputs")
                .expected(format!("{} outputs", out.len()))
                .got(format!("{} outputs", derivatives.len())));
        }
        derivatives.iter().zip(out).try_for_each(|(from, to)| self.store(from, to))
    }

    fn mean(&self, scores: &[Vec<f64>]) -> Result<f64> {
        let losses = self.objective.losses(&self.targets, scores);
        if losses.len() != self.rows.len() {
            return Err(self.wrong_length("losses", losses.len()));
        }
        if let Some(at) = losses.iter().position(|l| !l.is_finite()) {
            return Err(self.unusable("loss", at, losses[at]));
        }
        Ok(loss::weighted_mean(&self.weights, |row| losses[row]))
    }

    fn link(&self) -> Link {
        self.objective.link()
    }
}
