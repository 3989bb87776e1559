//! The page over a store and its interface, asked as a browser and as a program would.

use std::path::PathBuf;

use modelwright_core::context::Event;
use modelwright_core::record::{AuditRecord, FairnessRecord};
use modelwright_lifecycle::store::{LiveLine, NewRun, RunEnd, RunMetric, Store};
use modelwright_serve::{Keys, NewKey, Settings, UiSettings};
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Folder, Running, artifacts, settings};

const NOW: &str = "2026-01-02T03:04:05Z";

/// A store with three runs (finished, finished, at work) and a model of two versions.
fn store(folder: &Folder) -> PathBuf {
    let path = folder.0.join("store");
    let mut store = Store::open(&path, NOW).unwrap();
    for (i, score) in [0.8, 0.9].into_iter().enumerate() {
        let id = begin(&mut store, 3 + 2 * i);
        let metrics = vec![RunMetric {
            name: "roc_auc".to_owned(),
            rows: "holdout".to_owned(),
            value: Some(score),
            low: Some(score - 0.05),
            high: Some(score + 0.05),
        }];
        let end = RunEnd { ended: NOW.to_owned(), duration_s: 1.5, metrics, ..RunEnd::default() };
        store.end_run(id, &end).unwrap();
    }
    begin(&mut store, 5);
    for (name, alias) in [("v2-binary", Some("champion")), ("v3-binary-calibrated", None)] {
        let file = artifacts().join(format!("{name}.mw"));
        let version = store.register("churn", &file, None, None, NOW).unwrap();
        if let Some(alias) = alias {
            store.set_alias("churn", alias, &version.number.to_string(), None, NOW).unwrap();
        }
    }
    path
}

fn begin(store: &mut Store, folds: usize) -> i64 {
    let run = NewRun {
        kind: "fit".to_owned(),
        started: NOW.to_owned(),
        parameters: json!({ "folds": folds, "preset": "quick", "metric": "roc_auc" }),
        ..NewRun::default()
    };
    store.begin_run(&run).unwrap()
}

fn over(store: PathBuf) -> Settings {
    Settings { ui: Some(UiSettings { store, hosts: vec!["test".to_owned()] }), ..settings(&[]) }
}

fn send(client: &mut Client, method: &str, path: &str, body: &Value) -> Answer {
    client.send(method, path, &[], body.to_string().as_bytes()).unwrap()
}

#[test]
fn runs_are_listed_searched_and_compared() {
    let folder = Folder::new("ui-runs");
    let server = Running::start(over(store(&folder)));
    let mut client = server.client();
    let ids = |answer: &Value| -> Vec<i64> {
        answer["runs"].as_array().unwrap().iter().map(|r| r["id"].as_i64().unwrap()).collect()
    };
    let all = client.get("/api/v1/runs").ok();
    assert_eq!(ids(&all), [3, 2, 1]);
    assert_eq!(all["metrics"]["roc_auc"], true);
    let few = client.get("/api/v1/runs?limit=2").ok();
    assert_eq!((ids(&few), &few["has_more"]), (vec![3, 2], &json!(true)));
    let found = client.get("/api/v1/runs?query=metrics.roc_auc%20%3E%200.85").ok();
    assert_eq!(ids(&found), [2]);
    assert_eq!(ids(&client.get("/api/v1/runs?best=roc_auc").ok()), [2, 1, 3]);
    let refused = client.get("/api/v1/runs?query=colour%20%3D%20red");
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("no such field"), "{}", refused.text());
    let beside = client.get("/api/v1/compare?runs=1,2").ok();
    let folds = json!({ "name": "folds", "values": [3, 5], "differs": true });
    assert!(beside["parameters"].as_array().unwrap().contains(&folds), "{beside}");
    assert_eq!(beside["metrics"][0]["values"][1]["low"], 0.9 - 0.05);
    assert_eq!(client.get("/api/v1/compare?runs=1").status, 400);
    assert_eq!(client.get("/api/v1/compare?runs=1,99").status, 404);
    assert_eq!(client.get("/api/v1/runs/99").status, 404);
    assert_eq!(client.get("/api/v1/runs/1/report").status, 404, "it has no account");
    send(&mut client, "DELETE", "/api/v1/runs/1", &Value::Null).ok();
    assert_eq!(ids(&client.get("/api/v1/runs").ok()), [3, 2]);
    let busy = send(&mut client, "DELETE", "/api/v1/runs/3", &Value::Null);
    assert!(busy.status == 400 && busy.text().contains("at work"), "{}", busy.text());
}

