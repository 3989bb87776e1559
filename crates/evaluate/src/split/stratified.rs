//! Stratified split: every part has the mix of classes (or of target quantiles) of the whole.
//!
//! Folds are dealt like cards: rows are put in order of their stratum, shuffled within it, and
//! dealt round the folds without starting anew at the next stratum. So fold sizes differ by at
//! most one, and so do a stratum's rows per fold; a class of two rows is learned from in every
//! fold. A holdout takes from each class its share by the largest-remainder method, but leaves
//! (and takes, where there are two) at least one row of each class.
//!
//! For regression the strata are runs of neighbouring target values, so that every part has
//! small and large ones alike.

use modelwright_core::Context;
use modelwright_core::data::Fold;
use modelwright_core::random::Random;
use modelwright_core::task::Target;

use super::{divide, n_judged};

/// Rows that are judged of each stratum of a regression target (or learned from, if those are
/// fewer): enough that rounding does not change the share.
const MINORITY_PER_STRATUM: f64 = 4.0;

pub(super) fn holdout(target: &Target, share: f64, ctx: &Context) -> Fold {
    let mut random = ctx.random("evaluate/split/stratified", 0);
    let rows_per_stratum = (MINORITY_PER_STRATUM / share.min(1.0 - share)).ceil() as usize;
    let strata = strata(target, rows_per_stratum, &mut random);
    let sizes: Vec<usize> = strata.iter().map(Vec::len).collect();
    let mut judged = vec![false; target.n_rows()];
    for (rows, n) in strata.iter().zip(judged_per_stratum(&sizes, share)) {
        rows[..n].iter().for_each(|row| judged[*row as usize] = true);
    }
    divide(judged.len(), |row| judged[row])
}

pub(super) fn fold_of_row(target: &Target, k: usize, ctx: &Context) -> Vec<u32> {
    let mut random = ctx.random("evaluate/split/stratified", 1);
    let mut folds = vec![0; target.n_rows()];
    for (at, row) in strata(target, k, &mut random).into_iter().flatten().enumerate() {
        folds[row as usize] = (at % k) as u32;
    }
    folds
}

/// The rows of each stratum, shuffled; classes in index order, target values rising.
fn strata(target: &Target, rows_per_stratum: usize, random: &mut Random) -> Vec<Vec<u32>> {
    let mut strata: Vec<Vec<u32>> = match target {
        Target::Class { codes, n_classes } => {
            let mut strata = vec![Vec::new(); *n_classes];
            for (row, code) in codes.iter().enumerate() {
                strata[*code as usize].push(row as u32);
            }
            strata.retain(|rows| !rows.is_empty());
            strata
        }
        Target::Real(values) => {
            // Shuffled first, so that equal values are in random, not in row order.
            let mut rows: Vec<u32> = (0..values.len() as u32).collect();
            random.shuffle(&mut rows);
            rows.sort_by(|a, b| values[*a as usize].total_cmp(&values[*b as usize]));
            rows.chunks(rows_per_stratum).map(<[u32]>::to_vec).collect()
        }
    };
    for rows in &mut strata {
        random.shuffle(rows);
    }
    strata
}

/// How many rows of each stratum are judged.
fn judged_per_stratum(sizes: &[usize], share: f64) -> Vec<usize> {
    let total = n_judged(sizes.iter().sum(), share);
    let limits = |size: usize| (usize::from(size >= 2), size - 1);
    let mut taken: Vec<usize> = sizes
        .iter()
        .map(|size| {
            let (least, most) = limits(*size);
            ((*size as f64 * share) as usize).clamp(least, most)
        })
        .collect();
    // Largest remainder first; equal remainders in stratum order.
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    let remainder = |s: usize| (sizes[s] as f64 * share).fract();
    order.sort_by(|a, b| remainder(*b).total_cmp(&remainder(*a)));
    let mut missing = total.saturating_sub(taken.iter().sum());
    for s in order {
        if missing > 0 && taken[s] < limits(sizes[s]).1 {
            taken[s] += 1;
            missing -= 1;
        }
    }
    if taken.iter().all(|n| *n == 0) {
        // Only strata of one row each: judge as many of them as the share asks for.
        taken.iter_mut().take(total).for_each(|n| *n = 1);
    }
    taken
}
