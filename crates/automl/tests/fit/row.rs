//! Single rows: what is predicted for a row by itself is what is predicted among others.

use std::collections::BTreeMap;

use modelwright_automl::Predictor;
use modelwright_automl::direct::{Boosting, DirectInput, fit_direct};
use modelwright_core::Context;
use modelwright_core::data::{Column, Kind, MISSING_INSTANT, RawRow, Table};
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::random::Random;
use modelwright_core::task::{Target, Task};
use modelwright_learners::LEARNERS;

const N_ROWS: usize = 240;

/// A column of every kind, some values of each missing.
fn mixed_table() -> Table {
    let mut random = Random::new(3);
    let mut texts = |name: &str, levels: usize, before: &str| {
        let value = |_| (random.below(9) > 0).then(|| format!("{before}{}", random.below(levels)));
        Column::strings(name, (0..N_ROWS).map(value).collect::<Vec<Option<String>>>())
    };
    let few = texts("few", 4, "level ");
    let many = texts("many", 40, "l");
    let words = texts("words", N_ROWS, "a few words on number ");
    let flag = texts("flag", 2, "");
    let numbers = (0..N_ROWS)
        .map(|i| if i % 7 == 2 { f64::NAN } else { random.normal() * 10.0 })
        .collect::<Vec<f64>>();
    let instants = (0_i64..)
        .take(N_ROWS)
        .map(|i| if i % 11 == 5 { MISSING_INSTANT } else { i * i % 997 * 40_000_000_000 })
        .collect();
    let number = Column::numbers("number", numbers);
    Table::new(vec![number, few, many, words, flag, Column::instants("when", instants)]).unwrap()
}

fn target(task: Task) -> Target {
    let mut random = Random::new(8);
    let n_classes = if task == Task::Binary { 2 } else { 3 };
    match task {
        Task::Regression => Target::Real((0..N_ROWS).map(|_| random.normal()).collect()),
        Task::Binary | Task::Multiclass => Target::Class {
            codes: (0..N_ROWS).map(|_| random.below(n_classes) as u32).collect(),
            n_classes,
        },
    }
}

fn check(predictor: &Predictor, table: &Table, what: &str) {
    let ctx = Context::unlimited(0, 1);
    let all = predictor.predict(table, &ctx).unwrap();
    let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<u64>>();
    let (mut row, mut memory) = (RawRow::default(), predictor.row_memory());
    for i in 0..table.n_rows() {
        row.take(table, i, &predictor.schema);
        let one = predictor.predict_row(&row, &mut memory, &ctx).unwrap();
        assert_eq!(bits(&one.values), bits(all.row(i)), "{what}, row {i}");
    }
}

#[test]
fn every_learner_predicts_a_row_by_itself_as_among_others() {
    let table = mixed_table();
    let schema = table.storage_schema();
    let kinds = BTreeMap::from([("words".to_owned(), Kind::Text)]);
    for entry in LEARNERS {
        for task in entry.spec.tasks {
            let rounds = entry.spec.rounds_param.filter(|name| {
                matches!(entry.default_params().get(*name), Some(ParamValue::Int(n)) if *n > 12)
            });
            let params: ParamMap =
                rounds.iter().map(|name| ((*name).to_owned(), ParamValue::Int(12))).collect();
            let what = format!("{}, {}", entry.spec.name, task.name());
            let input = DirectInput {
                table: &table,
                schema: &schema,
                kinds: kinds.clone(),
                target: &target(*task),
                weights: None,
                learner: entry.spec.name,
                params: &params,
                encoding: None,
                boosting: Boosting::default(),
            };
            let (predictor, _) = fit_direct(&input, &Context::unlimited(1, 2)).unwrap();
            check(&predictor, &table, &what);
            let bytes = predictor.encode().unwrap();
            check(&Predictor::decode(&bytes).unwrap(), &table, &what);
        }
    }
}
