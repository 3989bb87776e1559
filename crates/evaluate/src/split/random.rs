//! Random split: every row is as likely as any other to be judged.

use modelwright_core::Context;
use modelwright_core::data::Fold;

use super::{divide, n_judged};

pub(super) fn holdout(n_rows: usize, share: f64, ctx: &Context) -> Fold {
    let chosen = ctx.random("evaluate/split/random", 0).sample(n_rows, n_judged(n_rows, share));
    let mut judged = vec![false; n_rows];
    for row in chosen {
        judged[row as usize] = true;
    }
    divide(n_rows, |row| judged[row])
}

/// Folds whose sizes differ by at most one.
pub(super) fn fold_of_row(n_rows: usize, k: usize, ctx: &Context) -> Vec<u32> {
    let mut folds: Vec<u32> = (0..n_rows).map(|row| (row % k) as u32).collect();
    ctx.random("evaluate/split/random", 1).shuffle(&mut folds);
    folds
}
