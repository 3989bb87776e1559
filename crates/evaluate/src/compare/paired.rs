//! Paired bootstrap: both models are scored on the same resamples, of rows or of whole groups.

use modelwright_core::record::Interval;
use modelwright_core::{Context, Error, Result};

use super::clusters::clustered;
use super::studentised::Difference;
use super::{LEVEL, Paired, Tested, swaps};
use crate::metric::{MetricEntry, Prepared};
use crate::resample::{
    Drawing, Mix, Strata, n_resamples_for, percentile_interval, spared, work_rows,
};

/// Resamples of a comparison: the smallest p-value of rows is about 2 / this.
const RESAMPLES: usize = 2000;

/// Resamples of groups, from which a standard error is taken and no tail: it is 2 % unsure.
const RESAMPLES_OF_GROUPS: usize = 1000;

/// What the same difference may differ by when it is computed in two ways.
const ROUNDING: f64 = 1e-9;

/// `pair` gives truth, weights and groups; both values come from the prepared forms of `metric`.
pub(super) fn bootstrap(
    metric: &MetricEntry,
    a: &Prepared,
    b: &Prepared,
    pair: &Paired<'_>,
    ctx: &Context,
) -> Result<Tested> {
    let groups = pair.groups();
    let wanted = if groups.is_some() { RESAMPLES_OF_GROUPS } else { RESAMPLES };
    let wanted = metric.resamples(wanted);
    if wanted == 0 {
        return Err(spared(metric.name()));
    }
    let n_resamples = n_resamples_for(2 * work_rows(pair.truth), wanted);
    let drawing = Drawing { n_resamples, mix: Mix::Drawn, groups };
    let strata = drawing.strata(pair.truth, pair.weights).map_err(refused)?;
    let difference = a.value(pair.weights)? - b.value(pair.weights)?;
    let of_means = match (a.mean(), b.mean(), groups) {
        (Some(a), Some(b), None) => Some(Difference { a, b, weights: pair.weights }),
        _ => None,
    };
    // Of few rows that differ the exchanges know best how sure they can make.
    let exchanged = of_means.as_ref().and_then(|of| swaps::p_value(of, difference, ctx));
    if let (Some(of), None) = (&of_means, exchanged)
        && let Some(tested) = studentised(of, difference, &strata, ctx)
    {
        return Ok(tested.with_least(least_of_rows(pair)));
    }
    let differences = strata.resample("evaluate/compare", n_resamples, ctx, |drawn| {
        let a = a.value(Some(drawn)).ok()?;
        Some(a - b.value(Some(drawn)).ok()?)
    });
    let defined: Vec<f64> = differences.iter().flatten().copied().collect();
    let ci95 = percentile_interval(differences).map_err(refused)?;
    if let Some(groups) = groups {
        return of_groups(difference, &defined, groups, pair.weights);
    }
    // How often the sign of the difference is in doubt, on either side; one is added to both
    // counts, because the data themselves are one more resample.
    let at_most = defined.iter().filter(|d| **d <= 0.0).count();
    let at_least = defined.iter().filter(|d| **d >= 0.0).count();
    let rarer = (at_most.min(at_least) + 1) as f64;
    let p_value = (2.0 * rarer / (defined.len() + 1) as f64).min(1.0);
    let method = format!("paired bootstrap, {n_resamples} resamples");
    let tested = Tested { ci95, p_value, method };
    Ok(match exchanged {
        Some(p_value) => tested.with_least(p_value).by("exchanges of the rows that differ"),
        None => tested.with_least(least_of_rows(pair)),
    })
}

/// The test of means over rows; `None` where it has no standard error, or the metrics are only near
/// to such means.
fn studentised(
    of: &Difference<'_>,
    difference: f64,
    strata: &Strata<'_>,
    ctx: &Context,
) -> Option<Tested> {
    let n_rows = of.a.rows.len();
    let ones = vec![1.0; n_rows];
    let measured = of.measure(of.weights.unwrap_or(&ones))?;
    if (measured.difference - difference).abs() > ROUNDING * difference.abs() {
        return None;
    }
    let n_resamples = n_resamples_for(2 * n_rows, RESAMPLES);
    let distances = strata.resample("evaluate/compare", n_resamples, ctx, |drawn| {
        of.measure(drawn).map(|resample| measured.distance_of(resample))
    });
    let (ci95, p_value) = measured.tested(distances, n_rows)?;
    let method = format!("paired studentised bootstrap, {n_resamples} resamples");
    Some(Tested { ci95, p_value, method })
}

/// The smallest p-value that so few rows allow: each swaps the two models with a chance of a half.
fn least_of_rows(pair: &Paired<'_>) -> f64 {
    let n_rows = match pair.weights {
        Some(weights) => weights.iter().filter(|w| **w > 0.0).count(),
        None => pair.truth.n_rows(),
    };
    (2.0 * 0.5_f64.powf(n_rows as f64)).min(1.0)
}

impl Tested {
    /// No surer than a p-value allows, however sure resamples are.
    fn with_least(self, least: f64) -> Self {
        let Interval { low, high } = self.ci95;
        let is_open = least >= LEVEL;
        let ci95 =
            if is_open { Interval { low: low.min(0.0), high: high.max(0.0) } } else { self.ci95 };
        Self { p_value: self.p_value.max(least), ci95, ..self }
    }

    /// Says what else decided.
    fn by(self, also: &str) -> Self {
        Self { method: format!("{}, and {also}", self.method), ..self }
    }
}

/// A t-test with the standard error of the resamples: groups are few, so that the tails of their
/// resamples are too light.
fn of_groups(
    difference: f64,
    resampled: &[f64],
    groups: &[u32],
    weights: Option<&[f64]>,
) -> Result<Tested> {
    let total: f64 = weights.map_or(groups.len() as f64, |w| w.iter().sum());
    let share = |row: usize| weights.map_or(1.0, |w| w[row]) / total;
    let Some(mut certain) = clustered(groups, share, |_| 0.0) else {
        return Err(refused(Error::input("all rows with weight are of one group")));
    };
    let n = resampled.len() as f64;
    let mean = resampled.iter().sum::<f64>() / n;
    let squares: f64 = resampled.iter().map(|d| (d - mean).powi(2)).sum();
    let of_groups = certain.n_groups as f64;
    certain.standard_error = (squares / (n - 1.0) * of_groups / (of_groups - 1.0)).sqrt();
    Ok(Tested {
        ci95: certain.interval(difference),
        p_value: certain.p_value(difference),
        method: format!(
            "paired bootstrap of {} whole groups, t with {:.0} degrees of freedom",
            certain.n_groups, certain.df
        ),
    })
}

fn refused(cause: Error) -> Error {
    Error::input("the two models cannot be compared on these rows").because(cause)
}
