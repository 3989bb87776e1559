//! What is judged must not choose: a target of pure noise shows where it does.

use modelwright_core::Context;
use modelwright_core::data::{Column, Table};
use modelwright_core::random::Random;
use modelwright_core::record::{RunRecord, TrialStatus};

use super::{FitInput, fit_ok, input};

/// Eight columns and a number that have nothing to do with each other.
fn noise(seed: u64, learners: &[&str]) -> FitInput {
    let mut random = Random::new(seed);
    let mut column = |name: String| {
        Column::numbers(name, (0..240).map(|_| random.normal()).collect::<Vec<f64>>())
    };
    let columns: Vec<Column> = (0..8).map(|c| column(format!("c{c}"))).collect();
    let mut asked = input(10, "signal");
    asked.table =
        Table::new(columns.into_iter().chain([column("y".to_owned())]).collect()).unwrap();
    asked.schema = asked.table.storage_schema();
    asked.options.exclude.clear();
    "y".clone_into(&mut asked.options.target);
    asked.options.learners = learners.iter().map(|l| (*l).to_owned()).collect();
    asked
}

/// By how much of the constant's error the trials of a learner look better than the constant.
fn promised(record: &RunRecord, learner: &str) -> f64 {
    let score = |learner: &str| {
        let trial = record.trials.iter().find(|t| t.trial.learner == learner).unwrap();
        assert_eq!(trial.status, TrialStatus::Done, "{:?}", trial.note);
        trial.score
    };
    let constant = score("baseline").unwrap();
    // A trial for which most folds found nothing promises nothing.
    score(learner).map_or(0.0, |score| (constant - score) / constant)
}

#[test]
fn the_rows_that_judge_a_booster_do_not_choose_its_rounds() {
    let seeds = 0..12;
    let (mut total, mut squares) = (0.0, 0.0);
    for seed in seeds.clone() {
        let record = fit_ok(noise(seed, &["gbdt"]), &Context::unlimited(seed, 2)).record;
        let gain = promised(&record, "gbdt");
        total += gain;
        squares += gain * gain;
    }
    let (n, mean) = (seeds.count() as f64, total / 12.0);
    let error = ((squares / n - mean * mean) / n).sqrt();
    // Rounds chosen by the judging rows themselves promise 1.2 % here, four standard errors.
    assert!(mean < 3.0 * error + 1e-4, "{mean} with a standard error of {error}");
}

#[test]
fn the_rows_that_judge_a_student_do_not_choose_its_rounds() {
    let (mut gains, seeds) = (Vec::new(), 0..12);
    for seed in seeds {
        let mut asked = noise(seed, &["linear", "gbdt"]);
        asked.options.distill = true;
        let record = fit_ok(asked, &Context::unlimited(seed, 2)).record;
        let score = |name: &str| {
            let found = record.trials.iter().find(|t| t.trial.name == name).unwrap();
            found.score.filter(|_| found.status == TrialStatus::Done)
        };
        let (Some(student), Some(constant)) = (score("student"), score("baseline")) else {
            continue;
        };
        gains.push((constant - student) / constant);
    }
    let n = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / n;
    let error = (gains.iter().map(|g| (g - mean).powi(2)).sum::<f64>()).sqrt() / n;
    assert!(n >= 6.0 && mean < 3.0 * error + 1e-4, "{mean} with a standard error of {error}: {n}");
}

#[test]
fn a_constant_ranks_nothing_whatever_the_folds_are() {
    for split in ["stratified", "group", "random"] {
        let mut asked = input(140, "label");
        asked.options.learners = vec!["linear".to_owned()];
        asked.options.split = Some(split.to_owned());
        if split == "group" {
            asked.options.group = Some("household".to_owned());
            asked.options.exclude.retain(|name| name != "household");
        }
        let record = fit_ok(asked, &Context::unlimited(4, 2)).record;
        let constant = record.trials.iter().find(|t| t.trial.learner == "baseline").unwrap();
        assert_eq!(constant.score, Some(0.5), "{split}");
        assert!(constant.ci95.is_none_or(|ci| ci.low <= 0.5 && ci.high >= 0.5), "{split}");
    }
}
