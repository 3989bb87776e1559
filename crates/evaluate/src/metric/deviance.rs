//! Deviances of the Tweedie family: losses for counts and positive amounts.
//!
//! With power p the variance grows as mean^p: 1 is Poisson (counts), 2 gamma (amounts), between
//! them compound Poisson (mostly zero, else an amount).

use modelwright_core::task::Task;
use modelwright_core::{Error, Result};

use super::{MetricInput, Prepared, declare_metric};

declare_metric! {
    /// The mean Poisson deviance, for counts: targets from 0, predictions above 0.
    PoissonDeviance {
        "poisson_deviance", "Poisson deviance", larger_is_better: false,
        range: (0.0, f64::INFINITY), perfect: 0.0, unit: "",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.mean_poisson_deviance",
    }
    prepare: |input: &MetricInput<'_>| deviance(input, "poisson_deviance", true, |y, p| {
        let ratio = if y == 0.0 { 0.0 } else { y * (y / p).ln() };
        2.0 * (ratio - y + p)
    })
}

declare_metric! {
    /// The mean gamma deviance, for positive amounts: targets and predictions above 0; only ratios
    /// matter.
    GammaDeviance {
        "gamma_deviance", "Gamma deviance", larger_is_better: false,
        range: (0.0, f64::INFINITY), perfect: 0.0, unit: "",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.mean_gamma_deviance",
    }
    prepare: |input: &MetricInput<'_>| deviance(input, "gamma_deviance", false, |y, p| {
        2.0 * ((p / y).ln() + y / p - 1.0)
    })
}

declare_metric! {
    /// The mean Tweedie deviance of power 1.5, for amounts that are often 0: targets from 0,
    /// predictions above 0.
    TweedieDeviance {
        "tweedie_deviance", "Tweedie deviance, power 1.5", larger_is_better: false,
        range: (0.0, f64::INFINITY), perfect: 0.0, unit: "",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.mean_tweedie_deviance(power=1.5)",
    }
    // The general formula with power 1.5: its powers are square roots.
    prepare: |input: &MetricInput<'_>| deviance(input, "tweedie_deviance", true, |y, p| {
        2.0 * (-4.0 * y.sqrt() + 2.0 * y / p.sqrt() + 2.0 * p.sqrt())
    })
}

fn deviance(
    input: &MetricInput<'_>,
    name: &str,
    zero_target: bool,
    of_row: fn(f64, f64) -> f64,
) -> Result<Prepared> {
    let truth = input.truth.values().unwrap_or_default();
    let mut values = Vec::with_capacity(truth.len());
    for (row, (y, p)) in truth.iter().zip(&input.predictions.values).enumerate() {
        let allowed = *p > 0.0 && (*y > 0.0 || (zero_target && *y == 0.0));
        if !allowed {
            let from = if zero_target { "targets of 0 or more" } else { "targets greater than 0" };
            return Err(Error::input(format!("{name} is undefined on these rows"))
                .row(row as u64 + 1)
                .expected(format!("{from} and predictions greater than 0"))
                .got(format!("target {y}, prediction {p}"))
                .hint("choose rmse or mae"));
        }
        values.push(of_row(*y, *p));
    }
    // Rounding may take a perfect row slightly below the least possible value.
    Ok(Prepared::row_mean(values).map(|mean| mean.max(0.0)))
}
