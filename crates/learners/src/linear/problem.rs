//! From a training view to a solved problem: checks, standardising, the choice of solver, and the
//! way back to raw units.

use std::cell::RefCell;

use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};

use super::LinearParams;
use super::design::{Design, Scaling, refuse_missing};
use super::model::{LARGEST, LinearModel};
use super::objective::{Goal, Objective};
use super::path::{Chosen, Judge, Path};
use super::solve::solve_path;
use crate::course::Course;
use crate::learner::Model;

/// Regression predictions may leave the range of the training target by this share of it: a
/// linear model has no bound, and one outlying feature would otherwise predict anything.
const RANGE_MARGIN: f64 = 0.1;

/// Score, relative to the others, of a class that no training row has: a share below 1e-13.
const ABSENT: f64 = -30.0;

/// Targets beyond this are refused: coefficients could not be kept finite.
const LARGEST_TARGET: f64 = 1e100;

/// What is learned from: the view and its target in the solver's form.
pub(super) struct Problem<'a> {
    train: &'a TrainView<'a>,
    weights: Vec<f64>,
    outcome: Outcome,
}

/// The loss and the coefficients of each step of a path.
type Seen = RefCell<Vec<(f64, Vec<f64>)>>;

/// What the target looks like in training.
enum Outcome {
    /// Mean, standard deviation (0 when constant), and the range predictions are clamped to.
    Real { center: f64, scale: f64, range: (f64, f64) },
    /// Number of classes, those that have weight (ascending), and the share of each.
    Classes { n_classes: usize, present: Vec<u32>, shares: Vec<f64> },
}

/// Coefficients on standardised features, and how they were standardised.
pub(super) struct Solution {
    chosen: Chosen,
    scaling: Scaling,
    penalty: f64,
}

impl<'a> Problem<'a> {
    /// Checks what is to be learned.
    ///
    /// # Errors
    /// Input error for no rows, no weight, missing features or unusable targets.
    pub(super) fn new(train: &'a TrainView<'a>) -> Result<Self> {
        let weights: Vec<f64> = train.rows.iter().map(|r| train.weight(*r)).collect();
        let total: f64 = weights.iter().sum();
        if !(total > 0.0 && total.is_finite()) {
            return Err(Error::input("linear has no rows to learn from")
                .expected("at least one row with a positive weight")
                .got(format!("{} rows of total weight {total}", train.rows.len())));
        }
        refuse_missing(train.features, train.rows)?;
        refuse_missing(train.features, train.validation)?;
        let outcome = match train.target {
            Target::Real(values) => real_outcome(train.rows, values, &weights)?,
            Target::Class { codes, n_classes } => {
                let mut shares = vec![0.0; (*n_classes).max(2)];
                for (row, weight) in train.rows.iter().zip(&weights) {
                    shares[codes[*row as usize] as usize] += weight / total;
                }
                let present: Vec<u32> =
                    (0..shares.len() as u32).filter(|k| shares[*k as usize] > 0.0).collect();
                let shares = present.iter().map(|k| shares[*k as usize]).collect();
                Outcome::Classes { n_classes: *n_classes, present, shares }
            }
        };
        Ok(Self { train, weights, outcome })
    }

    /// Whether every row has the same target, so that there is nothing to solve.
    pub(super) fn is_constant(&self) -> bool {
        match &self.outcome {
            Outcome::Real { scale, .. } => *scale == 0.0,
            Outcome::Classes { present, .. } => present.len() < 2,
        }
    }

    /// The model without features, for a constant target or when there is no time for more.
    pub(super) fn constant(&self) -> LinearModel {
        let features = self.train.features;
        let n_sparse = features.sparse.as_ref().map_or(0, |s| s.n_columns);
        let solution = Solution {
            chosen: Chosen { theta: self.start(features.n_features() + n_sparse + 1), step: 0 },
            scaling: Scaling::none(features.n_features(), n_sparse),
            penalty: 0.0,
        };
        self.model(&solution)
    }

    /// Finds coefficients along the penalty path.
    pub(super) fn solve(&self, params: &LinearParams, ctx: &Context) -> Solution {
        self.follow(params, None, ctx)
    }

