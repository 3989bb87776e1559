//! Models under rules, alerts, and projects, through the binary.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use modelwright::core::data::{Column, Table};
use modelwright::io::TableWriter;
use serde_json::Value;

use crate::harness::{Folder, Ran};
use crate::retrain::{days, registered};
use crate::tables::{customers, questions, with_model};

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not one JSON document: {e}\n{text}"))
}

pub(crate) fn run(folder: &Folder, args: &[&str]) -> Ran {
    folder.run(&[args, &["--store", "store"]].concat())
}

pub(crate) fn settings(folder: &Folder, more: &str) {
    let text = format!(
        "model = \"sales@champion\"\ndata = [\"rows-*.csv\"]\n[trigger]\n\
         at_most_every = \"2d\"\n[window]\ntime_column = \"day\"\n{more}"
    );
    folder.write("watch.toml", text);
}

/// Writes a part of a serving log, as `serve --request-log` does.
fn part(folder: &Folder, name: &str, columns: Vec<Column>) {
    let path = folder.path().join("log").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = TableWriter::parquet(Vec::new());
    writer.write(&Table::new(columns).unwrap()).unwrap();
    fs::write(path, writer.finish().unwrap()).unwrap();
}

/// One look on a day of March 2026.
pub(crate) fn look(folder: &Folder, day: u32) -> Value {
    let at = format!("2026-03-{day:02}T00:00:00Z");
    let args = ["watch", "watch.toml", "--once", "--at", &at, "--json", "-q"];
    json(&run(folder, &args).done())
}

pub(crate) fn version(folder: &Folder, alias: &str) -> Option<i64> {
    let listed = json(&run(folder, &["models", "list", "--json"]).done());
    let aliases = listed[0]["aliases"].as_array().unwrap();
    aliases.iter().find(|a| a[0] == alias).and_then(|a| a[1].as_i64())
}

#[test]
fn a_model_is_replaced_when_the_world_turns_and_comes_back_when_that_was_wrong() {
    let folder = registered();
    settings(&folder, "");
    folder.write("rows-01.csv", days(800, 200, usize::MAX));
    let first = look(&folder, 1);
    assert_eq!(first["decided"]["action"]["do"], "nothing", "{first:#}");
    assert_eq!(first["observed"]["n_new_rows"], 200);
    // The answers turn around: performance is worse, a new model learns and takes over.
    folder.write("rows-02.csv", days(1000, 1000, 1000));
    let second = look(&folder, 4);
    assert_eq!(second["decided"]["action"]["do"], "retrain", "{second:#}");
    assert_eq!(second["decided"]["action"]["triggers"][0], "performance");
    assert_eq!(second["outcome"]["then"], "promote", "{second:#}");
    assert_eq!(version(&folder, "champion"), Some(2));
    let decision = folder.path().join("modelwright-watch/2026-03-04T000000Z/decision.json");
    assert_eq!(json(&fs::read_to_string(decision).unwrap())["accepted"], true);
    // They turn back: the version before is better on what comes after.
    folder.write("rows-03.csv", days(2000, 500, usize::MAX));
    let third = look(&folder, 5);
    assert_eq!(third["decided"]["action"]["do"], "roll_back", "{third:#}");
    assert_eq!(version(&folder, "champion"), Some(1));
    let history = run(&folder, &["watch", "watch.toml", "--history"]).done();
    assert!(history.contains("roll back") && history.contains("passed every gate"), "{history}");
    let again = run(&folder, &["watch", "watch.toml", "--replay"]).done();
    assert_eq!(again, "3 of 3 decisions come out the same\n");
    let runs = json(&run(&folder, &["runs", "search", "kind = retrain", "--json"]).done());
    assert_eq!((&runs[0]["status"], runs.as_array().unwrap().len()), (&"finished".into(), 1));
}

#[test]
fn after_a_promotion_rows_on_which_nothing_happened_are_no_drift() {
    // Few rows to learn from: after the test, the model that is delivered learns from many more.
    for n_rows in [400, 1200] {
        let folder = registered();
        settings(&folder, "");
        folder.write("rows-01.csv", days(800, n_rows, 800));
        assert_eq!(look(&folder, 1)["outcome"]["then"], "promote");
        for k in 0..4_u32 {
            let rows = days(3000 + 250 * k as usize, 250, 0);
            folder.write(&format!("rows-{:02}.csv", k + 2), rows);
            let found = look(&folder, 4 + 3 * k);
            assert_eq!(found["observed"]["monitored"]["drift"], false, "{n_rows}: {found:#}");
        }
    }
}

