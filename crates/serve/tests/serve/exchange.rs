//! Models exchanged, broken, removed and brought back while they are asked.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use modelwright_serve::Settings;
use serde_json::json;

use crate::harness::{Client, Folder, Running, artifacts, beside, objects, settings};

/// Puts a file in place as a careful program does: whole, by renaming.
fn put(from: &Path, to: &Path) {
    let part = to.with_extension("part");
    fs::copy(from, &part).unwrap();
    fs::rename(&part, to).unwrap();
}

#[test]
fn a_newer_file_is_served_and_the_older_can_be_brought_back() {
    let folder = Folder::new("newer");
    let path = folder.0.join("shop.mw");
    put(&beside("v2-binary", "mw"), &path);
    let running = Running::start(settings(&[&folder.0]));
    let mut client = running.client();
    let row = objects("v2-binary").remove(0).to_string();
    let first = client.post("/predict", &row).ok();
    put(&beside("v3-binary-calibrated", "mw"), &path);
    assert_eq!(client.post("/admin/reload", "").ok()["loaded"], 1);
    let second = client.post("/predict", &row).ok();
    assert_eq!((&first["version"], &second["version"]), (&json!(1), &json!(2)));
    let pinned = client.post("/models/shop/versions/1/predict", &row).ok();
    assert_eq!(pinned["probabilities"], first["probabilities"]);
    assert_eq!(client.post("/admin/models/shop/rollback", "").ok()["version"], 1);
    assert_eq!(client.post("/predict", &row).ok()["version"], 1);
    let refused = client.post("/admin/models/shop/rollback", "");
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    let problem = refused.json();
    assert_eq!((refused.status, &problem["got"]), (409, &json!("versions 1, 2")));
    assert_eq!(problem["type"], "urn:modelwright:problem:no-earlier-version");
    assert_eq!(client.post("/admin/models/shpo/rollback", "").status, 404);
    client.post("/v2/repository/models/shop/load", "{}").ok();
    assert_eq!(client.post("/predict", &row).ok()["version"], 2);
}

#[test]
fn a_file_that_is_read_again_is_the_version_that_it_was() {
    let folder = Folder::new("again");
    let path = folder.0.join("shop.mw");
    put(&beside("v2-binary", "mw"), &path);
    let running = Running::start(settings(&[&folder.0]));
    let mut client = running.client();
    put(&beside("v3-binary-calibrated", "mw"), &path);
    client.post("/admin/reload", "").ok();
    let versions = |client: &mut Client| client.get("/v2/models/shop").ok()["versions"].clone();
    assert_eq!(versions(&mut client), json!(["1", "2"]));
    for _ in 0..4 {
        client.post("/v2/repository/models/shop/load", "{}").ok();
    }
    assert_eq!(versions(&mut client), json!(["1", "2"]), "who pinned version 1 still has it");
    client.post("/v2/repository/models/shop/unload", "").ok();
    client.post("/v2/repository/models/shop/load", "{}").ok();
    assert_eq!(versions(&mut client), json!(["2"]));
    put(&beside("v2-binary", "mw"), &path);
    client.post("/admin/reload", "").ok();
    assert_eq!(versions(&mut client), json!(["2", "3"]));
}

#[test]
fn a_load_that_brings_a_model_of_its_own_is_refused() {
    let running = Running::start(settings(&[&beside("v2-binary", "mw")]));
    let mut client = running.client();
    for parameters in [json!({ "config": "{}" }), json!({ "file:1/model.mw": "AAAA" })] {
        let body = json!({ "parameters": parameters }).to_string();
        let refused = client.post("/v2/repository/models/v2-binary/load", body);
        assert_eq!(refused.status, 400, "{}", refused.text());
    }
}

#[test]
fn garbage_and_removal_leave_the_old_model_in_place_and_are_told() {
    let folder = Folder::new("garbage");
    let path = folder.0.join("shop.mw");
    put(&beside("v2-binary", "mw"), &path);
    let running = Running::start(settings(&[&folder.0]));
    let mut client = running.client();
    let row = objects("v2-binary").remove(0).to_string();
    let before = client.post("/predict", &row).ok();
    let whole = fs::read(beside("v3-binary-calibrated", "mw")).unwrap();
    for garbage in [&b""[..], b"not a model", &whole[..whole.len() / 2]] {
        fs::write(&path, garbage).unwrap();
        assert_eq!(client.post("/admin/reload", "").ok()["loaded"], 0);
        let after = client.post("/predict", &row).ok();
        assert_eq!(after["probabilities"], before["probabilities"]);
        assert_eq!(after["version"], 1);
    }
    assert!(
        client
            .get("/metrics")
            .text()
            .contains("load_failures_total{model=\"shop\",version=\"1\"} 3")
    );
    let refused = client.post("/v2/repository/models/shop/load", "{}");
    assert_eq!(refused.status, 409, "the file is at fault: {}", refused.text());
    assert_eq!(refused.json()["type"], "urn:modelwright:problem:no-sound-model");
    fs::remove_file(&path).unwrap();
    client.post("/admin/reload", "").ok();
    assert_eq!(client.post("/predict", &row).ok()["version"], 1);
    let reason = |client: &mut Client| client.get("/v2/models").ok()[0]["reason"].to_string();
    assert!(reason(&mut client).contains("is gone"), "{}", reason(&mut client));
    put(&beside("v2-binary", "mw"), &path);
    assert_eq!(client.post("/admin/reload", "").ok()["loaded"], 1);
    assert_eq!(reason(&mut client), "\"\"");
}

