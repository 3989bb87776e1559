//! What is refused, and how it is said.

use modelwright_serve::{Keys, Limits, NewKey, Policy, RequestLogSettings, Settings};
use serde_json::{Value, json};
use std::time::Duration;

use crate::harness::{Client, Folder, Running, artifacts, beside, objects, settings};

const PATH: &str = "/models/v2-binary/predict";

fn running() -> Running {
    Running::start(settings(&[&artifacts()]))
}

fn row(change: impl Fn(&mut Value)) -> Value {
    let mut row = objects("v2-binary").remove(0);
    change(&mut row);
    row
}

#[test]
fn a_bad_value_is_named_with_row_column_expected_and_got() {
    let running = running();
    let mut client = running.client();
    let rows = json!([row(|_| {}), row(|r| r["age"] = json!("old"))]);
    let answer = client.post(PATH, rows.to_string());
    assert_eq!(answer.status, 422);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    assert_eq!((&problem["row"], &problem["column"]), (&json!(2), &json!("age")));
    assert_eq!((&problem["got"], &problem["status"]), (&json!("old"), &json!(422)));
    assert!(problem["expected"].as_str().unwrap().contains("a number"));
    assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"));
    let all = client.post(&format!("{PATH}?on_error=null"), rows.to_string()).ok();
    assert!(all["predictions"][0]["prediction"].is_string() && all["predictions"][1].is_null());
    assert_eq!(all["errors"][0]["row"], 2);
}

#[test]
fn a_number_that_is_too_large_is_named_with_its_row_and_column() {
    let running = running();
    let mut client = running.client();
    let good = row(|_| {}).to_string();
    let bad = good.replacen("\"age\":", "\"age\":1e999,\"other\":", 1);
    for (body, n) in [(bad.clone(), 1), (format!("[{good},{bad}]"), 2)] {
        let answer = client.post(PATH, body);
        assert_eq!(answer.status, 422, "{}", answer.text());
        let problem = answer.json();
        assert_eq!((&problem["row"], &problem["column"]), (&json!(n), &json!("age")));
    }
}

#[test]
fn a_parameter_that_is_none_is_refused_with_the_one_that_was_meant() {
    let running = running();
    let mut client = running.client();
    let body = row(|_| {}).to_string();
    let answer = client.post(&format!("{PATH}?exlpain=3"), &body);
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()["hint"], "did you mean `explain`?");
    assert_eq!(client.post(&format!("{PATH}?policy=reject"), &body).status, 400);
    client.post(&format!("{PATH}?version=1&explain=1"), &body).ok();
    let mut v2 = json!({ "inputs": [{ "name": "age", "shape": [1], "datatype": "FP64",
                                      "data": [3] }] });
    for (output, parameters, says) in [
        ("prediction", json!({ "classification": 2 }), "`classification` of the output"),
        ("probabilities", json!({ "classification": "two" }), "a whole number"),
        ("probabilities", json!({ "shared_memory_region": "a" }), "shared memory"),
        ("scores", json!({}), "prediction or probabilities"),
    ] {
        v2["outputs"] = json!([{ "name": output, "parameters": parameters }]);
        let answer = client.post("/v2/models/v2-binary/infer", v2.to_string());
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains(says), "{}", answer.text());
    }
}

#[test]
fn every_protocol_answers_the_good_rows_beside_bad_ones_when_wished() {
    let running = running();
    let mut client = running.client();
    let good = client.post(PATH, json!([row(|_| {})]).to_string()).ok();
    let label = &good["predictions"][0]["prediction"];
    let bad = row(|r| r["age"] = json!("old"));
    let rows = [row(|_| {}), bad, row(|_| {})];
    let v1 = json!({ "instances": rows }).to_string();
    let answer = client.post("/v1/models/v2-binary:predict?on_error=null", v1).ok();
    assert_eq!(answer["predictions"], json!([label, null, label]));
    let column = |name: &str| -> Value { rows.iter().map(|r| r[name].clone()).collect() };
    let inputs: Vec<Value> = ["age", "plan", "joined", "spent"]
        .map(|n| json!({ "name": n, "shape": [3], "datatype": "BYTES", "data": column(n) }))
        .to_vec();
    let mut v2 = json!({ "inputs": inputs });
    let path = "/v2/models/v2-binary/infer";
    let answer = client.post(&format!("{path}?on_error=null"), v2.to_string()).ok();
    assert_eq!(answer["outputs"][0]["data"], json!([label, null, label]));
    assert_eq!(answer["outputs"][1]["data"].as_array().unwrap().len(), 6);
    // As in gRPC, a parameter of the request says the same.
    v2["parameters"] = json!({ "on_error": "null", "mine": 1 });
    let by_parameter = client.post(path, v2.to_string()).ok();
    assert_eq!(by_parameter["outputs"], answer["outputs"]);
    assert_eq!(by_parameter["parameters"]["mine"], 1);
    assert_eq!(client.post(&format!("{path}?on_error=fail"), v2.to_string()).status, 422);
    v2["parameters"] = json!({ "on_error": "maybe" });
    assert_eq!(client.post(path, v2.to_string()).status, 400);
    let cells = |r: &Value| {
        ["age", "plan", "joined", "spent"].map(|n| r[n].to_string().replace('"', "")).join(",")
    };
    let csv = format!("age,plan,joined,spent\n{}\n", rows.each_ref().map(cells).join("\n"));
    let answer = client.post_as(&format!("{PATH}?on_error=null"), "text/csv", csv);
    let lines: Vec<String> = answer.text().lines().map(str::to_owned).collect();
    assert_eq!((lines.len(), lines[2].as_str(), &lines[1]), (4, ",,", &lines[3]), "{lines:?}");
}

