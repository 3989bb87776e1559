//! A file that asks for more memory or time than there is gives a sample of its rows: evenly
//! drawn, the same for any number of threads, and repeatable from what was decided.

use std::fmt::Write;
use std::time::Duration;

use modelwright_core::Context;
use modelwright_core::context::{Decisions, Settings};
use modelwright_core::data::{ColumnData, Table};
use modelwright_io::{ReadOptions, Room, TableFile, TableWriter, read_bytes};

use super::{assert_same, context, fixture};

const N_ROWS: usize = 60_000;

/// Rows that tell their number, with text that repeats, text that does not, quoted line ends, and
/// in one late row a word among numbers.
fn rows() -> String {
    let mut text = String::from("id,level,name,mixed,note\n");
    for i in 0..N_ROWS {
        let mixed = if i == N_ROWS - 7 { "word".to_owned() } else { format!("{}.5", i % 97) };
        let note = if i % 5 == 0 { "\"two\nlines, one \"\"field\"\"\"" } else { "plain" };
        writeln!(text, "{i},level {},name of {i},{mixed},{note}", i % 13).unwrap();
    }
    text
}

fn lines() -> String {
    let line =
        |i| format!("{{\"id\": {i}, \"level\": \"level {}\", \"name\": \"n {i}\"}}\n", i % 13);
    (0..N_ROWS).map(line).collect()
}

/// A room of so many bytes.
fn roomy(bytes: u64) -> ReadOptions {
    ReadOptions { room: Some(Room { bytes, n_rows_min: 200 }), ..ReadOptions::default() }
}

/// Reads in a context of its own; returns what that decided too.
fn read(
    name: &str,
    bytes: &[u8],
    options: &ReadOptions,
    threads: usize,
    replay: Option<Decisions>,
) -> (TableFile, Decisions) {
    let ctx = Context::new(Settings { threads, replay, ..Settings::default() }).unwrap();
    let file = read_bytes(name, bytes, options, &ctx).unwrap();
    (file, ctx.decisions())
}

fn ids(table: &Table) -> Vec<usize> {
    let ColumnData::Number(ids) = &table.require("id").unwrap().data else { panic!("numbers") };
    ids.iter().map(|id| id as usize).collect()
}

/// Asserts that rows were drawn in order and evenly from all of the file.
#[track_caller]
fn assert_even(ids: &[usize]) {
    assert!(ids.is_sorted_by(|a, b| a < b), "in file order, none twice");
    let mean = ids.len() as f64 / 10.0;
    for tenth in 0..10 {
        let from = tenth * N_ROWS / 10;
        let n = ids.iter().filter(|id| (from..from + N_ROWS / 10).contains(id)).count() as f64;
        assert!((n - mean).abs() < 5.0 * mean.sqrt() + 1.0, "tenth {tenth}: {n} of {mean}");
    }
}

/// Every format of the same rows, and the room that holds about a fifth of them.
fn cases() -> Vec<(&'static str, Vec<u8>, u64)> {
    let (text, lines) = (rows().into_bytes(), lines().into_bytes());
    let table = read_bytes("t.csv", &text, &ReadOptions::default(), &context()).unwrap().table;
    let mut parquet = TableWriter::parquet(Vec::new());
    parquet.write(&table).unwrap();
    let packed = zstd::encode_all(&text[..], 1).unwrap();
    vec![
        ("t.csv", text, 1 << 20),
        ("t.csv.zst", packed, 1 << 20),
        ("t.jsonl", lines, 1 << 20),
        ("t.parquet", parquet.finish().unwrap(), 1 << 20),
    ]
}

