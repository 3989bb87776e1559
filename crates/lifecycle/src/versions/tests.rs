//! What changed between tables that were changed on purpose.

use modelwright_core::Context;
use modelwright_core::data::{Column, Table};

use super::*;
use crate::outputs::tests::Folder;
use crate::store::{NewRun, RunEnd, RunMetric, Store, Subject};

const NOW: &str = "2026-03-01T00:00:00Z";

fn ctx() -> Context {
    Context::unlimited(0, 2)
}

fn table(ids: &[f64], ages: &[f64], plans: &[Option<&str>]) -> Table {
    Table::new(vec![
        Column::numbers("id", ids.to_vec()),
        Column::numbers("age", ages.to_vec()),
        Column::strings("plan", plans.to_vec()),
    ])
    .unwrap()
}

fn base() -> Table {
    table(&[1.0, 2.0, 3.0], &[30.0, 40.0, 50.0], &[Some("a"), None, Some("b")])
}

#[test]
fn the_content_is_what_the_columns_hold_in_whatever_order_they_stand() {
    let mut columns = base().into_columns();
    columns.reverse();
    let turned = Table::new(columns).unwrap();
    let (a, b) = (Snapshot::of(&base(), &ctx()), Snapshot::of(&turned, &ctx()));
    assert_eq!(a.content, b.content);
    assert!(diff_snapshots(&a, &b).is_empty());
    // Missing is not the same as an empty text, nor do values run into each other.
    let of = |plans: &[Option<&str>]| {
        Snapshot::of(&table(&[1.0, 2.0], &[1.0, 2.0], plans), &ctx()).content
    };
    let contents = [of(&[None, Some("ab")]), of(&[Some("a"), Some("b")]), of(&[Some("ab"), None])];
    assert!(contents[0] != contents[1] && contents[1] != contents[2] && contents[0] != contents[2]);
}

#[test]
fn rows_that_came_and_went_are_counted_by_what_they_hold() {
    let later = table(
        &[2.0, 3.0, 4.0, 5.0],
        &[40.0, 51.0, 60.0, 70.0],
        &[None, Some("b"), Some("c"), Some("c")],
    );
    let by_content = diff_tables(&base(), &later, None, &ctx()).unwrap();
    assert_eq!((by_content.rows_removed, by_content.rows_added), (Some(2), Some(3)));
    assert_eq!(by_content.matched, Matched::Content);
    let same = diff_snapshots(&Snapshot::of(&base(), &ctx()), &Snapshot::of(&later, &ctx()));
    assert_eq!((same.rows_removed, same.rows_added), (Some(2), Some(3)), "hashes are enough");
    let by_key = diff_tables(&base(), &later, Some("id"), &ctx()).unwrap();
    assert_eq!((by_key.rows_removed, by_key.rows_added), (Some(1), Some(2)));
    assert_eq!(by_key.rows_changed, Some(1));
    let changed: Vec<(&str, Option<usize>)> =
        by_key.columns_changed.iter().map(|c| (c.name.as_str(), c.n_values)).collect();
    assert_eq!(changed, [("age", Some(1))], "plan and id are what they were");
    assert_eq!(by_key.n_columns_same, 2);
}

#[test]
fn columns_that_came_went_or_changed_their_type_are_named() {
    let later = Table::new(vec![
        Column::numbers("id", vec![1.0, 2.0, 3.0]),
        Column::strings("age", vec![Some("30"), Some("40"), Some("old")]),
        Column::numbers("visits", vec![1.0, f64::NAN, 3.0]),
    ])
    .unwrap();
    let found = diff_tables(&base(), &later, None, &ctx()).unwrap();
    assert_eq!(
        (found.columns_added, found.columns_removed),
        (vec!["visits".into()], vec!["plan".into()])
    );
    assert_eq!(found.columns_changed[0].storage, ("number".into(), "string".into()));
    assert_eq!((found.rows_removed, found.rows_added), (Some(1), Some(1)), "by common columns");
    let twice = table(&[1.0, 1.0], &[1.0, 2.0], &[None, None]);
    let error = diff_tables(&base(), &twice, Some("id"), &ctx()).unwrap_err().to_string();
    assert!(error.contains("two rows have one key"), "{error}");
    assert!(diff_tables(&base(), &base(), Some("no"), &ctx()).is_err());
}

