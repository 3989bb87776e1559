//! Tables as people have them: stray words among numbers, large offsets, sorted rows, weights that
//! are missing, one column and nothing else.

use std::fmt::Write;

use crate::harness::Folder;

/// `x, noise, y` with `y = 3 x + noise`; `shown` writes `x`.
fn line(n_rows: usize, shown: impl Fn(usize, f64) -> String) -> String {
    let mut text = String::from("x,noise,y\n");
    for i in 0..n_rows {
        let x = ((i * 7919 + 13) % 1009) as f64 / 10.0;
        let noise = ((i * 31) % 17) as f64 / 10.0;
        let _ = writeln!(text, "{},{noise},{}", shown(i, x), 3.0 * x + noise);
    }
    text
}

/// R² on rows that took no part in the fit.
fn r2(folder: &Folder, model: &str, file: &str) -> f64 {
    let said = folder.run(&["evaluate", model, file, "--json", "-q"]).done();
    let document: serde_json::Value = serde_json::from_str(&said).unwrap();
    document["metrics"]["r2"]["value"].as_f64().unwrap()
}

fn fit(folder: &Folder, file: &str, out: &str) {
    let params = "--param n_rounds=150 --keep-leaks";
    let args = format!("train gbdt {file} --target y {params} --out {out} -q");
    folder.run(&args.split(' ').collect::<Vec<&str>>()).done();
}

#[test]
fn a_few_stray_words_do_not_cost_a_column_and_are_known_later() {
    let folder = Folder::new();
    let stray = |i: usize, x: f64| if i % 400 == 7 { "unknown".into() } else { format!("{x}") };
    folder.write("train.csv", line(1200, stray)).write("new.csv", line(500, stray));
    fit(&folder, "train.csv", "model");
    assert!(r2(&folder, "model", "new.csv") > 0.9);
    let other = |i: usize, x: f64| if i == 7 { "many".into() } else { format!("{x}") };
    folder.write("other.csv", line(50, other));
    folder.run(&["predict", "model", "other.csv", "-o", "p.csv"]).refused(&[
        "does not fit",
        "many",
        "column `x`",
    ]);
    // The target, too: a row whose target is a stray word has none.
    let swapped = line(1200, |_, x| format!("{x}")).replace("x,noise,y", "x,noise,z");
    let stray_target = |(i, line): (usize, &str)| match line.rsplit_once(',') {
        Some((head, _)) if i % 500 == 9 => format!("{head},lost\n"),
        _ => format!("{line}\n"),
    };
    let targets: String = swapped.lines().enumerate().map(stray_target).collect();
    folder.write("targets.csv", targets);
    let args = "train gbdt targets.csv --target z --param n_rounds=20 --out of_z -q";
    folder.run(&args.split(' ').collect::<Vec<&str>>()).done();
    assert!(r2(&folder, "of_z", "targets.csv") > 0.5);
    let args = "retrain model --data train.csv --out again -q --time 5s";
    let again = folder.run(&args.split(' ').collect::<Vec<&str>>());
    assert!(!again.stderr.contains("does not fit"), "{}", again.stderr);
    let told = folder.run(&["profile", "train.csv"]);
    assert!(told.stderr.contains("`unknown`: taken as missing"), "{}", told.stderr);
}

#[test]
fn numbers_that_differ_beyond_the_seventh_digit_are_told_apart() {
    let folder = Folder::new();
    let far = |_: usize, x: f64| format!("{}", 1_700_000_000.0 + x * 130.0);
    folder.write("train.csv", line(1000, far));
    fit(&folder, "train.csv", "model");
    assert!(r2(&folder, "model", "train.csv") > 0.95);
    let trees = folder.run(&["inspect", "model", "--trees", "1"]).done();
    assert!(trees.contains("x - 17000"), "the threshold says what was subtracted: {trees}");
}

#[test]
fn a_table_that_is_sorted_by_a_measurement_keeps_it() {
    let folder = Folder::new();
    let mut text = String::from("pop,z,y\n");
    for i in 0..300_usize {
        let pop = 1000 + i * i * 37;
        let _ = writeln!(text, "{pop},{},{}", (i * 31) % 17, pop as f64 / 1000.0);
    }
    folder.write("train.csv", text);
    let said = folder.run(&["profile", "train.csv", "--target", "y", "--json"]).done();
    let document: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(document["profile"]["columns"][0]["kind"]["kind"], "number");
}

#[test]
fn a_row_number_is_learned_from_where_nothing_else_is_there() {
    let folder = Folder::new();
    let mut text = String::from("x,y\n");
    (1..=120).for_each(|i| writeln!(text, "{i},{}", 2 * i + i * 7919 % 5).unwrap());
    folder.write("train.csv", text);
    let args = "fit train.csv --target y --time 5s --preset quick --out model -q";
    folder.run(&args.split(' ').collect::<Vec<&str>>()).done();
    assert!(r2(&folder, "model", "train.csv") > 0.9);
}

#[test]
fn a_bad_weight_is_found_at_once_and_by_its_row_in_the_file() {
    let folder = Folder::new();
    let mut text = String::from("x,w,y\n");
    for i in 1..=200_usize {
        let y = if i <= 5 { String::new() } else { format!("{}", i % 7) };
        let w = if i == 100 { "" } else { "1.5" };
        let _ = writeln!(text, "{},{w},{y}", (i * 31) % 17);
    }
    folder.write("train.csv", text);
    let args = "fit train.csv --target y --weight w --time 1h --out model";
    let args: Vec<&str> = args.split(' ').collect();
    folder.run(&args).refused(&["a weight is not usable", "row 100", "column `w`"]);
}
