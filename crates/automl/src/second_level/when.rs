//! When a second level may be tried, and the time that is kept for it.

use std::time::Duration;

use modelwright_core::Context;
use modelwright_core::record::{Options, OwnKind};
use modelwright_core::task::Target;
use modelwright_evaluate::split::SplitKind;

use super::booster::N_ROUNDS;
use super::learn::Input;
use crate::plan::Preset;
use crate::{aim, budget, distill};

/// With fewer judged rows a correction cannot be told from chance.
const N_ROWS_MIN: usize = 400;

/// The part of the time that it may take from the search.
const RESERVE_SHARE: f64 = 0.05;

/// Predictions of the judged rows that are held beside the members': of each kind raw, calibrated
/// and in the order of the parts.
const N_COPIES: u64 = 6;

/// Scores that trees read beside the columns, when nobody knows yet how many members there will be.
const N_SCORES_GUESSED: usize = 5;

/// Whether a run of these options may have one at all.
fn is_wanted(options: &Options, preset: Preset) -> bool {
    let is_limited = options.max_latency_us.is_some() || options.max_size_bytes.is_some();
    let is_simple = options.prefer_simple || distill::delivers_one(options);
    // What is bound by directions or groups would not be any more, nor would decisions stay fair.
    let is_bound = options.monotone.is_some() || options.interactions.is_some();
    let is_promised = options.interpretable || options.fair.is_some();
    // A metric or a loss of the caller's own need not be that of any score, and rows of a split of
    // their own may be judged twice.
    let is_own = options.own.iter().any(|part| part.kind != OwnKind::Learner);
    // One small model was asked for, or one learner.
    let is_quick = preset == Preset::Quick || options.single.is_some();
    options.second_level
        && !(is_quick || is_limited || is_simple || is_bound || is_promised || is_own)
}

/// Whether one may be tried on what was found: on several members and enough rows that may judge
/// each other, where the mean is asked for, which is what losses of scores lead to.
pub(super) fn may_be(input: &Input<'_>) -> bool {
    let is_in_time_order = input.split.kind == SplitKind::Time.name();
    let aims_at_mean = input.target.codes().is_some() || aim::is_mean(input.metric.spec.name);
    is_wanted(input.options, input.preset)
        && !input.found.is_single
        && input.members.len() > 1
        && input.found.rows.len() >= N_ROWS_MIN
        && !is_in_time_order
        && aims_at_mean
}

/// Time that the search leaves for it, at most [`RESERVE_SHARE`] of what there is.
pub(crate) fn reserve(
    options: &Options,
    preset: Preset,
    (target, n_features, n_folds): (&Target, usize, usize),
    ctx: &Context,
) -> Duration {
    let Some(left) = ctx.remaining().filter(|_| is_wanted(options, preset)) else {
        return Duration::ZERO;
    };
    let n_outputs = target.n_outputs();
    let n_columns = n_features + N_SCORES_GUESSED * n_outputs;
    let s = trees_s((target.n_rows(), n_columns, n_outputs), n_folds.max(1), ctx);
    Duration::from_secs_f64(s).min(left.mul_f64(RESERVE_SHARE))
}

/// Whether memory allows the members' scores, those of the ensemble with and without, and the
/// columns that trees read.
pub(super) fn has_room(input: &Input<'_>, ctx: &Context) -> bool {
    let n_outputs = input.target.n_outputs();
    let n_judged = (input.found.rows.len() * n_outputs) as u64;
    let n_scores = input.members.len() as u64 + 1;
    let of_scores = n_judged * (n_scores + N_COPIES) * size_of::<f64>() as u64;
    // Of each row of the table a number and its bin.
    let of_columns = (input.target.n_rows() * n_outputs) as u64 * n_scores * 5;
    let bytes = of_scores + of_columns;
    ctx.decide("room", || u64::from(ctx.memory_left_bytes().is_none_or(|left| left > bytes))) == 1
}

/// Wall seconds of trees on so many rows, features and outputs, for each of `n` parts and for all.
pub(super) fn trees_s(size: (usize, usize, usize), n: usize, ctx: &Context) -> f64 {
    let (n_rows, n_features, n_outputs) = size;
    let cells = n_rows as f64 * n_features as f64 * n_outputs as f64;
    (n + 1) as f64 * f64::from(N_ROUNDS) * budget::round_s(cells, n_outputs, ctx)
}
