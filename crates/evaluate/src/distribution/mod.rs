//! The distributions that tests and intervals look their p-values and quantiles up in.
//!
//! Each is a few lines on top of the regularised incomplete beta and gamma functions; all agree
//! with SciPy to 1e-9 or better (`testdata/compare/distributions.toml`).

mod beta;
mod binomial;
mod chi_square;
mod gamma;
mod normal;
mod range;
mod student;

pub use beta::f_survival;
pub use binomial::binomial_at_least;
pub use chi_square::{chi_square_above, chi_square_survival};
pub use normal::{normal_cdf, normal_quantile};
pub use range::studentized_range_survival;
pub use student::{student_975, student_cdf, student_quantile, student_two_sided};

pub(crate) use normal::{Z_975, two_sided_p};

#[cfg(test)]
mod tests;
