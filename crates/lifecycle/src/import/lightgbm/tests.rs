//! Against models that LightGBM wrote, and against broken ones.

use modelwright_core::data::{Kind, Storage};
use modelwright_learners::gbdt::Link;

use super::super::golden::{assert_scores, assert_sound, bytes, damage};
use super::*;
use crate::import::{Naming, Reading};

fn model(name: &str) -> ForeignModel {
    read(&bytes(&format!("lightgbm-{name}.txt")), &ImportOptions::default())
        .unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn text(name: &str) -> String {
    String::from_utf8(bytes(&format!("lightgbm-{name}.txt"))).unwrap()
}

fn error(text: &str) -> String {
    read(text.as_bytes(), &ImportOptions::default()).unwrap_err().to_string()
}

#[test]
fn every_kind_of_model_scores_as_lightgbm_does() {
    use crate::import::Answer::{Classes, Probability, Value};
    let cases = [
        ("binary", Link::Logistic, Probability, 0.7),
        ("multiclass", Link::Softmax, Classes(3), 1.0),
        ("ova", Link::LogisticEach, Classes(3), 1.3),
        ("sqrt", Link::SignedSquare, Value, 1.0),
        ("poisson", Link::Exponential, Value, 1.0),
        ("lambda", Link::Softplus, Value, 1.0),
        ("forest", Link::Logistic, Probability, 1.0),
        ("dart", Link::Identity, Value, 1.0),
        ("linear", Link::Identity, Value, 1.0),
        ("zeros", Link::Identity, Value, 1.0),
        ("blind", Link::Identity, Value, 1.0),
        ("stump", Link::Identity, Value, 1.0),
    ];
    for (name, link, answer, sigmoid) in cases {
        let model = model(name);
        assert_eq!((model.link, model.answer), (link, answer), "{name}");
        assert_scores(&model, &format!("lightgbm-{name}"), sigmoid, 1e-12);
    }
}

#[test]
fn features_keep_their_names_levels_and_ranges() {
    let model = model("binary");
    let names: Vec<&str> = model.features.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["size", "age", "flat", "colour", "zone"]);
    let Reading::Levels(colour) = &model.features[3].reading else { unreachable!() };
    assert_eq!(colour.names, ["black", "blue", "grey", "pale green", "red"]);
    assert!(colour.unlisted_is_missing && !colour.are_numbers);
    assert_eq!(model.features[1].range, Some((0.0, 5.0)));
    assert_eq!((model.version.as_str(), model.objective.as_str()), ("v4", "binary sigmoid:0.7"));
    assert_eq!(self::model("ova").features[3].reading, Reading::LevelNumber);
    assert!(self::model("zeros").features[0].zero_is_missing());
}

#[test]
fn thresholds_stay_as_they_were_beside_the_trees() {
    let model = model("binary");
    for (tree, exact) in model.trees.iter().zip(&model.thresholds) {
        for (node, (rounded, exact)) in tree.thresholds.iter().zip(exact).enumerate() {
            let is_set = tree.sets.iter().any(|set| set.node as usize == node);
            assert!(is_set || f64::from(*rounded) <= *exact);
            assert!(is_set || f64::from(rounded.next_up()) > *exact);
        }
    }
}

#[test]
fn a_column_of_zeros_and_ones_may_say_true_and_false() {
    let mut model = model("binary");
    model.features.iter_mut().for_each(|feature| feature.range = Some((0.0, 1.0)));
    // The threshold that LightGBM has for columns of bool, in all nodes of the first feature.
    for (tree, exact) in model.trees.iter().zip(&mut model.thresholds) {
        for (node, threshold) in exact.iter_mut().enumerate() {
            if tree.features[node] == 0 {
                *threshold = f64::from(1e-35_f32);
            }
        }
    }
    let naming = Naming { target: "y".to_owned(), classes: None };
    let fields = model.into_predictor(&naming).unwrap().schema.fields;
    let kinds: Vec<Kind> = fields[..2].iter().map(|field| field.kind).collect();
    assert_eq!(kinds, [Kind::Boolean, Kind::Number], "other thresholds are no flag's");
    assert_eq!(fields[0].storage, Storage::Number);
}

#[test]
fn lines_may_end_as_on_windows_and_remarks_may_be_absent() {
    let unix = text("poisson");
    let whole = read(unix.as_bytes(), &ImportOptions::default()).unwrap();
    assert_eq!(
        read(unix.replace('\n', "\r\n").as_bytes(), &ImportOptions::default()).unwrap(),
        whole
    );
    let (trees, _) = unix.split_once("\nfeature_importances").unwrap();
    let bare = read(trees.as_bytes(), &ImportOptions::default()).unwrap();
    assert_eq!(bare.trees, whole.trees);
    assert_eq!(bare.features[3].reading, Reading::LevelNumber);
}

