//! The target as transformers that see it read it: one number per row and output.
//!
//! A binary target is 1 for the positive class; a target of several classes is one output per
//! class, 1 for that class; a regression target is its value. Weights are scaled to mean 1 over
//! the rows learned from, so that the strength of a prior counts rows.

use modelwright_core::task::Target;

use super::transformer::TransformInput;

/// The classes that have a feature, ascending; none for a target of one output.
pub(crate) fn classes(input: &TransformInput<'_>, max_classes: usize) -> Vec<u32> {
    let Target::Class { codes, n_classes } = input.target else { return Vec::new() };
    if *n_classes <= 2 {
        return Vec::new();
    }
    let mut counts = vec![0_u64; *n_classes];
    for row in input.rows {
        counts[codes[*row as usize] as usize] += 1;
    }
    let mut classes: Vec<u32> = (0..*n_classes as u32).collect();
    classes.sort_by_key(|c| std::cmp::Reverse(counts[*c as usize]));
    classes.truncate(max_classes);
    classes.sort_unstable();
    classes
}

/// One output of the target: a number and a weight per row, and the mean over the rows learned
/// from. Only rows learned from may be asked for.
pub(crate) struct Observed<'a> {
    target: &'a Target,
    class: u32,
    weights: Option<&'a [f64]>,
    /// Brings the weights to mean 1.
    factor: f64,
    /// Weighted mean of the rows learned from.
    pub(crate) prior: f64,
}

/// Larger values count as this, so that no sum of them overflows.
const LARGEST: f64 = 1e38;

impl<'a> Observed<'a> {
    /// The output of `class`; `None` is the positive class, or the value.
    pub(crate) fn new(input: &TransformInput<'a>, class: Option<u32>) -> Self {
        let n = input.rows.len().max(1) as f64;
        let total: Option<f64> =
            input.weights.map(|w| input.rows.iter().map(|r| w[*r as usize]).sum());
        let (weights, factor) = match total {
            Some(total) if total > 0.0 => (input.weights, n / total),
            _ => (None, 1.0),
        };
        let class = class.unwrap_or(1);
        let mut observed = Self { target: input.target, class, weights, factor, prior: 0.0 };
        let sum: f64 = input.rows.iter().map(|r| observed.y(*r) * observed.weight(*r)).sum();
        observed.prior = sum / n;
        observed
    }

    /// The number of a row.
    #[inline]
    pub(crate) fn y(&self, row: u32) -> f64 {
        match self.target {
            Target::Class { codes, .. } => f64::from(u8::from(codes[row as usize] == self.class)),
            Target::Real(values) => values[row as usize].clamp(-LARGEST, LARGEST),
        }
    }

    /// The weight of a row.
    #[inline]
    pub(crate) fn weight(&self, row: u32) -> f64 {
        self.weights.map_or(1.0, |w| w[row as usize] * self.factor)
    }
}
