//! Steps of the Adam optimiser with decoupled weight decay.
//!
//! References: Kingma & Ba, "Adam", ICLR 2015; Loshchilov & Hutter, "Decoupled weight decay
//! regularization", ICLR 2019.

use crate::dispatch::vectorised;

/// Added to the root of the mean square: keeps steps finite where no gradient ever came.
const EPSILON: f32 = 1e-8;

/// The numbers of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The step's length per unit of normalised gradient.
    pub rate: f32,
    /// The part of each number that is taken away.
    pub decay: f32,
    /// Memory of the mean gradient.
    pub beta1: f32,
    /// Memory of the mean square.
    pub beta2: f32,
    /// What the mean is divided by, as it began at zero: `1 − beta1^steps`.
    pub correction1: f32,
    /// The same for the mean square.
    pub correction2: f32,
}

vectorised! {
    /// Moves `values` against their gradients; `means` and `squares` are the optimiser's memory.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn step(
        values: &mut [f32],
        means: &mut [f32],
        squares: &mut [f32],
        gradients: &[f32],
        step: Step,
    ) = step_generic
}

vectorised! {
    /// `a[i] += b[i]`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn add(a: &mut [f32], b: &[f32]) = add_generic
}

#[inline(always)]
fn step_generic(
    values: &mut [f32],
    means: &mut [f32],
    squares: &mut [f32],
    gradients: &[f32],
    step: Step,
) {
    let n = values.len();
    assert!(means.len() == n && squares.len() == n && gradients.len() == n, "one length");
    let rate = step.rate / step.correction1;
    let inverse = 1.0 / step.correction2;
    let kept = 1.0 - step.decay;
    let (fresh1, fresh2) = (1.0 - step.beta1, 1.0 - step.beta2);
    for i in 0..n {
        let g = gradients[i];
        let mean = step.beta1 * means[i] + fresh1 * g;
        let square = step.beta2 * squares[i] + fresh2 * (g * g);
        means[i] = mean;
        squares[i] = square;
        values[i] = kept * values[i] - rate * mean / ((square * inverse).sqrt() + EPSILON);
    }
}

#[inline(always)]
fn add_generic(a: &mut [f32], b: &[f32]) {
    assert_eq!(a.len(), b.len(), "one addend for each element");
    for (a, b) in a.iter_mut().zip(b) {
        *a += b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_the_formula_of_the_paper() {
        let (beta1, beta2) = (0.9_f64, 0.95_f64);
        let gradients = [0.5_f32, -2.0, 1.0];
        let (mut value, mut mean, mut square) = (vec![1.0_f32; 37], vec![0.0; 37], vec![0.0; 37]);
        let (mut want, mut m, mut v) = (1.0_f64, 0.0, 0.0);
        for (t, g) in gradients.iter().enumerate() {
            let (c1, c2) = (1.0 - beta1.powi(t as i32 + 1), 1.0 - beta2.powi(t as i32 + 1));
            let numbers = Step {
                rate: 0.1,
                decay: 0.01,
                beta1: beta1 as f32,
                beta2: beta2 as f32,
                correction1: c1 as f32,
                correction2: c2 as f32,
            };
            step(&mut value, &mut mean, &mut square, &[*g; 37], numbers);
            let g = f64::from(*g);
            m = beta1 * m + (1.0 - beta1) * g;
            v = beta2 * v + (1.0 - beta2) * g * g;
            want = want * 0.99 - 0.1 * (m / c1) / ((v / c2).sqrt() + 1e-8);
        }
        assert!(value.iter().all(|v| (f64::from(*v) - want).abs() < 1e-6), "{value:?} {want}");
    }

    #[test]
    fn a_number_without_gradient_stays_where_it_is() {
        let (mut value, mut mean, mut square) = (vec![0.0, 2.0], vec![0.0; 2], vec![0.0; 2]);
        let numbers = Step {
            rate: 0.1,
            decay: 0.0,
            beta1: 0.9,
            beta2: 0.95,
            correction1: 0.1,
            correction2: 0.05,
        };
        step(&mut value, &mut mean, &mut square, &[0.0; 2], numbers);
        assert_eq!(value, [0.0, 2.0]);
        add(&mut value, &[1.0, 1.0]);
        assert_eq!(value, [1.0, 3.0]);
    }
}
