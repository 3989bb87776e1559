//! What was asked and what was answered, written down: the ground that monitoring stands on.
//!
//! Rows go to a journal per model (`FOLDER/requests/NAME/`), labels that come later to
//! `FOLDER/feedback/`; both become Parquet files (see [`modelwright_lifecycle::journal`]). A thread
//! of its own writes, so that no answer waits for a disk: what it has no time or room for is lost,
//! and counted. Lines are handed to the system every second. What a server that was killed left is
//! turned into files when the next one starts. Whoever sends labels acts on the answer: a server
//! that cannot write them does not start, and takes none while its disk does not.
//!
//! Of each row there are `request_time`, `request_id`, `request_row` (from 1), `model_version`,
//! `model_sha256` (a version is a number of one process, the digest means one model for ever), the
//! columns that the model read, and the columns of its answer. Logs of older servers lack the
//! digest.

mod journals;
mod recent;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use foldhash::fast::FixedState;
use modelwright_core::data::{Column, Table};
use modelwright_core::{Context, Error, Result};

use self::journals::Journals;
use self::recent::Recent;
use crate::clock;
use crate::log::Log;
use crate::model::Model;
use crate::stats::ServerStats;

pub(crate) use self::recent::Again;

/// Batches that may wait for the thread, and their bytes. A larger one waits where no other does.
const BATCHES_WAITING: usize = 256;
const BYTES_WAITING: usize = 256 << 20;
/// How often lines are handed to the system.
const FLUSH: Duration = Duration::from_secs(1);

/// What is written down, and how much of it.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestLogSettings {
    /// Where.
    pub folder: PathBuf,
    /// The share of requests, 0 to 1.
    pub sample: f64,
    /// Columns whose values are left out.
    pub redact: Vec<String>,
    /// After this time lines become a file.
    pub rotate: Duration,
    /// And after so many bytes of lines.
    pub journal_bytes_max: u64,
    /// Files of a model beyond so many bytes are removed, oldest first.
    pub bytes_max: u64,
}

impl RequestLogSettings {
    /// All requests, into `folder`; a file at least every ten minutes, at most 1 GiB for a model.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            sample: 1.0,
            redact: Vec::new(),
            rotate: Duration::from_mins(10),
            journal_bytes_max: 64 << 20,
            bytes_max: 1 << 30,
        }
    }
}

/// Rows for a journal.
struct Rows {
    /// The name of its folder.
    journal: String,
    table: Table,
}

enum Message {
    Rows(Rows),
    /// Turn all lines into files, and end.
    End,
}

/// Takes rows; cheap to clone.
#[derive(Clone)]
pub(crate) struct RequestLog {
    rows: SyncSender<Message>,
    settings: Arc<RequestLogSettings>,
    stats: Arc<ServerStats>,
    /// Bytes of the batches that wait.
    n_bytes_waiting: Arc<AtomicUsize>,
    /// Whether labels cannot be written now.
    labels_fail: Arc<AtomicBool>,
    recent: Arc<Mutex<Recent>>,
}

/// The name of the journal of labels.
const FEEDBACK: &str = "feedback";
/// The folder of the journals of models.
const REQUESTS: &str = "requests";

