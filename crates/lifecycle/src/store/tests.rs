//! What must hold of a store, whoever writes it and however it ends.

mod homes;
mod server;

use std::fs;
use std::path::PathBuf;
use std::thread;

use modelwright_core::context::Event;
use modelwright_core::data::Schema;
use modelwright_core::record::{
    AuditRecord, Evaluation, Interval, MetricValue, MonitorRecord, RunRecord,
};

use super::*;
use crate::artifact::{ArtifactParts, pack_artifact};
pub(crate) use homes::{Home, on_both};

pub(super) const NOW: &str = "2026-01-02T03:04:05Z";

fn record(score: f64) -> RunRecord {
    let mut record = crate::artifact::tests::record();
    let value = MetricValue {
        name: "rmse".to_owned(),
        value: Some(score),
        ci95: Some(Interval { low: score - 0.1, high: score + 0.1 }),
        note: None,
    };
    let on = "holdout".to_owned();
    record.evaluation = Some(Evaluation { on, metrics: vec![value], ..Evaluation::default() });
    record
}

pub(crate) fn model_file(folder: &Home, score: f64) -> PathBuf {
    let parts = ArtifactParts {
        model: b"m",
        schema: &Schema::default(),
        reference: b"r",
        record: &record(score),
        report_html: "<html>",
    };
    let path = folder.path().join(format!("{score}.mw"));
    fs::write(&path, pack_artifact(&parts).unwrap()).unwrap();
    path
}

pub(super) fn begin(store: &mut Store, kind: &str, folds: i64) -> i64 {
    let run = NewRun {
        kind: kind.to_owned(),
        started: NOW.to_owned(),
        parameters: serde_json::json!({ "folds": folds, "preset": "quick" }),
        ..NewRun::default()
    };
    store.begin_run(&run).unwrap()
}

pub(super) fn finish(store: &mut Store, id: i64, score: f64) {
    let record = record(score);
    let end = RunEnd { ended: NOW.to_owned(), record: Some(&record), ..RunEnd::default() };
    store.end_run(id, &end).unwrap();
}

fn found(store: &Store, search: &str) -> Vec<i64> {
    let runs = store.runs(&RunFilter::parse(search).unwrap()).unwrap();
    runs.iter().map(|run| run.id).collect()
}

#[test]
fn a_run_is_written_down_with_its_account_and_found_again() {
    on_both("store-runs", |folder| {
        let mut store = folder.open();
        let first = begin(&mut store, "fit", 3);
        assert_eq!(store.run(first).unwrap().status, RunStatus::Running);
        finish(&mut store, first, 0.5);
        let second = begin(&mut store, "fit", 5);
        finish(&mut store, second, 0.4);
        let third = begin(&mut store, "evaluate", 0);
        let error = Some("the disk is full".to_owned());
        store.end_run(third, &RunEnd { error, ..RunEnd::default() }).unwrap();
        let run = store.run(second).unwrap();
        assert_eq!((run.status, run.metrics[0].value), (RunStatus::Finished, Some(0.4)));
        assert_eq!(store.run_record(second).unwrap(), record(0.4));
        assert_eq!(found(&store, "kind = fit"), [second, first]);
        assert_eq!(found(&store, "metrics.rmse < 0.45 and kind = 'fit'"), [second]);
        assert_eq!(found(&store, "parameters.folds >= 5"), [second]);
        assert_eq!(found(&store, "kind like \"%val%\" AND status=failed"), [third]);
        let best = RunFilter::default().best_first("rmse", false);
        let order: Vec<i64> = store.runs(&best).unwrap().iter().map(|r| r.id).collect();
        assert_eq!(order, [second, first, third]);
        assert!(store.run_record(third).is_err(), "it fitted nothing");
    });
}

