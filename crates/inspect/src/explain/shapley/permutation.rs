//! Shapley values by drawn orders: from a background row to the row, one column after the other.
//!
//! For each background row the columns are exchanged in one drawn order and in the reverse of it
//! (antithetic sampling: Mitchell, Cooper, Frank & Holmes, "Sampling permutations for Shapley value
//! estimation", JMLR 23, 2022; the order there and back is what the `shap` package's permutation
//! explainer does). What a step changes belongs to its column, so that the steps of each walk sum
//! to the difference of its ends: the values of a row add up exactly, however few walks there are.
//! Orders are drawn by what is in the row, so that equal rows get equal values.

use modelwright_core::{Context, Result};

use super::explanation::{Explanation, Method};
use super::mixture::{Mixer, RowSums};

/// Explains every row of the mixer.
pub(super) fn explain(mixer: &Mixer<'_>, ctx: &Context) -> Result<Explanation> {
    let per_row = 2 * mixer.n_columns() * mixer.n_background();
    mixer.explain(Method::Permutation, per_row, ctx, |row, ctx| of_row(mixer, row, ctx))
}

fn of_row(mixer: &Mixer<'_>, row: usize, ctx: &Context) -> Result<RowSums> {
    let n_outputs = mixer.n_outputs();
    let mut random = ctx.random("explain/order", mixer.fingerprint(row));
    let mut asking = mixer.asking(ctx);
    let mut orders = Vec::with_capacity(mixer.n_background());
    let mut rank = vec![0; mixer.n_columns()];
    for b in 0..mixer.n_background() {
        let mut order = mixer.players(row, b);
        random.shuffle(&mut order);
        let n = order.len();
        // Columns that do not differ are the same on either side.
        rank.fill(n);
        for (place, column) in order.iter().enumerate() {
            rank[*column as usize] = place;
        }
        for k in 1..n {
            asking.ask(row, b, |column| rank[column] < k)?;
        }
        for k in 1..n {
            asking.ask(row, b, |column| rank[column] < n && rank[column] >= n - k)?;
        }
        orders.push(order);
    }
    let asked = asking.finish()?;
    let mut answers = asked.chunks_exact(n_outputs);
    let size = mixer.n_columns() * n_outputs;
    let (mut sums, mut squares) = (vec![0.0; size], vec![0.0; size]);
    let mut of_walks = vec![0.0; size];
    for (b, order) in orders.iter().enumerate() {
        of_walks.fill(0.0);
        let mut walk = |column: u32, from: &mut [f64], to: &[f64]| {
            let parts = &mut of_walks[column as usize * n_outputs..][..n_outputs];
            for ((part, from), to) in parts.iter_mut().zip(from).zip(to) {
                *part += 0.5 * (to - *from);
                *from = *to;
            }
        };
        let there: Vec<u32> = order.clone();
        let back: Vec<u32> = order.iter().rev().copied().collect();
        for columns in [there, back] {
            let mut at = mixer.of_background(b).to_vec();
            let n = columns.len();
            for (k, column) in columns.into_iter().enumerate() {
                let next = if k + 1 < n { answers.next() } else { None };
                walk(column, &mut at, next.unwrap_or(mixer.of_row(row)));
            }
        }
        for ((sum, square), part) in sums.iter_mut().zip(&mut squares).zip(&of_walks) {
            *sum += part;
            *square += part * part;
        }
    }
    Ok(RowSums { sums, squares })
}
