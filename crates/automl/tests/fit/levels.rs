//! Categories as names: what `train` makes of the encoding `levels`.

use modelwright_automl::{FitInput, Predictor};
use modelwright_core::Context;
use modelwright_core::data::{Column, Table};
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::random::Random;
use modelwright_core::record::Single;

use super::{fit_ok, input};

const N_ROWS: usize = 1200;
const N_SHOPS: usize = 40;

/// Rows of shops of no order, each with a mean of its own; some rows without a shop sell most.
fn shops() -> Table {
    let mut random = Random::new(4);
    let worth: Vec<f64> = (0..N_SHOPS).map(|_| random.normal() * 3.0).collect();
    let mut shops = Vec::new();
    let (mut sizes, mut sales) = (Vec::new(), Vec::new());
    for _ in 0..N_ROWS {
        let shop = (random.below(12) > 0).then(|| random.below(N_SHOPS));
        let size = random.normal();
        sales.push(shop.map_or(15.0, |s| worth[s]) + size + 0.3 * random.normal());
        sizes.push(size);
        shops.push(shop.map(|s| format!("shop {s}")));
    }
    let shops = Column::strings("shop", shops.iter().map(Option::as_deref));
    Table::new(vec![shops, Column::numbers("size", sizes), Column::numbers("sales", sales)])
        .unwrap()
}

fn asked(encoding: &str, changed: &[(&str, ParamValue)]) -> FitInput {
    let table = shops();
    let mut input = input(20, "signal");
    input.schema = table.storage_schema();
    input.table = table;
    "sales".clone_into(&mut input.options.target);
    input.options.exclude.clear();
    let rounds = [("n_rounds", ParamValue::Int(12)), ("learning_rate", ParamValue::Real(0.3))];
    let params = rounds.iter().chain(changed);
    let params: ParamMap = params.map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    input.options.single = Some(Single {
        learner: "gbdt".to_owned(),
        params,
        encoding: Some(encoding.to_owned()),
        n_folds: Some(0),
    });
    input
}

fn predictions(predictor: &Predictor, table: &Table) -> Vec<f64> {
    predictor.predict(table, &Context::unlimited(0, 1)).unwrap().values
}

/// Rows of given shops, all of one size.
fn rows(shops: &[Option<&str>]) -> Table {
    let sizes = Column::numbers("size", vec![0.0; shops.len()]);
    Table::new(vec![Column::strings("shop", shops.iter().copied()), sizes]).unwrap()
}

#[test]
fn each_parameter_of_categories_changes_the_model() {
    let table = shops();
    let model = |encoding, changed: &[(&str, ParamValue)]| {
        let outcome = fit_ok(asked(encoding, changed), &Context::unlimited(1, 2));
        predictions(&outcome.predictor, &table)
    };
    let plain = model("levels", &[]);
    for (name, value) in [
        ("cat_smooth", ParamValue::Real(1e4)),
        ("cat_l2", ParamValue::Real(1e4)),
        ("max_cat_threshold", ParamValue::Int(1)),
        ("max_cat_to_onehot", ParamValue::Int(254)),
        ("min_data_per_group", ParamValue::Int(300)),
    ] {
        assert_ne!(model("levels", &[(name, value.clone())]), plain, "{name}");
        let others = model("trees", &[(name, value)]);
        assert_eq!(others, model("trees", &[]), "{name} acts on names alone");
    }
}

#[test]
fn unseen_levels_are_one_and_a_missing_one_is_a_level_like_any_other() {
    for grow_policy in ["leaf_wise", "depth_wise", "oblivious"] {
        let policy = [("grow_policy", ParamValue::Choice(grow_policy.to_owned()))];
        let outcome = fit_ok(asked("levels", &policy), &Context::unlimited(1, 2));
        let read = Predictor::decode(&outcome.predictor.encode().unwrap()).unwrap();
        let table = rows(&[Some("shop 3"), Some("new"), Some("never seen"), None]);
        let got = predictions(&outcome.predictor, &table);
        assert_eq!(got, predictions(&read, &table));
        assert_eq!(got[1].to_bits(), got[2].to_bits(), "{grow_policy}: {got:?}");
        assert!(got.iter().all(|p| p.is_finite()) && got[3] > 9.0, "{grow_policy}: {got:?}");
        assert_eq!(outcome.record.plan.trials[0].encoding, "levels");
        let trees = read.single_booster().unwrap().0.trees();
        assert!(
            trees.iter().any(|tree| !tree.sets.is_empty()),
            "{grow_policy}: no split by levels"
        );
    }
}
