//! Predictions as CloudEvents 1.0, told to whoever listens at an address.
//!
//! Each answered request becomes an event of type [`TYPE`] in structured JSON, posted by itself, as
//! brokers such as Knative's take them; a request of more than [`ROWS`] rows becomes several. A
//! thread of its own writes and sends, so that no answer waits: what it has no time or room for is
//! lost, and counted. An event is tried again when the other side has no time for it, under the
//! same `id`, so that a receiver that sees it twice can tell; no other event has it, whatever ids
//! clients give their requests (those are in the attribute `requestid`).
//! Specification: CloudEvents 1.0.2, its JSON format and its binding to HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use foldhash::fast::FixedState;
use modelwright_core::data::{Column, ColumnData, Table};
use modelwright_core::{Error, Result};
use serde_json::{Map, Value, json};

use crate::clock;
use crate::delivery::{Delivery, END_TIME_MAX, Ending, Manner};
use crate::log::Log;
use crate::stats::ServerStats;

/// The type of an event.
const TYPE: &str = "io.modelwright.prediction.v1";
/// Rows of an event: receivers need not take more than 64 KiB.
const ROWS: usize = 100;
/// Requests that may wait for the thread, and the bytes of their rows and answers. A larger request
/// is told where no other waits.
const REQUESTS_WAITING: usize = 1024;
const BYTES_WAITING: usize = 64 << 20;
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
    /// No other has it.
    number: u64,
    model: Arc<str>,
    version: u64,
    request_id: Arc<str>,
    time: String,
    /// The rows of the request, from 1.
    places: Vec<usize>,
    rows: Table,
    answers: Table,
}

impl Told {
    fn n_bytes(&self) -> usize {
        let places = self.places.len() * size_of::<usize>();
        self.rows.size_bytes() + self.answers.size_bytes() + places
    }
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
    n_bytes_waiting: Arc<AtomicUsize>,
    next_number: Arc<AtomicU64>,
    ending: Ending,
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
        let (events, receive) = Self::new(settings, stats);
        let (ending, headers) = (events.ending.clone(), &events.settings.headers);
        let mut sender = Sender {
            delivery: Delivery::new(MANNER, headers, log.clone(), ending.clone())?,
            settings: events.settings.clone(),
            stats: events.stats.clone(),
            n_bytes_waiting: events.n_bytes_waiting.clone(),
            ending,
            log,
        };
        let thread = thread::Builder::new()
            .name("events".to_owned())
            .spawn(move || sender.run(&receive))
            .map_err(|e| Error::work("cannot start a thread").because(e))?;
        Ok((events, thread))
    }

    fn new(settings: EventSettings, stats: Arc<ServerStats>) -> (Self, Receiver<Message>) {
        let (send, receive) = sync_channel(REQUESTS_WAITING);
        // Numbers begin anywhere, so that a server that starts again does not repeat them. Without
        // randomness the time is as good.
        let mut first = clock::unix_nanos().to_le_bytes();
        let _ = getrandom::fill(&mut first);
        let events = Self {
            send,
            settings: Arc::new(settings),
            stats,
            n_bytes_waiting: Arc::default(),
            next_number: Arc::new(AtomicU64::new(u64::from_le_bytes(first))),
            ending: Ending::default(),
        };
        (events, receive)
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
        let told = Told {
            number: self.next_number.fetch_add(1, Ordering::Relaxed),
            model: model.clone(),
            version,
            request_id: request_id.clone(),
            time: clock::utc_text(),
            places: places.map(|row| row + 1).collect(),
            rows: rows.clone(),
            answers,
        };
        let n_bytes = told.n_bytes();
        let n_before = self.n_bytes_waiting.fetch_add(n_bytes, Ordering::Relaxed);
        let has_room = n_before == 0 || n_before.saturating_add(n_bytes) <= BYTES_WAITING;
        if !has_room || self.send.try_send(Message::Told(Box::new(told))).is_err() {
            self.n_bytes_waiting.fetch_sub(n_bytes, Ordering::Relaxed);
            self.stats.n_rows_not_told.add(n as u64);
        }
    }

    /// Asks the thread to send what it has time for, and to end.
    pub(crate) fn end(&self) {
        self.ending.begin(END_TIME_MAX);
        // Where the queue is full, its end is the end.
        let _ = self.send.try_send(Message::End);
    }
}

/// The thread's side.
struct Sender {
    delivery: Delivery,
    settings: Arc<EventSettings>,
    stats: Arc<ServerStats>,
    n_bytes_waiting: Arc<AtomicUsize>,
    ending: Ending,
    log: Log,
}