#[test]
fn a_search_that_cannot_be_understood_is_refused_with_an_example() {
    for text in ["", "kind", "kind = ", "kind ~ fit", "colour = red", "kind = 'fit", "a = 1 and"] {
        let error = RunFilter::parse(text).unwrap_err();
        assert!(error.expected_text().is_some(), "{text}: {error}");
    }
    let error = RunFilter::parse(&vec!["id > 0"; 101].join(" and ")).unwrap_err();
    assert_eq!(error.expected_text(), Some("at most 100"));
    let error = RunFilter::parse("knd = fit").unwrap_err();
    assert_eq!(error.hint_text(), Some("did you mean `kind`?"));
    // A value is a value, never a part of the query.
    on_both("store-injection", |folder| {
        let mut store = folder.open();
        begin(&mut store, "fit", 1);
        assert!(found(&store, "kind = \"fit' OR 1=1 --\"").is_empty());
        assert!(found(&store, "metrics.x);-- > 0").is_empty());
        let named = begin(&mut store, "nan", 1);
        assert_eq!(found(&store, "kind = nan"), [named], "a word, not a number");
    });
}

#[test]
fn a_run_whose_process_is_gone_is_closed_by_the_next_to_open() {
    on_both("store-lost", |folder| {
        let id = {
            let mut store = folder.open();
            let id = begin(&mut store, "fit", 1);
            // As if another process had begun it, and were gone.
            store.db.execute("UPDATE runs SET process = 'before'", &[]).unwrap();
            id
        };
        let store = folder.open();
        let run = store.run(id).unwrap();
        assert_eq!((run.status, run.ended.as_deref()), (RunStatus::Lost, Some(NOW)));
        assert!(run.note.unwrap().contains("killed"));
    });
}

#[test]
fn a_run_whose_process_cannot_be_looked_for_is_closed_only_after_a_long_silence() {
    on_both("store-unseen", |folder| {
        for process in ["", "5 pid:[1]"] {
            let mut store = folder.open();
            let id = begin(&mut store, "fit", 1);
            store.db.execute(&format!("UPDATE runs SET process = '{process}'"), &[]).unwrap();
            let status =
                |at: &str| Store::open(folder.place(), at).unwrap().run(id).unwrap().status;
            assert_eq!(status("2026-01-02T03:10:00Z"), RunStatus::Running, "{process}");
            assert_eq!(status("2026-01-02T05:10:00Z"), RunStatus::Lost, "{process}");
        }
    });
}

#[test]
fn a_run_of_another_machine_is_closed_only_after_a_long_silence() {
    on_both("store-silent", |folder| {
        let mut store = folder.open();
        let (silent, alive) = (begin(&mut store, "fit", 1), begin(&mut store, "fit", 2));
        store.db.execute("UPDATE runs SET host = 'elsewhere', process = '7'", &[]).unwrap();
        store.beat(alive, "2026-01-02T05:00:00Z").unwrap();
        let path = folder.place();
        // A clock that goes backwards closes nothing.
        for at in ["2026-01-02T03:10:00Z", "2025-01-01T00:00:00Z"] {
            let store = Store::open(path, at).unwrap();
            assert_eq!(store.run(silent).unwrap().status, RunStatus::Running);
        }
        let store = Store::open(path, "2026-01-02T05:10:00Z").unwrap();
        let run = store.run(silent).unwrap();
        assert_eq!(run.status, RunStatus::Lost);
        assert!(run.note.unwrap().contains("elsewhere, was last heard of at 2026-01-02T03:04:05Z"));
        assert_eq!(store.run(alive).unwrap().status, RunStatus::Running);
    });
}