#[test]
fn a_person_says_yes_or_no_where_that_was_asked() {
    let folder = registered();
    settings(&folder, "[rollout]\napproval = true\n");
    folder.write("rows-01.csv", days(800, 1200, 800));
    assert_eq!(look(&folder, 1)["outcome"]["then"], "ask");
    assert_eq!((version(&folder, "champion"), version(&folder, "challenger")), (Some(1), Some(2)));
    let waits = look(&folder, 2);
    assert!(waits["decided"]["words"].as_str().unwrap().contains("waits for a person"));
    run(&folder, &["models", "approve", "other"]).refused(&["nothing waits"]);
    let said = run(&folder, &["models", "approve", "sales", "--reason", "it looks right"]).done();
    assert_eq!(said, "sales@champion is version 2\n");
    assert_eq!((version(&folder, "champion"), version(&folder, "challenger")), (Some(2), None));
    let history = run(&folder, &["models", "history", "sales"]).done();
    assert!(history.contains("it looks right"), "{history}");
    run(&folder, &["models", "approve", "sales"]).refused(&["nothing waits"]);
    // The next look guards it, and does not count rows that are there already.
    look(&folder, 3);
    let states = json(&run(&folder, &["watch", "watch.toml", "--history", "--json"]).done());
    assert!(states.to_string().contains("approve"), "{states:#}");
    folder.write("rows-02.csv", days(2000, 500, usize::MAX));
    let back = look(&folder, 4);
    assert_eq!(back["decided"]["action"]["do"], "roll_back", "{back:#}");
    assert_eq!(version(&folder, "champion"), Some(1));
}

#[test]
fn a_trial_is_won_on_rows_that_come_after_it() {
    let folder = registered();
    settings(&folder, "[rollout]\ntrial = true\nmin_rows = 100\n");
    folder.write("rows-01.csv", days(800, 1200, 800));
    assert_eq!(look(&folder, 1)["outcome"]["then"], "try");
    assert_eq!(version(&folder, "champion"), Some(1));
    let goes_on = look(&folder, 2);
    assert_eq!(goes_on["decided"]["action"]["do"], "nothing", "no rows came: {goes_on:#}");
    folder.write("rows-02.csv", days(2000, 300, 0));
    let won = look(&folder, 3);
    assert_eq!(won["decided"]["action"]["do"], "promote", "{won:#}");
    assert!(won["observed"]["duel"]["p_better"].as_f64().unwrap() < 0.05);
    assert_eq!((version(&folder, "champion"), version(&folder, "challenger")), (Some(2), None));
}

#[test]
fn a_trial_counts_only_the_rows_that_a_file_got_since() {
    let folder = registered();
    settings(&folder, "[rollout]\ntrial = true\nmin_rows = 100\n");
    let before = days(800, 1200, 800);
    folder.write("rows-01.csv", &before);
    assert_eq!(look(&folder, 1)["outcome"]["then"], "try");
    // The newest first, as an export by a database may be: nobody knows which rows are new.
    let (grown, mut lines) = (days(800, 1500, 800), before.lines());
    let newest = grown.lines().skip(1201).chain(lines.by_ref().skip(1));
    let rewritten: Vec<&str> = grown.lines().take(1).chain(newest).collect();
    folder.write("rows-01.csv", rewritten.join("\n") + "\n");
    let found = look(&folder, 2);
    assert_eq!(found["observed"]["duel"], Value::Null, "{found:#}");
    // Rows that were appended count, and no others.
    folder.write("rows-01.csv", &grown);
    let won = look(&folder, 3);
    assert_eq!(won["observed"]["duel"]["n_rows"], 300, "{won:#}");
    assert_eq!(won["decided"]["action"]["do"], "promote", "{won:#}");
}

