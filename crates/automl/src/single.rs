//! The plan of one learner: no portfolio and no choice among trials.
//!
//! The plan is an ordinary one with a single trial, so that the same search, refit, evaluation,
//! record and replay carry it out. What is decided here: the encoding, how many folds judge the
//! learner, whether its rounds are the user's or found by early stopping, and how a booster's trees
//! grow on few rows.

mod few_rows;

use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::record::{Plan, PlannedTrial, Single};
use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_learners::{Entry, LEARNERS, learner};

use crate::encoding::{check_constraints, encoding_for};
use crate::plan::{self, PlanInput, VALIDATION_SHARE};
use crate::portfolio::N_ROUNDS;

/// The parameter with which learners say how long early stopping waits. A user who sets it asks
/// for early stopping, even together with a number of rounds (which is then the most).
const PATIENCE: &str = "early_stopping_rounds";

/// The parameter that is chosen by the rounds where a learner's default is 0.
const RATE: &str = "learning_rate";

/// Makes the plan of one learner; `has_holdout` says whether rows are held out to judge it.
///
/// # Errors
/// Input error when the learner is unknown, cannot learn the task, or takes neither the
/// parameters nor the encoding.
pub(crate) fn make(single: &Single, input: &PlanInput, has_holdout: bool) -> Result<Plan> {
    let entry = learner(&single.learner)?;
    learns(entry, input.task)?;
    entry.check_params(&single.params)?;
    let encoding = encoding_for(entry, single.encoding.as_deref())?;
    check_constraints(encoding, &single.params)?;
    let mut notes = Vec::new();
    let n_folds = match single.n_folds {
        Some(1) => return Err(one_fold()),
        Some(0) => 0,
        Some(k) => {
            notes.push(format!("{k} folds: asked for"));
            k
        }
        None => plan::n_folds(input, &mut notes),
    };
    let stops_early = stops_early(entry, &single.params);
    let is_judged = n_folds > 0 || single.n_folds.is_none() || stops_early || !has_holdout;
    let validation_share = if is_judged && n_folds == 0 { VALIDATION_SHARE } else { 0.0 };
    let mut params = single.params.clone();
    if stops_early && single.encoding.is_none() {
        notes.extend(few_rows::name_growth(entry, &mut params, input.n_rows));
    }
    if stops_early && chooses_rate(entry) {
        name_rate(entry, &mut params, plan::learning_rate(input, n_folds, &mut notes).rate);
    }
    notes.extend(about_rounds(entry, &params, stops_early));
    if !is_judged {
        notes.push("no folds, as asked: only the untouched rows judge the model".to_owned());
    }
    let trial = PlannedTrial {
        name: entry.spec.name.to_owned(),
        learner: entry.spec.name.to_owned(),
        encoding: encoding.to_owned(),
        without: Vec::new(),
        fixed_rounds: !stops_early && names_rounds(entry, &params),
        params,
        reason: "the learner that was asked for".to_owned(),
    };
    Ok(Plan {
        n_folds,
        validation_share,
        trials: vec![trial],
        ensemble_rounds: 0,
        notes,
        ..Plan::default()
    })
}

fn learns(entry: &Entry, task: Task) -> Result<()> {
    if entry.spec.tasks.contains(&task) {
        return Ok(());
    }
    let able: Vec<&str> =
        LEARNERS.iter().filter(|e| e.spec.tasks.contains(&task)).map(|e| e.spec.name).collect();
    let own: Vec<&str> = entry.spec.tasks.iter().map(|t| t.name()).collect();
    Err(Error::input(format!("{} cannot learn this task", entry.spec.name))
        .expected(format!("a task it can learn: {}", own.join(", ")))
        .got(task.name())
        .hint(format!("learners of {} tasks: {}", task.name(), able.join(", "))))
}

fn one_fold() -> Error {
    Error::input("one fold judges nothing")
        .at("--folds")
        .expected("2 or more folds, or 0 for none")
        .got("1")
}

/// Whether the learner stops by its validation rows: it can, and the user did not fix the rounds.
fn stops_early(entry: &Entry, params: &ParamMap) -> bool {
    let asked = params.get(PATIENCE).is_some_and(|p| *p != ParamValue::Int(0));
    entry.spec.abilities.early_stopping && (asked || !names_rounds(entry, params))
}

fn names_rounds(entry: &Entry, params: &ParamMap) -> bool {
    entry.spec.rounds_param.is_some_and(|name| params.contains_key(name))
}

/// Whether the learner chooses its learning rate itself, by the rounds.
fn chooses_rate(entry: &Entry) -> bool {
    entry.default_params().get(RATE) == Some(&ParamValue::Real(0.0))
}

/// Names the rate, so that a refit with fewer rounds learns at the same one, and gives it enough
/// rounds, as a search does. What the user chose stays.
fn name_rate(entry: &Entry, params: &mut ParamMap, rate: f64) {
    if params.get(RATE).is_none_or(|r| *r == ParamValue::Real(0.0)) {
        params.insert(RATE.to_owned(), ParamValue::Real(rate));
    }
    if let Some(rounds) = entry.spec.rounds_param {
        params.entry(rounds.to_owned()).or_insert(ParamValue::Int(N_ROUNDS));
    }
}

