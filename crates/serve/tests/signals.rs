//! Signals that come between the moment a server is told of and the moment it runs; in a process
//! of its own, because signals are everybody's.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::process::Command;

use modelwright_serve::{LogRequests, ModelSource, Server, Settings};

/// Sends a signal to this process.
fn send(signal: &str) {
    let sent = Command::new("kill").args([signal, &std::process::id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn signals_before_the_first_wait_are_heard() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/artifact");
    let settings = Settings {
        models: vec![ModelSource { name: None, path: models.join("v2-binary.mw") }],
        port: 0,
        log: LogRequests::None,
        threads: 2,
        ..Settings::default()
    };
    let mut server = Server::open(settings).unwrap();
    server.heed_signals().unwrap();
    send("-HUP");
    send("-TERM");
    server.run().unwrap();
}
