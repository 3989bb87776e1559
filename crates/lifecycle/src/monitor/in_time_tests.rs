//! Rows of a process with a memory, all columns of them together: told apart by what changed, and
//! not by what lingers.

use super::serial_tests::lingering;
use super::tests::{ctx, model, watched};
use super::{MonitorOptions, Side, looks, multivariate};

/// Whether rows that linger are told from others, by a classifier or by their relations.
fn is_told(stream: u64, like: f64, in_time: bool, moved: f64, look: Option<u64>) -> bool {
    let time_column = in_time.then(|| "when".to_owned());
    let options = MonitorOptions { predict: false, time_column, ..MonitorOptions::default() };
    let (watched, ctx) = (watched(model()), ctx());
    let mut was = Side::reference(&watched, &options, &ctx);
    was.begin("before.csv", Vec::new());
    was.add(lingering(1_000, like, 2 * stream + 10_000, 0.0), &ctx).unwrap();
    was.finish(&ctx);
    let mut is = Side::beside(&watched, &options, &was, &ctx);
    is.begin("rows.csv", Vec::new());
    is.add(lingering(600, like, 2 * stream + 10_001, moved), &ctx).unwrap();
    is.finish(&ctx);
    let spent = looks::share(look);
    let (found, _) = multivariate::classify(&watched, (Some(&was), None), &is, spent, &ctx);
    let found = found.unwrap();
    found.drifted || found.reconstruction.is_some_and(|lost| lost.drifted)
}

#[test]
fn columns_together_are_told_apart_by_what_moved_and_not_by_what_lingers() {
    let n = 100;
    let told = |like, in_time, moved, look| {
        (0..n).filter(|s| is_told(*s, like, in_time, moved, look)).count()
    };
    let (by_rows, in_time) = (told(0.9, false, 0.0, None), told(0.9, true, 0.0, None));
    let fresh = told(0.0, true, 0.0, None);
    let (seen, late) = (told(0.5, true, 3.0, None), told(0.5, true, 3.0, Some(3)));
    println!("{by_rows} by rows, {in_time} in time, {fresh} fresh; {seen} seen, {late} at look 3");
    // The classifier's level is 2.5 % beyond its threshold: three standard deviations are 5 more.
    assert!(in_time <= 7 && fresh <= 7, "{in_time} and {fresh} of {n}");
    assert!(by_rows > 20, "{by_rows}");
    assert!(seen >= 95 && late >= 90 && late <= seen, "{seen} and {late} are seen");
}
