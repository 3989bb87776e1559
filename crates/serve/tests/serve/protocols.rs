//! Every protocol gives what `modelwright predict` gave, bit by bit.

use std::fs;

use modelwright_core::Context;
use modelwright_io::{ReadOptions, TableWriter, read_path};
use serde_json::{Value, json};

use crate::harness::{
    Client, Running, artifacts, beside, names, objects, read_csv, settings, value,
};

/// What a model is known to predict: label or value, and probabilities, as texts.
fn known(name: &str) -> Vec<(String, Vec<String>)> {
    let (names, rows) = read_csv(&beside(name, "predictions.csv"));
    let is_probability: Vec<bool> = names.iter().map(|n| n.starts_with("probability_")).collect();
    let of_row = |row: &Vec<String>| {
        let probabilities = row.iter().zip(&is_probability).filter(|(_, is)| **is);
        (row[0].clone(), probabilities.map(|(text, _)| text.clone()).collect())
    };
    rows.iter().map(of_row).collect()
}

/// A JSON value as a CSV has it; numbers bit by bit.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.as_f64().unwrap().to_string(),
    }
}

fn is_same(given: &Value, known: &str) -> bool {
    text(given) == known || known.parse().ok() == given.as_f64()
}

fn check_objects(given: &[Value], name: &str, what: &str) {
    let known = known(name);
    assert_eq!(given.len(), known.len(), "{name} {what}");
    for (given, (label, probabilities)) in given.iter().zip(&known) {
        assert!(is_same(&given["prediction"], label), "{name} {what}: {given} {label}");
        if !probabilities.is_empty() {
            let given: Vec<&Value> = given["probabilities"].as_object().unwrap().values().collect();
            for (given, known) in given.iter().zip(probabilities) {
                assert!(is_same(given, known), "{name} {what}: {given} {known}");
            }
        }
    }
}

/// Flat predictions and probabilities, as v1 and v2 give them.
fn check_flat(predictions: &Value, probabilities: &Value, name: &str, what: &str) {
    let known = known(name);
    let labels = predictions.as_array().unwrap();
    assert_eq!(labels.len(), known.len(), "{name} {what}");
    for (given, (label, _)) in labels.iter().zip(&known) {
        assert!(is_same(given, label), "{name} {what}: {given} {label}");
    }
    let wanted: Vec<&String> = known.iter().flat_map(|(_, p)| p).collect();
    let mut given = Vec::new();
    flatten(probabilities, &mut given);
    assert_eq!(given.len(), wanted.len(), "{name} {what}");
    for (given, known) in given.iter().zip(wanted) {
        assert!(is_same(given, known), "{name} {what}: {given} {known}");
    }
}

fn flatten(value: &Value, all: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, all)),
        Value::Null => {}
        other => all.push(other.clone()),
    }
}

fn running() -> Running {
    Running::start(settings(&[&artifacts()]))
}

#[test]
fn files_give_the_predictions_that_they_always_gave() {
    let running = running();
    let mut client = running.client();
    for name in names() {
        let csv = fs::read(beside(&name, "rows.csv")).unwrap();
        let (columns, known) = read_csv(&beside(&name, "predictions.csv"));
        let answer = client.post_as(&format!("/models/{name}/predict"), "text/csv", &csv);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let path = std::env::temp_dir().join(format!("mw-{name}-{}.csv", std::process::id()));
        fs::write(&path, &answer.body).unwrap();
        let (own_columns, given) = read_csv(&path);
        // The known file has intervals too, which are given when asked for.
        assert_eq!(own_columns[..], columns[..own_columns.len()]);
        for (given, known) in given.iter().zip(&known) {
            assert_eq!(given[..], known[..given.len()], "{name}");
        }
        fs::remove_file(&path).unwrap();

        let ctx = Context::unlimited(0, 1);
        let file = read_path(&beside(&name, "rows.csv"), &ReadOptions::default(), &ctx).unwrap();
        let mut writer = TableWriter::parquet(Vec::new());
        writer.write(&file.table).unwrap();
        let parquet = writer.finish().unwrap();
        let path = format!("/models/{name}/predict");
        let headers = [("accept", "text/csv")];
        let answer_of_parquet = client.send("POST", &path, &headers, &parquet).unwrap();
        assert_eq!(answer_of_parquet.text(), answer.text(), "{name}");
    }
}

