//! `train`: one learner without a search, through the binary.

use std::fmt::Write;
use std::fs;

use modelwright::core::task::Task;
use modelwright::learners::LEARNERS;
use serde_json::Value;

use crate::harness::Folder;
use crate::tables::customers;

/// A folder with `train.csv`: 400 customers.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("train.csv", customers(0, 400));
    folder
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not one JSON document: {e}\n{text}"))
}

fn read(folder: &Folder, name: &str) -> Vec<u8> {
    fs::read(folder.path().join(name)).unwrap()
}

fn record(folder: &Folder, name: &str) -> Value {
    json(&String::from_utf8(read(folder, &format!("{name}/record.json"))).unwrap())
}

#[test]
fn a_training_leaves_the_files_of_a_fit_and_its_summary() {
    let folder = folder();
    let args = words("train gbdt train.csv --target left --json");
    let ran = folder.run(&args);
    assert!(ran.stderr.contains("train"), "plain progress lines on stderr:\n{}", ran.stderr);
    assert!(!ran.stderr.contains("best so far"), "there is nothing to be better than");
    let summary = json(&ran.done());
    assert_eq!(summary["learner"], "gbdt");
    assert_eq!(summary["members"][0]["trial"], "gbdt");
    assert!(summary["params"]["learning_rate"].is_f64(), "{summary}");
    let score = &summary["evaluation"]["metrics"]["roc_auc"];
    assert!(score["value"].as_f64().unwrap() > 0.8 && score["ci95"].is_array(), "{summary}");
    for name in ["model.mw", "report.html", "record.json"] {
        assert!(folder.path().join("modelwright-out").join(name).is_file(), "{name}");
    }
    let record = record(&folder, "modelwright-out");
    assert_eq!(record["plan"]["trials"].as_array().unwrap().len(), 1);
    assert_eq!(record["trials"][0]["rounds"].as_array().unwrap().len(), 8, "a model per fold");
    assert_eq!(record["options"]["single"]["learner"], "gbdt");
    let report = folder.run(&words("report modelwright-out --format markdown")).done();
    assert!(report.contains("modelwright train gbdt train.csv --target left"), "how to repeat it");
    for strange in ["nsemble", "selection", "best single trial", "other trials"] {
        assert!(!report.contains(strange), "the report of one learner says {strange}");
    }
    folder.run(&["predict", "modelwright-out", "train.csv", "-q", "-o", "p.csv"]).done();
    folder.run(&["evaluate", "modelwright-out", "train.csv", "-q"]).done();
}

#[test]
fn rounds_that_are_given_are_done_exactly_in_every_fold_and_in_the_model() {
    let folder = folder();
    let args = "train gbdt train.csv --target left -p n_rounds=17 -p max_leaves=7 --folds 3 -q";
    let text = folder.run(&words(args)).done();
    assert!(text.contains("the model is gbdt, n_rounds = 17;"), "{text}");
    let record = record(&folder, "modelwright-out");
    assert_eq!(record["trials"][0]["rounds"], serde_json::json!([17, 17, 17]));
    assert_eq!(record["ensemble"]["members"][0]["rounds"], 17);
    assert_eq!(record["plan"]["trials"][0]["params"].as_object().unwrap().len(), 2);
}

#[test]
fn folds_judge_a_model_of_fixed_rounds_and_do_not_change_it() {
    let folder = folder();
    folder.write("new.csv", customers(400, 50));
    let mut predicted = Vec::new();
    for folds in ["0", "2", "5"] {
        let args = "train gbdt train.csv --target left --param n_rounds=20 -q --out m --folds";
        folder.run(&[&words(args)[..], &[folds]].concat()).done();
        predicted.push(folder.run(&words("predict m new.csv -q")).done());
        let score = &record(&folder, "m")["trials"][0]["score"];
        assert_eq!(score.is_null(), folds == "0", "without folds nothing is validated");
    }
    assert_eq!(predicted[0], predicted[1]);
    assert_eq!(predicted[0], predicted[2]);
}

#[test]
fn a_training_is_repeated_byte_for_byte_with_any_number_of_threads() {
    let folder = folder();
    for (name, flags) in [
        ("stopping", "--time 20s"),
        ("exact", "--param n_rounds=12 --param learning_rate=0.3 --folds 0"),
        ("bagged", "--param n_rounds=500 --param early_stopping_rounds=5 --folds 4 --seed 9"),
    ] {
        let args = format!("train gbdt train.csv --target left -q --out {name} {flags}");
        folder.run(&words(&args)).done();
        for threads in ["1", "2", "4"] {
            let args = format!("replay {name} train.csv -q --out again --threads {threads}");
            folder.run(&words(&args)).done();
            let (first, again) =
                (read(&folder, &format!("{name}/model.mw")), read(&folder, "again/model.mw"));
            assert!(first == again, "{name}: {threads} threads made another model.mw");
        }
    }
}

