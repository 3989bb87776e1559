//! A new model takes over only if it proves itself.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::harness::{Folder, Ran};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not one JSON document: {e}\n{text}"))
}

/// Rows by the day, whose answer depends on `x`, or on its opposite after `turn`.
pub(crate) fn days(from: usize, n_rows: usize, turn: usize) -> String {
    let mut text = String::from("day,x,z,sells\n");
    for i in from..from + n_rows {
        let x = ((i * 7919) % 1009) as f64 / 1009.0 - 0.5;
        let z = ((i * 104_729) % 997) as f64 / 997.0;
        let noise = ((i * 3571 + 11) % 991) as f64 / 991.0 - 0.5;
        let signal = if i >= turn { -x } else { x } + 0.6 * noise;
        let _ = writeln!(text, "{i},{x:.4},{z:.4},{}", if signal > 0.0 { "yes" } else { "no" });
    }
    text
}

/// A folder with a registered model of rows before the turn.
pub(crate) fn registered() -> Folder {
    let folder = Folder::new();
    folder.write("old.csv", days(0, 800, usize::MAX));
    let args = "train gbdt old.csv --target sells --exclude day --param n_rounds=30 --out old -q";
    folder.run(&args.split(' ').collect::<Vec<&str>>()).done();
    run(&folder, &["models", "register", "sales", "old", "--alias", "champion"]).done();
    folder
}

fn run(folder: &Folder, args: &[&str]) -> Ran {
    folder.run(&[args, &["--store", "store"]].concat())
}

fn retrain(folder: &Folder, more: &[&str]) -> Ran {
    let args =
        ["retrain", "sales@champion", "--data", "new.csv", "--out", "new", "--promote", "-q"];
    run(folder, &[&args[..], more].concat())
}

fn version(folder: &Folder) -> Value {
    let versions = json(&run(folder, &["models", "list", "sales", "--json"]).done());
    let all = versions.as_array().unwrap();
    all.iter().find(|v| v["aliases"][0] == "champion").unwrap()["number"].clone()
}

#[test]
fn after_the_world_turned_the_new_model_takes_over_and_can_be_rolled_back() {
    let folder = registered();
    folder.write("new.csv", days(800, 1200, 900));
    let found = json(&retrain(&folder, &["--json", "--time-column", "day"]).done());
    let decision = &found["decision"];
    assert_eq!(decision["accepted"], true, "{decision:#}");
    assert_eq!(decision["promoted"], "sales@champion is version 2");
    assert!(decision["challenger"].as_f64().unwrap() > decision["champion"].as_f64().unwrap());
    assert_eq!(decision["n_rows"], 300);
    assert_eq!(version(&folder), 2);
    let written = json(&fs::read_to_string(folder.path().join("new/decision.json")).unwrap());
    assert_eq!(&written, decision);
    let history = run(&folder, &["models", "history", "sales"]).done();
    assert!(history.contains("passed every gate"), "{history}");
    let runs = json(&run(&folder, &["runs", "search", "kind = retrain", "--json"]).done());
    assert_eq!(runs[0]["status"], "finished");
    run(&folder, &["models", "rollback", "sales", "champion"]).done();
    assert_eq!(version(&folder), 1);
}

#[test]
fn the_rows_that_judge_are_learned_from_only_after_they_have_judged() {
    let folder = registered();
    folder.write("new.csv", days(800, 1200, 900));
    let found = json(&retrain(&folder, &["--json", "--time-column", "day"]).done());
    let record = json(&fs::read_to_string(folder.path().join("new/record.json")).unwrap());
    assert_eq!(record["options"]["refit"], "all-and-test");
    assert_eq!(record["ensemble"]["n_rows_all"], 1200, "{:#}", record["ensemble"]);
    let metrics = record["evaluation"]["metrics"].as_array().unwrap();
    let metric = &found["decision"]["metric"];
    let tested = metrics.iter().find(|m| m["name"] == *metric).unwrap()["value"].as_f64().unwrap();
    let judged = found["decision"]["challenger"].as_f64().unwrap();
    assert!((tested - judged).abs() < 1e-12, "{tested} {judged}");
    // Who has learned from them predicts them better.
    folder.write("judged.csv", days(1700, 300, 900));
    let said = json(&run(&folder, &["evaluate", "new", "judged.csv", "--json"]).done());
    let name = metric.as_str().unwrap();
    let now = said["metrics"][name]["value"].as_f64().or(said["metrics"][name].as_f64()).unwrap();
    assert!(now > judged, "{now} {judged}");
}