#[test]
fn snapshots_are_kept_found_and_put_beside_the_runs_that_used_them() {
    let folder = Folder::new("versions-keep");
    let mut store = Store::open(&folder.path().join("store"), NOW).unwrap();
    let tables = [base(), table(&[1.0, 2.0], &[30.0, 41.0], &[Some("a"), None])];
    for (i, table) in tables.iter().enumerate() {
        let snapshot = Snapshot::of(table, &ctx());
        let file = format!("{:064x}", i + 1);
        let kept = store.keep_snapshot("rows.csv", &file, &snapshot, NOW).unwrap();
        assert_eq!((kept.n_rows, kept.n_columns), (3 - i64::try_from(i).unwrap(), 3));
        assert_eq!(store.keep_snapshot("rows.csv", &file, &snapshot, NOW).unwrap(), kept);
        assert_eq!(store.snapshot(&kept.id.to_string()).unwrap(), snapshot);
        assert_eq!(store.snapshot(&snapshot.content[..12]).unwrap(), snapshot);
        let run = NewRun { kind: "fit".to_owned(), started: NOW.to_owned(), ..NewRun::default() };
        let id = store.begin_run(&run).unwrap();
        let mut record = crate::artifact::tests::record();
        record.data.sha256 = file;
        let on = "holdout".to_owned();
        let value = modelwright_core::record::MetricValue {
            name: "rmse".to_owned(),
            value: Some(0.5 - 0.1 * i as f64),
            ci95: Some(modelwright_core::record::Interval { low: 0.45, high: 0.55 }),
            note: None,
        };
        record.evaluation = Some(modelwright_core::record::Evaluation {
            on,
            metrics: vec![value],
            ..Default::default()
        });
        store.end_run(id, &RunEnd { record: Some(&record), ..RunEnd::default() }).unwrap();
    }
    let log = store.data_log(None).unwrap();
    assert_eq!((log.len(), log[1].change, log[1].before), (2, None, None));
    assert!((log[0].change.unwrap() + 0.1).abs() < 1e-12);
    assert_eq!((log[0].is_within, log[1].is_within), (Some(false), None));
    let difference = log[0].difference.as_ref().unwrap();
    assert_eq!((difference.rows_removed, difference.rows_added), (Some(2), Some(1)));
    assert!(store.data_log(Some("nothing")).unwrap().is_empty());
    assert!(store.snapshot("99").unwrap_err().to_string().contains("no such snapshot"));
}

#[test]
fn a_snapshot_beside_other_work_takes_little_of_its_time() {
    let n = 400_000;
    let (small, large) = (base(), table(&vec![1.0; n], &vec![2.0; n], &vec![None; n]));
    let limited = |seconds| ctx().with_time_limit(std::time::Duration::from_secs(seconds));
    assert!(Snapshot::beside(&small, &limited(5)).is_some());
    assert!(Snapshot::beside(&large, &limited(5)).is_none());
}

#[test]
fn a_look_at_a_model_stands_beside_the_look_before_or_the_run_that_made_it() {
    let folder = Folder::new("versions-looks");
    let mut store = Store::open(&folder.path().join("store"), NOW).unwrap();
    let mut run = |kind: &str, (model, file): (&str, i32), value: f64| {
        let run = NewRun { kind: kind.to_owned(), started: NOW.to_owned(), ..NewRun::default() };
        let id = store.begin_run(&run).unwrap();
        let mut record = crate::artifact::tests::record();
        record.data.sha256 = format!("{file:064x}");
        let subject = Subject {
            target: record.task.target.clone(),
            task: record.task.task.name().to_owned(),
            metric: Some("rmse".to_owned()),
            data_sha256: Some(record.data.sha256.clone()),
        };
        let rmse = RunMetric {
            name: "rmse".to_owned(),
            rows: "rows".to_owned(),
            value: Some(value),
            low: None,
            high: None,
        };
        let is_fit = kind == "fit";
        let end = RunEnd {
            record: is_fit.then_some(&record),
            subject: (!is_fit).then_some(subject),
            rows: (!is_fit).then(|| ("rows.csv".to_owned(), 3)),
            model_sha256: Some(model.to_owned()),
            metrics: vec![rmse],
            ..RunEnd::default()
        };
        store.end_run(id, &end).unwrap();
        id
    };
    let fits = [run("fit", ("a", 1), 0.5), run("fit", ("b", 2), 0.4)];
    let looks = [run("evaluate", ("a", 3), 0.6), run("evaluate", ("a", 4), 0.7)];
    let (audit, stranger) = (run("audit", ("b", 4), 0.1), run("evaluate", ("c", 4), 0.1));
    let log = store.data_log(None).unwrap();
    let before = |id: i64| log.iter().find(|line| line.run == id).unwrap().before;
    assert_eq!(before(fits[1]), Some(fits[0]), "fits stand beside fits");
    assert_eq!(before(looks[0]), Some(fits[0]), "not beside the newest, which made another model");
    assert_eq!(before(looks[1]), Some(looks[0]));
    assert_eq!(before(audit), Some(fits[1]), "looks of another kind measure other things");
    assert_eq!(before(stranger), None);
    let line = log.iter().find(|line| line.run == looks[1]).unwrap();
    assert!((line.change.unwrap() - 0.1).abs() < 1e-12);
    let asked = store.run(looks[1]).unwrap();
    assert_eq!((asked.metric.as_deref(), asked.has_account()), (Some("rmse"), false));
    assert_eq!(asked.target, store.run(fits[0]).unwrap().target);
}
