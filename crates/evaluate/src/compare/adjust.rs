//! P-values of many tests: what remains of each when all are looked at.
//!
//! References: Holm, Scandinavian Journal of Statistics 6, 1979 (no false finding, with the chance
//! of the level); Benjamini & Hochberg, JRSS B 57, 1995 (a share of false findings at most).

/// Holm's adjusted p-values, in the order of the input.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let n = p_values.len();
    let mut adjusted = vec![0.0; n];
    let mut largest = 0.0_f64;
    for (rank, i) in ascending(p_values).into_iter().enumerate() {
        largest = largest.max((p_values[i] * (n - rank) as f64).min(1.0));
        adjusted[i] = largest;
    }
    adjusted
}

/// Benjamini & Hochberg's adjusted p-values, in the order of the input.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let n = p_values.len();
    let mut adjusted = vec![0.0; n];
    let mut least = 1.0_f64;
    for (rank, i) in ascending(p_values).into_iter().enumerate().rev() {
        least = least.min(p_values[i] * n as f64 / (rank + 1) as f64);
        adjusted[i] = least;
    }
    adjusted
}

/// Places by rising p-value; equal ones in their order.
fn ascending(p_values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    order
}
