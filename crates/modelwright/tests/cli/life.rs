//! The life of a model through the binary: fit, look, predict, evaluate, compare, repeat.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use crate::harness::Folder;
use crate::tables::{customers, questions, with_model, with_trees};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not one JSON document: {e}\n{text}"))
}

#[test]
fn a_fit_leaves_three_files_and_a_summary() {
    let folder = Folder::new();
    folder.write("t.csv", customers(0, 200));
    let args = ["fit", "t.csv", "--target", "left", "--time", "15", "--preset", "quick", "--json"];
    let ran = folder.run(&args);
    assert!(ran.stderr.contains("search"), "plain progress lines on stderr:\n{}", ran.stderr);
    let summary = json(&ran.done());
    assert_eq!(summary["task"], "binary");
    assert_eq!(summary["classes"], serde_json::json!(["no", "yes"]));
    let score = &summary["evaluation"]["metrics"]["roc_auc"];
    let ci95 = score["ci95"].as_array().unwrap();
    assert!(ci95[0].as_f64() <= score["value"].as_f64());
    assert!(score["value"].as_f64() <= ci95[1].as_f64());
    assert_eq!(folder.names(), ["modelwright-out", "t.csv"]);
    for name in ["model.mw", "report.html", "record.json"] {
        assert!(folder.path().join("modelwright-out").join(name).is_file(), "{name}");
    }
    // A second fit replaces the first.
    folder.run(&args).done();
}

#[test]
fn a_plan_can_be_printed_without_work() {
    let folder = Folder::new();
    folder.write("t.csv", customers(0, 200));
    let args = ["fit", "t.csv", "--target", "left", "--plan-only", "-q"];
    let text = folder.run(&args).done();
    assert!(text.contains("roc_auc") && text.contains("gbdt"), "{text}");
    let plan = json(&folder.run(&[&args[..], &["--json"]].concat()).done());
    assert!(!plan["plan"]["trials"].as_array().unwrap().is_empty());
    assert_eq!(folder.names(), ["t.csv"], "a plan writes nothing");
}

#[test]
fn a_profile_is_text_json_and_a_page() {
    let folder = Folder::new();
    folder.write("t.csv", customers(0, 100));
    let text = folder.run(&["profile", "t.csv", "-q"]).done();
    assert!(text.contains("income") && text.contains("category"), "{text}");
    let document = json(&folder.run(&["profile", "t.csv", "--target", "left", "--json"]).done());
    assert_eq!(document["source"]["n_rows"], 100);
    assert_eq!(document["profile"]["columns"].as_array().unwrap().len(), 6);
    folder.run(&["profile", "t.csv", "-o", "p.html"]).done();
    let page = fs::read_to_string(folder.path().join("p.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") || page.starts_with("<!doctype html>"));
}

#[test]
fn predictions_have_labels_and_probabilities_in_class_order() {
    let folder = with_model();
    folder.write("new.csv", questions(400, 50));
    let text = folder.run(&["predict", "model", "new.csv", "-q"]).done();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "prediction,probability_no,probability_yes");
    assert_eq!(lines.len(), 51);
    for line in &lines[1..] {
        let cells: Vec<&str> = line.split(',').collect();
        let (no, yes): (f64, f64) = (cells[1].parse().unwrap(), cells[2].parse().unwrap());
        assert!((no + yes - 1.0).abs() < 1e-12 && ["no", "yes"].contains(&cells[0]), "{line}");
    }
    folder.run(&["predict", "model", "new.csv", "-o", "p.csv"]).done();
    assert_eq!(fs::read_to_string(folder.path().join("p.csv")).unwrap(), text);
    let rows = json(&folder.run(&["predict", "model", "new.csv", "--json", "-q"]).done());
    assert_eq!(rows.as_array().unwrap().len(), 50);
    let done =
        json(&folder.run(&["predict", "model", "new.csv", "-o", "p.parquet", "--json"]).done());
    assert_eq!(done["n_rows"], 50);
    assert!(fs::read(folder.path().join("p.parquet")).unwrap().starts_with(b"PAR1"));
}

