//! Why rows are predicted so: reasons add up, are the same in every form, and have limits.

use serde_json::{Value, json};

use crate::harness::{Running, artifacts, beside, objects, settings};

/// Models of the present format, whose files know what training data were like.
const MODELS: [&str; 4] =
    ["v3-binary-calibrated", "v3-multiclass-sets", "v3-regression-intervals", "v2-binary-forest"];

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn reasons_of_every_column_add_up_to_the_prediction() {
    let running = Running::start(settings(&[&artifacts()]));
    let mut client = running.client();
    for name in MODELS {
        let rows = objects(name);
        let body = json!({ "instances": rows }).to_string();
        let answer = client.post(&format!("/v1/models/{name}:explain"), body).ok();
        let all = answer["explanations"].as_array().unwrap();
        assert_eq!(all.len(), rows.len(), "{name}");
        for (row, why) in all.iter().enumerate() {
            let subject = &why["reasons_for"];
            let effects = why["reasons"].as_array().unwrap().iter().map(|r| number(&r["effect"]));
            let sum = number(&subject["base_value"]) + effects.sum::<f64>();
            let value = number(&subject["value"]);
            assert!((sum - value).abs() < 1e-9, "{name} row {row}: {sum} {value}");
            let given = match answer["probabilities"][row].as_array() {
                None => number(&answer["predictions"][row]),
                Some(p) if p.len() == 2 => number(&p[1]),
                Some(p) => p.iter().map(number).fold(0.0, f64::max),
            };
            assert!((given - value).abs() < 1e-12, "{name} row {row}: {given} {value}");
        }
    }
}

#[test]
fn a_row_has_the_same_reasons_alone_in_a_list_and_in_a_table() {
    let running = Running::start(settings(&[&artifacts()]));
    let mut client = running.client();
    for name in MODELS {
        let rows = objects(name);
        let path = format!("/models/{name}/predict?explain=2");
        let list = client.post(&path, json!(rows).to_string()).ok();
        let csv = std::fs::read(beside(name, "rows.csv")).unwrap();
        let table = client.post_as(&path, "text/csv", csv).text();
        let head = table.lines().next().unwrap();
        assert!(head.ends_with(",reason_1,reason_2"), "{head}");
        for (row, object) in rows.iter().enumerate().take(3) {
            let alone = client.post(&path, object.to_string()).ok();
            let in_list = &list["predictions"][row];
            assert_eq!(alone["reasons"], in_list["reasons"], "{name} row {row}");
            assert_eq!(alone["reasons_for"], in_list["reasons_for"]);
            let reasons = alone["reasons"].as_array().unwrap();
            assert!(!reasons.is_empty() && reasons.len() <= 2);
            let line = table.lines().nth(row + 1).unwrap();
            for reason in reasons {
                let text = reason["text"].as_str().unwrap();
                assert!(line.contains(&text.replace('"', "\"\"")), "{line} {text}");
            }
        }
    }
}

#[test]
fn what_cannot_be_explained_is_refused_and_a_bad_row_has_no_reasons() {
    let running = Running::start(settings(&[&artifacts()]));
    let mut client = running.client();
    let row = objects("v2-binary").remove(0);
    for wish in ["-1", "many", "101"] {
        let path = format!("/models/v2-binary/predict?explain={wish}");
        let refused = client.post(&path, row.to_string());
        assert_eq!(refused.status, 400, "{wish}");
        assert!(refused.text().contains("at most 100"), "{}", refused.text());
    }
    let path = "/models/v2-binary/predict";
    let none = client.post(&format!("{path}?explain=0"), row.to_string()).ok();
    assert_eq!(none["reasons"], Value::Null);
    let many = json!(vec![&row; 1001]).to_string();
    client.post(path, &many).ok();
    let refused = client.post(&format!("{path}?explain"), many);
    assert_eq!(refused.status, 413);
    assert!(refused.text().contains("at most 1000 rows"), "{}", refused.text());
    let mixed = json!({ "instances": [row, { "age": "old" }, row] }).to_string();
    let answer = client.post("/v1/models/v2-binary:explain?on_error=null", mixed).ok();
    assert_eq!(answer["explanations"][1], Value::Null);
    assert_eq!(answer["explanations"][0], answer["explanations"][2]);
    let metrics = client.get("/metrics").text();
    let line = "modelwright_rows_explained_total{model=\"v2-binary\",version=\"1\"} 2";
    assert!(metrics.lines().any(|l| l == line), "{metrics}");
}

#[test]
fn a_model_without_an_account_of_usual_rows_says_so_and_does_not_offer_it() {
    let running = Running::start(settings(&[&artifacts()]));
    let mut client = running.client();
    let row = objects("v2-binary").remove(0).to_string();
    let path = "/models/v2-binary/predict";
    for (wish, said) in [("?unusual", "does not tell"), ("?unusual=very", "`true` or `false`")] {
        let refused = client.post(&format!("{path}{wish}"), row.clone());
        assert_eq!(refused.status, 400, "{wish}");
        assert!(refused.text().contains(said), "{}", refused.text());
    }
    let none = client.post(&format!("{path}?unusual=false"), row).ok();
    assert_eq!(none["unusualness"], Value::Null);
    let described = client.get("/openapi.json").ok();
    let parameters = described["paths"][path]["post"]["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|parameter| parameter["name"] == "explain"));
    assert!(parameters.iter().all(|parameter| parameter["name"] != "unusual"));
}
