//! Which of two models' decisions cost less, on the same rows.

use modelwright_core::record::Interval;
use modelwright_core::{Context, Error, Result};

use super::clusters::clustered;
use super::{Comparison, LEVEL, Paired, digits};
use crate::cost::CostMatrix;
use crate::distribution::{Z_975, two_sided_p};
use crate::evaluation::EXPECTED_COST;
use crate::metric::weighted_mean;
use crate::resample::{Drawing, Mix, bootstrap_row_mean};

/// Resamples of the interval.
const RESAMPLES: usize = 2000;

/// Compares the mean costs of two models' decisions on the same rows; each decides by `costs`,
/// whatever the thresholds of the pair.
///
/// # Errors
/// Input error when costs or predictions do not fit the truth, or all rows are of one group.
pub fn compare_costs(costs: &CostMatrix, pair: &Paired<'_>, ctx: &Context) -> Result<Comparison> {
    let of = |predictions| costs.row_costs(pair.truth, predictions);
    compare_row_costs((of(pair.a)?, of(pair.b)?), pair, ctx)
}

/// The same of the classes that two models decided for, however they came to that.
///
/// # Errors
/// Input error when costs or decisions do not fit the truth, or all rows are of one group.
pub fn compare_decisions(
    costs: &CostMatrix,
    (a, b): (&[u32], &[u32]),
    pair: &Paired<'_>,
    ctx: &Context,
) -> Result<Comparison> {
    let of = |decided| costs.decision_costs(pair.truth, decided);
    compare_row_costs((of(a)?, of(b)?), pair, ctx)
}

fn compare_row_costs(
    (of_a, of_b): (Vec<f64>, Vec<f64>),
    pair: &Paired<'_>,
    ctx: &Context,
) -> Result<Comparison> {
    let (truth, weights) = (pair.truth, pair.weights);
    let weight = |row: usize| weights.map_or(1.0, |w| w[row]);
    let total: f64 = (0..of_a.len()).map(weight).sum();
    let (value_a, value_b) = (weighted_mean(&of_a, weights), weighted_mean(&of_b, weights));
    let difference = value_a - value_b;
    let rows: Vec<f64> = of_a.iter().zip(&of_b).map(|(a, b)| a - b).collect();
    let n_rows = rows.len();
    let (ci95, p_value, method) = if let Some(groups) = pair.groups() {
        let certain = clustered(groups, |row| weight(row) / total, |row| rows[row] - difference)
            .ok_or_else(|| refused("all rows with weight are of one group"))?;
        let method = format!("mean cost of {} whole groups, t-test", certain.n_groups);
        (certain.interval(difference), certain.p_value(difference), method)
    } else {
        let drawing = Drawing { n_resamples: RESAMPLES, mix: Mix::Drawn, groups: None };
        let measured = bootstrap_row_mean(EXPECTED_COST, rows, truth, weights, drawing, ctx);
        let Some(ci95) = measured.ci95 else {
            return Err(refused(&measured.note.unwrap_or_default()));
        };
        let method = format!("paired bootstrap of the cost of {n_rows} rows, normal p-value");
        let n_heard = (0..n_rows).filter(|row| weight(*row) > 0.0).count();
        (ci95, normal_p(difference, ci95, n_heard), method)
    };
    Ok(Comparison {
        metric: EXPECTED_COST.to_owned(),
        value_a,
        value_b,
        difference,
        ci95,
        p_value,
        method,
        verdict: verdict(difference, ci95, p_value),
    })
}

fn refused(got: &str) -> Error {
    Error::input("the costs cannot be compared on these rows").got(got)
}

/// The two-sided p-value of "the mean of `n_rows` differences is 0", by the width of its interval.
fn normal_p(difference: f64, ci95: Interval, n_rows: usize) -> f64 {
    let standard_error = (ci95.high - ci95.low) / (2.0 * Z_975);
    if difference == 0.0 {
        1.0
    } else if standard_error > 1e-12 * difference.abs() {
        two_sided_p(difference / standard_error)
    } else {
        // All rows say exactly the same: no test is surer than that of their signs.
        (2.0 * 0.5_f64.powf(n_rows as f64)).min(1.0)
    }
}

fn verdict(difference: f64, ci95: Interval, p_value: f64) -> String {
    let p = if p_value < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p_value:.3}") };
    let (low, high) = (digits(ci95.low), digits(ci95.high));
    if p_value >= LEVEL {
        let how = if difference < 0.0 { "less" } else { "more" };
        return format!(
            "No difference in cost is shown: A costs {} {how} per row than B (A less B: 95 % \
             interval {low} to {high}, {p}).",
            digits(difference.abs())
        );
    }
    let (dear, cheap) = if difference > 0.0 { ("A", "B") } else { ("B", "A") };
    format!(
        "{cheap} is cheaper than {dear}: by {} per row, {} per 1,000 rows (A less B: 95 % \
         interval {low} to {high}, {p}).",
        digits(difference.abs()),
        digits(1000.0 * difference.abs())
    )
}