#[test]
fn rows_of_json_give_the_same_one_by_one_as_list_and_as_lines() {
    let running = running();
    let mut client = running.client();
    for name in names() {
        let path = format!("/models/{name}/predict");
        let rows = objects(&name);
        let list = client.post(&path, json!(rows).to_string()).ok();
        check_objects(list["predictions"].as_array().unwrap(), &name, "list");
        assert_eq!((list["model"].as_str(), list["version"].as_u64()), (Some(&*name), Some(1)));
        let one = |row: &Value| client.post(&path, row.to_string()).ok();
        let single: Vec<Value> = rows.iter().map(one).collect();
        check_objects(&single, &name, "single");
        let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
        let answer = client.post(&path, lines.join("\n"));
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        let text = answer.text();
        let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        check_objects(&lines, &name, "lines");
    }
}

#[test]
fn kserve_v1_and_mlflow_give_the_same() {
    let running = running();
    let mut client = running.client();
    for name in names() {
        let rows = objects(&name);
        let (columns, texts) = read_csv(&beside(&name, "rows.csv"));
        let data: Vec<Vec<Value>> =
            texts.iter().map(|row| row.iter().map(|t| value(t)).collect()).collect();
        let by_column: serde_json::Map<String, Value> = columns
            .iter()
            .enumerate()
            .map(|(c, n)| (n.clone(), data.iter().map(|row| row[c].clone()).collect()))
            .collect();
        let bodies = [
            json!({ "instances": rows }),
            json!({ "inputs": by_column }),
            json!({ "dataframe_records": rows }),
            json!({ "dataframe_split": { "columns": columns, "data": data } }),
            json!({ "dataframe_split": { "data": data, "index": [0], "columns": columns } }),
        ];
        for (i, body) in bodies.iter().enumerate() {
            let path = match i {
                0 | 1 => format!("/v1/models/{name}:predict"),
                _ => format!("/invocations?model={name}"),
            };
            let answer = client.post(&path, body.to_string()).ok();
            check_flat(&answer["predictions"], &answer["probabilities"], &name, &path);
        }
        // MLflow's server answers a CSV with JSON; who wants a CSV says so.
        let path = format!("/invocations?model={name}");
        let csv = std::fs::read(beside(&name, "rows.csv")).unwrap();
        let send = |client: &mut Client, headers: &[(&str, &str)]| {
            client.send("POST", &path, headers, &csv).unwrap()
        };
        let answer = send(&mut client, &[("content-type", "text/csv")]).ok();
        check_flat(&answer["predictions"], &answer["probabilities"], &name, &path);
        let asked = send(&mut client, &[("content-type", "text/csv"), ("accept", "text/csv")]);
        assert!(asked.header("content-type").unwrap().starts_with("text/csv"));
    }
    // A frame without names counts its columns.
    let body = json!({ "dataframe_split": { "columns": [0, 1], "data": [[1, 2]] } });
    let refused = client.post("/invocations?model=v2-binary", body.to_string());
    assert!(refused.status == 422 && refused.text().contains("column: age"), "{}", refused.text());
}

/// The columns of a model as tensors, JSON or binary.
fn tensors(client: &mut Client, name: &str, is_binary: bool) -> (Value, Vec<u8>) {
    let metadata = client.get(&format!("/v2/models/{name}")).ok();
    let (columns, rows) = read_csv(&beside(name, "rows.csv"));
    let (mut inputs, mut tail) = (Vec::new(), Vec::new());
    for input in metadata["inputs"].as_array().unwrap() {
        let c = columns.iter().position(|n| input["name"] == **n).unwrap();
        let texts: Vec<&str> = rows.iter().map(|row| row[c].as_str()).collect();
        let is_number = input["datatype"] == "FP64";
        let mut tensor =
            json!({ "name": columns[c], "shape": [rows.len()], "datatype": input["datatype"] });
        let before = tail.len();
        for text in &texts {
            if is_number {
                tail.extend(text.parse().unwrap_or(f64::NAN).to_le_bytes());
            } else {
                tail.extend((text.len() as u32).to_le_bytes());
                tail.extend(text.as_bytes());
            }
        }
        if is_binary {
            tensor["parameters"] = json!({ "binary_data_size": tail.len() - before });
        } else {
            let text = |text: &&str| if is_number { value(text) } else { json!(text) };
            tensor["data"] = texts.iter().map(text).collect();
        }
        inputs.push(tensor);
    }
    if !is_binary {
        tail.clear();
    }
    (json!({ "id": "a-1", "inputs": inputs, "parameters": { "mine": 7 } }), tail)
}

