//! The learning rate of the next booster, from what the boosters before it needed.
//!
//! Rate times rounds is about a constant of the table: the *distance* that boosting has to go
//! until it overfits (Friedman, "Greedy Function Approximation", 2001, section 5: smaller steps,
//! as many more of them). The first booster of a search measures that distance and the seconds of
//! a round. From then on every booster gets the smallest rate that lets it arrive within its share
//! of the time: an ensemble gains more from several boosters that arrived than from one that took
//! small steps and others that were cut off.

use modelwright_core::Context;
use modelwright_core::params::ParamValue;
use modelwright_core::record::PlannedTrial;

use crate::plan;
use crate::portfolio::{self, Effort};
use crate::search::Outcome;

/// Bounds of the rate. Below the lower one nothing is gained that another kind of model would not
/// give sooner; above the upper one steps overshoot.
const RATE_MIN: f64 = 0.03;
const RATE_MAX: f64 = 0.3;

/// A booster that was cut off has gone this much less than the whole way, as a guess.
const CUT_OFF: f64 = 2.0;

/// Rounds done for each round kept, when early stopping ends them; and some at the least.
const WAITED: f64 = 1.3;

/// What boosters cost and need on this table.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pace {
    /// Wall seconds of a round of the plain booster, in all folds together.
    round_s: f64,
    /// Rate times rounds of the plain booster.
    distance: f64,
}

/// The trial with the rate that fits into `limit_s` seconds; as planned where nothing is known yet,
/// nothing limits it, or it does not boost.
pub(crate) fn paced(
    planned: &PlannedTrial,
    before: &[Outcome],
    limit_s: Option<f64>,
    ctx: &Context,
) -> PlannedTrial {
    let mut planned = planned.clone();
    let has_boosted = before.iter().any(|o| is_booster(&o.planned) && o.trial.is_some());
    if !is_booster(&planned) || !has_boosted {
        return planned;
    }
    // In thousandths; 0 keeps the planned rate.
    let thousandths = ctx.decide(&format!("rate/{}", planned.name), || {
        let known = pace(before).zip(limit_s);
        known.map_or(0, |(pace, limit_s)| {
            (rate(pace, portfolio::effort(&planned.name), limit_s) * 1000.0).round() as u64
        })
    });
    if thousandths > 0 {
        let rate = ParamValue::Real(thousandths as f64 / 1000.0);
        planned.params.insert(portfolio::RATE.to_owned(), rate);
    }
    planned
}

/// Whether a trial takes steps whose size the search may choose.
pub(crate) fn is_booster(planned: &PlannedTrial) -> bool {
    rate_of(planned).is_some()
}

/// Whether more time would have let a booster take smaller steps.
pub(crate) fn was_hurried(planned: &PlannedTrial) -> bool {
    rate_of(planned).is_some_and(|rate| rate > plan::RATE_UNLIMITED)
}

/// The rate at which a booster of such an effort arrives within `limit_s` seconds.
fn rate(pace: Pace, effort: Effort, limit_s: f64) -> f64 {
    let rounds = limit_s / (pace.round_s * effort.cost) / WAITED;
    (pace.distance * effort.rounds / rounds.max(1.0)).clamp(RATE_MIN, RATE_MAX)
}

/// The longest distance seen, and the mean seconds of a round.
fn pace(before: &[Outcome]) -> Option<Pace> {
    let (mut seconds, mut units, mut distance) = (0.0, 0.0, 0.0_f64);
    for outcome in before {
        let (Some(trial), Some(rate)) = (&outcome.trial, rate_of(&outcome.planned)) else {
            continue;
        };
        let effort = portfolio::effort(&outcome.planned.name);
        let kept = outcome.rounds.iter().sum::<usize>() as f64 / outcome.rounds.len().max(1) as f64;
        seconds += trial.wall_s;
        units += trial.rounds_done() * effort.cost;
        // Where the clock ended it, what the folds like best says little of how far there is to go.
        let way = if trial.stopped { trial.rounds_done() * CUT_OFF } else { kept };
        distance = distance.max(rate * way / effort.rounds);
    }
    (units > 0.0 && distance > 0.0).then_some(Pace { round_s: seconds / units, distance })
}

/// The rate of a trial that has one in its parameters.
pub(crate) fn rate_of(planned: &PlannedTrial) -> Option<f64> {
    match planned.params.get(portfolio::RATE) {
        Some(ParamValue::Real(rate)) => Some(*rate),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_time_means_larger_steps_and_a_longer_way_too() {
        let pace = Pace { round_s: 0.01, distance: 30.0 };
        let plain = Effort { rounds: 1.0, cost: 1.0 };
        let at = |limit_s| rate(pace, plain, limit_s);
        assert!((at(5.0) - 0.078).abs() < 1e-3, "{}", at(5.0));
        assert!(at(2.5) > at(5.0) && at(5.0) > at(10.0));
        assert_eq!((at(0.0), at(1e6)), (RATE_MAX, RATE_MIN));
        let slow = Effort { rounds: 2.0, cost: 1.0 };
        assert!((rate(pace, slow, 10.0) - at(5.0)).abs() < 1e-12);
    }
}