    /// As [`Self::solve`], and how each step of the path predicts the validation rows; `None`
    /// where there are no such rows, or so many that the choice of a step does not flatter it.
    pub(super) fn observe(
        &self,
        params: &LinearParams,
        ctx: &Context,
    ) -> Option<Result<(LinearModel, Course)>> {
        let (features, rows) = (self.train.features, self.train.validation);
        let n_sparse = features.sparse.as_ref().map_or(0, |s| s.n_columns);
        let n_params = self.n_solved() * (features.n_features() + n_sparse + 1);
        let n_outputs = self.train.target.n_outputs();
        let may_keep = |n_rows, n_numbers| Course::may_keep(n_rows, n_numbers, params.path_steps);
        if rows.is_empty() || !may_keep(rows.len(), n_outputs) || !may_keep(1, n_params) {
            return None;
        }
        let seen = RefCell::new(Vec::new());
        let solution = self.follow(params, Some(&seen), ctx);
        let said = |model: &LinearModel| model.predict(&FeatureView::of(features, rows), ctx);
        let course = || {
            let mut course =
                Course { losses: vec![f64::INFINITY], predictions: vec![said(&self.constant())?] };
            for (step, (loss, theta)) in seen.take().into_iter().enumerate() {
                let chosen = Chosen { theta, step };
                let of_step = Solution { chosen, scaling: solution.scaling.clone(), penalty: 0.0 };
                course.losses.push(loss);
                course.predictions.push(said(&self.model(&of_step))?);
            }
            Ok((self.model(&solution), course))
        };
        Some(course())
    }

    fn follow(&self, params: &LinearParams, seen: Option<&Seen>, ctx: &Context) -> Solution {
        let scaling = Scaling::fit(self.train.features, self.train.rows, &self.weights);
        let objective = self.objective(self.train.rows, &self.weights, &scaling);
        // Rows of classes that training lacks cannot be judged: every model is infinitely wrong.
        let (rows, weights): (Vec<u32>, Vec<f64>) = self
            .train
            .validation
            .iter()
            .map(|r| (*r, self.train.weight(*r)))
            .filter(|(r, w)| *w > 0.0 && self.is_present(*r))
            .unzip();
        let judges = (!rows.is_empty()).then(|| self.objective(&rows, &weights, &scaling));
        let path =
            Path { start: params.path_start, ratio: params.path_ratio, steps: params.path_steps };
        let start = self.start(objective.design.n_params());
        let judge = judges.map(|judges| {
            move |theta: &[f64]| {
                let loss = judges.loss(theta);
                if let Some(seen) = seen {
                    seen.borrow_mut().push((loss, theta.to_vec()));
                }
                loss
            }
        });
        let judge = judge.as_ref().map(|judge| judge as &Judge<'_>);
        let chosen = solve_path(&objective, judge, &path, start, &self.variances(), params, ctx);
        let penalty = path.strength(chosen.step);
        Solution { chosen, scaling, penalty }
    }

    fn is_present(&self, row: u32) -> bool {
        match (&self.outcome, self.train.target.codes()) {
            (Outcome::Classes { present, .. }, Some(codes)) => {
                present.binary_search(&codes[row as usize]).is_ok()
            }
            _ => true,
        }
    }

    /// Outputs of the solver: classes that training lacks have none.
    fn n_solved(&self) -> usize {
        match &self.outcome {
            Outcome::Classes { n_classes, present, .. } if *n_classes > 2 => present.len(),
            _ => 1,
        }
    }

    /// Coefficients of zero, intercepts at the mean of the target; `stride` per output.
    fn start(&self, stride: usize) -> Vec<f64> {
        let mut theta = vec![0.0; self.n_solved() * stride];
        if let Outcome::Classes { n_classes, present, shares } = &self.outcome {
            if *n_classes > 2 {
                let mean = shares.iter().map(|s| s.ln()).sum::<f64>() / shares.len() as f64;
                for (part, share) in theta.chunks_exact_mut(stride).zip(shares) {
                    part[stride - 1] = share.ln() - mean;
                }
            } else {
                let positive = match (present.as_slice(), shares.as_slice()) {
                    ([0], _) => ABSENT,
                    ([_, _], [negative, positive]) => (positive / negative).ln(),
                    _ => -ABSENT,
                };
                theta[stride - 1] = positive;
            }
        }
        theta
    }

    /// Variance of the link at the mean prediction, for each output of the solver.
    fn variances(&self) -> Vec<f64> {
        match &self.outcome {
            Outcome::Real { .. } => vec![1.0],
            Outcome::Classes { shares, .. } => {
                let n = self.n_solved();
                shares.iter().take(n).map(|s| (s * (1.0 - s)).max(1e-6)).collect()
            }
        }
    }

    fn objective<'b>(
        &'b self,
        rows: &'b [u32],
        weights: &[f64],
        scaling: &Scaling,
    ) -> Objective<'b> {
        let design = Design::new(self.train.features, rows, weights, scaling);
        let goal = match (&self.outcome, self.train.target) {
            (Outcome::Real { center, scale, range }, Target::Real(values)) => Goal::Real {
                values: rows.iter().map(|r| (values[*r as usize] - center) / scale).collect(),
                range: ((range.0 - center) / scale, (range.1 - center) / scale),
            },
            (Outcome::Classes { n_classes, present, .. }, Target::Class { codes, .. }) => {
                let places =
                    rows.iter().map(|r| present.partition_point(|p| *p < codes[*r as usize]));
                if *n_classes > 2 {
                    Goal::Classes(places.map(|p| p as u32).collect())
                } else {
                    Goal::Binary(places.map(|p| p as f64).collect())
                }
            }
            _ => unreachable!("the outcome was made from this target"),
        };
        Objective { design, goal, n_outputs: self.n_solved() }
    }

    /// The solution as a model on raw features.
    pub(super) fn model(&self, solution: &Solution) -> LinearModel {
        let Solution { chosen, scaling, penalty } = solution;
        let n_dense = scaling.centers.len();
        let stride = n_dense + scaling.n_sparse + 1;
        let (center, scale, range) = match &self.outcome {
            Outcome::Real { center, scale, range } => (*center, *scale, *range),
            Outcome::Classes { .. } => (0.0, 1.0, (0.0, 1.0)),
        };
        let mut model = LinearModel {
            task: self.train.target.task(),
            centers: scaling.centers.clone(),
            dense: vec![],
            n_sparse: scaling.n_sparse,
            sparse: vec![],
            intercepts: vec![],
            range,
            steps: chosen.step + 1,
            penalty: *penalty,
        };
        let mut push = |part: &[f64], intercept: f64| {
            let dense = part[..n_dense].iter().zip(&scaling.scales);
            model.dense.extend(dense.map(|(b, s)| usable(b * s * scale)));
            let sparse = part[n_dense..stride - 1].iter();
            model.sparse.extend(sparse.map(|b| usable(b * scaling.sparse_scale * scale)));
            model.intercepts.push(usable(intercept));
        };
        match &self.outcome {
            Outcome::Classes { n_classes, present, .. } if *n_classes > 2 => {
                let nothing = vec![0.0; stride];
                for class in 0..*n_classes as u32 {
                    match present.binary_search(&class) {
                        Ok(place) => {
                            let part = &chosen.theta[place * stride..(place + 1) * stride];
                            push(part, part[stride - 1]);
                        }
                        Err(_) => push(&nothing, ABSENT),
                    }
                }
            }
            _ => push(&chosen.theta, center + scale * chosen.theta[stride - 1]),
        }
        model
    }
}