#[test]
fn a_table_without_room_is_an_even_sample_of_its_rows_in_every_format() {
    for (name, bytes, room) in cases() {
        let (whole, decisions) = read(name, &bytes, &ReadOptions::default(), 2, None);
        assert!(whole.source.sample.is_none() && decisions.chosen.is_empty(), "{name}");
        let (file, decisions) = read(name, &bytes, &roomy(room), 2, None);
        let sample = file.source.sample.as_ref().unwrap_or_else(|| panic!("{name}: no sample"));
        let ids = ids(&file.table);
        assert_even(&ids);
        assert_eq!(sample.n_rows_seen, N_ROWS as u64, "{name}");
        assert!((200..N_ROWS / 2).contains(&ids.len()), "{name}: {} rows", ids.len());
        assert!(file.table.size_bytes() as u64 <= room, "{name}: {}", file.table.size_bytes());
        assert!(sample.account.contains("the memory limit"), "{}", sample.account);
        assert_eq!(file.source.sha256, whole.source.sha256, "{name}: all was hashed");
        assert_eq!(decisions.chosen.len(), 1, "{name}: {decisions:?}");
        // The rows are the rows of the file.
        let rows: Vec<u32> = ids.iter().map(|id| *id as u32).collect();
        let level = |table: &Table, row| table.require("level").unwrap().display(row);
        for (row, id) in rows.iter().enumerate() {
            assert_eq!(level(&file.table, row), level(&whole.table, *id as usize), "{name}");
        }
    }
}

#[test]
fn a_replay_reads_the_same_rows_with_any_threads_blocks_and_room() {
    for (name, bytes, room) in cases() {
        let (file, decisions) = read(name, &bytes, &roomy(room), 2, None);
        for (threads, block_bytes) in [(1, 1 << 20), (2, 5_000), (4, 70_000)] {
            let options = ReadOptions { block_bytes, ..roomy(1 << 40) };
            let (again, repeated) = read(name, &bytes, &options, threads, Some(decisions.clone()));
            assert_same(&again, &file, &format!("{name}, {threads} threads"));
            assert_eq!(repeated, decisions, "{name}");
        }
    }
}

#[test]
fn a_smaller_room_keeps_some_of_the_rows_of_a_larger_one() {
    let text = rows();
    let of = |room| ids(&read("t.csv", text.as_bytes(), &roomy(room), 2, None).0.table);
    let (large, small) = (of(2 << 20), of(1 << 20));
    assert!(small.len() < large.len());
    assert!(small.iter().all(|id| large.binary_search(id).is_ok()));
}

#[test]
fn a_table_that_fits_is_read_whole_and_one_of_which_nothing_fits_is_refused() {
    let text = rows();
    let (file, decisions) = read("t.csv", text.as_bytes(), &roomy(1 << 30), 2, None);
    assert_eq!((file.table.n_rows(), file.source.sample), (N_ROWS, None));
    assert!(decisions.chosen.is_empty());
    let error = read_bytes("t.csv", text.as_bytes(), &roomy(10_000), &context()).unwrap_err();
    assert_eq!(error.kind(), modelwright_core::ErrorKind::Work);
    assert!(error.to_string().contains("memory limit is too small"), "{error}");
}

/// Decisions that read a share of the parts of a file.
fn parts(share: f64) -> Decisions {
    let units = (share * (1_u64 << 32) as f64) as u64;
    let chosen = [(":part-share".to_owned(), units)].into();
    Decisions { chosen, ..Decisions::default() }
}

/// So many copies of the rows in one text, which is then several stripes long.
fn long() -> String {
    let text = rows();
    let body = text.split_once('\n').unwrap().1;
    format!("{text}{}", body.repeat(3))
}

#[test]
fn parts_of_a_text_join_to_the_whole_wherever_it_is_cut() {
    let text = long();
    let (whole, _) = read("t.csv", text.as_bytes(), &ReadOptions::default(), 2, None);
    let nearly_all = 1.0 - 0.5_f64.powi(32);
    let (joined, _) = read("t.csv", text.as_bytes(), &roomy(1 << 30), 2, Some(parts(nearly_all)));
    assert_eq!(joined.table.n_rows(), whole.table.n_rows());
    assert_same(&joined.table, &whole.table, "all stripes");
    let lines = lines().repeat(3);
    let read_lines = |replay| read("t.jsonl", lines.as_bytes(), &roomy(1 << 30), 2, replay).0;
    assert_same(&read_lines(Some(parts(nearly_all))).table, &read_lines(None).table, "all lines");
}

