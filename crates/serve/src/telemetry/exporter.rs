//! The thread that sends spans and metrics, and what it is told.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use modelwright_core::{Error, Result};
use serde_json::{Value, json};

use super::metrics;
use super::shape::{WireSpan, resource, scope, text, whole};
use super::trace::{Ids, TraceIds};
use crate::app::App;
use crate::clock;
use crate::delivery::{Delivery, END_TIME_MAX, Ending, Manner};
use crate::log::Log;
use crate::stats::ServerStats;

/// Spans that may wait for the thread.
const SPANS_WAITING: usize = 4096;
/// Spans that are sent at a time.
const BATCH: usize = 512;
/// A span waits no longer for others.
const SPAN_PAUSE: Duration = Duration::from_secs(2);
/// How often metrics are sent.
const METRICS_PAUSE: Duration = Duration::from_secs(15);
/// How batches are posted; statuses that may pass are those that OTLP says to try again.
const MANNER: Manner = Manner {
    receiver: "the collector",
    event: "telemetry not taken",
    media_type: "application/json",
    time_max: Duration::from_secs(10),
    pauses: &[Duration::from_secs(1), Duration::from_secs(4)],
    may_pass: |status| matches!(status, 429 | 502 | 503 | 504),
};

/// Where traces and metrics go.
#[derive(Debug, Clone, PartialEq)]
pub struct TelemetrySettings {
    /// The collector's address; `/v1/traces` and `/v1/metrics` are added.
    pub endpoint: String,
    /// Headers for it, such as a key.
    pub headers: Vec<(String, String)>,
    /// The share of the traces that begin here and are recorded, 0 to 1; of a trace that began
    /// elsewhere, that side decides.
    pub sample: f64,
    /// What is said of this process, `service.name` among it.
    pub attributes: Vec<(String, String)>,
}

/// A request that is over.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) ids: TraceIds,
    pub(crate) request_id: Arc<str>,
    pub(crate) method: hyper::Method,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) duration: Duration,
    /// Unix nanoseconds.
    pub(crate) ended_ns: u64,
    pub(crate) model: Option<(Arc<str>, u64)>,
    pub(crate) n_rows: Option<usize>,
    pub(crate) error: Option<String>,
}

enum Message {
    Span(Box<Span>),
    End,
}

/// Takes spans.
pub(crate) struct Telemetry {
    ids: Ids,
    send: SyncSender<Message>,
    stats: Arc<ServerStats>,
    /// What metrics are taken of, as soon as it is there.
    app: Arc<OnceLock<Weak<App>>>,
    ending: Ending,
}

impl Telemetry {
    /// Starts the thread; the handle is to be waited for at the end.
    ///
    /// # Errors
    /// Input error for an address that is none, or certificates that cannot be read.
    pub(crate) fn start(
        settings: TelemetrySettings,
        stats: Arc<ServerStats>,
        log: Log,
    ) -> Result<(Self, JoinHandle<()>)> {
        let (ids, app) = (Ids::new(settings.sample), Arc::<OnceLock<Weak<App>>>::default());
        let ending = Ending::default();
        let (send, receive) = sync_channel(SPANS_WAITING);
        let mut sender = Sender {
            delivery: Delivery::new(MANNER, &settings.headers, log, ending.clone())?,
            settings,
            stats: stats.clone(),
            app: app.clone(),
            ending: ending.clone(),
        };
        let thread = thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || sender.run(&receive))
            .map_err(|e| Error::work("cannot start a thread").because(e))?;
        Ok((Self { ids, send, stats, app, ending }, thread))
    }

    /// Says what metrics are to be taken of.
    pub(crate) fn watch(&self, app: &Arc<App>) {
        // It is said once.
        let _ = self.app.set(Arc::downgrade(app));
    }

    /// The ids of a request with these headers.
    pub(crate) fn ids(&self, headers: &hyper::HeaderMap) -> TraceIds {
        self.ids.of(headers)
    }

    /// Takes a span, if its trace is recorded.
    pub(crate) fn take(&self, span: impl FnOnce() -> Span, ids: &TraceIds) {
        if ids.is_sampled && self.send.try_send(Message::Span(Box::new(span()))).is_err() {
            self.stats.n_spans_lost.add(1);
        }
    }

    /// Asks the thread to send what it has, and to end.
    pub(crate) fn end(&self) {
        self.ending.begin(END_TIME_MAX);
        // Where the queue is full, its end is the end.
        let _ = self.send.try_send(Message::End);
    }
}