#[test]
fn a_run_is_watched_while_it_is_at_work() {
    let folder = Folder::new("ui-live");
    let path = store(&folder);
    let server = Running::start(over(path.clone()));
    let mut client = server.client();
    assert_eq!(client.get("/api/v1/runs/3/progress").ok()["lines"], json!([]));
    let store = Store::read(&path).unwrap();
    let mut writer = store.live_writer(3).unwrap();
    let trial = |name: &str, score: f64, best: bool| LiveLine {
        after_s: 1.0,
        told: Event::Trial { name: name.to_owned(), score: Some(score), best }.into(),
    };
    writer.tell(&trial("linear", 0.7, true));
    writer.tell(&trial("baseline", 0.5, false));
    let told = client.get("/api/v1/runs/3/progress").ok();
    assert_eq!((&told["status"], &told["next"]), (&json!("running"), &json!(2)));
    assert_eq!(told["lines"][0]["name"], "linear");
    assert_eq!(told["larger_is_better"], true);
    writer.tell(&trial("gbdt", 0.9, true));
    let more = client.get("/api/v1/runs/3/progress?from=2").ok();
    assert_eq!((more["lines"].as_array().unwrap().len(), &more["next"]), (1, &json!(3)));
    let live = client.get("/api/v1/runs").ok()["live"]["3"].clone();
    assert_eq!((&live["best"], &live["n_trials"]), (&json!(0.9), &json!(3)));
}

#[test]
fn an_audit_has_its_page_and_is_no_fit() {
    let folder = Folder::new("ui-audit");
    let path = store(&folder);
    let mut opened = Store::open(&path, NOW).unwrap();
    let run = NewRun { kind: "audit".to_owned(), started: NOW.to_owned(), ..NewRun::default() };
    let id = opened.begin_run(&run).unwrap();
    let fairness = FairnessRecord { on: "later.csv".to_owned(), n_rows: 9, ..Default::default() };
    let found = AuditRecord {
        model: "churn".to_owned(),
        target: "left".to_owned(),
        fairness,
        ..AuditRecord::default()
    };
    let end = RunEnd {
        ended: NOW.to_owned(),
        audit: Some(&found),
        model_sha256: Some("a".repeat(64)),
        ..RunEnd::default()
    };
    opened.end_run(id, &end).unwrap();
    let server = Running::start(over(path));
    let mut client = server.client();
    let one = client.get(&format!("/api/v1/runs/{id}")).ok();
    assert_eq!((&one["has_report"], &one["has_leaderboard"]), (&json!(true), &json!(false)));
    assert_eq!(one["files"], json!(["record.json"]));
    let page = client.get(&format!("/api/v1/runs/{id}/report"));
    assert!(page.status == 200 && page.text().contains("churn on later.csv"), "{}", page.text());
    let file = client.get(&format!("/api/v1/runs/{id}/files/record.json")).ok();
    assert_eq!(file["fairness"]["n_rows"], 9);
    assert_eq!(client.get(&format!("/api/v1/runs/{id}/leaderboard")).status, 404);
    assert_eq!(client.get(&format!("/api/v1/runs/{id}/files/model-card.md")).status, 404);
    let place = "/api/v1/models/prices/versions";
    assert_eq!(send(&mut client, "POST", place, &json!({ "run": id })).status, 400);
}

