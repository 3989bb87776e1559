//! Rows that are predicted while they come.

use std::io::{Read, Write};
use std::time::Duration;

use modelwright_core::Context;
use modelwright_core::data::Table;
use modelwright_io::{ReadOptions, TableWriter, read_bytes};
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Running, artifacts, beside, names, objects, settings};

const MODEL: &str = "v2-binary";
const CSV: &str = "text/csv";
const LINES: &str = "application/x-ndjson";
const PARQUET: &str = "application/vnd.apache.parquet";
const ARROW: &str = "application/vnd.apache.arrow.stream";

fn running() -> Running {
    Running::start(settings(&[&artifacts()]))
}

fn path(name: &str, more: &str) -> String {
    format!("/models/{name}/predict?stream=true{more}")
}

fn table(bytes: &[u8]) -> Table {
    let options = ReadOptions::default();
    read_bytes("t", bytes, &options, &Context::unlimited(0, 1)).unwrap().table
}

fn lines(rows: &[Value]) -> Vec<u8> {
    rows.iter().flat_map(|row| format!("{row}\n").into_bytes()).collect()
}

/// Sends a body in chunks from a thread of its own, as clients that read meanwhile do.
fn send(running: &Running, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut client = running.client();
    client.begin_chunks(path, headers);
    let mut other = client.clone();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for piece in body.chunks(9_973) {
                if other.send_chunk(piece).is_err() {
                    return;
                }
            }
            let _ = other.send_chunk(b"");
        });
        client.answer()
    })
}

#[test]
fn bodies_in_parts_are_answered_as_whole_ones_in_every_form() {
    let running = running();
    let mut client = running.client();
    for name in names() {
        let csv = std::fs::read(beside(&name, "rows.csv")).unwrap();
        let rows = table(&csv);
        let mut writer = TableWriter::parquet(Vec::new());
        writer.write(&rows).unwrap();
        let parquet = writer.finish().unwrap();
        let mut writer = TableWriter::arrow(Vec::new());
        writer.write(&rows).unwrap();
        let arrow = writer.finish().unwrap();
        let bodies =
            [(CSV, csv), (LINES, lines(&objects(&name))), (PARQUET, parquet), (ARROW, arrow)];
        for (form, body) in &bodies {
            let whole = client.post_as(&format!("/models/{name}/predict"), form, body);
            assert_eq!(whole.status, 200, "{name} {form}: {}", whole.text());
            let parts = send(&running, &path(&name, ""), &[("content-type", form)], body);
            assert_eq!(parts.status, 200, "{name} {form}: {}", parts.text());
            assert_eq!(parts.header("content-type"), whole.header("content-type"));
            assert!(parts.is_whole && parts.header("content-length").is_none());
            if [CSV, LINES].contains(form) {
                assert_eq!(parts.text(), whole.text(), "{name} {form}");
            } else {
                assert_eq!(table(&parts.body), table(&whole.body), "{name} {form}");
            }
            let accept = [("content-type", *form), ("accept", CSV)];
            let as_csv = send(&running, &path(&name, ""), &accept, body);
            let whole = client.send("POST", &format!("/models/{name}/predict"), &accept, body);
            assert_eq!(as_csv.text(), whole.unwrap().text(), "{name} {form}");
        }
    }
}

#[test]
fn long_bodies_are_cut_where_rows_end_whatever_packs_them() {
    let running = running();
    let csv = std::fs::read_to_string(beside(MODEL, "rows.csv")).unwrap();
    let (header, rows) = csv.split_once('\n').unwrap();
    let n_times = 30_000 / rows.lines().count();
    let long = format!("{header}\n{}", rows.repeat(n_times));
    let once = running.client().post_as(&format!("/models/{MODEL}/predict"), CSV, &csv).text();
    let (head, answers) = once.split_once('\n').unwrap();
    let expected = format!("{head}\n{}", answers.repeat(n_times));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(long.as_bytes()).unwrap();
    let zstd = zstd::encode_all(long.as_bytes(), 1).unwrap();
    let mut zlib = Vec::new();
    let mut encoder =
        flate2::bufread::ZlibEncoder::new(long.as_bytes(), flate2::Compression::fast());
    encoder.read_to_end(&mut zlib).unwrap();
    for (encoding, body) in [
        ("identity", long.clone().into_bytes()),
        ("gzip", gzip.finish().unwrap()),
        ("deflate", zlib),
        ("zstd", zstd),
    ] {
        let headers = [("content-type", CSV), ("content-encoding", encoding)];
        let answer = send(&running, &path(MODEL, ""), &headers, &body);
        assert_eq!(answer.status, 200, "{encoding}: {}", answer.text());
        assert!(answer.text() == expected, "{encoding}: {} bytes", answer.body.len());
    }
}

