//! Intervals, sets and costs through the binary: fit, predict, evaluate, replay.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::harness::Folder;
use crate::tables::{customers, questions, with_model};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not one JSON document: {e}\n{text}"))
}

fn run(folder: &Folder, line: &str) -> String {
    folder.run(&line.split(' ').collect::<Vec<&str>>()).done()
}

#[test]
fn a_report_of_later_rows_is_made_of_the_model_file_and_the_rows() {
    let folder = with_model();
    folder.write("later.csv", customers(2_000, 600));
    run(&folder, "evaluate model later.csv --report later.html -q");
    let page = fs::read_to_string(folder.path().join("later.html")).unwrap().replace("<wbr>", "");
    for title in [
        "measured on later.csv",
        "What stands here was measured on 600 rows of “later.csv”",
        "Scores on untouched rows",
        "From which chance on to act",
        "What the model relies on",
        "Why it predicts so",
        "When the inputs are strained",
        // The model has not seen these rows, so that it may doubt their answers.
        "Labels to look at",
        "Rows unlike those it was tested on",
    ] {
        let near = page.find("What stands here").map(|at| &page[at..at + 90]);
        assert!(page.contains(title), "{title}: {near:?}");
    }
    // What only the training rows could tell.
    for title in ["Rows unlike those it learned from", "kept apart and used"] {
        assert!(!page.contains(title), "{title}");
    }
    let faults = folder
        .run(&["evaluate", "model", "later.csv", "--report", "later.csv"])
        .faults_of_refusal(&["overwrite an input", "--report"]);
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn unusual_rows_are_told_from_the_model_file_alone() {
    let folder = with_model();
    fs::remove_file(folder.path().join("train.csv")).unwrap();
    let mut rows = questions(2_000, 300);
    // Years in months, and a plan that there never was.
    rows.push_str("480,basic,3,2023-05-05,2500\n30,gold,3,2023-05-05,9000000\n");
    folder.write("rows.csv", rows);
    let text = run(&folder, "predict model rows.csv --unusual -q");
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    assert!(header.ends_with("unusualness,unusual_columns"), "{header}");
    let of = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let score: f64 = fields[fields.len() - 2].parse().unwrap();
        (score, fields[fields.len() - 1].to_owned())
    };
    let found: Vec<(f64, String)> = lines.map(of).collect();
    assert_eq!(found.len(), 302);
    let n_unusual = found[..300].iter().filter(|(score, _)| *score >= 0.95).count();
    assert!(n_unusual <= 45, "{n_unusual} of 300 rows of the same kind");
    for (row, column) in [(300, "age"), (301, "income")] {
        let (score, columns) = &found[row];
        assert!(*score > 0.98 && columns.contains(column), "{score} {columns}");
    }
    // The same rows in another order, a few at a time, on other threads say the same.
    let again = run(&folder, "predict model rows.csv --unusual -q --threads 1");
    assert_eq!(again, text);
}

