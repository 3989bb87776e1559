//! What can be afforded: how the wall time is parted, and what a unit of work costs.
//!
//! The time limit counts from the start of the process. From its end two parts are reserved:
//! the *closing* (evaluation, importances, report, writing) and the *refit* of what was found so
//! far. Every comparison with the clock goes through [`Context::decide`] or
//! [`Context::proceed`], so that a replay repeats it.

use std::time::Duration;

use modelwright_core::Context;
use modelwright_core::task::Task;
use modelwright_evaluate::resample::n_resamples_for;

use crate::fit::untouched::N_RESAMPLES;

/// Share of the time left and of the whole limit kept for the closing, whichever is more, and its
/// bounds in seconds.
const CLOSING_SHARE: f64 = 0.08;
const CLOSING_SHARE_OF_LIMIT: f64 = 0.04;
const CLOSING_S_MIN: f64 = 0.5;
const CLOSING_S_MAX: f64 = 20.0;

/// Explanations have at least the closing's time over this: a model that has learned from all rows
/// is worth more than reasons for one that has not.
const EXPLAINING_PART: u32 = 4;

/// How much more than the last fits ask for is kept for them: explanations end a step late.
const SLACK: f64 = 1.3;

/// The last part of the closing, after the evaluation: share of what is left, bounds in seconds.
const PACKING_SHARE: f64 = 0.05;
const PACKING_S_MIN: f64 = 0.3;
const PACKING_S_MAX: f64 = 5.0;

/// Columns beyond the first so many cost so many seconds more: each has a place in the account, the
/// report and the file.
const COLUMNS_PACKED: usize = 500;
const PACKING_S_PER_COLUMN: f64 = 3e-4;

/// A trial may use at most this share of what is left of the search time, so that others follow.
pub(crate) const TRIAL_SHARE: f64 = 0.4;

/// See [`booster_share`].
const BOOSTER_HEAD_START: f64 = 1.6;
const BOOSTER_SHARE_MIN: f64 = 0.2;
const BOOSTER_SHARE_MAX: f64 = 0.6;

/// Share of the search time that one trial is planned to take.
const PLANNED_TRIAL_SHARE: f64 = 0.15;

/// Cost of one boosting round in nanoseconds per cell (row × feature × output) and thread,
/// measured on 10⁴–10⁶ rows with 31 leaves; plus a fixed cost per round and output.
const ROUND_NS_PER_CELL: f64 = 3.0;
const ROUND_NS_FIXED: f64 = 150_000.0;

/// Wall nanoseconds to predict and judge a held-out row with intervals, and per raw feature.
const EVALUATION_NS_PER_ROW: f64 = 4_000.0;
const EVALUATION_NS_PER_CELL: f64 = 60.0;

/// Wall nanoseconds of a row in a resample of errors of numbers, whose laws are not known.
const EVALUATION_NS_PER_DRAW: f64 = 25.0;

/// Room for planning errors when a refit's time is predicted.
const REFIT_MARGIN: f64 = 1.25;

/// Seconds kept at the end for evaluation, importances, report and writing.
pub(crate) fn closing(ctx: &Context) -> Duration {
    let left_s = ctx.remaining().map_or(0.0, |left| left.as_secs_f64());
    let limit_s = left_s + ctx.elapsed().as_secs_f64();
    let kept_s = (left_s * CLOSING_SHARE).max(limit_s * CLOSING_SHARE_OF_LIMIT);
    Duration::from_secs_f64(kept_s.clamp(CLOSING_S_MIN, CLOSING_S_MAX))
}

/// Seconds that the evaluation of so many rows takes beyond the closing's minimum.
pub(crate) fn evaluation(n_rows: usize, n_features: usize, task: Task) -> Duration {
    let n_draws = match task {
        Task::Regression => n_resamples_for(n_rows, N_RESAMPLES) as f64,
        Task::Binary | Task::Multiclass => 0.0,
    };
    let per_row = EVALUATION_NS_PER_ROW
        + n_features as f64 * EVALUATION_NS_PER_CELL
        + n_draws * EVALUATION_NS_PER_DRAW;
    Duration::from_secs_f64(n_rows as f64 * per_row * 1e-9)
}

/// The context in which a model is explained and strained before its last fits, which should take
/// `refits_s`: what they leave, and a part of the closing at least.
pub(crate) fn explaining(refits_s: f64, ctx: &Context) -> Context {
    let kept = packing(ctx) + of_refits(refits_s).mul_f64(SLACK);
    match ctx.remaining() {
        None => ctx.clone(),
        Some(left) => {
            ctx.with_time_limit(left.saturating_sub(kept).max(closing(ctx) / EXPLAINING_PART))
        }
    }
}

/// The time that one of several ways of explaining may take: half of what all of them have left.
pub(crate) fn one_explanation(explaining: &Context) -> Option<Duration> {
    explaining.remaining().map(|left| left / 2)
}

/// Boosting rounds that one trial may do in all its folds, in the time `most` if that is given;
/// `None` without a time limit.
pub(crate) fn affordable_rounds(
    ctx: &Context,
    (n_rows, n_features, n_outputs): (usize, usize, usize),
    most: Option<Duration>,
) -> Option<u64> {
    let rounds = ctx.decide("affordable-rounds", || {
        let Some(left) = ctx.remaining() else { return u64::MAX };
        let cells = n_rows as f64 * n_features as f64 * n_outputs as f64;
        let round_s = round_s(cells, n_outputs, ctx);
        let search_s = left.saturating_sub(closing(ctx)).as_secs_f64();
        let most_s = most.map_or(f64::INFINITY, |most| most.as_secs_f64());
        ((search_s * PLANNED_TRIAL_SHARE).min(most_s) / round_s) as u64
    });
    (rounds != u64::MAX).then_some(rounds)
}

