//! Thousands of broken requests: each gets an answer or a closed connection, never a panic, a
//! hang or a status that blames the server.

use modelwright_core::random::Random;
use serde_json::json;

use crate::harness::{Client, Running, artifacts, beside, objects, settings};

/// One random change of a few bytes.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    const TOKENS: [&str; 14] = [
        "null",
        "[[[[",
        "{",
        "}",
        "]",
        ",",
        "\"",
        "1e999",
        "-0",
        "\\ud800",
        "NaN",
        "\u{0}",
        "18446744073709551616",
        "true",
    ];
    if bytes.is_empty() {
        bytes.push(b'{');
    }
    let at = random.below(bytes.len());
    match random.below(6) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes.truncate(at),
        2 => bytes.insert(at, random.next_u64() as u8),
        3 => {
            let token = TOKENS[random.below(TOKENS.len())].as_bytes();
            bytes.splice(at..at, token.iter().copied());
        }
        4 => {
            let n = 1 + random.below(32.min(bytes.len() - at));
            bytes.drain(at..at + n);
        }
        _ => {
            let n = 1 + random.below(32.min(bytes.len() - at));
            let stretch = bytes[at..at + n].to_vec();
            let to = random.below(bytes.len());
            bytes.splice(to..to, stretch);
        }
    }
}

/// Asks on, over a new connection where the old one was closed.
fn ask(running: &Running, client: &mut Client, path: &str, header: (&str, &str), body: &[u8]) {
    match client.send("POST", path, &[header], body) {
        Ok(answer) => {
            let shown = String::from_utf8_lossy(body).into_owned();
            assert!(answer.status < 500, "{path} {header:?} {shown}: {}", answer.text());
        }
        Err(_) => *client = running.client(),
    }
}