#[test]
fn unloaded_models_are_not_ready_until_they_are_loaded_again() {
    let running = Running::start(settings(&[&beside("v2-binary", "mw")]));
    let mut client = running.client();
    client.post("/v2/repository/models/v2-binary/unload", "").ok();
    assert_eq!(client.get("/v2/models/v2-binary/ready").status, 503);
    assert_eq!(client.get("/v2/health/ready").status, 503);
    assert_eq!(client.get("/v2/health/live").status, 200);
    assert_eq!(client.post("/v2/repository/index", "{}").ok()[0]["state"], "UNAVAILABLE");
    assert_eq!(client.post("/v2/repository/index", "{\"ready\": true}").ok(), json!([]));
    client.post("/v2/repository/models/v2-binary/load", "").ok();
    assert_eq!(client.get("/v2/models/v2-binary/ready").status, 200);
}

#[test]
fn numbered_folders_are_versions_and_new_files_are_found_by_watching() {
    let folder = Folder::new("versions");
    for version in ["1", "10"] {
        fs::create_dir_all(folder.0.join("shop").join(version)).unwrap();
        put(&beside("v2-binary", "mw"), &folder.0.join("shop").join(version).join("model.mw"));
    }
    let watch = Some(Duration::from_millis(20));
    let running = Running::start(Settings { watch, ..settings(&[&folder.0]) });
    let mut client = running.client();
    assert_eq!(client.get("/v2/models/shop").ok()["versions"], json!(["1", "10"]));
    let row = objects("v2-binary").remove(0).to_string();
    assert_eq!(client.post("/predict", &row).ok()["version"], 10);
    put(&beside("v2-multiclass", "mw"), &folder.0.join("other.mw"));
    for _ in 0..500 {
        if client.get("/v2/models/other/ready").status == 200 {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the new model was not found");
}

#[test]
fn an_empty_folder_waits_for_its_models_and_is_not_ready_before() {
    let folder = Folder::new("empty");
    fs::write(folder.0.join(".gitkeep"), "").unwrap();
    let watch = Some(Duration::from_millis(20));
    let running = Running::start(Settings { watch, ..settings(&[&folder.0]) });
    let mut client = running.client();
    assert_eq!(client.get("/v2/health/live").status, 200);
    assert!(client.get("/v2/health/ready").status >= 400);
    assert_eq!(client.post("/v2/repository/index", "").ok(), json!([]));
    let row = objects("v2-binary").remove(0).to_string();
    let refused = client.post("/predict", &row);
    assert!((400..600).contains(&refused.status), "{}", refused.text());
    assert_eq!(client.get("/openapi.json").status, 200);
    put(&beside("v2-binary", "mw"), &folder.0.join("shop.mw"));
    let is_ready = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        client.get("/v2/health/ready").status == 200
    });
    assert!(is_ready, "the model was not found");
    assert_eq!(client.post("/predict", &row).ok()["model"], "shop");
}

