//! The one metric that a list shows of a run.
//!
//! Our own runs name the optimised one first. Clients log whatever they like, such as times,
//! iterations and numbers that are none: there the name decides.

use modelwright::evaluate::metric;
use modelwright::lifecycle::store::{RunMetric, RunRow};

use crate::output::number;

/// Words of names that say that rows were measured which the model did not learn from.
const HELD_OUT: [&str; 10] =
    ["test", "val", "valid", "validation", "cv", "holdout", "heldout", "oof", "oob", "eval"];
/// Words that say how good a model is, beside the names of our own metrics.
const QUALITY: [&str; 11] =
    ["accuracy", "acc", "loss", "auc", "f1", "rmse", "mae", "mse", "r2", "score", "logloss"];
/// Words of names that say nothing of how good a model is.
const NO_SCORE: [&str; 16] = [
    "time",
    "times",
    "duration",
    "seconds",
    "sec",
    "ms",
    "epoch",
    "epochs",
    "step",
    "steps",
    "iteration",
    "iterations",
    "iter",
    "rank",
    "std",
    "system",
];

/// The metric and its value; empty where none is worth showing.
pub(super) fn shown(run: &RunRow, best: Option<&str>) -> String {
    let chosen = match best {
        Some(name) => run.metrics.iter().find(|m| m.name == name),
        None if run.kind == "mlflow" => of_client(&run.metrics),
        None => run.metrics.first(),
    };
    let value = chosen.and_then(|m| Some((m, m.value?)));
    value.map_or(String::new(), |(m, value)| format!("{} {}", m.name, number(value)))
}

/// The metric that says most of how good a client's model is.
fn of_client(metrics: &[RunMetric]) -> Option<&RunMetric> {
    // The largest number is how an infinite one is kept.
    let is_number = |m: &&RunMetric| m.value.is_some_and(|v| v.is_finite() && v.abs() < f64::MAX);
    let ranked = metrics.iter().filter(is_number).filter_map(|m| Some((rank(&m.name)?, m)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, m)| m)
}

/// How little a name says of how good a model is; `None` for nothing at all.
fn rank(name: &str) -> Option<u8> {
    let lower = name.to_lowercase();
    let is_digit = |c: char| c.is_ascii_digit();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let has = |known: &[&str]| {
        words
            .iter()
            .any(|word| known.contains(word) || known.contains(&word.trim_end_matches(is_digit)))
    };
    if has(&NO_SCORE) {
        return None;
    }
    let is_held_out = has(&HELD_OUT);
    // A name of ours stands at its end: `valid_0-binary_logloss`, `training_log_loss`.
    let is_known =
        has(&QUALITY) || (0..words.len()).any(|from| metric(&words[from..].join("_")).is_ok());
    Some(match (is_held_out, is_known) {
        (true, true) => 0,
        (true, false) => 1,
        (false, true) => 2,
        (false, false) => 3,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(metrics: &[(&str, f64)]) -> Option<String> {
        let of = |(name, value): &(&str, f64)| RunMetric::new(*name, "", Some(*value), None);
        let metrics: Vec<RunMetric> = metrics.iter().map(of).collect();
        of_client(&metrics).map(|m| m.name.clone())
    }

    #[test]
    fn a_score_of_rows_that_were_held_out_comes_before_others_and_no_time_is_one() {
        let search = [
            ("mean_fit_time", 0.5),
            ("mean_test_score", 0.9),
            ("rank_test_score", 1.0),
            ("std_test_score", 0.1),
        ];
        assert_eq!(chosen(&search).as_deref(), Some("mean_test_score"));
        let autolog = [("inf", f64::MAX), ("training_log_loss", 0.3), ("val_accuracy", 0.8)];
        assert_eq!(chosen(&autolog).as_deref(), Some("val_accuracy"));
        let boosted = [("best_iteration", 7.0), ("stopped_iteration", 9.0), ("valid_0-auc", 0.7)];
        assert_eq!(chosen(&boosted).as_deref(), Some("valid_0-auc"));
        assert_eq!(chosen(&[("a", 1.0), ("loss", 2.0)]).as_deref(), Some("loss"));
        assert_eq!(chosen(&[("a", 1.0), ("b", 2.0)]).as_deref(), Some("a"));
        assert_eq!(chosen(&[("inf", f64::MAX), ("fit_time", 2.0)]), None);
    }
}
