//! Tables as people write them.

use modelwright_core::data::NumberFormat;
use modelwright_core::record::TextLayout;
use modelwright_io::{ReadOptions, TableFile, read_bytes};

use super::{context, csv, shown, storages};

#[test]
fn numbers_with_signs_of_all_kinds_are_numbers_and_the_format_is_remembered() {
    let file = csv("price;share;n;loss\n1.234,50 €;12,5 %;1;-0,5\n7 €;3 %;2;1,25\nNA;;3;?\n");
    assert_eq!(storages(&file), ["number"; 4]);
    assert_eq!(shown(&file, "price"), ["1234.5", "7", "-"]);
    assert_eq!(shown(&file, "share"), ["12.5", "3", "-"]);
    assert_eq!(shown(&file, "loss"), ["-0.5", "1.25", "-"]);
    let format = |name| file.schema.field(name).unwrap().number_format.clone();
    let price = NumberFormat {
        decimal_comma: true,
        thousands: true,
        currency: Some("€".into()),
        ..NumberFormat::default()
    };
    assert_eq!(format("price"), price);
    assert!(format("share").percent && format("share").decimal_comma);
    assert_eq!(format("n"), NumberFormat::default());

    let file = csv("a,b\n\"$1,234\",\"1,000,000\"\n($5),7\n");
    assert_eq!(shown(&file, "a"), ["1234", "-5"]);
    assert_eq!(shown(&file, "b"), ["1000000", "7"]);
}

#[test]
fn every_marker_of_missing_is_missing() {
    let markers =
        ["NA", "N/A", "n/a", "null", "NULL", "None", "nan", "NaN", "?", "-", "#N/A", "\"\""];
    let rows = markers.map(|m| format!("x,{m}, {m} \n")).concat();
    let file = csv(format!("k,number,text\nx,1,a\n{rows}"));
    assert_eq!(shown(&file, "number")[1..], vec!["-"; markers.len()]);
    assert_eq!(shown(&file, "text")[1..], vec!["-"; markers.len()]);
    assert_eq!(storages(&file), ["string", "number", "string"]);
}

#[test]
fn codes_and_long_identifiers_keep_their_digits() {
    let file = csv("zip,key,n\n00123,9007199254740993,1\n10115,12,2\n");
    assert_eq!(storages(&file), ["string", "string", "number"]);
    assert_eq!(shown(&file, "zip"), ["00123", "10115"]);
    assert_eq!(shown(&file, "key"), ["9007199254740993", "12"]);
}

#[test]
fn one_word_among_thousands_of_numbers_makes_strings_of_them_as_written() {
    let mut text = String::from("v\n");
    for i in 0..50_000 {
        text.push_str(if i == 49_000 { "unknown\n" } else { "1.50\n" });
    }
    let file = csv(text);
    assert_eq!(storages(&file), ["string"]);
    assert_eq!(shown(&file, "v")[0], "1.50");
    assert_eq!(shown(&file, "v")[49_000], "unknown");
}

#[test]
fn a_late_value_decides_the_order_of_day_and_month() {
    let ambiguous = "01/02/2024\n".repeat(30_000);
    let file = csv(format!("d\n{ambiguous}"));
    assert_eq!(shown(&file, "d")[0], "2024-01-02");
    assert_eq!(file.schema.fields[0].day_first, Some(false));
    assert!(file.source.notes[0].contains("month first"), "{:?}", file.source.notes);
    let file = csv(format!("d\n{ambiguous}25/12/2024\n"));
    assert_eq!(shown(&file, "d")[0], "2024-02-01");
    assert_eq!(file.schema.fields[0].day_first, Some(true));
    assert!(file.source.notes.is_empty());
    let file = csv(format!("d\n{ambiguous}12/25/2024\n"));
    assert_eq!(shown(&file, "d")[30_000], "2024-12-25");
    assert!(file.source.notes.is_empty());
}

