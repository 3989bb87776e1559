//! Which solver for which problem.
//!
//! Squared error with few enough columns and no sparse block is exact algebra on the Gram matrix;
//! classes of small tables are solved by Newton's method, to the last digit;
//! everything else is minimised iteratively, from the same start and along the same path.

use modelwright_core::Context;

use super::LinearParams;
use super::gram::Gram;
use super::lbfgs::{End, Minimiser};
use super::newton::Newton;
use super::objective::{Goal, Objective};
use super::path::{Chosen, Judge, Path};
use super::precondition::Curvature;

/// Squared error with more dense columns than this is solved iteratively.
const MOST_GRAM_COLUMNS: usize = 1000;

/// Solves the path from `start` on `objective`.
///
/// `judge` is the loss of validation rows, where there are some; `variances` holds the variance of
/// the link at the mean prediction of each output.
pub(super) fn solve_path(
    objective: &Objective<'_>,
    judge: Option<&Judge<'_>>,
    path: &Path,
    start: Vec<f64>,
    variances: &[f64],
    params: &LinearParams,
    ctx: &Context,
) -> Chosen {
    let design = &objective.design;
    match &objective.goal {
        Goal::Real { values, .. }
            if design.n_sparse == 0 && design.n_dense <= MOST_GRAM_COLUMNS =>
        {
            let tiles: Vec<usize> = (0..design.n_tiles()).collect();
            match Gram::new(design, &tiles, values, ctx) {
                Some(gram) => {
                    path.follow(start, |t, s| solve_gram(&gram, t, s, params, ctx), judge)
                }
                None => Chosen { theta: start, step: 0 },
            }
        }
        _ => {
            if params.l1_ratio == 0.0
                && let Some(newton) = Newton::of(objective)
            {
                let most = params.max_iterations;
                return path.follow(start, |t, s| newton.solve(t, s, most, ctx), judge);
            }
            let curvature = Curvature::new(objective, variances.to_vec(), ctx);
            let solve = |theta: &mut [f64], strength: f64| {
                solve_iteratively(objective, &curvature, theta, strength, params, ctx)
            };
            path.follow(start, solve, judge)
        }
    }
}

/// One strength on the Gram matrix: Cholesky, or coordinate descent with a 1-norm.
fn solve_gram(
    gram: &Gram,
    theta: &mut [f64],
    strength: f64,
    params: &LinearParams,
    ctx: &Context,
) -> End {
    let beta = &mut theta[..gram.n];
    if params.l1_ratio > 0.0 {
        let (l1, l2) = (strength * params.l1_ratio, strength * (1.0 - params.l1_ratio));
        let limits = (params.tolerance, params.max_iterations);
        return gram.coordinate_descent(beta, l1, l2, limits, ctx);
    }
    if !ctx.proceed() {
        return End::Stopped;
    }
    beta.copy_from_slice(&gram.target);
    gram.factor(1.0, strength).solve(beta);
    End::Done
}

/// One strength by L-BFGS, or OWL-QN with a 1-norm.
fn solve_iteratively(
    objective: &Objective<'_>,
    curvature: &Curvature,
    theta: &mut [f64],
    strength: f64,
    params: &LinearParams,
    ctx: &Context,
) -> End {
    let stride = objective.design.n_params();
    let ridge = strength * (1.0 - params.l1_ratio);
    let lasso = strength * params.l1_ratio;
    let evaluate = |theta: &[f64], gradient: &mut [f64]| {
        let mut value = objective.loss_and_gradient(theta, gradient);
        let parts = gradient.chunks_exact_mut(stride).zip(theta.chunks_exact(stride));
        for (gradient, theta) in parts {
            for (g, t) in gradient.iter_mut().zip(&theta[..stride - 1]) {
                *g += ridge * t;
                value += 0.5 * ridge * t * t;
            }
        }
        value
    };
    // Orthant steps need a diagonal: a full matrix would turn them out of their orthant.
    let preconditioner = curvature.at(ridge, lasso > 0.0);
    let l1: Vec<f64> = if lasso > 0.0 {
        let intercept = stride - 1;
        (0..theta.len()).map(|i| if i % stride == intercept { 0.0 } else { lasso }).collect()
    } else {
        vec![]
    };
    let minimiser = Minimiser {
        evaluate: &evaluate,
        precondition: &|v: &mut [f64]| preconditioner.apply(v),
        l1: &l1,
        tolerance: params.tolerance,
        max_iterations: params.max_iterations,
    };
    minimiser.run(theta, ctx)
}
