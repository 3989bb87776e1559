//! Runs and registered models through the binary.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Folder, Ran};
use crate::tables::{customers, questions, with_model};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not one JSON document: {e}\n{text}"))
}

/// Runs with the folder `store` as the store.
fn run(folder: &Folder, args: &[&str]) -> Ran {
    folder.run(&[args, &["--store", "store"]].concat())
}

#[test]
fn a_registered_model_is_meant_by_its_alias_everywhere() {
    let folder = with_model();
    folder.write("new.csv", questions(400, 30)).write("labelled.csv", customers(400, 60));
    let args = ["models", "register", "churn", "model", "--alias", "champion"];
    assert_eq!(run(&folder, &args).done(), "churn, version 1\n");
    let by_path = folder.run(&["predict", "model", "new.csv", "-q"]).done();
    for name in ["churn@champion", "churn@1", "churn@latest"] {
        assert_eq!(run(&folder, &["predict", name, "new.csv", "-q"]).done(), by_path);
    }
    run(&folder, &["inspect", "churn@champion", "--json"]).done();
    run(&folder, &["evaluate", "churn@champion", "labelled.csv", "-q"]).done();
    run(&folder, &["monitor", "churn@champion", "labelled.csv", "-q"]).done();
    let listed = json(&run(&folder, &["models", "list", "--json"]).done());
    assert_eq!(listed[0]["aliases"], serde_json::json!([["champion", 1]]));
    let shown = run(&folder, &["models", "show", "churn@champion"]).done();
    assert!(shown.contains("version 1") && shown.contains("champion at"), "{shown}");
    let watched = json(&run(&folder, &["runs", "search", "kind = monitor", "--json"]).done());
    assert_eq!(watched[0]["data_name"], "labelled.csv");
    assert_eq!(watched[0]["n_rows"], 60);
    assert_eq!(watched[0]["metrics"][0]["rows"], "measured", "{watched:#}");
    let runs = json(&run(&folder, &["runs", "search", "kind = evaluate", "--json"]).done());
    assert_eq!(runs[0]["status"], "finished");
    assert!(runs[0]["metrics"][0]["value"].as_f64().is_some());
    run(&folder, &["predict", "churn@chalenger", "new.csv"]).refused(&["no such alias"]);
    run(&folder, &["predict", "chrun@champion", "new.csv"]).refused(&["did you mean `churn`"]);
    run(&folder, &["models", "delete", "churn"]).refused(&["in use", "champion"]);
    run(&folder, &["models", "alias", "churn", "spare", "1"]).done();
    let history = |args: &[&str]| {
        let all = json(&run(&folder, &[&["models", "history"], args, &["--json"]].concat()).done());
        all.as_array().unwrap().iter().map(|c| c["alias"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(history(&["churn"]).len(), 2);
    for of_alias in [&["churn", "champion"][..], &["churn@champion"]] {
        assert_eq!(history(of_alias), ["champion"]);
    }
    run(&folder, &["models", "history", "churn", "chmpion"])
        .refused(&["never had the alias `chmpion`", "did you mean `champion`"]);
    run(&folder, &["models", "alias", "churn", "spare", "--remove"]).done();
    run(&folder, &["models", "rollback", "churn", "champion"]).refused(&["no other version"]);
    run(&folder, &["models", "alias", "churn", "champion", "--remove"]).done();
    run(&folder, &["models", "delete", "churn"]).done();
    run(&folder, &["predict", "churn@1", "new.csv"]).refused(&["no registered model"]);
}

#[test]
fn an_alias_that_moves_to_another_question_is_worth_a_warning() {
    let folder = with_model();
    run(&folder, &["models", "register", "churn", "model", "--alias", "champion"]).done();
    let args = "train linear train.csv --target age --out ages -q";
    folder.run(&args.split(' ').collect::<Vec<_>>()).done();
    let ran = run(&folder, &["models", "register", "churn", "ages", "--alias", "champion"]);
    assert!(ran.stderr.contains("`left` (binary)") && ran.stderr.contains("`age` (regression)"));
    ran.done();
    let ran = run(&folder, &["models", "alias", "churn", "champion", "1"]);
    assert!(ran.stderr.contains("`left` (binary)"), "{}", ran.stderr);
    ran.done();
    let args = "train linear train.csv --target left --exclude age --out fewer -q";
    folder.run(&args.split(' ').collect::<Vec<_>>()).done();
    let ran = run(&folder, &["models", "register", "churn", "fewer", "--alias", "champion"]);
    assert!(
        ran.stderr.contains("version 1 before and 3 now, no longer reads age"),
        "{}",
        ran.stderr
    );
    ran.done();
    let ran = run(&folder, &["models", "alias", "churn", "champion", "1"]);
    assert!(ran.stderr.contains("did not read before: age"), "{}", ran.stderr);
    ran.done();
    let ran = run(&folder, &["models", "alias", "churn", "champion", "1"]);
    assert!(!ran.stderr.contains("reads"), "it stood for it already: {}", ran.stderr);
    ran.done();
}

/// `bench/store/kill.py` does the same two hundred times; here is what it looks for, in seconds.
#[cfg(unix)]
#[test]
fn whoever_is_killed_leaves_a_store_that_opens_with_nothing_half_done() {
    let folder = Folder::new();
    folder.write("t.csv", customers(0, 300)).write("new.csv", questions(400, 5));
    let fit = |seed: &str, out: &str| {
        let args = ["train", "linear", "t.csv", "--target", "left", "--seed", seed, "--out", out];
        [&args[..], &["--threads", "1", "--store", "store", "-q"]].concat().join(" ")
    };
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let start = |text: &str| {
        let words = words(text);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        folder.command(&words).spawn().unwrap()
    };
    for (seed, out) in [("1", "m0"), ("2", "m1")] {
        assert!(start(&fit(seed, out)).wait().unwrap().success());
        run(&folder, &["models", "register", "churn", out]).done();
    }
    run(&folder, &["models", "alias", "churn", "champion", "1"]).done();
    for kill in 0..12_u64 {
        let work = match kill % 3 {
            0 => fit(&kill.to_string(), "m2"),
            1 => format!("models alias churn champion {} --store store", 1 + kill / 3 % 2),
            _ => "models register churn m1 --alias latest-one --store store".to_owned(),
        };
        let mut child = start(&work);
        thread::sleep(Duration::from_millis(3 + 7 * (kill % 5)));
        // It may have come to its end already.
        let _ = child.kill();
        child.wait().unwrap();
        let runs = json(&run(&folder, &["runs", "list", "--json"]).done());
        let runs = runs.as_array().unwrap();
        assert!(runs.iter().all(|run| run["status"] != "running"), "{runs:#?}");
        run(&folder, &["predict", "churn@champion", "new.csv", "-q"]).done();
    }
    let versions = json(&run(&folder, &["models", "list", "churn", "--json"]).done());
    assert_eq!(versions.as_array().unwrap().len(), 2, "{versions:#}");
}

#[test]
fn a_fit_is_recorded_with_its_metrics_only_where_a_store_was_named() {
    let folder = Folder::new();
    folder.write("t.csv", customers(0, 200));
    let args = ["train", "linear", "t.csv", "--target", "left", "--out", "m"];
    let ran = run(&folder, &args);
    assert!(ran.stderr.contains("recorded as run 1"), "{}", ran.stderr);
    ran.done();
    run(&folder, &["train", "linear", "t.csv", "--target", "gone", "--out", "n", "-q"])
        .refused(&["gone"]);
    let runs = json(&run(&folder, &["runs", "list", "--json"]).done());
    assert_eq!((&runs[0]["status"], &runs[1]["status"]), (&"failed".into(), &"finished".into()));
    assert_eq!(runs[1]["data_name"], "t.csv");
    let shown = run(&folder, &["runs", "show", "1"]).done();
    assert!(shown.contains("roc_auc") && shown.contains("holdout"), "{shown}");
    run(&folder, &["runs", "compare", "1", "2"]).done();
    let lines = run(&folder, &["runs", "export"]).done();
    assert_eq!(lines.lines().count(), 2);
    run(&folder, &["models", "register", "churn", "m", "--alias", "champion"]).done();
    let version = json(&run(&folder, &["models", "show", "churn", "--json"]).done());
    assert_eq!(version["version"]["run"], 1, "the run that made the file is found");
    run(&folder, &["runs", "delete", "1", "777"]).refused(&["no such run", "777"]);
    run(&folder, &["runs", "show", "1"]).done();
    run(&folder, &["runs", "delete", "2"]).done();
    run(&folder, &["runs", "show", "2"]).refused(&["no such run"]);
    // Without a named store, and without a default one, nothing is written.
    let mut command = folder.command(&args);
    command.env("XDG_DATA_HOME", folder.path().join("data")).env_remove("MODELWRIGHT_STORE");
    let output = command.output().unwrap();
    assert!(output.status.success() && !folder.path().join("data").exists());
}

#[test]
fn an_audit_is_a_run_with_its_numbers_and_ends_as_others_do() {
    let folder = with_model();
    folder.write("later.csv", customers(400, 300));
    let audit = ["audit", "model", "later.csv", "--sensitive", "plan", "--min-group", "20"];
    let document = json(&run(&folder, &[&audit[..], &["--json"]].concat()).done());
    let found = &document["audits"][0]["definitions"]["demographic_parity_difference"];
    let runs = json(&run(&folder, &["runs", "search", "kind = audit", "--json"]).done());
    let own = &runs[0];
    assert_eq!((&own["status"], &own["target"]), (&"finished".into(), &"left".into()));
    assert_eq!((&own["data_name"], &own["n_rows"]), (&"later.csv".into(), &300.into()));
    assert_eq!(own["parameters"]["sensitive"][0], "plan", "{own:#}");
    let sha256 = |name: &str| {
        let bytes = fs::read(folder.path().join(name)).unwrap();
        modelwright::lifecycle::digest::sha256_hex(&bytes)
    };
    assert_eq!(own["data_sha256"], sha256("later.csv"));
    assert_eq!(own["model_sha256"], sha256("model/model.mw"));
    let metrics = own["metrics"].as_array().unwrap();
    let parity = metrics.iter().find(|m| m["name"] == "demographic_parity_difference").unwrap();
    let interval = serde_json::json!([parity["low"], parity["high"]]);
    assert_eq!((&parity["value"], &interval), (&found["value"], &found["ci95"]));
    assert_eq!(parity["rows"], "by plan, decided yes");
    let strained = document["robustness"]["metric"].as_str().unwrap();
    let whole = metrics.iter().find(|m| m["name"] == strained).unwrap();
    assert_eq!(
        (&whole["rows"], &whole["value"]),
        (&"later.csv".into(), &document["robustness"]["before"],)
    );
    let shown = run(&folder, &["runs", "show", "1"]).done();
    assert!(shown.contains("equalized_odds_difference") && shown.contains(" to "), "{shown}");
    let listed = run(&folder, &["runs", "list"]).done();
    assert!(listed.contains("audit") && listed.contains("demographic_parity_difference"));
    let search = "metrics.demographic_parity_difference >= 0 and data_name = later.csv";
    let again = json(&run(&folder, &["runs", "search", search, "--json"]).done());
    assert_eq!(again.as_array().unwrap().len(), 1, "{again:#}");
    let wrong = ["audit", "model", "later.csv", "--sensitive", "pln"];
    run(&folder, &wrong).refused(&["did you mean `plan`"]);
    let failed = json(&run(&folder, &["runs", "list", "--json"]).done());
    assert_eq!(failed[0]["status"], "failed");
    assert!(failed[0]["note"].as_str().unwrap().contains("sensitive column"), "{failed:#}");
    let by = run(&folder, &["runs", "compare", "1", "2"]).done();
    assert!(by.contains("demographic_parity_difference"), "{by}");
    run(&folder, &["models", "register", "churn", "model"]).done();
    let version = json(&run(&folder, &["models", "show", "churn", "--json"]).done());
    assert!(version["version"]["run"].is_null(), "it looked at the model and did not make it");
}

#[test]
fn looks_at_a_model_keep_what_their_rows_held_beside_those_of_its_fit() {
    let folder = Folder::new();
    let all = customers(0, 300);
    let lines: Vec<&str> = all.lines().collect();
    folder.write("t.csv", &all).write("later.csv", lines[..201].join("\n") + "\n");
    let fit = "train linear t.csv --target left --exclude visits --refit train --out m -q";
    run(&folder, &fit.split(' ').collect::<Vec<_>>()).done();
    run(&folder, &["evaluate", "m", "t.csv", "-q"]).done();
    run(&folder, &["evaluate", "m", "later.csv", "-q"]).done();
    run(&folder, &["audit", "m", "later.csv", "--sensitive", "plan", "-q"]).done();
    let log = json(&run(&folder, &["data", "log", "--json"]).done());
    let line = |at: usize| {
        let line = &log["runs"][at];
        (line["kind"].as_str().unwrap().to_owned(), line["before"].clone())
    };
    assert_eq!(line(0), ("audit".to_owned(), 1.into()), "{log:#}");
    assert_eq!(line(1), ("evaluate".to_owned(), 2.into()));
    assert_eq!(line(2), ("evaluate".to_owned(), 1.into()));
    // A column that the model does not read is data, too.
    let difference = &log["runs"][1]["difference"];
    assert_eq!((&difference["rows_removed"], &difference["rows_added"]), (&100.into(), &0.into()));
    assert_eq!(difference["columns_removed"], serde_json::json!([]));
    assert!(log["runs"][1]["change"].as_f64().is_some() && log["runs"][1]["value"].is_number());
    assert!(log["runs"][2]["difference"].is_null(), "the same data");
    assert!(log["runs"][2]["change"].as_f64().is_some(), "beside the rows that the fit held out");
    assert_eq!(log["snapshots"].as_array().unwrap().len(), 2);
    let text = run(&folder, &["data", "log"]).done();
    assert!(text.contains("run 2: 200 rows, 300 before: 0 came, 100 went"), "{text}");
    let diff = json(&run(&folder, &["data", "diff", "1", "2", "--json"]).done());
    assert_eq!(diff["rows_removed"], 100);
    // Of rows that come once there is nothing to keep, and the run is none the worse.
    let mut command = folder.command(&["evaluate", "m", "-", "-q", "--store", "store"]);
    command.stdin(fs::File::open(folder.path().join("later.csv")).unwrap());
    assert!(command.output().unwrap().status.success());
    let log = json(&run(&folder, &["data", "log", "--json"]).done());
    assert_eq!(log["snapshots"].as_array().unwrap().len(), 2);
}

#[test]
fn a_store_that_is_not_there_or_damaged_is_said() {
    let folder = Folder::new();
    run(&folder, &["runs", "list"]).refused(&["no store yet", "models register"]);
    folder.write("store/store.db", "no database at all ".repeat(100));
    run(&folder, &["runs", "list"]).refused(&["damaged", "backup"]);
    folder.write("t.csv", customers(0, 100));
    let args = ["train", "linear", "t.csv", "--target", "left", "--out", "m", "-q"];
    run(&folder, &args).refused(&["damaged"]);
    assert!(!folder.path().join("m/model.mw").exists(), "it is said before the work");
    run(&folder, &["runs", "search", "score > 1"]).refused(&["damaged"]);
}

/// The files of registered models, and temporary ones.
fn files(folder: &Folder) -> Vec<PathBuf> {
    let Ok(parts) = fs::read_dir(folder.path().join("store/artifacts")) else { return Vec::new() };
    let inside = |part: fs::DirEntry| fs::read_dir(part.path()).unwrap();
    parts.flat_map(|part| inside(part.unwrap())).map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_killed_process_leaves_a_store_that_opens_and_models_that_are_whole() {
    let folder = with_model();
    folder.write("new.csv", questions(400, 5)).write("t.csv", customers(0, 300));
    run(&folder, &["models", "register", "churn", "model", "--alias", "champion"]).done();
    let fit = "fit t.csv --target left --time 20s --out out -q --store store";
    let register = "models register other model --alias a -q --store store";
    let alias = "models alias churn champion 1 --store store";
    for (i, wait_ms) in (0..24).map(|i| (i, (i * i * 3) % 160)) {
        let line = [fit, register, alias][i % 3];
        let mut child = folder.command(&line.split(' ').collect::<Vec<&str>>()).spawn().unwrap();
        thread::sleep(Duration::from_millis(wait_ms as u64));
        let _ = child.kill();
        child.wait().unwrap();
        run(&folder, &["predict", "churn@champion", "new.csv", "-q"]).done();
    }
    let runs = || json(&run(&folder, &["runs", "list", "--json", "--limit", "0"]).done());
    // However slow the machine, one fit comes as far as to be written down.
    let mut child = folder.command(&fit.split(' ').collect::<Vec<&str>>()).spawn().unwrap();
    while runs().as_array().unwrap().is_empty() && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    child.wait().unwrap();
    let runs = runs();
    let all = runs.as_array().unwrap();
    assert!(!all.is_empty(), "a fit is written down while it runs");
    assert!(all.iter().all(|run| run["status"] != "running"), "{runs:#}");
    let versions = json(&run(&folder, &["models", "list", "churn", "--json"]).done());
    assert_eq!(versions.as_array().unwrap().len(), 1);
    for file in files(&folder) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if let Some(sha256) = name.strip_suffix(".mw").filter(|_| !name.starts_with('.')) {
            let bytes = fs::read(&file).unwrap();
            assert_eq!(modelwright::lifecycle::digest::sha256_hex(&bytes), sha256);
        }
    }
}
