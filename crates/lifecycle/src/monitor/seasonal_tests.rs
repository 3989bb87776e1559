//! Rows with a rhythm of the week: not an alarm, and no place to hide for what is one.

use std::sync::Arc;

use modelwright_core::data::{Column, Table};
use modelwright_core::random::Random;
use modelwright_core::record::{MonitorRecord, Status};

use super::tests::{ctx, model, watched};
use super::{Live, LiveDrift, LiveSeasons, MonitorOptions, Season, SeasonChoice, Side, conclude};

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// A Monday.
const FIRST_DAY: i64 = 19_723;

/// Rows of some days, `n` of each, as `tests::rows` makes them; on weekends things are larger, and
/// more of them are red. On every day `moved` is added to the noise.
fn days(days: std::ops::Range<i64>, n: usize, stream: u64, moved: f64) -> Table {
    let mut random = Random::stream(33, "monitor/days", stream);
    let (mut size, mut noise, mut twin) = (Vec::new(), Vec::new(), Vec::new());
    let (mut colour, mut sells, mut time) = (Vec::new(), Vec::new(), Vec::new());
    for day in days {
        let is_weekend = day % 7 >= 5;
        for _ in 0..n {
            let s = 10.0 + if is_weekend { 3.0 } else { 0.0 } + 2.0 * random.normal();
            let z = random.normal() + moved;
            let reds = if is_weekend { 0.7 } else { 1.0 / 3.0 };
            let c = match random.unit() {
                u if u < reds => "red",
                u if u < f64::midpoint(reds, 1.0) => "green",
                _ => "blue",
            };
            let score = (s - 10.0) + if c == "red" { 1.5 } else { -0.7 } + random.normal();
            size.push(s);
            noise.push(z);
            twin.push(z + 0.3 * random.normal());
            colour.push(Some(c));
            sells.push(Some(if score > 0.0 { "yes" } else { "no" }));
            let second = i64::try_from(random.below(86_400)).unwrap();
            time.push((FIRST_DAY + day) * MICROS_PER_DAY + second * 1_000_000);
        }
    }
    Table::new(vec![
        Column::numbers("size", size),
        Column::numbers("noise", noise),
        Column::numbers("twin", twin),
        Column::strings("colour", colour),
        Column::strings("sells", sells),
        Column::instants("day", time),
    ])
    .unwrap()
}

/// What is found on the rows of each table, beside the reference.
fn found(reference: &Table, all: &[Table], season: SeasonChoice) -> Vec<MonitorRecord> {
    let (watched, ctx) = (watched(model()), ctx());
    let options =
        MonitorOptions { season, time_column: Some("day".to_owned()), ..MonitorOptions::default() };
    let mut was = Side::reference(&watched, &options, &ctx);
    was.begin("reference.csv", Vec::new());
    was.add(reference.clone(), &ctx).unwrap();
    was.finish(&ctx);
    let one = |table: &Table| {
        let mut is = Side::beside(&watched, &options, &was, &ctx);
        is.begin("new.csv", Vec::new());
        is.add(table.clone(), &ctx).unwrap();
        is.finish(&ctx);
        conclude(&watched, Some(&was), &is, &options, &ctx).unwrap()
    };
    all.iter().map(one).collect()
}

/// The share of the records of which something holds.
fn share(records: &[MonitorRecord], holds: impl Fn(&MonitorRecord) -> bool) -> f64 {
    records.iter().filter(|record| holds(record)).count() as f64 / records.len() as f64
}

#[test]
fn days_of_a_steady_rhythm_alarm_at_the_nominal_rate_by_season_and_nearly_always_without() {
    let reference = days(0..56, 60, 0, 0.0);
    // Fewer rows a day than the classifier needs: it would only cost time here.
    let null: Vec<Table> = (0..210).map(|d| days(d..d + 1, 45, 1 + d as u64, 0.0)).collect();
    let seasonal = found(&reference, &null, SeasonChoice::Weekday);
    // 5 % each; three standard deviations of 210 days are 4.5 %.
    let of_columns = share(&seasonal, |r| r.columns.iter().any(|c| c.drifted));
    let of_predictions = share(&seasonal, |r| r.predictions.as_ref().is_some_and(|p| p.drifted));
    let of_target = share(&seasonal, |r| r.target.as_ref().is_some_and(|t| t.drifted));
    assert!(of_columns <= 0.095, "{of_columns}");
    assert!(of_predictions <= 0.095, "{of_predictions}");
    assert!(of_target <= 0.095, "{of_target}");
    let record = seasonal[5].season.as_ref().unwrap();
    assert_eq!((record.season.as_str(), record.column.as_str()), ("weekday", "day"));
    let saturday = record.seasons.iter().find(|s| s.n_current > 0).unwrap();
    assert_eq!((saturday.name.as_str(), saturday.n_reference), ("Sat", 480));
    assert_eq!((record.n_effective, record.n_lacking), (480, 0));
    let size = &seasonal[5].columns[0].reference;
    assert!((12.7..13.3).contains(&size.mean.unwrap()), "Saturdays only: {:?}", size.mean);
    let plain = found(&reference, &null[..70], SeasonChoice::None);
    let is_drifted = |r: &MonitorRecord| r.columns.iter().any(|c| c.drifted);
    assert!(share(&plain, is_drifted) > 0.25, "weekends at least");
    let note = plain[0].notes.iter().find(|note| note.contains("--season weekday")).unwrap();
    assert!(note.contains("`size`") || note.contains("predictions"), "{note}");
}

