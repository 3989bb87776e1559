//! What `train` asks of boosters alone, and the learner without a target, through the binary:
//! columns to start from, more rounds on top of a model, several quantiles, an isolation forest.

use std::fmt::Write;
use std::fs;

use serde_json::Value;

use crate::harness::Folder;
use crate::tables::customers;

/// Houses whose price is known up to a part that other columns explain.
fn houses(from: usize, n_rows: usize) -> String {
    let mut text = String::from("guess,rooms,garden,city,price\n");
    for i in from..from + n_rows {
        let noise = ((i * 7919 + 13) % 101) as f64 / 10.0;
        let (rooms, garden) = (1 + (i * 37) % 7, (i * 11) % 29);
        let city = ["Bern", "Genf", "Chur"][(i * 5 + 1) % 3];
        let guess = ((i * 53) % 97) as f64 * 10.5;
        let price = guess + 8.0 * rooms as f64 + garden as f64 + noise;
        let _ = writeln!(text, "{guess},{rooms},{garden},{city},{price}");
    }
    text
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn column(csv: &str, name: &str) -> Vec<f64> {
    let mut lines = csv.lines();
    let at = lines.next().unwrap().split(',').position(|n| n == name);
    let at = at.unwrap_or_else(|| panic!("no column {name} in\n{csv}"));
    lines.map(|line| line.split(',').nth(at).unwrap().parse().unwrap()).collect()
}

fn record(folder: &Folder, name: &str) -> Value {
    let bytes = fs::read(folder.path().join(name).join("record.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn replays(folder: &Folder, more: &str) {
    folder.run(&words(&format!("replay model train.csv --out again -q {more}"))).done();
    let read = |name: &str| fs::read(folder.path().join(name).join("model.mw")).unwrap();
    assert!(read("model") == read("again"), "a replay is the same to the byte");
}

#[test]
fn rows_start_from_a_column_and_the_model_adds_it_when_it_predicts() {
    let folder = Folder::new();
    folder.write("train.csv", houses(0, 400)).write("new.csv", houses(400, 60));
    let args = "train gbdt train.csv --target price --init-score guess -p n_rounds=40 \
                -p learning_rate=0.2 --folds 0 --out model -q";
    folder.run(&words(args)).done();
    assert_eq!(record(&folder, "model")["options"]["single"]["params"]["init_score"], "guess");
    let said = folder.run(&words("predict model new.csv --raw")).done();
    let (new, said, raw) = (houses(400, 60), column(&said, "prediction"), column(&said, "score"));
    let truth = column(&new, "price");
    let error: f64 = said.iter().zip(&truth).map(|(a, b)| (a - b).abs()).sum::<f64>() / 60.0;
    assert!(error < 8.0, "{error}");
    assert_eq!(said, raw, "what rows start from is a part of the score");
    // A guess that is 1,000 higher makes each prediction 1,000 higher.
    let higher: String = new
        .lines()
        .enumerate()
        .map(|(i, line)| match (i, line.split_once(',')) {
            (1.., Some((guess, rest))) => {
                format!("{},{rest}\n", guess.parse::<f64>().unwrap() + 1000.0)
            }
            _ => format!("{line}\n"),
        })
        .collect();
    folder.write("higher.csv", higher);
    let moved = column(&folder.run(&words("predict model higher.csv")).done(), "prediction");
    assert!(moved.iter().zip(&said).all(|(a, b)| (a - b - 1000.0).abs() < 1e-3));
    folder.run(&words("evaluate model new.csv -q")).done();
    replays(&folder, "");
    let early = "train gbdt train.csv --target price --init-score guess --folds 3 --out early -q";
    folder.run(&words(early)).done();
}

#[test]
fn init_scores_that_cannot_be_are_refused_by_name() {
    let folder = Folder::new();
    folder.write("train.csv", houses(0, 100));
    folder.write("gap.csv", houses(0, 100).replacen("\n0,", "\n,", 1));
    let base = "train gbdt train.csv --target price -p n_rounds=5 -q --init-score";
    folder.run(&words(&format!("{base} gess"))).refused(&["gess", "guess"]);
    folder.run(&words(&format!("{base} price"))).refused(&["price", "second role"]);
    folder.run(&words(&format!("{base} city"))).refused(&["city", "number"]);
    folder.run(&words(&format!("{base} guess,rooms"))).refused(&["one column", "2 columns"]);
    let gap = base.replace("train.csv", "gap.csv");
    folder.run(&words(&format!("{gap} guess"))).refused(&["guess", "row 1", "no init score"]);
    let linear = base.replace("gbdt", "linear").replace("-p n_rounds=5", "");
    folder.run(&words(&format!("{linear} guess"))).refused(&["--init-score", "gbdt"]);
}

#[test]
fn rounds_are_added_to_a_model_and_are_those_of_one_fit() {
    let folder = Folder::new();
    folder.write("train.csv", customers(0, 400)).write("test.csv", customers(400, 100));
    let base = "train gbdt train.csv --target left -p learning_rate=0.1 --folds 0 \
                --test test.csv -q";
    for (rounds, out) in [(12, "half"), (30, "whole")] {
        folder.run(&words(&format!("{base} -p n_rounds={rounds} --out {out}"))).done();
    }
    let more = "train gbdt train.csv --target left -p n_rounds=18 --continue half --test test.csv \
                --out model -q";
    folder.run(&words(more)).done();
    let said = |model: &str| {
        let args = format!("predict {model} test.csv --raw");
        column(&folder.run(&words(&args)).done(), "score")
    };
    let (continued, whole) = (said("model"), said("whole"));
    assert_eq!(continued, whole, "12 rounds and 18 more are 30");
    assert_ne!(continued, said("half"));
    let record = record(&folder, "model");
    assert_eq!(record["options"]["continued"]["rounds"], 12);
    assert_eq!(record["ensemble"]["members"][0]["rounds"], 30);
    replays(&folder, "--test test.csv --continue half");
    let without = folder.run(&words("replay model train.csv --test test.csv --out no -q"));
    without.refused(&["--continue", "model.mw"]);
    let other = "replay model train.csv --test test.csv --continue whole --out no -q";
    folder.run(&words(other)).refused(&["not the model", "SHA-256"]);
}

#[test]
fn a_model_that_cannot_be_continued_is_refused_with_the_reason() {
    let folder = Folder::new();
    folder.write("train.csv", customers(0, 300));
    folder.run(&words("train gbdt train.csv --target left -p n_rounds=5 --out half -q")).done();
    folder.run(&words("train linear train.csv --target left --out line -q")).done();
    let base = "train gbdt train.csv -q --target";
    let refused = |args: &str, said: &[&str]| {
        folder.run(&words(&format!("{base} {args}"))).refused(said);
    };
    refused("left --continue half", &["how many rounds", "n_rounds"]);
    refused("plan --continue half -p n_rounds=5", &["another target", "left", "plan"]);
    refused("left --continue line -p n_rounds=5", &["one gradient booster", "linear"]);
    refused("left --continue half -p n_rounds=5 --folds 3", &["--folds", "learned before"]);
    refused("left --continue nowhere -p n_rounds=5", &["nowhere"]);
    folder.write("less.csv", customers(0, 300).replace("visits", "calls"));
    let less = "train gbdt less.csv --target left --continue half -p n_rounds=5 -q";
    folder.run(&words(less)).refused(&["visits"]);
    folder.write("other.csv", customers(0, 300).replace(",no\n", ",never\n"));
    let other = "train gbdt other.csv --target left --continue half -p n_rounds=5 -q";
    folder.run(&words(other)).refused(&["other classes", "never"]);
}

#[test]
fn several_quantiles_are_one_model_and_a_column_each() {
    let folder = Folder::new();
    folder.write("train.csv", houses(0, 500)).write("new.csv", houses(500, 200));
    let args = "train gbdt train.csv --target price --quantiles 0.1,0.5,0.9 -p n_rounds=60 \
                -p learning_rate=0.2 --out model -q";
    folder.run(&words(args)).done();
    let found = record(&folder, "model");
    assert_eq!(found["task"]["metric"], "mae", "the middle one is judged");
    let said = folder.run(&words("predict model new.csv")).done();
    let header = said.lines().next().unwrap();
    assert_eq!(header, "prediction,quantile_0.1,quantile_0.5,quantile_0.9");
    let [low, middle, high] =
        ["0.1", "0.5", "0.9"].map(|level| column(&said, &format!("quantile_{level}")));
    assert_eq!(column(&said, "prediction"), middle);
    assert!((0..200).all(|i| low[i] <= middle[i] && middle[i] <= high[i]));
    let truth = column(&houses(500, 200), "price");
    let inside = (0..200).filter(|i| low[*i] <= truth[*i] && truth[*i] <= high[*i]).count();
    assert!(inside > 100, "{inside} of 200 prices lie between the quantiles");
    folder.run(&words("evaluate model new.csv -q")).done();
    folder.run(&words("report model --format markdown")).done();
    replays(&folder, "");
    let wrong = "train gbdt train.csv --target price -q --quantiles";
    folder.run(&words(&format!("{wrong} 0.9,0.1"))).refused(&["quantiles", "ascending"]);
    folder.run(&words(&format!("{wrong} 0.5 -p loss=huber"))).refused(&["loss", "huber"]);
    folder.write("class.csv", customers(0, 100));
    let class = "train gbdt class.csv --target left -q --quantiles 0.5";
    folder.run(&words(class)).refused(&["quantiles"]);
}

#[test]
fn an_isolation_forest_needs_no_target_and_scores_rows() {
    let folder = Folder::new();
    let mut rows = houses(0, 300);
    rows.push_str("90000,50,900,Nowhere,1\n");
    folder.write("train.csv", &rows);
    let args = "train isolation_forest train.csv --contamination 0.01 --out model";
    let text = folder.run(&words(args)).done();
    assert!(text.contains("no target") && text.contains("unusual"), "{text}");
    assert!(!text.contains("rmse") && !text.contains("modelwright evaluate"), "{text}");
    let said = folder.run(&words("predict model train.csv")).done();
    assert_eq!(said.lines().next().unwrap(), "prediction,is_anomaly");
    let (scores, marks) = (column(&said, "prediction"), column(&said, "is_anomaly"));
    let largest = scores.iter().copied().fold(0.0, f64::max);
    assert_eq!(scores[300], largest, "the strange house is the most unusual");
    assert!(marks[300] == 1.0 && marks.iter().sum::<f64>() <= 4.0, "{marks:?}");
    assert!(scores.iter().all(|s| *s > 0.0 && *s < 1.0));
    let report = folder.run(&words("report model --format markdown")).done();
    assert!(report.contains("nothing was measured") && report.contains("Not measured"), "{report}");
    assert!(report.contains("modelwright train isolation_forest train.csv"), "{report}");
    replays(&folder, "");
    folder.run(&words("train isolation_forest --list-params")).done();
    // What has no answers cannot be measured, and says what can be done.
    for verb in ["evaluate model train.csv", "retrain model --data train.csv --out again"] {
        let said = ["learned without answers", "train.csv", "expected: ", "modelwright predict"];
        folder.run(&words(verb)).refused(&said);
    }
    let base = "train isolation_forest train.csv -q";
    folder.run(&words(&format!("{base} --target price"))).refused(&["--target", "--exclude"]);
    folder.run(&words(&format!("{base} --metric rmse"))).refused(&["--metric"]);
    folder.run(&words(&format!("{base} --contamination 0.9"))).refused(&["contamination", "0.5"]);
    folder.run(&words("train gbdt train.csv -q")).refused(&["--target"]);
    folder.run(&words("evaluate model train.csv -q")).refused(&["anomaly_score"]);
}
