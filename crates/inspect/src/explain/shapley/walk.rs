//! Walks from a background row to a row: one column after the other is exchanged.
//!
//! What a step changes belongs to its column, so that the steps of each walk sum to the difference
//! of its ends. Each order is walked there and back (antithetic sampling: Mitchell, Cooper, Frank
//! & Holmes, "Sampling permutations for Shapley value estimation", JMLR 23, 2022; what the `shap`
//! package's permutation explainer does, too).

use modelwright_core::random::Random;
use modelwright_core::{Context, Result};

use super::mixture::{Asking, Mixer};

/// Orders of the columns in which a row differs from each background row.
pub(super) struct Orders {
    row: usize,
    of: Vec<Vec<u32>>,
    /// For whatever else is drawn for the row.
    pub(super) random: Random,
}

impl Orders {
    /// Draws them, by what is in the row alone.
    pub(super) fn draw(mixer: &Mixer<'_>, row: usize, ctx: &Context) -> Self {
        let mut random = ctx.random("explain/order", mixer.fingerprint(row));
        let of = (0..mixer.n_background())
            .map(|b| {
                let mut order = mixer.players(row, b);
                random.shuffle(&mut order);
                order
            })
            .collect();
        Self { row, of, random }
    }

    /// Asks what the model says on the way, without both ends.
    fn ask(&self, from: &[usize], rank: &mut [usize], asking: &mut Asking<'_, '_>) -> Result<()> {
        for b in from {
            let order = &self.of[*b];
            let n = order.len();
            // Columns that do not differ are the same on either side.
            rank.fill(n);
            for (place, column) in order.iter().enumerate() {
                rank[*column as usize] = place;
            }
            for k in 1..n {
                asking.ask(self.row, *b, |column| rank[column] < k)?;
            }
            for k in 1..n {
                asking.ask(self.row, *b, |column| rank[column] < n && rank[column] >= n - k)?;
            }
        }
        Ok(())
    }

    /// What each column adds on the walks from some background rows, by the answers.
    fn parts<'a>(
        &self,
        mixer: &Mixer<'_>,
        from: &[usize],
        answers: &mut impl Iterator<Item = &'a [f64]>,
    ) -> Vec<f64> {
        let n_outputs = mixer.n_outputs();
        let size = mixer.n_columns() * n_outputs;
        let mut parts = vec![0.0; size * from.len()];
        for (b, parts) in from.iter().zip(parts.chunks_exact_mut(size)) {
            let order = &self.of[*b];
            let mut step = |column: u32, from: &mut [f64], to: &[f64]| {
                let parts = &mut parts[column as usize * n_outputs..][..n_outputs];
                for ((part, from), to) in parts.iter_mut().zip(from).zip(to) {
                    *part += 0.5 * (to - *from);
                    *from = *to;
                }
            };
            let there: Vec<u32> = order.clone();
            let back: Vec<u32> = order.iter().rev().copied().collect();
            for columns in [there, back] {
                let mut at = mixer.of_background(*b).to_vec();
                let n = columns.len();
                for (k, column) in columns.into_iter().enumerate() {
                    let next = if k + 1 < n { answers.next() } else { None };
                    step(column, &mut at, next.unwrap_or(mixer.of_row(self.row)));
                }
            }
        }
        parts
    }
}

/// What each column adds on the walks to each row from some background rows (for each of these
/// columns × outputs): the mean of there and back. All rows are asked for together: a model has
/// costs for every call.
pub(super) fn walk(
    mixer: &Mixer<'_>,
    rows: &[(&Orders, &[usize])],
    ctx: &Context,
) -> Result<Vec<Vec<f64>>> {
    let mut asking = mixer.asking(ctx);
    let mut rank = vec![0; mixer.n_columns()];
    for (orders, from) in rows {
        orders.ask(from, &mut rank, &mut asking)?;
    }
    let asked = asking.finish()?;
    let mut answers = asked.chunks_exact(mixer.n_outputs());
    Ok(rows.iter().map(|(orders, from)| orders.parts(mixer, from, &mut answers)).collect())
}
