//! The conformance suite: what every learner of the catalog must do, on tiny tables for each task.
//!
//! A catalog line is enough to be tried here; nothing names a learner except the tolerances in
//! [`weight_tolerance`]. The living example is tried too, so that it stays worth copying.

mod fixture;

use std::time::Duration;

use modelwright_core::Context;
use modelwright_core::context::{Decisions, Settings};
use modelwright_core::data::{FeatureMatrix, FeatureView};
use modelwright_core::params::{Domain, ParamMap, ParamValue};
use modelwright_core::random::Random;
use modelwright_core::task::{Target, Task};

use self::fixture::{assert_valid, context, each, easy, matrix, quick, table};
use crate::{Entry, LEARNERS};

#[test]
fn names_and_parameters_are_unique_and_documented() {
    let mut names: Vec<&str> = LEARNERS.iter().map(|e| e.spec.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), LEARNERS.len(), "two learners share a name");
    for entry in LEARNERS {
        let spec = entry.spec;
        assert!(!spec.title.is_empty() && !spec.text.is_empty() && !spec.reference.is_empty());
        assert_eq!(entry.params.len(), entry.default_params().len(), "{}", spec.name);
        assert!(entry.params.iter().all(|p| !p.text.is_empty()), "{}", spec.name);
        let known = |name: &str| entry.params.iter().any(|p| p.name == name);
        assert!(spec.rounds_param.is_none_or(known), "{}: rounds_param", spec.name);
    }
}

