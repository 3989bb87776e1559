//! Explanations of fitted predictors: they add up for every learner, and agree between methods.

use modelwright_automl::explain::{self, Background, Method, Origin, Scale, ShapleyOptions};
use modelwright_automl::{FitOutcome, Predictor};
use modelwright_core::Context;
use modelwright_core::data::Table;
use modelwright_core::record::Single;
use modelwright_learners::LEARNERS;

use super::{fit_ok, input, table};

fn fitted(target: &str, learner: &str) -> FitOutcome {
    let mut input = input(400, target);
    let (learner, params) = (learner.to_owned(), std::collections::BTreeMap::new());
    input.options.single = Some(Single { learner, params, encoding: None, n_folds: Some(0) });
    fit_ok(input, &Context::unlimited(1, 2))
}

fn background(predictor: &Predictor, ctx: &Context) -> Background {
    explain::background(predictor, &table(300), Origin::File, 128, ctx).unwrap()
}

fn rows() -> Table {
    table(460).select(&(400..440).collect::<Vec<u32>>())
}

fn options(method: Option<Method>, scale: Option<Scale>) -> ShapleyOptions {
    ShapleyOptions { method, scale, n_background: Some(20) }
}

#[test]
fn values_add_up_for_every_learner_task_and_scale() {
    let ctx = Context::unlimited(1, 2);
    let rows = rows();
    for target in ["label", "grade", "signal"] {
        let task = fit_task(target);
        for entry in LEARNERS.iter().filter(|e| e.spec.tasks.contains(&task)) {
            let predictor = fitted(target, entry.spec.name).predictor;
            let background = background(&predictor, &ctx);
            for scale in [None, Some(Scale::Margin)] {
                for method in [None, Some(Method::Permutation)] {
                    let options = options(method, scale);
                    let found =
                        explain::rows(&predictor, &rows, &background, &options, &ctx).unwrap();
                    let gap = found.largest_gap();
                    assert!(gap < 1e-9, "{target}, {}, {method:?}: {gap}", entry.spec.name);
                    assert_eq!((found.n_rows, found.n_background), (40, 20));
                    if scale.is_none() {
                        let predicted = predictor.predict(&rows, &ctx).unwrap().values;
                        let pairs = predicted.iter().zip(&found.predictions);
                        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-12));
                    }
                }
            }
        }
    }
}

fn fit_task(target: &str) -> modelwright_core::task::Task {
    use modelwright_core::task::Task;
    match target {
        "label" => Task::Binary,
        "grade" => Task::Multiclass,
        _ => Task::Regression,
    }
}

#[test]
fn trees_say_the_same_as_all_mixtures_where_nothing_follows_their_sum() {
    let ctx = Context::unlimited(1, 2);
    let rows = rows();
    for (target, learner, scale) in [
        ("signal", "gbdt", None),
        ("signal", "random_forest", None),
        ("label", "extra_trees", None),
        ("label", "gbdt", Some(Scale::Margin)),
        ("label", "linear", Some(Scale::Margin)),
        ("signal", "linear", None),
        ("grade", "random_forest", None),
        ("grade", "extra_trees", None),
    ] {
        let predictor = fitted(target, learner).predictor;
        let background = background(&predictor, &ctx);
        let of = |method| {
            let options = options(Some(method), scale);
            explain::rows(&predictor, &rows, &background, &options, &ctx).unwrap()
        };
        let (tree, exact) = (of(Method::Tree), of(Method::Exact));
        assert_eq!((tree.method, exact.method), (Method::Tree, Method::Exact));
        for (a, b) in tree.values.iter().zip(&exact.values) {
            assert!((a - b).abs() < 1e-7, "{target}, {learner}: {a} against {b}");
        }
        for (a, b) in tree.base_values.iter().zip(&exact.base_values) {
            assert!((a - b).abs() < 1e-7, "{target}, {learner}: {a} against {b}");
        }
    }
}

