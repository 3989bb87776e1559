//! Shapley values by drawn orders: for each background row one walk there and back.
//!
//! The values of a row add up exactly, however few walks there are (see `walk`). Orders are drawn
//! by what is in the row, so that equal rows get equal values.

use modelwright_core::{Context, Result};

use super::explanation::{Explanation, Method};
use super::mixture::{Mixer, RowValues};
use super::two_levels::Quick;
use super::walk::Orders;

/// Explains every row of the mixer; with a quick model most walks are its.
pub(super) fn explain(
    mixer: &Mixer<'_>,
    quick: Option<&Quick<'_>>,
    ctx: &Context,
) -> Result<Explanation> {
    let per_row = 2 * mixer.n_columns() * mixer.n_background();
    mixer.explain(Method::Permutation, per_row, ctx, |row, ctx| {
        let mut random = ctx.random("explain/order", mixer.fingerprint(row));
        let orders = Orders::draw(mixer, row, &mut random);
        match quick {
            Some(quick) => quick.explain(mixer, row, &orders, &mut random, ctx),
            None => of_row(mixer, row, &orders, ctx),
        }
    })
}

fn of_row(mixer: &Mixer<'_>, row: usize, orders: &Orders, ctx: &Context) -> Result<RowValues> {
    let all: Vec<usize> = (0..mixer.n_background()).collect();
    let parts = orders.walk(mixer, row, &all, ctx)?;
    Ok(mean_of(&parts, all.len()))
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