impl RequestLog {
    /// Starts the thread; the handle is to be waited for at the end.
    ///
    /// # Errors
    /// Input error for a folder that cannot be written to, work error where another process writes
    /// labels down there.
    pub(crate) fn start(
        settings: RequestLogSettings,
        ctx: Context,
        stats: Arc<ServerStats>,
        log: Log,
    ) -> Result<(Self, thread::JoinHandle<()>)> {
        std::fs::create_dir_all(&settings.folder).map_err(|e| {
            let shown = settings.folder.display().to_string();
            Error::input("the folder of the request log cannot be made").at(shown).because(e)
        })?;
        let (send, receive) = sync_channel(BATCHES_WAITING);
        let settings = Arc::new(settings);
        let mut writer = Writer {
            journals: Journals::new(settings.clone(), ctx),
            stats: stats.clone(),
            log,
            is_failing: false,
            n_bytes_waiting: Arc::default(),
            labels_fail: Arc::default(),
            n_lost_told: 0,
        };
        writer.begin()?;
        let (n_bytes_waiting, labels_fail) =
            (writer.n_bytes_waiting.clone(), writer.labels_fail.clone());
        let thread = thread::Builder::new()
            .name("request log".to_owned())
            .spawn(move || writer.run(&receive))
            .map_err(|e: io::Error| Error::work("cannot start a thread").because(e))?;
        let recent = Arc::default();
        Ok((Self { rows: send, settings, stats, n_bytes_waiting, labels_fail, recent }, thread))
    }

    /// Whether a request is of the sample.
    pub(crate) fn takes(&self, request_id: &str) -> bool {
        use std::hash::BuildHasher;
        let hash = FixedState::with_seed(11).hash_one(request_id.as_bytes());
        ((hash >> 11) as f64) < self.settings.sample * (1_u64 << 53) as f64
    }

    /// Writes down rows and their answers; `places` are the rows of the request, from 0.
    pub(crate) fn answered(
        &self,
        model: &Model,
        request_id: &str,
        places: impl Iterator<Item = usize>,
        (rows, answers): (&Table, Table),
    ) {
        let n = rows.n_rows();
        let version = vec![model.version as f64; n];
        let digest = Some(model.digest.as_str()).filter(|digest| !digest.is_empty());
        let mut columns = head(request_id, places.map(|row| (row + 1) as f64).collect());
        columns.push(Column::numbers("model_version", version));
        columns.push(Column::strings("model_sha256", std::iter::repeat_n(digest, n)));
        let own: Vec<String> = columns.iter().map(|c| c.name.clone()).collect();
        let answers = answers.into_columns();
        for column in rows.columns().iter().filter(|c| !self.settings.redact.contains(&c.name)) {
            let is_taken = |name: &str| {
                own.iter().any(|o| o == name) || answers.iter().any(|a| a.name == name)
            };
            let name = match &column.name {
                name if is_taken(name) => format!("column:{name}"),
                name => name.clone(),
            };
            columns.push(Column { name, data: column.data.clone() });
        }
        columns.extend(answers);
        self.send(&format!("{REQUESTS}/{}", model.name), columns);
    }

    /// Writes down labels that came later: id, row (from 1) and label of each. How many of them
    /// came again; `None` when they were not taken.
    pub(crate) fn labelled(&self, labels: &[Label]) -> Option<Again> {
        if self.labels_fail.load(Ordering::Relaxed) || !self.send(FEEDBACK, columns_of(labels)) {
            return None;
        }
        Some(self.recent.lock().unwrap_or_else(PoisonError::into_inner).take(labels))
    }

    /// Asks the thread to write what it has, and to end.
    pub(crate) fn end(&self) {
        // If it has ended already, there is nobody to ask.
        let _ = self.rows.send(Message::End);
    }

    fn send(&self, journal: &str, columns: Vec<Column>) -> bool {
        // A name twice, which no trained model has, is no reason to fail a request.
        let Ok(table) = Table::new(columns) else { return false };
        let (n_rows, n_bytes) = (table.n_rows(), table.size_bytes());
        let rows = Rows { journal: journal.to_owned(), table };
        let n_before = self.n_bytes_waiting.fetch_add(n_bytes, Ordering::Relaxed);
        let has_room = n_before == 0 || n_before.saturating_add(n_bytes) <= BYTES_WAITING;
        let is_sent = has_room && self.rows.try_send(Message::Rows(rows)).is_ok();
        if !is_sent {
            self.n_bytes_waiting.fetch_sub(n_bytes, Ordering::Relaxed);
            self.stats.n_rows_not_logged.add(n_rows as u64);
        }
        is_sent
    }
}

