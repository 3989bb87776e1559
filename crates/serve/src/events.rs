//! Predictions as CloudEvents 1.0, told to whoever listens at an address.
//!
//! Each answered request becomes an event of type [`TYPE`] in structured JSON, posted by itself, as
//! brokers such as Knative's take them; a request of more than [`ROWS`] rows becomes several. A
//! thread of its own writes and sends, so that no answer waits: what it has no time or room for is
//! lost, and counted. An event is tried again when the other side has no time for it, under the
//! same `id`, so that a receiver that sees it twice can tell.
//! Specification: CloudEvents 1.0.2, its JSON format and its binding to HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use foldhash::fast::FixedState;
use modelwright_core::data::{Column, ColumnData, Table};
use modelwright_core::{Error, Result};
use serde_json::{Map, Value, json};

use crate::clock;
use crate::delivery::{Delivery, Manner};
use crate::log::Log;
use crate::stats::ServerStats;

/// The type of an event.
const TYPE: &str = "io.modelwright.prediction.v1";
/// Rows of an event: receivers need not take more than 64 KiB.
const ROWS: usize = 100;
/// Requests that may wait for the thread, and their rows.
const REQUESTS_WAITING: usize = 1024;
const ROWS_WAITING: usize = 50_000;
/// How events are posted.
const MANNER: Manner = Manner {
    receiver: "the receiver",
    event: "events not taken",
    media_type: "application/cloudevents+json; charset=utf-8",
    time_max: Duration::from_secs(5),
    pauses: &[Duration::from_millis(200), Duration::from_secs(1)],
    may_pass: |status| matches!(status, 408 | 429 | 500..),
};

/// Who is told of predictions, and how much.
#[derive(Debug, Clone, PartialEq)]
pub struct EventSettings {
    /// The address to which events are posted.
    pub url: String,
    /// Headers for it, such as a key.
    pub headers: Vec<(String, String)>,
    /// The share of requests, 0 to 1.
    pub sample: f64,
    /// Columns whose values are left out.
    pub redact: Vec<String>,
}

/// Rows and their answers.
struct Told {
    model: Arc<str>,
    version: u64,
    request_id: Arc<str>,
    time: String,
    /// The rows of the request, from 1.
    places: Vec<usize>,
    rows: Table,
    answers: Table,
}

enum Message {
    Told(Box<Told>),
    End,
}

/// Takes predictions; cheap to clone.
#[derive(Clone)]
pub(crate) struct Events {
    send: SyncSender<Message>,
    settings: Arc<EventSettings>,
    stats: Arc<ServerStats>,
    n_waiting: Arc<AtomicUsize>,
    ending: Arc<AtomicBool>,
}

impl Events {
    /// Starts the thread; the handle is to be waited for at the end.
    ///
    /// # Errors
    /// Input error for certificates that cannot be read.
    pub(crate) fn start(
        settings: EventSettings,
        stats: Arc<ServerStats>,
        log: Log,
    ) -> Result<(Self, JoinHandle<()>)> {
        let (send, receive) = sync_channel(REQUESTS_WAITING);
        let settings = Arc::new(settings);
        let (n_waiting, ending) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let mut sender = Sender {
            delivery: Delivery::new(MANNER, &settings.headers, log, ending.clone())?,
            settings: settings.clone(),
            stats: stats.clone(),
            n_waiting: n_waiting.clone(),
        };
        let thread = thread::Builder::new()
            .name("events".to_owned())
            .spawn(move || sender.run(&receive))
            .map_err(|e| Error::work("cannot start a thread").because(e))?;
        Ok((Self { send, settings, stats, n_waiting, ending }, thread))
    }

    /// Whether a request is of the sample.
    pub(crate) fn takes(&self, request_id: &str) -> bool {
        use std::hash::BuildHasher;
        let hash = FixedState::with_seed(13).hash_one(request_id.as_bytes());
        ((hash >> 11) as f64) < self.settings.sample * (1_u64 << 53) as f64
    }

