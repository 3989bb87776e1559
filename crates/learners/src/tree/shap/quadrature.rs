//! Gauss-Legendre quadrature on the unit interval.
//!
//! `n` points integrate polynomials of degree up to `2n - 1` without error. The points are the
//! roots of the Legendre polynomial, found by Newton's method from Chebyshev-like guesses
//! (Press et al., "Numerical Recipes", 3rd edition, section 4.6.1).

/// A point of the unit interval and its weight; the weights sum to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Where.
    pub(super) t: f64,
    /// One minus where, to full precision also near 1.
    pub(super) rest: f64,
    /// How much it counts.
    pub(super) weight: f64,
}

/// Newton's method doubles the correct digits with each step; the guesses have two.
const STEPS: usize = 8;

/// The points for polynomials of degree up to `degree`, ascending.
pub(super) fn points(degree: usize) -> Vec<Point> {
    let n = degree / 2 + 1;
    (0..n)
        .map(|i| {
            let guess = (i as f64 + 0.75) / (n as f64 + 0.5) * std::f64::consts::PI;
            let mut x = guess.cos();
            for _ in 0..STEPS {
                let (value, slope) = legendre(n, x);
                x -= value / slope;
            }
            let (_, slope) = legendre(n, x);
            let weight = 1.0 / ((1.0 - x) * (1.0 + x) * slope * slope);
            Point { t: (1.0 - x) / 2.0, rest: f64::midpoint(1.0, x), weight }
        })
        .collect()
}

/// The Legendre polynomial of degree `n` at `x` and its derivative.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for k in 2..=n {
        let k = k as f64;
        (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
    }
    let slope = n as f64 * (before - x * value) / ((1.0 - x) * (1.0 + x));
    (value, slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_integrated_exactly_up_to_the_degree() {
        for degree in [0, 1, 2, 3, 5, 8, 13, 40, 99, 400] {
            let points = points(degree);
            assert!(points.windows(2).all(|w| w[0].t < w[1].t), "{degree}");
            for power in 0..=degree {
                let sum: f64 = points.iter().map(|p| p.weight * p.t.powf(power as f64)).sum();
                let want = 1.0 / (power as f64 + 1.0);
                assert!((sum - want).abs() < 2e-14, "{degree} {power}: {sum} {want}");
            }
        }
    }
}
