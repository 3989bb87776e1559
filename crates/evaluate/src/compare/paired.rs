//! Paired bootstrap: both models are scored on the same resamples.

use modelwright_core::{Context, Error, Result};

use super::Tested;
use crate::metric::{MetricEntry, MetricInput, Prepared};
use crate::resample::{Mix, Strata, n_resamples_for, percentile_interval, spared};

/// Resamples of a comparison: the smallest p-value is about 2 / this.
const RESAMPLES: usize = 2000;

/// `input` gives truth and weights; both values come from the prepared forms of `metric`.
pub(super) fn bootstrap(
    metric: &MetricEntry,
    a: &Prepared,
    b: &Prepared,
    input: &MetricInput<'_>,
    ctx: &Context,
) -> Result<Tested> {
    let wanted = metric.resamples(RESAMPLES);
    if wanted == 0 {
        return Err(spared(metric.name()));
    }
    let n_resamples = n_resamples_for(2 * input.truth.n_rows(), wanted);
    let strata = Strata::of_mix(input.truth, input.weights, Mix::Drawn);
    let differences = strata.resample("evaluate/compare", n_resamples, ctx, |drawn| {
        let a = a.value(Some(drawn)).ok()?;
        Some(a - b.value(Some(drawn)).ok()?)
    });
    let defined: Vec<f64> = differences.iter().flatten().copied().collect();
    let ci95 = percentile_interval(differences)
        .map_err(|e| Error::input("the two models cannot be compared on these rows").because(e))?;
    // How often the sign of the difference is in doubt, on either side; one is added to both
    // counts, because the data themselves are one more resample.
    let at_most = defined.iter().filter(|d| **d <= 0.0).count();
    let at_least = defined.iter().filter(|d| **d >= 0.0).count();
    let rarer = (at_most.min(at_least) + 1) as f64;
    let p_value = (2.0 * rarer / (defined.len() + 1) as f64).min(1.0);
    let method = format!("paired bootstrap, {n_resamples} resamples");
    Ok(Tested { ci95, p_value, method })
}
