//! Bias-corrected and accelerated bootstrap intervals (Efron, JASA 82, 1987): second-order
//! correct, so that skewed metrics of few rows are covered as often as promised.

use modelwright_core::record::Interval;
use modelwright_core::{Context, Error, Result};

use super::Strata;
use super::bootstrap::{in_one_line, n_resamples_for, quantile_of_sorted};
use super::strata::has_weight;
use crate::distribution::{normal_cdf, normal_quantile};
use crate::metric::{MetricEntry, MetricInput};

/// Rows are left out one by one up to here, beyond in so many blocks.
const LEFT_OUT_MAX: usize = 300;

/// Resamples of the draws, as in the plain bootstrap.
const STREAM: &str = "evaluate/bootstrap";

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub enum Drawn<'a> {
    /// Rows, within the classes of a classification.
    Rows,
    /// Whole groups: the group of each row, below `n_groups`. For rows that belong together, such
    /// as the visits of one patient, which are no independent witnesses.
    Groups {
        /// One group per row.
        codes: &'a [u32],
        /// How many groups there are.
        n_groups: usize,
    },
}

/// The 95 % BCa interval of a metric.
///
/// # Errors
/// Input error when the metric is undefined on these rows or on too many resamples of them, or
/// when there are fewer than two rows or groups.
pub fn bca_interval(
    metric: &MetricEntry,
    input: &MetricInput<'_>,
    drawn: Drawn<'_>,
    n_resamples: usize,
    ctx: &Context,
) -> Result<Interval> {
    let prepared = metric.prepare(input)?;
    let value = prepared.value(input.weights)?;
    let n_rows = input.truth.n_rows();
    let score = |weights: &[f64]| {
        if has_weight(weights) { prepared.value_unchecked(Some(weights)).ok() } else { None }
    };
    let (strata, blocks) = match drawn {
        Drawn::Rows => (Strata::new(input.truth, input.weights), blocks(n_rows)),
        Drawn::Groups { codes, n_groups } => {
            if codes.len() != n_rows || codes.iter().any(|c| *c as usize >= n_groups) {
                return Err(Error::input("every row needs a group")
                    .expected(format!("{n_rows} groups below {n_groups}"))
                    .got(format!("{} groups", codes.len())));
            }
            (Strata::clusters(codes, n_groups, input.weights), members(codes, n_groups))
        }
    };
    let n_resamples = n_resamples_for(n_rows, n_resamples);
    let values = strata.resample(STREAM, n_resamples, ctx, score);
    let left_out = ctx.map(blocks.len(), |block| {
        let mut weights: Vec<f64> =
            input.weights.map_or_else(|| vec![1.0; n_rows], <[f64]>::to_vec);
        for row in &blocks[block] {
            weights[*row as usize] = 0.0;
        }
        score(&weights)
    });
    let left_out: Vec<f64> = left_out.into_iter().flatten().collect();
    corrected(value, values, &left_out).map_err(|e| {
        Error::input(format!("no BCa interval of {}", metric.name())).because(in_one_line(&e))
    })
}

/// The BCa interval from a value, its resampled values, and its values with a part left out.
///
/// # Errors
/// Input error when fewer than nine of ten resamples are defined, or fewer than two parts.
pub fn corrected(value: f64, resampled: Vec<Option<f64>>, left_out: &[f64]) -> Result<Interval> {
    let n_all = resampled.len();
    let mut sorted: Vec<f64> = resampled.into_iter().flatten().collect();
    if sorted.is_empty() || sorted.len() * 10 < n_all * 9 || left_out.len() < 2 {
        return Err(Error::input("the interval could not be computed")
            .expected("resamples on which the metric is defined")
            .got(format!("{} of {n_all}", sorted.len()))
            .hint("use more rows"));
    }
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let below = sorted.iter().filter(|v| **v < value).count() as f64;
    let not_above = sorted.iter().filter(|v| **v <= value).count() as f64;
    // Equal values count half, as in SciPy; never quite none or all of them.
    let share = (f64::midpoint(below, not_above) / n).clamp(0.5 / n, 1.0 - 0.5 / n);
    let bias = normal_quantile(share);
    let mean = left_out.iter().sum::<f64>() / left_out.len() as f64;
    let (mut squares, mut cubes) = (0.0, 0.0);
    for v in left_out {
        squares += (mean - v).powi(2);
        cubes += (mean - v).powi(3);
    }
    let acceleration = if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 };
    let end = |p: f64| {
        let z = bias + normal_quantile(p);
        let level = normal_cdf(bias + z / (1.0 - acceleration * z));
        quantile_of_sorted(&sorted, level)
    };
    Ok(Interval { low: end(0.025), high: end(0.975) })
}

/// Rows in blocks that are left out one after the other: spread over the table, as many as there
/// are rows or [`LEFT_OUT_MAX`].
fn blocks(n_rows: usize) -> Vec<Vec<u32>> {
    let n_blocks = n_rows.min(LEFT_OUT_MAX);
    (0..n_blocks).map(|b| (b as u32..n_rows as u32).step_by(n_blocks).collect()).collect()
}

/// The rows of each group that has any.
fn members(codes: &[u32], n_groups: usize) -> Vec<Vec<u32>> {
    let mut members = vec![Vec::new(); n_groups];
    for (row, code) in codes.iter().enumerate() {
        members[*code as usize].push(row as u32);
    }
    members.retain(|rows| !rows.is_empty());
    members
}
