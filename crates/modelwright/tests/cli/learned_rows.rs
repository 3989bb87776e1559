//! Rows that a model learned from measure nothing, and `evaluate` says so.

use std::fmt::Write;
use std::fs;

use serde_json::Value;

use crate::harness::Folder;
use crate::tables::customers;

/// Machines with readings that hardly repeat.
fn machines(from: usize, n_rows: usize) -> String {
    let mut text = String::from("heat,force,kind,wear\n");
    for i in from..from + n_rows {
        // The golden ratio spreads numbers evenly, and never hits one twice.
        let part = |step: f64| (i as f64 * step).fract();
        let (heat, force) = (300.0 * part(0.618_033_988_7), 90.0 * part(0.414_213_562_4));
        let kind = ["a", "b"][i % 2];
        let wear = heat / 10.0 + force + 5.0 * part(0.732_050_807_6);
        let _ = writeln!(text, "{heat:.6},{force:.6},{kind},{wear:.6}");
    }
    text
}

fn with_machines() -> Folder {
    let folder = Folder::new();
    folder.write("train.csv", machines(0, 400)).write("new.csv", machines(400, 200));
    let args = "train linear train.csv --target wear --out model -q";
    folder.run(&args.split(' ').collect::<Vec<&str>>()).done();
    folder
}

fn warnings(folder: &Folder, file: &str) -> String {
    let text = folder.run(&["evaluate", "model", file, "--json", "-q"]).done();
    let document: Value = serde_json::from_str(&text).unwrap();
    document.get("warnings").map_or(String::new(), |said| said[0].as_str().unwrap().to_owned())
}

#[test]
fn the_file_of_the_training_is_known_again() {
    let folder = with_machines();
    assert!(warnings(&folder, "train.csv").contains("the file that the model was trained on"));
    assert_eq!(warnings(&folder, "new.csv"), "");
    let args = ["evaluate", "model", "train.csv", "--report", "page.html", "-q"];
    let text = folder.run(&args).done();
    assert!(text.contains("! this is the file that the model was trained on"), "{text}");
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("This is the file that the model was trained on"));
    let ran = folder.run(&["compare", "model", "model", "train.csv", "-q"]);
    assert!(ran.stderr.contains("the first model: this is the file"), "{}", ran.stderr);
}

#[test]
fn training_rows_in_another_file_are_known_again_by_their_values() {
    let folder = with_machines();
    let all = machines(0, 400);
    let (head, rows) = all.split_once('\n').unwrap();
    let mut lines: Vec<&str> = rows.lines().skip(50).collect();
    lines.reverse();
    folder.write("turned.csv", format!("{head}\n{}\n", lines.join("\n")));
    let said = warnings(&folder, "turned.csv");
    assert!(said.contains("100 % of these rows seem to be training rows"), "{said}");
    // A third of the rows is a matter of taste; most of them is not.
    folder.write("some.csv", machines(300, 400));
    assert_eq!(warnings(&folder, "some.csv"), "");
}

#[test]
fn rows_whose_values_repeat_anyway_are_not_accused() {
    let folder = Folder::new();
    folder.write("train.csv", customers(0, 400)).write("new.csv", customers(400, 400));
    let args = "train linear train.csv --target left --out model -q";
    folder.run(&args.split(' ').collect::<Vec<&str>>()).done();
    assert_eq!(warnings(&folder, "new.csv"), "");
    assert!(warnings(&folder, "train.csv").contains("the file that the model was trained on"));
}