#[test]
fn every_learner_of_the_catalog_can_be_trained_with_its_defaults() {
    let folder = folder();
    for entry in LEARNERS {
        let name = entry.spec.name;
        for (task, target) in
            [(Task::Binary, "left"), (Task::Multiclass, "plan"), (Task::Regression, "age")]
        {
            let args = format!("train {name} train.csv --target {target} --folds 2 --out m -q");
            let ran = folder.run(&words(&args));
            if entry.spec.tasks.contains(&task) {
                let text = ran.done();
                assert!(text.contains(&format!("the model is {name}")), "{text}");
            } else {
                ran.refused(&[&format!("{name} cannot learn this task"), task.name()]);
            }
        }
    }
}

#[test]
fn the_flags_of_a_fit_mean_the_same() {
    let folder = folder();
    folder.write("test.csv", customers(400, 60));
    let args = "train linear train.csv --target age --exclude joined,plan --metric mae \
                --weight visits --test test.csv --kind income=number -q --json";
    let summary = json(&folder.run(&words(args)).done());
    assert_eq!(summary["evaluation"]["n_rows"], 60);
    assert_eq!(summary["metric"], "mae");
    let record = record(&folder, "modelwright-out");
    assert_eq!(record["options"]["weight"], "visits");
    assert_eq!(record["plan"]["trials"][0]["encoding"], "linear");
    let args = "train gbdt train.csv --target left --split group --group plan --positive no \
                --plan-only -q --json";
    let plan = json(&folder.run(&words(args)).done());
    assert_eq!(plan["plan"]["n_folds"], 2, "there are two plans besides the held-out one");
    assert_eq!(plan["split"]["kind"], "group");
    assert_eq!(plan["task"]["classes"], serde_json::json!(["yes", "no"]));
    assert_eq!(plan["plan"]["trials"][0]["learner"], "gbdt");
}

#[test]
fn a_time_limit_cuts_a_training_and_is_told() {
    let folder = Folder::new();
    folder.write("t.csv", customers(0, 20_000));
    for folds in ["0", "3"] {
        let args = "train gbdt t.csv --target left --time 3s --out m -q --json \
                    -p n_rounds=100000 -p learning_rate=0.001 --folds";
        let summary = json(&folder.run(&[&words(args)[..], &[folds]].concat()).done());
        let warning = summary["warnings"].to_string();
        assert!(
            warning.contains("the training of gbdt ended early, after"),
            "{folds} folds: {summary}"
        );
        let rounds = summary["members"][0]["rounds"].as_u64().unwrap();
        assert!(rounds < 100_000, "{folds} folds: {rounds}");
        // The promise is 4.15 s; the tests beside this one want the processor too.
        assert!(summary["total_s"].as_f64().unwrap() < 8.0, "{folds} folds: {summary}");
        assert_eq!(record(&folder, "m")["trials"][0]["status"], "stopped", "{folds} folds");
        folder.run(&words("replay m t.csv --out again -q")).done();
        assert!(read(&folder, "m/model.mw") == read(&folder, "again/model.mw"), "{folds} folds");
    }
}

#[test]
fn a_learner_explains_its_parameters() {
    let folder = Folder::new();
    for entry in LEARNERS {
        let name = entry.spec.name;
        let text = folder.run(&["train", name, "--list-params"]).done();
        let help = folder.run(&["train", name, "--help"]).done();
        let list = json(&folder.run(&["train", name, "--list-params", "--json"]).done());
        assert_eq!(list["learner"], name);
        assert_eq!(list["params"].as_array().unwrap().len(), entry.params.len());
        for param in entry.params {
            let line = format!("  {} = ", param.name);
            assert!(text.contains(&line) && help.contains(&line), "{name}: {}", param.name);
            assert!(text.contains(&param.domain.describe()[..8]), "{name}: {}", param.name);
        }
        assert!(help.contains("Usage: modelwright train"), "{help}");
    }
    let help = folder.run(&["train", "--help"]).done();
    assert!(LEARNERS.iter().all(|e| help.contains(e.spec.title)), "{help}");
}