#[test]
fn rows_without_a_group_belong_to_no_other_row() {
    let folder = Folder::new();
    let in_shops = |rows: String, shop: &dyn Fn(usize) -> String| -> String {
        let of = |(i, line): (usize, &str)| match i {
            0 => format!("{line},shop\n"),
            _ => format!("{line},{}\n", shop(i)),
        };
        rows.lines().enumerate().map(of).collect()
    };
    folder.write("old.csv", in_shops(days(0, 800, usize::MAX), &|i| format!("s{}", i / 4)));
    let args = "train gbdt old.csv --target sells --exclude day --group shop --param n_rounds=30 \
                --out old -q";
    folder.run(&args.split_whitespace().collect::<Vec<&str>>()).done();
    run(&folder, &["models", "register", "sales", "old", "--alias", "champion"]).done();
    folder.write("new.csv", in_shops(days(800, 1200, 900), &|_| String::new()));
    let found = json(&retrain(&folder, &["--json", "--time-column", "day"]).done());
    assert_eq!(found["decision"]["accepted"], true, "{found:#}");
}

#[test]
fn rows_need_not_have_a_column_that_the_old_run_left_out() {
    let folder = registered();
    let without = |line: &str| line.split_once(',').map(|(_, rest)| format!("{rest}\n"));
    let rows: String = days(800, 1200, 900).lines().filter_map(without).collect();
    folder.write("new.csv", rows);
    let found = json(&retrain(&folder, &["--json"]).done());
    assert_eq!(found["decision"]["accepted"], true, "{found:#}");
}

#[test]
fn slices_must_be_columns_and_a_constant_must_be_no_better() {
    let folder = registered();
    folder.write("new.csv", days(800, 1200, 900));
    retrain(&folder, &["--slices", "zz"]).refused(&["no such column to be cut", "zz"]);
    let found = json(&retrain(&folder, &["--json", "--plan", "same"]).done());
    let gates = found["decision"]["gates"].as_array().unwrap();
    let words = |name: &str| gates.iter().find(|g| g["gate"] == name).unwrap()["words"].to_string();
    assert!(!words("slices").contains("none was looked at"), "{}", words("slices"));
    assert!(words("baseline").contains("of always giving the same answer"));
}