/// Id and row of a request, and what came true of it.
pub(crate) type Label = (String, f64, String);

fn columns_of(labels: &[Label]) -> Vec<Column> {
    vec![
        Column::instants("feedback_time", vec![clock::unix_micros(); labels.len()]),
        Column::strings("request_id", labels.iter().map(|(id, _, _)| Some(id))),
        Column::numbers("request_row", labels.iter().map(|(_, row, _)| *row).collect::<Vec<f64>>()),
        Column::strings("label", labels.iter().map(|(_, _, label)| Some(label))),
    ]
}

fn head(request_id: &str, rows: Vec<f64>) -> Vec<Column> {
    let n = rows.len();
    vec![
        Column::instants("request_time", vec![clock::unix_micros(); n]),
        Column::strings("request_id", std::iter::repeat_n(Some(request_id), n)),
        Column::numbers("request_row", rows),
    ]
}

/// The thread's own.
struct Writer {
    journals: Journals,
    stats: Arc<ServerStats>,
    log: Log,
    /// Whether the last attempt failed: then it is not told again.
    is_failing: bool,
    n_bytes_waiting: Arc<AtomicUsize>,
    labels_fail: Arc<AtomicBool>,
    /// Rows that were lost when it was last told.
    n_lost_told: u64,
}

impl Writer {
    /// Turns what was left into files, whichever models are served now, and takes the right to
    /// write labels.
    fn begin(&mut self) -> Result<()> {
        self.journals.recover()?;
        let table = Table::new(columns_of(&[]))?;
        self.journals.write(&Rows { journal: FEEDBACK.to_owned(), table })
    }

    fn run(&mut self, rows: &Receiver<Message>) {
        let mut flushed = clock::now();
        loop {
            match rows.recv_timeout(FLUSH.saturating_sub(flushed.elapsed())) {
                Ok(Message::Rows(rows)) => {
                    let n = rows.table.n_rows();
                    let written = self.journals.write(&rows);
                    self.n_bytes_waiting.fetch_sub(rows.table.size_bytes(), Ordering::Relaxed);
                    self.note_labels(&rows.journal, written.is_err());
                    self.judge(written, n);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => break,
            }
            if flushed.elapsed() >= FLUSH {
                let done = self.flush(false);
                self.judge(done, 0);
                self.tell_of_lost();
                flushed = clock::now();
            }
        }
        let done = self.flush(true);
        self.judge(done, 0);
    }

    /// Hands lines to the system, and turns those that are old or many into files.
    fn flush(&mut self, all: bool) -> Result<()> {
        let mut result = Ok(());
        for (journal, done) in self.journals.flush(all) {
            self.note_labels(&journal, done.is_err());
            result = result.and(done);
        }
        result
    }

    /// Notes whether labels can be written.
    fn note_labels(&self, journal: &str, is_failing: bool) {
        if journal == FEEDBACK {
            self.labels_fail.store(is_failing, Ordering::Relaxed);
        }
    }

    /// Tells of a failure once, and counts the rows that it cost.
    fn judge(&mut self, done: Result<()>, n_rows: usize) {
        match done {
            Ok(()) if n_rows > 0 => self.is_failing = false,
            Ok(()) => {}
            Err(error) => {
                self.stats.n_rows_not_logged.add(n_rows as u64);
                if !self.is_failing {
                    let text = error.to_string();
                    self.log.event("request log failed", "", None, Some(&text));
                }
                self.is_failing = true;
            }
        }
    }

    /// Tells how many rows there was no time or room for, if any are new.
    fn tell_of_lost(&mut self) {
        let n_lost = self.stats.n_rows_not_logged.get();
        if n_lost > self.n_lost_told && !self.is_failing {
            let n_new = n_lost - self.n_lost_told;
            let text = format!("{n_new} rows were not written down: the disk is too slow for them");
            self.log.event("request log behind", "", None, Some(&text));
        }
        self.n_lost_told = n_lost;
    }
}