#[test]
fn a_full_disk_is_said_and_leaves_the_store_as_it_was() {
    let folder = Home::in_folder("store-full");
    let mut store = folder.open();
    let id = begin(&mut store, "fit", 1);
    finish(&mut store, id, 0.5);
    // SQLite's own bound on pages stands for the end of the disk: the same error code.
    let n_pages: i64 = store.db.query_row("PRAGMA page_count", &[], |row| row.get(0)).unwrap();
    store.db.query(&format!("PRAGMA max_page_count = {n_pages}"), &[]).unwrap();
    let many = NewRun {
        kind: "fit".to_owned(),
        started: NOW.to_owned(),
        parameters: serde_json::json!({ "text": "x".repeat(100_000) }),
        ..NewRun::default()
    };
    let error = store.begin_run(&many).unwrap_err().to_string();
    assert!(error.contains("disk is full") && error.contains("as it was before"), "{error}");
    drop(store);
    let store = Store::open(folder.place(), NOW).unwrap();
    let runs = store.runs(&RunFilter::default()).unwrap();
    assert_eq!((runs.len(), runs[0].metrics[0].value), (1, Some(0.5)));
}

#[test]
fn two_writers_and_ten_readers_lose_nothing() {
    on_both("store-ten", |folder| {
        drop(folder.open());
        let path = folder.place();
        let n_runs = 15;
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut store = Store::open(path, NOW).unwrap();
                    for i in 0..n_runs {
                        let id = begin(&mut store, "fit", i);
                        store.beat(id, NOW).unwrap();
                        finish(&mut store, id, 0.1);
                    }
                });
            }
            for _ in 0..10 {
                scope.spawn(|| {
                    let store = Store::read(path).unwrap();
                    let mut n_before = 0;
                    for _ in 0..15 {
                        let n = store.runs(&RunFilter::default()).unwrap().len();
                        assert!(n >= n_before, "what was there once stays");
                        n_before = n;
                    }
                });
            }
        });
        let found = Store::read(path).unwrap().runs(&RunFilter::default()).unwrap();
        assert_eq!(whole(found.len()), 2 * n_runs);
        assert!(found.iter().all(|run| run.status == RunStatus::Finished));
    });
}

#[test]
fn versions_are_numbered_once_and_aliases_move_back_and_forth() {
    on_both("store-registry", |folder| {
        let mut store = folder.open();
        let (a, b) = (model_file(folder, 0.5), model_file(folder, 0.4));
        assert_eq!(store.register("churn", &a, None, None, NOW).unwrap().number, 1);
        let second = store.register("churn", &b, None, Some("more rows"), NOW).unwrap();
        assert_eq!((second.number, second.value), (2, Some(0.4)));
        assert_eq!(
            store.register("churn", &a, None, None, NOW).unwrap().number,
            1,
            "the same bytes"
        );
        assert_eq!(store.set_alias("churn", "champion", "1", None, NOW).unwrap(), None);
        assert_eq!(store.set_alias("churn", "champion", "latest", None, NOW).unwrap(), Some(1));
        let file = store.model_file("churn", "champion").unwrap();
        assert_eq!(fs::read(file).unwrap(), fs::read(&b).unwrap());
        assert_eq!(store.roll_back("churn", "champion", None, NOW).unwrap(), 1);
        assert_eq!(store.version("churn", "champion").unwrap().number, 1);
        let history: Vec<_> =
            store.history("churn").unwrap().into_iter().map(|c| (c.before, c.number)).collect();
        assert_eq!(history, [(Some(2), Some(1)), (Some(1), Some(2)), (None, Some(1))]);
        // Back twice goes back two versions, and not to and fro.
        for number in ["1", "2", "3"] {
            if number == "3" {
                store.register("churn", &model_file(folder, 0.6), None, None, NOW).unwrap();
            }
            store.set_alias("churn", "next", number, None, NOW).unwrap();
        }
        let mut back = |why| store.roll_back("churn", "next", why, NOW);
        assert_eq!((back(None).unwrap(), back(Some("bad, too")).unwrap()), (2, 1));
        assert!(back(None).is_err(), "it stood for nothing before");
        store.set_alias("churn", "next", "3", None, NOW).unwrap();
        assert_eq!(store.roll_back("churn", "next", None, NOW).unwrap(), 1);
        store.remove_alias("churn", "next", NOW).unwrap();
        store.delete_model("churn", Some(3)).unwrap();
        // The number of a removed version is not given again.
        store.set_alias("churn", "old", "2", None, NOW).unwrap();
        store.remove_alias("churn", "old", NOW).unwrap();
        store.delete_model("churn", Some(2)).unwrap();
        let third = store.register("churn", &b, None, None, NOW).unwrap();
        assert_eq!(third.number, 4);
    });
}

