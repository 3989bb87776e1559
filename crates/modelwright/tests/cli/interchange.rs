//! Models of other libraries in and out: import, use, export, and everything that is refused.

use std::fmt::Write;
use std::fs;

use serde_json::Value;

use crate::harness::Folder;
use crate::tables::{customers, with_trees};

fn golden(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/interchange/");
    fs::read(format!("{folder}{name}")).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not one JSON document: {e}\n{text}"))
}

/// The golden rows as a person would keep them, with the target that the model suggests.
fn rows() -> String {
    let colours = ["black", "blue", "grey", "pale green", "red"];
    let document = json(&String::from_utf8(golden("lightgbm-binary.rows.json")).unwrap());
    let mut csv = "zone,colour,size,age,bought\n".to_owned();
    let rows = document["rows"].as_array().unwrap();
    for (row, probability) in rows.iter().zip(document["predictions"].as_array().unwrap()) {
        let number = |f: usize| row[f].as_f64().map_or(String::new(), |v| v.to_string());
        let colour = row[3].as_u64().map_or("", |code| colours[code as usize]);
        let bought = if probability[0].as_f64().unwrap() > 0.5 { "yes" } else { "no" };
        let _ = writeln!(csv, "{},{colour},{},{},{bought}", number(4), number(0), number(1));
    }
    csv
}