#[test]
fn neither_rows_nor_bytes_are_bounded_where_they_come_in_parts() {
    let mut settings = settings(&[&artifacts().join("v2-binary.mw")]);
    (settings.limits.body_bytes_max, settings.limits.rows_max) = (2_000, 10);
    let running = Running::start(settings);
    let rows = objects(MODEL);
    let body: Vec<u8> = lines(&rows).repeat(12_000 / rows.len());
    let answer = send(&running, "/predict?stream=1", &[("content-type", LINES)], &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let n_rows = 12_000 / rows.len() * rows.len();
    assert_eq!(answer.text().lines().count(), n_rows);
    let mut writer = TableWriter::parquet(Vec::new());
    let csv = std::fs::read(beside(MODEL, "rows.csv")).unwrap();
    (0..400).for_each(|_| writer.write(&table(&csv)).unwrap());
    let parquet = writer.finish().unwrap();
    let answer = send(&running, "/predict?stream=1", &[("content-type", PARQUET)], &parquet);
    let is_small = parquet.len() <= 16 * 2_000;
    assert_eq!(answer.status, if is_small { 200 } else { 413 }, "{}", answer.text());
}

/// Rows, one of which does not fit.
fn with_bad(n: usize, bad: usize) -> Vec<Value> {
    let good = objects(MODEL);
    let mut rows: Vec<Value> = (0..n).map(|i| good[i % good.len()].clone()).collect();
    let column = rows[bad].as_object().unwrap();
    let number = column.iter().find(|(_, value)| value.is_number()).unwrap().0.clone();
    rows[bad][number] = json!("no number");
    rows
}

#[test]
fn a_bad_row_at_the_front_is_refused_and_a_later_one_breaks_the_answer_off() {
    let running = running();
    let headers = [("content-type", LINES)];
    let first = send(&running, &path(MODEL, ""), &headers, &lines(&with_bad(10, 3)));
    assert_eq!((first.status, &first.json()["row"]), (422, &json!(4)), "{}", first.text());
    let later = send(&running, &path(MODEL, ""), &headers, &lines(&with_bad(9_000, 8_500)));
    assert_eq!(later.status, 200);
    assert!(!later.is_whole, "nobody can take it for the end");
    let text = later.text();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&last["status"], &last["row"]), (&json!(422), &json!(8501)), "{last}");
    let rows = with_bad(9_000, 8_500);
    let keys: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    let mut csv = keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(",");
    for row in &rows {
        let cells = keys.iter().map(|key| match &row[key.as_str()] {
            Value::Null => String::new(),
            Value::String(text) => format!("\"{text}\""),
            value => value.to_string(),
        });
        csv = format!("{csv}\n{}", cells.collect::<Vec<_>>().join(","));
    }
    // A CSV is read some way ahead, so that this is found before anything is answered.
    let ahead = send(&running, &path(MODEL, ""), &[("content-type", CSV)], csv.as_bytes());
    assert_eq!((ahead.status, &ahead.json()["row"]), (422, &json!(8501)), "{}", ahead.text());
    for (form, body) in [(LINES, lines(&rows)), (CSV, csv.into_bytes())] {
        let wish = [("content-type", form), ("accept", LINES)];
        let answer = send(&running, &path(MODEL, "&on_error=null"), &wish, &body);
        assert_eq!((answer.status, answer.is_whole), (200, true), "{form}");
        let text = answer.text();
        let nulls = text.lines().enumerate().filter(|(_, line)| *line == "null");
        assert_eq!(nulls.map(|(i, _)| i).collect::<Vec<_>>(), [8_500], "{form}");
        assert_eq!(text.lines().count(), 9_000);
    }
    let text = String::from_utf8(lines(&objects(MODEL)).repeat(600)).unwrap() + "\n\n{broken\n";
    let n_lines = text.lines().count();
    let answer = send(&running, &path(MODEL, ""), &headers, text.as_bytes());
    assert!(answer.text().contains(&format!("line {n_lines} is no JSON object")), "its own number");
}