#[test]
fn what_is_in_use_is_not_removed_and_bytes_go_with_their_last_name() {
    on_both("store-delete", |folder| {
        let mut store = folder.open();
        let file = model_file(folder, 0.5);
        let kept = store.register("a", &file, None, None, NOW).unwrap();
        store.register("b", &file, None, None, NOW).unwrap();
        store.set_alias("a", "champion", "1", None, NOW).unwrap();
        for number in [None, Some(1)] {
            let error = store.delete_model("a", number).unwrap_err();
            assert!(error.to_string().contains("champion"), "{error}");
        }
        store.delete_model("b", None).unwrap();
        let path = files::path(store.folder(), &kept.sha256, files::MODEL);
        assert!(path.is_file(), "another model has the same bytes");
        store.remove_alias("a", "champion", NOW).unwrap();
        store.delete_model("a", None).unwrap();
        assert!(!path.exists() && store.models().unwrap().is_empty());
        let id = begin(&mut store, "fit", 1);
        assert!(store.delete_run(id).unwrap_err().to_string().contains("at work"));
        finish(&mut store, id, 0.3);
        assert!(store.delete_runs(&[id, 777]).unwrap_err().to_string().contains("777"));
        assert!(store.run(id).is_ok(), "all of them or none");
        store.delete_runs(&[id, id]).unwrap();
        assert!(store.run(id).is_err());
    });
}

#[test]
fn a_number_is_not_given_again_after_its_version_was_removed() {
    on_both("store-numbers", |folder| {
        let mut store = folder.open();
        let (a, b) = (model_file(folder, 0.5), model_file(folder, 0.4));
        store.register("churn", &a, None, None, NOW).unwrap();
        // No alias ever stood for it: nothing but the counter remembers it.
        store.delete_model("churn", Some(1)).unwrap();
        assert_eq!(store.register("churn", &b, None, None, NOW).unwrap().number, 2);
        store.delete_model("churn", Some(2)).unwrap();
        assert_eq!(store.models().unwrap()[0].n_versions, 0, "the name stays");
        let error = store.version("churn", "latest").unwrap_err().to_string();
        assert!(error.contains("no version yet"), "{error}");
        store.delete_model("churn", None).unwrap();
        assert!(store.models().unwrap().is_empty());
        assert!(store.delete_model("churn", None).is_err());
    });
}

#[test]
fn a_store_from_before_the_counter_goes_on_counting() {
    let home = Home::in_folder("store-counter");
    let folder = home.path().join("store");
    fs::create_dir_all(&folder).unwrap();
    let n_before =
        schema::MIGRATIONS.iter().position(|sql| sql.contains("ADD COLUMN newest")).unwrap();
    {
        let old = rusqlite::Connection::open(folder.join(open::DATABASE)).unwrap();
        for sql in &schema::MIGRATIONS[..n_before] {
            old.execute_batch(sql).unwrap();
        }
        old.pragma_update(None, "user_version", whole(n_before)).unwrap();
        old.pragma_update(None, "application_id", schema::APPLICATION).unwrap();
        old.execute_batch(
            "INSERT INTO models (id, name, created) VALUES (1, 'a', ''), (2, 'b', ''), (3, 'c', '');
             INSERT INTO versions (model, number, created, sha256, size_bytes, target, task)
                 VALUES (1, 4, '', '', 0, '', 'mlflow');
             INSERT INTO history (model, alias, number, before, at) VALUES (2, 'x', NULL, 7, '')",
        )
        .unwrap();
    }
    let mut store = home.open();
    let mut next = |name: &str| {
        let file = model_file(&home, 0.5);
        store.register(name, &file, None, None, NOW).unwrap().number
    };
    assert_eq!((next("a"), next("b"), next("c")), (5, 8, 1));
}

