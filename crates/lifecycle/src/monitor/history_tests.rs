//! A history of batches: small shifts that stay, other models, and batches that say nothing.

use modelwright_core::data::{Column, Table};
use modelwright_core::record::{MonitorRecord, Status};

use super::tests::{ctx, model, rows, watched};
use super::{History, MonitorOptions, Side, conclude};

/// Adds batches one after the other; what was found of the last one.
fn after(history: &mut History, batches: &[Table]) -> MonitorRecord {
    let (watched, ctx, options) = (watched(model()), ctx(), MonitorOptions::default());
    let mut last = None;
    for batch in batches {
        let mut side = Side::new(&watched, &options, &ctx);
        side.begin("batch.csv", Vec::new());
        side.add(batch.clone(), &ctx).unwrap();
        side.finish(&ctx);
        let mut found = conclude(&watched, None, &side, &options, &ctx).unwrap();
        history.add(&watched, &side, &mut found);
        last = Some(found);
    }
    last.unwrap()
}

fn without_answers(table: &Table) -> Table {
    let mut columns: Vec<Column> = table.columns().to_vec();
    let at = columns.iter().position(|column| column.name == "sells").unwrap();
    columns[at] = Column::strings("sells", vec![None::<&str>; table.n_rows()]);
    Table::new(columns).unwrap()
}

/// Rows of which some that do not sell are left out.
fn sells_more(n: usize, stream: u64) -> Table {
    let table = rows(n, stream);
    let sells = table.column("sells").unwrap();
    let is_kept = |row: &u32| sells.text(*row as usize) == Some("yes") || !row.is_multiple_of(4);
    table.select(&(0..n as u32).filter(is_kept).collect::<Vec<u32>>())
}

#[test]
fn a_small_shift_that_stays_is_called_and_usual_batches_are_not() {
    let mut history = History::new(&watched(model()));
    let usual: Vec<Table> = (0..8).map(|s| rows(300, 900 + s)).collect();
    let found = after(&mut history, &usual);
    let all = found.accumulated.unwrap();
    assert_eq!((all.n_batches, all.drifted), (8, false), "{all:?}");
    assert!(found.notes.iter().any(|note| note.starts_with("batches in the history: 8; none")));
    let names: Vec<&str> = all.means.iter().map(|mean| mean.name.as_str()).collect();
    assert_eq!(names, ["answers", "predictions", "loss"]);
    let more: Vec<Table> = (0..10).map(|s| sells_more(300, 950 + s)).collect();
    let found = after(&mut history, &more);
    let all = found.accumulated.as_ref().unwrap();
    assert!(all.drifted && all.means[0].value > Some(all.means[0].reference), "{all:?}");
    assert_ne!(found.verdict.status, Status::Stable);
    assert!(found.explanation.iter().any(|line| line.contains("a shift that stays")));
}

#[test]
fn a_batch_given_again_counts_once_and_what_is_written_is_read_again() {
    let mut history = History::new(&watched(model()));
    let batch = rows(100, 920);
    after(&mut history, &[rows(100, 921), batch.clone()]);
    let found = after(&mut history, &[batch]);
    assert_eq!(history.n_batches(), 2);
    assert!(found.notes.iter().any(|note| note.contains("count once")), "{:?}", found.notes);
    let again = History::parse(&history.to_json().unwrap(), &watched(model())).unwrap();
    assert_eq!(again, history);
}

#[test]
fn a_history_of_another_model_is_refused_and_so_is_what_is_none() {
    let mut other = watched(model());
    let mut record = model().record.clone();
    record.clock.created = "2001-01-01T00:00:00Z".to_owned();
    other.record = &record;
    let text = History::new(&other).to_json().unwrap();
    let refused = |text: &str| History::parse(text, &watched(model())).unwrap_err().to_string();
    assert!(refused(&text).contains("another model"), "{}", refused(&text));
    assert!(refused("[]").contains("no history"), "{}", refused("[]"));
    let newer = text.replace("\"format_version\": 1", "\"format_version\": 99");
    assert!(refused(&newer).contains("newer"), "{}", refused(&newer));
    // Counts that nobody reaches.
    let own = History::new(&watched(model())).to_json().unwrap();
    let much = own.replace("\"n_before\": 0", &format!("\"n_before\": {}", u64::MAX));
    let mut much = History::parse(&much, &watched(model())).unwrap();
    assert!(!after(&mut much, &[rows(100, 940)]).accumulated.unwrap().drifted);
}

#[test]
fn batches_of_one_row_and_without_answers_say_little_and_break_nothing() {
    let mut history = History::new(&watched(model()));
    let single: Vec<Table> = (0..20).map(|s| rows(1, 2_000 + s)).collect();
    let found = after(&mut history, &single);
    let all = found.accumulated.unwrap();
    assert_eq!((all.n_batches, all.drifted), (20, false), "{all:?}");
    let found = after(&mut history, &[without_answers(&rows(200, 930))]);
    let all = found.accumulated.unwrap();
    assert_eq!(all.n_batches, 21);
    assert!(all.means.iter().all(|mean| mean.p_value.is_finite()), "{all:?}");
    let mut none = History::new(&watched(model()));
    let all = after(&mut none, &[without_answers(&rows(200, 931))]).accumulated.unwrap();
    let of_answers = all.means.iter().find(|mean| mean.name == "answers");
    assert_eq!(of_answers.and_then(|mean| mean.value), None);
    assert!(!all.drifted);
    // Rows of which nothing is known are no batch, and none that came before.
    let (watched, ctx) = (watched(model()), ctx());
    let options = MonitorOptions { predict: false, ..MonitorOptions::default() };
    for _ in 0..2 {
        let mut side = Side::new(&watched, &options, &ctx);
        side.begin("batch.csv", Vec::new());
        side.add(without_answers(&rows(200, 932)), &ctx).unwrap();
        side.finish(&ctx);
        let mut found = conclude(&watched, None, &side, &options, &ctx).unwrap();
        none.add(&watched, &side, &mut found);
        assert!(found.notes.iter().any(|note| note.starts_with("nothing of these rows")));
        assert_eq!(none.n_batches(), 1);
    }
}