/// A server that does whatever it is told; each line is a path and a body.
fn obedient_server() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = format!("http://{}", listener.local_addr().unwrap());
    let (said, heard) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut first, mut n_bytes) = (String::new(), 0);
            stream.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                let line = line.trim().to_ascii_lowercase();
                if line.is_empty() {
                    break;
                }
                if let Some(n) = line.strip_prefix("content-length:") {
                    n_bytes = n.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; n_bytes];
            stream.read_exact(&mut body).unwrap();
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            said.send(format!("{path} {}", String::from_utf8(body).unwrap())).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
            stream.get_mut().write_all(answer).unwrap();
        }
    });
    (place, heard)
}

#[test]
fn a_canary_whose_server_is_away_is_written_down_once_and_grows_when_the_server_is_back() {
    let folder = registered();
    let canary = |server: &str| {
        let more = format!("[rollout]\nmin_rows = 100\n[rollout.canary]\nservers = [\"{server}\"]");
        settings(&folder, &more);
    };
    canary("http://127.0.0.1:1");
    folder.write("rows-01.csv", days(800, 1200, 800));
    let first = look(&folder, 1);
    assert_eq!(first["outcome"]["then"], "canary", "{first:#}");
    let why = first["servers"].as_str().unwrap();
    assert!(why.contains("could not be told"), "{why}");
    assert_eq!((version(&folder, "champion"), version(&folder, "challenger")), (Some(1), Some(2)));
    assert_eq!(look(&folder, 2)["decided"]["action"]["do"], "nothing", "no second retraining");
    folder.write("rows-02.csv", days(2000, 300, 0));
    let held = look(&folder, 4);
    assert_eq!(held["decided"]["action"]["step"], 1, "{held:#}");
    assert!(held["outcome"]["held"].as_str().unwrap().contains("could not be told"), "{held:#}");
    let listed = json(&run(&folder, &["models", "list", "sales", "--json"]).done());
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed:#}");
    let (server, heard) = obedient_server();
    canary(&server);
    let grown = look(&folder, 5);
    assert_eq!(grown["decided"]["action"]["step"], 1, "{grown:#}");
    assert_eq!((&grown["servers"], &grown["outcome"]["held"]), (&Value::Null, &Value::Null));
    let heard: Vec<String> = heard.try_iter().collect();
    let last = "/admin/models/sales/canary {\"percent\":25.0,\"version\":2}";
    assert_eq!(heard.last().map(String::as_str), Some(last), "{heard:?}");
}

#[cfg(unix)]
#[test]
fn a_daemon_keeps_others_away_and_ends_when_it_is_asked_to() {
    let folder = registered();
    settings(&folder, "");
    folder.write("rows-01.csv", days(800, 200, usize::MAX));
    let args = ["watch", "watch.toml", "--store", "store"];
    let mut child =
        folder.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("nothing: "), "{line}");
    let once = ["watch", "watch.toml", "--once"];
    run(&folder, &once).refused(&["another process watches this model"]);
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    run(&folder, &once).done();
}

#[test]
fn a_watch_that_cannot_work_is_refused() {
    let folder = registered();
    settings(&folder, "");
    run(&folder, &["watch", "absent.toml"]).refused(&["cannot read the settings"]);
    folder.write("other.toml", "model = \"gone@champion\"\ndata = [\"rows-*.csv\"]\n");
    run(&folder, &["watch", "other.toml", "--once"]).refused(&["no registered model"]);
    folder.write("file.toml", "model = \"sales@champion\"\ndata = [\"absent.csv\"]\n");
    // A file may come later; that it is not there is told.
    let ran = run(&folder, &["watch", "file.toml", "--once"]);
    assert!(ran.stderr.contains("absent.csv is left out"), "{}", ran.stderr);
    ran.done();
    run(&folder, &["watch", "watch.toml", "--at", "today"]).refused(&["not a moment"]);
}