/// How the number of rounds comes about, where the learner has one.
fn about_rounds(entry: &Entry, params: &ParamMap, stops_early: bool) -> Option<String> {
    let name = entry.spec.rounds_param?;
    let of_default = entry.default_params();
    let rounds = params.get(name).or_else(|| of_default.get(name));
    let rounds = rounds.map_or(String::new(), ToString::to_string);
    Some(if stops_early {
        format!("early stopping on validation rows finds {name}, at most {rounds}")
    } else if names_rounds(entry, params) {
        format!("no early stopping: {name} is exactly {rounds}, as asked")
    } else {
        format!("no early stopping: {name} is {rounds}, its default")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Preset;

    fn input(affordable_rounds: Option<u64>) -> PlanInput {
        PlanInput {
            task: Task::Binary,
            n_rows: 5_000,
            n_rows_rarest: 2_500,
            preset: Preset::Balanced,
            n_folds_max: usize::MAX,
            may_repeat: true,
            has_many_levels: false,
            affordable_rounds,
        }
    }

    fn asked(learner: &str, params: &[(&str, ParamValue)], n_folds: Option<usize>) -> Single {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Single { learner: learner.to_owned(), params: params.collect(), encoding: None, n_folds }
    }

    fn planned(single: &Single) -> Plan {
        make(single, &input(None), true).unwrap()
    }

    #[test]
    fn rounds_that_are_not_named_are_found_by_early_stopping_at_a_named_rate() {
        let plan = planned(&asked("gbdt", &[("max_leaves", ParamValue::Int(15))], None));
        let trial = &plan.trials[0];
        assert!(!trial.fixed_rounds && plan.n_folds == 5, "{plan:?}");
        assert_eq!(trial.params["n_rounds"], ParamValue::Int(N_ROUNDS));
        assert_eq!(trial.params["learning_rate"], ParamValue::Real(0.05));
        assert_eq!(trial.params["max_leaves"], ParamValue::Int(15));
        let slow = asked("gbdt", &[("learning_rate", ParamValue::Real(0.01))], None);
        assert_eq!(planned(&slow).trials[0].params["learning_rate"], ParamValue::Real(0.01));
        let hurried = make(&slow, &input(Some(2_000)), true).unwrap();
        assert_eq!(hurried.trials[0].params["learning_rate"], ParamValue::Real(0.01));
    }

    #[test]
    fn trees_of_few_rows_have_random_thresholds_where_the_plan_finds_the_rounds() {
        let few = PlanInput { n_rows: 2_000, ..input(None) };
        let trial = |single: &Single| make(single, &few, true).unwrap().trials.remove(0);
        let plain = asked("gbdt", &[], None);
        assert_eq!(trial(&plain).params["extra_trees"], ParamValue::Flag(true));
        let told = make(&plain, &few, true).unwrap().notes;
        assert!(told.iter().any(|note| note.contains("extra_trees=true")), "{told:?}");
        let exact = asked("gbdt", &[("n_rounds", ParamValue::Int(30))], None);
        let encoded = Single { encoding: Some("derived".to_owned()), ..plain.clone() };
        for single in [exact, encoded] {
            assert!(!trial(&single).params.contains_key("extra_trees"), "{single:?}");
        }
        assert!(!planned(&plain).trials[0].params.contains_key("extra_trees"), "5,000 rows");
    }

    #[test]
    fn rounds_that_are_named_are_exact_unless_a_patience_is_named_too() {
        let rounds = ("n_rounds", ParamValue::Int(30));
        let exact = planned(&asked("gbdt", std::slice::from_ref(&rounds), None));
        assert!(exact.trials[0].fixed_rounds);
        assert_eq!(exact.trials[0].params.len(), 1, "nothing is added to what the user said");
        let patience = ("early_stopping_rounds", ParamValue::Int(5));
        let most = planned(&asked("gbdt", &[rounds, patience], None));
        assert!(!most.trials[0].fixed_rounds);
        assert_eq!(most.trials[0].params["n_rounds"], ParamValue::Int(30));
    }

    #[test]
    fn no_folds_mean_one_fit_only_where_nothing_else_needs_validation_rows() {
        let share = |single: &Single, has_holdout| {
            make(single, &input(None), has_holdout).unwrap().validation_share
        };
        let exact = asked("gbdt", &[("n_rounds", ParamValue::Int(30))], Some(0));
        assert_eq!(share(&exact, true), 0.0);
        assert_eq!(share(&exact, false), VALIDATION_SHARE, "something must judge the model");
        assert_eq!(share(&asked("gbdt", &[], Some(0)), true), VALIDATION_SHARE);
        assert_eq!(share(&asked("baseline", &[], Some(0)), true), 0.0);
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_reason() {
        for (single, words) in [
            (asked("gbtd", &[], None), ["unknown learner", "did you mean `gbdt`"]),
            (
                asked("gbdt", &[("max_leaves", ParamValue::Int(1))], None),
                ["max_leaves", "from 2 to"],
            ),
            (asked("gbdt", &[("leaves", ParamValue::Int(8))], None), ["`leaves`", "known"]),
            (asked("gbdt", &[], Some(1)), ["--folds", "2 or more"]),
        ] {
            let text = make(&single, &input(None), true).unwrap_err().to_string();
            assert!(words.iter().all(|w| text.contains(w)), "{text}");
        }
    }
}