#[test]
fn an_alias_moves_only_from_where_the_asker_saw_it() {
    on_both("store-alias-from", |folder| {
        let mut store = folder.open();
        for score in [0.5, 0.4] {
            store.register("churn", &model_file(folder, score), None, None, NOW).unwrap();
        }
        store.set_alias("churn", "champion", "1", None, NOW).unwrap();
        let wish = |selector, from| AliasMove {
            name: "churn",
            alias: "champion",
            selector,
            from,
            reason: None,
        };
        let moved = store.set_alias_from(&wish("2", Some(2)), NOW).unwrap();
        assert_eq!(moved, Moved::Meanwhile { now: Some(1) });
        assert_eq!(store.version("churn", "champion").unwrap().number, 1);
        let moved = store.set_alias_from(&wish("latest", Some(1)), NOW).unwrap();
        assert_eq!(moved, Moved::Done { number: 2, before: Some(1) });
        let back = store.roll_back_from("churn", "champion", Some(1), None, NOW).unwrap();
        assert_eq!(back, Moved::Meanwhile { now: Some(2) });
        let back = store.roll_back_from("churn", "champion", Some(2), None, NOW).unwrap();
        assert_eq!(back, Moved::Done { number: 1, before: Some(2) });
        // Many at once, all from version 1: one of them moves it.
        let path = folder.place();
        let n_done = thread::scope(|scope| {
            let race = || {
                let mut store = Store::open(path, NOW).unwrap();
                let moved = store.set_alias_from(&wish("2", Some(1)), NOW).unwrap();
                usize::from(matches!(moved, Moved::Done { .. }))
            };
            let all: Vec<_> = (0..6).map(|_| scope.spawn(race)).collect();
            all.into_iter().map(|one| one.join().unwrap()).sum::<usize>()
        });
        assert_eq!(n_done, 1);
    });
}

#[test]
fn a_removal_that_fails_leaves_the_files_it_would_have_removed() {
    on_both("store-undone", |folder| {
        let mut store = folder.open();
        let file = model_file(folder, 0.5);
        let version = store.register("a", &file, None, None, NOW).unwrap();
        let failed: Result<()> = store.change(|db| {
            db.execute("DELETE FROM versions", &[]).map_err(|e| db.failed(e))?;
            files::remove_unused(db, &version.sha256, files::MODEL).map_err(|e| db.failed(e))?;
            Err(modelwright_core::Error::work("the power went"))
        });
        assert!(failed.is_err());
        let kept = store.model_file("a", "1").unwrap();
        assert_eq!(fs::read(kept).unwrap(), fs::read(&file).unwrap());
        store.delete_model("a", None).unwrap();
        assert!(!files::path(store.folder(), &version.sha256, files::MODEL).exists());
    });
}

#[test]
fn unknown_names_and_names_that_cannot_be_are_refused() {
    on_both("store-names", |folder| {
        let mut store = folder.open();
        let file = model_file(folder, 0.5);
        store.register("churn", &file, None, None, NOW).unwrap();
        let text = |result: Result<ModelVersion>| result.unwrap_err().to_string();
        assert!(text(store.version("chrun", "1")).contains("did you mean `churn`"));
        assert!(text(store.version("churn", "9")).contains("a number up to 1"));
        for name in ["", "a@b", "../up", ".hidden", "a b", "a/b"] {
            assert!(store.register(name, &file, None, None, NOW).is_err(), "{name}");
        }
        for alias in ["latest", "7", "a@b", ""] {
            assert!(store.set_alias("churn", alias, "1", None, NOW).is_err(), "{alias}");
        }
        assert!(store.roll_back("churn", "1", None, NOW).is_err());
        fs::write(folder.path().join("no.mw"), "PK no").unwrap();
        assert!(store.register("x", &folder.path().join("no.mw"), None, None, NOW).is_err());
        assert_eq!(store.models().unwrap().len(), 1, "a refused file leaves no model");
    });
}

