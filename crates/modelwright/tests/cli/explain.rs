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
    assert!(text.contains("row 1:") && text.contains("row 3:") && !text.contains("row 4:"));
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

/// The base value and the reasons of a row.
fn reasons_of(row: &Value) -> Vec<String> {
    let reasons = row["reasons"].as_array().unwrap();
    reasons.iter().map(|r| r["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_row_has_one_base_value_and_the_same_reasons_wherever_they_are_asked_for() {
    let folder = with_model();
    folder.write("t.csv", customers(300, 200));
    let text = customers(300, 200);
    let mut lines = text.lines();
    let (header, one) = (lines.next().unwrap(), lines.nth(4).unwrap());
    folder.write("one.csv", format!("{header}\n{one}\n"));
    let many = explained(&folder, &["--top", "3"]);
    let chosen = explained(&folder, &["--rows", "5", "--top", "3", "--seed", "0"]);
    let alone = folder.run(&["explain", "model", "one.csv", "--json", "-q", "--top", "3"]).done();
    let alone: Value = serde_json::from_str(&alone).unwrap();
    for other in [&chosen, &alone] {
        assert_eq!(many["base_values"], other["base_values"]);
        assert_eq!(many["n_background"], other["n_background"]);
        assert_eq!(reasons_of(&many["rows"][4]), reasons_of(&other["rows"][0]));
    }
    assert_eq!(chosen["rows"][0]["row"], 5);
    let other_seed = explained(&folder, &["--rows", "5", "--seed", "9"]);
    assert_eq!(many["base_values"], other_seed["base_values"]);
    folder.run(&["predict", "model", "t.csv", "--explain", "-o", "p.csv", "-q"]).done();
    let predicted = std::fs::read_to_string(folder.path().join("p.csv")).unwrap();
    let row = predicted.lines().nth(5).unwrap();
    for reason in reasons_of(&alone["rows"][0]) {
        assert!(row.contains(&reason), "{reason} is not in {row}");
    }
}

#[test]
fn values_of_every_row_go_into_a_file() {
    let folder = with_model();
    folder.write("t.csv", customers(300, 40));
    folder.run(&["explain", "model", "t.csv", "-o", "values.csv"]).done();
    let text = std::fs::read_to_string(folder.path().join("values.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 41);
    assert!(lines[1].starts_with("1,") && lines[40].starts_with("40,"), "{}", lines[1]);
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
        ("explain model", &["missing", "DATA"][..]),
        ("explain model --shapes s.json", &["no sum of functions", "train ebm"]),
        ("explain model --shapes s.txt", &["unknown form of output", ".json or .csv"]),
        ("explain model t.csv --shapes s.json", &["--shapes", "DATA"]),
        ("explain model --shapes s.json --rows 3", &["--shapes", "--rows"]),
        ("explain model --shapes s.json --interactions", &["--shapes", "--interactions"]),
        ("explain model --shapes model/record.json", &["overwrite an input", "--shapes"]),
        ("edit model t.csv t.csv --by me", &["the functions cannot be read", "t.csv"]),
        ("edit model none.json t.csv --by me", &["none.json"]),
        ("edit model t.csv t.csv", &["missing", "--by"]),
        ("explain model t.csv --rows 41", &["no such row", "from 1 to 40", "got:      41"][..]),
        ("explain model t.csv --rows x", &["rows cannot be read", "--rows", "1,5,10-20"]),
        ("explain model t.csv --rows 1,1", &["named twice", "--rows"]),
        ("explain model empty.csv", &["no rows", "empty.csv"]),
        ("explain model few.csv", &["a column that the model needs", "few.csv"]),
        ("explain model t.csv --method shap", &["unknown value", "--method", "auto, tree"]),
        ("explain model t.csv --sample 0", &["whole number from 1", "--sample"]),
        ("explain model t.csv -o values.txt", &["unknown form of output", ".parquet"]),
        ("explain model t.csv -o t.csv", &["overwrite an input"]),
        ("explain model t.csv --background none.csv", &["none.csv"]),
        ("explain model t.csv --profile agee", &["does not read", "did you mean `age`"]),
        ("explain model t.csv --ice", &["--ice", "--profile COLUMN"]),
        ("explain model t.csv --counterfactual", &["--rows"]),
        (
            "explain model t.csv --rows 1 --counterfactual --desired maybe",
            &["no such class", "no, yes"],
        ),
        (
            "explain model t.csv --rows 1 --counterfactual --immutable agee",
            &["does not read", "did you mean `age`"],
        ),
    ] {
        let args: Vec<&str> = line.split_whitespace().collect();
        faults += &folder.run(&args).faults_of_refusal(words);
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn profiles_other_answers_and_a_page_come_from_model_and_data() {
    let folder = with_model();
    folder.write("t.csv", customers(300, 80));
    let text = folder.run(&["explain", "model", "t.csv", "--profile", "age,plan", "-q"]).done();
    assert!(text.contains("accumulated local effects") && text.contains("partial dependence"));
    let args = ["explain", "model", "t.csv", "--profile", "age,plan", "--ice", "-q"];
    let text = folder.run(&args).done();
    assert!(text.contains("90 % below") && text.contains("in common"), "{text}");
    let document = folder.run(&[&args[..], &["--json"]].concat()).done();
    let found: Value = serde_json::from_str(&document).unwrap();
    for profile in found.as_array().unwrap() {
        let bands = profile["ice"]["bands"].as_array().unwrap();
        assert_eq!(bands.len(), profile["points"].as_array().unwrap().len());
        let of = |band: &Value, name: &str| band[name].as_f64().unwrap();
        assert!(["low", "median", "high"].iter().all(|name| of(&bands[0], name) == 0.0));
        assert!(bands.iter().all(|b| of(b, "low") <= of(b, "high")), "{profile}");
    }
    let args = "explain model t.csv --rows 1-5 --counterfactual --immutable joined --json -q";
    let args: Vec<&str> = args.split(' ').collect();
    let found: Value = serde_json::from_str(&folder.run(&args).done()).unwrap();
    let rows = found.as_array().unwrap();
    assert_eq!(rows.len(), 5);
    assert_eq!((&rows[0]["row"], &rows[4]["row"]), (&1.into(), &5.into()));
    let answers = |row: &Value| row["answers"].as_array().unwrap().clone();
    assert!(rows.iter().any(|row| !answers(row).is_empty()));
    for answer in rows.iter().flat_map(answers) {
        let changes = answer["changes"].as_array().unwrap();
        assert!((1..=4).contains(&changes.len()) && answer["prediction"].is_array());
        assert!(changes.iter().all(|c| c["column"] != "joined"));
    }
    folder.run(&["explain", "model", "t.csv", "--rows", "1,2", "--report", "why.html"]).done();
    let page = std::fs::read_to_string(folder.path().join("why.html")).unwrap();
    assert!(!page.contains("How differently rows respond"));
    folder.run(&["explain", "model", "t.csv", "--ice", "--report", "ice.html"]).done();
    let ice = std::fs::read_to_string(folder.path().join("ice.html")).unwrap();
    assert!(ice.contains("How differently rows respond") && ice.contains("Nine in ten rows"));
    assert!(page.contains("Why “left” is predicted so") && page.contains("Row 2"));
    assert!(!page.contains("://"), "the page asks the network for something");
}

#[test]
fn reasons_stand_beside_predictions() {
    let folder = with_model();
    folder.write("t.csv", customers(300, 40));
    let text = folder.run(&["predict", "model", "t.csv", "--explain", "2", "-q"]).done();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with(",reason_1,reason_2"), "{}", lines[0]);
    assert!(lines[1].contains("the chance of yes by"), "{}", lines[1]);
}

#[test]
fn functions_are_written_changed_by_a_named_person_and_measured_again() {
    let folder = with_model();
    let train = "train ebm train.csv --target left --out glass --param max_rounds=80 -q";
    folder.run(&train.split(' ').collect::<Vec<_>>()).done();
    folder.write("t.csv", customers(900, 300));
    folder.run(&["explain", "glass", "--shapes", "s.csv", "-q"]).done();
    let csv = std::fs::read_to_string(folder.path().join("s.csv")).unwrap();
    assert!(csv.starts_with("term,importance,bin,") && csv.contains("\nplan,"), "{csv}");
    let said = folder.run(&["explain", "glass", "--shapes", "s.json", "-q", "--json"]).done();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["path"], "s.json");
    assert!(said["n_terms"].as_u64().unwrap() > 3, "{said}");
    let path = folder.path().join("s.json");
    let mut shapes: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let edit = |extra: &[&str]| {
        let args = ["edit", "glass", "s.json", "t.csv", "--by", "Ada", "--out", "by-hand"];
        folder.run(&[&args[..], extra].concat())
    };
    let faults = edit(&[]).faults_of_refusal(&["nothing was changed"]);
    assert!(faults.is_empty(), "{faults}");
    let terms = shapes["terms"].as_array_mut().unwrap();
    let age = terms.iter_mut().find(|t| t["features"] == serde_json::json!(["age"])).unwrap();
    for bin in age["bins"].as_array_mut().unwrap() {
        bin["add"][0] = 0.0.into();
    }
    folder.write("s.json", shapes.to_string());
    let own = ["edit", "glass", "s.json", "t.csv", "--by", "Ada", "--out", "glass"];
    let faults = folder.run(&own).faults_of_refusal(&["overwrite an input", "--out", "model.mw"]);
    assert!(faults.is_empty(), "{faults}");
    let said = edit(&["--why", "age must not count", "--json"]).done();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["author"], &said["on"]), (&"Ada".into(), &"t.csv".into()));
    assert_eq!(said["terms"][0]["features"][0], "age");
    let auc = |side: &str| {
        let all = said[side].as_array().unwrap();
        all.iter().find(|m| m["name"] == "roc_auc").unwrap()["value"].as_f64().unwrap()
    };
    assert!(auc("after") < auc("before"), "age mattered: {said}");
    let record = std::fs::read(folder.path().join("by-hand/record.json")).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    assert_eq!(record["edits"][0]["reason"], "age must not count");
    assert_eq!(record["evaluation"]["on"], "t.csv");
    let page = std::fs::read_to_string(folder.path().join("by-hand/report.html")).unwrap();
    assert!(page.contains("Changed by hand") && page.contains("Ada"));
    let args = ["edit", "glass", "s.json", "train.csv", "--by", "Ada", "--out", "on-its-own"];
    folder.run(&args).done();
    let record = std::fs::read(folder.path().join("on-its-own/record.json")).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    assert_eq!(
        (&record["edits"][0]["learned_from"], &record["evaluation"]),
        (&true.into(), &Value::Null)
    );
    let warned = record["warnings"].as_array().unwrap();
    assert!(warned.iter().any(|w| w.as_str().unwrap().contains("too good")), "{warned:?}");
    let faults = folder
        .run(&["replay", "by-hand/model.mw", "train.csv"])
        .faults_of_refusal(&["changed by hand"]);
    assert!(faults.is_empty(), "{faults}");
}