#[test]
fn scores_of_several_classes_are_divided_for_each_class() {
    let ctx = Context::unlimited(1, 2);
    let rows = rows();
    let predictor = fitted("grade", "gbdt").predictor;
    let background = background(&predictor, &ctx);
    let options = options(Some(Method::Tree), Some(Scale::Margin));
    let found = explain::rows(&predictor, &rows, &background, &options, &ctx).unwrap();
    assert_eq!((found.outputs.len(), found.base_values.len()), (3, 3));
    assert!(found.largest_gap() < 1e-9);
    // The scores are those of the probabilities, up to what all classes have in common.
    let said = predictor.predict(&rows, &ctx).unwrap().values;
    for (scores, chances) in found.predictions.chunks_exact(3).zip(said.chunks_exact(3)) {
        let sum: f64 = scores.iter().map(|s| s.exp()).sum();
        for (score, chance) in scores.iter().zip(chances) {
            assert!((score.exp() / sum - chance).abs() < 1e-6, "{scores:?} {chances:?}");
        }
    }
    let refused = explain::ShapleyOptions { scale: None, ..options };
    assert!(explain::rows(&predictor, &rows, &background, &refused, &ctx).is_err());
}

#[test]
fn what_follows_the_sum_is_carried_through_close_to_all_mixtures() {
    let ctx = Context::unlimited(1, 2);
    let rows = rows();
    let predictor = fitted("label", "gbdt").predictor;
    let background = background(&predictor, &ctx);
    let of = |method| {
        let options = options(Some(method), None);
        explain::rows(&predictor, &rows, &background, &options, &ctx).unwrap()
    };
    let (tree, exact) = (of(Method::Tree), of(Method::Exact));
    assert!((tree.base_values[0] - exact.base_values[0]).abs() < 1e-12);
    let pairs = tree.values.iter().zip(&exact.values);
    let mean = pairs.map(|(a, b)| (a - b).abs()).sum::<f64>() / tree.values.len() as f64;
    let size = exact.values.iter().map(|v| v.abs()).sum::<f64>() / exact.values.len() as f64;
    // The rescale rule is no Shapley value of the probability: it is as close as this.
    assert!(mean < 0.2 * size, "{mean} of {size}");
}

#[test]
fn an_ensemble_is_explained_from_its_file_and_sketches_alone() {
    let ctx = Context::unlimited(1, 2);
    let outcome = fit_ok(input(600, "label"), &ctx);
    let predictor = Predictor::decode(&outcome.predictor.encode().unwrap()).unwrap();
    let said = outcome.predictions.as_ref();
    let drawn = |said, ctx: &Context| {
        explain::drawn_background(&predictor, &outcome.reference, said, 128, ctx).unwrap().unwrap()
    };
    let background = drawn(said, &ctx);
    assert_eq!((background.n_rows(), background.origin()), (128, Origin::Sketches));
    let again = drawn(said, &Context::unlimited(7, 1));
    // As text: a missing number does not equal itself.
    assert_eq!(format!("{background:?}"), format!("{again:?}"), "it depends on no seed");
    let values = predictor.predict(background.table(), &ctx).unwrap().values;
    let got = values.iter().sum::<f64>() / values.len() as f64;
    let said = said.unwrap().predictions().unwrap().numbers().unwrap();
    let wanted = said.moments.mean().unwrap();
    assert!((got - wanted).abs() < 0.02, "{got} instead of {wanted}");
    let one = rows().select(&[3]);
    let found =
        explain::rows(&predictor, &one, &background, &ShapleyOptions::default(), &ctx).unwrap();
    assert_eq!(found.columns, ["x", "z", "colour"]);
    assert!(found.largest_gap() < 1e-9);
    let again = explain::rows(
        &predictor,
        &one,
        &background,
        &ShapleyOptions::default(),
        &Context::unlimited(1, 1),
    );
    assert_eq!(again.unwrap(), found);
}

#[test]
fn a_table_without_a_needed_column_and_a_model_without_trees_are_refused() {
    let ctx = Context::unlimited(1, 1);
    let predictor = fitted("label", "knn").predictor;
    let background = background(&predictor, &ctx);
    let tree = options(Some(Method::Tree), None);
    let error = explain::rows(&predictor, &rows(), &background, &tree, &ctx).unwrap_err();
    assert!(error.to_string().contains("method permutation"), "{error}");
    let columns = rows().into_columns().into_iter().filter(|c| c.name != "x").collect();
    let lacking = Table::new(columns).unwrap();
    let error =
        explain::rows(&predictor, &lacking, &background, &options(None, None), &ctx).unwrap_err();
    assert!(error.to_string().contains("`x`"), "{error}");
}

