//! How fast tables are encoded:
//! `cargo run --release -p modelwright-preprocess --example encode_speed [threads] [table]` with
//! `wide`, `mixed`, `adult` or `serve`. Tables are drawn, not read, so that any machine can
//! repeat it.

#![expect(clippy::print_stdout, reason = "an example's output")]
#![expect(clippy::disallowed_methods, reason = "measures the wall clock")]

use std::time::Instant;

use modelwright_core::data::{Column, Field, Fold, Kind, Schema, Storage, Table};
use modelwright_core::random::Random;
use modelwright_core::task::Target;
use modelwright_core::{Context, Result};
use modelwright_preprocess::{EncodingSpec, PrepareInput, prepare};

fn main() -> Result<()> {
    let threads = std::env::args().nth(1).and_then(|t| t.parse().ok()).unwrap_or(2);
    let ctx = Context::unlimited(0, threads);
    println!("{threads} threads; milliseconds, best of 3");
    let only = std::env::args().nth(2);
    let is_wanted = |name: &str| only.as_deref().is_none_or(|o| o == name);
    if is_wanted("wide") {
        measure("wide: 76k x 370 numbers", &wide(76_000, 370), 5, &ctx)?;
    }
    if is_wanted("mixed") {
        measure("mixed: 450k x 7, 5 categories", &airlines(450_000), 5, &ctx)?;
    }
    if is_wanted("adult") {
        measure("adult: 40k x 14", &adult(40_000), 5, &ctx)?;
    }
    if is_wanted("serve") {
        serve(&adult(40_000), &adult(1_000_000), &ctx)?;
    }
    Ok(())
}

type Data = (Table, Schema, Target);

fn measure(name: &str, (table, schema, target): &Data, n_folds: u32, ctx: &Context) -> Result<()> {
    let rows = |fold, inside| {
        (0..table.n_rows() as u32).filter(|r| (r % n_folds == fold) == inside).collect()
    };
    let folds: Vec<Fold> =
        (0..n_folds).map(|f| Fold { train: rows(f, false), validation: rows(f, true) }).collect();
    for spec in [EncodingSpec::trees(), EncodingSpec::linear()] {
        let input = PrepareInput {
            table,
            schema,
            exclude: &[],
            target,
            weights: None,
            folds: &folds,
            like: None,
        };
        let mut best = f64::INFINITY;
        let mut n_features = 0;
        for _ in 0..3 {
            let start = Instant::now();
            let prepared = prepare(&input, &spec, ctx)?;
            best = best.min(start.elapsed().as_secs_f64());
            n_features = prepared.full.n_features();
        }
        println!("{name}, {n_folds} folds, {}: {:.0} ({n_features})", spec.name, best * 1e3);
    }
    Ok(())
}

fn serve((table, schema, target): &Data, new: &Data, ctx: &Context) -> Result<()> {
    for spec in [EncodingSpec::trees(), EncodingSpec::linear()] {
        let input = PrepareInput {
            table,
            schema,
            exclude: &[],
            target,
            weights: None,
            folds: &[],
            like: None,
        };
        let encoder = prepare(&input, &spec, ctx)?.encoder;
        let start = Instant::now();
        for chunk in 0..16_u32 {
            let rows: Vec<u32> = (chunk * 62_500..(chunk + 1) * 62_500).collect();
            let block = new.0.select(&rows);
            let matrix = encoder.transform(&block, ctx)?;
            assert_eq!(matrix.n_rows, 62_500);
        }
        let seconds = start.elapsed().as_secs_f64();
        println!("serve 1M x 14 in blocks, {}: {:.2} M rows/s", spec.name, 1.0 / seconds);
        let single = new.0.select(&[5]);
        let start = Instant::now();
        for _ in 0..1000 {
            encoder.transform(&single, ctx)?;
        }
        let micros = start.elapsed().as_secs_f64() * 1e3;
        println!("serve one row, {}: {micros:.1} microseconds", spec.name);
    }
    Ok(())
}

fn finish(columns: Vec<(Column, Kind)>, n: usize) -> Data {
    let field = |(c, kind): &(Column, Kind)| Field::new(&c.name, Storage::Number, *kind);
    let schema = Schema { fields: columns.iter().map(field).collect() };
    let mut random = Random::new(1);
    let codes = (0..n).map(|_| random.below(2) as u32).collect();
    let columns = columns.into_iter().map(|(c, _)| c).collect();
    let table = Table::new(columns).unwrap_or_default();
    (table, schema, Target::Class { codes, n_classes: 2 })
}

fn number(name: String, n: usize, random: &mut Random) -> (Column, Kind) {
    (
        Column::numbers(name, (0..n).map(|_| random.normal() * 100.0).collect::<Vec<f64>>()),
        Kind::Number,
    )
}

fn category(name: String, levels: usize, n: usize, random: &mut Random) -> (Column, Kind) {
    let names: Vec<String> = (0..levels).map(|l| format!("level {l}")).collect();
    // The minimum of two draws makes some levels frequent and others rare.
    let mut draw = || random.below(levels).min(random.below(levels));
    let values: Vec<usize> = (0..n).map(|_| draw()).collect();
    (Column::strings(name, values.into_iter().map(|v| Some(&names[v]))), Kind::Category)
}

fn wide(n: usize, n_columns: usize) -> Data {
    let mut random = Random::new(2);
    finish((0..n_columns).map(|i| number(format!("x{i}"), n, &mut random)).collect(), n)
}

fn airlines(n: usize) -> Data {
    let mut random = Random::new(3);
    let mut columns = vec![
        number("time".to_owned(), n, &mut random),
        number("length".to_owned(), n, &mut random),
    ];
    for (i, levels) in [18, 293, 293, 7, 4000].into_iter().enumerate() {
        columns.push(category(format!("c{i}"), levels, n, &mut random));
    }
    finish(columns, n)
}

fn adult(n: usize) -> Data {
    let mut random = Random::new(4);
    let mut columns: Vec<(Column, Kind)> =
        (0..6).map(|i| number(format!("n{i}"), n, &mut random)).collect();
    for (i, levels) in [9, 16, 7, 15, 6, 5, 2, 42].into_iter().enumerate() {
        columns.push(category(format!("c{i}"), levels, n, &mut random));
    }
    finish(columns, n)
}
