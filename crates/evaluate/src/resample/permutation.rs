//! Is a model better than knowing nothing? A permutation test: the answers are dealt out to the
//! rows at random, which is what a model without any knowledge faces.
//!
//! Reference: Ojala & Garriga, "Permutation tests for studying classifier performance", JMLR 11,
//! 2010 (their first test), with the count plus one of Phipson & Smyth, 2010.

use modelwright_core::{Context, Error, Result};
use serde::Serialize;

use crate::metric::{MetricEntry, MetricInput};

/// How a metric compares with what chance gives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AgainstChance {
    /// The metric on the rows as they are.
    pub value: f64,
    /// Its mean over permutations.
    pub chance: f64,
    /// The chance of so good a value when predictions know nothing of the answers.
    pub p_value: f64,
    /// Permutations on which the metric was defined.
    pub n_permutations: usize,
}

/// Tests a metric against chance with `n_permutations` random deals of the answers.
///
/// # Errors
/// Input error when the metric is undefined on these rows, or on all permutations.
pub fn against_chance(
    metric: &MetricEntry,
    input: &MetricInput<'_>,
    n_permutations: usize,
    ctx: &Context,
) -> Result<AgainstChance> {
    let value = metric.measured(input)?;
    let n_rows = input.truth.n_rows();
    let dealt = ctx.map(n_permutations, |i| {
        let mut rows: Vec<u32> = (0..n_rows as u32).collect();
        ctx.random("evaluate/permutation", i as u64).shuffle(&mut rows);
        let truth = input.truth.select(&rows);
        metric.value(&MetricInput { truth: &truth, ..*input }).ok()
    });
    let dealt: Vec<f64> = dealt.into_iter().flatten().collect();
    if dealt.is_empty() {
        return Err(Error::input("the permutation test has no defined permutation")
            .expected("at least one")
            .got(format!("none of {n_permutations}")));
    }
    let as_good = dealt.iter().filter(|v| metric.spec.gain(**v, value) >= 0.0).count();
    Ok(AgainstChance {
        value,
        chance: dealt.iter().sum::<f64>() / dealt.len() as f64,
        p_value: (as_good + 1) as f64 / (dealt.len() + 1) as f64,
        n_permutations: dealt.len(),
    })
}