#[test]
fn small_whole_numbers_and_unix_seconds_are_never_dates() {
    let file = csv("n,unix,day\n1,1704164645,20240102\n2,1704164646,20240103\n");
    assert_eq!(storages(&file), ["number"; 3]);
}

#[test]
fn a_column_that_is_empty_for_long_gets_its_type_from_its_first_values() {
    let empty = "1,,,\n".repeat(60_000);
    let file = csv(format!("k,date,text,never\n{empty}2,2024-01-02,x,\n"));
    assert_eq!(storages(&file), ["number", "instant", "string", "number"]);
    assert_eq!(shown(&file, "date")[60_000], "2024-01-02");
}

#[test]
fn line_ends_of_all_systems_and_blanks_after_separators_are_understood() {
    for text in [
        "a,b\n1,x\n2,y\n",
        "a,b\r\n1,x\r\n2,y\r\n",
        "a,b\r1,x\r2,y",
        "a, b\n1, x\n2, y\n",
        "\n\na,b\n\n1,x\n\n2,y\n\n\n",
        "sep=,\na,b\n1,x\n2,y\n",
        "\u{feff}a,b\n1,x\n2,y\n",
        "'a','b'\n'1','x'\n'2','y'\n",
    ] {
        let file = csv(text);
        assert_eq!(file.table.names().collect::<Vec<_>>(), ["a", "b"], "{text:?}");
        assert_eq!(shown(&file, "a"), ["1", "2"], "{text:?}");
        assert_eq!(shown(&file, "b"), ["x", "y"], "{text:?}");
    }
}

#[test]
fn a_late_byte_that_is_no_utf_8_reads_the_whole_file_as_windows_1252() {
    let mut bytes = b"name,n\n".to_vec();
    for i in 0..60_000 {
        bytes.extend(format!("plain,{i}\n").bytes());
    }
    bytes.extend(b"caf\xe9 \x80,1\n");
    let file = csv(bytes);
    assert_eq!(shown(&file, "name")[60_000], "café €");
    assert_eq!(file.source.encoding.as_deref(), Some("windows-1252"));
}

#[test]
fn a_file_without_header_and_names_in_need_of_repair_are_noted() {
    let file = csv("5.1,3.5,setosa\n4.9,3.0,setosa\n");
    assert_eq!(file.table.names().collect::<Vec<_>>(), ["column_1", "column_2", "column_3"]);
    assert_eq!(file.table.n_rows(), 2);
    assert!(file.source.notes[0].contains("no header"));
    let file = csv(",a,a\n1,2,3\n");
    assert_eq!(file.table.names().collect::<Vec<_>>(), ["column_1", "a", "a_2"]);
    assert_eq!(file.source.notes.len(), 2);
}

fn read_as(text: &str, layout: &TextLayout) -> TableFile {
    let options = ReadOptions::of_text(layout).unwrap();
    read_bytes("t.csv", text.as_bytes(), &options, &context()).unwrap()
}

