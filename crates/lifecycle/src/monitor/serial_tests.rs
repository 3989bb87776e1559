//! Rows of a process with a memory: no drift because it lingers, and no hiding place.

use modelwright_core::data::{Column, Table};
use modelwright_core::random::Random;
use modelwright_core::record::MonitorRecord;

use super::tests::{ctx, model, watched};
use super::{MonitorOptions, Side, conclude};

/// Rows a minute apart, each of whose numbers is like the one before, and whose colour lingers.
pub(super) fn lingering(n: usize, like: f64, stream: u64, moved: f64) -> Table {
    let mut random = Random::stream(61, "monitor/lingering", stream);
    let (mut size, mut noise, mut twin) = (Vec::new(), Vec::new(), Vec::new());
    let (mut colour, mut when) = (Vec::new(), Vec::new());
    let (mut s, mut z, mut c) = (random.normal(), random.normal(), random.below(3));
    for minute in (0..).take(n) {
        let fresh = (1.0 - like * like).sqrt();
        s = like * s + fresh * random.normal();
        z = like * z + fresh * random.normal();
        c = if random.unit() < like { c } else { random.below(3) };
        size.push(10.0 + 2.0 * s + moved);
        noise.push(z);
        twin.push(z + 0.3 * random.normal());
        colour.push(Some(["red", "green", "blue"][c]));
        when.push(minute * 60_000_000);
    }
    Table::new(vec![
        Column::numbers("size", size),
        Column::numbers("noise", noise),
        Column::numbers("twin", twin),
        Column::strings("colour", colour),
        Column::instants("when", when),
    ])
    .unwrap()
}

fn found(current: &Table, in_time: bool) -> MonitorRecord {
    let time_column = in_time.then(|| "when".to_owned());
    let options = MonitorOptions { time_column, ..MonitorOptions::default() };
    let (watched, ctx) = (watched(model()), ctx());
    let mut side = Side::new(&watched, &options, &ctx);
    side.begin("rows.csv", Vec::new());
    side.add(current.clone(), &ctx).unwrap();
    side.finish(&ctx);
    conclude(&watched, None, &side, &options, &ctx).unwrap()
}

fn drifts(found: &MonitorRecord) -> bool {
    found.columns.iter().any(|column| column.drifted)
}

#[test]
fn a_process_that_lingers_is_no_drift_and_one_that_moved_is() {
    let (n_nulls, n_streams) = (1_000, 200);
    let (mut by_rows, mut in_time, mut fresh, mut seen, mut known) = (0, 0, 0, 0, 0);
    for stream in 0..n_nulls {
        in_time += u32::from(drifts(&found(&lingering(800, 0.8, stream, 0.0), true)));
    }
    for stream in 0..n_streams {
        by_rows += u32::from(drifts(&found(&lingering(800, 0.8, stream, 0.0), false)));
        fresh += u32::from(drifts(&found(&lingering(800, 0.0, stream, 0.0), true)));
        seen += u32::from(drifts(&found(&lingering(800, 0.8, stream, 2.0), true)));
        known += u32::from(drifts(&found(&lingering(800, 0.0, stream, 0.5), true)));
    }
    println!("{by_rows} by rows, {in_time} in time, {fresh} fresh; {seen} and {known} are seen");
    // The level is 5 % of all columns together: three standard deviations are 21 of 1,000 more, and
    // 9 of 200.
    assert!(in_time <= 71 && fresh <= 19, "{in_time} of {n_nulls} and {fresh} of {n_streams}");
    assert!(by_rows > 60, "{by_rows}");
    assert!(seen > 190 && known > 190, "{seen} and {known} are seen");
}

#[test]
fn a_note_says_as_how_many_rows_those_in_time_count() {
    let notes = found(&lingering(800, 0.9, 1, 0.0), true).notes.join(" ");
    assert!(notes.contains("800 rows follow each other in time (`when`)"), "{notes}");
    let notes = found(&lingering(800, 0.0, 1, 0.0), true).notes.join(" ");
    assert!(!notes.contains("follow each other"), "{notes}");
}