#[test]
fn the_open_inference_protocol_gives_the_same_as_json_and_as_bytes() {
    let running = running();
    let mut client = running.client();
    for name in names() {
        let path = format!("/v2/models/{name}/infer");
        for is_binary in [false, true] {
            let (request, tail) = tensors(&mut client, &name, is_binary);
            let json = request.to_string();
            let length = json.len().to_string();
            let body = [json.as_bytes(), &tail].concat();
            let headers = [("inference-header-content-length", length.as_str())];
            let headers = if is_binary { &headers[..] } else { &[] };
            let answer = client.send("POST", &path, headers, &body).unwrap().ok();
            assert_eq!(answer["id"], "a-1");
            assert_eq!(answer["parameters"]["mine"], 7);
            assert_eq!(answer["model_version"], "1");
            let outputs = &answer["outputs"];
            assert_eq!(outputs[0]["name"], "prediction");
            check_flat(&outputs[0]["data"], &outputs[1]["data"], &name, "v2");
        }
    }
}

#[test]
fn outputs_can_be_chosen_and_come_as_bytes() {
    let running = running();
    let mut client = running.client();
    let (mut request, _) = tensors(&mut client, "v2-binary", false);
    request["outputs"] =
        json!([{ "name": "probabilities", "parameters": { "binary_data": true } }]);
    let answer = client.post("/v2/models/v2-binary/versions/1/infer", request.to_string());
    let length: usize = answer.header("inference-header-content-length").unwrap().parse().unwrap();
    let head: Value = serde_json::from_slice(&answer.body[..length]).unwrap();
    let n_rows = known("v2-binary").len();
    assert_eq!(head["outputs"][0]["shape"], json!([n_rows, 2]));
    let bytes = &answer.body[length..];
    assert_eq!(head["outputs"][0]["parameters"]["binary_data_size"], bytes.len());
    let given: Vec<f64> =
        bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
    let wanted: Vec<f64> =
        known("v2-binary").iter().flat_map(|(_, p)| p).map(|t| t.parse().unwrap()).collect();
    assert_eq!(given, wanted);
}

