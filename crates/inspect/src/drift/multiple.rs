//! Many tests at once.

/// Benjamini and Hochberg's adjusted p-values, in the order given: rejecting those below `q` keeps
/// the expected share of false alarms among all alarms below `q`.
///
/// Reference: Benjamini & Hochberg, "Controlling the false discovery rate", JRSS B 57, 1995.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let n = p_values.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![1.0; n];
    let mut least: f64 = 1.0;
    for (rank, at) in order.into_iter().enumerate().rev() {
        least = least.min(p_values[at] * n as f64 / (rank + 1) as f64);
        adjusted[at] = least;
    }
    adjusted
}
