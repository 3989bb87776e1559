//! What is written down: by whom, what a killed server left, and when labels are not taken.

use std::path::Path;

use modelwright_serve::{RequestLogSettings, Server, Settings};
use serde_json::json;

use crate::harness::{Folder, Running, artifacts, beside, objects, settings};

fn logging(folder: &Path) -> Settings {
    let request_log = Some(RequestLogSettings::new(folder.to_owned()));
    Settings { request_log, ..settings(&[&artifacts()]) }
}

fn parts(folder: &Path) -> usize {
    modelwright_lifecycle::journal::parts(folder).map_or(0, |parts| parts.len())
}

#[test]
fn what_a_killed_server_left_becomes_a_file_when_the_next_one_starts() {
    let (folder, left) = (Folder::new("kept-left"), Folder::new("kept-killed"));
    let running = Running::start(logging(&left.0));
    let row = objects("v2-binary").remove(0).to_string();
    let answer = running.client().post("/models/v2-binary/predict", row);
    let id = answer.header("x-request-id").unwrap().to_owned();
    let label = json!({ "request_id": id, "label": "yes" }).to_string();
    running.client().post("/feedback", label).ok();
    // Its lines as they are while it runs, once it has handed them to the system.
    for what in ["requests/v2-binary", "feedback"] {
        let (from, to) = (left.0.join(what), folder.0.join(what));
        std::fs::create_dir_all(&to).unwrap();
        while std::fs::read(from.join("journal.jsonl")).map_or(0, |lines| lines.len()) == 0 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        for file in ["journal.jsonl", "journal.schema.json"] {
            std::fs::copy(from.join(file), to.join(file)).unwrap();
        }
        assert_eq!(parts(&to), 0);
    }
    // Before the first request.
    let next = Running::start(logging(&folder.0));
    assert_eq!(parts(&folder.0.join("feedback")), 1);
    assert_eq!(parts(&folder.0.join("requests/v2-binary")), 1);
    drop(next);
}

#[test]
fn a_server_that_could_not_write_labels_does_not_start() {
    let folder = Folder::new("kept-locked");
    let running = Running::start(logging(&folder.0));
    let refused = Server::open(logging(&folder.0)).err().unwrap();
    assert!(refused.to_string().contains("another process writes rows down here"), "{refused}");
    drop(running);
    drop(Running::start(logging(&folder.0)));
}

#[test]
fn answers_of_two_forms_in_turn_share_their_lines() {
    let folder = Folder::new("kept-forms");
    let running = Running::start(logging(&folder.0));
    let row = objects("v3-regression-intervals").remove(0).to_string();
    for i in 0..40 {
        let query = if i % 2 == 0 { "" } else { "?interval=0.9" };
        let path = format!("/models/v3-regression-intervals/predict{query}");
        running.client().post(&path, row.clone()).ok();
    }
    drop(running);
    let kept = folder.0.join("requests/v3-regression-intervals");
    let paths = modelwright_lifecycle::journal::parts(&kept).unwrap();
    assert!(paths.len() <= 2, "{} files of 40 rows", paths.len());
    let ctx = modelwright_core::Context::unlimited(1, 1);
    let options = modelwright_io::ReadOptions::default();
    let read = |path| modelwright_io::read_path(path, &options, &ctx).unwrap().table;
    let tables: Vec<_> = paths.iter().map(|path| read(path)).collect();
    assert_eq!(tables.iter().map(modelwright_core::data::Table::n_rows).sum::<usize>(), 40);
    let last = tables.last().unwrap();
    let low = last.column("prediction_lower").unwrap();
    let n_missing = (0..last.n_rows()).filter(|row| low.display(*row).is_none()).count();
    assert_eq!(n_missing, last.n_rows() / 2, "rows without an interval have none");
}