#[test]
fn row_by_row_and_in_one_batch_give_the_same_bytes() {
    let folder = with_model();
    let rows = questions(400, 12);
    folder.write("all.csv", &rows);
    let batch = folder.run(&["predict", "model", "all.csv", "-q"]).done();
    let (header, body) = rows.split_once('\n').unwrap();
    let mut single = String::from("prediction,probability_no,probability_yes\n");
    for row in body.lines() {
        folder.write("one.csv", format!("{header}\n{row}\n"));
        let text = folder.run(&["predict", "model", "one.csv", "-q"]).done();
        single += text.split_once('\n').unwrap().1;
    }
    assert_eq!(batch, single);
    let threads = folder.run(&["predict", "model", "all.csv", "-q", "--threads", "1"]).done();
    assert_eq!(batch, threads);
}

#[test]
fn columns_may_be_shuffled_extra_or_missing_where_training_had_missing_values() {
    let folder = with_model();
    folder.write("a.csv", "age,plan,visits,joined,income\n40,pro,3,2023-05-06,1500\n");
    folder.write("b.csv", "x,joined,income,plan,age,visits\nq,2023-05-06,1500,pro,40,3\n");
    folder.write("c.csv", "age,plan,visits,joined\n40,pro,3,2023-05-06\n");
    folder.write("d.csv", "age,plan,visits,joined,income\n40,pro,3,2023-05-06,\n");
    folder.write("e.csv", "age,plan,visits,joined,income\n40,platinum,3,2023-05-06,1500\n");
    let of = |name: &str| folder.run(&["predict", "model", name, "-q"]);
    assert_eq!(of("a.csv").done(), of("b.csv").done(), "order and extra columns do not matter");
    let without = of("c.csv");
    assert!(without.stderr.contains("warning: the data lack income"), "{}", without.stderr);
    assert_eq!(without.done(), of("d.csv").done(), "an absent column is missing in every row");
    assert_eq!(of("e.csv").done().lines().count(), 2, "a new category is no error");
}

#[test]
fn an_evaluation_has_every_metric_with_its_interval() {
    let folder = with_model();
    folder.write("test.csv", customers(400, 150));
    let document = json(&folder.run(&["evaluate", "model", "test.csv", "--json", "-q"]).done());
    assert_eq!(document["n_rows"], 150);
    for name in ["roc_auc", "log_loss", "accuracy"] {
        let metric = &document["metrics"][name];
        assert!(
            metric["value"].is_f64() && metric["ci95"].as_array().unwrap().len() == 2,
            "{name}"
        );
    }
    let text = folder.run(&["evaluate", "model", "test.csv", "-q"]).done();
    assert!(text.contains("roc_auc") && text.contains("150 rows"), "{text}");
}

#[test]
fn a_model_is_never_shown_to_be_better_than_itself() {
    let folder = with_model();
    folder.write("test.csv", customers(400, 150));
    let document =
        json(&folder.run(&["compare", "model", "model/model.mw", "test.csv", "--json"]).done());
    assert_eq!(document["significant"], false);
    assert_eq!(document["comparisons"][0]["difference"], 0.0);
}

#[test]
fn more_rows_chance_and_scores_are_asked_of_their_commands() {
    let folder = with_model();
    folder.write("test.csv", customers(400, 150)).write("more.csv", customers(900, 800));
    let args = ["evaluate", "model", "test.csv", "--permutations", "99", "--json", "-q"];
    let document = json(&folder.run(&args).done());
    assert_eq!(document["chance"]["n_permutations"], 99);
    assert!(document["chance"]["p_value"].as_f64().unwrap() <= 0.05, "{document}");
    let curve = json(&folder.run(&["learning-curve", "model", "more.csv", "--json"]).done());
    assert_eq!(curve["points"].as_array().unwrap().len(), 3, "{curve}");
    let text = folder.run(&["learning-curve", "model", "more.csv", "-q"]).done();
    assert!(text.contains("expected of the next:"), "{text}");
    let rows: Vec<String> =
        (0..10).map(|i| format!("set {i},0.8{i},0.7{i},0.8{}\n", (i * 7) % 10)).collect();
    folder.write("scores.csv", format!("set,best,worst,like best\n{}", rows.concat()));
    let study = json(&folder.run(&["compare", "--scores", "scores.csv", "--json"]).done());
    assert_eq!(study["learners"][2]["name"], "worst");
    assert_eq!(study["pairs"].as_array().unwrap().len(), 3);
    let args = ["compare", "--scores", "scores.csv", "--test-to-train", "0.111"];
    let text = folder.run(&args).done();
    assert!(text.contains("corrected resampled t"), "{text}");
}

