//! Clients that leave while their rows are being predicted.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use modelwright_serve::Settings;

use crate::harness::{Running, artifacts, objects, settings};

const MODEL: &str = "v2-multiclass";
/// So many that they are still being predicted when the client leaves.
const N_ROWS: usize = 400_000;

/// Little to send, much to do.
fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    let packed = encoder.finish().unwrap();
    assert!(packed.len() < 60_000, "more than HTTP/2 takes unasked: {}", packed.len());
    packed
}

fn csv() -> Vec<u8> {
    let mut text = "age,plan,joined\n".to_owned();
    text.push_str(&"38,basic,2023-09-13\n".repeat(N_ROWS));
    packed(text.as_bytes())
}

/// A frame of HTTP/2 (RFC 9113, section 4.1) of stream 1, or of none.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A request of HTTP/2 whose head is written out, without tables (RFC 7541, section 6.2.2).
fn http2(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    let mut head = vec![0x83, 0x86, 0x04];
    head.extend(text(path));
    for (name, value) in headers {
        head.push(0);
        head.extend([text(name), text(value)].concat());
    }
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    bytes.extend(frame(1, 4, 1, &head));
    body.chunks(16_000).for_each(|part| bytes.extend(frame(0, 0, 1, part)));
    bytes.extend(frame(0, 1, 1, &[]));
    bytes
}

/// A field of a message of Protocol Buffers that has a length.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let (mut key, mut n) = (vec![number << 3 | 2], content.len());
    while n >= 128 {
        key.push((n & 127) as u8 | 128);
        n >>= 7;
    }
    key.push(n as u8);
    [&key[..], content].concat()
}

/// The rows as a call of `ModelInfer`, packed.
fn call() -> Vec<u8> {
    let mut shape = Vec::new();
    let mut n = N_ROWS;
    while n >= 128 {
        shape.push((n & 127) as u8 | 128);
        n >>= 7;
    }
    shape.push(n as u8);
    let input = |name: &str, datatype: &str| {
        let parts = [field(1, name.as_bytes()), field(2, datatype.as_bytes()), field(3, &shape)];
        field(5, &parts.concat())
    };
    let text = |text: &str| [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let raw = |value: &[u8]| field(7, &value.repeat(N_ROWS));
    let message = [
        field(1, MODEL.as_bytes()),
        input("age", "FP64"),
        input("plan", "BYTES"),
        input("joined", "BYTES"),
        raw(&38_f64.to_le_bytes()),
        raw(&text("basic")),
        raw(&text("2023-09-13")),
    ];
    let packed = packed(&message.concat());
    [&[1], &(packed.len() as u32).to_be_bytes()[..], &packed].concat()
}

/// The number of a metric, of the model or of the server.
fn metric(running: &Running, name: &str) -> u64 {
    let text = running.client().get("/metrics").text();
    let is_it = |rest: &str| rest.starts_with(' ') || rest.contains(&format!("\"{MODEL}\""));
    let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(is_it)).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn wait_for(running: &Running, name: &str, wanted: u64) {
    for _ in 0..4000 {
        if metric(running, name) == wanted {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{name} is never {wanted}");
}

/// Rows whose client leaves in the middle are not predicted to their end.
fn stops(request: &[u8], leave: impl FnOnce(TcpStream)) {
    let running = Running::start(Settings { threads: 1, ..settings(&[&artifacts()]) });
    let mut stream = TcpStream::connect(running.address).unwrap();
    stream.write_all(request).unwrap();
    wait_for(&running, "modelwright_requests_in_flight", 1);
    leave(stream);
    wait_for(&running, "modelwright_given_up_total", 1);
    wait_for(&running, "modelwright_requests_in_flight", 0);
    // This one needs the only thread, so that the rows are done with when it is answered.
    let path = format!("/models/{MODEL}/predict?explain=1");
    running.client().post(&path, objects(MODEL)[0].to_string()).ok();
    assert_eq!(metric(&running, "nv_inference_exec_count"), 1);
    assert_eq!(metric(&running, "nv_inference_count"), 1);
}

#[test]
fn a_client_of_http_1_that_closes_its_connection() {
    let body = csv();
    let head = format!(
        "POST /models/{MODEL}/predict HTTP/1.1\r\nhost: t\r\ncontent-type: text/csv\r\n\
         content-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stops(&[head.as_bytes(), &body].concat(), drop);
}

#[test]
fn a_client_of_http_2_that_resets_its_stream() {
    let (body, kind) = (csv(), ("content-type", "text/csv"));
    let n = body.len().to_string();
    let headers = [kind, ("content-encoding", "gzip"), ("content-length", &n)];
    let request = http2(&format!("/models/{MODEL}/predict"), &headers, &body);
    let mut kept = None;
    stops(&request, |mut stream| {
        stream.write_all(&frame(3, 0, 1, &8_u32.to_be_bytes())).unwrap();
        kept = Some(stream);
    });
    drop(kept);
}

#[test]
fn clients_of_grpc_that_cancel_a_call_or_leave_a_stream() {
    let headers =
        [("content-type", "application/grpc"), ("te", "trailers"), ("grpc-encoding", "gzip")];
    for method in ["ModelInfer", "ModelStreamInfer"] {
        let path = format!("/inference.GRPCInferenceService/{method}");
        stops(&http2(&path, &headers, &call()), drop);
    }
}