#[test]
fn an_ensemble_that_is_mostly_explained_by_a_part_of_it_still_adds_up() {
    let mut asked = input(400, "label");
    "balanced".clone_into(&mut asked.options.preset);
    let predictor = fit_ok(asked, &Context::unlimited(1, 2)).predictor;
    assert!(predictor.members().count() > 1);
    let (background, rows) = (background(&predictor, &Context::unlimited(0, 1)), rows());
    let run = |rows: &Table, threads: usize| {
        let options = options(Some(Method::Permutation), None);
        let ctx = Context::unlimited(0, threads);
        explain::rows(&predictor, rows, &background, &options, &ctx).unwrap()
    };
    let found = run(&rows, 1);
    assert!(found.largest_gap() < 1e-9, "{}", found.largest_gap());
    assert_eq!(found, run(&rows, 4));
    let n = found.columns.len();
    assert_eq!(run(&rows.select(&[17]), 2).values, found.values[17 * n..18 * n]);
}

#[test]
fn interactions_of_an_ensemble_are_drawn_and_sum_to_its_values() {
    let mut asked = input(400, "signal");
    "balanced".clone_into(&mut asked.options.preset);
    let predictor = fit_ok(asked, &Context::unlimited(1, 2)).predictor;
    let ctx = Context::unlimited(0, 2);
    let known = || explain::background(&predictor, &table(300), Origin::File, 128, &ctx);
    let found = explain::interactions(&predictor, &rows(), known, &ctx).unwrap();
    let n = found.columns.len();
    assert_eq!((found.n_rows, found.values.len()), (40, 40 * n * n));
    let predicted = predictor.predict(&rows(), &ctx).unwrap().values;
    let sums: Vec<f64> = found.values.chunks_exact(n * n).map(|m| m.iter().sum()).collect();
    let base = predicted[0] - sums[0];
    assert!(predicted.iter().zip(&sums).all(|(p, sum)| (p - sum - base).abs() < 1e-9));
    // The data are a sum of single columns: what two do together is small beside them.
    assert!(found.pairs().iter().all(|pair| pair.2 < 0.2), "{:?}", found.pairs());
}

#[test]
fn scores_of_an_explainable_boosting_machine_are_divided_exactly_without_being_asked() {
    let ctx = Context::unlimited(1, 2);
    let rows = rows();
    for target in ["label", "grade", "signal"] {
        for learner in ["ebm", "linear"] {
            // A linear model of several classes has several scores, which are drawn; that of a
            // number is clamped behind its score, which all mixtures divide.
            if learner == "linear" && target != "label" {
                continue;
            }
            let predictor = fitted(target, learner).predictor;
            let background = background(&predictor, &ctx);
            let asked = options(None, Some(Scale::Margin));
            let asked = if target == "signal" { options(None, None) } else { asked };
            let found = explain::rows(&predictor, &rows, &background, &asked, &ctx).unwrap();
            assert_eq!(found.method, Method::Tree, "{target}, {learner}");
            assert!(found.standard_errors.is_none());
            assert!(found.largest_gap() < 1e-9, "{target}, {learner}: {}", found.largest_gap());
            // All mixtures through the whole predictor say the same.
            let asked = ShapleyOptions { method: Some(Method::Exact), ..asked };
            let Ok(exact) = explain::rows(&predictor, &rows, &background, &asked, &ctx) else {
                continue;
            };
            // A margin is worked out from a probability there, which rounds; of several classes
            // it is less what is common to all, so that differences of classes are compared.
            let n = found.outputs.len();
            let relative = |values: &[f64]| -> Vec<f64> {
                let of_row = |row: &[f64]| {
                    let first = if n > 1 { row[0] } else { 0.0 };
                    row.iter().map(|value| value - first).collect::<Vec<f64>>()
                };
                values.chunks_exact(n).flat_map(of_row).collect()
            };
            for (a, b) in relative(&found.values).iter().zip(relative(&exact.values)) {
                assert!((a - b).abs() < 1e-6, "{target}, {learner}: {a} {b}");
            }
        }
    }
}