#[test]
fn an_imported_model_is_used_like_a_fitted_one() {
    let folder = Folder::new();
    folder.write("m.txt", golden("lightgbm-binary.txt")).write("rows.csv", rows());
    let args = ["import", "m.txt", "-o", "bought", "--target", "bought", "--classes", "no,yes"];
    let ran = folder.run(&args);
    assert!(ran.stderr.contains("nothing was measured"), "{}", ran.stderr);
    assert!(ran.done().contains("bought (binary, 5 features) written to bought"));
    for name in ["model.mw", "report.html", "record.json"] {
        assert!(folder.path().join("bought").join(name).is_file(), "{name}");
    }
    let out = folder.run(&["predict", "bought", "rows.csv"]).done();
    let wanted = json(&String::from_utf8(golden("lightgbm-binary.rows.json")).unwrap());
    assert!(out.starts_with("prediction,probability_no,probability_yes\n"));
    for (line, wanted) in out.lines().skip(1).zip(wanted["predictions"].as_array().unwrap()) {
        let got: f64 = line.rsplit(',').next().unwrap().parse().unwrap();
        assert!((got - wanted[0].as_f64().unwrap()).abs() < 1e-12, "{line}");
    }
    let metrics = json(&folder.run(&["evaluate", "bought", "rows.csv", "--json"]).done());
    assert_eq!(metrics["metrics"]["accuracy"]["value"], 1.0);
    let text = folder.run(&["inspect", "bought"]).done();
    for part in ["black, blue, grey", "no rows were held out", "0 to 5", "flat"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let report = folder.run(&["report", "bought", "--format", "markdown"]).done();
    assert!(report.contains("Imported from a LightGBM model"), "{report}");
    folder.run(&["replay", "bought", "rows.csv"]).refused(&["imported", "modelwright import"]);
}

#[test]
fn a_single_file_can_be_written_and_nothing_foreign_is_overwritten() {
    let folder = Folder::new();
    folder.write("m.ubj", golden("xgboost-multiclass.ubj"));
    let args = ["import", "m.ubj", "-o", "grade.mw", "--json"];
    let document = json(&folder.run(&args).done());
    assert_eq!(document["classes"], serde_json::json!(["0", "1", "2"]));
    folder.run(&args).done();
    assert_eq!(folder.names(), ["grade.mw", "m.ubj"]);
    folder.write("thesis.mw", "my thesis");
    folder
        .run(&["import", "m.ubj", "-o", "thesis.mw"])
        .refused(&["refusing to overwrite", "thesis.mw"]);
}

#[test]
fn an_imported_model_is_exported_in_every_form_with_its_features() {
    let folder = Folder::new();
    folder.write("m.txt", golden("lightgbm-binary.txt")).write("rows.csv", rows());
    folder.run(&["import", "m.txt", "-o", "m.mw"]).done();
    for (form, name) in [("lightgbm", "o.txt"), ("xgboost-json", "o.json"), ("xgboost-ubj", "o.u")]
    {
        let args = ["export", "m.mw", "--format", form, "-o", name, "--features", "rows.csv"];
        let document = json(&folder.run(&[&args[..], &["--json"]].concat()).done());
        assert_eq!(document["features"][3]["column"], "colour");
        let features = format!("{name}.features.csv");
        let csv = fs::read_to_string(folder.path().join(&features)).unwrap();
        assert!(csv.starts_with("size,age,flat,colour,zone\n"), "{csv}");
        // The exported file is a model file itself.
        folder.run(&["import", name, "-o", "again.mw"]).done();
        let of = |model: &str, data: &str| folder.run(&["predict", model, data]).done();
        let (first, again) = (of("m.mw", "rows.csv"), of("again.mw", &features));
        for (a, b) in first.lines().skip(1).zip(again.lines().skip(1)) {
            let number = |line: &str| line.rsplit(',').next().unwrap().parse::<f64>().unwrap();
            assert!((number(a) - number(b)).abs() < 1e-6, "{form}: {a} and {b}");
        }
    }
}

#[test]
fn an_export_never_overwrites_what_it_reads_and_leaves_nothing_when_it_fails() {
    let folder = Folder::new();
    folder.write("m.txt", golden("lightgbm-binary.txt")).write("rows.csv", "size,age\n1,2\n");
    folder.run(&["import", "m.txt", "-o", "m.mw"]).done();
    let export = ["export", "m.mw", "--format", "lightgbm", "-o"];
    folder.run(&[&export[..], &["m.mw"]].concat()).refused(&["overwrite an input"]);
    let with_rows = |out| [&export[..], &[out, "--features", "rows.csv"]].concat();
    folder.run(&with_rows("rows.csv")).refused(&["overwrite an input"]);
    folder.run(&with_rows("x.txt")).refused(&["column `zone`"]);
    assert_eq!(folder.names(), ["m.mw", "m.txt", "rows.csv"]);
}

#[test]
fn a_fitted_model_exports_what_it_is_or_says_what_to_choose() {
    let folder = with_trees();
    folder.run(&["export", "model", "--format", "lightgbm", "-o", "trees.txt"]).done();
    assert!(folder.path().join("trees.txt").is_file());
    let linear = "train linear train.csv --target left --out linear -q";
    folder.run(&linear.split(' ').collect::<Vec<&str>>()).done();
    folder.run(&["export", "linear", "--format", "lightgbm", "-o", "x.txt"]).refused(&[
        "no sum of trees",
        "where:",
        "linear",
    ]);
    assert!(!folder.path().join("x.txt").exists());
    folder
        .run(&["export", "model", "--format", "lightgbm", "-o", "x.txt", "--member", "99"])
        .refused(&["no such member", "1: "]);
}

#[test]
fn files_that_are_no_models_are_refused() {
    let folder = Folder::new();
    folder.write("rows.csv", customers(0, 20)).write("empty.txt", "");
    folder.write("cut.txt", &golden("lightgbm-binary.txt")[..2000]);
    folder.write("cut.ubj", &golden("xgboost-binary.ubj")[..2000]);
    folder.write("model.pkl", b"\x80\x04\x95");
    for (name, part) in [
        ("rows.csv", "another kind of file"),
        ("empty.txt", "an empty file"),
        ("cut.txt", "cut.txt"),
        ("cut.ubj", "cut off"),
        ("model.pkl", "a Python pickle"),
        ("absent.txt", "cannot read the model file"),
    ] {
        folder.run(&["import", name, "-o", "m.mw"]).refused(&[part]);
        assert!(!folder.path().join("m.mw").exists(), "{name}");
    }
}