#[test]
fn intervals_are_made_measured_written_and_repeated() {
    let folder = Folder::new();
    folder.write("train.csv", customers(0, 700)).write("test.csv", customers(700, 200));
    folder.write("new.csv", questions(900, 20));
    let fit = "train gbdt train.csv --target income --task regression --exclude left --param \
               n_rounds=40 --intervals 0.95,0.8 --group-coverage plan --out model --json -q";
    let fitted = json(&run(&folder, fit));
    let levels = fitted["intervals"]["levels"].as_array().unwrap();
    assert_eq!((&levels[0]["level"], &levels[1]["level"]), (&0.8.into(), &0.95.into()));
    assert!(levels[0]["reached"]["share"].as_f64().unwrap() > 0.6, "{levels:?}");

    let plain = run(&folder, "predict model new.csv -q");
    assert!(plain.starts_with("prediction\n"), "the columns are those of ever: {plain}");
    let text = run(&folder, "predict model new.csv --intervals -q");
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some(
            "prediction,prediction_lower_0.8,prediction_upper_0.8,prediction_lower_0.95,\
             prediction_upper_0.95"
        )
    );
    let mut n_rows = 0;
    for (line, alone) in lines.zip(plain.lines().skip(1)) {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        assert!(line.starts_with(alone), "{line} {alone}");
        assert!(cells[3] <= cells[1] && cells[1] < cells[2] && cells[2] <= cells[4], "{line}");
        n_rows += 1;
    }
    assert_eq!(n_rows, 20);

    let measured = json(&run(&folder, "evaluate model test.csv --json -q"));
    let level = &measured["intervals"][1];
    assert_eq!(level["level"], 0.95);
    assert_eq!(level["reached"]["n_rows"], measured["n_rows"]);
    assert!(level["groups"].as_array().unwrap().len() >= 2, "{level}");
    assert!(run(&folder, "evaluate model test.csv -q").contains("95 % intervals held "));
    // By groups the rows and the shares add up to those of all rows.
    let by = json(&run(&folder, "evaluate model test.csv --by plan,income --json -q"));
    let [plan, income] = by["by"].as_array().unwrap().as_slice() else { panic!("{by}") };
    assert_eq!(plan["column"], "plan");
    assert!(income["note"].as_str().unwrap().contains("quartiles"), "{income}");
    for column in [plan, income] {
        let groups = column["groups"].as_array().unwrap();
        let rows = |g: &Value| g["n_rows"].as_f64().unwrap();
        assert_eq!(groups.iter().map(rows).sum::<f64>(), by["n_rows"].as_f64().unwrap());
        let share = |g: &Value| g["held"][1]["share"].as_f64().unwrap();
        let held: f64 = groups.iter().map(|g| rows(g) * share(g)).sum();
        let all = level["reached"]["share"].as_f64().unwrap() * by["n_rows"].as_f64().unwrap();
        assert!((held - all).abs() < 1e-6, "{held} {all}");
    }
    assert!(run(&folder, "evaluate model test.csv --by plan -q").contains("By plan"));
    folder.run(&["evaluate", "model", "test.csv", "--by", "colour"]).refused(&["colour", "--by"]);
    assert!(run(&folder, "report model --format markdown").contains("## Intervals around"));

    let original = fs::read(folder.path().join("model/model.mw")).unwrap();
    run(&folder, "replay model train.csv --out again --threads 1 -q");
    assert!(fs::read(folder.path().join("again/model.mw")).unwrap() == original);
}

#[test]
fn costs_decide_and_sets_are_labels() {
    let folder = Folder::new();
    folder.write("train.csv", customers(0, 500)).write("test.csv", customers(500, 200));
    folder.write("new.csv", questions(700, 20));
    let fit = "train gbdt train.csv --target left --param n_rounds=20 --cost fp=1,fn=7 --intervals \
               0.9 --group-coverage left --out model -q";
    run(&folder, fit);
    let text = run(&folder, "predict model new.csv --intervals -q");
    let header = "prediction,probability_no,probability_yes,prediction_set";
    assert_eq!(text.lines().next(), Some(header));
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.splitn(4, ',').collect();
        let yes: f64 = cells[2].parse().unwrap();
        assert_eq!(cells[0], if yes >= 0.125 { "yes" } else { "no" }, "{line}");
        let set = cells[3].trim_matches('"').replace("\"\"", "\"");
        let likely = if yes > 0.5 { "yes" } else { "no" };
        assert!(json(&set).as_array().unwrap().contains(&likely.into()), "{line}");
    }
    let measured = json(&run(&folder, "evaluate model test.csv --json -q"));
    let cost = &measured["metrics"]["expected_cost"];
    assert!(cost["value"].is_f64() && cost["ci95"].is_array(), "{cost}");
    let report = run(&folder, "report model --format markdown");
    assert!(report.contains("## What decisions cost") && report.contains("Always “yes”"));
    let original = fs::read(folder.path().join("model/model.mw")).unwrap();
    run(&folder, "replay model train.csv --out again -q");
    assert!(fs::read(folder.path().join("again/model.mw")).unwrap() == original);
}

#[test]
fn what_the_data_or_the_model_cannot_do_is_refused() {
    let folder = with_model();
    folder.write("new.csv", questions(0, 5));
    let refused = |line: &str, words: &[&str]| {
        folder.run(&line.split(' ').collect::<Vec<&str>>()).refused(words);
    };
    refused("predict model new.csv --intervals", &["no intervals", "--intervals 0.9"]);
    let fit = "fit train.csv --target left --time 10s --out x";
    refused(&format!("{fit} --cost yes:mabye=3"), &["--cost", "got:      yes:mabye"]);
    refused(&format!("{fit} --intervals 0.999"), &["--intervals", "999 out-of-fold rows"]);
    refused(&format!("{fit} --group-coverage plan"), &["--group-coverage", "--intervals 0.9"]);
    let fit = "fit train.csv --target age --task regression --time 10s --out x";
    refused(&format!("{fit} --cost fp=3"), &["--cost", "classes"]);
    refused(&format!("{fit} --group-coverage age"), &["--group-coverage", "no groups"]);
    refused(&format!("{fit} --group-coverage plam"), &["did you mean `plan`"]);
}