#[test]
fn a_damaged_a_foreign_and_a_newer_store_are_refused() {
    let folder = Home::in_folder("store-bad");
    let refused = |name: &str| {
        let path = folder.path().join(name);
        Store::open(&path, NOW).err().expect("it must be refused").to_string()
    };
    let file = |name: &str| {
        fs::create_dir_all(folder.path().join(name)).unwrap();
        folder.path().join(name).join(open::DATABASE)
    };
    fs::write(file("text"), "this is no database, however long it may be ".repeat(50)).unwrap();
    assert!(refused("text").contains("damaged"));
    let foreign = rusqlite::Connection::open(file("foreign")).unwrap();
    foreign.execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    assert!(refused("foreign").contains("not a store of Modelwright"));
    drop(Store::open(&folder.path().join("newer"), NOW).unwrap());
    let newer = rusqlite::Connection::open(file("newer")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    assert!(refused("newer").contains("newer Modelwright"));
    let absent = folder.path().join("absent");
    let error = Store::open_existing(&absent, NOW).err().expect("there is none").to_string();
    assert!(error.contains("no store yet") && !absent.exists(), "{error}");
}

#[test]
fn a_changed_file_of_the_store_is_noticed() {
    let folder = Home::in_folder("store-changed");
    let mut store = folder.open();
    let id = begin(&mut store, "fit", 1);
    finish(&mut store, id, 0.5);
    let sha256 = store.run(id).unwrap().record_sha256.unwrap();
    let path = files::path(store.folder(), &sha256, files::RECORD);
    let mut bytes = fs::read(&path).unwrap();
    bytes[40] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(store.run_record(id).unwrap_err().to_string().contains("was changed"));
}

#[test]
fn writers_and_readers_at_once_lose_nothing() {
    on_both("store-many", |folder| {
        drop(folder.open());
        let path = folder.place();
        let file = model_file(folder, 0.5);
        let (n_writers, n_runs) = (3, 12);
        thread::scope(|scope| {
            for writer in 0..n_writers {
                let (path, file) = (&path, &file);
                scope.spawn(move || {
                    let mut store = Store::open(path, NOW).unwrap();
                    for i in 0..n_runs {
                        let id = begin(&mut store, "fit", i);
                        finish(&mut store, id, 0.1 * i as f64);
                        store.register(&format!("m{writer}"), file, Some(id), None, NOW).unwrap();
                        store.set_alias(&format!("m{writer}"), "now", "latest", None, NOW).unwrap();
                    }
                });
            }
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let store = Store::open_existing(path, NOW).unwrap();
                        for run in store.runs(&RunFilter::default()).unwrap() {
                            assert_eq!(run.metrics.len() == 1, run.status == RunStatus::Finished);
                        }
                    }
                });
            }
        });
        let store = folder.open();
        let runs = store.runs(&RunFilter::default()).unwrap();
        assert_eq!(whole(runs.len()), n_writers * n_runs);
        assert!(runs.iter().all(|run| run.status == RunStatus::Finished));
        assert_eq!(store.models().unwrap().len(), 3);
    });
}

