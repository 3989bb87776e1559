//! Rows by their order alone: as their columns count in time, in bounded memory, in any parts.

use modelwright_core::data::{Kind, Table};
use modelwright_core::random::Random;

use super::*;

fn fields() -> [Field; 4] {
    [
        Field::new("value", Storage::Number, Kind::Number),
        Field::new("name", Storage::String, Kind::Category),
        Field::new("text", Storage::String, Kind::Text),
        Field::new("when", Storage::Instant, Kind::Datetime),
    ]
}

/// Rows each of whose values is like the one before it.
fn chain(n: usize, like: f64, stream: u64) -> Table {
    let mut random = Random::stream(72, "monitor/arrivals", stream);
    let (mut values, mut names, mut texts, mut times) = (vec![], vec![], vec![], vec![]);
    let (mut value, mut level) = (random.normal(), random.below(40));
    for _ in 0..n {
        value = like * value + (1.0 - like * like).sqrt() * random.normal();
        level = if random.unit() < like { level } else { random.below(40) };
        let is_known = random.unit() > 0.02;
        values.push(if is_known { value } else { f64::NAN });
        names.push(is_known.then(|| format!("level {level}")));
        texts.push(is_known.then(|| "x".repeat((10.0 + 3.0 * value).max(1.0) as usize)));
        times.push((value * 1e6) as i64);
    }
    Table::new(vec![
        Column::numbers("value", values),
        Column::strings("name", names),
        Column::strings("text", texts),
        Column::instants("when", times),
    ])
    .unwrap()
}

/// The rows in equal spans of parts of so many rows.
fn arrived(table: &Table, n_spans: usize, part_rows: usize) -> Vec<Arrivals> {
    let rows: Vec<u32> = (0..table.n_rows() as u32).collect();
    let span = |rows: &[u32]| {
        let mut span = Arrivals::new(fields().iter(), n_spans);
        for rows in rows.chunks(part_rows) {
            let part = table.select(rows);
            let columns: Vec<_> = fields().iter().map(|f| part.column(&f.name).cloned()).collect();
            let columns: Vec<_> = columns.iter().map(Option::as_ref).collect();
            span.add(&columns, part.n_rows());
        }
        span
    };
    rows.chunks(table.n_rows().div_ceil(n_spans)).map(span).collect()
}

fn shares_of(spans: &[Arrivals]) -> Vec<f64> {
    shares(&spans.iter().collect::<Vec<_>>())
}

fn found(table: &Table, n_spans: usize) -> Vec<f64> {
    shares_of(&arrived(table, n_spans, 501))
}

#[test]
fn few_rows_count_as_their_columns_do_in_the_order_of_time() {
    let table = chain(2_000, 0.8, 1);
    let found = found(&table, 4);
    for (share, field) in found.iter().zip(fields()) {
        let column = table.column(&field.name).unwrap();
        let known = serial::share_of_few(&Observed::of(column, is_category(field.kind)), 1);
        assert!((share / known - 1.0).abs() < 0.02, "{}: {share} and {known}", field.name);
        assert!((0.06..0.35).contains(share), "{}: {share}", field.name);
    }
}

#[test]
fn parts_change_nothing_and_memory_does_not_grow_with_the_rows() {
    let table = chain(30_000, 0.9, 2);
    let (one, other) = (arrived(&table, 4, 1), arrived(&table, 4, 7_777));
    assert_eq!(shares_of(&one), shares_of(&other));
    for span in one.iter().chain(&other) {
        assert!(span.step > 1);
        assert!(span.kept.len() <= ROWS_MAX / 4 * 4, "{}", span.kept.len());
        assert!(span.kept.len() > ROWS_MAX / 8 * 4, "{}", span.kept.len());
        assert_eq!(span.run.len(), ROWS_MAX / 8 * 4);
    }
}

#[test]
fn a_memory_is_seen_that_is_shorter_or_longer_than_the_step() {
    // The sum of the autocorrelations of such a chain is (1 + r) / (1 - r).
    for (like, least, most) in [(0.9, 0.03, 0.1), (0.99, 0.003, 0.012), (0.999, 0.0003, 0.0015)] {
        let table = chain(100_000, like, 3);
        let spans = arrived(&table, 4, 10_000);
        assert!(spans.iter().all(|span| span.step >= 32));
        let share = shares_of(&spans)[0];
        assert!((least..most).contains(&share), "{like}: {share}");
    }
}

#[test]
fn independent_rows_count_whole() {
    let of = |n: usize| (0..60).flat_map(move |stream| found(&chain(n, 0.0, 100 + stream), 4));
    for n in [1_000, 20_000] {
        let n_whole = of(n).filter(|share| *share == 1.0).count();
        assert!(n_whole >= 216, "{n_whole} of 240, of {n} rows");
    }
}

#[test]
fn spans_of_unlike_lengths_are_thinned_alike_and_none_says_nothing() {
    assert!(shares(&[]).is_empty());
    assert_eq!(found(&chain(3, 0.0, 4), 1), [1.0; 4]);
    let (long, short) = (chain(20_000, 0.9, 5), chain(150, 0.9, 6));
    let mut spans = arrived(&long, 1, 999);
    spans.extend(arrived(&short, 1, 999));
    let (alone, both) = (shares_of(&spans[..1]), shares_of(&spans));
    assert!(spans[0].step > spans[1].step);
    for (alone, both) in alone.iter().zip(&both) {
        assert!((both / alone - 1.0).abs() < 0.3, "{alone} and {both}");
    }
    let mut absent = Arrivals::new(fields().iter(), 1);
    absent.add(&[None; 4], 500);
    assert_eq!(shares(&[&absent]), [1.0; 4]);
}
