//! Reading by a schema, whole and in parts: strict, and the same values as in training.

use std::path::Path;

use modelwright_core::data::{Field, Kind, Schema, Storage, Table};
use modelwright_io::{ReadOptions, read_bytes, read_path, stream_path};

use super::{context, fixture};

fn schema(fields: &[(&str, Storage)]) -> Schema {
    let field = |(name, storage): &(&str, Storage)| Field::new(*name, *storage, Kind::Number);
    Schema { fields: fields.iter().map(field).collect() }
}

fn strictly(text: &str, schema: &Schema) -> modelwright_core::Result<Table> {
    read_bytes("new.csv", text.as_bytes(), &by(schema), &context()).map(|f| f.table)
}

fn by(schema: &Schema) -> ReadOptions {
    ReadOptions { schema: Some(schema.clone()), ..ReadOptions::default() }
}

fn streamed(path: &Path, schema: &Schema, rows_per_chunk: usize) -> Vec<Table> {
    let stream = stream_path(path, &by(schema), rows_per_chunk, &context()).unwrap();
    stream.collect::<modelwright_core::Result<_>>().unwrap()
}

/// The rows of all tables, as text.
fn rows(tables: &[Table]) -> Vec<Vec<Option<String>>> {
    let row = |t: &Table, i: usize| t.columns().iter().map(|c| c.display(i)).collect();
    tables.iter().flat_map(|t| (0..t.n_rows()).map(|i| row(t, i)).collect::<Vec<_>>()).collect()
}

#[test]
fn a_schema_orders_drops_and_types_columns() {
    use Storage::{Number, String};
    let schema = schema(&[("b", String), ("a", Number), ("absent", Number)]);
    let table = strictly("x,a,b\nq,1,007\nq,,12\n", &schema).unwrap();
    assert_eq!(table.names().collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(rows(&[table])[0], [Some("007".to_owned()), Some("1".to_owned())]);
}

#[test]
fn a_boolean_that_training_had_as_numbers_may_say_true_and_false_in_every_format() {
    let flag = Field::new("a", Storage::Number, Kind::Boolean);
    let booleans = Schema { fields: vec![flag] };
    let table = strictly("a\nTrue\nfalse\n1\n\"\"\n", &booleans).unwrap();
    let values = |t: &Table| rows(std::slice::from_ref(t)).concat();
    let said = ["1", "0", "1"].map(|text| Some(text.to_owned()));
    assert_eq!(values(&table)[..3], said);
    let text = "{\"a\": true}\n{\"a\": false}\n{\"a\": 1}\n";
    let json = read_bytes("n.jsonl", text.as_bytes(), &by(&booleans), &context()).unwrap();
    assert_eq!(values(&json.table), said);
    assert!(strictly("a\nyes\n", &booleans).is_err());
    assert!(strictly("a\ntrue\n", &schema(&[("a", Storage::Number)])).is_err());
}

#[test]
fn a_cell_that_does_not_fit_is_an_error_with_row_column_and_value() {
    let schema = schema(&[("a", Storage::Number)]);
    let error = strictly("a,b\n1,x\n\n2,\"y\nz\"\ntwelve,x\n", &schema).unwrap_err();
    assert_eq!(error.place().row, Some(3));
    assert_eq!(error.place().line, Some(6));
    assert_eq!(error.place().column.as_deref(), Some("a"));
    assert_eq!(error.got_text(), Some("twelve"));
    // A number in another notation would silently be another number.
    assert!(strictly("a\n\"1,5\"\n", &schema).is_err());
    assert!(strictly("a\n12%\n", &schema).is_err());

    let options = ReadOptions { schema: Some(schema), ..ReadOptions::default() };
    let text = "{\"a\": 1}\n{\"a\": \"x\"}\n";
    let error = read_bytes("n.jsonl", text.as_bytes(), &options, &context()).unwrap_err();
    assert_eq!((error.place().row, error.got_text()), (Some(2), Some("x")), "{error}");
}

#[test]
fn formats_of_training_hold_when_serving() {
    let train = "v;d\n1,5 €;02/01/2024\n2,5 €;31/01/2024\n";
    let file = read_bytes("t.csv", train.as_bytes(), &ReadOptions::default(), &context()).unwrap();
    let table = strictly("v;d\n3,5 €;03/02/2024\n", &file.schema).unwrap();
    let expected = [Some("3.5".to_owned()), Some("2024-02-03".to_owned())];
    assert_eq!(rows(&[table])[0], expected);
    let error = strictly("v;d\n$3;03/02/2024\n", &file.schema).unwrap_err();
    assert!(error.expected_text().unwrap().contains('€'), "{error}");
}

#[test]
fn a_stream_gives_the_rows_of_the_whole_file_in_every_format() {
    let whole = read_path(&fixture("pandas.csv"), &ReadOptions::default(), &context()).unwrap();
    let expected = rows(std::slice::from_ref(&whole.table));
    for name in [
        "pandas.csv",
        "pandas.csv.gz",
        "pandas_utf16.csv",
        "pandas_latin1.csv",
        "pandas.jsonl",
        "pandas.json",
        "pyarrow_snappy.parquet",
        "pyarrow_lz4.feather",
        "pyarrow_stream.arrows",
    ] {
        for rows_per_chunk in [1, 7, 1000] {
            let tables = streamed(&fixture(name), &whole.schema, rows_per_chunk);
            assert!(tables.iter().all(|t| (1..=rows_per_chunk).contains(&t.n_rows())), "{name}");
            assert_eq!(rows(&tables), expected, "{name} {rows_per_chunk}");
        }
    }
}

#[test]
fn a_stream_counts_rows_over_chunks_and_refuses_strangers() {
    let path = fixture("pandas.csv");
    let schema = schema(&[("flag", Storage::Number)]);
    let error =
        stream_path(&path, &by(&schema), 5, &context()).unwrap().next().unwrap().unwrap_err();
    assert_eq!(error.place().row, Some(1));
    let schema = self::schema(&[("zzz", Storage::Number)]);
    for name in ["pandas.csv", "pyarrow_lz4.parquet", "types.feather", "pandas.jsonl"] {
        let stream = stream_path(&fixture(name), &by(&schema), 5, &context());
        let error = match stream {
            Err(error) => error,
            Ok(mut stream) => stream.next().unwrap().unwrap_err(),
        };
        assert!(error.to_string().contains("none of the columns"), "{name}: {error}");
    }
}