#[test]
fn no_request_fails_while_models_are_exchanged_under_load() {
    let folder = Folder::new("load");
    let path = folder.0.join("shop.mw");
    put(&beside("v2-binary", "mw"), &path);
    let running = Running::start(settings(&[&folder.0]));
    let rows = Arc::new(json!(objects("v2-binary")).to_string());
    let (is_over, n_answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let (rows, is_over, n) = (rows.clone(), is_over.clone(), n_answers.clone());
            let mut client = running.client();
            std::thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let answer = client.post("/models/shop/predict", &*rows);
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    n.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut client = running.client();
    let models = ["v2-binary", "v3-binary-calibrated", "v2-binary-forest"];
    for i in 0..100 {
        put(&beside(models[(i + 1) % 3], "mw"), &path);
        client.post("/v2/repository/models/shop/load", "").ok();
    }
    is_over.store(true, Ordering::Relaxed);
    for thread in asking {
        thread.join().unwrap();
    }
    assert_eq!(client.post("/predict", &*rows).ok()["version"], 101);
    assert!(n_answers.load(Ordering::Relaxed) > 100);
}

#[test]
fn running_requests_are_answered_when_the_server_is_asked_to_stop() {
    let running = Running::start(settings(&[&artifacts()]));
    let mut client = running.client();
    // Of a size that counts as being answered while it still comes.
    let row = objects("v2-binary").remove(0).to_string() + &" ".repeat(99_999);
    let head = format!(
        "POST /models/v2-binary/predict HTTP/1.1\r\nhost: t\r\ncontent-length: {}\r\n\r\n",
        row.len()
    );
    client.send_only(head.as_bytes());
    let mut looking = running.client();
    let is_held = |text: String| text.lines().any(|l| l == "modelwright_requests_in_flight 1");
    while !is_held(looking.get("/metrics").text()) {
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(looking);
    let ending = std::thread::spawn(move || drop(running));
    std::thread::sleep(Duration::from_millis(100));
    let answer = client.send_raw(row.as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    ending.join().unwrap();
}

#[test]
fn a_version_that_waits_can_be_canary_shadow_and_then_answer() {
    let folder = Folder::new("canary");
    let path = folder.0.join("shop.mw");
    put(&beside("v2-binary", "mw"), &path);
    let running = Running::start(Settings { hold: true, ..settings(&[&folder.0]) });
    let mut client = running.client();
    let row = objects("v2-binary").remove(0).to_string();
    put(&beside("v3-binary-calibrated", "mw"), &path);
    client.post("/admin/reload", "").ok();
    assert_eq!(client.post("/predict", &row).ok()["version"], 1, "it waits");
    let share = |client: &mut crate::harness::Client| {
        let version = |i: usize| {
            let key = format!("user-{i}");
            let headers = [("x-sticky-key", key.as_str())];
            client.send("POST", "/predict", &headers, row.as_bytes()).unwrap().ok()["version"]
                .as_u64()
        };
        (0..300).map(version).filter(|v| *v == Some(2)).count()
    };
    client.post("/admin/models/shop/canary", r#"{"version": 2, "percent": 20}"#).ok();
    let (first, again) = (share(&mut client), share(&mut client));
    assert!(first == again && (30..90).contains(&first), "{first} {again}");
    client.post("/admin/models/shop/canary", r#"{"version": null}"#).ok();
    assert_eq!(share(&mut client), 0);
    assert_eq!(
        client.post("/admin/models/shop/canary", r#"{"version": 9, "percent": 1}"#).status,
        404
    );
    assert_eq!(client.post("/admin/models/shop/canary", r#"{"version": 2}"#).status, 400);

    client.post("/admin/models/shop/shadow", r#"{"version": 2}"#).ok();
    assert_eq!(client.post("/predict", &row).ok()["version"], 1);
    let line = "modelwright_shadow_rows_total{model=\"shop\",version=\"1\"} 1";
    for _ in 0..500 {
        if client.get("/metrics").text().lines().any(|l| l == line) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let metrics = client.get("/metrics").text();
    assert!(metrics.lines().any(|l| l == line), "{metrics}");
    client.post("/admin/models/shop/promote", r#"{"version": 2}"#).ok();
    assert_eq!(client.post("/predict", &row).ok()["version"], 2);
    client.post("/admin/models/shop/rollback", "").ok();
    assert_eq!(client.post("/predict", &row).ok()["version"], 1);
}

#[test]
fn requests_are_written_down_until_the_disk_fails_and_answered_anyway() {
    use modelwright_core::Context;
    use modelwright_io::{ReadOptions, read_path};
    use modelwright_serve::RequestLogSettings;
    let folder = Folder::new("written");
    let log = folder.0.join("log");
    let one = beside("v2-binary", "mw");
    let request_log = Some(RequestLogSettings::new(log.clone()));
    let running = Running::start(Settings { request_log, ..settings(&[&one]) });
    let mut client = running.client();
    let rows = json!(objects("v2-binary"));
    client.post("/predict", rows.to_string()).ok();
    let mixed = json!([rows[0], { "age": "old" }, rows[1]]).to_string();
    let path = "/predict?on_error=null";
    client.send("POST", path, &[("x-request-id", "mixed")], mixed.as_bytes()).unwrap().ok();
    assert_eq!(client.post("/feedback", r#"{"request_id": "mixed", "label": []}"#).status, 400);
    client.post("/feedback", r#"{"request_id": "mixed", "row": 3, "label": "yes"}"#).ok();
    drop(running);
    let read = |folder: &Path| {
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        files.retain(|p| p.extension().is_some_and(|e| e == "parquet"));
        assert_eq!(files.len(), 1);
        read_path(&files[0], &ReadOptions::default(), &Context::unlimited(0, 1)).unwrap().table
    };
    let table = read(&log.join("requests").join("v2-binary"));
    let n = rows.as_array().unwrap().len();
    assert_eq!(table.n_rows(), n + 2, "the row that was refused is not there");
    let row_of = |row| table.require("request_row").unwrap().display(row).unwrap();
    assert_eq!((row_of(n), row_of(n + 1)), ("1".to_owned(), "3".to_owned()));
    assert_eq!(read(&log.join("feedback")).n_rows(), 1);

    // A folder that becomes a file cannot be written to.
    let request_log = Some(RequestLogSettings::new(folder.0.join("other")));
    let running = Running::start(Settings { request_log, ..settings(&[&one]) });
    fs::remove_dir_all(folder.0.join("other")).unwrap();
    fs::write(folder.0.join("other"), "in the way").unwrap();
    let mut client = running.client();
    client.post("/predict", rows.to_string()).ok();
    for _ in 0..500 {
        let text = client.get("/metrics").text();
        if text.contains(&format!("request_log_rows_lost_total {n}")) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("lost rows are not counted");
}