/// A path, a header and a sound body of each protocol.
type Seed = (&'static str, (&'static str, &'static str), Vec<u8>);

fn seeds() -> Vec<Seed> {
    let rows = objects("v2-binary");
    let json_header = ("content-type", "application/json");
    let binary = b"{\"inputs\":[{\"name\":\"age\",\"shape\":[1],\"datatype\":\"FP64\",\
        \"parameters\":{\"binary_data_size\":8}}]}\0\0\0\0\0\0\x30\x40"
        .to_vec();
    let input = |n: &str| json!({ "name": n, "shape": [1], "datatype": "BYTES", "data": ["1"] });
    let inputs = ["age", "plan", "joined", "spent"].map(input);
    let csv = || std::fs::read(beside("v2-binary", "rows.csv")).unwrap();
    let lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
    vec![
        ("/models/v2-binary/predict", json_header, rows[0].to_string().into_bytes()),
        (
            "/models/v2-binary/predict?on_error=null",
            json_header,
            json!(rows).to_string().into_bytes(),
        ),
        (
            "/models/v2-binary/predict",
            ("content-type", "application/x-ndjson"),
            lines.join("\n").into_bytes(),
        ),
        ("/models/v2-binary/predict?on_error=null", ("content-type", "text/csv"), csv()),
        ("/models/v2-binary/predict", ("accept", "*/*"), csv()),
        (
            "/v1/models/v2-binary:predict",
            json_header,
            json!({ "instances": rows }).to_string().into_bytes(),
        ),
        (
            "/v2/models/v2-binary/infer",
            json_header,
            json!({ "inputs": inputs }).to_string().into_bytes(),
        ),
        ("/v2/models/v2-binary/infer", ("inference-header-content-length", "90"), binary),
        (
            "/invocations?model=v2-binary",
            json_header,
            json!({ "dataframe_split": { "columns": ["age", "plan", "joined", "spent"],
                                      "data": [[1, "a", null, 2.5]] } })
            .to_string()
            .into_bytes(),
        ),
        (
            "/v1/models/v2-binary:explain?on_error=null",
            json_header,
            json!({ "instances": [rows[0]] }).to_string().into_bytes(),
        ),
        (
            "/v2/models/v2-binary/infer?on_error=null",
            json_header,
            json!({ "parameters": { "content_type": "base64" }, "inputs": [
                { "name": "age", "shape": [2, 1], "datatype": "FP64", "data": [31, 40.5] },
                { "name": "plan", "shape": [2, 1], "datatype": "BYTES", "data": ["cGx1cw==", "x"] },
                { "name": "joined", "shape": [2, 1], "datatype": "BYTES",
                  "parameters": { "content_type": "pd_json" },
                  "data": ["\"2023-09-13\"", "null"] },
                { "name": "spent", "shape": [2, 1], "datatype": "FP64", "data": [[1], [null]] },
            ] })
            .to_string()
            .into_bytes(),
        ),
        (
            "/models/v2-binary/predict",
            ("content-encoding", "zstd"),
            zstd::encode_all(rows[0].to_string().as_bytes(), 1).unwrap(),
        ),
    ]
}

/// The same for bodies that come in parts.
fn seeds_of_parts() -> Vec<Seed> {
    let lines: Vec<String> = objects("v2-binary").iter().map(ToString::to_string).collect();
    vec![
        (
            "/models/v2-binary/predict?stream=true",
            ("content-type", "application/x-ndjson"),
            lines.join("\n").into_bytes(),
        ),
        (
            "/models/v2-binary/predict?stream=true&on_error=null",
            ("content-type", "text/csv"),
            std::fs::read(beside("v2-binary", "rows.csv")).unwrap(),
        ),
    ]
}

/// So many broken bodies, in turns of each protocol, by several clients where there are many: some
/// answers in parts wait before they are broken off.
fn ask_broken(n_rounds: usize) {
    let running = Running::start(settings(&[&artifacts()]));
    let n_clients = (n_rounds / 2000).clamp(1, 16);
    std::thread::scope(|scope| {
        for client in 0..n_clients {
            let (running, n) = (&running, n_rounds.div_ceil(n_clients));
            scope.spawn(move || ask_broken_of(running, client as u64, n));
        }
    });
    let rows = json!(objects("v2-binary")).to_string();
    running.client().post("/models/v2-binary/predict", rows).ok();
}

/// The bodies of one client.
fn ask_broken_of(running: &Running, number: u64, n_rounds: usize) {
    let mut client = running.client();
    let mut seeds = seeds();
    seeds.extend(seeds_of_parts());
    let mut random = Random::stream(7, "mutated", number);
    for round in 0..n_rounds {
        let (path, header, seed) = &seeds[round % seeds.len()];
        let mut body = seed.clone();
        for _ in 0..=random.below(4) {
            mutate(&mut random, &mut body);
        }
        ask(running, &mut client, path, *header, &body);
    }
}

/// A million are minutes: `MUTATED_BODIES=1000000 cargo test -p modelwright-serve mutated_bodies`.
#[test]
fn mutated_bodies_of_every_protocol_are_answered() {
    let wanted = std::env::var("MUTATED_BODIES").ok().and_then(|n| n.parse().ok());
    ask_broken(wanted.unwrap_or(4000));
}

#[test]
fn mutated_files_are_answered() {
    use modelwright_core::Context;
    use modelwright_io::{ReadOptions, TableWriter, read_path};
    let running = Running::start(settings(&[&artifacts()]));
    let mut client = running.client();
    let ctx = Context::unlimited(0, 1);
    let file = read_path(&beside("v2-binary", "rows.csv"), &ReadOptions::default(), &ctx).unwrap();
    let mut writer = TableWriter::parquet(Vec::new());
    writer.write(&file.table).unwrap();
    let parquet = writer.finish().unwrap();
    let mut writer = TableWriter::arrow(Vec::new());
    writer.write(&file.table).unwrap();
    let arrow = writer.finish().unwrap();
    let mut random = Random::stream(7, "mutated files", 0);
    for i in 0..1500 {
        let (seed, form) = match i % 3 {
            0 => (&arrow, "application/vnd.apache.arrow.stream"),
            _ => (&parquet, "application/vnd.apache.parquet"),
        };
        let mut body = seed.clone();
        for _ in 0..=random.below(3) {
            mutate(&mut random, &mut body);
        }
        let path = match random.below(3) {
            0 => "/models/v2-binary/predict?stream=true",
            1 => "/models/v2-binary/predict?stream=true&on_error=null",
            _ => "/models/v2-binary/predict",
        };
        ask(&running, &mut client, path, ("content-type", form), &body);
    }
}

#[test]
fn mutated_heads_are_answered_or_closed() {
    let running = Running::start(settings(&[&artifacts()]));
    let row = objects("v2-binary").remove(0).to_string();
    let seed = format!(
        "POST /models/v2-binary/predict?on_error=null HTTP/1.1\r\nhost: t\r\nx-request-id: 1\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{row}",
        row.len()
    );
    let mut random = Random::stream(7, "mutated heads", 0);
    for _ in 0..500 {
        let mut bytes = seed.clone().into_bytes();
        mutate(&mut random, &mut bytes);
        let mut client = running.client();
        client.end_after(&bytes);
    }
    running.client().post("/models/v2-binary/predict", row).ok();
}