#[test]
fn some_parts_of_a_file_are_whole_records_and_the_same_for_any_threads() {
    let (text, lines) = (long(), lines().repeat(3));
    for (name, bytes) in [("t.csv", text.as_bytes()), ("t.jsonl", lines.as_bytes())] {
        let (file, _) = read(name, bytes, &roomy(1 << 30), 2, Some(parts(0.5)));
        let ids = ids(&file.table);
        assert!(ids.len() > N_ROWS / 3 && ids.len() < 4 * N_ROWS, "{name}: {}", ids.len());
        for (row, id) in ids.iter().enumerate() {
            let level = file.table.require("level").unwrap();
            assert_eq!(level.display(row), Some(format!("level {}", id % 13)), "{name}");
        }
        assert!(file.source.n_bytes_hashed.unwrap() < bytes.len() as u64, "{name}");
        for (threads, block_bytes) in [(1, 1 << 20), (4, 10_000)] {
            let options = ReadOptions { block_bytes, ..roomy(1 << 30) };
            let (again, _) = read(name, bytes, &options, threads, Some(parts(0.5)));
            assert_same(&again, &file, name);
        }
    }
}

#[test]
fn some_parts_of_a_parquet_or_arrow_file_are_read() {
    let parquet = cases().remove(3).1;
    let (file, _) = read("t.parquet", &parquet, &roomy(1 << 30), 2, Some(parts(0.3)));
    let n_seen = file.source.sample.as_ref().unwrap().n_rows_seen;
    assert_eq!(n_seen, file.table.n_rows() as u64);
    let share = n_seen as f64 / N_ROWS as f64;
    assert!((0.2..0.4).contains(&share), "{share}");
    assert!(ids(&file.table).is_sorted_by(|a, b| a < b));
    let arrow = std::fs::read(fixture("pyarrow_plain.arrow")).unwrap();
    let half = Decisions { chosen: [(":row-share".to_owned(), 1 << 31)].into(), ..<_>::default() };
    let (whole, _) = read("t.arrow", &arrow, &roomy(1 << 30), 2, None);
    let (file, _) = read("t.arrow", &arrow, &roomy(1 << 30), 2, Some(half));
    assert!((1..whole.table.n_rows()).contains(&file.table.n_rows()));
}

#[test]
fn reading_stops_when_its_time_is_over_and_a_replay_stops_at_the_same_place() {
    let (text, lines) = (long(), lines().repeat(3));
    let packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
    for (name, bytes) in
        [("t.csv", text.as_bytes()), ("t.csv.zst", &packed), ("t.jsonl", lines.as_bytes())]
    {
        let ctx = Context::new(Settings {
            threads: 2,
            time_limit: Some(Duration::from_micros(1)),
            ..Settings::default()
        })
        .unwrap();
        let options = ReadOptions { block_bytes: 50_000, ..roomy(1 << 30) };
        let file = read_bytes(name, bytes, &options, &ctx).unwrap();
        let sample = file.source.sample.as_ref().unwrap();
        assert!(sample.end.is_some() && sample.account.contains("the time limit"), "{name}");
        assert!(file.table.n_rows() < N_ROWS, "{name}: {}", file.table.n_rows());
        for (threads, block_bytes) in [(1, 1 << 20), (4, 3_000)] {
            let options = ReadOptions { block_bytes, ..roomy(1 << 30) };
            let (again, decisions) = read(name, bytes, &options, threads, Some(ctx.decisions()));
            assert_same(&again, &file, name);
            assert_eq!(decisions, ctx.decisions(), "{name}");
        }
    }
}

#[test]
fn what_must_be_held_as_a_whole_is_refused_when_it_does_not_fit() {
    let array = format!("[{}]", lines().trim_end().replace('\n', ","));
    let error = read_bytes("t.json", array.as_bytes(), &roomy(1 << 20), &context()).unwrap_err();
    assert!(error.to_string().contains("held in memory as a whole"), "{error}");
    assert_eq!(error.kind(), modelwright_core::ErrorKind::Work);
}
