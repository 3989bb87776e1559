//! Drift of what models are asked, looked at by a thread of its own: some rows of each second.
//!
//! No answer waits for it: what its thread has no time for is not looked at. Rows become sketches
//! of spans of time (see [`modelwright_lifecycle::monitor::Live`]), so that memory does not grow;
//! they come in their order, so that those that are like their neighbours count as fewer.
//! `/metrics` shows what was last concluded.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use modelwright_core::data::{Field, Kind, Storage, Table};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Result};
use modelwright_io::{ReadOptions, stream_path};
use modelwright_lifecycle::monitor::{Live, LiveDrift, LiveSeasons};

use crate::clock;
use crate::log::Log;
use crate::model::Model;
use crate::settings::DriftReference;

/// Rows of a model that are looked at in a second: enough to see drift within a minute.
const ROWS_PER_SECOND: u64 = 1000;
/// Batches that may wait for the thread.
const BATCHES_WAITING: usize = 64;
/// Spans that the window consists of: a quarter of it is forgotten at a time.
const N_SPANS: u32 = 4;
/// Columns of a model that are looked at: the first ones, in the order of its schema.
const COLUMNS_MAX: usize = 200;
/// Rows of a reference file that are read at a time.
const ROWS_PER_CHUNK: usize = 16_384;
/// Conclusions are drawn no more often.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// And take no more of the thread's time than one part of so many.
const PAUSE_SHARE: u32 = 20;

/// What was concluded, by model and version.
type Found = BTreeMap<(Arc<str>, u64), Arc<LiveDrift>>;

/// Rows that were predicted.
struct Batch {
    model: Arc<Model>,
    table: Table,
    predictions: Predictions,
}

/// Takes rows; cheap to clone.
#[derive(Clone)]
pub(crate) struct DriftWatch {
    send: SyncSender<Batch>,
    found: Arc<Mutex<Found>>,
    started: Instant,
}

/// The rows of a model that may still be looked at in the second that runs.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    second: AtomicU64,
    n_taken: AtomicU64,
}

impl Budget {
    /// How many of `n` rows may be looked at in a second. Threads that begin a second together may
    /// take a few more.
    fn take(&self, second: u64, n: u64) -> u64 {
        if self.second.swap(second, Ordering::Relaxed) != second {
            self.n_taken.store(0, Ordering::Relaxed);
        }
        if self.n_taken.load(Ordering::Relaxed) >= ROWS_PER_SECOND {
            return 0;
        }
        let before = self.n_taken.fetch_add(n, Ordering::Relaxed);
        ROWS_PER_SECOND.saturating_sub(before).min(n)
    }
}

impl DriftWatch {
    /// Starts the thread; rows count for the time of `window`. Rows of a `reference` are read by it
    /// for each model when that is first asked.
    ///
    /// # Errors
    /// When the system refuses the thread.
    pub(crate) fn start(
        window: Duration,
        reference: Option<DriftReference>,
        (ctx, log): (Context, Log),
    ) -> io::Result<Self> {
        let (send, receive) = sync_channel(BATCHES_WAITING);
        let found = Arc::<Mutex<Found>>::default();
        let mut watch = Watch {
            found: found.clone(),
            span: window / N_SPANS,
            watched: BTreeMap::new(),
            concluded: clock::now(),
            pause: PAUSE_MIN,
            reference,
            ctx,
            log,
        };
        let work = move || watch.work(&receive);
        thread::Builder::new().name("drift".to_owned()).spawn(work)?;
        Ok(Self { send, found, started: clock::now() })
    }

    /// Looks at rows, or at some of them.
    pub(crate) fn look(&self, model: &Arc<Model>, table: &Table, predictions: &Predictions) {
        let n_rows = table.n_rows();
        let second = self.started.elapsed().as_secs();
        let n = model.stats.drift_budget.take(second, n_rows as u64) as usize;
        if n == 0 {
            return;
        }
        let (table, predictions) = if n == n_rows {
            (table.clone(), predictions.clone())
        } else {
            let rows: Vec<u32> = (0..n).map(|i| (i * n_rows / n) as u32).collect();
            let values = rows.iter().flat_map(|row| predictions.row(*row as usize).to_vec());
            (table.select(&rows), Predictions::new(predictions.n_outputs, values.collect()))
        };
        // Where the thread is behind, these rows are not looked at.
        let _ = self.send.try_send(Batch { model: model.clone(), table, predictions });
    }

    /// Looks at a single row, if there is time for it; only then is it made a table.
    pub(crate) fn look_at_one(
        &self,
        model: &Arc<Model>,
        table: impl FnOnce() -> Option<Table>,
        predictions: &Predictions,
    ) {
        let second = self.started.elapsed().as_secs();
        if model.stats.drift_budget.take(second, 1) == 0 {
            return;
        }
        if let Some(table) = table() {
            let (model, predictions) = (model.clone(), predictions.clone());
            let _ = self.send.try_send(Batch { model, table, predictions });
        }
    }

