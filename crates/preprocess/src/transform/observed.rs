//! The target as transformers that see it read it: one number per row and output.
//!
//! A binary target is 1 for the positive class; a target of several classes is one output per
//! class, 1 for that class; a regression target is its value. Weights are scaled to mean 1 over
//! the rows learned from, so that the strength of a prior counts rows.

use modelwright_core::task::Target;

use super::transformer::TransformInput;

/// The classes that have a feature, ascending; none for a target of one output.
pub(super) fn classes(input: &TransformInput<'_>, max_classes: usize) -> Vec<u32> {
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

/// One number per row learned from, its weight, and the mean over all of them.
pub(super) struct Observed {
    /// y of all rows; those of rows not learned from stay 0 and are never read.
    pub(super) y: Vec<f64>,
    /// Weights of all rows with mean 1 over the rows learned from; `None` is 1 for each.
    pub(super) weights: Option<Vec<f64>>,
    pub(super) prior: f64,
}

impl Observed {
    pub(super) fn new(input: &TransformInput<'_>, class: Option<u32>) -> Self {
        let class = class.unwrap_or(1);
        let mut y = vec![0.0; input.column.n_rows()];
        for row in input.rows {
            let row = *row as usize;
            y[row] = match input.target {
                Target::Class { codes, .. } => f64::from(u8::from(codes[row] == class)),
                Target::Real(values) => values[row],
            };
        }
        let n = input.rows.len().max(1) as f64;
        let total: Option<f64> =
            input.weights.map(|w| input.rows.iter().map(|r| w[*r as usize]).sum());
        let weights = match (input.weights, total) {
            (Some(w), Some(total)) if total > 0.0 => {
                Some(w.iter().map(|w| w * (n / total)).collect::<Vec<f64>>())
            }
            _ => None,
        };
        let weight = |row: usize| weights.as_ref().map_or(1.0, |w| w[row]);
        let prior = input.rows.iter().map(|r| y[*r as usize] * weight(*r as usize) / n).sum();
        Self { y, weights, prior }
    }
}