#[test]
fn a_cut_file_is_refused_wherever_it_is_cut() {
    let text = text("multiclass");
    let end = text.find("end of trees").unwrap() + "end of trees".len();
    for cut in (0..end).step_by(7) {
        assert!(
            read(&text.as_bytes()[..cut], &ImportOptions::default()).is_err(),
            "cut at byte {cut}"
        );
    }
}

#[test]
fn errors_say_where_and_what() {
    let good = text("binary");
    let cases = [
        (good.replacen("num_leaves=6", "num_leaves=7", 1), "tree 0, leaf_value, line"),
        (good.replacen("num_leaves=6", "num_leaves=99999999999999999", 1), "6 values"),
        (good.replacen("max_feature_idx=4", "max_feature_idx=3", 1), "4 names"),
        (good.replacen("objective=binary", "objective=binery", 1), "did you mean `binary`"),
        (good.replacen("sigmoid:0.7", "sigmoid:-1", 1), "a number above 0"),
        (good.replacen("num_tree_per_iteration=1", "num_tree_per_iteration=3", 1), "expected: 1"),
        (good.replacen("left_child=", "left_child=0 ", 1), "left_child"),
        (good.replacen("end of trees", "", 1), "after the last tree"),
        (good.replacen("Tree=1", "Twee=1", 1), "trees, as tree_sizes says"),
        ("{}".to_owned(), "`tree` on the first line"),
    ];
    for (text, part) in cases {
        let error = error(&text);
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
    let pickle = read(b"\x80\x04\x95", &ImportOptions::default()).unwrap_err().to_string();
    assert!(pickle.contains("pickle"), "{pickle}");
}

#[test]
fn a_set_cannot_be_claimed_twice() {
    let text = text("ova");
    let at = text.find("num_cat=2").expect("a tree with two sets");
    let (before, after) = text.split_at(at);
    let line = after.lines().find(|l| l.starts_with("threshold=")).unwrap();
    let twice = line.replace(" 1 ", " 0 ").replace("=1 ", "=0 ");
    assert_ne!(line, twice);
    let error = error(&format!("{before}{}", after.replacen(line, &twice, 1)));
    assert!(error.contains("each of the 2 sets once"), "{error}");
}

#[test]
fn categories_without_a_column_must_be_named() {
    let text = text("binary").replace("[categorical_feature: 3]", "[categorical_feature: 1,3]");
    assert!(error(&text).contains("--categories"));
    let columns = |name: &str| ImportOptions {
        category_columns: Some(vec![name.to_owned()]),
        ..ImportOptions::default()
    };
    let named = read(text.as_bytes(), &columns("colour")).unwrap();
    assert_eq!(named, model("binary"));
    let slip = read(text.as_bytes(), &columns("color")).unwrap_err().to_string();
    assert!(slip.contains("did you mean `colour`"), "{slip}");
    let two = text.replace("pandas_categorical:[[", "pandas_categorical:[[\"x\"], [");
    let mut twice = columns("colour");
    twice.category_columns.as_mut().unwrap().push("colour".to_owned());
    let slip = read(two.as_bytes(), &twice).unwrap_err().to_string();
    assert!(slip.contains("named twice"), "{slip}");
}

#[test]
fn fewer_rounds_are_averaged_by_their_own_number() {
    let file = bytes("lightgbm-forest.txt");
    let options = |rounds| ImportOptions { rounds, ..ImportOptions::default() };
    let (all, two) =
        (read(&file, &options(None)).unwrap(), read(&file, &options(Some(2))).unwrap());
    assert_eq!((all.n_rounds(), two.n_rounds()), (4, 2));
    assert_eq!(two.trees[1].values[0], all.trees[1].values[0] * 2.0);
    let error = read(&file, &options(Some(5))).unwrap_err().to_string();
    assert!(error.contains("1 to 4"), "{error}");
}

#[test]
fn damaged_files_are_refused_or_read_but_never_panic() {
    for name in ["binary", "linear", "ova", "stump"] {
        damage(&bytes(&format!("lightgbm-{name}.txt")), 1500, |bytes| {
            if let Ok(model) = read(bytes, &ImportOptions::default()) {
                assert_sound(model);
            }
        });
    }
}
