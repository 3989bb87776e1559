//! Tables of text that looking does not explain, and what a person must be told of a model.

use std::fmt::Write;

use serde_json::Value;

use crate::harness::{Folder, Ran};

fn run(folder: &Folder, args: &str) -> Ran {
    folder.run(&args.split(' ').collect::<Vec<&str>>())
}

fn record(folder: &Folder, model: &str) -> Value {
    let text = std::fs::read(folder.path().join(model).join("record.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// `x^z^y` with decimal commas and `y` by `x`; without a header.
fn carets(n_rows: usize) -> String {
    let mut text = String::new();
    for i in 0..n_rows {
        let x = (i * 7919 + 13) % 101;
        let answer = if x > 50 { "high" } else { "low" };
        let _ = writeln!(text, "{},{:03}^word {}^{answer}", 1 + x / 10, x * 9, i % 5);
    }
    text
}

#[test]
fn what_is_said_of_a_text_is_kept_by_the_model_and_repeated() {
    let folder = Folder::new();
    folder.write("train.txt", carets(300)).write("new.txt", carets(40));
    let said = "--separator ^ --no-header --decimal comma --charset utf8";
    let seen = run(&folder, &format!("profile train.txt {said} --json -q")).done();
    let seen: Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(seen["source"]["n_columns"], 3);
    assert_eq!(seen["profile"]["columns"][0]["kind"]["kind"], "number");
    let train = "train gbdt train.txt --target column_3 --param n_rounds=20 --out model -q";
    run(&folder, &format!("{train} {said}")).done();
    let text = record(&folder, "model")["options"]["text"].clone();
    let kept = serde_json::json!({
        "separator": "^", "header": false, "decimal_comma": true, "encoding": "UTF-8",
    });
    assert_eq!(text, kept);
    // Later files are read in the same way, with or without a header of the names.
    let rows = |text: &str| text.lines().count();
    assert_eq!(rows(&run(&folder, "predict model new.txt -q").done()), 41);
    folder.write("named.txt", format!("column_1^column_2^column_3\n{}", carets(40)));
    assert_eq!(rows(&run(&folder, "predict model named.txt -q").done()), 41);
    let found = run(&folder, "evaluate model new.txt --json -q").done();
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["n_rows"], 40);
    run(&folder, "replay model/record.json train.txt --out again -q").done();
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes("model/model.mw"), bytes("again/model.mw"));
    // A flag says otherwise.
    folder.write("other.csv", carets(40).replace('^', ";"));
    run(&folder, "predict model other.csv -q").refused(&["does not fit the column"]);
    let other = "predict model other.csv --separator semicolon -q";
    assert_eq!(rows(&run(&folder, other).done()), 41);
}

#[test]
fn a_file_with_the_other_decimal_sign_is_read_where_that_is_said() {
    let folder = Folder::new();
    let text = |n_rows: usize| format!("x^z^y\n{}", carets(n_rows));
    folder.write("comma.csv", text(40).replace('^', ";"));
    folder.write("point.csv", text(40).replace(',', ".").replace('^', ","));
    folder.write("train_comma.csv", text(300).replace('^', ";"));
    folder.write("train_point.csv", text(300).replace(',', ".").replace('^', ","));
    let said = |sign: &str| match sign {
        "comma" => "--separator ; --decimal comma",
        _ => "--separator , --decimal point",
    };
    for (own, other) in [("point", "comma"), ("comma", "point")] {
        let train = format!("train gbdt train_{own}.csv --target y --param n_rounds=20 -q");
        run(&folder, &format!("{train} --out {own}")).done();
        let same = run(&folder, &format!("predict {own} {own}.csv -q")).done();
        let flags = said(other);
        assert_eq!(run(&folder, &format!("predict {own} {other}.csv {flags} -q")).done(), same);
        let evaluated = |file: &str, flags: &str| {
            let said = run(&folder, &format!("evaluate {own} {file}.csv {flags} --json -q")).done();
            serde_json::from_str::<Value>(&said).unwrap()["metrics"].clone()
        };
        assert_eq!(evaluated(other, flags), evaluated(own, said(own)));
    }
}

#[test]
fn a_class_of_hardly_any_row_and_a_worthless_model_are_told() {
    let folder = Folder::new();
    let mut text = String::from("x,z,y\n");
    for i in 0..600_usize {
        let y = u8::from(i % 250 == 100);
        let _ = writeln!(text, "{},{},{y}", (i * 7919 + 13) % 101, (i * 31) % 17);
    }
    folder.write("train.csv", text);
    let said = run(&folder, "fit train.csv --target y --time 4s --out model -q").done();
    assert!(said.contains("warning: `1` has 2 rows"), "{said}");
    let record = record(&folder, "model");
    let warned = record["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .any(|w| w.as_str().is_some_and(|w| w.contains("hardly more than chance")));
    assert!(warned, "{}", record["warnings"]);
    let predicted = run(&folder, "predict model train.csv -q").done();
    for line in predicted.lines().skip(1) {
        let fields: Vec<f64> = line.split(',').skip(1).map(|v| v.parse().unwrap()).collect();
        assert!(fields.iter().all(|p| *p > 0.0 && *p < 1.0), "{line}");
    }
}

#[test]
fn rows_that_are_in_training_and_test_alike_are_told_below_the_score() {
    let folder = Folder::new();
    let mut text = String::from("x,z,y\n");
    for i in 0..400_usize {
        let k = i % 20;
        let _ = writeln!(text, "{},{},{}", k * 7, (k * 31) % 17, k % 2);
    }
    folder.write("dups.csv", text);
    let train = "train gbdt dups.csv --target y --param n_rounds=10 --out model -q";
    let said = run(&folder, train).done();
    assert!(said.contains("a leak?") && said.contains("rows seen before"), "{said}");
    let said = run(&folder, &format!("{train} --json")).done();
    let document: Value = serde_json::from_str(&said).unwrap();
    let leaks = document["suspected_leaks"].as_array().unwrap();
    assert!(leaks.iter().any(|leak| leak["kind"] == "duplicate_across_split"), "{leaks:?}");
}

#[test]
fn an_outer_fold_with_the_only_row_of_a_class_judges_the_others() {
    let folder = Folder::new();
    let mut text = String::from("x,z,y\n");
    for i in 0..200_usize {
        let x = (i * 7919 + 13) % 101;
        let y = if i == 14 {
            "rare"
        } else if x > 50 {
            "a"
        } else {
            "b"
        };
        let _ = writeln!(text, "{x},{},{y}", (i * 31) % 17);
    }
    folder.write("single.csv", text);
    let fit = "fit single.csv --target y --nested 2 --preset quick --time 8s --out model";
    let ran = run(&folder, fit);
    assert!(ran.stderr.contains("1 row is not judged by outer folds"), "{}", ran.stderr);
    ran.done();
    assert_eq!(record(&folder, "model")["nested"]["values"].as_array().unwrap().len(), 2);
}

#[test]
fn answers_of_true_and_false_are_those_of_one_and_zero() {
    let folder = Folder::new();
    let table = |yes: &str, no: &str, n: usize| {
        let mut text = String::from("x,z,y\n");
        for i in 0..n {
            let x = (i * 7919 + 13) % 101;
            let _ = writeln!(text, "{x},{},{}", (i * 31) % 17, if x > 50 { yes } else { no });
        }
        text
    };
    folder.write("train.csv", table("1", "0", 300)).write("bool.csv", table("True", "False", 60));
    folder.write("bit.csv", table("1", "0", 60));
    run(&folder, "train gbdt train.csv --target y --param n_rounds=20 --out model -q").done();
    let metrics = |file: &str| {
        let said = run(&folder, &format!("evaluate model {file} --json -q")).done();
        serde_json::from_str::<Value>(&said).unwrap()["metrics"].clone()
    };
    assert_eq!(metrics("bool.csv"), metrics("bit.csv"));
    folder.write("odd.csv", table("2", "0", 60));
    run(&folder, "evaluate model odd.csv").refused(&[
        "does not know",
        "one of 0, 1",
        "got:      2",
    ]);
}

#[test]
fn a_target_beyond_the_exact_whole_numbers_is_learned_as_a_number() {
    let folder = Folder::new();
    let mut text = String::from("x,cap\n");
    for i in 0..300_u64 {
        let x = (i * 7919 + 13) % 101;
        let _ = writeln!(text, "{x},{}", 12_620_944_505_382_697 + x * 79_190_000_007 + i);
    }
    folder.write("train.csv", text);
    let train = "train gbdt train.csv --target cap --param n_rounds=40 --out model -q";
    let ran = run(&folder, train);
    assert!(ran.stderr.contains("rounded to about 16 digits"), "{}", ran.stderr);
    ran.done();
    let said = run(&folder, "evaluate model train.csv --json -q").done();
    let document: Value = serde_json::from_str(&said).unwrap();
    assert!(document["metrics"]["r2"]["value"].as_f64().unwrap() > 0.9, "{said}");
}
