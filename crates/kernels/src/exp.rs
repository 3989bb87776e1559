//! The exponential function in single precision, in a form that vectorises.
//!
//! `exp(x) = 2^k · exp(r)` with `k = round(x / ln 2)` and `|r| <= ln 2 / 2`; `exp(r)` is the
//! degree-6 minimax polynomial of the Cephes library (S. Moshier, `expf.c`), relative error below
//! 2e-7. Used where gradients are computed; predictions use the library's double precision.

use crate::dispatch::vectorised;

/// Inputs are clamped here; beyond it the result would leave the normal f32 range.
const LARGEST: f32 = 87.0;
/// Adding 1.5 · 2^23 rounds a small f32 to the nearest integer.
const ROUNDER: f32 = 12_582_912.0;

/// `exp(x)`, with `x` clamped to ±87; NaN gives a number.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = if x < LARGEST { x } else { LARGEST };
    let x = if x > -LARGEST { x } else { -LARGEST };
    let shifted = x * std::f32::consts::LOG2_E + ROUNDER;
    let k = shifted - ROUNDER;
    let r = x - k * 0.693_359_4 - k * -2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 5e-1;
    let value = p * (r * r) + r + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(ROUNDER.to_bits()).wrapping_add(127);
    value * f32::from_bits(exponent << 23)
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

vectorised! {
    /// Replaces each value by its exponential.
    pub fn exp_in_place(values: &mut [f32]) = exp_generic
}

#[inline(always)]
fn exp_generic(values: &mut [f32]) {
    for value in values {
        *value = exp(*value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_a_few_units_of_the_last_place() {
        for i in -8600..=8600 {
            let x = i as f32 / 100.0;
            let want = f64::from(x).exp();
            let got = f64::from(exp(x));
            assert!((got / want - 1.0).abs() < 2.5e-7, "{x}: {got} {want}");
        }
        assert!(exp(f32::NAN).is_finite() && exp(1e9).is_finite() && exp(-1e9) >= 0.0);
    }

    #[test]
    fn vectors_give_the_bits_of_the_scalar_function() {
        let values: Vec<f32> = (0..257).map(|i| i as f32 * 0.37 - 40.0).collect();
        for n in 0..values.len() {
            let mut got = values[..n].to_vec();
            exp_in_place(&mut got);
            assert!(got.iter().zip(&values).all(|(g, v)| g.to_bits() == exp(*v).to_bits()));
        }
    }

    #[test]
    fn the_logistic_function_is_symmetric_about_a_half() {
        assert_eq!(sigmoid(0.0), 0.5);
        assert!((sigmoid(2.0) + sigmoid(-2.0) - 1.0).abs() < 1e-6);
    }
}
