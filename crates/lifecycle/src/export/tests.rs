//! There and back: golden models of both libraries become predictors, are exported in every form,
//! read again, and must score as the library did.

use modelwright_automl::Predictor;
use modelwright_core::Context;
use modelwright_core::data::{Column, Table};

use super::*;
use crate::document::{json, read_ubjson};
use crate::import::golden::{self, bytes};
use crate::import::{ForeignModel, ImportOptions, Naming, read_model};

const FILES: [&str; 12] = [
    "lightgbm-binary.txt",
    "lightgbm-multiclass.txt",
    "lightgbm-ova.txt",
    "lightgbm-poisson.txt",
    "lightgbm-forest.txt",
    "lightgbm-linear.txt",
    "lightgbm-blind.txt",
    "lightgbm-stump.txt",
    "xgboost-binary.ubj",
    "xgboost-multiclass.ubj",
    "xgboost-vector.ubj",
    "xgboost-hinge.ubj",
];

fn foreign(bytes: &[u8]) -> ForeignModel {
    read_model(bytes, &ImportOptions::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn predictor(file: &str) -> Predictor {
    let naming = Naming { target: "target".to_owned(), classes: None };
    foreign(&bytes(file)).into_predictor(&naming).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// Asserts that `again` scores the golden rows as the model of `file` does.
fn assert_same(file: &str, again: &ForeignModel, tolerance: f64) {
    let first = foreign(&bytes(file));
    let (name, _) = file.split_once('.').unwrap();
    for row in &golden::rows(name).rows {
        let wanted = golden::scores(&first, row);
        for (got, wanted) in golden::scores(again, row).iter().zip(&wanted) {
            assert!(
                (got - wanted).abs() <= tolerance * wanted.abs().max(1.0),
                "{file}: {got} for {wanted}"
            );
        }
    }
}

#[test]
fn a_model_comes_back_from_lightgbms_form_bit_for_bit() {
    for file in FILES {
        let predictor = predictor(file);
        let export = choose(&predictor, None).unwrap();
        let written = lightgbm::write(&export);
        if file == "xgboost-hinge.ubj" {
            assert!(written.err().unwrap().what().contains("0 or 1"));
            continue;
        }
        let again = foreign(&written.unwrap_or_else(|e| panic!("{file}: {e}")));
        assert_same(file, &again, 1e-14);
        assert_eq!(again.features.len(), foreign(&bytes(file)).features.len());
    }
}

#[test]
fn a_model_comes_back_from_xgboosts_forms_within_f32() {
    for file in FILES {
        let predictor = predictor(file);
        let export = choose(&predictor, None).unwrap();
        let written = xgboost::write_ubj(&export);
        if file.contains("linear") || file.contains("ova") {
            assert!(written.err().unwrap().what().starts_with("XGBoost has no"), "{file}");
            continue;
        }
        let written = written.unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_same(file, &foreign(&written), 3e-7);
        let text = xgboost::write_json(&export).unwrap();
        assert_eq!(foreign(&text), foreign(&written), "{file}");
        json::read(&text).unwrap();
        read_ubjson(&written).unwrap();
    }
}

#[test]
fn missing_levels_that_go_left_need_levels_that_are_known() {
    let predictor = predictor("xgboost-codes.ubj");
    let export = choose(&predictor, None).unwrap();
    let error = lightgbm::write(&export).unwrap_err().to_string();
    assert!(error.contains("export to XGBoost"), "{error}");
    assert_same("xgboost-codes.ubj", &foreign(&xgboost::write_ubj(&export).unwrap()), 3e-7);
}

#[test]
fn the_offsets_of_the_trees_are_those_that_lightgbm_jumps_to() {
    let predictor = predictor("lightgbm-multiclass.txt");
    let text = String::from_utf8(lightgbm::write(&choose(&predictor, None).unwrap()).unwrap());
    let text = text.unwrap();
    let sizes = text.lines().find_map(|l| l.strip_prefix("tree_sizes=")).unwrap();
    let mut at = text.find("Tree=0").unwrap();
    for (t, size) in sizes.split(' ').enumerate() {
        assert!(text[at..].starts_with(&format!("Tree={t}\n")));
        at += size.parse::<usize>().unwrap();
    }
    assert!(text[at..].starts_with("end of trees"));
}

#[test]
fn an_imported_predictor_writes_the_features_that_the_library_sees() {
    let file = "lightgbm-binary.txt";
    let predictor = predictor(file);
    let golden = golden::rows("lightgbm-binary");
    let names = ["black", "blue", "grey", "pale green", "red"];
    let number = |f: usize| golden.rows.iter().map(move |r| r[f].map_or(f64::NAN, f64::from));
    let colour = golden.rows.iter().map(|row| row[3].map(|code| names[code as usize]));
    let columns = vec![
        Column::numbers("age", number(1).collect::<Vec<f64>>()),
        Column::strings("colour", colour),
        Column::numbers("zone", number(4).collect::<Vec<f64>>()),
        Column::numbers("size", number(0).collect::<Vec<f64>>()),
    ];
    let table = Table::new(columns).unwrap();
    let got = predictor.predict(&table, &Context::unlimited(0, 1)).unwrap();
    for (got, score) in got.values.iter().zip(&golden.scores) {
        let wanted = 1.0 / (1.0 + (-0.7 * score[0]).exp());
        assert!((got - wanted).abs() < 1e-12);
    }
    assert_eq!(predictor.classes, ["0", "1"]);
}

#[test]
fn two_classes_of_a_softmax_are_one_probability() {
    let file = bytes("xgboost-vector.ubj");
    let mut model = foreign(&file);
    // The third class is taken away: what is left is a softmax of two.
    model.answer = crate::import::Answer::Classes(2);
    model.base_scores.truncate(2);
    let trees = std::mem::take(&mut model.trees);
    model.trees = (trees.into_iter().enumerate().filter(|(t, _)| t % 3 < 2)).map(|x| x.1).collect();
    model.trees_per_round = 2;
    let scores: Vec<Vec<f64>> =
        golden::rows("xgboost-vector").rows.iter().map(|r| golden::scores(&model, r)).collect();
    let naming = Naming { target: "y".to_owned(), classes: Some(vec!["no".into(), "yes".into()]) };
    let predictor = model.into_predictor(&naming).unwrap();
    let export = choose(&predictor, None).unwrap();
    let again = foreign(&lightgbm::write(&export).unwrap());
    for (row, scores) in golden::rows("xgboost-vector").rows.iter().zip(scores) {
        let difference = golden::scores(&again, row)[0] - (scores[1] - scores[0]);
        assert!(difference.abs() < 1e-12);
    }
}

#[test]
fn names_and_labels_that_do_not_fit_are_refused() {
    let refused = |target: &str, classes: Option<&[&str]>| {
        let naming = Naming {
            target: target.to_owned(),
            classes: classes.map(|c| c.iter().map(|c| (*c).to_owned()).collect()),
        };
        let model = foreign(&bytes("lightgbm-binary.txt"));
        model.into_predictor(&naming).err().map(|e| e.to_string()).unwrap_or_default()
    };
    assert!(refused("age", None).contains("the name of the target"));
    assert!(refused("y", Some(&["a", "b", "c"])).contains("2 different labels"));
    assert!(refused("y", Some(&["a", "a"])).contains("2 different labels"));
    assert_eq!(refused("y", Some(&["a", "b"])), "");
}
