//! Rows that are unlike training show as gauges, soon and without an answer that waits.

use serde_json::{Value, json};

use crate::harness::{Client, Running, artifacts, objects, settings};

const MODEL: &str = "v3-binary-calibrated";

/// The value of a gauge of the model, or of a column where one is named, once so many rows were
/// looked at.
fn gauge(client: &mut Client, n_rows: usize, start: &str, column: &str) -> Option<f64> {
    let is_there = format!("modelwright_drift_rows{{model=\"{MODEL}\",version=\"1\"}} {n_rows}");
    for _ in 0..1500 {
        let text = client.get("/metrics").text();
        if text.lines().any(|line| line == is_there) {
            let named = format!("column=\"{column}\"");
            let of_column = if column.is_empty() { "" } else { &named };
            let is_it =
                |l: &&str| l.starts_with(start) && l.contains(MODEL) && l.contains(of_column);
            let line = text.lines().find(is_it)?;
            return line.rsplit(' ').next()?.parse().ok();
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{n_rows} rows were not looked at");
}

#[test]
fn rows_unlike_training_become_gauges_of_drift() {
    let running = Running::start(settings(&[&artifacts()]));
    let mut client = running.client();
    let path = format!("/models/{MODEL}/predict");
    let row = objects(MODEL).remove(0);
    let (number, text) = ("age", "plan");
    let mut strange = row.clone();
    (strange[number], strange[text]) = (json!(1e6), Value::Null);
    client.post(&path, json!(vec![&strange; 150]).to_string()).ok();
    let mut value = |start: &str, column: &str| gauge(&mut client, 150, start, column);
    assert_eq!(value("modelwright_column_drifted{", number), Some(1.0));
    // Of some measures a small score means drift: they are p-values.
    assert!(value("modelwright_column_drift_score{", number).unwrap().is_finite());
    assert!(value("modelwright_column_drift_threshold{", number).unwrap() > 0.0);
    assert_eq!(value("modelwright_column_outside_share{", number), Some(1.0));
    // Rows that are all the same show nothing of an order.
    assert_eq!(value("modelwright_column_effective_rows{", number), Some(150.0));
    assert_eq!(value("modelwright_column_missing_share{", text), Some(1.0));
    assert!(value("modelwright_column_training_missing_share{", text).unwrap() < 0.5);
    strange[text] = json!("never seen");
    client.post(&path, json!(vec![&strange; 150]).to_string()).ok();
    assert_eq!(gauge(&mut client, 300, "modelwright_column_unseen_share{", text), Some(0.5));
}

#[test]
fn more_rows_than_can_be_looked_at_are_thinned_and_few_have_no_score() {
    let running = Running::start(settings(&[&artifacts()]));
    let mut client = running.client();
    let path = format!("/models/{MODEL}/predict");
    let row = objects(MODEL).remove(0);
    let number =
        |client: &mut Client, n| gauge(client, n, "modelwright_column_drift_score{", "age");
    client.post(&path, json!(vec![&row; 20]).to_string()).ok();
    assert_eq!(number(&mut client, 20), None);
    // A second of its own, whose budget is whole.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    client.post(&path, json!(vec![&row; 3000]).to_string()).ok();
    assert!(number(&mut client, 1020).is_some());
}

#[test]
fn rows_that_are_like_those_before_them_count_as_fewer() {
    let running = Running::start(settings(&[&artifacts()]));
    let mut client = running.client();
    let row = objects(MODEL).remove(0);
    let lingering = (0..600).map(|i| {
        let mut row = row.clone();
        row["age"] = json!(20 + (i / 25) * 7919 % 53);
        row
    });
    let body = Value::Array(lingering.collect());
    client.post(&format!("/models/{MODEL}/predict"), body.to_string()).ok();
    let mut value = |start: &str, column: &str| gauge(&mut client, 600, start, column).unwrap();
    let of_column = value("modelwright_column_effective_rows{", "age");
    assert!(of_column < 200.0, "{of_column}");
    assert_eq!(value("modelwright_column_effective_rows{", "plan"), 600.0);
    assert!(value("modelwright_drift_effective_rows{", "") <= of_column);
}
