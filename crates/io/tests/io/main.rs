//! What files in the wild look like, and that every one gives its table or its own clear error.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dirty;
mod errors;
mod formats;
mod invariance;
mod round_trip;
mod sampling;
mod serving;

use std::path::PathBuf;

use modelwright_core::Context;
use modelwright_core::data::{Column, ColumnData};
use modelwright_io::{ReadOptions, TableFile, read_bytes};

/// A context with two threads.
fn context() -> Context {
    Context::unlimited(0, 2)
}

/// A fixture of `testdata/io`.
fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/io").join(name)
}

/// Reads text (or any bytes) as a CSV.
fn csv(bytes: impl AsRef<[u8]>) -> TableFile {
    read_bytes("table.csv", bytes.as_ref(), &ReadOptions::default(), &context()).unwrap()
}

/// The error of reading bytes under a name, as the user sees it.
fn error_of(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let read = read_bytes(name, bytes.as_ref(), &ReadOptions::default(), &context());
    read.unwrap_err().to_string()
}

/// A column's values as people write them; `-` is missing.
fn shown(file: &TableFile, column: &str) -> Vec<String> {
    let column = file.table.require(column).unwrap();
    (0..column.n_rows()).map(|row| column.display(row).unwrap_or_else(|| "-".into())).collect()
}

/// `number`, `instant` or `string`.
fn storage(column: &Column) -> &'static str {
    match column.data {
        ColumnData::Number(_) => "number",
        ColumnData::Instant(_) => "instant",
        ColumnData::String { .. } => "string",
    }
}

/// The storage of every column, in file order.
fn storages(file: &TableFile) -> Vec<&'static str> {
    file.table.columns().iter().map(storage).collect()
}

/// Asserts that two values are equal, missing numbers (NaN) included.
#[track_caller]
fn assert_same(a: &impl std::fmt::Debug, b: &impl std::fmt::Debug, case: &str) {
    assert!(format!("{a:?}") == format!("{b:?}"), "{case}:\n{a:?}\n{b:?}");
}