#[test]
fn where_nothing_changed_the_old_model_stays_and_a_pipeline_can_see_it() {
    let folder = registered();
    folder.write("new.csv", days(800, 1000, usize::MAX));
    let ran = retrain(&folder, &["--fail-if-kept", "--plan", "same"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("kept the old model") && ran.stdout.contains("✕ gain"));
    assert_eq!(version(&folder), 1);
}

#[test]
fn the_same_plan_fits_the_members_of_the_old_model_again_and_no_others() {
    let folder = crate::tables::with_model();
    folder.write("new.csv", crate::tables::customers(100, 700));
    let args = "retrain model --data new.csv --plan same --out new --time 20s -q";
    folder.run(&args.split(' ').collect::<Vec<_>>()).done();
    let record = |name: &str| json(&fs::read_to_string(folder.path().join(name)).unwrap());
    let (old, new) = (record("model/record.json"), record("new/record.json"));
    let members = |record: &Value| -> Vec<Value> {
        let all = record["ensemble"]["members"].as_array().unwrap();
        all.iter().map(|m| m["trial"].clone()).collect()
    };
    let planned = new["plan"]["trials"].as_array().unwrap();
    assert_eq!(planned.len(), members(&old).len(), "{:#}", new["plan"]);
    assert!(planned.iter().all(|trial| members(&old).contains(&trial["name"])));
}

#[test]
fn the_boosters_of_the_old_model_learn_on_alone_or_beside_a_new_fit() {
    let folder = registered();
    folder.write("new.csv", days(800, 1200, 800));
    let made = |plan: &str| {
        let args = ["retrain", "old", "--data", "new.csv", "--out", plan, "--plan", plan];
        let more = ["--time-column", "day", "--json", "-q"];
        let found = json(&run(&folder, &[&args[..], &more].concat()).done());
        let file = folder.path().join(plan).join("record.json");
        (found, json(&fs::read_to_string(file).unwrap()))
    };
    let (found, record) = made("continue");
    assert_eq!(found["decision"]["accepted"], true, "{found:#}");
    let of = &record["continued"][0];
    assert_eq!((&of["n_rows"], &of["n_judged"]), (&1200.into(), &300.into()));
    assert_eq!(of["members"][0]["before"], 30);
    assert_eq!(of["parent_sha256"], found["decision"]["champion_file"][1]);
    run(&folder, &["predict", "continue", "new.csv", "-q"]).done();
    run(&folder, &["replay", "continue/record.json", "new.csv", "--out", "again"])
        .refused(&["continued from an earlier one"]);
    let (found, _) = made("auto");
    let both = found["decision"]["choice"]["candidates"].as_array().unwrap();
    let mut plans: Vec<&str> = both.iter().map(|c| c["plan"].as_str().unwrap()).collect();
    plans.sort_unstable();
    assert_eq!(plans, ["continue", "search"]);
    let gain = &found["decision"]["gates"][1];
    assert!(gain["words"].as_str().unwrap().contains("choice of 2"), "{gain:#}");
    // No boosters to continue.
    let args = "train linear old.csv --target sells --exclude day --out line -q";
    folder.run(&args.split(' ').collect::<Vec<&str>>()).done();
    run(&folder, &["retrain", "line", "--data", "new.csv", "--plan", "continue"])
        .refused(&["no gradient boosters"]);
}

#[test]
fn broken_new_rows_are_not_learned_into_the_place_of_the_old_model() {
    let folder = registered();
    let times = |line: &str| {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        cells[1] = cells[1].parse::<f64>().map_or(cells[1].clone(), |x| (x * 1000.0).to_string());
        cells.join(",") + "\n"
    };
    let rows: String = days(800, 1200, 900).lines().map(times).collect();
    folder.write("new.csv", rows);
    let found = json(&retrain(&folder, &["--json"]).done());
    let gates = found["decision"]["gates"].as_array().unwrap();
    let data = gates.iter().find(|g| g["gate"] == "data").unwrap();
    assert_eq!(data["passed"], false, "{data:#}");
    assert_eq!(version(&folder), 1);
}

#[test]
fn drift_of_columns_and_answers_is_a_remark_and_no_reason_to_keep_the_old_model() {
    let folder = registered();
    let moved = |line: &str| {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        cells[1] = cells[1].parse::<f64>().map_or(cells[1].clone(), |x| format!("{:.4}", x + 0.4));
        cells.join(",") + "\n"
    };
    let rows: String = days(800, 1200, 900).lines().map(moved).collect();
    folder.write("new.csv", rows);
    let found = json(&retrain(&folder, &["--json", "--time-column", "day"]).done());
    let gates = found["decision"]["gates"].as_array().unwrap();
    let data = gates.iter().find(|g| g["gate"] == "data").unwrap();
    assert_eq!(data["passed"], true, "{data:#}");
    assert!(data["words"].as_str().unwrap().contains("`x`"), "{data:#}");
    assert_eq!(found["decision"]["accepted"], true, "{found:#}");
    assert_eq!(version(&folder), 2);
}

#[test]
fn bad_requests_are_refused_before_any_work() {
    let folder = registered();
    folder.write("new.csv", days(800, 40, 900)).write("other.csv", "a,b\n1,2\n");
    retrain(&folder, &[]).refused(&["too few rows"]);
    let refused = |args: &[&str], words: &[&str]| {
        run(&folder, &[&["retrain"], args].concat()).refused(words);
    };
    refused(&["old", "--data", "new.csv", "--promote"], &["no alias", "NAME@ALIAS"]);
    refused(&["sales@1", "--data", "new.csv", "--promote"], &["no alias"]);
    refused(&["sales@champion", "--data", "other.csv"], &["column"]);
    refused(&["sales@champion", "--data", "absent.csv"], &["no such file"]);
    refused(&["sales@champion", "--data", "new.csv", "--time-column", "tme"], &["tme"]);
}

/// The commands of the part of a report that says how the run is repeated.
pub(crate) fn printed_commands(folder: &Folder, model: &str) -> Vec<String> {
    let report = folder.run(&["report", model, "--format", "markdown"]).done();
    let (_, part) = report.split_once("## How to reproduce").unwrap();
    let (_, code) = part.split_once("```sh\n").unwrap();
    let (code, _) = code.split_once("```").unwrap();
    code.lines().filter(|line| line.starts_with("modelwright ")).map(str::to_owned).collect()
}

/// The words of a printed command, but for the program; a shell would part them so.
pub(crate) fn words_of(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (i, quoted) in line.split('\'').enumerate() {
        if i % 2 == 1 {
            words.push(quoted.to_owned());
        } else {
            words.extend(quoted.split_whitespace().map(str::to_owned));
        }
    }
    words.split_off(1)
}

#[test]
fn the_report_of_a_model_of_several_files_prints_a_command_that_runs() {
    let folder = registered();
    folder.write("new.csv", days(800, 600, 900)).write("more rows.csv", days(1400, 600, 900));
    let several = ["--data", "new.csv", "more rows.csv", "--out", "new", "--seed", "4", "-q"];
    let judged = ["retrain", "old", "--judge", "0.3", "--time-column", "day"];
    run(&folder, &[&judged[..], &several[..]].concat()).done();
    let refused = ["replay", "new/record.json", "new.csv"];
    folder.run(&refused).refused(&["retrained", "new.csv, more rows.csv", "hint: "]);
    fs::copy(folder.path().join("old/model.mw"), folder.path().join("EARLIER.mw")).unwrap();
    let printed = printed_commands(&folder, "new");
    assert_eq!(printed.len(), 2, "{printed:?}");
    assert!(printed[0].ends_with("--data new.csv 'more rows.csv'"), "{printed:?}");
    let words = words_of(&printed[0]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    folder.run(&[&words[..], &["--out", "again", "-q"]].concat()).done();
    let bytes = |name: &str| {
        let record = fs::read_to_string(folder.path().join(name).join("record.json")).unwrap();
        json(&record)["retrained"].clone()
    };
    assert_eq!(bytes("new"), bytes("again"));
}

#[test]
fn the_report_prints_a_replay_with_the_test_file_that_repeats_the_run() {
    let folder = Folder::new();
    folder.write("old.csv", days(0, 600, usize::MAX)).write("test.csv", days(600, 200, usize::MAX));
    let args = "train gbdt old.csv --target sells --test test.csv --param n_rounds=20 --out old \
                --separator , --intervals 0.8 --cost fp=1,fn=3 -q";
    folder.run(&args.split_whitespace().collect::<Vec<&str>>()).done();
    let printed = printed_commands(&folder, "old");
    assert_eq!(printed[0], "modelwright replay record.json old.csv --test test.csv");
    fs::copy(folder.path().join("old/record.json"), folder.path().join("record.json")).unwrap();
    for (line, out) in printed[..2].iter().zip(["again", "anew"]) {
        let words = words_of(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        folder.run(&[&words[..], &["--out", out, "-q"]].concat()).done();
        let model = |name: &str| fs::read(folder.path().join(name).join("model.mw")).unwrap();
        assert!(out == "anew" || model("old") == model(out), "the replay is another model");
    }
}

/// As [`retrain`], with files of its own.
fn retrain_on(folder: &Folder, files: &[&str], more: &[&str]) -> Ran {
    let args = ["retrain", "sales@champion", "--out", "new", "--promote", "--json"];
    let args = [&args[..], &["--time-column", "day", "--data"], files, more].concat();
    run(folder, &args)
}

#[test]
fn a_bad_cell_or_label_costs_its_row_and_many_are_another_question() {
    let folder = registered();
    let rows = days(800, 1200, 900);
    let mut lines: Vec<String> = rows.lines().map(str::to_owned).collect();
    lines[7] = lines[7].replace(",yes", ",YES").replace(",no", ",YES");
    lines[9] = lines[9].replacen(',', ",broken", 1);
    folder.write("new.csv", lines.join("\n") + "\n");
    let ran = retrain_on(&folder, &["new.csv"], &[]);
    assert!(ran.stderr.contains("2 rows were left out of new.csv"), "{}", ran.stderr);
    let found = json(&ran.done());
    assert_eq!(found["decision"]["accepted"], true, "{found:#}");
    folder.write("new.csv", days(2000, 1200, 900).replace(",yes", ",oui"));
    let refused = retrain_on(&folder, &["new.csv"], &[]);
    refused.refused(&["other answers than the old model knows", "modelwright fit"]);
}

#[test]
fn rows_judge_once_and_only_those_that_the_old_model_has_not_learned_from() {
    let folder = registered();
    folder.write("a.csv", days(800, 1200, 900)).write("b.csv", days(1300, 700, 900));
    let ran = retrain_on(&folder, &["a.csv", "b.csv"], &[]);
    assert!(ran.stderr.contains("700 of 1900 rows stand in another file"), "{}", ran.stderr);
    let found = json(&ran.done());
    assert_eq!(found["decision"]["promoted"], "sales@champion is version 2", "{found:#}");
    assert_eq!(found["decision"]["n_rows"], 300);
    // Version 2 has learned from all of them.
    retrain_on(&folder, &["a.csv"], &[]).refused(&["new to the old model", "0 of 300"]);
    folder.write("c.csv", days(1900, 200, 900));
    let found = json(&retrain_on(&folder, &["a.csv", "c.csv"], &[]).done());
    assert_eq!(found["decision"]["n_rows"], 100, "{found:#}");
    // A file that has grown: the rows before are those that were learned from.
    folder.write("a.csv", days(800, 1300, 900));
    let found = json(&retrain_on(&folder, &["a.csv"], &[]).done());
    assert_eq!(found["decision"]["n_rows"], 100, "{found:#}");
}

#[test]
fn a_class_that_did_not_occur_of_late_is_still_one() {
    let folder = Folder::new();
    let three = |from: usize, n_rows: usize, turn: usize, top: &str| -> String {
        let class = |(i, line): (usize, &str)| match i {
            0 => format!("{line}\n"),
            i if i % 3 == 0 => format!("{}\n", line.replace(",yes", top)),
            _ => format!("{line}\n"),
        };
        days(from, n_rows, turn).lines().enumerate().map(class).collect()
    };
    folder.write("old.csv", three(0, 800, usize::MAX, ",often"));
    let args = "train gbdt old.csv --target sells --exclude day --param n_rounds=30 --out old -q";
    folder.run(&args.split(' ').collect::<Vec<&str>>()).done();
    run(&folder, &["models", "register", "sales", "old", "--alias", "champion"]).done();
    folder.write("new.csv", three(800, 1200, 900, ",yes"));
    let found = json(&retrain_on(&folder, &["new.csv"], &[]).done());
    assert!(found["decision"]["n_rows"].is_number(), "{found:#}");
    let record = json(&fs::read_to_string(folder.path().join("new/record.json")).unwrap());
    assert_eq!(record["task"]["classes"], serde_json::json!(["no", "often", "yes"]));
}

#[test]
fn an_alias_that_was_moved_meanwhile_stays_where_it_is() {
    use std::io::Write as _;
    use std::process::Stdio;
    let folder = registered();
    let args = "train linear old.csv --target sells --exclude day --out other -q";
    folder.run(&args.split(' ').collect::<Vec<&str>>()).done();
    run(&folder, &["models", "register", "sales", "other"]).done();
    let args = ["retrain", "sales@champion", "--data", "-", "--time-column", "day", "--out", "new"];
    let args = [&args[..], &["--promote", "-q", "--store", "store"]].concat();
    let mut command = folder.command(&args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let begun = || {
        let runs = json(&run(&folder, &["runs", "search", "kind = retrain", "--json"]).done());
        !runs.as_array().unwrap().is_empty()
    };
    while !begun() {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    // It waits for its rows, and knows what it will be held against.
    std::thread::sleep(std::time::Duration::from_secs(1));
    run(&folder, &["models", "alias", "sales", "champion", "2"]).done();
    child.stdin.take().unwrap().write_all(days(800, 1200, 900).as_bytes()).unwrap();
    let ran = Ran::of(&args, &child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    for words in ["was moved while", "version 1, which was judged", "registered as version 3"] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    assert_eq!(version(&folder), 2);
}
