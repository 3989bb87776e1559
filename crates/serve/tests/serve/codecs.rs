//! Values as MLServer's clients encode them: its `content_type`.

use serde_json::{Value, json};

use crate::harness::{Running, artifacts, objects, settings};

const PATH: &str = "/v2/models/v2-binary/infer";
const COLUMNS: [&str; 4] = ["age", "plan", "joined", "spent"];

/// A request with one input per column of some rows, `[N, 1]` as MLServer writes shapes; `change`
/// gives an input's data and its content type, if it has one.
fn request(n: usize, change: impl Fn(&str, Vec<Value>) -> (Vec<Value>, Option<&str>)) -> Value {
    let rows = &objects("v2-binary")[..n];
    let input = |name: &&str| {
        let (data, content_type) = change(name, rows.iter().map(|r| r[*name].clone()).collect());
        let datatype = if data[0].is_number() { "FP64" } else { "BYTES" };
        let mut input =
            json!({ "name": name, "shape": [n, 1], "datatype": datatype, "data": data });
        if let Some(content_type) = content_type {
            input["parameters"] = json!({ "content_type": content_type });
        }
        input
    };
    json!({ "inputs": COLUMNS.iter().map(input).collect::<Vec<_>>() })
}

fn texts(data: &[Value], encode: impl Fn(&str) -> String) -> Vec<Value> {
    data.iter().map(|value| value.as_str().map_or(Value::Null, |t| encode(t).into())).collect()
}

#[test]
fn values_of_every_codec_are_answered_as_the_values_themselves() {
    use base64::Engine;
    let running = Running::start(settings(&[&artifacts()]));
    let mut client = running.client();
    for n in [1, 5] {
        let plain = request(n, |_, data| (data, None));
        let wanted = client.post(PATH, plain.to_string()).ok();
        assert!(wanted["outputs"][0].get("parameters").is_none(), "nobody asked for codecs");
        let base64 = |t: &str| base64::engine::general_purpose::STANDARD.encode(t);
        let mut of_frame = request(n, |name, data| match name {
            "plan" => (data, Some("str")),
            "joined" => (data, Some("datetime")),
            _ => (data, None),
        });
        of_frame["parameters"] = json!({ "content_type": "pd" });
        let encoded = request(n, |name, data| match name {
            "plan" | "joined" => (texts(&data, base64), Some("base64")),
            _ => (data, Some("np")),
        });
        let of_json = request(n, |name, data| match name {
            "plan" => (data.iter().map(|v| v.to_string().into()).collect(), Some("pd_json")),
            _ => (data, None),
        });
        for body in [of_frame, encoded, of_json] {
            let answer = client.post(PATH, body.to_string()).ok();
            for (output, codec) in [(0, "str"), (1, "np")] {
                let found = &answer["outputs"][output];
                assert_eq!(found["data"], wanted["outputs"][output]["data"], "{body}");
                assert_eq!(found["parameters"]["content_type"], codec);
            }
            // A client would take it for the form of the whole answer.
            assert!(answer["parameters"]["content_type"].is_null(), "{answer}");
        }
    }
}

#[test]
fn a_codec_of_the_request_is_for_the_inputs_that_name_none() {
    use base64::Engine;
    let running = Running::start(settings(&[&artifacts()]));
    let mut client = running.client();
    let wanted = client.post(PATH, request(3, |_, data| (data, None)).to_string()).ok();
    let base64 = |t: &str| base64::engine::general_purpose::STANDARD.encode(t);
    let mut body = request(3, |name, data| match name {
        "plan" => (texts(&data, base64), None),
        "joined" => (data, Some("str")),
        _ => (data, None),
    });
    body["parameters"] = json!({ "content_type": "base64" });
    let answer = client.post(PATH, body.to_string()).ok();
    assert_eq!(answer["outputs"][1]["data"], wanted["outputs"][1]["data"]);
}

#[test]
fn what_cannot_be_decoded_is_refused_with_its_input() {
    let running = Running::start(settings(&[&artifacts()]));
    let mut client = running.client();
    for (value, content_type, says) in [
        ("{", "pd_json", "value 1 cannot be decoded"),
        ("[1]", "pd_json", "value 1 cannot be decoded"),
        ("/w==", "base64", "no text in UTF-8"),
        ("basic", "hg_json", "content_type"),
    ] {
        let body = request(1, |name, data| match name {
            "plan" => (vec![value.into()], Some(content_type)),
            _ => (data, None),
        });
        let answer = client.post(PATH, body.to_string());
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains(says), "{}", answer.text());
    }
}