#[test]
fn an_alert_is_told_once_and_again_when_it_is_over() {
    let folder = with_model();
    folder.write("good.csv", customers(400, 300));
    let months = |line: &str| match line.split_once(',') {
        Some((age, rest)) => match age.parse::<u32>() {
            Ok(age) => format!("{},{rest}\n", age * 12),
            Err(_) => format!("{line}\n"),
        },
        None => format!("{line}\n"),
    };
    folder.write("bad.csv", questions(400, 300).lines().map(months).collect::<String>());
    folder.write(
        "rules.toml",
        "[[rule]]\nname = \"broken rows\"\nwhen = \"quality\"\nseverity = \"critical\"\n\
         [[sink]]\nname = \"file\"\nkind = \"file\"\npath = \"alerts.jsonl\"\n\
         [[sink]]\nname = \"away\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\n",
    );
    let look = |rows: &str| run(&folder, &["monitor", "model", rows, "--alerts", "rules.toml"]);
    let ran = look("bad.csv");
    assert!(ran.stderr.contains("alert: `broken rows` fires"), "{}", ran.stderr);
    assert!(ran.stderr.contains("`away` was not told"), "{}", ran.stderr);
    ran.done();
    look("bad.csv").done();
    let lines = || fs::read_to_string(folder.path().join("alerts.jsonl")).unwrap();
    assert_eq!(lines().lines().count(), 1, "told once: {}", lines());
    let listed = json(&run(&folder, &["alerts", "list", "--json"]).done());
    assert_eq!((&listed[0]["n_seen"], &listed[0]["n_waiting"]), (&2.into(), &1.into()));
    let sent = run(&folder, &["alerts", "send", "rules.toml"]).done();
    let expected = "0 notices were taken\n1 notice waits for `away`: due again at 20";
    assert!(sent.starts_with(expected), "{sent}");
    let sent = json(&run(&folder, &["alerts", "send", "rules.toml", "--json"]).done());
    assert_eq!((&sent["waiting"][0]["n"], &sent["n_sent"]), (&1.into(), &0.into()), "{sent:#}");
    look("good.csv").done();
    let told = lines();
    assert!(told.lines().count() == 2 && told.contains("resolved"), "{told}");
    assert_eq!(run(&folder, &["alerts", "list"]).done(), "no alerts\n");
    let tested = run(&folder, &["alerts", "test", "rules.toml"]);
    assert_eq!((tested.code, tested.stdout.as_str()), (Some(1), "1 notices were taken\n"));
    run(&folder, &["monitor", "model", "good.csv", "--alerts", "absent.toml"])
        .refused(&["cannot read the alert rules"]);
}

#[test]
fn data_are_put_beside_each_other_and_beside_the_score() {
    let folder = Folder::new();
    let rows = customers(0, 200);
    folder.write("a.csv", &rows).write("b.csv", customers(0, 260));
    folder.write("c.csv", rows.replacen("\n18,", "\n19,", 1));
    let taken = run(&folder, &["data", "snapshot", "a.csv"]).done();
    assert!(taken.contains("snapshot 1: a.csv, 200 rows, 6 columns"), "{taken}");
    run(&folder, &["data", "snapshot", "b.csv"]).done();
    let found = json(&run(&folder, &["data", "diff", "a.csv", "b.csv", "--json"]).done());
    assert_eq!((&found["rows_added"], &found["rows_removed"]), (&60.into(), &0.into()));
    let changed = run(&folder, &["data", "diff", "1", "c.csv"]).done();
    assert!(changed.contains("1 came, 1 went") && changed.contains("age"), "{changed}");
    assert_eq!(run(&folder, &["data", "diff", "1", "a.csv"]).done(), "the same: 200 rows\n");
    for (data, out) in [("a.csv", "m"), ("b.csv", "n")] {
        run(&folder, &["train", "linear", data, "--target", "left", "--out", out, "-q"]).done();
    }
    let log = json(&run(&folder, &["data", "log", "--json"]).done());
    assert_eq!(log["runs"][0]["difference"]["rows_added"], 60, "{log:#}");
    assert!(log["runs"][0]["change"].is_number());
    let shown = run(&folder, &["data", "log"]).done();
    assert!(shown.contains("run 1: 260 rows, 200 before: 60 came, 0 went"), "{shown}");
    let all_new = rows.lines().enumerate().map(|(i, line)| match i {
        0 => format!("{line},x\n"),
        _ => format!("{},{},1\n", i + 100, line.split_once(',').unwrap().1),
    });
    folder.write("d.csv", all_new.collect::<String>());
    let text = run(&folder, &["data", "diff", "a.csv", "d.csv"]).done();
    assert!(text.contains("No row is the same") && text.contains("--key COLUMN"), "{text}");
    run(&folder, &["data", "diff", "absent.csv", "a.csv"]).refused(&["no such snapshot"]);
    run(&folder, &["data", "diff", "1", "a.csv", "--key", "age"]).refused(&[
        "two files",
        "the snapshot 1, which keeps a hash of each row",
        "leave --key out",
    ]);
    run(&folder, &["data", "diff", "99", "a.csv", "--key", "age"]).refused(&["no such snapshot"]);
    let n_snapshots = log["snapshots"].as_array().unwrap().len();
    assert_eq!(n_snapshots, 2, "fits take the same snapshots: {log:#}");
}

