//! Runs are written down in the store, when there is one.
//!
//! A run is written down when the user named a store (`--store`, `MODELWRIGHT_STORE`) or has made
//! the default one by registering a model or looking at the page: a first fit leaves nothing
//! outside of its own folder.
//! A named store that does not work stops the work before it begins; the default one only warns.

use std::path::Path;

use clap::Args;
use modelwright_core::{Error, Result};
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::store::{Location, RunEnd, Store};
use serde::Serialize;

use crate::mlflow_log::MlflowLog;
use crate::run_account::{RunAccount, Written};
use crate::session::Session;
use crate::{output, run_end};

/// Where a run is logged besides the store.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogArg {
    /// Log the run to an MLflow server as well, e.g. http://localhost:5000; its experiment is
    /// MLFLOW_EXPERIMENT_NAME or `modelwright`
    #[arg(long, value_name = "URI")]
    mlflow: Option<String>,
}

/// A run that has begun; written down or not.
pub(crate) struct Recording {
    account: RunAccount,
    log: Option<MlflowLog>,
}

/// What is kept of a run that did its work, and the file of its model.
pub(crate) struct Recorded<'a> {
    pub end: RunEnd<'a>,
    pub model: &'a Path,
}

impl Recording {
    /// Writes down that a run begins; `log` says where it is logged besides.
    ///
    /// # Errors
    /// When the store that the user named cannot be written to, or `log` names no address.
    pub(crate) fn begin(
        kind: &str,
        asked: &impl Serialize,
        output: Option<&Path>,
        log: &LogArg,
        session: &Session,
    ) -> Result<Self> {
        let log = log.mlflow.as_ref().map(|uri| MlflowLog::open(uri, kind, asked)).transpose()?;
        let location = Location::find().filter(Location::records_runs);
        let (asked, created) = ((kind, asked), &session.created);
        let account = RunAccount::begin(location, asked, output, created, &output::warn)?;
        // Nobody can watch a run whose lines have no place; it runs all the same.
        if let Some(writer) = account.live_writer() {
            session.told.take(writer);
        }
        Ok(Self { account, log })
    }

    /// The number of the run, if it is written down.
    pub(crate) fn id(&self) -> Option<i64> {
        self.account.id()
    }

    /// The account of the run in the store.
    pub(crate) fn account(&mut self) -> &mut RunAccount {
        &mut self.account
    }

    /// Writes down how the run ended and passes on what came of it.
    ///
    /// # Errors
    /// What the work said; else, when the store that the user named cannot be written to.
    pub(crate) fn end<T>(
        self,
        done: Result<T>,
        session: &Session,
        keep: impl for<'a> FnOnce(&'a T) -> Recorded<'a>,
    ) -> Result<T> {
        let written = self.write(done.as_ref().map(keep), session);
        let note = |text: &str| session.note(text);
        match (&done, written.heard(&note, &output::warn)) {
            (Ok(_), Err(error)) => Err(error),
            _ => done,
        }
    }

    /// Writes down in the store, if there is one, and elsewhere, if that was asked.
    fn write(self, kept: std::result::Result<Recorded<'_>, &Error>, session: &Session) -> Written {
        let (end, model) = match kept {
            Err(error) => (Err(error), None),
            Ok(kept) => (Ok(kept.end), std::fs::read(kept.model).ok()),
        };
        let model_sha256 = model.as_deref().map(sha256_hex);
        let end = end.map(|end| RunEnd { model_sha256, ..end });
        let end = run_end::over(end, session.started.elapsed().as_secs_f64());
        let written = self.account.end_with(&end);
        if let Some(log) = &self.log {
            log.send(&end, model, &|text| session.note(text), &output::warn);
        }
        written
    }
}

/// The store of this process, which must be there.
///
/// # Errors
/// Input error when there is none, or it cannot be used.
pub(crate) fn existing_store(session: &Session) -> Result<Store> {
    Store::open_existing(&location()?.place, &session.created)
}

/// The store of this process, made if there is none.
///
/// # Errors
/// Input error when it cannot be made or used.
pub(crate) fn store(session: &Session) -> Result<Store> {
    Store::open(&location()?.place, &session.created)
}

fn location() -> Result<Location> {
    Location::find().ok_or_else(|| {
        Error::input("there is no folder for a store")
            .expected("--store DIR, or MODELWRIGHT_STORE, or HOME in the environment")
    })
}
