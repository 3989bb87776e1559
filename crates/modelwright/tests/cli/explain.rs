//! `explain` through the binary: words, JSON, files, and what it refuses.

use serde_json::Value;

use crate::harness::Folder;
use crate::tables::{customers, with_model};

fn explained(folder: &Folder, args: &[&str]) -> Value {
    let ran = folder.run(&[&["explain", "model", "t.csv", "--json", "-q"], args].concat());
    serde_json::from_str(&ran.done()).unwrap()
}

#[test]
fn parts_add_up_in_json_and_reasons_are_words() {
    let folder = with_model();
    folder.write("t.csv", customers(300, 40));
    let text = folder.run(&["explain", "model", "t.csv", "-q"]).done();
    assert!(text.contains("the chance of yes") && text.contains("points"), "{text}");
    assert!(text.contains("row 0:") && text.contains("row 2:") && !text.contains("row 3:"));
    for method in ["auto", "exact", "permutation"] {
        let found = explained(&folder, &["--rows", "3,7-9", "--method", method]);
        assert_eq!(found["n_rows"], 4);
        assert_eq!(found["rows"][1]["row"], 7);
        let base = found["base_values"][0].as_f64().unwrap();
        for (row, prediction) in
            found["values"].as_array().unwrap().iter().zip(found["predictions"].as_array().unwrap())
        {
            let parts = row.as_array().unwrap().iter().map(|v| v[0].as_f64().unwrap());
            let gap = base + parts.sum::<f64>() - prediction[0].as_f64().unwrap();
            assert!(gap.abs() < 1e-9, "{method}: {gap}");
        }
        let reason = found["rows"][0]["reasons"][0]["text"].as_str().unwrap();
        assert!(reason.contains("the chance of"), "{reason}");
    }
}

#[test]
fn one_row_is_explained_from_the_model_file_alone() {
    let folder = with_model();
    folder.write("t.csv", customers(300, 1));
    let found = explained(&folder, &[]);
    assert_eq!(found["background"], "sketches");
    folder.write("known.csv", customers(0, 60));
    let found = explained(&folder, &["--background", "known.csv", "--background-rows", "7"]);
    assert_eq!((&found["background"], &found["n_background"]), (&"file".into(), &7.into()));
}

#[test]
fn values_of_every_row_go_into_a_file() {
    let folder = with_model();
    folder.write("t.csv", customers(300, 40));
    folder.run(&["explain", "model", "t.csv", "-o", "values.csv"]).done();
    let text = std::fs::read_to_string(folder.path().join("values.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 41);
    assert!(lines[0].starts_with("row,base_value,") && lines[0].ends_with(",prediction"));
    folder.run(&["explain", "model", "t.csv", "-o", "values.parquet"]).done();
}

#[test]
fn what_cannot_be_explained_is_refused_with_what_was_expected() {
    let folder = with_model();
    folder.write("t.csv", customers(300, 40));
    folder.write("empty.csv", customers(0, 0));
    folder.write("few.csv", "income\n1\n");
    let mut faults = String::new();
    for (line, words) in [
        ("explain model t.csv --rows 40", &["no such row", "from 0 to 39", "got:      40"][..]),
        ("explain model t.csv --rows x", &["rows cannot be read", "--rows", "0,5,10-20"]),
        ("explain model t.csv --rows 1,1", &["named twice", "--rows"]),
        ("explain model empty.csv", &["no row to explain", "empty.csv"]),
        ("explain model few.csv", &["a column that the model needs", "few.csv"]),
        ("explain model t.csv --method shap", &["unknown value", "--method", "auto, tree"]),
        ("explain model t.csv --sample 0", &["whole number from 1", "--sample"]),
        ("explain model t.csv -o values.txt", &["unknown form of output", ".parquet"]),
        ("explain model t.csv -o t.csv", &["overwrite the data"]),
        ("explain model t.csv --background none.csv", &["none.csv"]),
    ] {
        let args: Vec<&str> = line.split_whitespace().collect();
        faults += &folder.run(&args).faults_of_refusal(words);
    }
    assert!(faults.is_empty(), "{faults}");
}
