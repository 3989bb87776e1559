//! The candidates, as data: what is tried, in order of marginal value.
//!
//! The order follows what is known of tabular portfolios: one strong booster first, then boosters
//! that differ in *kind* (random thresholds, tiny trees, deep trees) because mixing families is
//! worth more than tuning one; the linear model early, because it is cheap, diverse, and the
//! honest yardstick. One file per task.

mod binary;
mod multiclass;
mod regression;

use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::record::PlannedTrial;
use modelwright_core::task::Task;

use crate::plan::Preset;

/// One line of a portfolio.
pub(super) struct Candidate {
    name: &'static str,
    learner: &'static str,
    encoding: &'static str,
    params: &'static [(&'static str, Value)],
    /// The smallest preset that includes it.
    preset: Preset,
    reason: &'static str,
}

/// A parameter value that can stand in a constant.
#[derive(Clone, Copy)]
pub(super) enum Value {
    Int(i64),
    Real(f64),
    Flag(bool),
}

/// The trials for a task, in the order in which they run.
pub(crate) fn candidates(task: Task, preset: Preset, n_rows: usize) -> Vec<PlannedTrial> {
    let list = match task {
        Task::Binary => binary::CANDIDATES,
        Task::Multiclass => multiclass::CANDIDATES,
        Task::Regression => regression::CANDIDATES,
    };
    list.iter()
        .filter(|c| rank(c.preset) <= rank(preset))
        .map(|c| PlannedTrial {
            name: c.name.to_owned(),
            learner: c.learner.to_owned(),
            encoding: c.encoding.to_owned(),
            params: params_for(c, n_rows),
            reason: c.reason.to_owned(),
        })
        .collect()
}

/// The learning rate whose boosting converges within `rounds`: 30 / rounds, from 0.03 to 0.3.
///
/// A rate of 0.1 with 300 rounds, or 0.05 with 600, is where 31-leaf boosters level off on tables
/// of 10⁴–10⁵ rows; below 0.03 nothing is gained that another kind of model would not give sooner.
pub(crate) fn learning_rate(rounds: u64) -> f64 {
    let rate = (30.0 / rounds.max(1) as f64).clamp(0.03, 0.3);
    (rate * 1000.0).round() / 1000.0
}

/// Gives every booster the learning rate that fits the budget.
pub(crate) fn set_learning_rate(trials: &mut [PlannedTrial], rate: f64) {
    for trial in trials.iter_mut().filter(|t| t.learner == "gbdt") {
        trial.params.insert("learning_rate".to_owned(), ParamValue::Real(rate));
    }
}

fn params_for(candidate: &Candidate, _n_rows: usize) -> ParamMap {
    let value = |v: &Value| match v {
        Value::Int(i) => ParamValue::Int(*i),
        Value::Real(r) => ParamValue::Real(*r),
        Value::Flag(f) => ParamValue::Flag(*f),
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
    fn more_rounds_mean_a_smaller_learning_rate() {
        assert_eq!(learning_rate(300), 0.1);
        assert_eq!(learning_rate(10), 0.3);
        assert_eq!(learning_rate(100_000), 0.03);
    }
}
