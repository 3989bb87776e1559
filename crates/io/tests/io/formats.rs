//! Files written by pandas and pyarrow (`testdata/io/generate.py`).

use modelwright_core::data::{Column, ColumnData, Table};
use modelwright_io::{ReadOptions, TableWriter, column_names, fingerprint, read_bytes, read_path};

use super::{assert_same, context, fixture, shown, storages};

fn table(name: &str) -> Table {
    read_path(&fixture(name), &ReadOptions::default(), &context()).unwrap().table
}

#[test]
fn one_table_is_the_same_in_every_format_compression_and_encoding() {
    let expected = table("pandas.csv");
    assert_eq!((expected.n_rows(), expected.n_columns()), (40, 6));
    for name in [
        "pandas.csv.gz",
        "pandas.csv.zst",
        "two_members.csv.gz",
        "pandas_semicolon_comma.csv",
        "pandas_utf16.csv",
        "pandas_latin1.csv",
        "pandas_quoted.csv",
        "pandas.jsonl",
        "pandas.json",
        "pyarrow_snappy.parquet",
        "pyarrow_zstd.parquet",
        "pyarrow_lz4.parquet",
        "pyarrow_lz4.feather",
        "pyarrow_plain.arrow",
        "pyarrow_stream.arrows",
    ] {
        assert_same(&table(name), &expected, name);
    }
    let mut marked = std::fs::read(fixture("pandas.csv")).unwrap();
    marked.splice(0..0, *b"\xef\xbb\xbf");
    let options = ReadOptions::default();
    let marked = read_bytes("bom.csv", &marked, &options, &context()).unwrap().table;
    assert_same(&marked, &expected, "byte order mark");
}

#[test]
fn what_was_found_out_about_a_file_is_said() {
    let source =
        |name: &str| read_path(&fixture(name), &ReadOptions::default(), &context()).unwrap().source;
    let gz = source("pandas.csv.gz");
    assert_eq!((gz.format.as_str(), gz.compression.as_deref()), ("csv", Some("gzip")));
    assert_eq!((gz.delimiter, gz.encoding.as_deref()), (Some(','), Some("UTF-8")));
    assert_eq!((gz.n_rows, gz.n_columns, gz.name.as_str()), (40, 6, "pandas.csv.gz"));
    assert_eq!(gz.sha256.len(), 64);
    assert_eq!(source("pandas_utf16.csv").encoding.as_deref(), Some("UTF-16LE"));
    assert_eq!(source("pandas_semicolon_comma.csv").delimiter, Some(';'));
    let latin = source("pandas_latin1.csv");
    assert_eq!(latin.encoding.as_deref(), Some("windows-1252"));
    assert!(latin.notes[0].contains("not valid UTF-8"), "{:?}", latin.notes);
    assert_eq!(source("pyarrow_zstd.parquet").format, "parquet");
    assert_eq!(source("pyarrow_lz4.feather").format, "arrow");
}

#[test]
fn the_hash_is_the_one_of_the_file() {
    let options = ReadOptions { n_rows_max: Some(1), ..ReadOptions::default() };
    let read = read_bytes("abc.csv", b"abc\n1\n2\n", &options, &context()).unwrap();
    // printf 'abc\n1\n2\n' | sha256sum
    let expected = "6d9ecfa7dc8898c38efcaeff29df2026f8e4b86500e625cfc520ea332c633aa9";
    assert_eq!(read.source.sha256, expected);
    assert_eq!(read.table.n_rows(), 1);
}

#[test]
fn a_look_at_the_names_does_not_read_a_file_to_its_end() {
    let text = format!("a,b\n{}", "1,2\n".repeat(3_000_000));
    let first = ReadOptions { n_rows_max: Some(1), hash: false, ..ReadOptions::default() };
    let read = read_bytes("long.csv", text.as_bytes(), &first, &context()).unwrap();
    assert!(read.table.names().eq(["a", "b"]));
    let n_read = read.source.n_bytes_hashed.unwrap();
    assert!(n_read < text.len() as u64 / 4, "{n_read} of {} bytes", text.len());
    let names = column_names(&fixture("pandas.csv"), &ReadOptions::default(), &context());
    assert_eq!(names.unwrap(), table("pandas.csv").names().collect::<Vec<_>>());
}

