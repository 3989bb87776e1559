//! A quasi-Newton minimiser for a smooth convex function plus an optional weighted 1-norm.
//!
//! Limited-memory BFGS with a caller's preconditioner as the first inverse Hessian. With the
//! 1-norm it becomes OWL-QN: the pseudo-gradient takes the place of the gradient, and steps are
//! projected onto the orthant they start in, so that coefficients become exactly zero.
//! The line search accepts approximate Wolfe points: near the minimum rounding hides the decrease
//! of the value, while the slope is still exact enough to go on.
//!
//! References: Nocedal & Wright, *Numerical Optimization*, 2nd ed., algorithms 7.4 and 7.5;
//! Andrew & Gao, "Scalable training of L1-regularized log-linear models", ICML 2007;
//! Hager & Zhang, SIAM J. Optim. 16(1), 2005 (approximate Wolfe condition).

use std::collections::VecDeque;

use modelwright_core::Context;

/// Pairs of steps and gradient differences that are remembered.
const MEMORY: usize = 10;
/// Share of the predicted decrease a step must reach (Armijo).
const SUFFICIENT_DECREASE: f64 = 1e-4;
/// Share of the slope that may be left after a step (Wolfe).
const CURVATURE: f64 = 0.9;
/// Relative rounding of the function's value (f32 scores, f64 sums).
const VALUE_NOISE: f64 = 1e-7;
/// Evaluations of one line search.
const LINE_EVALUATIONS: usize = 30;

/// What is minimised and when it is good enough.
pub(super) struct Minimiser<'a> {
    /// The smooth part: value returned, gradient written.
    pub(super) evaluate: &'a dyn Fn(&[f64], &mut [f64]) -> f64,
    /// Multiplies a vector by an approximate inverse Hessian, in place.
    pub(super) precondition: &'a dyn Fn(&mut [f64]),
    /// Weight of each parameter's absolute value; empty when there is no 1-norm.
    pub(super) l1: &'a [f64],
    /// Ends when the decrease still to be expected is below this share of the value.
    pub(super) tolerance: f64,
    /// The most iterations.
    pub(super) max_iterations: usize,
}

/// How a minimisation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Good enough, or out of iterations.
    Done,
    /// The context said stop; the point is the best so far.
    Stopped,
}

/// A point with its value and gradient of the smooth part.
struct Point {
    x: Vec<f64>,
    /// Smooth part plus 1-norm.
    value: f64,
    gradient: Vec<f64>,
}

