//! Shapley values by their definition: every mixture of a row with each background row.
//!
//! With `n` columns that differ, column `i` gets the sum over the sets `S` of others of
//! `|S|! (n - |S| - 1)! / n! · (v(S ∪ i) - v(S))` (Shapley, "A value for n-person games", 1953).

use modelwright_core::{Context, Result};

use super::explanation::{Explanation, Method};
use super::mixture::{Mixer, RowValues};

/// Explains every row of the mixer.
pub(super) fn explain(mixer: &Mixer<'_>, ctx: &Context) -> Result<Explanation> {
    let per_row = mixer.n_background() << mixer.n_columns();
    mixer.explain(Method::Exact, per_row, ctx, |rows, ctx| {
        rows.map(|row| of_row(mixer, row, ctx)).collect()
    })
}

fn of_row(mixer: &Mixer<'_>, row: usize, ctx: &Context) -> Result<RowValues> {
    let n_outputs = mixer.n_outputs();
    let size = mixer.n_columns() * n_outputs;
    let mut sums = vec![0.0; size];
    for b in 0..mixer.n_background() {
        let players = mixer.players(row, b);
        let n = players.len();
        if n == 0 {
            continue;
        }
        let mut bit = vec![None; mixer.n_columns()];
        for (place, column) in players.iter().enumerate() {
            bit[*column as usize] = Some(place);
        }
        let full = (1_usize << n) - 1;
        let mut asking = mixer.asking(ctx);
        for set in 1..full {
            asking.ask(row, b, |column| bit[column].is_some_and(|bit| set >> bit & 1 == 1))?;
        }
        let asked = asking.finish()?;
        let value = |set: usize| match set {
            0 => mixer.of_background(b),
            _ if set == full => mixer.of_row(row),
            _ => &asked[(set - 1) * n_outputs..][..n_outputs],
        };
        let weights = weights(n);
        for set in 0..full {
            let weight = weights[set.count_ones() as usize];
            let without = value(set);
            for (place, column) in players.iter().enumerate().filter(|(p, _)| set >> p & 1 == 0) {
                let with = value(set | 1 << place);
                let parts = &mut sums[*column as usize * n_outputs..][..n_outputs];
                for ((part, with), without) in parts.iter_mut().zip(with).zip(without) {
                    *part += weight * (with - without);
                }
            }
        }
    }
    let n = mixer.n_background() as f64;
    let values = sums.into_iter().map(|sum| sum / n).collect();
    Ok(RowValues { values, variances: vec![0.0; size] })
}

/// `s! (n - s - 1)! / n!` for each `s` below `n`.
fn weights(n: usize) -> Vec<f64> {
    let mut weights = vec![1.0 / n as f64];
    for s in 1..n {
        weights.push(weights[s - 1] * s as f64 / (n - s) as f64);
    }
    weights
}