#[test]
fn defaults_fit_and_a_value_outside_each_range_is_refused_by_name() {
    each(|entry, task| {
        let table = easy(task, 150);
        let what = label(entry, task);
        let fitted = entry.fit(&table.train(), &ParamMap::new(), &context(1)).expect(&what);
        assert_valid(&table.predict(&fitted).unwrap(), &table.target, table.test.len(), &what);
        for param in entry.params {
            let below = match param.domain {
                Domain::Int { min, .. } => Some(ParamValue::Int(min - 1)),
                Domain::Real { min, .. } => Some(ParamValue::Real(min - min.abs() - 1.0)),
                Domain::Flag | Domain::Choice(_) | Domain::Portion(_) | Domain::Text(_) => None,
            };
            let not_a_number =
                matches!(param.domain, Domain::Real { .. }).then_some(ParamValue::Real(f64::NAN));
            let wrong = [Some(param.domain.invalid_value()), below, not_a_number];
            for value in wrong.into_iter().flatten() {
                let map = ParamMap::from([(param.name.to_owned(), value)]);
                let error = entry.fit(&table.train(), &map, &context(1)).err();
                let text = error.map_or_else(String::new, |e| e.to_string());
                assert!(text.contains(param.name), "{what}: {} accepted {map:?}", param.name);
            }
        }
    });
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_1_2_and_4_threads() {
    each(|entry, task| {
        let table = easy(task, 8000);
        let what = label(entry, task);
        let bytes = |threads| {
            let fitted = entry.fit(&table.train(), &quick(entry), &context(threads)).unwrap();
            let predicted = fitted
                .model
                .predict(&FeatureView::all(&table.features), &context(threads))
                .unwrap();
            (fitted.encode().unwrap(), predicted)
        };
        let one = bytes(1);
        assert!(one == bytes(2), "{what}: 2 threads differ from 1");
        assert!(one == bytes(4), "{what}: 4 threads differ from 1");
    });
}

#[test]
fn only_the_given_rows_are_read() {
    each(|entry, task| {
        let honest = easy(task, 200);
        let mut poisoned = honest.clone();
        poisoned.weights = Some(vec![1.0; 200]);
        let columns = honest.features.columns.iter().map(|column| {
            let mut values = column.values.to_vec();
            for row in &honest.test {
                values[*row as usize] = f32::NAN;
            }
            let mut column = column.clone();
            column.values = values.into();
            column
        });
        poisoned.features = FeatureMatrix::new(200, columns.collect());
        for row in honest.test.iter().map(|r| *r as usize) {
            if let Some(weights) = &mut poisoned.weights {
                weights[row] = 1e6;
            }
            match &mut poisoned.target {
                Target::Real(values) => values[row] = 1e9,
                Target::Class { codes, .. } => codes[row] = 1 - codes[row].min(1),
            }
        }
        let bytes = |t: &fixture::Fixture| t.fit(entry).unwrap().encode().unwrap();
        let mut weighted = honest.clone();
        weighted.weights = Some(vec![1.0; 200]);
        assert!(bytes(&weighted) == bytes(&poisoned), "{}", label(entry, task));
    });
}

#[test]
fn a_batch_is_predicted_as_its_rows_are_one_by_one() {
    each(|entry, task| {
        let table = easy(task, 900);
        let fitted = table.fit(entry).unwrap();
        let batch = fitted.model.predict(&FeatureView::all(&table.features), &context(2)).unwrap();
        for row in (0..900).step_by(7).chain([899]) {
            let alone = matrix(
                table.features.columns.iter().map(|c| vec![c.values[row as usize]]).collect(),
            );
            let view = FeatureView::of(&table.features, std::slice::from_ref(&row));
            let picked = fitted.model.predict(&view, &context(1)).unwrap();
            let what = format!("{}: row {row}", label(entry, task));
            assert_eq!(picked.values, batch.row(row as usize), "{what} picked");
            // A single row has no bins of the training table: prediction reads values only.
            let alone = fitted.model.predict(&FeatureView::all(&alone), &context(1)).unwrap();
            assert_eq!(alone.values, batch.row(row as usize), "{what} alone");
        }
    });
}

#[test]
fn weight_two_is_the_row_twice() {
    each(|entry, task| {
        if !entry.spec.abilities.weights {
            return;
        }
        let weight = |row: &u32| if row.is_multiple_of(3) { 2 } else { 1 };
        let mut weighted = easy(task, 240);
        weighted.validation.clear();
        weighted.weights = Some((0..240).map(|row| f64::from(weight(&row))).collect());
        // The training rows, those of weight 2 twice, followed by the test rows.
        let order: Vec<u32> = (weighted.rows.iter())
            .flat_map(|r| std::iter::repeat_n(*r, weight(r) as usize))
            .chain(weighted.test.iter().copied())
            .collect();
        let (n, n_test) = (order.len() as u32, weighted.test.len() as u32);
        let twice = fixture::Fixture {
            features: fixture::select(&weighted.features, &order),
            target: weighted.target.select(&order),
            weights: None,
            rows: (0..n - n_test).collect(),
            validation: vec![],
            test: (n - n_test..n).collect(),
        };
        let predict = |t: &fixture::Fixture| t.predict(&t.fit(entry).unwrap()).unwrap().values;
        let (a, b) = (predict(&weighted), predict(&twice));
        let scale = if task == Task::Regression { 10.0 } else { 1.0 };
        let difference = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f64>();
        let difference = difference / a.len() as f64 / scale;
        let most = weight_tolerance(entry);
        assert!(difference <= most, "{}: {difference} > {most}", label(entry, task));
    });
}

/// How far mean predictions may differ when a row is weighted instead of repeated, as a share of
/// the target's scale.
fn weight_tolerance(entry: &Entry) -> f64 {
    // They sample rows and features by default: tables of other length draw others.
    if ["gbdt", "random_forest", "extra_trees", "ebm", "neural_net"].contains(&entry.spec.name) {
        return 0.15;
    }
    // Binned learners count rows per leaf and round gradients, so that other cuts may win.
    if entry.spec.abilities.bins { 0.05 } else { 1e-6 }
}

#[test]
fn missing_values_are_learned_from_or_refused_by_name() {
    each(|entry, task| {
        let mut table = easy(task, 200);
        let mut columns: Vec<Vec<f32>> =
            table.features.columns.iter().map(|c| c.values.to_vec()).collect();
        let whole = table.fit(entry).unwrap();
        columns[1].iter_mut().step_by(3).for_each(|v| *v = f32::NAN);
        columns[2].fill(f32::NAN);
        table.features = matrix(columns);
        let what = label(entry, task);
        if entry.spec.abilities.missing {
            let fitted = table.fit(entry).expect(&what);
            assert_valid(&table.predict(&fitted).unwrap(), &table.target, 40, &what);
            assert_valid(&table.predict(&whole).unwrap(), &table.target, 40, &what);
        } else {
            let refused = table.fit(entry).err().map_or_else(String::new, |e| e.to_string());
            assert!(refused.contains("`x1`"), "{what}: {refused}");
            let refused = table.predict(&whole).err().map_or_else(String::new, |e| e.to_string());
            assert!(refused.contains("`x1`"), "{what}: {refused}");
        }
    });
}

#[test]
fn odd_tables_give_a_typed_error_or_a_valid_model() {
    let ramp = |n: usize| (0..n).map(|i| i as f32).collect::<Vec<f32>>();
    let huge: Vec<f32> =
        (0..60).map(|i| if i % 7 == 0 { f32::MAX } else { -f32::MAX * 0.5 }).collect();
    let tiny: Vec<f32> = (0..60).map(|i| f32::MIN_POSITIVE * i as f32).collect();
    let odd = [
        ("no rows", vec![vec![], vec![]], 0, 1),
        ("one row", vec![vec![1.0], vec![2.0]], 1, 1),
        ("two rows", vec![vec![1.0, 2.0]], 2, 2),
        ("one class", vec![ramp(60), huge.clone()], 60, 1),
        ("a class that no row has", vec![ramp(60)], 60, 2),
        ("no columns", vec![], 60, 2),
        ("constant columns", vec![vec![1.0; 60], vec![-0.0; 60]], 60, 2),
        ("huge and tiny values", vec![huge, tiny, ramp(60)], 60, 2),
        ("the same column twice", vec![ramp(60), ramp(60)], 60, 2),
        ("more columns than rows", vec![ramp(5); 40], 5, 2),
    ];
    for (name, columns, n_rows, n_seen) in odd {
        each(|entry, task| {
            let table = table(task, columns.clone(), n_rows, n_seen);
            let what = format!("{}, {name}", label(entry, task));
            match table.fit(entry) {
                Err(error) => assert!(!error.what().is_empty(), "{what}"),
                Ok(fitted) => {
                    assert!(n_rows > 0, "{what}: learned from nothing");
                    fitted.model.validate().expect(&what);
                    let predictions = table.predict(&fitted).expect(&what);
                    assert_valid(&predictions, &table.target, n_rows, &what);
                }
            }
        });
    }
}

#[test]
fn rows_without_weight_do_not_count_and_no_weight_at_all_is_an_error() {
    each(|entry, task| {
        if !entry.spec.abilities.weights {
            return;
        }
        let mut table = easy(task, 150);
        table.weights = Some(vec![0.0; 150]);
        assert!(table.fit(entry).is_err(), "{}", label(entry, task));
        table.weights = Some((0..150).map(|i| f64::from(i % 2)).collect());
        let fitted = table.fit(entry).unwrap();
        assert_valid(&table.predict(&fitted).unwrap(), &table.target, 30, entry.spec.name);
        let mut lies = table.clone();
        match &mut lies.target {
            Target::Real(values) => values.iter_mut().step_by(2).for_each(|v| *v = 1e6),
            Target::Class { codes, .. } => codes.iter_mut().step_by(2).for_each(|c| *c = 0),
        }
        let bytes = lies.fit(entry).unwrap().encode().unwrap();
        assert!(bytes == fitted.encode().unwrap(), "{}", label(entry, task));
        // Validation rows that all have no weight cannot judge; saying so is as good as a model.
        table.weights = Some((0..150).map(|i| if i < 80 { 1.0 } else { 0.0 }).collect());
        if let Ok(fitted) = table.fit(entry) {
            assert_valid(&table.predict(&fitted).unwrap(), &table.target, 30, entry.spec.name);
        }
    });
}

#[test]
fn predictions_of_extreme_rows_are_valid() {
    each(|entry, task| {
        let table = easy(task, 200);
        let fitted = table.fit(entry).unwrap();
        let extreme = matrix(vec![vec![f32::MAX, f32::MIN, 0.0, f32::MIN_POSITIVE]; 5]);
        let predictions = fitted.model.predict(&FeatureView::all(&extreme), &context(1)).unwrap();
        assert_valid(&predictions, &table.target, 4, &label(entry, task));
        let none = fitted.model.predict(&FeatureView::of(&extreme, &[]), &context(1)).unwrap();
        assert_eq!(none.n_rows(), 0);
    });
}

#[test]
fn a_table_of_other_columns_is_refused() {
    each(|entry, task| {
        let table = easy(task, 150);
        let fitted = table.fit(entry).unwrap();
        assert_eq!(fitted.model.n_features(), 5);
        let narrow = FeatureMatrix::new(150, table.features.columns[..4].to_vec());
        let result = fitted.model.predict(&FeatureView::all(&narrow), &context(1));
        assert!(result.is_err(), "{}", label(entry, task));
    });
}

#[test]
fn a_model_that_rested_predicts_the_same() {
    each(|entry, task| {
        let table = easy(task, 80);
        let mut fitted = table.fit(entry).unwrap();
        let before = table.predict(&fitted).unwrap();
        fitted.model.rest();
        assert_eq!(table.predict(&fitted).unwrap(), before, "{}", label(entry, task));
    });
}

#[test]
fn a_decoded_model_predicts_the_same() {
    each(|entry, task| {
        let table = easy(task, 200);
        let fitted = table.fit(entry).unwrap();
        fitted.model.validate().unwrap();
        let (layout, bytes) = (fitted.layout, fitted.encode().unwrap());
        let decoded =
            entry.decode(layout, &bytes).unwrap_or_else(|e| panic!("{}: {e}", label(entry, task)));
        assert_eq!(decoded.encode().unwrap(), bytes, "{}", label(entry, task));
        assert_eq!(decoded.model.rounds(), fitted.model.rounds());
        assert_eq!(table.predict(&decoded).unwrap(), table.predict(&fitted).unwrap());
        assert!(entry.decode(layout, &bytes[..bytes.len() - 1]).is_err(), "truncated");
        assert!(entry.decode(layout, &[&bytes[..], &[0]].concat()).is_err(), "too long");
        for unknown in [0, layout + 1] {
            assert!(entry.decode(unknown, &bytes).is_err(), "layout {unknown}");
        }
    });
}

#[test]
fn broken_bytes_are_an_error_or_a_sound_model() {
    each(|entry, task| {
        let table = easy(task, 120);
        let fitted = table.fit(entry).unwrap();
        let (layout, bytes) = (fitted.layout, fitted.encode().unwrap());
        let mut random = Random::new(3);
        for _ in 0..3000 {
            let mut broken = bytes.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(broken.len());
                match random.below(4) {
                    0 => broken[at] ^= 1 << random.below(8),
                    1 => broken[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
                    2 => broken.truncate(at.max(1)),
                    _ => broken.insert(at, random.next_u64() as u8),
                }
            }
            let Ok(decoded) = entry.decode(layout, &broken) else { continue };
            if let Ok(predictions) = table.predict(&decoded) {
                assert_eq!(predictions.n_rows(), table.test.len());
                let usable = predictions.values.iter().all(|p| !p.is_nan());
                assert!(usable, "{}: a broken model predicts NaN", label(entry, task));
            }
        }
    });
}

#[test]
fn a_passed_deadline_or_an_early_stop_leaves_a_valid_model() {
    each(|entry, task| {
        let table = easy(task, 400);
        let what = label(entry, task);
        let late = Settings { time_limit: Some(Duration::ZERO), ..Settings::default() };
        let late = Context::new(late).unwrap();
        let stopped_at = |units: u64| {
            let decisions = Decisions {
                stopped_after: [(String::new(), units)].into(),
                ..Decisions::default()
            };
            Context::new(Settings { replay: Some(decisions), threads: 1, ..Settings::default() })
                .unwrap()
        };
        for ctx in std::iter::once(late).chain([1, 2, 3, 5, 8].map(stopped_at)) {
            let fitted = entry.fit(&table.train(), &ParamMap::new(), &ctx).expect(&what);
            fitted.model.validate().expect(&what);
            let predictions = table.predict(&fitted).unwrap();
            assert_valid(&predictions, &table.target, table.test.len(), &what);
        }
    });
}

#[test]
fn a_passed_deadline_returns_promptly() {
    each(|entry, task| {
        let table = easy(task, 20_000);
        let started = context(1);
        let settings = Settings { time_limit: Some(Duration::ZERO), ..Settings::default() };
        let late = Context::new(settings).unwrap();
        let before = started.elapsed();
        entry.fit(&table.train(), &ParamMap::new(), &late).unwrap();
        let took = started.elapsed().checked_sub(before).unwrap();
        assert!(took < Duration::from_millis(500), "{}: {took:?}", label(entry, task));
    });
}

#[test]
fn a_replayed_fit_gives_the_same_bytes() {
    each(|entry, task| {
        let table = easy(task, 3000);
        let settings =
            Settings { time_limit: Some(Duration::from_millis(4)), ..Settings::default() };
        let live = Context::new(settings).unwrap();
        let first = entry.fit(&table.train(), &ParamMap::new(), &live).unwrap();
        let decisions = live.decisions();
        let settings =
            Settings { replay: Some(decisions.clone()), threads: 3, ..Settings::default() };
        let replay = Context::new(settings).unwrap();
        let again = entry.fit(&table.train(), &ParamMap::new(), &replay).unwrap();
        let what = label(entry, task);
        assert!(first.encode().unwrap() == again.encode().unwrap(), "{what}: bytes differ");
        assert_eq!(replay.decisions(), decisions, "{what}");
    });
}

#[test]
fn a_refit_with_the_rounds_found_has_those_rounds() {
    each(|entry, task| {
        let Some(name) = entry.spec.rounds_param else { return };
        let mut table = easy(task, 600);
        let found = entry.fit(&table.train(), &ParamMap::new(), &context(1)).unwrap();
        let rounds = found.model.rounds();
        assert!(rounds >= 1);
        table.rows.extend(std::mem::take(&mut table.validation));
        let map =
            ParamMap::from([(name.to_owned(), ParamValue::Int(i64::try_from(rounds).unwrap()))]);
        let refit = entry.fit(&table.train(), &map, &context(1)).unwrap();
        assert_eq!(refit.model.rounds(), rounds, "{}", label(entry, task));
    });
}

#[test]
fn an_observed_fit_is_the_fit_once_its_own_rows_choose_the_rounds() {
    each(|entry, task| {
        let table = easy(task, 300);
        let what = label(entry, task);
        let Some((mut fitted, course)) =
            entry.fit_observed(&table.train(), &quick(entry), &context(2)).unwrap()
        else {
            // Rows that decide alone when to stop would flatter the model that they judge.
            assert!(!entry.spec.abilities.early_stopping, "{what} stops by the judging rows");
            return;
        };
        if course.losses.is_empty() {
            let alone = modelwright_core::data::TrainView { validation: &[], ..table.train() };
            let alone = entry.fit(&alone, &quick(entry), &context(2)).unwrap();
            assert!(fitted.encode().unwrap() == alone.encode().unwrap(), "{what}: was told");
            return;
        }
        let least = course.losses.iter().copied().fold(f64::INFINITY, f64::min);
        let best = course.losses.iter().position(|loss| *loss == least).unwrap();
        fitted.model.cut(best);
        let plain = table.fit(entry).unwrap();
        assert_eq!(fitted.model.rounds(), plain.model.rounds(), "{what}");
        assert!(fitted.encode().unwrap() == plain.encode().unwrap(), "{what}: other bytes");
        let view = FeatureView::of(&table.features, table.train().validation);
        let said = plain.model.predict(&view, &context(1)).unwrap();
        if !course.predictions.is_empty() {
            assert_eq!(course.predictions.len(), course.losses.len(), "{what}");
            assert!(course.predictions[best] == said, "{what}: other predictions");
        }
    });
}

#[test]
fn every_learner_beats_the_baseline() {
    each(|entry, task| {
        if entry.spec.name == "baseline" {
            return;
        }
        let table = easy(task, 1000);
        let baseline = table.fit(crate::learner("baseline").unwrap()).unwrap();
        let floor = table.loss(&table.predict(&baseline).unwrap());
        let fitted = entry.fit(&table.train(), &ParamMap::new(), &context(2)).unwrap();
        let loss = table.loss(&table.predict(&fitted).unwrap());
        assert!(loss < 0.6 * floor, "{}: {loss} against {floor}", label(entry, task));
    });
}

#[test]
fn a_task_that_a_learner_does_not_know_is_refused_by_name() {
    let example = Entry::of::<crate::example::GaussianNaiveBayes>();
    let table = easy(Task::Regression, 50);
    let error = example.fit(&table.train(), &ParamMap::new(), &context(1)).err().unwrap();
    assert!(error.to_string().contains("regression"), "{error}");
}

fn label(entry: &Entry, task: Task) -> String {
    format!("{} on {}", entry.spec.name, task.name())
}