/// What every column of `types` must show, by pyarrow's own values.
const TYPES: [(&str, [&str; 3]); 24] = [
    ("i8", ["1", "-", "-3"]),
    ("u8", ["1", "-", "255"]),
    ("i16", ["1", "-", "-30000"]),
    ("u16", ["1", "-", "65535"]),
    ("i32", ["1", "-", "-2147483648"]),
    ("u32", ["1", "-", "4294967295"]),
    ("i64", ["1", "-", "-9007199254740992"]),
    ("u64", ["1", "-", "9007199254740992"]),
    ("big", ["9007199254740993", "-", "5"]),
    ("ubig", ["18446744073709551615", "-", "5"]),
    ("f32", ["0.5", "-", "-1.25"]),
    ("f64", ["0.1", "-", "inf"]),
    ("bool", ["true", "-", "false"]),
    ("dec", ["1.1", "-", "-22.05"]),
    ("decwide", ["1.1", "-", "-22222222222222220000"]),
    ("date", ["2024-01-02", "-", "1969-12-31"]),
    ("ts_s", ["2024-01-02T03:04:05Z", "-", "1969-12-31"]),
    ("ts_ms", ["2024-01-02T03:04:05.678000Z", "-", "1969-12-31"]),
    ("ts_us", ["2024-01-02T03:04:05.678000Z", "-", "1969-12-31"]),
    ("ts_ns", ["2024-01-02T03:04:05.678000Z", "-", "1969-12-31"]),
    ("time", ["03:04:05.678000", "-", "00:00:00"]),
    ("text", ["a", "-", "-"]),
    ("dict", ["x", "-", "x"]),
    ("null", ["-", "-", "-"]),
];

#[test]
fn every_type_of_parquet_and_arrow_is_read_and_nested_ones_are_left_out_with_a_note() {
    for name in ["types.parquet", "types_v1.parquet", "types_v2.parquet", "types.feather"] {
        let file = read_path(&fixture(name), &ReadOptions::default(), &context()).unwrap();
        for (column, expected) in TYPES {
            assert_eq!(shown(&file, column), expected, "{name} {column}");
        }
        assert_eq!(shown(&file, "large"), ["a", "-", "ö"], "{name}");
        assert_eq!(shown(&file, "f16"), ["0.5", "-", "-65504"], "{name}");
        for nested in ["list", "struct", "binary"] {
            assert!(file.table.column(nested).is_none(), "{name} {nested}");
            let is_noted = |n: &String| n.contains(&format!("`{nested}`"));
            assert!(file.source.notes.iter().any(is_noted), "{name}: {:?}", file.source.notes);
        }
    }
}

#[test]
fn numbers_of_32_bits_stay_so_and_are_written_as_those_of_64_are() {
    let width = |column: &Column| match &column.data {
        ColumnData::Number(values) => values.is_narrow(),
        _ => panic!("no numbers"),
    };
    for name in ["types.parquet", "types_v1.parquet", "types_v2.parquet", "types.feather"] {
        let table = table(name);
        let narrow = table.require("f32").unwrap();
        assert!(width(narrow), "{name}");
        assert!(!width(table.require("f64").unwrap()), "{name}");
        let ColumnData::Number(values) = &narrow.data else { unreachable!() };
        let wide = Table::new(vec![Column::numbers("f32", values.to_vec())]).unwrap();
        let narrow = Table::new(vec![narrow.clone()]).unwrap();
        assert_eq!(fingerprint(&narrow, &context()), fingerprint(&wide, &context()));
        let open: [fn() -> TableWriter<Vec<u8>>; 3] = [
            || TableWriter::csv(Vec::new()),
            || TableWriter::parquet(Vec::new()),
            || TableWriter::arrow(Vec::new()),
        ];
        for open in open {
            let written = |table: &Table| {
                let mut writer = open();
                writer.write(table).unwrap();
                writer.finish().unwrap()
            };
            assert_eq!(written(&narrow), written(&wide), "{name}");
        }
    }
}