#[test]
fn a_missing_column_is_named_and_a_near_name_is_shown() {
    let running = running();
    let mut client = running.client();
    let mut typo = row(|_| {});
    let age = typo.as_object_mut().unwrap().remove("age").unwrap();
    typo["agee"] = age;
    let problem = client.post(PATH, typo.to_string()).json();
    assert_eq!((&problem["status"], &problem["column"]), (&json!(422), &json!("age")));
    assert_eq!(problem["got"], "a column `agee`");
    let answer = client.post_as(PATH, "text/csv", "agee,plan,joined,spent\n1,basic,2024-01-01,2\n");
    assert_eq!(answer.status, 422);
    assert!(answer.json()["hint"].as_str().unwrap().contains("agee"), "{}", answer.text());
}

#[test]
fn what_is_no_body_of_the_protocol_is_a_400_that_says_so() {
    let running = running();
    let mut client = running.client();
    let v2 = "/v2/models/v2-binary/infer";
    let tensor = |t: Value| json!({ "inputs": [t] }).to_string();
    for (path, body) in [
        (PATH, String::new()),
        (PATH, "{".to_owned()),
        (PATH, "[1, 2".to_owned()),
        (PATH, "{\"age\": 1}}".to_owned()),
        ("/v1/models/v2-binary:predict", "{}".to_owned()),
        ("/v1/models/v2-binary:predict", "[]".to_owned()),
        ("/invocations?model=v2-binary", "{\"rows\": []}".to_owned()),
        (v2, "{}".to_owned()),
        (v2, "{\"inputs\": []}".to_owned()),
        (v2, tensor(json!({ "name": "age", "shape": [2], "datatype": "FP64", "data": [1] }))),
        (v2, tensor(json!({ "name": "age", "shape": [1], "datatype": "FP1", "data": [1] }))),
        (v2, tensor(json!({ "name": "age", "shape": [1], "datatype": "FP64" }))),
        (
            v2,
            tensor(json!({ "name": "x", "shape": [u64::MAX, 8], "datatype": "FP64",
                            "data": [1] })),
        ),
        (
            v2,
            tensor(json!({ "name": "age", "shape": [1], "datatype": "FP64",
                            "parameters": { "binary_data_size": 8 } })),
        ),
    ] {
        let answer = client.post(path, &body);
        assert_eq!(answer.status, 400, "{path} {body}: {}", answer.text());
        assert!(!answer.json()["error"].as_str().unwrap().is_empty());
    }
    let nested = row(|r| r["age"] = json!([1]));
    assert_eq!(client.post(PATH, nested.to_string()).status, 422);
    let twice = "{\"age\": 1, \"age\": 2, \"plan\": \"basic\", \"joined\": null, \"spent\": 1}";
    assert!(client.post(PATH, twice).text().contains("twice"));
}