#[test]
fn what_changed_between_two_runs_is_known_without_snapshots_by_hand() {
    let folder = registered();
    folder.write("a.csv", customers(0, 200)).write("b.csv", customers(0, 260));
    for (data, out) in [("a.csv", "m"), ("b.csv", "n"), ("b.csv", "o")] {
        run(&folder, &["train", "linear", data, "--target", "left", "--out", out, "-q"]).done();
    }
    let log = json(&run(&folder, &["data", "log", "--target", "left", "--json"]).done());
    assert_eq!(log["runs"][1]["difference"]["rows_added"], 60, "{log:#}");
    assert!(log["runs"][1]["is_within"].is_boolean(), "{log:#}");
    let shown = run(&folder, &["data", "log", "--target", "left"]).done();
    assert!(shown.contains("260 rows, 200 before: 60 came, 0 went"), "{shown}");
    assert!(shown.contains("the same data") && shown.contains("of the 95 % interval"), "{shown}");
}

#[test]
fn a_project_says_what_it_would_do_and_does_it() {
    let folder = Folder::new();
    folder.write("train.csv", customers(0, 300)).write(
        "modelwright.toml",
        "[data]\ntrain = \"train.csv\"\n[fit]\ntarget = \"left\"\npreset = \"quick\"\n\
         time = \"20s\"\n[register]\nname = \"churn\"\nalias = \"champion\"\n",
    );
    let dry = run(&folder, &["run", "--dry-run"]).done();
    assert!(dry.contains("would run") && !folder.path().join("model").exists(), "{dry}");
    let done = run(&folder, &["run", "-q"]).done();
    assert!(done.contains("churn@champion is version 1"), "{done}");
    let runs = json(&run(&folder, &["runs", "search", "kind = fit", "--json"]).done());
    assert_eq!(runs[0]["status"], "finished", "{runs:#}");
    let version = json(&run(&folder, &["models", "show", "churn@champion", "--json"]).done());
    assert_eq!(version["version"]["run"], runs[0]["id"], "{version:#}");
    let again = json(&run(&folder, &["run", "--json", "-q"]).done());
    assert!(again.as_array().unwrap().iter().all(|step| step["done"] == false), "{again:#}");
    run(&folder, &["predict", "churn@champion", "train.csv", "-q"]).done();
    run(&folder, &["run", "nowhere"]).refused(&["cannot read the project file"]);
}

#[test]
fn looks_of_one_process_each_do_not_read_the_serving_log_again() {
    let folder = registered();
    folder.write("watch.toml", "model = \"sales@champion\"\nlog = { folder = \"log\" }\n");
    let ids = || Column::strings("request_id", (0..200).map(|i| Some(format!("r{i}"))));
    let rows = || Column::numbers("request_row", vec![1.0; 200]);
    let x: Vec<f64> = (0..200).map(|i| f64::from(i * 7919 % 1009) / 1009.0 - 0.5).collect();
    let answers = x.iter().map(|x| Some(if *x > 0.0 { "yes" } else { "no" }));
    part(
        &folder,
        "feedback/part-1.parquet",
        vec![ids(), rows(), Column::strings("label", answers)],
    );
    let z = Column::numbers("z", vec![0.5; 200]);
    let name = "requests/sales/part-1.parquet";
    part(&folder, name, vec![ids(), rows(), Column::numbers("x", x), z]);
    assert_eq!(look(&folder, 1)["observed"]["n_new_rows"], 200);
    assert!(folder.path().join("modelwright-watch/served/seen.json").exists());
    // Who reads it would find it damaged; nothing else tells.
    let path = folder.path().join("log").join(name);
    let (n_bytes, changed) = {
        let meta = path.metadata().unwrap();
        (meta.len(), meta.modified().unwrap())
    };
    let spoil = |n_bytes: u64| {
        fs::write(&path, vec![b'-'; n_bytes as usize]).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(changed).unwrap();
    };
    spoil(n_bytes);
    let second = look(&folder, 2);
    assert_eq!(second["unreadable"], serde_json::json!([]), "{second:#}");
    // A log that was cut off is read.
    spoil(n_bytes / 2);
    let third = look(&folder, 3);
    assert!(third["unreadable"][0][0].as_str().unwrap().contains("part-1"), "{third:#}");
}

