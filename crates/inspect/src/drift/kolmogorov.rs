//! How likely a distance between two empirical distribution functions is by chance.
//!
//! Small samples: the exact share of lattice paths that leave a band around the diagonal
//! ([`super::lattice`]). Larger ones: Kolmogorov's distribution of a single sample of the harmonic
//! size, by Marsaglia, Tsang & Wang, "Evaluating Kolmogorov's distribution", 2003, or Pelz & Good,
//! "Approximating the lower tail areas of the Kolmogorov–Smirnov one-sample statistic", 1976; far
//! tails by Smirnov's one-sided sum. These are the ranges that scipy's `ks_2samp` uses, and its
//! values.

use std::f64::consts::PI;

use libm::lgamma;

use super::lattice;

/// Samples up to this size are counted exactly.
const EXACT_MAX: f64 = 10_000.0;

/// The two-sided p-value of the distance `d` between samples of `n` and `m` values.
pub(super) fn two_sample(d: f64, n: f64, m: f64) -> f64 {
    if d <= 0.0 || n.min(m) <= 0.0 {
        return 1.0;
    }
    let is_whole = n.fract() == 0.0 && m.fract() == 0.0;
    if n.max(m) <= EXACT_MAX && is_whole {
        return lattice::share_outside(d, n as i64, m as i64);
    }
    tail(d, (n * m / (n + m)).round().max(1.0))
}

/// The chance that a sample of `n` values is farther than `d` from its distribution.
pub(super) fn tail(d: f64, n: f64) -> f64 {
    if d >= 1.0 {
        return 0.0;
    }
    let square = n * d * d;
    let far = if n <= 140.0 { 4.0 } else { 2.2 };
    if n * d <= 0.5 {
        1.0
    } else if d >= 0.5 || square >= far {
        (2.0 * one_sided(d, n)).clamp(0.0, 1.0)
    } else if n <= 140.0 || (n <= 100_000.0 && n * square.powf(1.5) <= 1.4) {
        (1.0 - marsaglia(d, n as usize)).clamp(0.0, 1.0)
    } else {
        (1.0 - pelz_good(d, n)).clamp(0.0, 1.0)
    }
}

/// Smirnov's one-sided tail: the sum over the places where the empirical function may cross.
fn one_sided(d: f64, n: f64) -> f64 {
    let last = (n * (1.0 - d)).floor() as usize;
    let mut sum = 0.0;
    for j in 0..=last {
        let share = d + j as f64 / n;
        let rest = 1.0 - share;
        if rest <= 0.0 {
            continue;
        }
        let j = j as f64;
        let choose = lgamma(n + 1.0) - lgamma(j + 1.0) - lgamma(n - j + 1.0);
        sum += (choose + (n - j) * rest.ln() + (j - 1.0) * share.ln()).exp();
    }
    d * sum
}

/// The distribution function by the power of a matrix of order `2⌈nd⌉ − 1`.
fn marsaglia(d: f64, n: usize) -> f64 {
    let k = (n as f64 * d).floor() as usize + 1;
    let order = 2 * k - 1;
    let h = k as f64 - n as f64 * d;
    let mut matrix = vec![0.0; order * order];
    for i in 0..order {
        for j in 0..order.min(i + 2) {
            matrix[i * order + j] = 1.0;
        }
    }
    for i in 0..order {
        matrix[i * order] -= h.powf(i as f64 + 1.0);
        matrix[(order - 1) * order + i] -= h.powf((order - i) as f64);
    }
    if 2.0 * h > 1.0 {
        matrix[(order - 1) * order] += (2.0 * h - 1.0).powf(order as f64);
    }
    for i in 0..order {
        for j in 0..order {
            for g in 1..=(i + 1).saturating_sub(j) {
                matrix[i * order + j] /= g as f64;
            }
        }
    }
    let (power, mut exponent) = raised(&matrix, order, n);
    let mut value = power[(k - 1) * order + k - 1];
    for i in 1..=n {
        value *= i as f64 / n as f64;
        if value < 1e-140 {
            value *= 1e140;
            exponent -= 140;
        }
    }
    value * 10.0_f64.powi(exponent)
}

/// A matrix to the power `n`, as a matrix and the power of ten that it is to be multiplied by.
fn raised(matrix: &[f64], order: usize, n: usize) -> (Vec<f64>, i32) {
    if n == 1 {
        return (matrix.to_vec(), 0);
    }
    let (half, exponent) = raised(matrix, order, n / 2);
    let mut result = product(&half, &half, order);
    let mut exponent = 2 * exponent;
    if n % 2 == 1 {
        result = product(matrix, &result, order);
    }
    if result[(order / 2) * order + order / 2] > 1e140 {
        for value in &mut result {
            *value *= 1e-140;
        }
        exponent += 140;
    }
    (result, exponent)
}

fn product(a: &[f64], b: &[f64], order: usize) -> Vec<f64> {
    let mut c = vec![0.0; order * order];
    for i in 0..order {
        for k in 0..order {
            let factor = a[i * order + k];
            for j in 0..order {
                c[i * order + j] += factor * b[k * order + j];
            }
        }
    }
    c
}

/// The distribution function by the expansion of Pelz and Good in powers of 1 / √n.
fn pelz_good(d: f64, n: f64) -> f64 {
    let z = n.sqrt() * d;
    let (z2, z4, z6) = (z.powi(2), z.powi(4), z.powi(6));
    let (pi2, pi4, pi6) = (PI.powi(2), PI.powi(4), PI.powi(6));
    let mut k = [0.0; 4];
    for i in 0..40 {
        let half = f64::from(i) + 0.5;
        let h2 = half * half;
        let e = (-pi2 * h2 / (2.0 * z2)).exp();
        k[0] += e;
        k[1] += (pi2 * h2 - z2) * e;
        k[2] += (6.0 * z6
            + 2.0 * z4
            + pi2 * (2.0 * z4 - 5.0 * z2) * h2
            + pi4 * (1.0 - 2.0 * z2) * h2 * h2)
            * e;
        k[3] += (-30.0 * z6 - 90.0 * z6 * z2
            + pi2 * (135.0 * z4 - 96.0 * z6) * h2
            + pi4 * (212.0 * z4 - 60.0 * z2) * h2 * h2
            + pi6 * (5.0 - 30.0 * z2) * h2 * h2 * h2)
            * e;
    }
    let (mut k2, mut k3) = (0.0, 0.0);
    for i in 1..40 {
        let i2 = f64::from(i * i);
        let e = (-pi2 * i2 / (2.0 * z2)).exp();
        k2 += i2 * e;
        k3 += (3.0 * pi2 * i2 * z2 - pi4 * i2 * i2) * e;
    }
    let root = (2.0 * PI).sqrt();
    let k0 = root / z * k[0];
    let k1 = root / (6.0 * z4) * k[1];
    let k2 = root / (72.0 * z.powi(7)) * k[2] - root * pi2 / (36.0 * z.powi(3)) * k2;
    let k3 = root / (6480.0 * z.powi(10)) * k[3] + root / (216.0 * z6) * k3;
    k0 + k1 / n.sqrt() + k2 / n + k3 / n.powf(1.5)
}
