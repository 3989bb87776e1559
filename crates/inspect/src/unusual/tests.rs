//! P-values are uniform on rows of the same kind, and other rows are found and explained.

use modelwright_core::data::{Column, Kind, Schema, Storage};
use modelwright_core::random::Random;

use super::*;

/// Rows of a table as a business has it: two numbers that go together, one skewed, one of few
/// values, a category, one that depends on it, a number with gaps.
fn rows(n: usize, seed: u64) -> Table {
    let mut random = Random::new(seed);
    let mut numbers: Vec<Vec<f64>> = vec![Vec::new(); 5];
    let mut texts: Vec<Vec<Option<&str>>> = vec![Vec::new(); 2];
    for _ in 0..n {
        let size = random.normal();
        let region = random.below(4);
        numbers[0].push(size);
        numbers[1].push(100.0 + 10.0 * size + random.normal());
        numbers[2].push(libm::exp(random.normal()));
        numbers[3].push((random.below(6)) as f64);
        numbers[4].push(if random.unit() < 0.2 { f64::NAN } else { random.normal() });
        texts[0].push(Some(["north", "east", "south", "west"][region]));
        let own = random.unit() < 0.95;
        let office = if own { region } else { random.below(4) };
        texts[1].push(Some(["oslo", "riga", "rome", "lisbon"][office]));
    }
    let mut columns: Vec<Column> = (["size", "weight", "income", "count", "gaps"].iter())
        .zip(numbers)
        .map(|(name, values)| Column::numbers(*name, values))
        .collect();
    columns.extend(["region", "office"].iter().zip(texts).map(|(n, t)| Column::strings(*n, t)));
    Table::new(columns).unwrap()
}

fn schema() -> Schema {
    let number = |name: &&str| Field::new(*name, Storage::Number, Kind::Number);
    let text = |name: &&str| Field::new(*name, Storage::String, Kind::Category);
    let numbers = ["size", "weight", "income", "count", "gaps"];
    let fields = numbers.iter().map(number).chain(["region", "office"].iter().map(text));
    Schema { fields: fields.collect() }
}

fn learned(n_counted: usize, n_judged: usize, seed: u64) -> UsualRows {
    let ctx = Context::unlimited(1, 2);
    let schema = schema();
    let fields: Vec<&Field> = schema.fields.iter().collect();
    let (counted, judged) = (rows(n_counted, seed), rows(n_judged, seed + 1));
    UsualRows::learn(&counted, &judged, &fields, &ctx).unwrap()
}

fn share_below(found: &[Unusual], level: f64) -> f64 {
    found.iter().filter(|row| row.p_value <= level).count() as f64 / found.len() as f64
}

fn with(table: &Table, name: &str, change: impl Fn(f64) -> f64) -> Table {
    let column = |c: &Column| match &c.data {
        modelwright_core::data::ColumnData::Number(values) if c.name == name => {
            Column::numbers(name, values.to_vec().into_iter().map(&change).collect::<Vec<f64>>())
        }
        _ => c.clone(),
    };
    Table::new(table.columns().iter().map(column).collect()).unwrap()
}

#[test]
fn p_values_of_rows_of_the_same_kind_are_uniform() {
    let ctx = Context::unlimited(1, 2);
    for (n_counted, n_judged) in [(300, 100), (4_000, 1_000)] {
        // Over several tables, since one set of judged rows shifts all p-values together.
        let levels = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75];
        let n_tables = 20;
        let mut shares = [0.0; 6];
        for seed in 0..n_tables {
            let usual = learned(n_counted, n_judged, 1_000 * (seed + 1));
            let found = usual.of_rows(&rows(1_000, 77_000 + seed), &ctx);
            for (share, level) in shares.iter_mut().zip(levels) {
                *share += share_below(&found, level) / n_tables as f64;
            }
        }
        for (share, level) in shares.iter().zip(levels) {
            // The share varies from table to table as a beta variable does.
            let of_judged = level * (1.0 - level) / f64::from(n_judged as u32);
            let noise = ((of_judged + level * (1.0 - level) / 1_000.0) / n_tables as f64).sqrt();
            let slack = 1.0 / f64::from(n_judged as u32 + 1) + 0.004;
            assert!(
                (share - level).abs() < 3.5 * noise + slack,
                "{n_counted}/{n_judged}: p <= {level} in {share} of the rows"
            );
        }
    }
}

#[test]
fn other_units_and_mixed_rows_are_found() {
    let ctx = Context::unlimited(1, 2);
    let usual = learned(4_000, 1_000, 5);
    let fresh = rows(1_000, 9);
    let found = |table: &Table| share_below(&usual.of_rows(table, &ctx), 0.01);
    assert!(found(&fresh) < 0.03, "{}", found(&fresh));
    // Kilograms become grams.
    let shifted = with(&fresh, "weight", |v| v * 1_000.0);
    assert!(found(&shifted) > 0.99, "{}", found(&shifted));
    let named = usual.of_rows(&shifted, &ctx);
    assert!(named.iter().all(|row| row.columns[0].name == "weight"));
    // Each column is in its range, the two together are not: of another row each.
    let mut columns = fresh.clone().into_columns();
    let other = rows(1_000, 10);
    columns[1] = other.columns()[1].clone();
    columns[6] = other.columns()[6].clone();
    let mixed = Table::new(columns).unwrap();
    assert!(found(&mixed) > 0.4, "{}", found(&mixed));
    let opposite = with(&fresh, "weight", |v| 200.0 - v);
    let rows = usual.of_rows(&opposite, &ctx);
    let strange: Vec<&Unusual> = rows.iter().filter(|row| row.p_value <= 0.01).collect();
    assert!(strange.len() > 500, "{}", strange.len());
    let words: Vec<String> = strange.iter().map(|row| row.columns[0].words()).collect();
    let is_named = |w: &&String| *w == "weight with size" || *w == "size with weight";
    assert!(words.iter().filter(is_named).count() * 10 > 9 * words.len(), "{words:?}");
}

#[test]
fn nothing_kept_is_of_fewer_than_ten_rows_and_broken_bytes_are_refused() {
    let usual = learned(20_000, 2_000, 3);
    let bytes = serde_json::to_vec(&usual).unwrap();
    assert!(bytes.len() < 60_000, "{} bytes", bytes.len());
    let again: UsualRows = serde_json::from_slice(&bytes).unwrap();
    let again = again.validated().unwrap();
    let (ctx, fresh) = (Context::unlimited(1, 1), rows(200, 4));
    assert_eq!(again.of_rows(&fresh, &ctx), usual.of_rows(&fresh, &Context::unlimited(9, 4)));
    let mut broken: UsualRows = serde_json::from_slice(&bytes).unwrap();
    broken.columns[0].counts.parent = Some(99);
    assert!(broken.validated().is_err());
    // A column that a later table lacks is missing in all its rows, and stands out where it never
    // was.
    let columns: Vec<Column> = fresh.into_columns().into_iter().skip(1).collect();
    let without = usual.of_rows(&Table::new(columns).unwrap(), &ctx);
    assert!(share_below(&without, 0.05) > 0.9);
}
