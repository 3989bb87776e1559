//! Against models that XGBoost wrote, and against broken ones.

use modelwright_core::data::{Kind, Storage};
use modelwright_learners::gbdt::Link;

use super::super::golden::{assert_scores, assert_sound, bytes, damage, rows, scores};
use super::*;
use crate::document::{Width, write_ubjson};
use crate::import::Answer::{self, Classes, Probability};
use crate::import::Naming;

/// XGBoost adds up in f32: three trees and a base score, each rounded.
const TOLERANCE: f64 = 3e-7;

fn any(bytes: &[u8]) -> Result<ForeignModel> {
    read(bytes, &ImportOptions::default())
}

fn model(name: &str) -> ForeignModel {
    any(&bytes(&format!("xgboost-{name}.ubj"))).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The document of a model, after a change to its learner.
fn changed(name: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut document = read_ubjson(&bytes(&format!("xgboost-{name}.ubj"))).unwrap();
    change(at(&mut document, &["learner"]));
    write_ubjson(&document)
}

fn at<'a>(value: &'a mut Value, path: &[&str]) -> &'a mut Value {
    path.iter().fold(value, |value, name| match value {
        Value::Object(fields) => fields.get_mut(*name).unwrap(),
        Value::List(list) => &mut list[name.parse::<usize>().unwrap()],
        _ => panic!("no {name}"),
    })
}

const MODEL: [&str; 2] = ["gradient_booster", "model"];

fn tree0<'a>(learner: &'a mut Value, field: &str) -> &'a mut Value {
    at(learner, &[&MODEL[..], &["trees", "0", field]].concat())
}

#[test]
fn every_kind_of_model_scores_as_xgboost_does() {
    let cases = [
        ("binary", Link::Logistic, Probability),
        ("codes", Link::Identity, Answer::Value),
        ("multiclass", Link::Softmax, Classes(3)),
        ("dart", Link::Identity, Answer::Value),
        ("poisson", Link::Exponential, Answer::Value),
        ("gamma", Link::Exponential, Answer::Value),
        ("tweedie", Link::Exponential, Answer::Value),
        ("logistic", Link::Logistic, Answer::Value),
        ("raw", Link::Identity, Answer::Value),
        ("hinge", Link::Step, Probability),
        ("cox", Link::Exponential, Answer::Value),
        ("rank", Link::Identity, Answer::Value),
        ("huber", Link::Identity, Answer::Value),
        ("vector", Link::Softmax, Classes(3)),
    ];
    for (name, link, answer) in cases {
        let model = model(name);
        assert_eq!((model.link, model.answer), (link, answer), "{name}");
        assert_scores(&model, &format!("xgboost-{name}"), 1.0, TOLERANCE);
    }
}

#[test]
fn a_base_probability_of_0_or_1_is_moved_as_xgboost_moves_it() {
    for (text, score) in [("0E0", -13.81551), ("[1E0]", 13.74516), ("[5E-1]", 0.0)] {
        let file = changed("binary", |learner| {
            *at(learner, &["learner_model_param", "base_score"]) = Value::text(text);
        });
        assert!((any(&file).unwrap().base_scores[0] - score).abs() < 1e-5, "{text}");
    }
}

#[test]
fn json_and_ubjson_hold_the_same_model() {
    for name in ["binary", "multiclass"] {
        assert_eq!(any(&bytes(&format!("xgboost-{name}.json"))).unwrap(), model(name));
    }
}

#[test]
fn levels_are_named_where_the_file_names_them() {
    let Reading::Levels(colour) = &model("binary").features[3].reading else { unreachable!() };
    assert_eq!(colour.names, ["black", "blue", "grey", "pale green", "red"]);
    assert!(!colour.unlisted_is_missing && !colour.are_numbers);
    let codes = model("codes");
    assert_eq!(codes.features[3].reading, Reading::LevelNumber);
    assert_eq!(codes.features[3].name, "zone");
    assert!(codes.trees.iter().any(|tree| !tree.sets.is_empty()));
}

#[test]
fn the_thresholds_that_older_versions_leave_open_are_read() {
    let name = "xgboost-old";
    let ubj = any(&bytes("xgboost-old.ubj")).unwrap();
    let text = bytes("xgboost-old.json");
    assert!(String::from_utf8_lossy(&text).contains("NaN"), "it shows what it is about");
    assert_eq!(any(&text).unwrap(), ubj);
    assert_scores(&ubj, name, 1.0, TOLERANCE);
    assert!(ubj.trees.iter().any(|tree| !tree.sets.is_empty()));
    assert!(ubj.notes[0].contains("colour: the data must hold their numbers"), "{:?}", ubj.notes);
}

#[test]
fn unknown_levels_go_the_way_of_those_that_are_not_listed() {
    // XGBoost: "unseen" categories go left, which is right in a node that was turned round.
    let model = model("codes");
    let mut row = rows("xgboost-codes").rows[0].clone();
    row[3] = Some(1_000.0);
    let large = scores(&model, &row);
    row[3] = Some(-1.0);
    assert_eq!(scores(&model, &row), large);
}

#[test]
fn dropped_trees_keep_their_weights() {
    let bare = any(&changed("dart", |learner| {
        *at(learner, &["gradient_booster", "weight_drop"]) =
            Value::numbers(Width::F32, [1.0_f32; 3]);
    }))
    .unwrap();
    let model = model("dart");
    assert_ne!(bare.trees, model.trees);
}

