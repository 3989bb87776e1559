//! Rows of patients who come often: no drift because there are few of them, and no hiding place.

use modelwright_core::data::{Column, Table};
use modelwright_core::random::Random;
use modelwright_core::record::{MonitorRecord, Status};

use super::tests::{ctx, model, watched};
use super::{MonitorOptions, Side, Watched, conclude};

/// Visits of `n` patients, `m` of each; half of the variance of a visit is its patient's, and so is
/// the colour of two visits in three.
fn visits(n: usize, m: usize, stream: u64, moved: f64) -> Table {
    let mut random = Random::stream(51, "monitor/visits", stream);
    let (mut size, mut noise, mut twin) = (Vec::new(), Vec::new(), Vec::new());
    let (mut colour, mut patient) = (Vec::new(), Vec::new());
    for number in 0..n {
        let own = [random.normal(), random.normal()];
        let usual = random.below(3);
        for _ in 0..m {
            let mut half = |own: f64| (own + random.normal()) / std::f64::consts::SQRT_2;
            let (s, z) = (10.0 + 2.0 * half(own[0]) + moved, half(own[1]));
            let other = random.below(3);
            let chosen = if random.below(3) < 2 { usual } else { other };
            size.push(s);
            noise.push(z);
            twin.push(z + 0.3 * random.normal());
            colour.push(Some(["red", "green", "blue"][chosen]));
            patient.push(Some(format!("p{stream}-{number}")));
        }
    }
    Table::new(vec![
        Column::numbers("size", size),
        Column::numbers("noise", noise),
        Column::numbers("twin", twin),
        Column::strings("colour", colour),
        Column::strings("patient", patient),
    ])
    .unwrap()
}

/// What is found on new rows, by a model that was fitted by groups or not, beside other rows or
/// what the model keeps.
fn found(reference: Option<&Table>, current: &Table, by_group: bool) -> MonitorRecord {
    let (options, ctx) = (MonitorOptions::default(), ctx());
    let mut record = model().record.clone();
    record.options.group = by_group.then(|| "patient".to_owned());
    let watched = Watched { record: &record, ..watched(model()) };
    let Some(reference) = reference else {
        let side = fill_with(Side::new(&watched, &options, &ctx), current);
        return conclude(&watched, None, &side, &options, &ctx).unwrap();
    };
    let was = fill_with(Side::reference(&watched, &options, &ctx), reference);
    let is = fill_with(Side::beside(&watched, &options, &was, &ctx), current);
    conclude(&watched, Some(&was), &is, &options, &ctx).unwrap()
}

/// The side with the rows of a table.
fn fill_with<'a>(mut side: Side<'a>, rows: &Table) -> Side<'a> {
    side.begin("rows.csv", Vec::new());
    side.add(rows.clone(), &ctx()).unwrap();
    side.finish(&ctx());
    side
}

fn drifts(found: &MonitorRecord) -> bool {
    found.columns.iter().any(|column| column.drifted)
}

#[test]
fn few_patients_who_come_often_are_no_drift_and_those_who_changed_are() {
    let n_streams = 100;
    let (mut by_rows, mut by_group, mut alarms, mut seen) = (0, 0, 0, 0);
    for stream in 0..n_streams {
        let usual = visits(40, 25, stream, 0.0);
        by_rows += u32::from(drifts(&found(None, &usual, false)));
        let grouped = found(None, &usual, true);
        by_group += u32::from(drifts(&grouped));
        alarms += u32::from(grouped.verdict.status == Status::Alarm);
        seen += u32::from(drifts(&found(None, &visits(40, 25, stream, 2.0), true)));
    }
    println!("{by_rows} by rows; by group {by_group} drift, {alarms} alarm, {seen} are seen");
    // The level is 5 % of all columns together: three standard deviations are 7 of 100 more.
    assert!(by_rows > 50 && by_group <= 12, "{by_rows} and {by_group} of {n_streams}");
    // As for independent rows: columns, predictions, and one end of an interval.
    assert!(alarms <= 21 && seen > 90, "{alarms} alarm, {seen} are seen");
}

#[test]
fn who_is_known_again_by_what_is_their_own_is_no_drift() {
    let (was, is) = (visits(150, 12, 1, 0.0), visits(60, 12, 2, 0.0));
    let by_rows = found(Some(&was), &is, false).multivariate.unwrap();
    let by_group = found(Some(&was), &is, true).multivariate.unwrap();
    assert!(by_rows.roc_auc > by_group.roc_auc, "{by_rows:?} {by_group:?}");
    assert!(!by_group.drifted && by_group.ci95.low < 0.52, "{by_group:?}");
    assert!(by_group.reconstruction.is_some_and(|r| !r.drifted));
    let moved = found(Some(&was), &visits(60, 12, 3, 2.5), true);
    assert!(moved.multivariate.as_ref().unwrap().drifted && drifts(&moved));
    let few = found(Some(&was), &visits(2, 100, 4, 0.0), true);
    assert!(few.multivariate.is_none(), "{few:?}");
    assert!(few.notes.iter().any(|note| note.contains("fewer than 3 groups")), "{:?}", few.notes);
}

#[test]
fn a_note_says_as_how_many_rows_groups_count_or_that_they_are_not_there() {
    let rows = visits(20, 30, 5, 0.0);
    let notes = found(None, &rows, true).notes.join(" ");
    assert!(notes.contains("600 rows are of 20 groups (`patient`)"), "{notes}");
    let columns = rows.into_columns().into_iter().filter(|column| column.name != "patient");
    let alone = Table::new(columns.collect()).unwrap();
    let notes = found(None, &alone, true).notes.join(" ");
    assert!(notes.contains("lack the column of groups"), "{notes}");
}
