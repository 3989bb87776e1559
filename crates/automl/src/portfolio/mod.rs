//! The candidates, as data: what is tried, in order of marginal value.
//!
//! The order was measured (`docs/decisions.md`, "Which levers of quality were tried?"): one strong
//! booster first, then boosters that differ in *kind* (random thresholds, deep trees, tiny trees)
//! because mixing kinds is worth more than tuning one; the linear model early, because it is
//! cheap, diverse, and the honest yardstick. On small tables the boosters with random thresholds
//! come first. [`order`] lists the [`members`] by the size of the table; [`space`] says what may
//! vary in them when time is left over.

mod members;
mod order;
pub(crate) mod space;
pub(crate) mod tpe;

use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::record::PlannedTrial;
use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_learners::learner;

use crate::encoding::encoding_for;
use crate::plan::Preset;

/// Below this many rows a table is small.
const N_ROWS_SMALL: usize = 10_000;

/// The most rounds of boosting: early stopping or the budget should end a fit, not this.
pub(crate) const N_ROUNDS: i64 = 4000;

/// The yardstick of every search: a constant.
const BASELINE: &str = "baseline";

/// The encoding of boosters that cut categories into sets of levels.
pub(crate) const LEVELS: &str = "levels";

/// One line of a portfolio.
pub(super) struct Candidate {
    name: &'static str,
    learner: &'static str,
    encoding: &'static str,
    params: &'static [(&'static str, Value)],
    /// What a booster needs beside the plain one.
    effort: Effort,
    /// The smallest preset that includes it.
    preset: Preset,
    reason: &'static str,
}

/// What a booster needs beside the plain one, measured on tables of 10³–10⁵ rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Effort {
    /// How many times its rounds, at the same learning rate.
    pub rounds: f64,
    /// How many times the seconds of its round.
    pub cost: f64,
}

/// The effort of the plain booster; of no meaning for learners that do not boost.
const PLAIN: Effort = Effort { rounds: 1.0, cost: 1.0 };

/// The parameter with which boosters take smaller or larger steps.
pub(crate) const RATE: &str = "learning_rate";

