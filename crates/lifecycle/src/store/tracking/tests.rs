//! What must hold of tracked runs, and of our own as clients see them.

use std::io::Read as _;

use super::*;
use crate::store::tests::{Home, NOW, begin, finish, model_file, on_both};
use crate::store::{RunFilter, RunStatus};

fn new_run(store: &mut Store, id: &str, experiment: i64) {
    let run = NewTrackedRun {
        run_id: id.to_owned(),
        experiment,
        name: format!("run {id}"),
        user: "me".to_owned(),
        start_ms: 1_700_000_000_000,
        tags: vec![("team".to_owned(), "a".to_owned())],
    };
    store.create_tracked_run(&run).unwrap();
}

fn point(name: &str, step: i64, value: f64) -> NewPoint {
    NewPoint { name: name.to_owned(), value, at_ms: 1000 + step, step, ..NewPoint::default() }
}

fn log(store: &mut Store, id: &str, points: Vec<NewPoint>) {
    store.log(id, &Batch { points, ..Batch::default() }).unwrap();
}

fn message<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    match answer.unwrap_err() {
        Refusal::Missing(text) | Refusal::Exists(text) | Refusal::Invalid(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_latest_value_is_the_one_of_the_largest_step_however_values_come() {
    on_both("tracking-latest", |folder| {
        let mut store = folder.open();
        new_run(&mut store, "r1", 0);
        log(&mut store, "r1", vec![point("loss", 5, 0.5), point("loss", 2, 0.2)]);
        log(&mut store, "r1", vec![point("loss", 4, 0.4), point("loss", 4, 0.4)]);
        log(&mut store, "r1", vec![point("nan", 0, 1.0), point("nan", 1, f64::NAN)]);
        let run = store.tracked_run("r1").unwrap();
        let latest = |name: &str| run.metrics.iter().find(|m| m.name == name).unwrap();
        assert_eq!((latest("loss").value, latest("loss").step), (0.5, 5));
        assert!(latest("nan").value.is_nan());
        let page = store.metric_history("r1", "loss", Some(2), 0).unwrap();
        let steps: Vec<i64> = page.items.iter().map(|p| p.step).collect();
        assert_eq!((steps, page.next), (vec![2, 4], Some(2)), "equal values are kept once");
        assert!(store.metric_history("r1", "nan", None, 0).unwrap().items[1].value.is_nan());
        let thin = store.metric_between("r1", "loss", Some((3, 9)), 1).unwrap();
        assert_eq!(thin.iter().map(|p| p.step).collect::<Vec<_>>(), [4, 5]);
    });
}

#[test]
fn runs_of_a_client_are_found_by_numbers_that_are_texts_and_by_their_names() {
    on_both("tracking-searched", |folder| {
        let mut store = folder.open();
        for (id, c) in [("r1", "0.1"), ("r2", "1"), ("r3", "10"), ("r4", "1e-05"), ("r5", "no")] {
            new_run(&mut store, id, 0);
            let params = vec![("C".to_owned(), c.to_owned())];
            store.log(id, &Batch { params, ..Batch::default() }).unwrap();
        }
        let own = begin(&mut store, "fit", 3);
        let number = |id: &str| store.tracked_run(id).unwrap().id;
        let found = |search: &str| -> Vec<i64> {
            let runs = store.runs(&RunFilter::parse(search).unwrap()).unwrap();
            runs.iter().map(|run| run.id).collect()
        };
        assert_eq!(found("parameters.C >= 5"), [number("r3")]);
        assert_eq!(found("parameters.C < 0.5"), [number("r4"), number("r1")]);
        assert_eq!(found("parameters.C = 1"), [number("r2")]);
        assert_eq!(found("parameters.C = '1'"), [number("r2")]);
        assert_eq!(found("parameters.folds = 3"), [own]);
        assert_eq!(found("parameters.folds = '3'"), [own]);
        assert_eq!(found("name = 'run r2'"), [number("r2")]);
        assert_eq!(found("experiment = Default and name like '%r3'"), [number("r3")]);
        let run = store.run(number("r2")).unwrap();
        let said = (run.name.as_deref(), run.experiment.as_deref());
        assert_eq!(said, (Some("run r2"), Some("Default")));
        assert_eq!(store.run(own).unwrap().name, None);
    });
}

#[test]
fn a_batch_with_a_changed_parameter_leaves_nothing() {
    on_both("tracking-batch", |folder| {
        let mut store = folder.open();
        new_run(&mut store, "r1", 0);
        let pair = |value: &str| vec![("depth".to_owned(), value.to_owned())];
        store.log("r1", &Batch { params: pair("3"), ..Batch::default() }).unwrap();
        let batch = Batch { points: vec![point("m", 0, 1.0)], params: pair("4"), tags: pair("x") };
        assert!(message(store.log("r1", &batch)).contains("already logged with value='3'"));
        let run = store.tracked_run("r1").unwrap();
        assert_eq!(run.params, pair("3"));
        assert!(run.metrics.is_empty() && run.tags.iter().all(|(key, _)| key != "depth"));
    });
}

#[test]
fn runs_of_clients_are_found_among_ours_until_they_are_deleted() {
    on_both("tracking-both", |folder| {
        let mut store = folder.open();
        let own = begin(&mut store, "fit", 5);
        finish(&mut store, own, 0.5);
        new_run(&mut store, "r1", 0);
        log(&mut store, "r1", vec![point("rmse", 0, 0.25)]);
        let update = RunUpdate {
            status: Some("KILLED".to_owned()),
            end_ms: Some(1_700_000_004_000),
            ..RunUpdate::default()
        };
        store.update_tracked_run("r1", &update).unwrap();
        let runs = store.runs(&RunFilter::parse("metrics.rmse < 1").unwrap()).unwrap();
        assert_eq!(runs.iter().map(|r| r.kind.as_str()).collect::<Vec<_>>(), ["mlflow", "fit"]);
        assert_eq!((runs[0].status, runs[0].duration_s), (RunStatus::Lost, Some(4.0)));
        store.hide_run("r1", true, 7).unwrap();
        assert_eq!(store.runs(&RunFilter::default()).unwrap().len(), 1);
        store.hide_run("r1", false, 8).unwrap();
        assert_eq!(store.runs(&RunFilter::default()).unwrap().len(), 2);
        // Another process that opens the store takes no client's run for lost.
        new_run(&mut store, "r2", 0);
        drop(Store::open(store.folder(), NOW).unwrap());
        assert_eq!(store.tracked_run("r2").unwrap().status, "RUNNING");
        store.delete_run(runs[0].id).unwrap();
        assert!(message(store.tracked_run("r1")).contains("not found"));
    });
}

#[test]
fn our_own_runs_are_seen_tagged_and_hidden_but_not_written_to() {
    on_both("tracking-own", |folder| {
        let mut store = folder.open();
        let id = begin(&mut store, "fit", 5);
        let run_id = format!("{OWN_RUN}{id}");
        assert!(message(store.hide_run(&run_id, true, 1)).contains("is at work"));
        finish(&mut store, id, 0.5);
        let run = store.tracked_run(&run_id).unwrap();
        assert_eq!((run.experiment, run.status.as_str()), (1, "FINISHED"));
        assert!(run.params.contains(&("folds".to_owned(), "5".to_owned())));
        let names: Vec<&str> = run.metrics.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["rmse", "rmse.ci95_high", "rmse.ci95_low"]);
        assert_eq!(store.metric_history(&run_id, "rmse", None, 0).unwrap().items[0].value, 0.5);
        let more = Batch { points: vec![point("rmse", 9, 0.0)], ..Batch::default() };
        assert!(message(store.log(&run_id, &more)).contains("recorded by Modelwright itself"));
        let tag = Batch { tags: vec![("seen".to_owned(), "1".to_owned())], ..Batch::default() };
        store.log(&run_id, &tag).unwrap();
        let name = RunUpdate { name: Some("best".to_owned()), ..RunUpdate::default() };
        store.update_tracked_run(&run_id, &name).unwrap();
        let run = store.tracked_run(&run_id).unwrap();
        assert_eq!(run.name, "best");
        assert!(run.tags.contains(&("mlflow.runName".to_owned(), "best".to_owned())));
        store.hide_run(&run_id, true, 1).unwrap();
        assert!(store.tracked_run(&run_id).unwrap().is_deleted);
    });
}

#[test]
fn own_models_are_folders_that_mlflow_loads() {
    on_both("tracking-files", |folder| {
        let mut store = folder.open();
        let file = model_file(folder, 0.5);
        store.register("churn", &file, None, None, NOW).unwrap();
        let version = store.model_version("churn", 1).unwrap();
        assert_eq!(version.source, "mlflow-artifacts:/modelwright/models/churn/1");
        let place = "modelwright/models/churn/1";
        let names: Vec<String> =
            store.artifacts(place).unwrap().into_iter().map(|entry| entry.name).collect();
        let all = ["MLmodel", "conda.yaml", "model.mw", "python_env.yaml", "requirements.txt"];
        assert_eq!(names, all);
        let Artifact::File(kept) = store.artifact(&format!("{place}/model.mw")).unwrap() else {
            panic!("the model is a file")
        };
        assert_eq!(std::fs::read(kept).unwrap(), std::fs::read(file).unwrap());
        for entry in store.artifacts(place).unwrap() {
            let size = match store.artifact(&format!("{place}/{}", entry.name)).unwrap() {
                Artifact::File(path) => std::fs::metadata(path).unwrap().len(),
                Artifact::Made(bytes) => bytes.len() as u64,
            };
            assert_eq!(entry.size_bytes, Some(size), "{}", entry.name);
        }
        for path in ["modelwright", "modelwright/models/churn/9", "modelwright/runs/x/../../y"] {
            assert!(store.artifact(path).is_err(), "{path}");
            assert!(store.artifacts(path).unwrap().is_empty(), "{path}");
        }
    });
}

fn put(store: &mut Store, path: &str, bytes: &[u8]) -> Answer<()> {
    let mut incoming = Incoming::begin(store.folder()).unwrap();
    bytes.chunks(3).for_each(|piece| incoming.add(piece).unwrap());
    store.put_upload(path, &incoming.end().unwrap(), 1)
}

#[test]
fn equal_uploads_share_a_file_that_goes_with_the_last_of_them() {
    on_both("tracking-uploads", |folder| {
        let mut store = folder.open();
        put(&mut store, "0/r/a/x.txt", b"hello").unwrap();
        put(&mut store, "0/r/a-b/y", b"hello").unwrap();
        put(&mut store, "0/r/a.txt", b"").unwrap();
        let file = store.upload("0/r/a/x.txt").unwrap();
        assert_eq!(store.upload("0/r/a-b/y").unwrap(), file);
        let names: Vec<(String, Option<u64>)> =
            store.uploads("0/r").unwrap().into_iter().map(|e| (e.name, e.size_bytes)).collect();
        let expected = [("a", None), ("a-b", None), ("a.txt", Some(0))];
        assert_eq!(names, expected.map(|(name, size)| (name.to_owned(), size)));
        assert!(message(put(&mut store, "0/r/a", b"x")).contains("is a folder"));
        assert_eq!(store.remove_uploads("0/r/a").unwrap(), 1);
        let mut text = String::new();
        std::fs::File::open(&file).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        put(&mut store, "0/r/a-b/y", b"other").unwrap();
        assert!(!file.exists(), "nobody names it any more");
        assert_eq!(store.remove_uploads("0").unwrap(), 2);
        assert!(store.uploads("").unwrap().is_empty());
        let left = std::fs::read_dir(store.folder().join("artifacts")).unwrap();
        let files = left.filter(|e| e.as_ref().unwrap().path().is_file()).count();
        assert_eq!(files, 0, "no temporary file stays");
    });
}

#[test]
fn a_version_of_a_client_lives_beside_ours_and_lends_no_file() {
    on_both("tracking-registry", |folder| {
        let mut store = folder.open();
        let new = NewVersion {
            name: "churn".to_owned(),
            source: "mlflow-artifacts:/0/r/artifacts/model".to_owned(),
            ..NewVersion::default()
        };
        assert!(message(store.create_model_version(&new, 5)).contains("not found"));
        store.create_registered_model("churn", Some("words"), &[], 5).unwrap();
        assert!(store.versions("churn").unwrap_err().to_string().contains("no version yet"));
        assert_eq!(store.create_model_version(&new, 6).unwrap().number, 1);
        store.register("churn", &model_file(folder, 0.5), None, None, NOW).unwrap();
        store.move_model_alias("churn", "champion", Some(1), 7).unwrap();
        let error = store.model_file("churn", "champion").unwrap_err().to_string();
        assert!(error.contains("model of an MLflow client"), "{error}");
        store.set_alias("churn", "champion", "2", Some("better"), NOW).unwrap();
        assert_eq!(store.roll_back("churn", "champion", None, NOW).unwrap(), 1);
        assert!(message(store.delete_model_version("churn", 2, 8)).contains("kept by Modelwright"));
        store.delete_model_version("churn", 1, 9).unwrap();
        assert!(message(store.model_version_of_alias("churn", "champion")).contains("not found"));
        assert_eq!(store.history("churn").unwrap()[0].number, None);
        assert!(message(store.delete_registered_model("churn")).contains("models delete"));
        store.delete_model("churn", Some(2)).unwrap();
    });
}

#[test]
fn a_removed_run_takes_its_files_along_but_not_those_of_registered_versions() {
    on_both("tracking-forget", |folder| {
        let mut store = folder.open();
        new_run(&mut store, "r", 0);
        for (path, bytes) in [
            ("0/r/artifacts/plot.png", b"plot".as_slice()),
            ("0/r/artifacts/model/MLmodel", b"kept"),
            ("0/r2/artifacts/plot.png", b"other"),
            ("0/models/m-1/artifacts/MLmodel", b"logged"),
            ("0/models/m-2/artifacts/MLmodel", b"registered"),
        ] {
            put(&mut store, path, bytes).unwrap();
        }
        for id in ["m-1", "m-2"] {
            let new = NewLoggedModel {
                id: id.to_owned(),
                name: "model".to_owned(),
                source_run: Some("r".to_owned()),
                ..NewLoggedModel::default()
            };
            store.create_logged_model(&new).unwrap();
        }
        store.create_registered_model("churn", None, &[], 5).unwrap();
        for (source, logged) in
            [("mlflow-artifacts:/0/r/artifacts/model", None), ("models:/m-2", Some("m-2"))]
        {
            let new = NewVersion {
                name: "churn".to_owned(),
                source: source.to_owned(),
                logged_model: logged.map(str::to_owned),
                ..NewVersion::default()
            };
            store.create_model_version(&new, 6).unwrap();
        }
        let plot = store.upload("0/r/artifacts/plot.png").unwrap();
        let id = found_runs(&store)[0];
        store.delete_run(id).unwrap();
        assert!(!plot.exists(), "the bytes are gone");
        let is_there = |path: &str| store.upload(path).is_ok();
        assert!(!is_there("0/r/artifacts/plot.png") && !is_there("0/models/m-1/artifacts/MLmodel"));
        assert!(is_there("0/r/artifacts/model/MLmodel") && is_there("0/r2/artifacts/plot.png"));
        assert!(is_there("0/models/m-2/artifacts/MLmodel"));
        assert!(store.logged_model("m-1").is_err() && store.logged_model("m-2").is_ok());
    });
}

fn found_runs(store: &Store) -> Vec<i64> {
    store.runs(&RunFilter::default()).unwrap().iter().map(|run| run.id).collect()
}

#[test]
fn a_store_of_the_first_version_becomes_one_of_today() {
    let folder = Home::in_folder("tracking-migrate");
    let path = folder.path().join("old");
    std::fs::create_dir_all(&path).unwrap();
    let old = rusqlite::Connection::open(path.join("store.db")).unwrap();
    old.execute_batch(crate::store::schema::MIGRATIONS[0]).unwrap();
    old.execute_batch(
        "INSERT INTO runs (kind, status, started, host, pid, process, parameters, engine_version,
         machine) VALUES ('fit', 'finished', '2026-01-02T03:04:05Z', 'h', 1, '', '{}', '0', 'm')",
    )
    .unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    old.pragma_update(None, "application_id", crate::store::schema::APPLICATION).unwrap();
    drop(old);
    let store = Store::open(&path, NOW).unwrap();
    let run = store.tracked_run("modelwright-1").unwrap();
    assert_eq!(run.start_ms, Some(1_767_323_045_000));
}

#[test]
fn the_files_of_a_run_are_listed_with_their_folders() {
    on_both("tracking-files", |folder| {
        let mut store = folder.open();
        new_run(&mut store, "r1", 1);
        let run = store.tracked_run("r1").unwrap();
        assert_eq!(store.tracked_run_of(run.id).unwrap(), run);
        let root = run.artifact_uri.strip_prefix("mlflow-artifacts:/").unwrap().to_owned();
        let root = root.trim_matches('/').to_owned();
        put(&mut store, &format!("{root}/model/MLmodel"), b"hello").unwrap();
        put(&mut store, &format!("{root}/plot.png"), b"x").unwrap();
        let found = store.files_of_run(&run, 10).unwrap().unwrap();
        let expected = [("plot.png".to_owned(), 1), ("model/MLmodel".to_owned(), 5)];
        assert_eq!((found.files.as_slice(), found.has_more), (&expected[..], false));
        assert!(store.files_of_run(&run, 1).unwrap().unwrap().has_more);
        let elsewhere = TrackedRun { artifact_uri: "s3://bucket/r1".to_owned(), ..run };
        assert_eq!(store.files_of_run(&elsewhere, 10).unwrap(), None);
        assert!(store.tracked_run_of(999).is_err());
    });
}