#[test]
fn the_model_of_a_run_is_registered_as_long_as_it_is_what_the_run_made() {
    let folder = Folder::new("ui-register");
    let path = store(&folder);
    let out = folder.0.join("out");
    std::fs::create_dir_all(&out).unwrap();
    let bytes = std::fs::read(artifacts().join("v2-regression.mw")).unwrap();
    std::fs::write(out.join("model.mw"), &bytes).unwrap();
    let record =
        modelwright_lifecycle::read_artifact(out.join("model.mw")).unwrap().record().unwrap();
    let mut opened = Store::open(&path, NOW).unwrap();
    let run = NewRun {
        kind: "fit".to_owned(),
        started: NOW.to_owned(),
        output: Some(out.display().to_string()),
        ..NewRun::default()
    };
    let id = opened.begin_run(&run).unwrap();
    let end = RunEnd {
        ended: NOW.to_owned(),
        record: Some(&record),
        model_sha256: Some(modelwright_lifecycle::digest::sha256_hex(&bytes)),
        ..RunEnd::default()
    };
    opened.end_run(id, &end).unwrap();
    let server = Running::start(over(path));
    let mut client = server.client();
    let place = "/api/v1/models/prices/versions";
    let refused = send(&mut client, "POST", place, &json!({ "run": 1 }));
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("the run made no model"), "{}", refused.text());
    assert_eq!(send(&mut client, "POST", place, &json!({ "run": 99 })).status, 404);
    let refused = send(&mut client, "POST", place, &json!({ "run": id, "alias": "latest" }));
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert_eq!(client.get("/api/v1/models/prices").status, 404, "nothing is half done");
    let asked = json!({ "run": id, "alias": "champion", "note": "from the page" });
    let made = send(&mut client, "POST", place, &asked).ok();
    assert_eq!(made["version"]["number"], 1);
    assert_eq!(made["version"]["aliases"], json!(["champion"]));
    assert_eq!(made["version"]["run"], id);
    // Once it is kept, the run's folder may go.
    std::fs::remove_dir_all(&out).unwrap();
    assert_eq!(
        send(&mut client, "POST", place, &json!({ "run": id })).ok()["version"]["number"],
        1
    );
    opened.remove_alias("prices", "champion", NOW).unwrap();
    opened.delete_model("prices", None).unwrap();
    let gone = send(&mut client, "POST", place, &json!({ "run": id }));
    assert_eq!(gone.status, 400);
    assert!(gone.json()["hint"].as_str().unwrap().contains("--run"), "{:?}", gone.json());
}

#[test]
fn aliases_move_roll_back_and_refuse_who_decided_on_what_is_no_longer_so() {
    let folder = Folder::new("ui-models");
    let server = Running::start(over(store(&folder)));
    let mut client = server.client();
    let models = client.get("/api/v1/models").ok();
    assert_eq!(models["models"][0]["model"]["aliases"], json!([["champion", 1]]));
    assert_eq!(models["models"][0]["newest"]["number"], 2);
    let alias = "/api/v1/models/churn/aliases/champion";
    let wish = json!({ "version": "2", "reason": "newer", "from": 1 });
    assert_eq!(send(&mut client, "PUT", alias, &wish).ok()["before"], 1);
    let late = send(&mut client, "PUT", alias, &wish);
    assert_eq!(late.status, 409, "{}", late.text());
    let back = send(&mut client, "POST", &format!("{alias}/rollback"), &json!({ "from": 2 })).ok();
    assert_eq!(back["number"], 1);
    let one = client.get("/api/v1/models/churn").ok();
    assert_eq!(one["history"][0]["reason"], "rolled back");
    assert_eq!(one["history"][1]["reason"], "newer");
    assert_eq!(one["versions"][1]["aliases"], json!(["champion"]));
    let wrong = send(&mut client, "PUT", alias, &json!({ "versoin": "2" }));
    assert!(wrong.status == 400 && wrong.text().contains("versoin"), "{}", wrong.text());
    assert_eq!(send(&mut client, "PUT", alias, &json!({ "version": "9" })).status, 400);
    send(&mut client, "DELETE", alias, &Value::Null).ok();
    assert_eq!(send(&mut client, "DELETE", alias, &Value::Null).status, 404);
    assert_eq!(client.get("/api/v1/models/none").status, 404);
}

#[test]
fn a_row_is_scored_as_the_model_server_scores_it() {
    let folder = Folder::new("ui-score");
    let server = Running::start(over(store(&folder)));
    let plain = Running::start(settings(&[&artifacts().join("v2-binary.mw")]));
    let mut client = server.client();
    let about = client.get("/api/v1/models/churn/champion/schema").ok();
    assert_eq!(about["version"], 1);
    let row = about["example"].to_string();
    let own = client.post("/api/v1/models/churn/champion/predict", &row).ok();
    let other = plain.client().post("/predict", &row).ok();
    assert_eq!(own["probabilities"], other["probabilities"]);
    assert_eq!(own["prediction"], other["prediction"]);
    let refused = client.post("/api/v1/models/churn/champion/predict", "{\"no\": 1}");
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(client.post("/api/v1/models/churn/9/predict", &row).status, 404);
    let file = client.get("/api/v1/models/churn/1/file");
    assert_eq!(file.body, std::fs::read(artifacts().join("v2-binary.mw")).unwrap());
    let report = client.get("/api/v1/models/churn/1/report");
    assert_eq!(report.status, 200);
    let policy = report.header("content-security-policy").unwrap();
    assert!(policy.contains("sandbox allow-scripts") && !policy.contains("same-origin"));
}

