//! Whether columns derived from several raw ones are used.
//!
//! The best booster so far is fitted again with them. Only when that is better beyond noise (see
//! [`gate`]) is the trial kept, and the boosters that follow learn from the derived columns, too.
//! Rejected columns cost one trial and nothing at serving time.

use modelwright_core::record::PlannedTrial;
use modelwright_evaluate::metric::MetricEntry;

use crate::gate::{self, Duel, Gate};
use crate::search::{Found, Ground, Outcome};
use crate::trial::Trial;

/// The encoding with derived columns, and the one that it adds them to.
const DERIVED: &str = "derived";
const PLAIN: &str = "trees";

/// The trial as it is run: the trial of derived columns takes the parameters of the best booster so
/// far, and boosters after it take its encoding when it was accepted. `None` when there is no
/// booster yet whose columns could be added to.
pub(crate) fn resolve(
    planned: &PlannedTrial,
    found: &Found,
    metric: &MetricEntry,
) -> Option<PlannedTrial> {
    let mut planned = planned.clone();
    if found.is_single {
        return Some(planned);
    }
    if planned.encoding == DERIVED {
        let best = incumbent(found, metric)?;
        planned.learner.clone_from(&best.planned.learner);
        planned.params.clone_from(&best.planned.params);
    } else if planned.encoding == PLAIN && planned.learner == "gbdt" && is_accepted(found) {
        DERIVED.clone_into(&mut planned.encoding);
    }
    Some(planned)
}

/// What a fitted trial of derived columns is worth; `None` for other trials.
pub(crate) fn judge(
    planned: &PlannedTrial,
    trial: &Trial,
    found: &Found,
    ground: &Ground<'_>,
) -> Option<Gate> {
    if found.is_single || planned.encoding != DERIVED || is_accepted(found) {
        return None;
    }
    let best = incumbent(found, ground.metric)?.trial.as_ref()?;
    let fold_rows: Vec<usize> = ground.folds.iter().map(|f| f.validation.len()).collect();
    Some(gate::compare(&Duel {
        challenger: &trial.out_of_fold,
        incumbent: &best.out_of_fold,
        truth: &found.truth,
        weights: found.weights.as_deref(),
        groups: found.groups.as_deref(),
        fold_rows: &fold_rows,
    }))
}

/// What the gate found, in words.
pub(crate) fn describe(gate: &Gate) -> String {
    let verdict = if gate.accepted { "accepted" } else { "not beyond noise, so left out" };
    let change = if gate.gain < 0.0 { "rises" } else { "falls" };
    format!(
        "derived columns {verdict}: the loss {change} by {:.2} % ({:.1} standard errors, better in \
         {} of {} folds)",
        100.0 * gate.gain.abs(),
        gate.z.abs(),
        gate.folds_better,
        gate.n_folds
    )
}

/// Whether derived columns have been tried and kept.
fn is_accepted(found: &Found) -> bool {
    found.usable().any(|(o, _)| o.planned.encoding == DERIVED)
}

/// The best booster on plain columns.
fn incumbent<'a>(found: &'a Found, metric: &MetricEntry) -> Option<&'a Outcome> {
    let sign = if metric.spec.larger_is_better { 1.0 } else { -1.0 };
    let boosters = found.usable().map(|(o, _)| o).filter(|o| {
        o.planned.learner == "gbdt" && o.planned.encoding == PLAIN && o.score.is_some()
    });
    boosters.max_by(|a, b| {
        let key = |o: &Outcome| sign * o.score.unwrap_or(f64::NAN);
        key(a).total_cmp(&key(b))
    })
}
