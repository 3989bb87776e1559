//! Shapley values by drawn orders: for each background row one walk there and back.
//!
//! The values of a row add up exactly, however few walks there are (see `walk`). Orders are drawn
//! by what is in the row, so that equal rows get equal values.

use modelwright_core::{Context, Result};

use super::explanation::{Explanation, Method};
use super::mixture::{Mixer, RowValues};
use super::two_levels::Quick;
use super::walk::{Orders, walk};

/// Explains every row of the mixer; with a quick model most walks are its.
pub(super) fn explain(
    mixer: &Mixer<'_>,
    quick: Option<&Quick<'_>>,
    ctx: &Context,
) -> Result<Explanation> {
    let n_walks = quick.map_or(mixer.n_background(), Quick::n_walks);
    let per_row = 2 * mixer.n_columns() * n_walks;
    mixer.explain(Method::Permutation, per_row, ctx, |rows, ctx| {
        let mut orders: Vec<Orders> = rows.map(|row| Orders::draw(mixer, row, ctx)).collect();
        match quick {
            Some(quick) => quick.explain(mixer, &mut orders, ctx),
            None => of_rows(mixer, &orders, ctx),
        }
    })
}

fn of_rows(mixer: &Mixer<'_>, orders: &[Orders], ctx: &Context) -> Result<Vec<RowValues>> {
    let all: Vec<usize> = (0..mixer.n_background()).collect();
    let walks: Vec<(&Orders, &[usize])> = orders.iter().map(|o| (o, &all[..])).collect();
    let parts = walk(mixer, &walks, ctx)?;
    Ok(parts.iter().map(|parts| mean_of(parts, all.len())).collect())
}

/// The mean of walks, and the square of its standard error.
pub(super) fn mean_of(parts: &[f64], n_walks: usize) -> RowValues {
    let size = parts.len() / n_walks.max(1);
    let (mut sums, mut squares) = (vec![0.0; size], vec![0.0; size]);
    for walk in parts.chunks_exact(size.max(1)) {
        for ((sum, square), part) in sums.iter_mut().zip(&mut squares).zip(walk) {
            *sum += part;
            *square += part * part;
        }
    }
    let n = n_walks as f64;
    let variance =
        |(sum, square): (&f64, &f64)| (square - sum * sum / n).max(0.0) / (n - 1.0).max(1.0) / n;
    let variances = sums.iter().zip(&squares).map(variance).collect();
    RowValues { values: sums.into_iter().map(|sum| sum / n).collect(), variances }
}