/// Seconds of a round of boosting on so many cells (rows times features times outputs).
pub(crate) fn round_s(cells: f64, n_outputs: usize, ctx: &Context) -> f64 {
    let shared_ns = cells * ROUND_NS_PER_CELL / ctx.threads() as f64;
    (shared_ns + ROUND_NS_FIXED * n_outputs as f64) * 1e-9
}

/// Whether a trial may start: something useful must fit before the refit and the closing.
///
/// `expected_s` is what the cheapest useful part of it costs, `refit_s` what the refit of the
/// candidates so far costs.
pub(crate) fn may_start(ctx: &Context, name: &str, expected_s: f64, refit_s: f64) -> bool {
    ctx.decide(&format!("start/{name}"), || {
        let enough = ctx.remaining().is_none_or(|left| {
            left.as_secs_f64() > expected_s + refit_s + closing(ctx).as_secs_f64()
        });
        u64::from(enough && !ctx.is_cancelled())
    }) == 1
}

/// Share of the time left that the only trial of a plan may use: the refit on all rows must still
/// fit, which takes about as long as one and a bit of its folds. One validation part may use all:
/// its model has seen most rows and may stay as it is.
pub(crate) fn only_trial_share(n_folds: usize) -> f64 {
    let others = n_folds.saturating_sub(1) as f64;
    if n_folds < 2 { 1.0 } else { others / (others + REFIT_MARGIN) }
}

/// Share of the time left for a booster when `n_left` of them, itself included, are to come: more
/// than an even part, because the first ones are worth most and early stopping gives time back.
pub(crate) fn booster_share(n_left: usize) -> f64 {
    (BOOSTER_HEAD_START / (n_left as f64 + 1.0)).clamp(BOOSTER_SHARE_MIN, BOOSTER_SHARE_MAX)
}

/// The wall time a trial may use: `share` of what is left.
pub(crate) fn trial_limit(ctx: &Context, refit_s: f64, share: f64) -> Option<Duration> {
    ctx.remaining().map(|left| {
        let free = left.as_secs_f64() - refit_s - closing(ctx).as_secs_f64();
        Duration::from_secs_f64((free * share).max(0.0))
    })
}

/// Whether a refit that should take `expected_s` still fits before the deadline of `ctx`.
pub(crate) fn may_refit(ctx: &Context, name: &str, expected_s: f64) -> bool {
    ctx.decide(&format!("refit/{name}"), || {
        let enough =
            ctx.remaining().is_none_or(|left| left.as_secs_f64() > expected_s * REFIT_MARGIN);
        u64::from(enough && !ctx.is_cancelled())
    }) == 1
}

/// The time to keep for refits that should take `expected_s` together.
pub(crate) fn of_refits(expected_s: f64) -> Duration {
    Duration::from_secs_f64((expected_s * REFIT_MARGIN).clamp(0.0, 1e6))
}

/// The time that account, report and file of a table of so many columns take beyond what
/// [`packing`] keeps; never more than a third of what is left.
pub(crate) fn of_columns(n_columns: usize, ctx: &Context) -> Duration {
    let left_s = ctx.remaining().map_or(0.0, |left| left.as_secs_f64());
    let more = n_columns.saturating_sub(COLUMNS_PACKED) as f64;
    Duration::from_secs_f64((more * PACKING_S_PER_COLUMN).min(left_s / 3.0))
}

/// Seconds kept at the end when the evaluation is done: for the report and for writing.
pub(crate) fn packing(ctx: &Context) -> Duration {
    let left_s = ctx.remaining().map_or(0.0, |left| left.as_secs_f64());
    Duration::from_secs_f64((left_s * PACKING_SHARE).clamp(PACKING_S_MIN, PACKING_S_MAX))
}

#[cfg(test)]
mod tests {
    use modelwright_core::context::Settings;

    use super::*;

    #[test]
    fn explanations_get_what_the_last_fits_leave_and_a_part_of_the_closing_at_least() {
        let started = Settings::default().started.checked_sub(Duration::from_secs(48)).unwrap();
        let left_s = |refits_s: f64| {
            let time_limit = Some(Duration::from_mins(1));
            let settings = Settings { started, time_limit, ..Settings::default() };
            let ctx = Context::new(settings).unwrap();
            explaining(refits_s, &ctx).remaining().unwrap().as_secs_f64()
        };
        assert!((8.0..10.5).contains(&left_s(1.0)), "{}", left_s(1.0));
        assert!((0.4..0.7).contains(&left_s(30.0)), "{}", left_s(30.0));
    }

    #[test]
    fn errors_of_numbers_take_longer_to_judge_than_classes() {
        let s = |n_rows, task| evaluation(n_rows, 10, task).as_secs_f64();
        assert!(s(10_000, Task::Regression) > 4.0 * s(10_000, Task::Binary));
        // Large tables are drawn less often.
        assert!(s(100_000, Task::Regression) < 4.0 * s(10_000, Task::Regression));
    }

    #[test]
    fn a_wide_table_keeps_time_for_writing_it_down() {
        let of = |n_columns, limit_s| {
            let ctx = Context::unlimited(0, 1).with_time_limit(Duration::from_secs(limit_s));
            of_columns(n_columns, &ctx).as_secs_f64()
        };
        assert_eq!(of(500, 60), 0.0);
        assert!((of(10_500, 60) - 3.0).abs() < 1e-9);
        assert!((0.5..=2.0).contains(&of(100_000, 6)), "{}", of(100_000, 6));
    }
}