/// What is typed after `train`, and what the answer must say.
const BAD: &[(&str, &[&str])] = &[
    // The learner.
    ("", &["missing <LEARNER> and <DATA>"]),
    ("gbtd train.csv --target left", &["unknown learner", "gbdt", "did you mean `gbdt`"]),
    ("magic train.csv --target left", &["unknown learner", "one of: baseline, linear"]),
    ("train.csv --target left", &["unknown learner", "modelwright train LEARNER DATA"]),
    ("LightGBM train.csv --target left", &["unknown learner", "did you mean `gbdt`"]),
    ("logistic_regression train.csv --target left", &["did you mean `linear`"]),
    ("gbdt --target left", &["missing <DATA>"]),
    ("gbdt train.csv", &["missing --target"]),
    ("--list-params", &["whose parameters", "a learner before it: baseline"]),
    // Parameters.
    ("gbdt train.csv --target left --param", &["a value is missing", "--param"]),
    ("gbdt train.csv --target left --param n_rounds", &["NAME=VALUE", "--list-params"]),
    ("gbdt train.csv --target left --param =3", &["NAME=VALUE"]),
    ("gbdt train.csv --target left --param n_rounds=", &["NAME=VALUE"]),
    ("gbdt train.csv --target left --params n_rounds=3", &["unknown flag", "`--param`"]),
    (
        "gbdt train.csv --target left --param max_leafs=3",
        &["gbdt has no parameter `max_leafs`", "did you mean `max_leaves`", "max_leafs=3"],
    ),
    ("gbdt train.csv --target left --param n_estimators=3", &["did you mean `n_rounds`"]),
    ("gbdt train.csv --target left --param colour=red", &["no parameter `colour`", "known:"]),
    ("baseline train.csv --target left --param n_rounds=3", &["known: statistic"]),
    (
        "gbdt train.csv --target left --param max_leaves=1",
        &["`max_leaves` of gbdt is out of range", "from 2 to 4096", "got:      1"],
    ),
    ("gbdt train.csv --target left --param max_leaves=many", &["cannot be read", "from 2 to"]),
    ("gbdt train.csv --target left --param max_leaves=7.5", &["cannot be read", "whole number"]),
    ("gbdt train.csv --target left --param l2=-1", &["`l2`", "out of range", "from 0 to"]),
    ("gbdt train.csv --target left --param l2=nan", &["`l2`", "out of range", "NaN"]),
    ("gbdt train.csv --target left --param extra_trees=2", &["`extra_trees`", "true or false"]),
    ("gbdt train.csv --target left --param loss=hubr", &["`loss`", "did you mean `huber`"]),
    ("gbdt train.csv --target left --param l2=1 --param l2=2", &["`l2` was given more than once"]),
    ("gbdt train.csv --target left --param loss=poisson", &["poisson", "logistic"]),
    // Encodings and folds.
    ("gbdt train.csv --target left --encoding linear", &["cannot read the encoding", "trees"]),
    ("linear train.csv --target left --encoding trees", &["cannot read", "missing values"]),
    ("gbdt train.csv --target left --encoding tree", &["unknown encoding", "did you mean `trees`"]),
    ("gbdt train.csv --target left --folds 1", &["not a number of folds", "--folds", "2 to"]),
    ("gbdt train.csv --target left --folds many", &["not a number of folds", "got:      many"]),
    ("gbdt train.csv --target left --folds 900", &["too few rows", "--folds"]),
    // What a fit refuses too.
    ("gbdt train.csv --target lft", &["no such column", "did you mean `left`"]),
    ("gbdt nothere.csv --target left", &["no such file"]),
    ("gbdt train.csv --target left --metric rmse", &["rmse", "--metric"]),
    ("gbdt train.csv --target left --split group", &["needs `--group COLUMN`"]),
    ("gbdt train.csv --target left --preset best", &["unknown flag `--preset`"]),
    ("gbdt train.csv --target left --time soon", &["not a duration", "--time"]),
];

#[test]
fn every_bad_question_is_answered_and_writes_nothing() {
    let folder = folder();
    let mut faults = String::new();
    for (line, fragments) in BAD {
        let args = format!("train {line}");
        let ran = folder.run(&words(&args));
        let fault = ran.faults_of_refusal(fragments);
        if !fault.is_empty() {
            let _ = writeln!(faults, "{fault}");
        }
        assert_eq!(folder.names(), ["train.csv"], "`{line}` must write nothing");
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn scores_and_leaves_of_a_booster_stand_beside_its_predictions() {
    let folder = folder();
    let args =
        "train gbdt train.csv --target left -p n_rounds=4 --folds 0 --refit train --out m -q";
    folder.run(&words(args)).done();
    let text = folder.run(&words("predict m train.csv --raw --leaf -q")).done();
    let mut lines = text.lines();
    let head = "prediction,probability_no,probability_yes,score,leaf_1,leaf_2,leaf_3,leaf_4";
    assert_eq!(lines.next(), Some(head));
    let rows: Vec<Vec<f64>> = lines
        .map(|line| line.split(',').skip(1).map(|cell| cell.parse().unwrap()).collect())
        .collect();
    assert_eq!(rows.len(), 400);
    for row in &rows {
        // Calibration may bend probabilities, but never turn them round.
        assert!(row[3..].iter().all(|leaf| *leaf >= 0.0 && leaf.fract() == 0.0), "{row:?}");
    }
    let mut sorted = rows.clone();
    sorted.sort_by(|a, b| a[2].total_cmp(&b[2]));
    assert!(sorted.is_sorted_by(|a, b| a[1] <= b[1] + 1e-12), "scores in the order of chances");
    let plain = folder.run(&words("predict m train.csv -q")).done();
    assert!(text.lines().zip(plain.lines()).all(|(more, less)| more.starts_with(less)));
    folder.run(&words("train linear train.csv --target left --out l -q")).done();
    for (flag, said) in [("--raw", "gradient boosters"), ("--leaf", "not made of trees")] {
        let ran = folder.run(&["predict", "l", "train.csv", flag, "-q"]);
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(ran.stderr.contains(said) && ran.stderr.contains("model.mw"), "{}", ran.stderr);
    }
}