#[test]
fn the_most_probable_classes_come_as_texts_where_they_are_asked_for() {
    let running = running();
    let mut client = running.client();
    let path = "/v2/models/v2-multiclass/infer";
    let (mut request, _) = tensors(&mut client, "v2-multiclass", false);
    let whole = client.post(path, request.to_string()).ok();
    let n_rows = known("v2-multiclass").len();
    let n_classes = whole["outputs"][1]["shape"][1].as_u64().unwrap() as usize;
    let labels = &client.get("/v2/models/v2-multiclass").ok()["outputs"][1]["parameters"];
    let p: Vec<f64> = whole["outputs"][1]["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.as_f64().unwrap())
        .collect();
    let texts = |n: usize| -> Vec<String> {
        let of_row = |p: &[f64]| {
            let mut order: Vec<usize> = (0..p.len()).collect();
            order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
            let label = |c: usize| labels["classes"][c].as_str().unwrap().to_owned();
            order.into_iter().take(n).map(|c| format!("{:.6}:{c}:{}", p[c], label(c))).collect()
        };
        p.chunks(n_classes).flat_map(|p| -> Vec<String> { of_row(p) }).collect()
    };
    for (asked, n) in [(2, 2), (99, n_classes)] {
        request["outputs"] =
            json!([{ "name": "probabilities", "parameters": { "classification": asked } }]);
        let output = &client.post(path, request.to_string()).ok()["outputs"][0];
        assert_eq!((&output["datatype"], &output["shape"]), (&json!("BYTES"), &json!([n_rows, n])));
        assert_eq!(output["data"], json!(texts(n)));
    }
    request["outputs"][0]["parameters"]["binary_data"] = json!(true);
    let answer = client.post(path, request.to_string());
    let length: usize = answer.header("inference-header-content-length").unwrap().parse().unwrap();
    let mut bytes = &answer.body[length..];
    for text in texts(n_classes) {
        let (n, rest) = bytes.split_at(4);
        let n = u32::from_le_bytes(n.try_into().unwrap()) as usize;
        assert_eq!(&rest[..n], text.as_bytes());
        bytes = &rest[n..];
    }
    assert!(bytes.is_empty());
    request["outputs"][0]["parameters"] = json!({ "classification": 0 });
    let output = &client.post(path, request.to_string()).ok()["outputs"][0];
    assert_eq!(output["data"], whole["outputs"][1]["data"], "0 asks for the output itself");
}

#[test]
fn one_tensor_of_all_columns_is_taken_in_the_order_of_the_metadata() {
    let running = running();
    let mut client = running.client();
    let metadata = client.get("/v2/models/v2-binary").ok();
    let (columns, rows) = read_csv(&beside("v2-binary", "rows.csv"));
    let order: Vec<usize> = metadata["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| columns.iter().position(|n| i["name"] == **n).unwrap())
        .collect();
    let data: Vec<Vec<&str>> =
        rows.iter().map(|row| order.iter().map(|c| row[*c].as_str()).collect()).collect();
    let body = json!({ "inputs": [{ "name": "all", "shape": [rows.len(), order.len()],
                                    "datatype": "BYTES", "data": data }] });
    let answer = client.post("/v2/models/v2-binary/infer", body.to_string()).ok();
    check_flat(&answer["outputs"][0]["data"], &answer["outputs"][1]["data"], "v2-binary", "one");
}

#[test]
fn compressed_bodies_are_read_and_answers_are_compressed_when_wished() {
    use flate2::Compression;
    use std::io::Write;
    let running = running();
    let mut client = running.client();
    let rows = json!(objects("v2-multiclass")).to_string().into_bytes();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&rows).unwrap();
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
    deflate.write_all(&rows).unwrap();
    let path = "/models/v2-multiclass/predict";
    let plain = client.post(path, &rows).ok();
    for (name, body) in [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", deflate.finish().unwrap()),
        ("zstd", zstd::encode_all(&rows[..], 1).unwrap()),
    ] {
        let answer = client.send("POST", path, &[("content-encoding", name)], &body).unwrap();
        assert_eq!(answer.ok()["predictions"], plain["predictions"], "{name}");
    }
    let headers = [("accept-encoding", "br, gzip;q=0.5")];
    let answer = client.send("GET", "/openapi.json", &headers, b"").unwrap();
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert_eq!(answer.header("vary"), Some("accept-encoding"));
    // Also where it was sent as it is: a cache must not give it to those who asked for another.
    let plain = client.get("/openapi.json");
    assert_eq!(
        (plain.header("content-encoding"), plain.header("vary")),
        (None, Some("accept-encoding"))
    );
    assert_eq!(client.get("/v2/health/live").header("vary"), None, "too short to be packed");
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&answer.body[..]);
    std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn intervals_and_sets_are_given_when_asked_for() {
    let running = running();
    let mut client = running.client();
    let rows = json!(objects("v3-regression-intervals")).to_string();
    let answer = client.post("/models/v3-regression-intervals/predict?interval=0.9", &rows).ok();
    let (columns, known) = read_csv(&beside("v3-regression-intervals", "predictions.csv"));
    let low = columns.iter().position(|n| n == "prediction_lower_0.9").unwrap();
    for (given, known) in answer["predictions"].as_array().unwrap().iter().zip(&known) {
        assert!(is_same(&given["interval"]["low"], &known[low]));
        assert!(is_same(&given["interval"]["high"], &known[low + 1]));
    }
    let rows = json!(objects("v3-multiclass-sets")).to_string();
    let answer = client.post("/models/v3-multiclass-sets/predict?interval=0.95", &rows).ok();
    let (columns, known) = read_csv(&beside("v3-multiclass-sets", "predictions.csv"));
    let set = columns.iter().position(|n| n == "prediction_set_0.95").unwrap();
    for (given, known) in answer["predictions"].as_array().unwrap().iter().zip(&known) {
        assert_eq!(given["set"]["labels"].to_string(), known[set]);
    }
    let wrong = client.post("/models/v3-multiclass-sets/predict?interval=0.5", &rows);
    assert_eq!((wrong.status, wrong.json()["expected"].as_str()), (400, Some("one of 0.8, 0.95")));
    let none = client.post("/models/v2-binary/predict?interval=0.9", "{}");
    assert_ne!(none.status, 200);
}

#[test]
fn the_server_says_what_it_is_and_what_it_did() {
    let running = running();
    let mut client = running.client();
    let health = client.get("/v2/health/ready").ok();
    assert_eq!((&health["ready"], &health["live"]), (&json!(true), &json!(true)));
    assert_eq!(client.get("/v2/health/live").ok()["live"], true);
    assert_eq!(client.get("/ping").status, 200);
    assert_eq!(client.get("/v2/models/v2-binary/versions/1/ready").status, 200);
    assert_eq!(client.get("/v2/models/v2-binary/versions/2/ready").status, 404);
    assert_eq!(client.get("/v2").ok()["extensions"][0], "binary_tensor_data");
    assert_eq!(client.get("/v1/models/v2-binary").ok()["ready"], true);
    let index = client.post("/v2/repository/index", "{}").ok();
    assert_eq!(index.as_array().unwrap().len(), names().len());
    let metadata = client.get("/v2/models/v2-binary").ok();
    assert_eq!(metadata["outputs"][1]["parameters"]["classes"], json!(["no", "yes"]));
    assert_eq!(client.get("/v2/models/v2-binary/config").ok()["max_batch_size"], 0);
    let rows = json!(objects("v2-binary"));
    client.post("/models/v2-binary/predict", rows.to_string()).ok();
    client.post("/models/v2-binary/predict", "{");
    let stats = client.get("/v2/models/v2-binary/stats").ok();
    let stats = &stats["model_stats"][0];
    assert_eq!(stats["inference_count"], rows.as_array().unwrap().len());
    assert_eq!(stats["inference_stats"]["success"]["count"], 1);
    assert_eq!(stats["inference_stats"]["fail"]["count"], 1);
    let metrics = client.get("/metrics").text();
    for line in [
        "nv_inference_request_success{model=\"v2-binary\",version=\"1\"} 1",
        "modelwright_request_seconds_count{model=\"v2-binary\"} 2",
        "modelwright_http_responses_total{status=\"4xx\"} 2",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line}\n{metrics}");
    }
    let page = client.get("/docs");
    assert!(page.text().contains("src=\"docs/docs.js\""));
    assert!(!page.header("content-security-policy").unwrap().contains("script-src"));
    assert!(client.get("/docs/docs.js").text().contains("from \"./row_form.js\""));
    assert!(client.get("/docs/row_form.js").text().contains("\"form\""));
    assert_eq!(client.get("/docs/other.js").status, 404);
    let api = client.get("/openapi.json").ok();
    let example =
        &api["paths"]["/models/v2-binary/predict"]["post"]["x-modelwright-model"]["example"];
    client.post("/models/v2-binary/predict", example.to_string()).ok();
    // Numbers are short enough for people to read, and the page opens the model that answers.
    let schema = &api["components"]["schemas"]["v2-binary_row"]["properties"];
    for (name, column) in schema.as_object().unwrap() {
        let text = column["description"].as_str().unwrap();
        assert!(text.split(' ').all(|word| word.len() <= 13), "{name}: {text}");
    }
    let defaults = api["paths"].as_object().unwrap().values();
    let defaults = defaults.filter(|p| p["post"]["x-modelwright-model"]["default"] == true);
    assert_eq!(defaults.count(), 1);
}
