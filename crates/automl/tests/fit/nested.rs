//! Outer folds judge the whole search: on noise nothing is promised and nothing is found.

use modelwright_core::Context;
use modelwright_core::data::{Column, Table};
use modelwright_core::random::Random;

use super::{comparable, fit, fit_ok, input};

/// Ten columns and a label that have nothing to do with each other.
fn noise(seed: u64) -> super::FitInput {
    let mut random = Random::new(seed);
    let mut columns: Vec<Column> = (0..10)
        .map(|c| {
            Column::numbers(
                format!("c{c}"),
                (0..300).map(|_| random.normal()).collect::<Vec<f64>>(),
            )
        })
        .collect();
    let label = |r: &mut Random| Some(if r.unit() < 0.5 { "yes" } else { "no" });
    columns
        .push(Column::strings("label", (0..300).map(|_| label(&mut random)).collect::<Vec<_>>()));
    let mut asked = input(10, "label");
    asked.table = Table::new(columns).unwrap();
    asked.schema = asked.table.storage_schema();
    asked.options.exclude.clear();
    "balanced".clone_into(&mut asked.options.preset);
    asked.options.nested = Some(3);
    asked
}

#[test]
fn the_estimate_from_outside_promises_nothing_on_noise() {
    let (mut means, mut selected) = (Vec::new(), Vec::new());
    for seed in 0..4 {
        let record = fit_ok(noise(seed), &Context::unlimited(seed, 2)).record;
        let nested = record.nested.unwrap();
        assert_eq!(nested.values.len(), 3);
        means.push(nested.mean);
        selected.push(nested.selected.iter().sum::<f64>() / 3.0);
    }
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    // 1,200 rows were judged: the standard error of an AUC is about 0.017.
    assert!((mean(&means) - 0.5).abs() < 0.05, "{means:?}");
    assert!(mean(&selected) > mean(&means), "{selected:?} {means:?}");
}

#[test]
fn outer_folds_leave_the_model_as_it_is_and_need_enough_rows() {
    let alone = fit_ok(input(200, "label"), &Context::unlimited(1, 2));
    let mut asked = input(200, "label");
    asked.options.nested = Some(2);
    let judged = fit_ok(asked, &Context::unlimited(1, 1));
    assert_eq!(alone.predictor.encode().unwrap(), judged.predictor.encode().unwrap());
    let nested = judged.record.nested.clone().unwrap();
    assert!(nested.ci95.is_some() && nested.corrected_gap.is_some(), "{nested:?}");
    assert!(comparable(&judged).contains("\"nested\""));
    let mut asked = input(30, "label");
    asked.options.nested = Some(5);
    let error = fit(asked, &Context::unlimited(0, 1)).err().unwrap().to_string();
    assert!(error.contains("--nested") && error.contains("100 rows"), "{error}");
}