#[test]
fn three_digits_behind_a_comma_are_decimals_in_a_file_of_semicolons_and_the_doubt_is_told() {
    let fuel = "price;y\n1,659;2\n1,789;3\n";
    let file = csv(fuel);
    assert_eq!(shown(&file, "price"), ["1.659", "1.789"]);
    assert!(file.source.notes[0].contains("1.659 (say --decimal point"), "{:?}", file.source.notes);
    let point = TextLayout { decimal_comma: Some(false), ..TextLayout::default() };
    let file = read_as(fuel, &point);
    assert_eq!(
        (shown(&file, "price"), file.source.notes.len()),
        (vec!["1659".into(), "1789".into()], 0)
    );

    let thousands = csv("price,y\n\"1,659\",2\n\"1,789\",3\n");
    assert_eq!(shown(&thousands, "price"), ["1659", "1789"]);
    assert!(thousands.source.notes[0].contains("1659 (say --decimal comma"));
    // Another column says what a comma is here, and then there is no doubt about a late value.
    let file = csv("price;rate\n1,659;0,5\n1,789;0,7\n");
    assert_eq!(shown(&file, "price"), ["1.659", "1.789"]);
    let file = csv("price;rate\n1,659;0.5\n1,789;0.7\n");
    assert_eq!(shown(&file, "price"), ["1659", "1789"]);
    let file = csv("price;rate\n1.659;0,5\n2.789;0,7\n");
    assert_eq!(shown(&file, "price"), ["1659", "2789"]);
    assert_eq!(shown(&csv("price;y\n1,659;2\n1,789;3\n1,5;3\n"), "price")[2], "1.5");
    assert!(csv("price;y\n1,659;2\n1,5;3\n").source.notes.is_empty(), "1,5 settles it");
    let plain = csv("price;y\n1.659;2\n1.789;3\n");
    assert_eq!(shown(&plain, "price"), ["1.659", "1.789"]);
    assert!(plain.source.notes[0].contains("--decimal comma"), "{:?}", plain.source.notes);
    assert!(csv("x,y\n1.659,2\n1.789,3\n").source.notes.is_empty());
}

#[test]
fn large_whole_numbers_are_rounded_with_a_note_and_keys_keep_their_digits() {
    let key = |i: u64| 4_000_000_000_000_000_001 + i * 7919;
    let row = |i| format!("{},{}\n", key(i), if i % 2 == 0 { key(i) } else { i });
    let rows: Vec<String> = (0..200).map(row).collect();
    let file = csv(format!("key,bytes\n{}{},5\n", rows.concat(), key(200)));
    assert_eq!(storages(&file), ["string", "number"]);
    assert!(file.source.notes[0].contains("`bytes` holds whole numbers beyond 2^53"));
    assert_eq!(file.source.notes.len(), 1);
    let late: Vec<String> = (0..70_000).map(|i| format!("{i}\n")).collect();
    let late = late.concat();
    let file = csv(format!("x\n{late}99999999999999999\n"));
    assert_eq!(shown(&file, "x")[70_000], "100000000000000000");
    // What training took for numbers is one in serving, however large.
    let options = ReadOptions { schema: Some(file.schema), ..ReadOptions::default() };
    let served = read_bytes("n.csv", b"x\n99999999999999999\n", &options, &context()).unwrap();
    assert_eq!(shown(&served, "x"), ["100000000000000000"]);
}

#[test]
fn what_is_said_about_a_text_is_followed() {
    let layout =
        |separator: char| TextLayout { separator: Some(separator), ..TextLayout::default() };
    let file = read_as("a:b\n10:00\n11:30\n", &layout(':'));
    assert_eq!(shown(&file, "b"), ["00", "30"]);
    let file = read_as("x y\n a  b\nc\td \n", &layout(' '));
    assert_eq!(
        (shown(&file, "x"), shown(&file, "y")),
        (vec!["a".into(), "c".into()], vec!["b".into(), "d".into()])
    );
    let bare = TextLayout { header: Some(false), ..TextLayout::default() };
    assert_eq!(
        read_as("a,b\nc,d\n", &bare).table.names().collect::<Vec<_>>(),
        ["column_1", "column_2"]
    );
    let latin = TextLayout { encoding: Some("latin1".into()), ..TextLayout::default() };
    let options = ReadOptions::of_text(&latin).unwrap();
    let file = read_bytes("t.csv", b"n\ncaf\xe9\n", &options, &context()).unwrap();
    assert_eq!((shown(&file, "n"), file.source.notes.len()), (vec!["café".into()], 0));
    assert!(ReadOptions::of_text(&layout('é')).is_err());
    let unknown = TextLayout { encoding: Some("utf-9".into()), ..TextLayout::default() };
    assert!(ReadOptions::of_text(&unknown).unwrap_err().to_string().contains("UTF-8"));
}