/// Keeps a coefficient in the range in which no score overflows.
fn usable(coefficient: f64) -> f64 {
    if coefficient.is_finite() { coefficient.clamp(-LARGEST, LARGEST) } else { 0.0 }
}

fn real_outcome(rows: &[u32], values: &[f64], weights: &[f64]) -> Result<Outcome> {
    let total: f64 = weights.iter().sum();
    let pairs = || rows.iter().zip(weights).filter(|(_, w)| **w > 0.0);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for (row, _) in pairs() {
        let value = values[*row as usize];
        if value.is_nan() || value.abs() > LARGEST_TARGET {
            return Err(Error::input("linear cannot learn this target value")
                .row(u64::from(*row) + 1)
                .expected(format!("a finite number up to {LARGEST_TARGET:e}"))
                .got(value.to_string()));
        }
        low = low.min(value);
        high = high.max(value);
    }
    let center = pairs().map(|(r, w)| w * values[*r as usize]).sum::<f64>() / total;
    let center = center.clamp(low, high);
    let variance =
        pairs().map(|(r, w)| w * (values[*r as usize] - center).powi(2)).sum::<f64>() / total;
    let deviation = variance.sqrt();
    let margin = RANGE_MARGIN * (high - low);
    // A spread below what f64 resolves around the mean is a constant.
    let scale = if deviation > 1e-14 * center.abs() && low < high { deviation } else { 0.0 };
    Ok(Outcome::Real { center, scale, range: (low - margin, high + margin) })
}
