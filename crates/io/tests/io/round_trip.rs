//! What is written reads back as the same table.

use modelwright_core::data::{Column, MISSING_INSTANT, Table};
use modelwright_io::{ReadOptions, TableWriter, read_bytes};
use proptest::prelude::*;

use super::context;

/// Tables of the three storages, with text that is surely none of the others.
fn tables() -> impl Strategy<Value = Table> {
    let number = prop_oneof![
        4 => any::<f64>().prop_filter("missing is its own case", |v| !v.is_nan()),
        4 => (-1_000_000_i64..1_000_000).prop_map(|v| v as f64 / 100.0),
        1 => Just(f64::NAN),
    ];
    let instant = prop_oneof![
        9 => -60_000_000_000_000_000_i64..200_000_000_000_000_000,
        1 => Just(MISSING_INSTANT),
    ];
    let text = prop_oneof![
        9 => "[a-z,;\"'\n\r\t |ä€😀]{0,8}".prop_map(|s| Some(format!("w{s}w"))),
        1 => Just(None),
    ];
    prop::collection::vec((number, instant, text), 1..40).prop_map(|rows| {
        let numbers = rows.iter().map(|r| r.0).collect::<Vec<f64>>();
        let instants = rows.iter().map(|r| r.1).collect();
        Table::new(vec![
            Column::numbers("number, \"of\" things", numbers),
            Column::instants("when", instants),
            Column::strings("what", rows.iter().map(|r| r.2.clone())),
        ])
        .unwrap()
    })
}

/// Equal up to NaN, and to the storage of a column without any value.
fn assert_same(read: &Table, written: &Table) {
    assert!(read.names().eq(written.names()));
    assert_eq!(read.n_rows(), written.n_rows());
    for (a, b) in read.columns().iter().zip(written.columns()) {
        for row in 0..a.n_rows() {
            assert_eq!(a.display(row), b.display(row), "{} row {row}", a.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_written_table_reads_back_the_same(table in tables()) {
        let ctx = context();
        let options = ReadOptions::default();
        let mut writer = TableWriter::csv(Vec::new());
        writer.write(&table).unwrap();
        let bytes = writer.finish().unwrap();
        assert_same(&read_bytes("t.csv", &bytes, &options, &ctx).unwrap().table, &table);
        let mut writer = TableWriter::parquet(Vec::new());
        writer.write(&table).unwrap();
        let bytes = writer.finish().unwrap();
        assert_same(&read_bytes("t.parquet", &bytes, &options, &ctx).unwrap().table, &table);
    }

    #[test]
    fn any_text_is_a_table_or_an_error_but_never_a_panic(text in "[a0-9,;\"'\n\r\t .%$-]{0,60}") {
        let _ = read_bytes("t.csv", text.as_bytes(), &ReadOptions::default(), &context());
    }
}

#[test]
fn a_table_written_in_parts_is_the_table_written_at_once() {
    let rows: Vec<u32> = (0..300).collect();
    let table = Table::new(vec![
        Column::numbers("n", rows.iter().map(|i| f64::from(*i) / 7.0).collect::<Vec<f64>>()),
        Column::strings("s", rows.iter().map(|i| (*i % 3 > 0).then(|| format!("v{}", i % 11)))),
    ])
    .unwrap();
    let mut once = TableWriter::csv(Vec::new());
    once.write(&table).unwrap();
    let mut parts = TableWriter::csv(Vec::new());
    let mut parquet = TableWriter::parquet(Vec::new());
    for part in rows.chunks(37) {
        parts.write(&table.select(part)).unwrap();
        parquet.write(&table.select(part)).unwrap();
    }
    let other = Table::new(vec![Column::numbers("x", vec![1.0])]).unwrap();
    assert!(parts.write(&other).unwrap_err().to_string().contains("other columns"));
    assert_eq!(once.finish().unwrap(), parts.finish().unwrap());
    let bytes = parquet.finish().unwrap();
    let read = read_bytes("t.parquet", &bytes, &ReadOptions::default(), &context()).unwrap();
    assert_same(&read.table, &table);
}

#[test]
fn texts_that_come_again_over_many_rows_of_a_parquet_file_read_back_the_same() {
    let columns = [3_u32, 700, 1_000_000].map(|n_levels| {
        let level = |i: u32| i.wrapping_mul(2_654_435_761) % n_levels;
        let text = |i| match level(i) {
            0 => None,
            l => Some("x".repeat(l as usize % 5) + &format!(" level {l}")),
        };
        Column::strings(format!("{n_levels} levels"), (0..20_000).map(text))
    });
    let full = Column::strings("none missing", (0..20_000).map(|i| Some(format!("v{}", i % 5))));
    let table = Table::new(columns.into_iter().chain([full]).collect()).unwrap();
    let mut writer = TableWriter::parquet(Vec::new());
    writer.write(&table).unwrap();
    let bytes = writer.finish().unwrap();
    let read = read_bytes("t.parquet", &bytes, &ReadOptions::default(), &context()).unwrap();
    assert_same(&read.table, &table);
}