#[test]
fn what_moved_beyond_the_season_is_found_and_rows_of_a_new_season_are_held_against_all() {
    let reference = days(0..54, 60, 0, 0.0);
    let moved: Vec<Table> = (0..14).map(|d| days(d..d + 1, 100, 300 + d as u64, 0.8)).collect();
    let records = found(&reference, &moved, SeasonChoice::Weekday);
    assert!(records.iter().all(|r| r.columns[1].drifted), "noise moved by 0.8 deviations");
    assert!(records.iter().all(|r| r.verdict.status != Status::Stable));
    // By month, the reference has January and February; March is new to it.
    let march = days(70..84, 20, 9, 0.0);
    let record = &found(&reference, &[march], SeasonChoice::Month)[0];
    assert_eq!(record.season.as_ref().unwrap().n_lacking, 280);
    assert!(record.notes.iter().any(|note| note.contains("280 of 280")), "{:?}", record.notes);
    assert!(!record.columns.iter().any(|c| c.drifted), "{:?}", record.verdict);
}

#[test]
fn the_rhythm_of_a_reference_is_found_and_seasons_do_not_depend_on_how_rows_come() {
    let (watched, ctx) = (watched(model()), ctx());
    let reference = days(0..56, 30, 0, 0.0);
    let new = days(56..60, 50, 7, 0.0);
    let in_parts = |n_parts: usize, season: SeasonChoice| {
        let time_column = Some("day".to_owned());
        let options = MonitorOptions { season, time_column, ..MonitorOptions::default() };
        let fill = |mut side: Side<'_>, table: &Table| -> Option<(Season, String, f64)> {
            side.begin("x", Vec::new());
            let rows: Vec<u32> = (0..table.n_rows() as u32).collect();
            for part in rows.chunks(table.n_rows().div_ceil(n_parts)) {
                side.add(table.select(part), &ctx).unwrap();
            }
            side.finish(&ctx);
            side.rhythm()
        };
        let rhythm = fill(Side::reference(&watched, &options, &ctx), &reference);
        let mut was = Side::reference(&watched, &options, &ctx);
        let rows: Vec<u32> = (0..reference.n_rows() as u32).collect();
        for part in rows.chunks(reference.n_rows().div_ceil(n_parts)) {
            was.add(reference.select(part), &ctx).unwrap();
        }
        was.finish(&ctx);
        let mut is = Side::beside(&watched, &options, &was, &ctx);
        is.add(new.clone(), &ctx).unwrap();
        is.finish(&ctx);
        let mut record = conclude(&watched, Some(&was), &is, &options, &ctx).unwrap();
        // Means are summed part by part.
        for column in record.columns.iter_mut().chain(&mut record.predictions) {
            column.reference.mean = None;
            column.reference.std = None;
        }
        (rhythm, record.columns, record.multivariate, record.estimated)
    };
    let (rhythm, ..) = in_parts(1, SeasonChoice::None);
    assert_eq!(rhythm.unwrap().0, Season::Weekday);
    let (a, b) = (in_parts(1, SeasonChoice::Weekday), in_parts(9, SeasonChoice::Weekday));
    assert_eq!(a.1, b.1);
    assert_eq!(a.2, b.2);
    assert_eq!(a.3, b.3);
}

/// What a server would say of the rows of each table, that came on the days of the same number.
fn live(reference: Option<&Table>, all: &[(i64, Table)]) -> Vec<LiveDrift> {
    let (watched, ctx) = (watched(model()), ctx());
    let predictor = watched.predictor;
    let seasons = reference.map(|table| {
        let mut seasons = LiveSeasons::new(predictor, Season::Weekday, "day", 100);
        seasons.add(predictor, table, &ctx).unwrap();
        Arc::new(seasons)
    });
    let one = |(day, table): &(i64, Table)| {
        let mut live = Live::new(predictor, 4, 100);
        if let Some(seasons) = &seasons {
            live = live.beside(seasons.clone());
        }
        let columns = table.columns().iter().filter(|column| column.name != "day").cloned();
        let table = Table::new(columns.collect()).unwrap();
        let said = predictor.predict(&table, &ctx).unwrap();
        let came = (FIRST_DAY + day) * MICROS_PER_DAY + 5;
        live.add(predictor, &watched.reference, &table, &said, came).unwrap();
        live.drift(&watched.reference).unwrap()
    };
    all.iter().map(one).collect()
}

#[test]
fn a_server_holds_rows_against_those_of_the_same_day_of_the_week() {
    let reference = days(0..56, 60, 0, 0.0);
    let null: Vec<(i64, Table)> =
        (0..140).map(|d| (d, days(d..d + 1, 150, 900 + d as u64, 0.0))).collect();
    let drifts = |of: &LiveDrift| {
        let said = of.predictions.iter().any(|said| said.drifted);
        said || of.columns.iter().any(|column| column.drift.drifted)
    };
    let share = |found: &[LiveDrift]| {
        found.iter().filter(|of| drifts(of)).count() as f64 / found.len() as f64
    };
    let by_season = live(Some(&reference), &null);
    assert!(share(&by_season) <= 0.13, "{}", share(&by_season));
    let season = by_season[3].season.as_ref().unwrap();
    assert_eq!((season.season.as_str(), season.n_lacking), ("weekday", 0));
    let whole = live(None, &null);
    assert!(share(&whole) > 0.25, "two of seven days are weekends: {}", share(&whole));
    let moved: Vec<(i64, Table)> =
        (0..21).map(|d| (d, days(d..d + 1, 150, 2000 + d as u64, 0.8))).collect();
    assert!(share(&live(Some(&reference), &moved)) > 0.9);
}
