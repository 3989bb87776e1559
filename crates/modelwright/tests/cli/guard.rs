//! The guard of a version that a watch promoted, through the binary.

use std::fs;

use serde_json::Value;

use crate::retrain::{days, registered};
use crate::watch::{json, look, run, settings, version};

#[test]
fn a_guard_that_ends_retrains_in_the_same_look_where_that_is_due() {
    let folder = registered();
    settings(&folder, "[rollout]\nguard = \"5d\"\n");
    folder.write("rows-01.csv", days(800, 1200, 800));
    assert_eq!(look(&folder, 1)["outcome"]["then"], "promote");
    let text = fs::read_to_string(folder.path().join("watch.toml")).unwrap();
    folder.write("watch.toml", text.replace("[trigger]", "[trigger]\nrows = 500"));
    folder.write("rows-02.csv", days(2000, 600, 0));
    let next = look(&folder, 8);
    assert_eq!(next["decided"]["action"]["do"], "retrain", "{next:#}");
    let words = next["decided"]["words"].as_str().unwrap();
    assert!(words.contains("has proved itself") && words.contains("600 new rows"), "{words}");
    assert_eq!(next["outcome"]["decision"]["accepted"], false, "the same world: {next:#}");
    folder.write("rows-03.csv", days(3000, 300, 0));
    let after = look(&folder, 9);
    assert_eq!(after["observed"]["duel"], Value::Null, "the guard is over: {after:#}");
    let again = run(&folder, &["watch", "watch.toml", "--replay"]).done();
    assert_eq!(again, "3 of 3 decisions come out the same\n");
}

/// Rows with one cell and one label that are no number and no answer.
fn spoiled(rows: &str) -> String {
    let mut lines: Vec<String> = rows.lines().map(str::to_owned).collect();
    lines[7] = lines[7].replace(",yes", ",yess").replace(",no", ",yess");
    let mut cells: Vec<&str> = lines[9].split(',').collect();
    cells[1] = "broken";
    lines[9] = cells.join(",");
    lines.join("\n") + "\n"
}

#[test]
fn one_bad_cell_or_label_keeps_no_guard_from_its_end() {
    let folder = registered();
    settings(&folder, "");
    folder.write("rows-01.csv", days(800, 1200, 800));
    assert_eq!(look(&folder, 1)["outcome"]["then"], "promote");
    folder.write("rows-02.csv", spoiled(&days(2000, 500, usize::MAX)));
    let args = ["watch", "watch.toml", "--once", "--at", "2026-03-04T00:00:00Z", "--json"];
    let ran = run(&folder, &args);
    assert!(ran.stderr.contains("2 rows were left out of"), "{}", ran.stderr);
    let back = json(&ran.done());
    assert_eq!(back["decided"]["action"]["do"], "roll_back", "{back:#}");
    assert_eq!(back["observed"]["duel"]["n_rows"], 498, "{back:#}");
    assert_eq!(version(&folder, "champion"), Some(1));
}

#[test]
fn a_monitor_that_cannot_work_fails_once_and_ends_no_guard() {
    let folder = registered();
    settings(&folder, "");
    folder.write("rows-01.csv", days(800, 1200, 800));
    assert_eq!(look(&folder, 1)["outcome"]["then"], "promote");
    settings(&folder, "[monitor]\nreference = \"gone.csv\"\n");
    folder.write("rows-02.csv", days(2000, 500, usize::MAX));
    for day in ["04", "05", "06"] {
        let at = format!("2026-03-{day}T00:00:00Z");
        run(&folder, &["watch", "watch.toml", "--once", "--at", &at]).refused(&["gone.csv"]);
    }
    assert_eq!(version(&folder, "champion"), Some(1), "the guard took it back");
    let runs = ["runs", "search", "kind = monitor and status = failed", "--json"];
    let runs = json(&run(&folder, &runs).done());
    assert_eq!(runs.as_array().unwrap().len(), 2, "once for each version in use: {runs:#}");
}