/// A parameter value that can stand in a constant.
#[derive(Clone, Copy)]
pub(super) enum Value {
    Int(i64),
    Real(f64),
    Flag(bool),
    Name(&'static str),
}

/// The effort of a candidate by its name, or by the name of its variant.
pub(crate) fn effort(name: &str) -> Effort {
    let name = space::base_name(name);
    order::LARGE.iter().chain(order::SMALL).find(|c| c.name == name).map_or(PLAIN, |c| c.effort)
}

/// The trials for a task, in the order in which they run.
pub(crate) fn candidates(task: Task, preset: Preset, n_rows: usize) -> Vec<PlannedTrial> {
    let list = if n_rows < N_ROWS_SMALL { order::SMALL } else { order::LARGE };
    let learns = |c: &Candidate| learner(c.learner).is_ok_and(|l| l.spec.tasks.contains(&task));
    let list = list.iter().filter(|c| rank(c.preset) <= rank(preset) && learns(c));
    list.map(|c| PlannedTrial {
        name: c.name.to_owned(),
        learner: c.learner.to_owned(),
        encoding: c.encoding.to_owned(),
        params: params_of(c),
        without: Vec::new(),
        fixed_rounds: false,
        reason: c.reason.to_owned(),
    })
    .collect()
}

/// The trials of some learners alone, and the constant; all [`candidates`] where none is named. A
/// learner that the preset leaves out is tried as `best` would, or by its defaults.
///
/// # Errors
/// Input error for a learner that is unknown or cannot learn the task.
pub(crate) fn chosen(
    task: Task,
    preset: Preset,
    n_rows: usize,
    learners: &[String],
) -> Result<Vec<PlannedTrial>> {
    let mut trials = candidates(task, preset, n_rows);
    if learners.is_empty() {
        return Ok(trials);
    }
    trials.retain(|t| t.learner == BASELINE || learners.contains(&t.learner));
    let all = candidates(task, Preset::Best, n_rows);
    for name in learners {
        let entry = learner(name).map_err(|e| e.at("--learners"))?;
        if !entry.spec.tasks.contains(&task) {
            return Err(Error::input(format!("{name} cannot learn this task"))
                .at("--learners")
                .expected(format!("a learner of {} tasks", task.name()))
                .got(name));
        }
        if trials.iter().any(|t| t.learner == *name) {
            continue;
        }
        let known = trials.len();
        trials.extend(all.iter().filter(|t| t.learner == *name).cloned());
        if trials.len() == known {
            trials.push(PlannedTrial {
                name: name.clone(),
                learner: name.clone(),
                encoding: encoding_for(entry, None)?.to_owned(),
                params: ParamMap::new(),
                without: Vec::new(),
                fixed_rounds: false,
                reason: "asked for by name".to_owned(),
            });
        }
    }
    Ok(trials)
}

/// The learning rate whose boosting converges within `rounds`: 30 / rounds, from 0.03 to 0.3.
///
/// A rate of 0.1 with 300 rounds, or 0.05 with 600, is where 31-leaf boosters level off on tables
/// of 10⁴–10⁵ rows; below 0.03 nothing is gained that another kind of model would not give sooner.
pub(crate) fn learning_rate(rounds: u64) -> f64 {
    let rate = (30.0 / rounds.max(1) as f64).clamp(0.03, 0.3);
    (rate * 1000.0).round() / 1000.0
}

/// Moves the first booster before the linear model: when there is time for one model, it is that.
pub(crate) fn strongest_first(trials: &mut [PlannedTrial]) {
    let at = |learner: &str| trials.iter().position(|t| t.learner == learner);
    if let (Some(linear), Some(gbdt)) = (at("linear"), at("gbdt"))
        && linear < gbdt
    {
        trials[linear..=gbdt].rotate_right(1);
    }
}

/// Gives every booster its learning rate, and enough rounds to use it.
///
/// The rate is always named, so that a refit with fewer rounds learns at the same rate.
pub(crate) fn set_learning_rate(trials: &mut [PlannedTrial], rate: f64) {
    for trial in trials.iter_mut().filter(|t| t.learner == "gbdt") {
        trial.params.insert(RATE.to_owned(), ParamValue::Real(rate));
        trial.params.insert("n_rounds".to_owned(), ParamValue::Int(N_ROUNDS));
    }
}

/// How the trees of the strongest single booster on small tables grow.
pub(crate) fn growth_of_few_rows() -> ParamMap {
    params_of(&members::RANDOM_SMALL)
}

fn params_of(candidate: &Candidate) -> ParamMap {
    let value = |v: &Value| match v {
        Value::Int(i) => ParamValue::Int(*i),
        Value::Real(r) => ParamValue::Real(*r),
        Value::Flag(f) => ParamValue::Flag(*f),
        Value::Name(name) => ParamValue::Choice((*name).to_owned()),
    };
    candidate.params.iter().map(|(name, v)| ((*name).to_owned(), value(v))).collect()
}

fn rank(preset: Preset) -> u8 {
    match preset {
        Preset::Quick => 0,
        Preset::Balanced => 1,
        Preset::Best => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_candidate_names_a_learner_that_takes_its_parameters() {
        for task in Task::ALL {
            for trial in candidates(task, Preset::Best, 1000) {
                let entry = modelwright_learners::learner(&trial.learner).unwrap();
                assert!(entry.spec.tasks.contains(&task), "{}", trial.name);
                for name in trial.params.keys() {
                    assert!(entry.params.iter().any(|p| p.name == name), "{} {name}", trial.name);
                }
            }
        }
    }

    #[test]
    fn learners_that_are_named_are_the_only_ones_beside_the_constant() {
        let named = |names: &[&str], task, preset| {
            let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            let trials = chosen(task, preset, 5_000, &names);
            trials.map(|all| all.into_iter().map(|t| t.learner).collect::<Vec<_>>())
        };
        let learners = named(&["linear"], Task::Binary, Preset::Balanced).unwrap();
        assert_eq!(learners, ["baseline", "linear", "linear"], "of all columns, and of few");
        // A learner that the preset leaves out is tried all the same.
        for name in modelwright_learners::LEARNERS.iter().map(|l| l.spec.name) {
            let learners = named(&[name], Task::Binary, Preset::Quick).unwrap();
            assert!(learners.iter().any(|l| l == name), "{name}: {learners:?}");
            assert!(learners.iter().all(|l| l == name || l == BASELINE), "{learners:?}");
        }
        let all = named(&[], Task::Regression, Preset::Balanced).unwrap();
        assert_eq!(all.len(), candidates(Task::Regression, Preset::Balanced, 5_000).len());
        for (name, task) in [("gbdtt", Task::Binary), ("naive_bayes", Task::Regression)] {
            let error = named(&[name], task, Preset::Quick).unwrap_err().to_string();
            assert!(error.contains("--learners") && error.contains(name), "{error}");
        }
    }

    #[test]
    fn names_are_unique_and_the_baseline_comes_first() {
        for task in Task::ALL {
            let names: Vec<String> =
                candidates(task, Preset::Best, 1000).into_iter().map(|t| t.name).collect();
            assert_eq!(names[0], "baseline");
            let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
            assert_eq!(distinct.len(), names.len());
        }
    }

    #[test]
    fn random_thresholds_come_first_on_small_tables_and_after_the_plain_booster_on_large_ones() {
        for task in Task::ALL {
            let names = |n_rows| -> Vec<String> {
                candidates(task, Preset::Balanced, n_rows).into_iter().map(|t| t.name).collect()
            };
            let (small, large) = (names(2_000), names(200_000));
            assert_eq!(small[..3], ["baseline", "linear", "gbdt-random-small"]);
            assert_eq!(large[..3], ["baseline", "linear", "gbdt"]);
            assert!(small.contains(&"knn".to_owned()) && !large.contains(&"knn".to_owned()));
        }
    }

    #[test]
    fn more_rounds_mean_a_smaller_learning_rate() {
        assert_eq!(learning_rate(300), 0.1);
        assert_eq!(learning_rate(10), 0.3);
        assert_eq!(learning_rate(100_000), 0.03);
    }
}