impl Sender {
    fn run(&mut self, messages: &Receiver<Message>) {
        let mut n_rows_left = 0;
        while let Some(told) = self.next(messages) {
            let (n, n_bytes) = (told.rows.n_rows(), told.n_bytes());
            for start in (0..n).step_by(ROWS) {
                let rows = start..n.min(start + ROWS);
                let n_rows = rows.len() as u64;
                let event = || event(&told, rows, &self.settings.redact).to_string();
                let is_over = self.ending.is_over();
                if is_over || !self.delivery.post(&self.settings.url, &event()) {
                    self.stats.n_rows_not_told.add(n_rows);
                    n_rows_left += if self.ending.has_begun() { n_rows } else { 0 };
                }
            }
            self.n_bytes_waiting.fetch_sub(n_bytes, Ordering::Relaxed);
        }
        if n_rows_left > 0 {
            // Nobody reads the statistics any more.
            let text = format!("the server ended before {n_rows_left} rows were told");
            self.log.event(MANNER.event, "", None, Some(&text));
        }
    }

    /// The next rows; `None` at the end. When that has begun, nothing is waited for.
    fn next(&self, messages: &Receiver<Message>) -> Option<Box<Told>> {
        let message =
            if self.ending.has_begun() { messages.try_recv().ok() } else { messages.recv().ok() };
        match message? {
            Message::Told(told) => Some(told),
            Message::End => None,
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
        "id": format!("{:016x}/{first}", told.number),
        "source": format!("/models/{}", encoded(&told.model)),
        "type": TYPE,
        "subject": format!("{}/{}", told.model, told.version),
        "time": told.time,
        "datacontenttype": "application/json",
        "requestid": &*told.request_id,
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
        ColumnData::Number(values) => json!(values.at(row)),
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
            number: 0x2a,
            model: "a b".into(),
            version: 3,
            request_id: "r".into(),
            time: "2026-11-27T00:00:00Z".to_owned(),
            places: vec![5, 7],
            rows: table("age", 1.5),
            answers: table("prediction", 2.0),
        };
        let event = event(&told, 1..2, &["name".to_owned()]);
        assert_eq!(
            (&event["id"], &event["requestid"]),
            (&"000000000000002a/7".into(), &"r".into())
        );
        assert_eq!(
            (&event["source"], &event["subject"]),
            (&"/models/a%20b".into(), &"a b/3".into())
        );
        let expected =
            json!([{ "row": 7, "values": { "age": null }, "answer": { "prediction": null } }]);
        assert_eq!(event["data"]["predictions"], expected);
    }

    fn settings(url: String) -> EventSettings {
        EventSettings { url, headers: Vec::new(), sample: 1.0, redact: Vec::new() }
    }

    fn tell(events: &Events, n_rows: usize) {
        let table = Table::new(vec![Column::numbers("x", vec![0.5; n_rows])]).unwrap();
        events.answered((&"m".into(), 1), &"same".into(), 0..n_rows, (&table, table.clone()));
    }

    #[test]
    fn a_large_request_is_told_where_no_other_waits_and_no_two_events_have_one_id() {
        let stats = Arc::<ServerStats>::default();
        let (events, receive) = Events::new(settings(String::new()), stats.clone());
        let n_large = BYTES_WAITING / 8;
        tell(&events, n_large);
        tell(&events, 1);
        assert_eq!(stats.n_rows_not_told.get(), 1, "there is no room beside it");
        let Ok(Message::Told(told)) = receive.try_recv() else { panic!("nothing is told") };
        assert_eq!(told.rows.n_rows(), n_large);
        events.n_bytes_waiting.fetch_sub(told.n_bytes(), Ordering::Relaxed);
        tell(&events, 1);
        tell(&events, 1);
        let mut ids: Vec<Value> = receive
            .try_iter()
            .map(|message| match message {
                Message::Told(told) => event(&told, 0..1, &[])["id"].clone(),
                Message::End => Value::Null,
            })
            .collect();
        ids.dedup();
        assert_eq!((ids.len(), stats.n_rows_not_told.get()), (2, 1), "{ids:?}");
    }

    #[test]
    fn the_end_waits_for_all_events_together_and_not_for_each() {
        // It takes connections, and never answers.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let stats = Arc::<ServerStats>::default();
        let log = Log::start(crate::LogRequests::None, stats.clone()).unwrap();
        let (events, thread) = Events::start(settings(url), stats.clone(), log).unwrap();
        let begun = clock::now();
        events.ending.begin(Duration::from_millis(200));
        (0..20).for_each(|_| tell(&events, 1));
        thread.join().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        assert_eq!(stats.n_rows_not_told.get(), 20);
    }
}
