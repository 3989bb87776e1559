//! What is written down: by whom, what a killed server left, and when labels are not taken.

use std::path::Path;

use modelwright_serve::{RequestLogSettings, Server, Settings};
use serde_json::json;

use crate::harness::{Folder, Running, artifacts, objects, settings};

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