#[test]
fn rounds_of_several_trees_are_kept_whole() {
    let options = ImportOptions { rounds: Some(2), ..ImportOptions::default() };
    let two = read(&bytes("xgboost-multiclass.ubj"), &options).unwrap();
    let all = model("multiclass");
    assert_eq!((all.trees.len(), all.n_rounds(), two.trees.len()), (18, 3, 12));
    assert_eq!(two.trees, all.trees[..12]);
}

#[test]
fn the_best_round_of_early_stopping_is_told() {
    let notes = |best: &str| {
        let file = changed("binary", |learner| {
            *at(learner, &["attributes"]) = Value::object([("best_iteration", Value::text(best))]);
        });
        any(&file).unwrap().notes.join("\n")
    };
    assert!(notes("0").contains("--rounds 1"), "{}", notes("0"));
    assert!(!notes(&usize::MAX.to_string()).contains("--rounds"));
}

#[test]
fn indicators_may_say_true_and_false() {
    let file = changed("binary", |learner| {
        *at(learner, &["feature_types", "1"]) = Value::text("i");
    });
    let naming = Naming { target: "y".to_owned(), classes: None };
    let fields = any(&file).unwrap().into_predictor(&naming).unwrap().schema.fields;
    assert_eq!(fields.iter().filter(|f| f.kind == Kind::Boolean).count(), 1);
    assert_eq!((fields[1].kind, fields[1].storage), (Kind::Boolean, Storage::Number));
}

type Change = Box<dyn FnOnce(&mut Value)>;

#[test]
fn what_cannot_be_kept_is_refused_with_its_reason() {
    let set = |path: &'static [&'static str], value: Value| {
        move |learner: &mut Value| *at(learner, path) = value
    };
    let param = |name: &'static str, value: &str| {
        let value = Value::text(value);
        move |learner: &mut Value| *at(learner, &["learner_model_param", name]) = value
    };
    let cases: Vec<(Change, &str)> = vec![
        (Box::new(set(&["gradient_booster", "name"], Value::text("gblinear"))), "has no trees"),
        (Box::new(set(&["objective", "name"], Value::text("reg:sqarederror"))), "did you mean"),
        (Box::new(param("num_target", "3")), "several targets"),
        (Box::new(param("num_target", "99999999")), "at most 65536"),
        (Box::new(param("num_feature", "4000000000")), "as num_feature says"),
        (Box::new(param("base_score", "1.5")), "a probability from 0 to 1"),
        (Box::new(param("base_score", "[0.5,0.5]")), "1 number, or 1"),
        (
            Box::new(|l| *tree0(l, "left_children") = Value::numbers(Width::I32, [0, -1, -1])),
            "trees/0/right_children",
        ),
        (Box::new(|l| *tree0(l, "categories_sizes") = Value::numbers(Width::I64, [9])), "for each"),
    ];
    for (change, part) in cases {
        let error = any(&changed("binary", change)).unwrap_err().to_string();
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

#[test]
fn a_tree_of_vectors_that_claims_a_later_output_is_refused() {
    let groups = [&MODEL[..], &["tree_info"]].concat();
    let file = changed("vector", |learner| {
        let Value::Numbers(_, outputs) = at(learner, &groups) else { unreachable!() };
        outputs[0] = 1.0;
    });
    let error = any(&file).unwrap_err().to_string();
    assert!(error.contains("leaves are vectors"), "{error}");
}

#[test]
fn nodes_that_are_no_tree_are_refused() {
    for (field, node, child) in
        [("left_children", 0, 0), ("right_children", 0, 99), ("left_children", 1, 2)]
    {
        let file = changed("dart", |learner| {
            let tree = at(learner, &["gradient_booster", "gbtree", "model", "trees", "0", field]);
            let Value::Numbers(_, children) = tree else { unreachable!() };
            children[node] = f64::from(child);
        });
        let error = any(&file).unwrap_err().to_string();
        assert!(error.contains("each of one parent"), "{error}");
    }
}

#[test]
fn a_level_number_cannot_take_more_memory_than_the_file_is_worth() {
    let vast = |tree: &mut Value| {
        let Value::Numbers(_, levels) = at(tree, &["categories"]) else { unreachable!() };
        levels.fill(16_777_215.0);
    };
    let first = [&MODEL[..], &["trees", "0"]].concat();
    assert!(any(&changed("codes", |learner| vast(at(learner, &first)))).is_ok());
    let file = changed("codes", |learner| {
        let trees = at(learner, &[&MODEL[..], &["trees"]].concat());
        let Value::List(list) = trees else { unreachable!() };
        vast(&mut list[0]);
        let tree = list[0].clone();
        list.extend(std::iter::repeat_n(tree, 20));
        let n = list.len();
        *at(learner, &[&MODEL[..], &["tree_info"]].concat()) = Value::wholes(vec![0; n]);
    });
    let error = any(&file).unwrap_err().to_string();
    assert!(error.contains("fit the size of the file"), "{error}");
}

#[test]
fn a_cut_file_is_refused_wherever_it_is_cut() {
    for name in ["binary.json", "binary.ubj"] {
        let file = bytes(&format!("xgboost-{name}"));
        for cut in (0..file.len() - 1).step_by(5) {
            assert!(any(&file[..cut]).is_err(), "{name} cut at byte {cut}");
        }
    }
    let error = any(b"binf\x00").unwrap_err().to_string();
    assert!(error.contains("save_model"), "{error}");
}

#[test]
fn damaged_files_are_refused_or_read_but_never_panic() {
    for name in ["binary.json", "binary.ubj", "codes.ubj", "vector.ubj", "dart.ubj"] {
        damage(&bytes(&format!("xgboost-{name}")), 2_000, |bytes| {
            if let Ok(model) = any(bytes) {
                assert_sound(model);
            }
        });
    }
}
