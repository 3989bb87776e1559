//! One model in memory, proved able to answer before anybody is let at it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use modelwright_automl::{PredictionTable, Predictor};
use modelwright_core::data::Table;
use modelwright_core::{Context, Error, Result};
use modelwright_io::RowReader;
use modelwright_lifecycle::artifact::{MODEL, Manifest, resolve_model, unpack_artifact};
use serde_json::Value;

use super::gather::Gather;
use super::{Door, RowPool, Training};
use crate::clock;
use crate::stats::Stats;

/// A model that answers.
pub(crate) struct Model {
    /// Its name in URLs.
    pub(crate) name: Arc<str>,
    /// Counted up from 1 with each file that replaced another, or the number of its folder.
    pub(crate) version: u64,
    /// SHA-256 of the model's bytes.
    pub(crate) digest: String,
    /// When it was loaded, ISO 8601 in UTC.
    pub(crate) loaded: String,
    /// What it is.
    pub(crate) manifest: Manifest,
    /// Raw rows in, predictions out.
    pub(crate) predictor: Predictor,
    /// Puts values of requests into its columns.
    pub(crate) reader: RowReader,
    /// Its labels as JSON, in class order; empty for regression.
    pub(crate) class_json: Vec<String>,
    /// Its predictions as columns.
    pub(crate) answers: PredictionTable,
    /// Knows what is unusual.
    pub(crate) door: Door,
    /// Memory for single rows.
    pub(crate) row_pool: RowPool,
    /// Knows what training data were like.
    pub(crate) training: Training,
    /// Its requests so far; shared by the versions of a name.
    pub(crate) stats: Arc<Stats>,
    /// Single rows that wait for others to be done.
    pub(crate) gather: Gather,
    /// Single rows that are being predicted where they arrived.
    n_at_once: AtomicUsize,
    /// Nanoseconds that a row takes, alone or among others, as measured lately.
    row_ns: AtomicU64,
    /// And that a row alone takes.
    single_ns: AtomicU64,
}

/// A single row that is being predicted where it arrived, as long as this lives.
pub(crate) struct AtOnce<'m>(&'m Model);

impl Drop for AtOnce<'_> {
    fn drop(&mut self) {
        self.0.n_at_once.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Model {
    /// Reads, checks and warms up the model at `path`.
    ///
    /// # Errors
    /// Input error when there is no sound model; then nothing has changed.
    pub(crate) fn load(
        name: &str,
        version: u64,
        path: &Path,
        stats: Arc<Stats>,
        ctx: &Context,
    ) -> Result<Self> {
        let path = resolve_model(path)?;
        let shown = || path.display().to_string();
        let bytes = fs::read(&path)
            .map_err(|e| Error::work("cannot read the model").at(shown()).because(e))?;
        let artifact = unpack_artifact(&bytes).map_err(|e| e.at(shown()))?;
        let predictor = Predictor::decode(&artifact.model).map_err(|e| e.at(shown()))?;
        predictor.must_be_awake().map_err(|e| e.at(shown()))?;
        let digest = artifact.manifest.parts.get(MODEL).map(|part| part.sha256.clone());
        let model = Self {
            name: name.into(),
            version,
            digest: digest.unwrap_or_default(),
            loaded: clock::utc_text(),
            reader: RowReader::new(&predictor.schema),
            class_json: predictor.classes.iter().map(|c| Value::from(&**c).to_string()).collect(),
            answers: PredictionTable::of(&predictor),
            door: Door::of(&predictor.schema, &artifact.manifest),
            row_pool: RowPool::default(),
            training: Training::new(artifact.reference),
            manifest: artifact.manifest,
            predictor,
            stats,
            gather: Gather::default(),
            n_at_once: AtomicUsize::new(0),
            row_ns: AtomicU64::new(0),
            single_ns: AtomicU64::new(0),
        };
        model.warm_up(ctx).map_err(|e| e.at(shown()))?;
        Ok(model)
    }

    /// How long `n_rows` rows will take, by what a row took lately.
    pub(crate) fn expected_ns(&self, n_rows: usize) -> u64 {
        let all = self.row_ns.load(Ordering::Relaxed).saturating_mul(n_rows as u64);
        all.max(self.single_ns.load(Ordering::Relaxed))
    }

    /// Learns from a prediction that took `ns`.
    pub(crate) fn observe(&self, n_rows: usize, ns: u64) {
        // Averages that forget: a slow start (cold caches) does not count for long.
        let learn = |average: &AtomicU64, this: u64| {
            let before = average.load(Ordering::Relaxed);
            average.store(before - before / 8 + this / 8, Ordering::Relaxed);
        };
        if n_rows > 0 {
            learn(&self.row_ns, ns / n_rows as u64);
        }
        if n_rows == 1 {
            learn(&self.single_ns, ns);
        }
    }

    /// Whether a single row is to be predicted with others: it takes at least `ns_min`, and either
    /// must be handed over in any case, as it takes longer than `at_once_ns`, or others are at
    /// work.
    pub(crate) fn gathers(&self, ns_min: u64, at_once_ns: u64) -> bool {
        let ns = self.single_ns.load(Ordering::Relaxed);
        let is_busy = || self.n_at_once.load(Ordering::Relaxed) > 0 || self.gather.is_at_work();
        ns_min == 0 || ns >= ns_min && (ns > at_once_ns || is_busy())
    }

    /// Counts a single row that is predicted where it arrived.
    pub(crate) fn at_once(&self) -> AtOnce<'_> {
        self.n_at_once.fetch_add(1, Ordering::Relaxed);
        AtOnce(self)
    }

    /// Predicts a row without values a few times: whatever a first prediction prepares is ready,
    /// and it is known how long a row takes.
    fn warm_up(&self, ctx: &Context) -> Result<()> {
        let table = self.empty_row()?;
        for _ in 0..3 {
            let begun = clock::now();
            let predictions = self.predictor.predict(&table, ctx)?;
            self.predictor.regions(&table, &predictions, ctx)?;
            let ns = clock::nanos(begun.elapsed());
            self.row_ns.store(ns, Ordering::Relaxed);
            self.single_ns.store(ns, Ordering::Relaxed);
        }
        Ok(())
    }

    fn empty_row(&self) -> Result<Table> {
        let mut rows = self.reader.rows(1);
        rows.end_row();
        rows.into_table()
    }
}
