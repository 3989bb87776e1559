//! Rows of a server that are like those before them: no drift because they linger, and no hiding
//! place.

use modelwright_core::data::Table;
use modelwright_core::random::Random;

use super::serial_tests::lingering;
use super::tests::{ctx, model, watched};
use super::{Live, LiveDrift};

/// What a server says of rows that came in this order, in four spans of time.
fn live(table: &Table, part_rows: usize) -> LiveDrift {
    let (watched, ctx) = (watched(model()), ctx());
    let mut live = Live::new(watched.predictor, 4, 100);
    let rows: Vec<u32> = (0..table.n_rows() as u32).collect();
    for (i, span) in rows.chunks(table.n_rows().div_ceil(4)).enumerate() {
        if i > 0 {
            live.begin_span();
        }
        for part in span.chunks(part_rows) {
            let part = table.select(part);
            let said = watched.predictor.predict(&part, &ctx).unwrap();
            live.add(watched.predictor, &watched.reference, &part, &said, 0).unwrap();
        }
    }
    live.drift(&watched.reference).unwrap()
}

fn drifts(found: &LiveDrift) -> bool {
    found.columns.iter().any(|column| column.drift.drifted)
}

fn says_otherwise(found: &LiveDrift) -> bool {
    found.predictions.as_ref().is_some_and(|said| said.drifted)
}

/// The same rows in an order that says nothing of time.
fn shuffled(table: &Table, stream: u64) -> Table {
    let mut rows: Vec<u32> = (0..table.n_rows() as u32).collect();
    Random::stream(73, "monitor/arriving", stream).shuffle(&mut rows);
    table.select(&rows)
}

#[test]
fn rows_that_linger_are_no_drift_and_rows_that_moved_are() {
    let n_streams = 200;
    for (like, n_rows) in [(0.9, 150), (0.9, 400), (0.9, 1_500), (0.95, 3_000)] {
        let (mut in_order, mut said, mut by_rows, mut said_by_rows, mut seen) = (0, 0, 0, 0, 0);
        for stream in 0..n_streams {
            let null = lingering(n_rows, like, stream, 0.0);
            let (own, other) = (live(&null, 400), live(&shuffled(&null, stream), 400));
            assert!(own.n_effective < own.n_rows / 3, "{}", own.n_effective);
            in_order += u32::from(drifts(&own));
            said += u32::from(says_otherwise(&own));
            by_rows += u32::from(drifts(&other));
            said_by_rows += u32::from(says_otherwise(&other));
            let moved = live(&lingering(n_rows, like, stream, 2.0), 400);
            seen += u32::from(moved.columns[0].drift.drifted);
        }
        println!(
            "{n_rows} rows, {like}: {in_order} in order ({said} of what it says), \
             {by_rows} by rows ({said_by_rows}); {seen} are seen"
        );
        // The level is 5 % of all columns together, and 1 % of the predictions: three standard
        // deviations are 9 and 4 of 200 more.
        assert!(in_order <= 19 && said <= 6, "{in_order} and {said} of {n_streams}");
        assert!(by_rows > 60 && said_by_rows > 15, "{by_rows} and {said_by_rows}");
        // Where the rows count as about ten, a shift by a standard deviation is within chance.
        assert!(seen > 190 || n_rows < 1_000, "{seen} are seen");
    }
}

#[test]
fn independent_rows_count_whole_and_a_small_shift_among_them_is_seen() {
    let (mut n_whole, mut drifted, mut seen) = (0, 0, 0);
    for stream in 0..100 {
        let null = live(&lingering(1_500, 0.0, stream, 0.0), 400);
        drifted += u32::from(drifts(&null));
        n_whole += u32::from(null.n_effective == null.n_rows);
        let moved = live(&lingering(1_500, 0.0, stream, 0.5), 400);
        seen += u32::from(moved.columns[0].drift.drifted);
    }
    println!("{n_whole} whole, {drifted} drifted, {seen} are seen");
    assert!(n_whole >= 80 && drifted <= 11 && seen > 95, "{n_whole}, {drifted}, {seen}");
}

#[test]
fn parts_change_nothing_and_many_rows_are_thinned_out() {
    let table = lingering(24_000, 0.95, 7, 0.0);
    let (whole, parts) = (live(&table, 6_000), live(&table, 311));
    let counts =
        |found: &LiveDrift| found.columns.iter().map(|c| c.n_effective).collect::<Vec<_>>();
    assert_eq!((whole.n_effective, counts(&whole)), (parts.n_effective, counts(&parts)));
    assert!((200..2_000).contains(&whole.n_effective), "{}", whole.n_effective);
    assert!(!drifts(&whole) && !drifts(&parts), "{:?}", whole.columns);
}
