//! Watching a model through the binary.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::harness::Folder;
use crate::tables::{customers, questions, with_model};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not one JSON document: {e}\n{text}"))
}

/// Customers whose ages are given in months.
fn in_months(text: &str) -> String {
    let line = |line: &str| match line.split_once(',') {
        Some((age, rest)) => match age.parse::<u32>() {
            Ok(age) => format!("{},{rest}\n", age * 12),
            Err(_) => format!("{line}\n"),
        },
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn monitor(folder: &Folder, more: &[&str]) -> Value {
    let ran = folder.run(&[&["monitor", "model", "new.csv", "--json", "-q"], more].concat());
    json(&ran.done())
}

#[test]
fn rows_like_before_are_stable_and_measured() {
    let folder = with_model();
    folder.write("new.csv", customers(400, 400));
    let found = monitor(&folder, &["--fail-on", "any"]);
    assert_eq!(found["verdict"]["status"], "stable", "{}", found["explanation"]);
    assert_eq!(found["performance"]["n_rows"], 400);
    assert_eq!(found["reference"]["n_rows"], 400);
    assert_eq!(found["columns"].as_array().unwrap().len(), 5);
    let text = folder.run(&["monitor", "model", "new.csv", "-q"]).done();
    assert!(text.contains("Stable") && text.contains("beside:   training data"), "{text}");
}

#[test]
fn a_reference_of_other_columns_and_groups_of_none_are_refused() {
    let folder = with_model();
    folder.write("new.csv", customers(400, 100)).write("other.csv", "age,cement\n20,1\n30,2\n");
    let args = ["monitor", "model", "new.csv", "--reference", "other.csv"];
    folder.run(&args).refused(&["other.csv", "lack columns", "`plan`, `visits`"]);
    let args = ["monitor", "model", "new.csv", "--by", "plam"];
    folder.run(&args).refused(&["new.csv", "--by", "did you mean `plan`"]);
}

#[test]
fn metrics_weigh_rows_as_evaluate_does_and_say_when_they_cannot() {
    let folder = Folder::new();
    let weighed = |from: usize, n: usize| -> String {
        let mut text = String::new();
        for (i, line) in customers(from, n).lines().enumerate() {
            text += line;
            text += ",";
            text += &if i == 0 { "w".to_owned() } else { (1 + i % 7).to_string() };
            text += "\n";
        }
        text
    };
    folder.write("t.csv", weighed(0, 300)).write("new.csv", weighed(400, 200));
    folder.write("plain.csv", customers(400, 200));
    let args = "train linear t.csv --target left --weight w --out model -q";
    folder.run(&args.split(' ').collect::<Vec<_>>()).done();
    let found = monitor(&folder, &[]);
    let args = ["evaluate", "model", "new.csv", "--json", "-q"];
    let evaluated = json(&folder.run(&args).done());
    let first = &found["performance"]["metrics"][0];
    let name = first["name"].as_str().unwrap();
    let said = &evaluated["metrics"][name];
    let expected = said["value"].as_f64().or_else(|| said.as_f64()).unwrap();
    assert!((first["value"].as_f64().unwrap() - expected).abs() < 1e-12, "{first:#} {said:#}");
    let note = "metrics weigh every row 1";
    assert!(!found["notes"].to_string().contains(note));
    let plain = folder.run(&["monitor", "model", "plain.csv", "--json", "-q"]).done();
    assert!(json(&plain)["notes"].to_string().contains(note));
}

#[test]
fn another_unit_alarms_and_a_pipeline_can_stop_at_it() {
    let folder = with_model();
    folder.write("new.csv", in_months(&questions(400, 300)));
    let args = ["monitor", "model", "new.csv", "-q", "--report", "page.html"];
    let ran = folder.run(&[&args[..], &["--fail-on", "quality"]].concat());
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stdout.contains("Alarm") && ran.stdout.contains("12 times"), "{}", ran.stdout);
    assert!(ran.stderr.contains("--fail-on quality"), "{}", ran.stderr);
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("Another unit?") && page.contains("Monitoring report"));
    assert!(!page.contains("http://") && page.len() < 300_000);
    let text = folder.run(&args).done();
    assert!(text.contains("age"), "without --fail-on it is a finding, not a failure: {text}");
}

#[test]
fn values_that_do_not_fit_and_absent_columns_are_findings() {
    let folder = with_model();
    let broken = questions(400, 200).replacen("\n18,", "\neighteen,", 1);
    folder.write("new.csv", broken.replace("visits", "calls"));
    let found = monitor(&folder, &[]);
    let has = |kind: &str, column: &str| {
        let all = found["quality"].as_array().unwrap();
        all.iter().any(|f| f["kind"] == kind && f["column"] == column)
    };
    assert!(has("missing_column", "visits") && has("unexpected_column", "calls"), "{found:#}");
    assert!(has("wrong_type", "age"), "{found:#}");
}

