//! The normal distribution, as far as tests and intervals need it.

/// The 0.975 quantile of the standard normal distribution: half-width of a 95 % interval.
pub(crate) const Z_975: f64 = 1.959_963_984_540_054;

/// The chance that a standard normal value lies farther from 0 than `z`.
pub(crate) fn two_sided_p(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_agree_with_the_table() {
        // scipy.stats.norm.sf(z) * 2
        for (z, p) in
            [(0.0, 1.0), (1.0, 0.317_310_507_862_914_15), (-5.0, 5.733_031_437_583_866e-7)]
        {
            assert!((two_sided_p(z) / p - 1.0).abs() < 1e-12);
        }
        assert!((two_sided_p(Z_975) - 0.05).abs() < 1e-15);
    }
}