#[test]
fn what_cannot_be_read_in_parts_is_refused_in_words() {
    let running = running();
    let row = objects(MODEL)[0].to_string();
    let mut client = running.client();
    for (query, form, body, status, says) in [
        ("", "application/json", row.as_str(), 415, "application/x-ndjson"),
        ("", "application/octet-stream", "a,b\n1,2\n", 415, "Content-Type"),
        ("&explain=2", LINES, &row, 400, "explain"),
        ("&on_error=maybe", LINES, &row, 400, "on_error"),
        ("&interval=7", LINES, &row, 400, "interval"),
        ("", LINES, "\n \n", 400, "no rows"),
        ("", LINES, "{", 422, "line 1 is no JSON"),
        ("", CSV, "", 400, "empty"),
        ("", CSV, "a,b\n1,2\n", 400, "none of the columns"),
        ("", PARQUET, "PAR1 and no more", 400, ""),
        ("", ARROW, "no arrow", 400, ""),
    ] {
        let answer = client.post_as(&path(MODEL, query), form, body);
        assert_eq!(answer.status, status, "{form} {body}: {}", answer.text());
        assert!(answer.text().contains(says), "{says}: {}", answer.text());
    }
    let answer = client.post_as("/predict?stream=maybe", CSV, "a\n1\n");
    assert_eq!(answer.status, 400, "{}", answer.text());
    let headers = [("content-type", CSV), ("content-encoding", "rot13")];
    let answer = client.send("POST", &path(MODEL, ""), &headers, b"a").unwrap();
    assert_eq!(answer.status, 415, "{}", answer.text());
}

fn in_flight(client: &mut Client) -> u64 {
    let metrics = client.get("/metrics").text();
    let line = metrics.lines().find_map(|l| l.strip_prefix("modelwright_requests_in_flight "));
    line.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
}

#[test]
fn the_work_ends_when_the_client_leaves_and_waits_for_nobody_for_ever() {
    let mut settings = settings(&[&artifacts()]);
    settings.limits.request_time_max = Duration::from_millis(500);
    let running = Running::start(settings);
    let mut watching = running.client();
    let body = lines(&objects(MODEL));
    let mut leaving = running.client();
    leaving.begin_chunks(&path(MODEL, ""), &[("content-type", LINES)]);
    leaving.send_chunk(&body).unwrap();
    let first = leaving.answer_line();
    assert!(first.starts_with("HTTP/1.1 200"), "answered while more is to come: {first}");
    let mut silent = running.client();
    silent.begin_chunks(&path(MODEL, ""), &[("content-type", LINES)]);
    silent.send_chunk(&body).unwrap();
    drop(leaving);
    let is_over = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        in_flight(&mut watching) == 0
    });
    assert!(is_over, "nothing is waited for that long");
    let answer = silent.answer();
    assert!(answer.status >= 400 || !answer.is_whole, "{}", answer.text());
}

#[test]
fn what_must_be_held_at_once_is_bounded_by_the_largest_body() {
    let mut settings = settings(&[&artifacts().join("v2-binary.mw")]);
    settings.limits.body_bytes_max = 20_000;
    let running = Running::start(settings);
    let rows = table(&std::fs::read(beside(MODEL, "rows.csv")).unwrap());
    let batches = |rows: &Table, n: usize| {
        let mut writer = TableWriter::arrow(Vec::new());
        (0..n).for_each(|_| writer.write(rows).unwrap());
        writer.finish().unwrap()
    };
    let all: Vec<u32> = (0..rows.n_rows() as u32).collect();
    let n_times = 200_000 / batches(&rows, 1).len();
    let (many, large) = (batches(&rows, n_times), batches(&rows.select(&all.repeat(n_times)), 1));
    let csv = std::fs::read_to_string(beside(MODEL, "rows.csv")).unwrap();
    let endless = csv + &"x".repeat(5 << 20);
    let line = "x".repeat((1 << 20) + 1);
    for (form, body, status) in [
        (ARROW, &many, 200),
        (ARROW, &large, 413),
        (CSV, &endless.into_bytes(), 413),
        (LINES, &line.into_bytes(), 413),
    ] {
        let headers = [("content-type", form)];
        println!("{form}, {} bytes", body.len());
        let answer = send(&running, "/predict?stream=true", &headers, body);
        assert_eq!(answer.status, status, "{form}, {} bytes: {}", body.len(), answer.text());
        assert!(status == 200 || answer.text().contains("max-body") || form == LINES);
    }
}

#[test]
fn who_sends_a_byte_at_a_time_keeps_its_place_only_where_there_are_others() {
    for (n_places, is_borne) in [(1, false), (1000, true)] {
        let mut settings = settings(&[&artifacts()]);
        settings.limits.request_time_max = Duration::from_millis(400);
        settings.limits.requests_max = n_places;
        let running = Running::start(settings);
        let (mut client, mut watching) = (running.client(), running.client());
        client.begin_chunks(&path(MODEL, ""), &[("content-type", LINES)]);
        client.send_chunk(&lines(&objects(MODEL)[..1])).unwrap();
        assert!(client.answer_line().starts_with("HTTP/1.1 200"));
        let n_borne = (0..40).take_while(|_| {
            std::thread::sleep(Duration::from_millis(30));
            client.send_chunk(b"\n").is_ok() && in_flight(&mut watching) > 0
        });
        assert_eq!(n_borne.count() == 40, is_borne);
    }
}