    /// Tells of rows and their answers; `places` are the rows of the request, from 0.
    pub(crate) fn answered(
        &self,
        (model, version): (&Arc<str>, u64),
        request_id: &Arc<str>,
        places: impl Iterator<Item = usize>,
        (rows, answers): (&Table, Table),
    ) {
        let n = rows.n_rows();
        if n == 0 {
            return;
        }
        if self.n_waiting.fetch_add(n, Ordering::Relaxed) + n > ROWS_WAITING {
            self.lose(n);
            return;
        }
        let told = Told {
            model: model.clone(),
            version,
            request_id: request_id.clone(),
            time: clock::utc_text(),
            places: places.map(|row| row + 1).collect(),
            rows: rows.clone(),
            answers,
        };
        if self.send.try_send(Message::Told(Box::new(told))).is_err() {
            self.lose(n);
        }
    }

    fn lose(&self, n_rows: usize) {
        self.n_waiting.fetch_sub(n_rows, Ordering::Relaxed);
        self.stats.n_rows_not_told.add(n_rows as u64);
    }

    /// Asks the thread to send what it has, and to end.
    pub(crate) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
        // If it has ended already, there is nobody to ask.
        let _ = self.send.send(Message::End);
    }
}

/// The thread's side.
struct Sender {
    delivery: Delivery,
    settings: Arc<EventSettings>,
    stats: Arc<ServerStats>,
    n_waiting: Arc<AtomicUsize>,
}

impl Sender {
    fn run(&mut self, messages: &Receiver<Message>) {
        while let Ok(Message::Told(told)) = messages.recv() {
            let n = told.rows.n_rows();
            for start in (0..n).step_by(ROWS) {
                let rows = start..n.min(start + ROWS);
                let n_rows = rows.len() as u64;
                let event = event(&told, rows, &self.settings.redact).to_string();
                if !self.delivery.post(&self.settings.url, &event) {
                    self.stats.n_rows_not_told.add(n_rows);
                }
            }
            self.n_waiting.fetch_sub(n, Ordering::Relaxed);
        }
    }
}

fn event(told: &Told, rows: std::ops::Range<usize>, redact: &[String]) -> Value {
    let object = |table: &Table, row: usize| -> Value {
        let columns = table.columns().iter().filter(|c| !redact.contains(&c.name));
        columns.map(|c| (c.name.clone(), value(c, row))).collect::<Map<_, _>>().into()
    };
    let predictions = rows.clone().map(|row| {
        json!({
            "row": told.places.get(row),
            "values": object(&told.rows, row),
            "answer": object(&told.answers, row),
        })
    });
    let first = told.places.get(rows.start).copied().unwrap_or_default();
    json!({
        "specversion": "1.0",
        "id": format!("{}/{first}", told.request_id),
        "source": format!("/models/{}", encoded(&told.model)),
        "type": TYPE,
        "subject": format!("{}/{}", told.model, told.version),
        "time": told.time,
        "datacontenttype": "application/json",
        "data": {
            "model": &*told.model,
            "version": told.version,
            "request_id": &*told.request_id,
            "predictions": predictions.collect::<Vec<Value>>(),
        },
    })
}

fn value(column: &Column, row: usize) -> Value {
    match &column.data {
        // A number that JSON cannot write is null.
        ColumnData::Number(values) => json!(values[row]),
        ColumnData::Instant(_) => column.display(row).map_or(Value::Null, Value::from),
        ColumnData::String { .. } => column.text(row).map_or(Value::Null, Value::from),
    }
}

/// As a part of a URI.
fn encoded(name: &str) -> String {
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._~".contains(b);
    let one = |b: u8| if is_plain(&b) { char::from(b).to_string() } else { format!("%{b:02X}") };
    name.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_rows_and_answers_without_the_columns_that_are_left_out() {
        let table = |name: &str, shift: f64| {
            Table::new(vec![
                Column::numbers(name, vec![shift, f64::NAN]),
                Column::strings("name", [Some("A"), None]),
            ])
            .unwrap()
        };
        let told = Told {
            model: "a b".into(),
            version: 3,
            request_id: "r".into(),
            time: "2026-11-27T00:00:00Z".to_owned(),
            places: vec![5, 7],
            rows: table("age", 1.5),
            answers: table("prediction", 2.0),
        };
        let event = event(&told, 1..2, &["name".to_owned()]);
        assert_eq!(event["id"], "r/7");
        assert_eq!(
            (&event["source"], &event["subject"]),
            (&"/models/a%20b".into(), &"a b/3".into())
        );
        let expected =
            json!([{ "row": 7, "values": { "age": null }, "answer": { "prediction": null } }]);
        assert_eq!(event["data"]["predictions"], expected);
    }
}