/// The thread's side.
struct Sender {
    delivery: Delivery,
    settings: TelemetrySettings,
    stats: Arc<ServerStats>,
    app: Arc<OnceLock<Weak<App>>>,
    ending: Ending,
}

impl Sender {
    fn run(&mut self, messages: &Receiver<Message>) {
        let (mut batch, mut metrics_sent) = (Vec::new(), clock::now());
        let mut oldest: Option<Instant> = None;
        loop {
            let left = |since: Instant, pause: Duration| pause.saturating_sub(since.elapsed());
            let pause = left(metrics_sent, METRICS_PAUSE);
            let pause = oldest.map_or(pause, |since| pause.min(left(since, SPAN_PAUSE)));
            let is_ending = self.ending.has_begun();
            let pause = if is_ending { Duration::ZERO } else { pause };
            let is_over = match messages.recv_timeout(pause) {
                Ok(Message::Span(span)) => {
                    batch.push(*span);
                    oldest.get_or_insert_with(clock::now);
                    false
                }
                Err(RecvTimeoutError::Timeout) => is_ending,
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => true,
            };
            let is_old = oldest.is_some_and(|since| since.elapsed() >= SPAN_PAUSE);
            if batch.len() >= BATCH || is_old || (is_over && !batch.is_empty()) {
                self.send_spans(&batch);
                batch.clear();
                oldest = None;
            }
            if is_over || metrics_sent.elapsed() >= METRICS_PAUSE {
                self.send_metrics();
                metrics_sent = clock::now();
            }
            if is_over {
                return;
            }
        }
    }

    fn send_spans(&mut self, spans: &[Span]) {
        let wire: Vec<WireSpan<'_>> = spans.iter().map(wire).collect();
        let scoped = json!({ "scope": scope(), "spans": wire });
        let resource = resource(&self.settings.attributes);
        let body = json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [scoped] }] });
        if !self.send("/v1/traces", &body) {
            self.stats.n_spans_lost.add(spans.len() as u64);
        }
    }

    fn send_metrics(&mut self) {
        let app = self.app.get().and_then(Weak::upgrade);
        if let Some(app) = app {
            // The next ones say all that these do, so nothing is lost with them.
            self.send("/v1/metrics", &metrics::request(&app, &self.settings.attributes));
        }
    }

    /// Sends a document; whether it was taken.
    fn send(&mut self, path: &str, document: &Value) -> bool {
        let url = format!("{}{path}", self.settings.endpoint.trim_end_matches('/'));
        self.delivery.post(&url, &document.to_string())
    }
}

fn wire(span: &Span) -> WireSpan<'_> {
    let ids = &span.ids;
    let start = span.ended_ns.saturating_sub(clock::nanos(span.duration));
    let mut attributes = vec![
        text("http.request.method", span.method.as_str()),
        text("url.path", &span.path),
        whole("http.response.status_code", u64::from(span.status)),
        text("modelwright.request_id", &span.request_id),
    ];
    if let Some((model, version)) = &span.model {
        attributes.push(text("modelwright.model", model));
        attributes.push(whole("modelwright.model.version", *version));
    }
    if let Some(n_rows) = span.n_rows {
        attributes.push(whole("modelwright.rows", n_rows as u64));
    }
    // A server's span is in error when the server is to blame.
    let status = match &span.error {
        Some(error) if span.status >= 500 => json!({ "code": 2, "message": error }),
        _ => json!({}),
    };
    if let Some(error) = span.error.as_ref().filter(|_| span.status < 500) {
        attributes.push(text("modelwright.refused", error));
    }
    WireSpan {
        trace_id: format!("{:032x}", ids.trace),
        span_id: format!("{:016x}", ids.span),
        parent_span_id: ids.parent.map(|id| format!("{id:016x}")),
        trace_state: ids.state.as_deref(),
        flags: 0x101 | if ids.parent.is_some() { 0x200 } else { 0 },
        name: match &span.model {
            Some((model, _)) => format!("{} {model}", span.method),
            None => span.method.to_string(),
        },
        kind: 2,
        start_time_unix_nano: start.to_string(),
        end_time_unix_nano: span.ended_ns.to_string(),
        attributes,
        status,
    }
}