#[test]
fn no_rows_are_no_predictions_and_no_trouble() {
    let running = running();
    let mut client = running.client();
    assert_eq!(client.post(PATH, "[]").ok()["predictions"], json!([]));
    let v1 = client.post("/v1/models/v2-binary:predict", r#"{"instances": []}"#).ok();
    assert_eq!(v1["predictions"], json!([]));
    let only_bad = client.post(&format!("{PATH}?on_error=null"), r#"[{"age": "old"}]"#).ok();
    assert_eq!(only_bad["predictions"], json!([null]));
    let path = "/models/v3-regression-intervals/predict?interval=0.9";
    assert_eq!(client.post(path, "[]").ok()["predictions"], json!([]));
}

#[test]
fn unknown_paths_models_versions_and_methods_are_told_apart() {
    let running = running();
    let mut client = running.client();
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("GET", "/predict", 405),
        ("DELETE", "/v2", 405),
        ("POST", "/models/none/predict", 404),
        ("POST", "/models/%2e%2e%2fetc/predict", 404),
        ("GET", "/v2/models/v2-binary/versions/9", 404),
        ("POST", "/models/v2-binary/predict?on_error=maybe", 400),
        ("POST", "/v2/repository/models/none/load", 404),
        ("POST", "/v2/repository/models/none/unload", 404),
        ("POST", "/admin/models/v2-binary/rollback", 409),
        ("POST", "/admin/models/none/rollback", 404),
        ("POST", "/admin/models/v2-binary/promote", 400),
    ] {
        let answer = client.send(method, path, &[], b"{}").unwrap();
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert!(method == "HEAD" || answer.json()["status"] == status, "{}", answer.text());
    }
    for path in ["promote", "shadow", "canary"] {
        let body = json!({ "version": 9, "percent": 1 }).to_string();
        let answer = client.post(&format!("/admin/models/v2-binary/{path}"), body);
        let problem = answer.json();
        assert_eq!((answer.status, &problem["expected"]), (404, &json!("one of 1")), "{problem}");
        assert_eq!(problem["type"], "urn:modelwright:problem:no-such-version");
    }
}

#[test]
fn unusual_values_are_warned_of_rejected_or_accepted_by_policy() {
    let far = row(|r| r["age"] = json!(100_000)).to_string();
    let with = |policy| {
        let running = Running::start(Settings { policy, ..settings(&[&artifacts()]) });
        running.client().post(PATH, &far)
    };
    let warned = with(Policy::Warn).ok();
    assert_eq!(warned["warnings"][0]["column"], "age");
    assert_eq!(
        (&warned["warnings"][0]["row"], &warned["warnings"][0]["got"]),
        (&json!(1), &json!("100000"))
    );
    let rejected = with(Policy::Reject);
    assert_eq!((rejected.status, &rejected.json()["column"]), (422, &json!("age")));
    let accepted = with(Policy::Accept).ok();
    assert!(accepted["warnings"].is_null());
    assert_eq!(accepted["probabilities"], warned["probabilities"]);
}

#[test]
fn bodies_rows_and_bombs_are_bounded() {
    let limits = Limits { body_bytes_max: 10_000, rows_max: 3, ..Limits::default() };
    let running = Running::start(Settings { limits, ..settings(&[&artifacts()]) });
    let large = " ".repeat(10_001);
    assert_eq!(running.client().post(PATH, &large).status, 413);
    let bomb = zstd::encode_all(&vec![b' '; 50_000_000][..], 1).unwrap();
    let mut client = running.client();
    let answer = client.send("POST", PATH, &[("content-encoding", "zstd")], &bomb).unwrap();
    assert_eq!(answer.status, 413, "{}", answer.text());
    let rows = json!(vec![row(|_| {}); 4]).to_string();
    assert_eq!(client.post(PATH, &rows).status, 413);
    let answer = client.send("POST", PATH, &[("content-encoding", "br")], b"x").unwrap();
    assert_eq!(answer.status, 415);
    let answer = client.send("POST", PATH, &[("content-encoding", "gzip")], b"xyz").unwrap();
    assert_eq!(answer.status, 400);
    let rows = json!(vec![row(|_| {}); 3]).to_string();
    client.post(PATH, &rows).ok();
}

#[test]
fn keys_open_what_their_scopes_say_and_nothing_is_open_without_one() {
    let (one, ops) = (NewKey::make("one").unwrap(), NewKey::make("ops").unwrap());
    let text = format!(
        "{}models = [\"v2-binary\"]\nrequests_per_second = 3\n{}",
        one.entry,
        ops.entry.replace("\"predict\"", "\"admin\", \"metrics\"")
    );
    let keys = Some(Keys::parse(&text).unwrap());
    let running = Running::start(Settings { keys, ..settings(&[&artifacts()]) });
    let mut client = running.client();
    let bearer = |key: &NewKey| format!("Bearer {}", key.key);
    let mut ask = |key: Option<String>, method: &str, path: &str| {
        let headers: Vec<(&str, &str)> =
            key.iter().map(|k| ("authorization", k.as_str())).collect();
        let body = row(|_| {}).to_string();
        client.send(method, path, &headers, body.as_bytes()).unwrap()
    };
    assert_eq!(ask(None, "GET", "/v2/health/ready").status, 200);
    for page in ["/", "/docs", "/docs/docs.js", "/docs/row_form.js"] {
        let answer = ask(None, "GET", page);
        assert_eq!(answer.status, 200, "{page}");
        assert!(!answer.text().contains("v2-binary"), "it says nothing of any model");
    }
    let home = ask(None, "GET", "/").json();
    assert_eq!(home["status"], "alive", "as KServe's first protocol says it to programs");
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let page = running.client().send("GET", "/", &browser, b"").unwrap();
    assert!(page.text().contains("<html"), "{}", page.text());
    assert_eq!(ask(None, "GET", "/openapi.json").status, 401);
    let refused = ask(None, "POST", PATH);
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(ask(Some("Bearer mw_wrong".to_owned()), "POST", PATH).status, 401);
    assert_eq!(ask(Some(bearer(&one)), "POST", PATH).status, 200);
    assert_eq!(ask(Some(bearer(&one)), "POST", "/models/v2-multiclass/predict").status, 403);
    assert_eq!(ask(Some(bearer(&one)), "POST", "/admin/reload").status, 403);
    assert_eq!(ask(Some(bearer(&ops)), "GET", "/metrics").status, 200);
    assert_eq!(ask(Some(bearer(&ops)), "POST", PATH).status, 403);
    let statuses: Vec<u16> =
        (0..20).map(|_| ask(Some(bearer(&one)), "POST", PATH).status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[test]
fn a_key_of_some_models_sees_no_others_in_lists_and_descriptions() {
    let one = NewKey::make("one").unwrap();
    let entry = one.entry.replace("\"predict\"", "\"predict\", \"metrics\"");
    let keys = Some(Keys::parse(&format!("{entry}models = [\"v2-binary\"]\n")).unwrap());
    let running = Running::start(Settings { keys, ..settings(&[&artifacts()]) });
    let mut client = running.client();
    let bearer = format!("Bearer {}", one.key);
    let mut ask =
        |path: &str| client.send("GET", path, &[("authorization", &bearer)], b"").unwrap();
    for path in ["/v1/models", "/models", "/openapi.json", "/v2/models/stats", "/metrics"] {
        let answer = ask(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text().contains("v2-binary"), "{path}");
        assert!(!answer.text().contains("v2-multiclass"), "{path}: {}", answer.text());
    }
    assert!(!ask("/v2/models/v2-binary/versions/99").text().contains("v2-multiclass"));
    let mut post =
        |path: &str| client.send("POST", path, &[("authorization", &bearer)], b"{}").unwrap();
    assert_eq!(post("/predict?model=v2-multiclass").status, 403);
    let none = post("/predict?model=none");
    assert_eq!(none.status, 403, "who may not use it learns not whether it is there");
}

#[test]
fn a_key_of_another_model_does_not_learn_the_classes_of_the_only_one() {
    let keys: Vec<NewKey> =
        ["own", "other"].into_iter().map(|name| NewKey::make(name).unwrap()).collect();
    let entries: Vec<String> = keys
        .iter()
        .zip(["v2-binary", "elsewhere"])
        .map(|(key, model)| {
            let entry = key.entry.replace("\"predict\"", "\"predict\", \"metrics\"");
            format!("{entry}models = [\"{model}\"]\n")
        })
        .collect();
    let log = Folder::new("classes");
    let request_log = Some(RequestLogSettings::new(log.0.clone()));
    let keys_of = Some(Keys::parse(&entries.concat()).unwrap());
    let model = artifacts().join("v2-binary.mw");
    let running = Running::start(Settings { keys: keys_of, request_log, ..settings(&[&model]) });
    let mut client = running.client();
    let mut label = |key: &NewKey| {
        let bearer = format!("Bearer {}", key.key);
        let answer =
            client.send("GET", "/openapi.json", &[("authorization", &bearer)], b"").unwrap();
        let feedback = &answer.json()["paths"]["/feedback"]["post"];
        assert!(feedback.is_object());
        feedback.to_string().contains("\"enum\":[\"no\",\"yes\"]")
    };
    assert_eq!((label(&keys[0]), label(&keys[1])), (true, false));
}

#[test]
fn a_page_of_another_site_changes_and_reads_nothing_of_a_server_without_keys() {
    let running = running();
    let mut client = running.client();
    let unload = "/v2/repository/models/v2-binary/unload";
    let mut ask = |method: &str, path: &str, headers: &[(&str, &str)]| {
        let body = row(|_| {}).to_string();
        client.send(method, path, headers, body.as_bytes()).unwrap().status
    };
    for foreign in [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")] {
        for path in [unload, "/admin/reload", "/feedback"] {
            assert_eq!(ask("POST", path, &[foreign]), 403, "{path} {foreign:?}");
        }
    }
    assert_eq!(ask("POST", PATH, &[]), 200, "the model is still there");
    assert_eq!(ask("POST", "/admin/reload", &[("origin", "http://test")]), 200, "our own page");
    // A name of its own that another site makes mean this machine.
    for (method, path) in [("POST", PATH), ("GET", "/metrics"), ("GET", "/openapi.json")] {
        let head = format!("{method} {path} HTTP/1.1\r\nhost: evil.example\r\n\r\n");
        assert_eq!(running.client().send_raw(head.as_bytes()).unwrap().status, 403, "{path}");
    }
    let head = "GET /v2/health/live HTTP/1.1\r\nhost: any.example\r\n\r\n";
    assert_eq!(running.client().send_raw(head.as_bytes()).unwrap().status, 200);
    let hosts = vec!["any.example".to_owned()];
    let running = Running::start(Settings { hosts, ..settings(&[&artifacts()]) });
    let head = "GET /metrics HTTP/1.1\r\nhost: any.example\r\n\r\n";
    assert_eq!(running.client().send_raw(head.as_bytes()).unwrap().status, 200);
}

#[test]
fn models_cannot_be_changed_where_that_is_closed() {
    let closed = Settings { admin: Some(false), ..settings(&[&artifacts()]) };
    let running = Running::start(closed);
    let mut client = running.client();
    for path in ["/admin/reload", "/v2/repository/models/v2-binary/unload"] {
        assert_eq!(client.post(path, "").status, 403);
    }
    client.post(PATH, row(|_| {}).to_string()).ok();
    let public = Settings { host: [0, 0, 0, 0].into(), ..settings(&[&artifacts()]) };
    let running = Running::start(public);
    let address = ([127, 0, 0, 1], running.address.port()).into();
    assert_eq!(Client::to(address).post("/admin/reload", "").status, 403);
}

#[test]
fn too_many_requests_at_a_time_are_told_to_come_back() {
    let limits = Limits { requests_max: 2, ..Limits::default() };
    let running = Running::start(Settings { limits, ..settings(&[&artifacts()]) });
    // Two whose bodies have not come yet hold the places.
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: t\r\ncontent-length: 99999\r\n\r\n{{");
    let mut held: Vec<Client> = (0..2).map(|_| running.client()).collect();
    for client in &mut held {
        client.send_only(head.as_bytes());
    }
    let mut client = running.client();
    // Metrics take no place; a row that came before the two would, and keep one of them out.
    let is_held = |text: String| text.lines().any(|l| l == "modelwright_requests_in_flight 2");
    while !is_held(client.get("/metrics").text()) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let refused = client.post(PATH, row(|_| {}).to_string());
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    drop(held);
    wait_for(&mut client, 200);
}

/// Asks until an answer has a status.
fn wait_for(client: &mut Client, status: u16) -> crate::harness::Answer {
    for _ in 0..200 {
        let answer = client.post(PATH, row(|_| {}).to_string());
        if answer.status == status {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("never {status}");
}

#[test]
fn a_request_that_takes_too_long_is_given_up() {
    let limits = Limits { request_time_max: Duration::from_millis(100), ..Limits::default() };
    let running = Running::start(Settings { limits, ..settings(&[&artifacts()]) });
    let mut client = running.client();
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: t\r\ncontent-length: 50\r\n\r\n{{");
    let answer = client.send_raw(head.as_bytes()).unwrap();
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("too long"));
}

#[test]
fn models_that_cannot_be_served_are_refused_before_the_port_is_bound() {
    let refused = |settings| modelwright_serve::Server::open(settings).err().unwrap().to_string();
    let text = refused(settings(&[&beside("v2-binary", "rows.csv")]));
    assert!(text.contains("rows.csv"), "{text}");
    let text = refused(settings(&[&artifacts().join("..").join("metric")]));
    assert!(text.contains("the folder holds no models"), "{text}");
    let one = beside("v2-binary", "mw");
    let text = refused(settings(&[&one, &one]));
    assert!(text.contains("two models have the same name"), "{text}");
}