#[test]
fn rows_of_a_group_are_judged_together_where_the_file_has_the_groups() {
    let folder = Folder::new();
    let rows = customers(700, 200);
    let without_visits = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        [&cells[..2], &cells[3..]].concat().join(",")
    };
    let without: Vec<String> = rows.lines().map(without_visits).collect();
    folder.write("train.csv", customers(0, 700)).write("test.csv", rows);
    folder.write("ungrouped.csv", without.join("\n"));
    let fit = "train linear train.csv --target income --task regression --exclude left --group \
               visits --out model -q";
    run(&folder, fit);
    for (file, is_grouped) in [("test.csv", true), ("ungrouped.csv", false)] {
        let measured = json(&run(&folder, &format!("evaluate model {file} --json -q")));
        let method = measured["interval_method"].as_str().unwrap();
        assert_eq!(method.contains("whole groups"), is_grouped, "{file}: {method}");
        assert!(measured["metrics"]["rmse"]["ci95"][0].is_number(), "{measured}");
    }
}

#[test]
fn intervals_of_a_part_of_rows_that_belong_together_are_no_surer_than_those_of_all_rows() {
    let folder = Folder::new();
    // What a patient's level is no column tells: all visits are held, or none is.
    let visits = |from: usize, n_patients: usize| {
        let mut text = String::from("patient,x,side,y\n");
        for patient in from..from + n_patients {
            let level = 10.0 * ((patient * 37 % 101) as f64 / 101.0).powi(3);
            for visit in 0..12 {
                let (x, side) = (visit * 7 % 12, ["left", "right", "middle"][visit % 3]);
                let _ = writeln!(text, "p{patient},{x},{side},{:.3}", x as f64 / 9.0 + level);
            }
        }
        text
    };
    folder.write("train.csv", visits(0, 80)).write("test.csv", visits(80, 70));
    let fit = "train linear train.csv --target y --group patient --exclude side --intervals 0.8 \
               --out model -q";
    run(&folder, fit);
    let measured = json(&run(&folder, "evaluate model test.csv --by side --json -q"));
    let end = |ci95: &Value, end: &str| ci95[end].as_f64().unwrap();
    let width = |ci95: &Value| end(ci95, "high") - end(ci95, "low");
    let whole = width(&measured["intervals"][0]["reached"]["ci95"]);
    let parts = measured["by"][0]["groups"].as_array().unwrap();
    let audited = json(&run(&folder, "audit model test.csv --sensitive side --json -q"));
    let held = audited["held"][0]["groups"].as_array().unwrap();
    assert_eq!((parts.len(), held.len()), (3, 3));
    let shares = parts.iter().map(|part| &part["held"][0]["ci95"]);
    for ci95 in shares.chain(held.iter().map(|group| &group["reached"]["ci95"])) {
        assert!(width(ci95) > 0.99 * whole, "{ci95}, and {whole} of all rows");
    }
}

#[test]
fn later_rows_that_err_alike_with_their_neighbours_are_drawn_in_blocks_as_in_the_fit() {
    let folder = Folder::new();
    // A level that moves and that no column tells.
    let rows = |from: usize, n_rows: usize| {
        let mut text = String::from("day,x,side,y\n");
        for i in from..from + n_rows {
            let x = (i * 7919) % 101;
            let level = 40.0 * (i as f64 / 15.0).sin();
            let side = ["left", "right"][i * 37 % 2];
            let _ = writeln!(text, "{i},{x},{side},{:.3}", x as f64 / 10.0 + level);
        }
        text
    };
    folder.write("train.csv", rows(0, 600)).write("later.csv", rows(600, 300));
    let fit = "train linear train.csv --target y --split time --time-column day --exclude day \
               --out model -q";
    run(&folder, fit);
    let fitted = run(&folder, "report model --format markdown");
    let words = "follow each other in time and err alike";
    assert!(fitted.contains(words), "{fitted}");
    let measured = json(&run(&folder, "evaluate model later.csv --report later.html --json -q"));
    let method = measured["interval_method"].as_str().unwrap();
    assert!(method.contains(words) && !method.contains("group"), "{method}");
    let page = fs::read_to_string(folder.path().join("later.html")).unwrap();
    assert!(page.contains(words), "the page draws them alike");
    let audited = json(&run(&folder, "audit model later.csv --sensitive side --json -q"));
    let method = audited["interval_method"].as_str().unwrap();
    assert!(method.contains("units whose rows belong together"), "{method}");
}