#[test]
fn answers_may_come_later_by_order_or_by_id() {
    let folder = with_model();
    let rows = customers(400, 120);
    let answers: Vec<&str> = rows.lines().map(|l| l.rsplit_once(',').unwrap().1).collect();
    folder.write("labels.csv", answers.join("\n"));
    let numbered = |text: &str, name: &str, from: usize| -> String {
        let line = |(i, line): (usize, &str)| match i {
            0 => format!("{name},{line}\n"),
            _ => format!("k{},{line}\n", i + from),
        };
        text.lines().enumerate().map(line).collect()
    };
    folder.write("new.csv", numbered(&questions(400, 120), "key", 0));
    let found = monitor(&folder, &["--labels", "labels.csv"]);
    assert_eq!(found["performance"]["n_rows"], 120);
    // Half of the answers, and some of rows that never were.
    let late = numbered(&(answers.join("\n") + "\n"), "key", 60);
    folder.write("late.csv", late);
    let found = monitor(&folder, &["--labels", "late.csv", "--id", "key"]);
    assert_eq!(found["performance"]["n_rows"], 60);
    folder.write("few.csv", "left\nyes\nno\n");
    folder
        .run(&["monitor", "model", "new.csv", "--labels", "few.csv"])
        .refused(&["differ in number", "--id"]);
    folder.write("twice.csv", "key,left\nk1,yes\nk1,no\n");
    folder
        .run(&["monitor", "model", "new.csv", "--labels", "twice.csv", "--id", "key"])
        .refused(&["two answers", "k1"]);
}

#[test]
fn a_reference_file_is_compared_exactly_and_by_all_columns_together() {
    let folder = with_model();
    folder.write("new.csv", customers(400, 300)).write("old.csv", customers(1000, 300));
    let found = monitor(&folder, &["--reference", "old.csv"]);
    assert_eq!(found["reference"]["is_exact"], true);
    assert_eq!(found["columns"][0]["measure"], "ks");
    assert!(found["multivariate"]["roc_auc"].as_f64().is_some(), "{found:#}");
}

#[test]
fn bad_requests_are_refused_with_a_reason() {
    let folder = with_model();
    folder.write("new.csv", questions(400, 20)).write("other.csv", "a,b\n1,2\n");
    let refused = |args: &[&str], words: &[&str]| {
        folder.run(&[&["monitor", "model"], args].concat()).refused(words);
    };
    refused(&["absent.csv"], &["no such file"]);
    refused(&["other.csv"], &["none of the columns"]);
    refused(&["new.csv", "--drift-share", "2"], &["not a share"]);
    refused(&["new.csv", "--labels", "other.csv"], &["left"]);
    refused(&["new.csv", "--id", "age"], &["--labels"]);
    refused(&["new.csv", "--season", "weekday"], &["--reference"]);
    let beside = ["new.csv", "--reference", "new.csv", "--season", "weekday"];
    refused(&[&beside[..], &["--time-column", "age"]].concat(), &["numbers"]);
    refused(&[&beside[..], &["--time-column", "absent"]].concat(), &["absent"]);
}

/// Customers of twenty-eight days, a day a line group; on weekends they are older by 40 years.
fn in_days(n_days: usize, per_day: usize) -> String {
    let rows = customers(0, n_days * per_day);
    let mut lines = rows.lines();
    let mut text = format!("{},day\n", lines.next().unwrap());
    for (i, line) in lines.enumerate() {
        let day = i / per_day;
        let (age, rest) = line.split_once(',').unwrap();
        let older = if day % 7 >= 5 { 40 } else { 0 };
        let age = age.parse::<u32>().map_or(age.to_owned(), |age| (age + older).to_string());
        // 2024-01-01 was a Monday.
        let _ = writeln!(text, "{age},{rest},2024-01-{:02}", 1 + day);
    }
    text
}

#[test]
fn weekends_are_held_against_weekends() {
    let folder = with_model();
    let all = in_days(28, 60);
    let lines: Vec<&str> = all.lines().collect();
    let of = |from: usize, to: usize| {
        let rows = lines[1 + from * 60..=to * 60].join("\n");
        format!("{}\n{rows}\n", lines[0])
    };
    folder.write("old.csv", of(0, 21)).write("new.csv", of(26, 28));
    let args = ["--reference", "old.csv", "--time-column", "day"];
    let plain = monitor(&folder, &args);
    assert_eq!(plain["columns"][0]["drifted"], true, "{:#}", plain["verdict"]);
    let notes = plain["notes"].to_string();
    assert!(notes.contains("--season weekday"), "{notes}");
    for season in ["weekday", "auto"] {
        let found = monitor(&folder, &[&args[..], &["--season", season]].concat());
        assert_eq!(found["columns"][0]["drifted"], false, "{:#}", found["verdict"]);
        assert_eq!(found["season"]["season"], "weekday");
        assert_eq!(found["season"]["n_effective"], 360);
    }
    let args = [&args[..], &["--season", "weekday", "-q"]].concat();
    let text = folder.run(&[&["monitor", "model", "new.csv"], &args[..]].concat()).done();
    assert!(text.contains("by weekday"), "{text}");
}
