//! The learning rate where none is given: CatBoost's law.
//!
//! ```text
//! rate = exp(a ln n + b) · (rounds / 1000)^c
//! ```
//!
//! More rows bear larger steps, more rounds allow smaller ones; and a fit that stops early by
//! validation rows may take larger steps than one that must do all its rounds. The constants are
//! those that CatBoost 1.2.10 resolves to with `boost_from_average`, read off its fits on 100 to
//! 100,000 rows with 200 and 1,000 iterations.

use modelwright_core::task::Task;

/// Bounds of an automatic rate: CatBoost has 0.5 as the upper; beyond 0.3 our trees, which have
/// more leaves than its symmetric ones, overshoot.
const BOUNDS: (f64, f64) = (0.005, 0.3);

/// The rate for a table of `n_rows` to learn from and at most `n_rounds` rounds.
pub(super) fn automatic(task: Task, n_rows: usize, n_rounds: usize, validated: bool) -> f64 {
    let (by_rows, constant, by_rounds) = match (task, validated) {
        (Task::Binary, true) => (0.246, -5.127, -0.451),
        (Task::Binary, false) => (0.408, -7.299, -0.928),
        (Task::Multiclass, true) => (0.02, -2.364, -0.382),
        (Task::Multiclass, false) => (0.051, -2.889, -0.845),
        (Task::Regression, true) => (0.157, -4.062, -0.61),
        (Task::Regression, false) => (0.158, -4.287, -0.813),
    };
    let n = (n_rows.max(1) as f64).ln();
    let rounds = n_rounds.max(1) as f64 / 1000.0;
    let rate: f64 = (by_rows * n + constant).exp() * rounds.powf(by_rounds);
    rate.clamp(BOUNDS.0, BOUNDS.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `learning_rate` of `get_all_params()` of CatBoost 1.2.10 after a fit on a table of `n` rows
    /// with `iterations`, with or without an `eval_set` (binary: `boost_from_average=True`).
    #[test]
    fn the_automatic_rate_is_that_of_catboost() {
        let recorded = [
            (Task::Regression, 100, 1000, true, 0.035_473),
            (Task::Regression, 10_000, 200, true, 0.195_105),
            (Task::Regression, 100_000, 1000, true, 0.104_929),
            (Task::Regression, 100, 1000, false, 0.028_456),
            (Task::Regression, 10_000, 200, false, 0.217_993),
            (Task::Regression, 100_000, 1000, false, 0.084_758),
            (Task::Binary, 100, 1000, true, 0.018_424),
            (Task::Binary, 100, 200, true, 0.038_072),
            (Task::Binary, 100_000, 1000, true, 0.100_779),
            (Task::Binary, 100_000, 200, true, 0.208_261),
            (Task::Binary, 100, 200, false, 0.019_712),
            (Task::Binary, 100_000, 1000, false, 0.074_145),
            (Task::Multiclass, 100, 1000, true, 0.103_116),
            (Task::Multiclass, 100_000, 200, true, 0.218_945),
            (Task::Multiclass, 100, 200, false, 0.274_128),
            (Task::Multiclass, 100_000, 1000, false, 0.100_074),
        ];
        for (task, n_rows, n_rounds, validated, want) in recorded {
            let got = automatic(task, n_rows, n_rounds, validated);
            assert!((got / want - 1.0).abs() < 0.002, "{task:?} {n_rows} {n_rounds}: {got} {want}");
        }
        assert_eq!(automatic(Task::Binary, 1_000_000, 50, false), BOUNDS.1);
    }
}
