//! Where a run of Python's is written down: in a store, and on an MLflow server.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Instant;

use modelwright::lifecycle::digest::sha256_hex;
use modelwright::lifecycle::store::RunEnd;
use modelwright::mlflow_log::MlflowLog;
use modelwright::run_end::over;
use modelwright::{RunAccount, machine};
use modelwright_core::context::Event;
use modelwright_core::{Context, Error, Result};
use pyo3::prelude::*;
use serde::Serialize;

use crate::store::location;

/// Where a run is to be written down, as Python says it.
#[derive(Clone, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Kept {
    /// Whether the run may be recorded, and in which store; none is that of the command line.
    is_recorded: bool,
    store: Option<PathBuf>,
    /// An MLflow server that it is logged to as well.
    mlflow: Option<String>,
}

/// A run that has begun; written down or not.
pub(crate) struct Account {
    pub(crate) run: RunAccount,
    log: Option<MlflowLog>,
}

/// What is said of writing a run down: what is worth a note, and what went wrong.
pub(crate) struct Says<'a> {
    pub(crate) note: &'a dyn Fn(&str),
    pub(crate) warn: &'a dyn Fn(&str),
}

impl Kept {
    /// Writes down that a run of this kind, asked like this, begins at `created`; `out` is the
    /// folder of its outputs.
    ///
    /// # Errors
    /// When a store that was named cannot be written to, or the MLflow address is none.
    pub(crate) fn begin(
        self,
        (kind, asked): (&str, &impl Serialize),
        out: Option<&Path>,
        created: &str,
        warn: &dyn Fn(&str),
    ) -> Result<Account> {
        let log = self.mlflow.map(|uri| MlflowLog::open(&uri, kind, asked)).transpose();
        let log = log.map_err(|e| e.at("mlflow"))?;
        let store = location(self.store);
        let store = store.filter(|found| self.is_recorded && found.records_runs());
        Ok(Account { run: RunAccount::begin(store, (kind, asked), out, created, warn)?, log })
    }
}

impl Account {
    /// Writes down how the run ended after so many seconds, with the bytes of its model.
    ///
    /// # Errors
    /// When the run did its work and a store that was named cannot be written to.
    pub(crate) fn end(
        self,
        done: std::result::Result<(RunEnd<'_>, &[u8]), &Error>,
        duration_s: f64,
        says: &Says<'_>,
    ) -> Result<()> {
        let (end, model) = match done {
            Err(error) => (Err(error), None),
            Ok((end, bytes)) => {
                (Ok(RunEnd { model_sha256: Some(sha256_hex(bytes)), ..end }), Some(bytes))
            }
        };
        let end = over(end, duration_s);
        let written = self.run.end(&end, says.note, says.warn);
        if let Some(log) = self.log {
            log.send(&end, model.map(<[u8]>::to_vec), says.note, says.warn);
        }
        written
    }
}

/// What a look at a model leaves: what was found, and what went wrong in writing it down.
pub(crate) type Looked<T> = (T, Vec<String>);

/// A look of this kind at a model, asked like this, written down where it is wished.
///
/// # Errors
/// As `look`, and [`Kept::begin`].
pub(crate) fn look<T>(
    (kept, (kind, asked), model): (Kept, (&str, &impl Serialize), &[u8]),
    look: impl FnOnce(&mut RunAccount, &dyn Fn(&str)) -> Result<T>,
    end: impl for<'a> FnOnce(&'a T) -> RunEnd<'a>,
) -> Result<Looked<T>> {
    let (created, started) = (machine::utc_now(), began());
    let warnings = RefCell::new(Vec::new());
    let warn = |text: &str| warnings.borrow_mut().push(text.to_owned());
    let mut account = kept.begin((kind, asked), None, &created, &warn)?;
    let done = look(&mut account.run, &warn);
    let took_s = started.elapsed().as_secs_f64();
    let ended = done.as_ref().map(|found| (end(found), model));
    account.end(ended, took_s, &Says { note: &|_| (), warn: &warn })?;
    Ok((done?, warnings.into_inner()))
}

#[expect(clippy::disallowed_methods, reason = "a run's duration, in its account alone")]
fn began() -> Instant {
    Instant::now()
}

/// Tells the events of a run.
pub(crate) fn noting(ctx: &Context) -> impl Fn(&str) {
    |text| ctx.tell(Event::Note(text.to_owned()))
}

/// See [`noting`].
pub(crate) fn warning(ctx: &Context) -> impl Fn(&str) {
    |text| ctx.tell(Event::Warning(text.to_owned()))
}