#[test]
fn columns_and_rows_can_be_chosen_in_every_format() {
    for name in
        ["pandas.csv", "pandas.jsonl", "pandas.json", "pyarrow_lz4.parquet", "types.feather"]
    {
        let all = table(name);
        let wanted: Vec<String> = all.names().take(3).skip(1).map(str::to_owned).collect();
        let options = ReadOptions {
            n_rows_max: Some(3),
            columns: Some(wanted.clone()),
            ..ReadOptions::default()
        };
        let some = read_path(&fixture(name), &options, &context()).unwrap().table;
        assert!(some.names().eq(wanted.iter().map(String::as_str)), "{name}");
        assert_eq!(some.n_rows(), 3, "{name}");
        for column in some.columns() {
            let full = all.require(&column.name).unwrap();
            for row in 0..3 {
                assert_eq!(column.display(row), full.display(row), "{name} {}", column.name);
            }
        }
        let options =
            ReadOptions { columns: Some(vec!["nope".to_owned()]), ..ReadOptions::default() };
        let error = read_path(&fixture(name), &options, &context()).unwrap_err();
        assert!(error.to_string().contains("no such column"), "{name}: {error}");
    }
}

#[test]
fn json_keys_may_come_and_go_and_nested_values_are_left_out() {
    let text = "{\"a\": 1, \"b\": \"x\"}\n\n{\"b\": null, \"c\": [1]}\n{\"a\": 2.5, \"d\": true}\n";
    let options = ReadOptions::default();
    let file = read_bytes("rows.jsonl", text.as_bytes(), &options, &context()).unwrap();
    assert_eq!(file.table.names().collect::<Vec<_>>(), ["a", "b", "d"]);
    assert_eq!(storages(&file), ["number", "string", "string"]);
    assert_eq!(shown(&file, "a"), ["1", "-", "2.5"]);
    assert_eq!(shown(&file, "d"), ["-", "-", "true"]);
    assert!(file.source.notes[0].contains("`c`"));
}

#[test]
fn spans_of_time_are_seconds_in_every_format_and_of_every_unit() {
    let parquet = read_path(&fixture("durations.parquet"), &ReadOptions::default(), &context());
    let parquet = parquet.unwrap();
    for name in ["seconds", "milliseconds", "microseconds", "nanoseconds"] {
        assert_eq!(
            shown(&parquet, name),
            ["0", "1.5", "-", "90061.25"].map(|text| {
                // Whole seconds have no half.
                if name == "seconds" { text.split('.').next().unwrap_or(text) } else { text }
            })
        );
    }
    assert_eq!(shown(&parquet, "count"), ["0", "1500000", "-", "7"], "a plain number stays one");
    let arrow = table("durations.arrow");
    assert_same(&parquet.table, &arrow, "durations");
}

#[test]
fn objects_with_a_key_of_their_own_each_are_refused_and_a_schema_reads_only_its_keys() {
    let line = |i: usize| format!("{{\"x\":{i},\"y\":{},\"key_{i}\":1}}\n", i % 2);
    let bomb: String = (0..8_000).map(line).collect();
    let read = |options: &ReadOptions| read_bytes("b.jsonl", bomb.as_bytes(), options, &context());
    let error = read(&ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("too many different keys"), "{error}");
    let array = format!("[{}]", bomb.trim_end().replace('\n', ","));
    let error = read_bytes("b.json", array.as_bytes(), &ReadOptions::default(), &context());
    assert!(error.unwrap_err().to_string().contains("cannot be read"));

    let few: String = (0..20).map(line).collect();
    let schema =
        read_bytes("f.jsonl", few.as_bytes(), &ReadOptions::default(), &context()).unwrap();
    assert_eq!(schema.table.n_columns(), 22);
    let fields = schema.schema.fields.into_iter().take(2).collect();
    let schema = modelwright_core::data::Schema { fields };
    let options = ReadOptions { schema: Some(schema.clone()), ..ReadOptions::default() };
    let served = read(&options).unwrap();
    assert_eq!((served.table.n_rows(), served.table.n_columns()), (8_000, 2));
    // Very many keys that every object has are a wide table.
    let wide = (0..2_500).map(|i| format!("\"g{i}\":{i}")).collect::<Vec<_>>().join(",");
    let wide = format!("{{{wide}}}\n").repeat(30);
    let wide = read_bytes("w.jsonl", wide.as_bytes(), &ReadOptions::default(), &context()).unwrap();
    assert_eq!(wide.table.n_columns(), 2_500);
}
