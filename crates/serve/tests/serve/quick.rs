//! The quick way of single rows says what the general way says, to the byte.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Running, artifacts, names, objects, settings};

/// How many requests of a model went the quick way so far.
fn n_quick(client: &mut Client, name: &str) -> u64 {
    let metrics = client.get("/metrics").text();
    let start = format!("modelwright_quick_requests_total{{model=\"{name}\",version=\"1\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
}

fn post(client: &mut Client, path: &str, body: &str) -> Answer {
    // The same id, so that answers are the same to the byte.
    client.send("POST", path, &[("x-request-id", "a")], body.as_bytes()).unwrap()
}

/// Asks both ways; whether the first was quick.
fn ask_both(client: &mut Client, name: &str, body: &str) -> bool {
    let before = n_quick(client, name);
    let given = post(client, &format!("/models/{name}/predict"), body);
    let was_quick = n_quick(client, name) > before;
    let general = post(client, &format!("/models/{name}/predict?on_error=fail"), body);
    assert_eq!(n_quick(client, name), before + u64::from(was_quick));
    assert_eq!((given.status, given.text()), (general.status, general.text()), "{name} {body}");
    was_quick
}

/// A row as a request of the Open Inference Protocol.
fn tensors(row: &Value) -> Value {
    let input = |(name, value): (&String, &Value)| {
        let datatype = if value.is_number() { "FP64" } else { "BYTES" };
        json!({ "name": name, "shape": [1], "datatype": datatype, "data": [value] })
    };
    json!({ "inputs": row.as_object().unwrap().iter().map(input).collect::<Vec<_>>() })
}

#[test]
fn rows_of_every_kind_of_model_are_answered_alike_both_ways() {
    let running = Running::start(settings(&[&artifacts()]));
    let mut client = running.client();
    let mut n_whole = 0;
    for name in names() {
        let mut n = 0;
        for row in objects(&name) {
            n += u32::from(ask_both(&mut client, &name, &row.to_string()));
            let before = n_quick(&mut client, &name);
            let mut request = tensors(&row);
            request["id"] = "a\"é".into();
            let path = format!("/v2/models/{name}/infer");
            let quick = post(&mut client, &path, &request.to_string());
            n += (n_quick(&mut client, &name) - before) as u32;
            let general = post(&mut client, &format!("{path}?on_error=fail"), &request.to_string());
            assert_eq!(quick.status, general.status, "{}", quick.text());
            let answer = |answer: &Answer| {
                let mut answer = answer.json();
                // A refusal names the request as the server numbered it.
                answer.as_object_mut().unwrap().remove("request_id");
                answer
            };
            assert_eq!(answer(&quick), answer(&general), "{name} {row}");
            // What only the reader of whole requests takes is then quick all the same.
            request["parameters"] = json!({ "content_type": "pd" });
            let before = n_quick(&mut client, &name);
            let read_whole = post(&mut client, &path, &request.to_string());
            assert_eq!(read_whole.status, general.status, "{}", read_whole.text());
            let data = |answer: &Answer| -> Vec<Value> {
                let outputs = answer.json()["outputs"].as_array().cloned().unwrap_or_default();
                outputs.iter().map(|output| output["data"].clone()).collect()
            };
            assert_eq!(data(&read_whole), data(&general), "{name} {row}");
            n_whole += n_quick(&mut client, &name) - before;
        }
        assert!(n > 0 || name.contains("fair"), "{name}: no row went the quick way");
    }
    assert!(n_whole > 0, "no row of a whole request went the quick way");
}

#[test]
fn whatever_is_not_plain_is_answered_as_ever() {
    let running = Running::start(settings(&[&artifacts()]));
    let mut client = running.client();
    for name in names() {
        let rows = objects(&name);
        let row = rows[0].as_object().unwrap();
        for column in row.keys() {
            for value in [
                json!(null),
                json!(true),
                json!(1e300),
                json!(-0.0),
                json!(""),
                json!(" NA "),
                json!("never \u{e9} seen"),
                json!([1]),
                json!({ "a": 1 }),
                json!(9_007_199_254_740_993_u64),
                json!("2024-02-30"),
            ] {
                let mut changed = row.clone();
                changed.insert(column.clone(), value);
                ask_both(&mut client, &name, &Value::from(changed).to_string());
            }
            let mut less = row.clone();
            less.remove(column);
            ask_both(&mut client, &name, &Value::from(less).to_string());
            let twice = format!("{{\"{column}\": 1, \"{column}\": 2}}");
            assert!(!ask_both(&mut client, &name, &twice));
        }
        let text = Value::from(row.clone()).to_string();
        let values = Value::from(row.values().cloned().collect::<Vec<_>>()).to_string();
        for (body, is_quick) in [
            (format!(" \n{text} "), true),
            (text.replacen('{', "{\"not a column\": [1, {\"b\": 2}], ", 1), true),
            (format!("{text}x"), false),
            (format!("[{text}]"), false),
            (text[1..].to_owned(), false),
            ("{}".to_owned(), false),
            (values, false),
        ] {
            let was_quick = ask_both(&mut client, &name, &body);
            assert!(!was_quick || is_quick, "{name} {body}");
        }
    }
}

#[test]
fn requests_that_want_more_than_predictions_go_the_general_way() {
    let running = Running::start(settings(&[&artifacts().join("v2-binary.mw")]));
    let mut client = running.client();
    let row = objects("v2-binary")[0].to_string();
    let before = n_quick(&mut client, "v2-binary");
    for (query, headers) in [
        ("?explain=2", [("accept", "*/*")]),
        ("?on_error=null", [("accept", "*/*")]),
        ("", [("accept", "text/csv")]),
        ("", [("content-type", "application/x-ndjson")]),
    ] {
        let path = format!("/predict{query}");
        let answer = client.send("POST", &path, &headers, row.as_bytes()).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(n_quick(&mut client, "v2-binary"), before);
    client.post("/predict?version=1", &row).ok();
    assert_eq!(n_quick(&mut client, "v2-binary"), before + 1);
}
