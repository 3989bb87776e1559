//! Scores that are sums of one number per column: their parts are known without any background.

use modelwright_core::data::FeatureView;
use modelwright_learners::linear::LinearModel;

/// What each column adds to the score beyond the intercept: `x.n_rows() × n_columns`, row-major.
/// `players` are the columns of the dense and of the sparse features.
pub(super) fn linear_parts(
    model: &LinearModel,
    x: &FeatureView<'_>,
    players: &[Vec<u32>; 2],
    n_columns: usize,
) -> Vec<f64> {
    let n_rows = x.n_rows();
    let mut parts = vec![0.0; n_rows * n_columns];
    let dense = x.features.columns.iter().zip(&players[0]);
    let numbers = model.coefficients(0).iter().zip(model.centers());
    for ((column, player), (coefficient, center)) in dense.zip(numbers) {
        if *coefficient == 0.0 {
            continue;
        }
        for row in 0..n_rows {
            let value = f64::from(column.values[x.row(row)]) - center;
            parts[row * n_columns + *player as usize] += coefficient * value;
        }
    }
    if let Some(sparse) = &x.features.sparse {
        let coefficients = model.sparse_coefficients(0);
        for row in 0..n_rows {
            let (indices, values) = sparse.row(x.row(row));
            for (index, value) in indices.iter().zip(values) {
                let player = players[1][*index as usize] as usize;
                let added = coefficients[*index as usize] * f64::from(*value);
                parts[row * n_columns + player] += added;
            }
        }
    }
    parts
}

/// For each row the sum of the differences of its parts to those of each background row, by weight;
/// without weights their mean times `share`.
pub(super) fn differences(
    ours: &[f64],
    theirs: &[f64],
    weights: Option<&[f64]>,
    share: f64,
    n_columns: usize,
) -> Vec<f64> {
    let m = theirs.len() / n_columns;
    let even = share / m as f64;
    let mut values = vec![0.0; ours.len()];
    let rows = values.chunks_exact_mut(n_columns).zip(ours.chunks_exact(n_columns));
    for (row, (values, ours)) in rows.enumerate() {
        for (b, theirs) in theirs.chunks_exact(n_columns).enumerate() {
            let weight = weights.map_or(even, |weights| weights[row * m + b]);
            for ((value, ours), theirs) in values.iter_mut().zip(ours).zip(theirs) {
                *value += weight * (ours - theirs);
            }
        }
    }
    values
}
