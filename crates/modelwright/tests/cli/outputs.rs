//! Where results go: never over what they are about, to stdout where that is asked.

use std::fs;
use std::process::Stdio;

use crate::harness::Ran;
use crate::tables::{customers, questions, with_model, with_trees};

#[test]
fn no_page_is_written_over_the_model_that_it_is_about() {
    let folder = with_model();
    folder.write("new.csv", customers(400, 60));
    let model = || fs::read(folder.path().join("model/model.mw")).unwrap();
    let before = model();
    for target in ["model/model.mw", "model/record.json"] {
        for line in ["monitor model new.csv --report", "explain model new.csv --report"] {
            let args: Vec<&str> = line.split(' ').chain([target]).collect();
            folder.run(&args).refused(&["would overwrite", "--report", target]);
        }
        folder.run(&["report", "model", "-o", target]).refused(&["would overwrite", "--output"]);
    }
    assert!(model() == before, "the model is as it was");
    folder.run(&["report", "model", "-o", "model/report.html"]).done();
}

#[test]
fn no_command_writes_over_the_model_that_it_reads() {
    let folder = with_model();
    folder.write("new.csv", customers(400, 60));
    let files = ["model.mw", "record.json", "report.html"];
    let read = |name: &str| fs::read(folder.path().join("model").join(name)).unwrap();
    let before = files.map(read);
    for (line, flag) in [
        ("evaluate model new.csv --report", "--report"),
        ("audit model new.csv --sensitive plan --report", "--report"),
        ("monitor model new.csv --report", "--report"),
        ("explain model new.csv --report", "--report"),
        ("export model --format lightgbm -o", "--output"),
        ("export model --format onnx -o", "--output"),
    ] {
        for name in files {
            let target = format!("model/{name}");
            let args: Vec<&str> = line.split(' ').chain([&*target]).collect();
            folder.run(&args).refused(&["would overwrite", flag, &target]);
        }
    }
    folder
        .run(&["explain", "model", "--shapes", "model/record.json"])
        .refused(&["would overwrite", "--shapes"]);
    assert!(files.map(read) == before, "the model is as it was");
    // Forms of output by name: a model that is called like one is spared, too.
    folder.write("model.csv", read("model.mw"));
    for command in ["predict", "explain"] {
        folder
            .run(&[command, "model.csv", "new.csv", "-o", "model.csv"])
            .refused(&["would overwrite", "--output"]);
    }
    let trees = with_trees();
    trees
        .run(&["inspect", "model", "--tree-plot", "model/model.mw"])
        .refused(&["would overwrite", "--tree-plot"]);
}

#[test]
fn runs_are_not_exported_into_the_store() {
    let folder = with_model();
    let run = |args: &[&str]| folder.run(&[args, &["--store", "store"]].concat());
    run(&["models", "register", "churn", "model"]).done();
    run(&["runs", "export", "-o", "store/store.db"]).refused(&["into the store", "--output"]);
    run(&["models", "list"]).done();
    run(&["runs", "export", "-o", "runs.jsonl"]).done();
}

#[test]
fn a_dash_is_stdout_or_refused_and_never_a_file() {
    let folder = with_model();
    folder.write("new.csv", questions(400, 5));
    let printed = folder.run(&["predict", "model", "new.csv", "-q"]).done();
    assert_eq!(folder.run(&["predict", "model", "new.csv", "-q", "-o", "-"]).done(), printed);
    let report = folder.run(&["report", "model", "--format", "markdown", "-o", "-"]).done();
    assert!(report.starts_with('#'), "{report}");
    folder.run(&["profile", "new.csv", "-o", "-"]).refused(&["stdout", "--output"]);
    assert!(!folder.names().contains(&"-".to_owned()));
}

#[test]
fn two_models_are_compared_on_rows_that_come_once() {
    let folder = with_model();
    folder.write("rows.csv", customers(400, 80));
    let args = ["compare", "model", "model", "-", "--json", "-q"];
    let rows = fs::File::open(folder.path().join("rows.csv")).unwrap();
    let mut command = folder.command(&args);
    let output = command.stdin(Stdio::from(rows)).output().unwrap();
    let found: serde_json::Value = serde_json::from_str(&Ran::of(&args, &output).done()).unwrap();
    assert_eq!((&found["n_rows"], &found["on"]), (&80.into(), &"standard input".into()));
}

#[test]
fn a_comparison_on_rows_of_one_class_is_by_what_is_defined_there() {
    let folder = with_model();
    let all = customers(400, 200);
    let is_kept = |line: &&str| line.ends_with("left") || line.ends_with("yes");
    let rows: Vec<&str> = all.lines().filter(is_kept).collect();
    folder.write("yes.csv", rows.join("\n") + "\n");
    let ran = folder.run(&["compare", "model", "model", "yes.csv", "--json"]);
    assert!(ran.stderr.contains("instead of"), "{}", ran.stderr);
    let found: serde_json::Value = serde_json::from_str(&ran.done()).unwrap();
    assert!(!found["comparisons"].as_array().unwrap().is_empty());
}