#[test]
fn a_monitor_reads_the_log_of_a_server_with_its_feedback() {
    let folder = registered();
    let ids = || Column::strings("request_id", (0..200).map(|i| Some(format!("r{i}"))));
    let rows = || Column::numbers("request_row", vec![1.0; 200]);
    let x: Vec<f64> = (0..200).map(|i| f64::from(i * 7919 % 1009) / 1009.0 - 0.5).collect();
    let answer = |x: &f64| Some(if *x > 0.0 { "yes" } else { "no" });
    let label = Column::strings("label", x.iter().map(answer));
    part(&folder, "feedback/part-1.parquet", vec![ids(), rows(), label]);
    let others = [("r0", 1.0, "perhaps"), ("zzz", 1.0, "yes"), ("r1", 7.0, "no")];
    let columns = vec![
        Column::strings("request_id", others.iter().map(|o| Some(o.0))),
        Column::numbers("request_row", others.iter().map(|o| o.1).collect::<Vec<f64>>()),
        Column::strings("label", others.iter().map(|o| Some(o.2))),
    ];
    part(&folder, "feedback/part-2.parquet", columns);
    let times = Column::instants("request_time", (0..200).map(|i| 1_000_000 * i).collect());
    let z =
        Column::numbers("z", (0..200).map(|i| f64::from(i % 100) / 100.0).collect::<Vec<f64>>());
    let name = "requests/sales/part-1.parquet";
    part(&folder, name, vec![ids(), rows(), times, Column::numbers("x", x), z]);
    for place in ["log", "log/requests/sales"] {
        let args = ["monitor", "sales@champion", place, "--json", "-q"];
        let found = json(&run(&folder, &args).done());
        assert_eq!(found["current"]["n_rows"], 200, "{found:#}");
        assert_eq!(found["performance"]["n_rows"], 199, "{:#}", found["performance"]);
        assert!(!found["quality"].to_string().contains("request_"), "{:#}", found["quality"]);
        let notes = found["notes"].to_string();
        assert!(notes.contains("2 of 202 labels belong to no row"), "{notes}");
        assert!(notes.contains("1 labels contradict an earlier one"), "{notes}");
        assert!(notes.contains("1 labels are no class of the model, such as `perhaps`"), "{notes}");
    }
    run(&folder, &["monitor", "sales@champion", "old"]).refused(&["no serving log"]);
    fs::create_dir_all(folder.path().join("log/requests/other")).unwrap();
    run(&folder, &["monitor", "sales@champion", "log"]).refused(&["other, sales"]);
}

#[test]
fn files_that_cannot_be_read_are_told_of_once_and_hide_no_others() {
    let folder = registered();
    let file = "[[sink]]\nname = \"file\"\nkind = \"file\"\npath = \"alerts.jsonl\"\n";
    folder.write("rules.toml", file).write("rows-01.csv", days(800, 200, usize::MAX));
    folder.write("rows-02.parquet", "PAR1 and nothing more");
    let data = "data = [\"rows-*.csv\", \"rows-*.parquet\", \"late.csv\"]";
    folder.write(
        "watch.toml",
        format!("model = \"sales@champion\"\n{data}\nalerts = \"rules.toml\"\n"),
    );
    let look = |day: u32| {
        let at = format!("2026-03-{day:02}T00:00:00Z");
        let ran = run(&folder, &["watch", "watch.toml", "--once", "--at", &at, "--json", "-q"]);
        let said = ran.stderr.clone();
        (json(&ran.done()), said)
    };
    let told = || {
        let lines = fs::read_to_string(folder.path().join("alerts.jsonl")).unwrap();
        lines.lines().map(json).collect::<Vec<Value>>()
    };
    let (first, said) = look(1);
    assert_eq!(first["observed"]["n_new_rows"], 200, "{first:#}");
    assert_eq!(first["unreadable"].as_array().unwrap().len(), 2, "{first:#}");
    assert_eq!(first["alerts"]["began"][0], "rows that cannot be read", "{first:#}");
    assert!(said.contains("late.csv is left out") && said.contains("rows-02.parquet"), "{said}");
    let (second, _) = look(2);
    assert_eq!(second["alerts"]["lasting"][0], "rows that cannot be read", "{second:#}");
    let causes = told();
    assert_eq!(causes.len(), 1, "told once: {causes:#?}");
    assert!(causes[0].to_string().contains("late.csv"), "{causes:#?}");
    folder.write("late.csv", days(1000, 100, usize::MAX));
    fs::remove_file(folder.path().join("rows-02.parquet")).unwrap();
    let (third, _) = look(3);
    assert_eq!(third["alerts"]["ended"][0], "rows that cannot be read", "{third:#}");
    assert_eq!((told().len(), told()[1]["what"].as_str()), (2, Some("resolved")));
}