#[test]
fn what_is_inside_can_be_seen_and_the_report_rendered_again() {
    let folder = with_model();
    let manifest = json(&folder.run(&["inspect", "model", "--json"]).done());
    assert_eq!(manifest["format_version"], 3);
    assert_eq!(manifest["target"], "left");
    assert_eq!(manifest["schema"][0]["name"], "age");
    assert!(folder.run(&["inspect", "model"]).done().contains("basic"));
    let html = folder.run(&["report", "model/record.json"]).done();
    assert_eq!(html, fs::read_to_string(folder.path().join("model/report.html")).unwrap());
    assert_eq!(html, folder.run(&["report", "model/model.mw", "--format", "html"]).done());
    assert!(folder.run(&["report", "model", "--format", "markdown"]).done().starts_with("# "));
    json(&folder.run(&["report", "model", "--json"]).done());
}

#[test]
fn a_replay_gives_the_same_bytes_with_any_number_of_threads() {
    let folder = with_model();
    let original = fs::read(folder.path().join("model/model.mw")).unwrap();
    for (record, threads) in [("model/record.json", "1"), ("model", "2"), ("model/model.mw", "4")] {
        let args = ["replay", record, "train.csv", "--out", "again", "--threads", threads, "-q"];
        folder.run(&args).done();
        let again = fs::read(folder.path().join("again/model.mw")).unwrap();
        assert!(original == again, "{threads} threads made another model.mw");
    }
}

#[test]
fn a_run_on_more_columns_than_an_account_describes_repeats_from_the_account() {
    let folder = Folder::new();
    let names: Vec<String> = (0..501).map(|i| format!("c{i}")).chain(["y".to_owned()]).collect();
    let mut text = names.join(",") + "\n";
    for row in 0..60_usize {
        let cell = |i: usize| match i {
            // The last one, which the account leaves out, has missing cells.
            500 if row % 3 == 0 => String::new(),
            _ => ((row * 31 + i * 17) % 101).to_string(),
        };
        let answer = ["no", "yes"][usize::from((row * 31) % 101 > 50)].to_owned();
        let cells: Vec<String> = (0..501).map(cell).chain([answer]).collect();
        text += &(cells.join(",") + "\n");
    }
    folder.write("wide.csv", text);
    let run = |line: &str| folder.run(&line.split(' ').collect::<Vec<&str>>()).done();
    run("train linear wide.csv --target y --out model -q");
    run("replay model/record.json wide.csv --out again -q");
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("model/model.mw") == read("again/model.mw"));
    let page = fs::read_to_string(folder.path().join("model/report.html")).unwrap();
    assert!(page == run("report model/record.json"), "the account tells the same report");
    assert!(page == run("report model"), "and so does the model");
}

#[test]
fn a_reader_of_predictions_that_has_seen_enough_is_no_error() {
    let folder = with_model();
    folder.write("new.csv", questions(0, 60_000));
    let mut child = folder
        .command(&["predict", "model", "new.csv", "-q"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 10];
    child.stdout.as_mut().unwrap().read_exact(&mut start).unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn trees_can_be_read_as_text_json_and_a_picture() {
    let folder = with_trees();
    let document = json(&folder.run(&["inspect", "model", "--trees", "2", "--json"]).done());
    assert_eq!(document["trees"][1]["tree"], 2);
    assert!(document["trees"][0]["output"].as_str().unwrap().starts_with("score of left = "));
    assert!(document["trees"][0]["nodes"][0]["cover"].as_f64().unwrap() > 0.0);
    let text = folder.run(&["inspect", "model", "--trees", "2"]).done();
    assert!(text.contains("tree 2, score of left") && text.contains("└─ no: "), "{text}");
    let plot = ["inspect", "model", "--tree-plot", "tree.svg", "--tree", "2", "--plot-depth", "3"];
    assert_eq!(folder.run(&plot).done(), "");
    let svg = fs::read_to_string(folder.path().join("tree.svg")).unwrap();
    assert!(svg.starts_with("<svg xmlns=") && svg.contains("Tree 2 of "), "{svg}");
    folder.run(&["inspect", "model", "--tree", "0"]).refused(&["no such tree", "--tree", "from 1"]);
    let refused = folder.run(&["inspect", "model", "--trees", "1", "--member", "99"]);
    refused.refused(&["no such member", "--member", "got:      99", "its members are 1 "]);
}
