//! How much a key may ask for at a time, and what those see who are refused.

use std::time::Duration;

use modelwright_serve::{Keys, Limits, NewKey, Settings};

use crate::harness::{Client, Running, artifacts, objects, settings};

const PATH: &str = "/models/v2-binary/predict";

fn row() -> String {
    objects("v2-binary").remove(0).to_string()
}

fn bearer(key: &NewKey) -> String {
    format!("Bearer {}", key.key)
}

/// Asks for a prediction with a key.
fn ask(client: &mut Client, key: &str) -> crate::harness::Answer {
    client.send("POST", PATH, &[("authorization", key)], row().as_bytes()).unwrap()
}

/// Asks until an answer has a status.
fn wait_for(client: &mut Client, key: &str, status: u16) -> crate::harness::Answer {
    for _ in 0..2000 {
        let answer = ask(client, key);
        if answer.status == status {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("never {status}");
}

/// Gives requests that were begun time to take their places: one that asks meanwhile would take one
/// of them, and it would never be full.
fn let_them_in() {
    std::thread::sleep(Duration::from_millis(500));
}

#[test]
fn a_key_with_too_many_requests_at_a_time_is_told_to_come_back_and_others_are_not() {
    let (one, two) = (NewKey::make("one").unwrap(), NewKey::make("two").unwrap());
    let text = format!("{}requests_at_once = 2\n{}", one.entry, two.entry);
    let keys = Some(Keys::parse(&text.replace("predict\"", "predict\", \"metrics\"")).unwrap());
    let running = Running::start(Settings { keys, ..settings(&[&artifacts()]) });
    let (one, two) = (bearer(&one), bearer(&two));
    // Two requests whose bodies have not come yet, of which one is answered in parts.
    let mut held = running.client();
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: t\r\nauthorization: {one}\r\n");
    held.send_only(format!("{head}content-length: 500\r\n\r\n{{").as_bytes());
    let mut in_parts = running.client();
    let headers = [("authorization", one.as_str()), ("content-type", "application/x-ndjson")];
    in_parts.begin_chunks(&format!("{PATH}?stream=true"), &headers);
    let mut client = running.client();
    let_them_in();
    let refused = wait_for(&mut client, &one, 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    let problem = refused.json();
    assert!(problem["type"].as_str().unwrap().ends_with("too-many-at-once"), "{problem}");
    assert_eq!(problem["expected"], "at most 2 at a time");
    assert_eq!(ask(&mut client, &two).status, 200, "another key is not concerned");
    let metrics = client.send("GET", "/metrics", &[("authorization", &two)], b"").unwrap().text();
    let counted = metrics.lines().find(|l| l.contains("reason=\"at_once\"")).unwrap();
    assert!(!counted.ends_with(" 0"), "{counted}");
    // The body in parts is answered to its end: only then is its place free.
    in_parts.send_chunk(format!("{}\n", row()).as_bytes()).unwrap();
    in_parts.send_chunk(b"").unwrap();
    assert_eq!(in_parts.answer().status, 200);
    wait_for(&mut client, &one, 200);
    // A client that leaves gives its place back, too.
    let mut again = running.client();
    again.send_only(format!("{head}content-length: 500\r\n\r\n{{").as_bytes());
    let_them_in();
    wait_for(&mut client, &one, 429);
    drop((held, again));
    wait_for(&mut client, &one, 200);
}

#[test]
fn who_is_refused_while_a_large_body_comes_sees_the_refusal_and_keeps_the_connection() {
    let limits = Limits { requests_max: 1, ..Limits::default() };
    let running = Running::start(Settings { limits, ..settings(&[&artifacts()]) });
    let mut held = running.client();
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: t\r\ncontent-length: 99999\r\n\r\n{{");
    held.send_only(head.as_bytes());
    let (mut client, large) = (running.client(), " ".repeat(3 << 20));
    let is_held = |text: String| text.lines().any(|l| l == "modelwright_requests_in_flight 1");
    while !is_held(client.get("/metrics").text()) {
        std::thread::sleep(Duration::from_millis(10));
    }
    for _ in 0..20 {
        // The harness panics where the connection breaks while it writes or reads.
        let refused = client.post(PATH, &large);
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    }
    assert_eq!(client.post("/models/none/predict", &large).status, 404);
    drop(held);
}

#[test]
fn large_bodies_that_would_not_fit_beside_others_are_told_to_come_back() {
    let limits = Limits {
        body_bytes_max: 300_000,
        bodies_bytes_max: 400_000,
        ..settings(&[&artifacts()]).limits
    };
    let running = Running::start(Settings { limits, ..settings(&[&artifacts()]) });
    // A large body is announced, and comes slowly.
    let mut held = running.client();
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: t\r\ncontent-length: 250000\r\n\r\n[");
    held.send_only(head.as_bytes());
    let_them_in();
    let rows = vec![row(); 200_000 / row().len()].join(",");
    let large = format!("[{rows}]");
    let mut client = running.client();
    let refused = client.send("POST", PATH, &[], large.as_bytes()).unwrap();
    assert_eq!(refused.status, 503, "{}", refused.json());
    assert!(refused.json()["hint"].as_str().unwrap().contains("--max-bodies"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    // Small ones are answered all the time, and large ones once the other has left.
    let mut small = running.client();
    assert_eq!(small.send("POST", PATH, &[], row().as_bytes()).unwrap().status, 200);
    drop(held);
    let mut again = running.client();
    for _ in 0..500 {
        let answer = again.send("POST", PATH, &[], large.as_bytes()).unwrap();
        if answer.status == 200 {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("its bytes were never given back");
}