#[test]
fn the_monitor_tells_of_a_file_that_it_cannot_read() {
    let folder = with_model();
    folder.write("good.csv", customers(400, 300)).write("cut.parquet", "PAR1");
    folder.write(
        "rules.toml",
        "[[rule]]\nname = \"no rows\"\nwhen = \"unreadable\"\nseverity = \"critical\"\n\
         [[sink]]\nname = \"file\"\nkind = \"file\"\npath = \"alerts.jsonl\"\n",
    );
    let look = |rows: &str| run(&folder, &["monitor", "model", rows, "--alerts", "rules.toml"]);
    for rows in ["cut.parquet", "absent.csv"] {
        let said = look(rows).refused(&[rows]);
        assert_eq!(said.contains("alert: `no rows` fires"), rows == "cut.parquet", "{said}");
    }
    let lines = || fs::read_to_string(folder.path().join("alerts.jsonl")).unwrap();
    assert_eq!(lines().lines().count(), 1, "told once: {}", lines());
    look("good.csv").done();
    assert!(lines().lines().count() == 2 && lines().contains("resolved"), "{}", lines());
}

#[test]
fn rows_that_come_again_in_another_file_judge_nobody() {
    let folder = registered();
    settings(&folder, "[rollout]\ntrial = true\nmin_rows = 100\ndeadline = \"60d\"\n");
    folder.write("rows-01.csv", days(800, 1200, 800));
    assert_eq!(look(&folder, 1)["outcome"]["then"], "try");
    // Half of what the next file has is what the new model learned from.
    folder.write("rows-02.csv", days(1700, 350, 800));
    let found = look(&folder, 2);
    assert_eq!(found["observed"]["duel"]["n_rows"], 50, "{found:#}");
    // Another export, the newest first, with some rows between those that came before.
    let rows = days(1900, 200, 800);
    let lines: Vec<&str> = rows.lines().collect();
    let turned: Vec<&str> =
        lines[..1].iter().copied().chain(lines[1..].iter().rev().copied()).collect();
    folder.write("rows-03.csv", turned.join("\n") + "\n");
    let found = look(&folder, 3);
    assert_eq!(found["observed"]["duel"]["n_rows"], 100, "{found:#}");
    let kept = fs::read_dir(folder.path().join("modelwright-watch/counted")).unwrap().count();
    assert_eq!(kept, 1, "those of the looks before are removed");
}

#[test]
fn a_row_that_is_appended_makes_no_new_rows_of_those_before() {
    let folder = registered();
    folder.write(
        "watch.toml",
        "model = \"sales@champion\"\ndata = [\"rows-*.csv\"]\n[trigger]\ndrift = false\n\
         performance = false\nrows = 150\nat_most_every = \"1d\"\n[window]\n\
         time_column = \"day\"\n",
    );
    folder.write("rows-01.csv", days(800, 400, usize::MAX));
    assert_eq!(look(&folder, 1)["decided"]["action"]["triggers"][0], "rows");
    folder.write("rows-01.csv", days(800, 401, usize::MAX));
    let next = look(&folder, 4);
    assert_eq!(next["observed"]["n_new_rows"], 1, "{next:#}");
    assert_eq!(next["decided"]["action"]["do"], "nothing", "{next:#}");
    folder.write("rows-01.csv", days(800, 600, usize::MAX));
    let next = look(&folder, 7);
    assert_eq!(next["observed"]["n_new_rows"], 200, "{next:#}");
    assert_eq!(next["decided"]["action"]["triggers"][0], "rows", "{next:#}");
}