    /// What was last concluded.
    pub(crate) fn found(&self) -> Vec<(Arc<str>, u64, Arc<LiveDrift>)> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.iter().map(|((name, version), d)| (name.clone(), *version, d.clone())).collect()
    }
}

/// The thread's side.
struct Watch {
    found: Arc<Mutex<Found>>,
    span: Duration,
    watched: BTreeMap<(Arc<str>, u64), Watched>,
    concluded: Instant,
    pause: Duration,
    /// Rows to compare with in place of training's.
    reference: Option<DriftReference>,
    ctx: Context,
    log: Log,
}

struct Watched {
    /// A model that is no longer served is not kept in memory.
    model: Weak<Model>,
    live: Live,
    begun: Instant,
    is_new: bool,
}

impl Watch {
    fn work(&mut self, batches: &Receiver<Batch>) {
        loop {
            match batches.recv_timeout(PAUSE_MIN) {
                Ok(batch) => self.add(&batch),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = clock::now();
            if now.duration_since(self.concluded) >= self.pause {
                self.turn_spans(now);
                self.conclude();
                self.concluded = clock::now();
                self.pause = (self.concluded.duration_since(now) * PAUSE_SHARE).max(PAUSE_MIN);
            }
        }
    }

    fn add(&mut self, batch: &Batch) {
        let model = &batch.model;
        // Nothing can be said of a model that knows nothing of its training.
        let Ok(reference) = model.training.reference() else { return };
        if reference.columns.columns.is_empty() {
            return;
        }
        let key = (model.name.clone(), model.version);
        let known = self.watched.get(&key);
        // There may be another model under the same number.
        if known.is_none_or(|known| !Weak::ptr_eq(&known.model, &Arc::downgrade(model))) {
            let live = self.begin(model);
            self.watched.insert(key.clone(), Watched::of(model, live));
        }
        let Some(watched) = self.watched.get_mut(&key) else { return };
        let (predictor, live, came) = (&model.predictor, &mut watched.live, clock::unix_micros());
        // Rows that were predicted are in the columns of the model.
        if live.add(predictor, reference, &batch.table, &batch.predictions, came).is_ok() {
            watched.is_new = true;
        }
    }

    /// No rows yet of a model, beside what they are compared with.
    fn begin(&self, model: &Model) -> Live {
        let live = Live::new(&model.predictor, N_SPANS as usize, COLUMNS_MAX);
        let Some(wanted) = &self.reference else { return live };
        match read(wanted, model, &self.ctx) {
            Ok(seasons) => live.beside(Arc::new(seasons)),
            Err(error) => {
                // The training's own sketches are better than nothing.
                let text = error.to_string();
                let version = Some(model.version);
                self.log.event("drift_reference", &model.name, version, Some(&text));
                live
            }
        }
    }

    fn turn_spans(&mut self, now: Instant) {
        for watched in self.watched.values_mut() {
            if now.duration_since(watched.begun) >= self.span {
                watched.live.begin_span();
                (watched.begun, watched.is_new) = (now, true);
            }
        }
    }

    fn conclude(&mut self) {
        self.watched.retain(|_, watched| watched.model.strong_count() > 0);
        for (key, watched) in self.watched.iter_mut().filter(|(_, watched)| watched.is_new) {
            watched.is_new = false;
            let Some(model) = watched.model.upgrade() else { continue };
            let Ok(reference) = model.training.reference() else { continue };
            if let Ok(drift) = watched.live.drift(reference) {
                let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
                found.insert(key.clone(), Arc::new(drift));
            }
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.retain(|key, _| self.watched.contains_key(key));
    }
}

impl Watched {
    fn of(model: &Arc<Model>, live: Live) -> Self {
        Self { model: Arc::downgrade(model), live, begun: clock::now(), is_new: false }
    }
}

/// Reads reference rows in the columns of a model.
fn read(wanted: &DriftReference, model: &Model, ctx: &Context) -> Result<LiveSeasons> {
    let (predictor, time) = (&model.predictor, &wanted.time_column);
    let mut seasons = LiveSeasons::new(predictor, wanted.season, time, COLUMNS_MAX);
    let mut schema = predictor.schema.clone();
    if schema.field(time).is_none() {
        schema.fields.push(Field::new(time.as_str(), Storage::Instant, Kind::Datetime));
    }
    let options = ReadOptions { schema: Some(schema), ..ReadOptions::default() };
    let shown = || wanted.file.display().to_string();
    for table in stream_path(&wanted.file, &options, ROWS_PER_CHUNK, ctx)? {
        seasons.add(predictor, &table?, ctx).map_err(|e| e.at(shown()))?;
    }
    Ok(seasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_gives_its_rows_once_in_a_second() {
        let budget = Budget::default();
        assert_eq!((budget.take(1, 600), budget.take(1, 600), budget.take(1, 600)), (600, 400, 0));
        assert_eq!((budget.take(2, 5000), budget.take(2, 1)), (1000, 0));
        assert_eq!(budget.take(9, 3), 3);
    }
}
