//! Which measure of drift is looked at, with Evidently's choices and thresholds.
//!
//! | rows of the reference | column | measure | drift |
//! |---|---|---|---|
//! | ≤ 1,000 | numbers, more than 5 distinct | Kolmogorov–Smirnov | p ≤ 0.05 |
//! | ≤ 1,000 | two distinct values | two proportions | p < 0.05 |
//! | ≤ 1,000 | others | chi-squared | p < 0.05 |
//! | > 1,000 | numbers, more than 5 distinct | Wasserstein in standard deviations | ≥ 0.1 |
//! | > 1,000 | others | Jensen–Shannon | ≥ 0.1 |
//!
//! Distinct values are counted on both sides together; missing and infinite ones are left out.

use super::counts::Counts;
use super::distance::{jensen_shannon, psi, sturges, wasserstein};
use super::steps::Steps;
use super::test::{chi_squared_fit, chi_squared_homogeneity, kolmogorov_smirnov, two_proportions};

/// References with at most so many rows are tested; larger ones are measured.
pub const SMALL_ROWS_MAX: f64 = 1000.0;

/// Numbers with at most so many distinct values are treated as categories.
const FEW_DISTINCT: usize = 5;

/// References with at most so many distinct numbers are binned by value.
const BINNED_BY_VALUE: usize = 20;

/// A test finds drift below this p-value.
const P_THRESHOLD: f64 = 0.05;

/// A distance is drift from this value on.
const DISTANCE_THRESHOLD: f64 = 0.1;

/// A measure of drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// p-value of the two-sample test of Kolmogorov and Smirnov.
    KolmogorovSmirnov,
    /// p-value of Pearson's test against the reference's shares.
    ChiSquared,
    /// p-value of the test of two proportions.
    TwoProportions,
    /// Wasserstein distance in standard deviations of the reference.
    Wasserstein,
    /// Jensen–Shannon distance.
    JensenShannon,
}

impl Choice {
    /// Evidently's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::KolmogorovSmirnov => "ks",
            Self::ChiSquared => "chisquare",
            Self::TwoProportions => "z",
            Self::Wasserstein => "wasserstein",
            Self::JensenShannon => "jensenshannon",
        }
    }

    /// The value from which on (distances) or below which (p-values) it speaks of drift.
    pub fn threshold(self) -> f64 {
        if self.is_p_value() { P_THRESHOLD } else { DISTANCE_THRESHOLD }
    }

    /// Whether small values speak of drift.
    pub fn is_p_value(self) -> bool {
        !matches!(self, Self::Wasserstein | Self::JensenShannon)
    }

    /// Whether the measure of a name is a p-value.
    pub fn is_name_of_p_value(name: &str) -> bool {
        let p_values = [Self::KolmogorovSmirnov, Self::ChiSquared, Self::TwoProportions];
        p_values.iter().any(|measure| measure.name() == name)
    }

    /// Whether a value speaks of drift.
    pub fn exceeds(self, score: f64) -> bool {
        match self {
            Self::KolmogorovSmirnov => score <= P_THRESHOLD,
            Self::ChiSquared | Self::TwoProportions => score < P_THRESHOLD,
            Self::Wasserstein | Self::JensenShannon => score >= DISTANCE_THRESHOLD,
        }
    }
}

/// How far apart two distributions are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The measure.
    pub choice: Choice,
    /// Its value.
    pub score: f64,
    /// The p-value of a two-sample test: Kolmogorov–Smirnov, or chi-squared homogeneity.
    pub p_value: f64,
    /// The population stability index.
    pub psi: Option<f64>,
}

impl Scored {
    /// Whether the measure alone speaks of drift, as Evidently does.
    pub fn exceeds(&self) -> bool {
        self.choice.exceeds(self.score)
    }
}

/// Compares two distributions of numbers; `n_distinct` counts the values of both together. `None`
/// when either side has no rows.
pub fn score_steps(reference: &Steps, current: &Steps, n_distinct: usize) -> Option<Scored> {
    let (_, p_value) = kolmogorov_smirnov(reference, current)?;
    if n_distinct <= FEW_DISTINCT {
        return score_counts(&as_counts(reference), &as_counts(current), n_distinct);
    }
    let bins = if reference.n_distinct() > BINNED_BY_VALUE {
        sturges(reference, current)
    } else {
        as_counts(reference).beside(&as_counts(current))
    };
    let (choice, score) = if reference.n() <= SMALL_ROWS_MAX {
        (Choice::KolmogorovSmirnov, p_value)
    } else {
        (Choice::Wasserstein, wasserstein(reference, current)?)
    };
    Some(Scored { choice, score, p_value, psi: psi(&bins) })
}

/// Compares two distributions of categories; `n_distinct` counts the values of both together.
/// `None` when either side has no rows.
pub fn score_counts(reference: &Counts, current: &Counts, n_distinct: usize) -> Option<Scored> {
    let pairs = reference.beside(current);
    // What tests rest on: rows as far as they are independent.
    let (of_a, of_b) = (reference.share_independent(), current.share_independent());
    let tested: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (a * of_a, b * of_b)).collect();
    let p_value = chi_squared_homogeneity(&tested)?;
    let (n_a, n_b) = (reference.n(), current.n());
    let (choice, score) = if n_a > SMALL_ROWS_MAX {
        (Choice::JensenShannon, jensen_shannon(&pairs)?)
    } else if n_distinct > 2 {
        (Choice::ChiSquared, chi_squared_fit(&tested)?)
    } else {
        let (a, b) = tested.first().copied().unwrap_or((0.0, 0.0));
        (Choice::TwoProportions, two_proportions(a, n_a * of_a, b, n_b * of_b)?)
    };
    Some(Scored { choice, score, p_value, psi: psi(&pairs) })
}

/// Numbers as categories.
fn as_counts(steps: &Steps) -> Counts {
    let value = |(value, count): &(f64, f64)| (format!("{value:?}"), *count);
    let counts = Counts::new(steps.values().iter().map(value), 0.0);
    counts.independent(steps.share_independent())
}
