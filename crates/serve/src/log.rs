//! The server's log: one JSON object per line on stderr, written by a thread of its own.
//!
//! A request never waits for the log: when the writer falls behind, lines are lost and counted.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::clock;
use crate::settings::LogRequests;
use crate::stats::ServerStats;

/// Lines that may wait for the writer.
const LINES_WAITING: usize = 4096;

/// A request that was answered.
#[derive(Debug, Serialize)]
pub(crate) struct RequestLine<'a> {
    /// Names the request in the answer too.
    pub(crate) request_id: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) n_rows: Option<usize>,
    pub(crate) duration_ms: f64,
    /// The name of the key, never the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<&'a str>,
    /// The trace that it is a part of, where traces are recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trace_id: Option<String>,
}

/// Something that happened to the server or a model.
#[derive(Debug, Serialize)]
struct EventLine<'a> {
    event: &'a str,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    time: String,
    level: &'a str,
    #[serde(flatten)]
    what: T,
}

/// Takes lines; cheap to clone.
#[derive(Clone)]
pub(crate) struct Log {
    lines: SyncSender<Vec<u8>>,
    requests: LogRequests,
    stats: Arc<ServerStats>,
    /// Lines that are not written yet.
    n_waiting: Arc<AtomicUsize>,
}

/// How long the end of the server waits for the last lines, and how often it looks.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(1);
const FLUSH_PAUSE: Duration = Duration::from_millis(5);

impl Log {
    /// Starts the writer.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub(crate) fn start(requests: LogRequests, stats: Arc<ServerStats>) -> io::Result<Self> {
        let (lines, received) = sync_channel(LINES_WAITING);
        let n_waiting = Arc::<AtomicUsize>::default();
        let waiting = n_waiting.clone();
        let work = move || write(&received, &waiting);
        thread::Builder::new().name("log".to_owned()).spawn(work)?;
        Ok(Self { lines, requests, stats, n_waiting })
    }

    /// Waits until what was logged is written, but not for a reader that takes nothing.
    pub(crate) fn flush(&self) {
        let begun = clock::now();
        while self.n_waiting.load(Ordering::Relaxed) > 0 && begun.elapsed() < FLUSH_TIME_MAX {
            thread::sleep(FLUSH_PAUSE);
        }
    }

    /// Whether a request with this status is logged.
    pub(crate) fn wants(&self, status: u16) -> bool {
        match self.requests {
            LogRequests::None => false,
            LogRequests::Failed => status >= 500,
            LogRequests::All => true,
        }
    }

    /// Logs a request.
    pub(crate) fn request(&self, line: &RequestLine<'_>) {
        let level = match line.status {
            500.. => "error",
            400.. => "warning",
            _ => "info",
        };
        self.send(level, line);
    }

    /// Logs what happened to a model.
    pub(crate) fn event(
        &self,
        event: &str,
        model: &str,
        version: Option<u64>,
        error: Option<&str>,
    ) {
        let level = if error.is_some() { "error" } else { "info" };
        self.send(level, EventLine { event, model, version, error });
    }

    fn send(&self, level: &str, what: impl Serialize) {
        let Ok(mut line) = serde_json::to_vec(&Line { time: clock::utc_text(), level, what })
        else {
            return;
        };
        line.push(b'\n');
        self.n_waiting.fetch_add(1, Ordering::Relaxed);
        if let Err(refused) = self.lines.try_send(line) {
            self.n_waiting.fetch_sub(1, Ordering::Relaxed);
            self.stats.n_log_lost.add(u64::from(matches!(refused, TrySendError::Full(_))));
        }
    }
}

fn write(lines: &Receiver<Vec<u8>>, n_waiting: &AtomicUsize) {
    for line in lines {
        // Whoever closed stderr does not want to know.
        let _ = io::stderr().lock().write_all(&line);
        n_waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
