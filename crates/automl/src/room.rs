//! Keeps what a trial learns under the memory cap: trees are stored, and many of them are large.
//!
//! Boosters get as many rounds as their models have room for, and steps that arrive within them;
//! forests, whose size the rows decide, are left out when they might not fit.

use modelwright_core::Context;
use modelwright_core::params::ParamValue;
use modelwright_core::record::PlannedTrial;

use crate::pace;
use crate::portfolio::{self, N_ROUNDS};
use crate::search::Ground;

/// Bytes of a leaf with its split, as grown and as compiled for prediction; measured on boosters of
/// 31 leaves.
const BYTES_PER_LEAF: f64 = 120.0;

/// Bytes of the histogram of a feature with as many bins as there may be.
const BYTES_PER_HISTOGRAM: f64 = 8.0 * 256.0;

/// The part of the free memory that the models of one trial may take.
const SHARE: f64 = 0.2;

/// The fewest rounds that make sense.
const N_ROUNDS_MIN: u64 = 20;

/// Leaves of a booster's tree where the parameters do not say.
const LEAVES: i64 = 31;
/// Leaves of a symmetric tree of the portfolio.
const LEAVES_OBLIVIOUS: i64 = 64;
/// The most leaves of a forest's tree.
const LEAVES_OF_FOREST: usize = 15_000;

/// The trial with rounds that its models have room for; `None` when they have none.
pub(crate) fn fitted_in(
    planned: &PlannedTrial,
    ground: &Ground<'_>,
    ctx: &Context,
) -> Option<PlannedTrial> {
    let mut planned = planned.clone();
    let is_booster = pace::is_booster(&planned);
    let is_forest = ["random_forest", "extra_trees"].contains(&&*planned.learner);
    if !is_booster && !is_forest {
        return Some(planned);
    }
    let outputs = ground.target.n_outputs();
    let (models, leaves) = if is_booster {
        (ground.folds.len().max(1) * outputs, leaves(&planned) as usize)
    } else {
        (1, ground.table.n_rows().min(LEAVES_OF_FOREST) * outputs)
    };
    let per_round = models as f64 * leaves as f64 * BYTES_PER_LEAF;
    // The histograms of all leaves of a tree, for each fold that runs at the same time.
    let at_work = if is_booster {
        (leaves * ground.schema.fields.len() * ctx.threads()) as f64 * BYTES_PER_HISTOGRAM
    } else {
        0.0
    };
    let n_trees = ctx.decide(&format!("trees/{}", planned.name), || {
        let free = |left: u64| (left as f64 - at_work).max(0.0);
        ctx.memory_left_bytes().map_or(u64::MAX, |left| (free(left) * SHARE / per_round) as u64)
    });
    let wanted = if is_booster { N_ROUNDS } else { int(&planned, "n_trees", 100) } as u64;
    if n_trees >= wanted {
        return Some(planned);
    }
    if is_forest || n_trees < N_ROUNDS_MIN {
        return None;
    }
    planned.params.insert("n_rounds".to_owned(), ParamValue::Int(n_trees.cast_signed()));
    let rate = portfolio::learning_rate(n_trees).max(pace::rate_of(&planned).unwrap_or(0.0));
    planned.params.insert(portfolio::RATE.to_owned(), ParamValue::Real(rate));
    Some(planned)
}

fn leaves(planned: &PlannedTrial) -> i64 {
    let policy = planned.params.get("grow_policy").map(ToString::to_string);
    let is_oblivious = policy.as_deref() == Some("oblivious");
    if is_oblivious { LEAVES_OBLIVIOUS } else { int(planned, "max_leaves", LEAVES) }
}

fn int(planned: &PlannedTrial, name: &str, default: i64) -> i64 {
    match planned.params.get(name) {
        Some(ParamValue::Int(value)) => *value,
        _ => default,
    }
}
