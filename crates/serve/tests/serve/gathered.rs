//! Single rows of many requests at a time, predicted together: the answers are those of each alone.

use std::time::Duration;

use modelwright_serve::{Limits, Settings};
use serde_json::json;

use crate::harness::{Running, artifacts, names, objects, settings};

fn running(gathered_time_min: Duration) -> Running {
    let limits = Limits { gathered_time_min, ..Limits::default() };
    Running::start(Settings { limits, ..settings(&[&artifacts()]) })
}

/// How many rows of all models were predicted together with others.
fn n_gathered(running: &Running) -> u64 {
    let metrics = running.client().get("/metrics").text();
    let lines = metrics.lines().filter(|l| l.starts_with("modelwright_gathered_rows_total{"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// What is answered of the rows of a model, one by one, by both protocols.
fn asked_one_by_one(running: &Running, name: &str) -> Vec<String> {
    let mut client = running.client();
    let mut answers = Vec::new();
    for row in objects(name) {
        let body = row.to_string();
        let id = [("x-request-id", "a")];
        let path = format!("/models/{name}/predict");
        answers.push(client.send("POST", &path, &id, body.as_bytes()).unwrap().text());
        let input = |(name, value): (&String, &serde_json::Value)| {
            let datatype = if value.is_number() { "FP64" } else { "BYTES" };
            json!({ "name": name, "shape": [1], "datatype": datatype, "data": [value] })
        };
        let inputs: Vec<_> = row.as_object().unwrap().iter().map(input).collect();
        let body = json!({ "inputs": inputs, "id": "b" }).to_string();
        let path = format!("/v2/models/{name}/infer");
        answers.push(client.send("POST", &path, &id, body.as_bytes()).unwrap().text());
    }
    answers
}

#[test]
fn rows_that_are_predicted_together_are_answered_as_alone() {
    let (alone, together) = (running(Duration::MAX), running(Duration::ZERO));
    for name in names() {
        let wanted = asked_one_by_one(&alone, &name);
        std::thread::scope(|scope| {
            let ask = || scope.spawn(|| asked_one_by_one(&together, &name));
            let asking: Vec<_> = (0..6).map(|_| ask()).collect();
            for one in asking {
                assert_eq!(one.join().unwrap(), wanted, "{name}");
            }
        });
    }
    assert_eq!(n_gathered(&alone), 0);
    assert!(n_gathered(&together) > 0, "no two rows were predicted together");
}