#[test]
fn the_page_runs_only_its_own_scripts_and_is_asked_again_only_when_it_changed() {
    let folder = Folder::new("ui-page");
    let server = Running::start(over(store(&folder)));
    let mut client = server.client();
    let page = client.get("/");
    assert!(page.status == 200 && page.text().contains("ui/main.js"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    let html = page.text();
    let quoted = html.split('"').filter(|t| t.starts_with("ui/")).map(str::to_owned);
    let mut waiting: Vec<String> = quoted.collect();
    let mut seen = Vec::new();
    while let Some(name) = waiting.pop() {
        let file = client.get(&format!("/{name}"));
        assert_eq!(file.status, 200, "{name}");
        let text = file.text();
        let imports = text.lines().filter_map(|l| l.split("from \"./").nth(1)?.split('"').next());
        seen.push(name);
        let new = imports.map(|n| format!("ui/{n}")).filter(|n| !seen.contains(n));
        waiting.extend(new);
    }
    assert!(seen.len() > 12, "{seen:?}");
    let tag = client.get("/ui/main.js").header("etag").unwrap().to_owned();
    let again = client.send("GET", "/ui/main.js", &[("if-none-match", &tag)], b"").unwrap();
    assert_eq!((again.status, again.body.len()), (304, 0));
    for path in ["/ui/", "/ui/../Cargo.toml", "/ui/%2e%2e/main.js", "/etc/passwd", "/predict"] {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
}

#[test]
fn another_site_s_page_reads_and_changes_nothing() {
    let folder = Folder::new("ui-foreign");
    let path = store(&folder);
    let server = Running::start(over(path.clone()));
    let mut client = server.client();
    let alias = "/api/v1/models/churn/aliases/champion";
    let foreign = [("origin", "http://evil.example")];
    let refused = client.send("DELETE", alias, &foreign, b"").unwrap();
    assert!(refused.status == 403 && refused.text().contains("foreign-origin"));
    let own = [("origin", "http://test")];
    assert_eq!(client.send("DELETE", alias, &own, b"").unwrap().status, 200);
    let strict = UiSettings { store: path, hosts: Vec::new() };
    let server = Running::start(Settings { ui: Some(strict), ..settings(&[]) });
    let rebound = server.client().get("/api/v1/runs");
    assert!(rebound.status == 403 && rebound.text().contains("unknown-host"));
}

#[test]
fn with_keys_the_browser_signs_in_once_and_scopes_hold() {
    let folder = Folder::new("ui-keys");
    let (reader, admin) = (NewKey::make("reader").unwrap(), NewKey::make("boss").unwrap());
    let scoped = |key: &NewKey, scopes: &str| key.entry.replace("[\"predict\"]", scopes);
    let entries = scoped(&reader, "[\"metrics\"]") + &scoped(&admin, "[\"metrics\", \"admin\"]");
    let keys = Some(Keys::parse(&entries).unwrap());
    let server = Running::start(Settings { keys, ..over(store(&folder)) });
    let mut client = server.client();
    assert_eq!(client.get("/").status, 200, "the page says nothing of the store");
    assert_eq!(client.get("/api/v1/runs").status, 401);
    let session = client.get("/api/v1/session").ok();
    assert_eq!((&session["needs_key"], &session["store"]), (&json!(true), &Value::Null));
    assert_eq!(client.post("/api/v1/session", "{\"key\": \"mw_no\"}").status, 401);
    let answer = client.post("/api/v1/session", json!({ "key": reader.key }).to_string());
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = [("cookie", cookie.split(';').next().unwrap())];
    assert_eq!(client.send("GET", "/api/v1/runs", &cookie, b"").unwrap().status, 200);
    assert_eq!(client.send("GET", "/api/v1/session", &cookie, b"").unwrap().ok()["name"], "reader");
    let delete = client.send("DELETE", "/api/v1/runs/1", &cookie, b"").unwrap();
    assert_eq!(delete.status, 403, "{}", delete.text());
    let bearer = format!("Bearer {}", admin.key);
    let delete = client.send("DELETE", "/api/v1/runs/1", &[("authorization", &bearer)], b"");
    assert_eq!(delete.unwrap().status, 200);
}
