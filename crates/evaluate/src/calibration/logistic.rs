//! Logistic regression on two or three features by Newton's method.

use super::sigmoid;

/// Newton's method ends at the latest here; it needs about eight steps.
const N_STEPS_MAX: usize = 60;

/// A step that changes no coefficient by more than this share is the last.
const CHANGE_MIN: f64 = 1e-12;

/// A step that promises a smaller share of the loss is the last, and is taken as it is: whether the
/// loss falls any more is hidden by the rounding of its sum.
const PROMISE_MIN: f64 = 1e-11;

/// Added to the diagonal of the Hessian as a share of it, so that it can always be inverted.
const RIDGE: f64 = 1e-12;

/// The coefficients of largest likelihood; `target(row)` is in `[0, 1]`.
///
/// `None` when there is none: the target is constant, or the numbers overflow.
pub(super) fn fit<const N: usize>(
    rows: &[[f64; N]],
    target: impl Fn(usize) -> f64,
    weights: Option<&[f64]>,
) -> Option<[f64; N]> {
    let weight = |row: usize| weights.map_or(1.0, |w| w[row]);
    let loss = |b: &[f64; N]| -> f64 {
        let of_row = |(row, x): (usize, &[f64; N])| {
            let z = dot(b, x);
            // ln(1 + exp(z)) − t z, without overflow.
            let softplus = z.max(0.0) + (-z.abs()).exp().ln_1p();
            weight(row) * (softplus - target(row) * z)
        };
        rows.iter().enumerate().map(of_row).sum()
    };
    let mut b = [0.0; N];
    let mut current = loss(&b);
    for _ in 0..N_STEPS_MAX {
        let mut gradient = [0.0; N];
        let mut hessian = [[0.0; N]; N];
        for (row, x) in rows.iter().enumerate() {
            let p = sigmoid(dot(&b, x));
            let (g, h) = (weight(row) * (p - target(row)), weight(row) * p * (1.0 - p));
            for i in 0..N {
                gradient[i] += g * x[i];
                for j in 0..=i {
                    hessian[i][j] += h * x[i] * x[j];
                }
            }
        }
        let step = solve(hessian, gradient)?;
        if 0.5 * dot(&step, &gradient) <= PROMISE_MIN * current.abs() {
            b = std::array::from_fn(|i| b[i] - step[i]);
            break;
        }
        let mut share = 1.0;
        let (next, value) = loop {
            let next: [f64; N] = std::array::from_fn(|i| b[i] - share * step[i]);
            let value = loss(&next);
            if value <= current {
                break (next, value);
            }
            share *= 0.5;
            if share < 1e-9 {
                break (b, current);
            }
        };
        let moved = (0..N).any(|i| (next[i] - b[i]).abs() > CHANGE_MIN * (1.0 + b[i].abs()));
        (b, current) = (next, value);
        if !moved {
            break;
        }
    }
    b.iter().all(|b| b.is_finite()).then_some(b)
}

fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves `A x = g` for a positive definite `A` given by its lower triangle (Cholesky).
fn solve<const N: usize>(mut a: [[f64; N]; N], g: [f64; N]) -> Option<[f64; N]> {
    for i in 0..N {
        a[i][i] += RIDGE * a[i][i] + f64::MIN_POSITIVE;
        for j in 0..=i {
            let above: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            let rest = a[i][j] - above;
            a[i][j] = if i == j { rest.sqrt() } else { rest / a[j][j] };
        }
        if !(a[i][i].is_finite() && a[i][i] > 0.0) {
            return None;
        }
    }
    let mut x = g;
    for i in 0..N {
        let above: f64 = (0..i).map(|k| a[i][k] * x[k]).sum();
        x[i] = (x[i] - above) / a[i][i];
    }
    for i in (0..N).rev() {
        let below: f64 = (i + 1..N).map(|k| a[k][i] * x[k]).sum();
        x[i] = (x[i] - below) / a[i][i];
    }
    x.iter().all(|x| x.is_finite()).then_some(x)
}
