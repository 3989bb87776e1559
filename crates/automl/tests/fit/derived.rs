//! The encoding with columns derived from several raw ones, as a library call.

use modelwright_automl::{FitInput, Own, Predictor};
use modelwright_core::Context;
use modelwright_core::data::{Column, Table};
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::random::Random;
use modelwright_core::record::{DataSource, Options, Single};

use super::fit_ok;

/// A booster on a table of two interacting numbers, two categories and three columns of noise;
/// `of` gives the log-odds of a row from the two numbers.
fn asked(n: usize, seed: u64, encoding: &str, of: impl Fn(f64, f64) -> f64) -> FitInput {
    let mut random = Random::new(seed);
    let mut draw = || (0..n).map(|_| random.normal()).collect::<Vec<f64>>();
    let numbers: Vec<Vec<f64>> = (0..5).map(|_| draw()).collect();
    let label: Vec<Option<&str>> = (0..n)
        .map(|i| {
            let odds = of(numbers[0][i], numbers[1][i]);
            Some(if random.unit() < 1.0 / (1.0 + (-odds).exp()) { "yes" } else { "no" })
        })
        .collect();
    let mut columns: Vec<Column> = numbers
        .into_iter()
        .enumerate()
        .map(|(i, values)| Column::numbers(format!("x{i}"), values))
        .collect();
    for (name, levels) in [("c0", 5), ("c1", 30)] {
        let texts = (0..n).map(|_| Some(format!("l{}", random.below(levels))));
        columns.push(Column::strings(name, texts));
    }
    columns.push(Column::strings("label", label));
    let table = Table::new(columns).unwrap();
    let mut options = Options::new("label");
    options.single = Some(Single {
        learner: "gbdt".to_owned(),
        params: ParamMap::from([
            ("n_rounds".to_owned(), ParamValue::Int(40)),
            ("learning_rate".to_owned(), ParamValue::Real(0.1)),
        ]),
        encoding: Some(encoding.to_owned()),
        n_folds: Some(4),
    });
    FitInput {
        schema: table.storage_schema(),
        table,
        source: DataSource { name: "test".to_owned(), ..DataSource::default() },
        test: None,
        options,
        own: Own::default(),
        all_rows: None,
    }
}

#[test]
fn two_columns_that_act_together_are_learned_better_and_served_from_the_artifact() {
    let ctx = Context::unlimited(1, 2);
    let run = |encoding| fit_ok(asked(1500, 4, encoding, |a, b| 3.0 * a * b), &ctx);
    let score = |encoding| run(encoding).record.trials[0].score.unwrap();
    let (plain, derived) = (score("trees"), score("derived"));
    assert!(derived > plain + 0.01, "{derived} against {plain}");
    let outcome = run("derived");
    let encoder = outcome.predictor.member_views().next().unwrap().encoder;
    assert!(encoder.derived_columns().any(|c| c.contains("x0") && c.contains("x1")));
    let table = asked(200, 9, "trees", |a, b| 3.0 * a * b).table;
    let before = outcome.predictor.predict(&table, &ctx).unwrap();
    let stored = Predictor::decode(&outcome.predictor.encode().unwrap()).unwrap();
    assert_eq!(stored.predict(&table, &ctx).unwrap().values, before.values);
    let one = stored.predict(&table.select(&[7]), &ctx).unwrap();
    assert_eq!(one.values[0].to_bits(), before.values[7].to_bits());
}

#[test]
fn on_a_target_of_pure_chance_the_out_of_fold_score_is_that_of_chance() {
    let ctx = Context::unlimited(1, 2);
    let n_seeds = 16;
    let mut n_derived = 0;
    let scores: Vec<f64> = (0..n_seeds)
        .map(|seed| {
            let outcome = fit_ok(asked(300, seed, "derived", |_, _| 0.0), &ctx);
            let encoder = outcome.predictor.member_views().next().unwrap().encoder;
            n_derived += encoder.derived_columns().count();
            outcome.record.trials[0].score.unwrap()
        })
        .collect();
    assert!(n_derived > 0, "nothing was derived, which tests nothing");
    let mean = scores.iter().sum::<f64>() / n_seeds as f64;
    // 240 judged rows each: the standard error of an AUC is about 0.037, of their mean 0.0093.
    assert!((mean - 0.5).abs() < 0.03, "mean AUC {mean}");
}