#[test]
fn what_a_run_tells_is_read_while_it_is_at_work_and_goes_with_it() {
    let folder = Home::in_folder("store-live");
    let mut store = folder.open();
    let id = begin(&mut store, "fit", 1);
    assert_eq!(store.live(id, 0), []);
    let trial = |score: f64| LiveLine {
        after_s: score,
        told: Event::Trial { name: "gbdt".to_owned(), score: Some(score), best: true }.into(),
    };
    let mut writer = store.live_writer(id).unwrap();
    writer.tell(&trial(0.5));
    writer.tell(&trial(f64::NAN));
    let path = store.folder().join("live").join(format!("{id}.jsonl"));
    let mut text = fs::read_to_string(&path).unwrap();
    text += "{\"after_s\": 3, \"what\": \"tri";
    fs::write(&path, text).unwrap();
    let told = store.live(id, 0);
    assert_eq!(told.len(), 1, "a number that JSON lacks, and half a line, are no lines: {told:?}");
    assert_eq!(told[0], trial(0.5));
    assert_eq!(store.live(id, 1), []);
    finish(&mut store, id, 0.5);
    store.delete_run(id).unwrap();
    assert!(!path.exists());
}

fn monitor_record() -> MonitorRecord {
    let rows = serde_json::json!({ "names": ["a.csv"], "n_rows": 10, "is_exact": true });
    let document = serde_json::json!({
        "format_version": 1, "engine_version": "0", "created": NOW,
        "model": { "target": "y", "task": "binary", "metric": "roc_auc", "created": NOW },
        "reference": rows, "current": rows,
        "verdict": { "status": "stable", "summary": "as it was", "drift": false,
                     "performance": false, "quality": false },
        "explanation": [], "quality": [], "columns": [],
        "dataset": { "n_columns": 1, "n_drifted": 0, "share": 0.0, "n_exceeding": 0,
                     "importance_share": null, "threshold": 0.5, "drifted": false },
        "predictions": null, "target": null, "multivariate": null, "performance": null,
        "estimated": null, "notes": [],
    });
    serde_json::from_value(document).unwrap()
}

#[test]
fn a_run_that_watched_a_model_keeps_what_it_found() {
    on_both("store-monitor", |folder| {
        let mut store = folder.open();
        let found = monitor_record();
        let id = begin(&mut store, "monitor", 0);
        let end = RunEnd { ended: NOW.to_owned(), monitor: Some(&found), ..RunEnd::default() };
        store.end_run(id, &end).unwrap();
        assert_eq!(store.run_monitor(id).unwrap(), found);
        assert!(store.run_record(id).unwrap_err().to_string().contains("no account"));
        let fit = begin(&mut store, "fit", 1);
        finish(&mut store, fit, 0.5);
        assert!(store.run_monitor(fit).unwrap_err().to_string().contains("watched no model"));
    });
}

#[test]
fn a_run_that_audited_a_model_keeps_what_it_found_and_made_no_model() {
    on_both("store-audit", |folder| {
        let mut store = folder.open();
        let found =
            AuditRecord { model: "m".to_owned(), target: "y".to_owned(), ..AuditRecord::default() };
        let audit = begin(&mut store, "audit", 0);
        let file = model_file(folder, 0.5);
        let sha256 = crate::digest::sha256_file(&file).unwrap();
        let end = RunEnd {
            ended: NOW.to_owned(),
            audit: Some(&found),
            model_sha256: Some(sha256.clone()),
            ..RunEnd::default()
        };
        store.end_run(audit, &end).unwrap();
        assert_eq!(store.run_audit(audit).unwrap(), found);
        assert!(!store.run(audit).unwrap().has_account());
        assert!(store.run_record(audit).unwrap_err().to_string().contains("no account"));
        assert!(store.run_monitor(audit).unwrap_err().to_string().contains("watched no model"));
        let version = store.register("m", &file, None, None, NOW).unwrap();
        assert_eq!(version.run, None, "a run that only looked did not make it");
        let refused = store.register_run("m", audit, None, NOW).unwrap_err().to_string();
        assert!(refused.contains("the run made no model"), "{refused}");
        let monitor = begin(&mut store, "monitor", 0);
        assert!(store.run_audit(monitor).unwrap_err().to_string().contains("audited no model"));
        store.delete_runs(&[audit]).unwrap();
    });
}