#[test]
fn a_canary_of_another_type_keeps_whole_files_and_says_which_model_answered() {
    let (folder, models) = (Folder::new("kept-canary"), Folder::new("kept-models"));
    let path = models.0.join("shop.mw");
    std::fs::copy(beside("v2-binary", "mw"), &path).unwrap();
    let log = Some(RequestLogSettings::new(folder.0.clone()));
    let running =
        Running::start(Settings { request_log: log, hold: true, ..settings(&[&models.0]) });
    let mut client = running.client();
    std::fs::copy(beside("v3-regression-intervals", "mw"), &path).unwrap();
    assert_eq!(client.post("/admin/reload", "").ok()["loaded"], 1);
    // One row that both can read, as far as they need.
    let mut row = objects("v2-binary").remove(0);
    let other = objects("v3-regression-intervals").remove(0);
    for (name, value) in other.as_object().unwrap() {
        row[name] = value.clone();
    }
    let row = row.to_string();
    for i in 0..60 {
        let answer = client.post(&format!("/models/shop/versions/{}/predict", i % 2 + 1), &row);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    drop(client);
    drop(running);
    let kept = folder.0.join("requests/shop");
    let paths = modelwright_lifecycle::journal::parts(&kept).unwrap();
    assert!(paths.len() <= 3, "{} files of 60 rows", paths.len());
    let ctx = modelwright_core::Context::unlimited(1, 1);
    let options = modelwright_io::ReadOptions::default();
    let mut digests = std::collections::BTreeMap::<(String, String), usize>::new();
    for path in &paths {
        let table = modelwright_io::read_path(path, &options, &ctx).unwrap().table;
        for row in 0..table.n_rows() {
            let shown = |name: &str| table.column(name).unwrap().display(row).unwrap();
            *digests.entry((shown("model_version"), shown("model_sha256"))).or_default() += 1;
        }
    }
    let digests: Vec<_> = digests.into_iter().collect();
    assert_eq!(digests.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [30, 30]);
    assert_ne!(digests[0].0.1, digests[1].0.1);
}

#[test]
fn labels_that_are_no_answer_of_the_model_are_refused_and_repeated_ones_counted() {
    let folder = Folder::new("kept-strange");
    let of = |name: &str, folder: &Path| Settings {
        request_log: Some(RequestLogSettings::new(folder.to_owned())),
        ..settings(&[&beside(name, "mw")])
    };
    let running = Running::start(of("v2-binary", &folder.0.join("binary")));
    let mut client = running.client();
    let label = |id: &str, label: serde_json::Value| json!({ "request_id": id, "label": label });
    let refused = client.post(
        "/feedback",
        json!([label("a", json!("yes")), label("b", json!("perhaps"))]).to_string(),
    );
    assert_eq!(refused.status, 422, "{}", refused.text());
    let said: serde_json::Value = serde_json::from_str(&refused.text()).unwrap();
    assert_eq!((&said["row"], &said["got"]), (&json!(2), &json!("perhaps")), "{said:#}");
    assert_eq!(said["expected"], "one of no, yes", "{said:#}");
    assert!(said["hint"].as_str().unwrap().contains("none of the labels was taken"), "{said:#}");
    let negative = json!({ "request_id": "a", "label": "yes", "row": -1 }).to_string();
    assert_eq!(client.post("/feedback", negative).status, 400);
    let mut send = |labels: serde_json::Value| client.post("/feedback", labels.to_string()).ok();
    assert_eq!(send(json!([label("a", json!("yes")), label("a", json!("no"))])), counts(2, 0, 1));
    assert_eq!(send(label("a", json!("no"))), counts(1, 1, 0));
    drop(running);

    let running = Running::start(of("v2-regression", &folder.0.join("numbers")));
    let mut client = running.client();
    assert_eq!(client.post("/feedback", label("a", json!("1.5")).to_string()).status, 200);
    let text = client.post("/feedback", label("a", json!("much")).to_string());
    assert_eq!((text.status, text.text().contains("is no number")), (422, true));
}

#[test]
fn of_several_models_the_label_says_which_one_answered() {
    let folder = Folder::new("kept-named");
    let running = Running::start(logging(&folder.0));
    let mut client = running.client();
    let label = |model: Option<&str>| {
        let mut label = json!({ "request_id": "a", "label": "perhaps" });
        if let Some(model) = model {
            label["model"] = json!(model);
        }
        label.to_string()
    };
    assert_eq!(client.post("/feedback", label(None)).status, 200, "not known whose it is");
    assert_eq!(client.post("/feedback", label(Some("v2-binary"))).status, 422);
    let absent = client.post("/feedback", label(Some("absent")));
    assert_eq!(absent.status, 404, "{}", absent.text());
}

/// What `/feedback` answers: labels taken, among them repeated and contradicting ones.
fn counts(n: usize, repeated: usize, against: usize) -> serde_json::Value {
    json!({ "n_labels": n, "n_repeated": repeated, "n_contradicting": against })
}
