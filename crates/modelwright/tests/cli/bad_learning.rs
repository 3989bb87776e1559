//! What can be wrong with targets, weights and sizes of a booster: an error that says so, or a
//! model that predicts every row.

use std::fmt::Write;

use crate::harness::Folder;

/// Rows with two columns `a` and `b`, a target `y` and a weight `w`: what they hold, of the row.
fn rows(n_rows: usize, row: impl Fn(usize) -> [String; 4]) -> String {
    let mut text = "a,b,y,w\n".to_owned();
    for i in 0..n_rows {
        let _ = writeln!(text, "{}", row(i).join(","));
    }
    text
}

fn plain(i: usize) -> [String; 4] {
    [i * 7 % 31, i % 4, i % 9, 1].map(|v| v.to_string())
}

/// The row with one cell changed in line 5.
fn with(cell: usize, text: &'static str) -> impl Fn(usize) -> [String; 4] {
    move |i| {
        let mut row = plain(i);
        if i == 4 {
            text.clone_into(&mut row[cell]);
        }
        row
    }
}

/// The table, further flags, and what the error says; nothing where a model is to come out.
fn cases() -> Vec<(&'static str, String, &'static str, Option<&'static str>)> {
    let constant = |i: usize| ["7".to_owned(), "x".to_owned(), i.to_string(), "1".to_owned()];
    let half = |i: usize| {
        let a = if i.is_multiple_of(2) { String::new() } else { i.to_string() };
        [a, "1".to_owned(), i.to_string(), "1".to_owned()]
    };
    vec![
        ("a target of infinity", rows(60, with(2, "inf")), "", Some("not a finite number")),
        ("a missing target", rows(60, with(2, "")), "", None),
        (
            "no target at all",
            rows(60, |i| {
                let [a, b, _, w] = plain(i);
                [a, b, String::new(), w]
            }),
            "",
            Some("no value"),
        ),
        ("a weight of infinity", rows(60, with(3, "inf")), "--weight w", Some("column `w`")),
        ("a missing weight", rows(60, with(3, "")), "--weight w", Some("column `w`")),
        ("a negative weight", rows(60, with(3, "-1")), "--weight w", Some("column `w`")),
        ("a weight of zero", rows(60, with(3, "0")), "--weight w", None),
        ("a feature of infinity", rows(60, with(0, "inf")), "", None),
        ("constant features", rows(60, constant), "", Some("learn from")),
        ("half of the values missing", rows(60, half), "", None),
        ("one row", rows(1, plain), "", Some("row")),
        ("two rows", rows(2, plain), "", Some("rows")),
        ("more bins than rows", rows(12, plain), "-p min_samples_leaf=1", None),
        ("no trees", rows(60, plain), "-p n_rounds=0", None),
        ("one leaf", rows(60, plain), "-p max_leaves=1", Some("max_leaves")),
        ("no leaf is large enough", rows(60, plain), "-p min_samples_leaf=1000", None),
        ("a rate that is too large", rows(60, plain), "-p learning_rate=2", Some("learning_rate")),
        ("a loss that the target has not", rows(60, with(2, "-3")), "-p loss=poisson", Some("-3")),
    ]
}

#[test]
fn a_file_of_costs_is_refused_with_the_row_at_fault() {
    let folder = crate::tables::with_model();
    let mut faults = String::new();
    for (costs, words) in [
        ("age,1\nincome,-3\n", &["row 2", "column `income`", "c.csv", "got:      -3"][..]),
        ("age,1\nincome,\nplan,2\n", &["row 2", "column `income`", "got:      nothing"]),
        ("age,1\nincome,dear\nplan,2\n", &["row 2", "no number", "got:      dear"]),
        ("age,1\nplan,2\nage,2\n", &["row 3", "two costs", "one cost"]),
        ("age,cheap\nincome,dear\n", &["does not say what columns cost", "column,cost"]),
    ] {
        folder.write("c.csv", format!("column,cost\n{costs}"));
        let args = ["fit", "train.csv", "--target", "left", "--feature-cost", "c.csv"];
        faults += &folder.run(&args).faults_of_refusal(words);
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn every_odd_table_of_a_booster_is_an_error_that_says_so_or_a_model() {
    for (name, table, flags, words) in cases() {
        let folder = Folder::new();
        folder.write("t.csv", table);
        let mut args = vec!["train", "gbdt", "t.csv", "--target", "y", "--out", "m", "-q"];
        args.extend(["--task", "regression"]);
        if !flags.contains("n_rounds") {
            args.extend(["-p", "n_rounds=5"]);
        }
        args.extend(flags.split_whitespace());
        let ran = folder.run(&args);
        if let Some(words) = words {
            assert!(matches!(ran.code, Some(1 | 2)), "{name}: {:?} {}", ran.code, ran.stderr);
            assert!(ran.stderr.contains(words), "{name}: {}", ran.stderr);
            assert!(!ran.stderr.contains("panicked"), "{name}: {}", ran.stderr);
        } else {
            ran.done();
            let said = folder.run(&["predict", "m", "t.csv", "-q"]).done();
            let mut values = said.lines().skip(1).map(str::parse::<f64>);
            assert!(values.all(|v| v.is_ok_and(f64::is_finite)), "{name}: {said}");
        }
    }
}