impl Minimiser<'_> {
    /// Moves `x` to the minimum.
    pub(super) fn run(&self, x: &mut [f64], ctx: &Context) -> End {
        let mut at = self.point(x.to_vec());
        let mut memory = VecDeque::with_capacity(MEMORY);
        let mut end = End::Done;
        for _ in 0..self.max_iterations {
            let steepest = self.pseudo_gradient(&at);
            let direction = self.direction(&steepest, &memory);
            let slope = dot(&steepest, &direction);
            if -slope <= self.tolerance * at.value.abs().max(1e-3) || !slope.is_finite() {
                break;
            }
            if !ctx.proceed() {
                end = End::Stopped;
                break;
            }
            let first = if memory.is_empty() { first_step(&direction) } else { 1.0 };
            match self.line_search(&at, &steepest, &direction, slope, first) {
                Some(next) => {
                    remember(&mut memory, &at, &next);
                    at = next;
                }
                None if memory.is_empty() => break,
                None => memory.clear(),
            }
        }
        x.copy_from_slice(&at.x);
        end
    }

    fn point(&self, x: Vec<f64>) -> Point {
        let mut gradient = vec![0.0; x.len()];
        let smooth = (self.evaluate)(&x, &mut gradient);
        let norm: f64 = self.l1.iter().zip(&x).map(|(l, x)| l * x.abs()).sum();
        Point { x, value: smooth + norm, gradient }
    }

    /// The gradient, or with a 1-norm the subgradient of smallest length.
    fn pseudo_gradient(&self, at: &Point) -> Vec<f64> {
        let mut result = at.gradient.clone();
        for ((g, x), l1) in result.iter_mut().zip(&at.x).zip(self.l1) {
            *g = if *x > 0.0 {
                *g + l1
            } else if *x < 0.0 {
                *g - l1
            } else {
                // Soft threshold: zero where neither side descends.
                g.signum() * (g.abs() - l1).max(0.0)
            };
        }
        result
    }

    /// The quasi-Newton direction; falls back to the preconditioned steepest descent.
    fn direction(&self, steepest: &[f64], memory: &VecDeque<Pair>) -> Vec<f64> {
        let mut direction = two_loops(steepest, memory, self.precondition);
        if !self.l1.is_empty() {
            // Only components that descend by themselves (OWL-QN).
            for (d, g) in direction.iter_mut().zip(steepest) {
                if *d * g >= 0.0 {
                    *d = 0.0;
                }
            }
        }
        if dot(&direction, steepest) < 0.0 {
            return direction;
        }
        let mut descent: Vec<f64> = steepest.iter().map(|g| -g).collect();
        (self.precondition)(&mut descent);
        descent
    }

    /// A step that decreases enough; `None` when none is found.
    fn line_search(
        &self,
        at: &Point,
        steepest: &[f64],
        direction: &[f64],
        slope: f64,
        first: f64,
    ) -> Option<Point> {
        let noise = VALUE_NOISE * at.value.abs();
        let (mut low, mut high) = (0.0, f64::INFINITY);
        let mut step = first;
        let mut best: Option<Point> = None;
        for _ in 0..LINE_EVALUATIONS {
            let next = self.point(self.step(at, steepest, direction, step));
            let decreased = next.value <= at.value + SUFFICIENT_DECREASE * step * slope + noise;
            if !decreased || !next.value.is_finite() {
                high = step;
                step = low + 0.3 * (high - low);
                continue;
            }
            if !self.l1.is_empty() {
                return Some(next);
            }
            let next_slope = dot(&next.gradient, direction);
            if next_slope.abs() <= CURVATURE * slope.abs() {
                return Some(next);
            }
            // The secant of the slope, kept inside the bracket.
            let secant = step * slope / (slope - next_slope);
            if next_slope > 0.0 {
                high = step;
                step = secant.clamp(low + 0.1 * (high - low), low + 0.9 * (high - low));
            } else {
                low = step;
                let most = if high.is_finite() { low + 0.9 * (high - low) } else { 10.0 * step };
                step = if secant > step { secant.min(most) } else { most };
                best = Some(next);
            }
        }
        best
    }

    /// `x + step · direction`, projected onto the orthant of the pseudo-gradient with a 1-norm.
    fn step(&self, at: &Point, steepest: &[f64], direction: &[f64], step: f64) -> Vec<f64> {
        let mut x: Vec<f64> = at.x.iter().zip(direction).map(|(x, d)| x + step * d).collect();
        for (i, l1) in self.l1.iter().enumerate() {
            let side = if at.x[i] == 0.0 { -steepest[i] } else { at.x[i] };
            if *l1 > 0.0 && x[i] * side <= 0.0 {
                x[i] = 0.0;
            }
        }
        x
    }
}

/// A step, the change of the gradient along it, and one over their product.
struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    rho: f64,
}

/// A first step without curvature: at most a change of 1 in any parameter.
fn first_step(direction: &[f64]) -> f64 {
    let longest = direction.iter().fold(0.0_f64, |m, d| m.max(d.abs()));
    if longest > 1.0 { 1.0 / longest } else { 1.0 }
}

fn remember(memory: &mut VecDeque<Pair>, at: &Point, next: &Point) {
    let s: Vec<f64> = next.x.iter().zip(&at.x).map(|(a, b)| a - b).collect();
    let y: Vec<f64> = next.gradient.iter().zip(&at.gradient).map(|(a, b)| a - b).collect();
    let product = dot(&s, &y);
    if product > 1e-14 * dot(&y, &y) && product.is_finite() {
        if memory.len() == MEMORY {
            memory.pop_front();
        }
        memory.push_back(Pair { s, y, rho: 1.0 / product });
    }
}

/// `-H · gradient` by the two-loop recursion, the newest pair scaling the preconditioner.
fn two_loops(
    gradient: &[f64],
    memory: &VecDeque<Pair>,
    precondition: &dyn Fn(&mut [f64]),
) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut alphas = Vec::with_capacity(memory.len());
    for pair in memory.iter().rev() {
        let alpha = pair.rho * dot(&pair.s, &q);
        add(&mut q, -alpha, &pair.y);
        alphas.push(alpha);
    }
    precondition(&mut q);
    if let Some(pair) = memory.back() {
        let mut scaled = pair.y.clone();
        precondition(&mut scaled);
        let curvature = dot(&pair.y, &scaled);
        if curvature > 0.0 {
            let factor = 1.0 / (pair.rho * curvature);
            for q in &mut q {
                *q *= factor;
            }
        }
    }
    for (pair, alpha) in memory.iter().zip(alphas.iter().rev()) {
        let beta = pair.rho * dot(&pair.y, &q);
        add(&mut q, alpha - beta, &pair.s);
    }
    q
}

/// Dot product in eight partial sums.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a8.iter().zip(b8) {
        for l in 0..8 {
            sums[l] += a[l] * b[l];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// `x += factor · y`.
pub(super) fn add(x: &mut [f64], factor: f64, y: &[f64]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += factor * y;
    }
}
