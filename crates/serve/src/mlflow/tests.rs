//! What clients are answered, without a connection.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;

/// A store in a folder that goes with it.
struct Place {
    folder: PathBuf,
    store: Store,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mlflow-{name}-{}", std::process::id()));
        let store = Store::open(&folder, "2026-01-02T03:04:05Z").unwrap();
        Self { folder, store }
    }

    fn ask(&mut self, method: &str, path: &str, fields: &Value) -> Answered {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
        let body = if fields.is_null() { String::new() } else { fields.to_string() };
        respond(&method, path, query, body.as_bytes(), &mut self.store, 1_700_000_000_000)
    }

    #[expect(clippy::needless_pass_by_value, reason = "documents are written where they are sent")]
    fn post(&mut self, path: &str, fields: Value) -> Value {
        self.ask("POST", path, &fields).unwrap_or_else(|fault| panic!("{path}: {fault:?}"))
    }

    fn get(&mut self, path: &str) -> Value {
        self.ask("GET", path, &Value::Null).unwrap_or_else(|fault| panic!("{path}: {fault:?}"))
    }

    fn run(&mut self) -> String {
        let made = self.post("runs/create", json!({ "experiment_id": "0", "start_time": 5 }));
        made["run"]["info"]["run_id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_run_is_answered_in_the_form_that_clients_read() {
    let mut place = Place::new("run");
    let run = place.run();
    place.post(
        "runs/log-metric",
        json!({ "run_uuid": run, "key": "a/b", "value": "NaN", "timestamp": "7", "step": "3" }),
    );
    place.post("runs/log-parameter", json!({ "run_id": run, "key": "p", "value": "1" }));
    let found = place.get(&format!("runs/get?run_id={run}&run_uuid={run}"));
    let info = &found["run"]["info"];
    assert_eq!(info["run_uuid"], run.as_str());
    assert_eq!(info["artifact_uri"], format!("mlflow-artifacts:/0/{run}/artifacts"));
    assert_eq!((&info["start_time"], &info["status"]), (&json!(5), &json!("RUNNING")));
    assert!(info.get("end_time").is_none() && info["run_name"].as_str().unwrap().contains('-'));
    let metric = &found["run"]["data"]["metrics"][0];
    assert_eq!(*metric, json!({ "key": "a/b", "value": "NaN", "timestamp": 7, "step": 3 }));
    let page = place.post(
        "runs/search",
        json!({ "experiment_ids": ["0"], "filter": "params.p = '1'", "max_results": 1 }),
    );
    assert_eq!(page["runs"][0]["info"]["run_id"], run.as_str());
    assert!(page.get("next_page_token").is_none());
}

#[test]
fn a_query_that_names_something_twice_is_a_list() {
    let mut place = Place::new("query");
    for name in ["b", "a"] {
        place.post("registered-models/create", json!({ "name": name }));
    }
    let path = "registered-models/search?order_by=name+DESC&order_by=creation_timestamp+ASC\
                &max_results=1";
    let page = place.get(path);
    assert_eq!(page["registered_models"][0]["name"], "b");
    let token = page["next_page_token"].as_str().unwrap();
    let page = place.get(&format!("{path}&page_token={token}"));
    assert_eq!(page["registered_models"][0]["name"], "a");
}

#[test]
fn refusals_have_the_codes_that_clients_tell_apart() {
    let mut place = Place::new("faults");
    let run = place.run();
    let mut code = |method: &str, path: &str, fields: Value| {
        place.ask(method, path, &fields).unwrap_err().code
    };
    let missing = json!({ "run_id": "none", "key": "k", "value": 1, "timestamp": 1 });
    assert_eq!(code("POST", "runs/log-metric", missing), Code::Missing);
    let named = |name: &str| json!({ "name": name });
    assert_eq!(code("POST", "experiments/create", named("Default")), Code::Exists);
    assert_eq!(code("POST", "experiments/create", named("")), Code::Invalid);
    assert_eq!(code("POST", "registered-models/create", named("a/b")), Code::Invalid);
    assert_eq!(code("POST", "experiments/delete", json!({ "experiment_id": "0" })), Code::Invalid);
    assert_eq!(code("GET", "experiments/get?experiment_id=9", Value::Null), Code::Missing);
    assert_eq!(code("GET", "experiments/get?experiment_id=x", Value::Null), Code::Invalid);
    assert_eq!(code("GET", "traces/x", Value::Null), Code::NoEndpoint);
    for wrong in [
        json!({ "run_id": run, "key": "k", "value": "x", "timestamp": 1 }),
        json!({ "run_id": run, "key": "k", "timestamp": 1 }),
        json!({ "run_id": run, "key": "k", "value": 1 }),
        json!({ "run_id": run, "key": "k", "value": 1, "timestamp": -1 }),
        json!({ "run_id": run, "key": "k", "value": 1, "timestamp": 1.5 }),
        json!({ "run_id": run, "key": "../k", "value": 1, "timestamp": 1 }),
        json!({ "run_id": 7, "key": "k", "value": 1, "timestamp": 1 }),
        json!([1]),
    ] {
        assert_eq!(code("POST", "runs/log-metric", wrong.clone()), Code::Invalid, "{wrong}");
    }
    let page = |n: Value| json!({ "experiment_ids": ["0"], "max_results": n });
    for n in [json!(0), json!(-1), json!(50_001), json!("x")] {
        assert_eq!(code("POST", "runs/search", page(n)), Code::Invalid);
    }
}

#[test]
fn a_batch_keeps_to_the_limits_of_mlflow() {
    let mut place = Place::new("batch");
    let run = place.run();
    let metric = |i: usize| json!({ "key": format!("m{i}"), "value": 1, "timestamp": 1 });
    let pair = |i: usize| json!({ "key": format!("p{i}"), "value": "1" });
    let batch = |n_metrics: usize, n_params: usize| {
        json!({
            "run_id": run,
            "metrics": (0..n_metrics).map(metric).collect::<Value>(),
            "params": (0..n_params).map(pair).collect::<Value>(),
        })
    };
    place.post("runs/log-batch", batch(900, 100));
    for wrong in [batch(1001, 0), batch(0, 101), batch(901, 100)] {
        let fault = place.ask("POST", "runs/log-batch", &wrong).unwrap_err();
        assert!(fault.message.contains("can contain at most"), "{}", fault.message);
    }
}

#[test]
fn histories_of_several_runs_keep_to_the_limit_also_with_runs_of_our_own() {
    use modelwright_lifecycle::store::{NewRun, RunEnd, RunMetric};
    let mut place = Place::new("histories");
    let metric = |name: &str| RunMetric {
        name: name.to_owned(),
        rows: "holdout".to_owned(),
        value: Some(0.5),
        low: None,
        high: None,
    };
    for _ in 0..2 {
        let id = place.store.begin_run(&NewRun::default()).unwrap();
        let end = RunEnd { metrics: vec![metric("roc_auc")], ..RunEnd::default() };
        place.store.end_run(id, &end).unwrap();
    }
    let path = "metrics/get-history-bulk?metric_key=roc_auc&max_results=1\
                &run_id=modelwright-1&run_id=modelwright-2";
    let found = place.get(path);
    let ids: Vec<&Value> =
        found["metrics"].as_array().unwrap().iter().map(|m| &m["run_id"]).collect();
    assert_eq!(ids, ["modelwright-1"]);
}

#[test]
fn a_moment_beyond_all_calendars_is_written_down() {
    let mut place = Place::new("moment");
    let wish = json!({ "experiment_id": "0", "start_time": i64::MAX });
    let made = place.post("runs/create", wish);
    assert_eq!(made["run"]["info"]["start_time"], i64::MAX);
}

#[test]
fn an_alias_is_none_of_the_words_that_mean_versions() {
    for taken in ["latest", "LATEST", "v1", "12"] {
        assert!(check::alias(taken).is_err(), "{taken}");
    }
    for free in ["champion", "v", "v1b"] {
        assert!(check::alias(free).is_ok(), "{free}");
    }
}

#[test]
fn a_source_on_this_machine_is_refused() {
    let mut place = Place::new("source");
    place.post("registered-models/create", json!({ "name": "m" }));
    for source in ["/etc", "file:///etc", "etc", "models:/../x", "mlflow-artifacts:/a/../../b"] {
        let wish = json!({ "name": "m", "source": source });
        let fault = place.ask("POST", "model-versions/create", &wish).unwrap_err();
        assert_eq!(fault.code, Code::Invalid, "{source}");
    }
    let run = place.run();
    let wish = json!({ "name": "m", "source": format!("runs:/{run}/model") });
    assert_eq!(place.post("model-versions/create", wish)["model_version"]["version"], "1");
    let uri = place.get("model-versions/get-download-uri?name=m&version=1");
    assert_eq!(uri["artifact_uri"], format!("mlflow-artifacts:/0/{run}/artifacts/model"));
}

#[test]
fn only_whole_prefixes_are_mlflow_s() {
    assert!(is_mine("/api/2.0/mlflow/experiments/search"));
    assert!(is_mine("/api/2.0/mlflow-artifacts/artifacts/0/x"));
    assert!(is_mine("/api/3.0/mlflow") && is_mine("/version"));
    assert!(!is_mine("/api/2.0/mlflowing") && !is_mine("/api/v1/runs"));
}

#[test]
fn what_reads_needs_a_key_that_reads_and_what_changes_one_that_changes() {
    assert_eq!(scope(&Method::POST, "/api/2.0/mlflow/runs/search"), Scope::Metrics);
    assert_eq!(scope(&Method::GET, "/api/2.0/mlflow/runs/get"), Scope::Metrics);
    let latest = "/api/2.0/mlflow/registered-models/get-latest-versions";
    assert_eq!(scope(&Method::POST, latest), Scope::Metrics, "older clients ask by POST");
    assert_eq!(scope(&Method::POST, "/api/2.0/mlflow/runs/create"), Scope::Admin);
    let upload = "/api/2.0/mlflow-artifacts/artifacts/0/search";
    assert_eq!(scope(&Method::PUT, upload), Scope::Admin);
}
