//! A version in the shadow: asked what others were answered, by a thread of its own.
//!
//! It never delays an answer: what its thread has no time for is left out, and counted.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use modelwright_core::Context;
use modelwright_core::data::Table;
use modelwright_core::task::Predictions;

use crate::model::Model;

/// Batches that may wait for the thread.
const BATCHES_WAITING: usize = 64;

/// Rows that were answered, to be asked of another version.
struct Job {
    model: Arc<Model>,
    table: Table,
    predictions: Predictions,
    codes: Vec<u32>,
}

/// Takes rows; cheap to clone.
#[derive(Clone)]
pub(crate) struct Shadow(SyncSender<Job>);

impl Shadow {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system refuses it.
    pub(crate) fn start(ctx: Context) -> io::Result<Self> {
        let (send, receive) = sync_channel(BATCHES_WAITING);
        thread::Builder::new().name("shadow".to_owned()).spawn(move || work(&receive, &ctx))?;
        Ok(Self(send))
    }

    /// Asks a version what was answered by another.
    pub(crate) fn ask(
        &self,
        model: &Arc<Model>,
        table: &Table,
        predictions: &Predictions,
        codes: &[u32],
    ) {
        let job = Job {
            model: model.clone(),
            table: table.clone(),
            predictions: predictions.clone(),
            codes: codes.to_vec(),
        };
        if let Err(TrySendError::Full(job)) = self.0.try_send(job) {
            job.model.stats.shadow.n_failed.add(1);
        }
    }
}

fn work(jobs: &Receiver<Job>, ctx: &Context) {
    for job in jobs {
        let predictor = &job.model.predictor;
        let stats = &job.model.stats.shadow;
        let Ok(predictions) = predictor.predict(&job.table, ctx) else {
            stats.n_failed.add(1);
            continue;
        };
        let codes = match predictor.classes.len() {
            0 => Vec::new(),
            _ => predictor.decide(&job.table, &predictions),
        };
        stats.compare((&job.predictions, &job.codes), (&predictions, &codes));
    }
}
