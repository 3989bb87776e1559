//! A run of another program written down in a store: what `recording` does for the command line.

use std::path::Path;

use modelwright_core::record::RunRecord;
use modelwright_core::{Error, Result};
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::store::{Location, NewRun, RunEnd, Store};
use serde::Serialize;

use crate::heart::Heart;
use crate::machine;

/// A run that has begun; written down or not.
pub struct RunAccount {
    open: Option<(Store, i64)>,
    is_named: bool,
    /// Kept for its beat: without one another machine takes a long run for lost.
    heart: Option<Heart>,
}

impl RunAccount {
    /// Writes down that a run of this kind, asked like this, begins at `created` (ISO 8601 in
    /// UTC); nowhere without a location. `warn` hears why it is not recorded.
    ///
    /// # Errors
    /// When a store that was named cannot be written to.
    pub fn begin(
        location: Option<Location>,
        (kind, asked): (&str, &impl Serialize),
        output: Option<&Path>,
        created: &str,
        warn: &dyn Fn(&str),
    ) -> Result<Self> {
        let Some(location) = location else {
            return Ok(Self { open: None, is_named: false, heart: None });
        };
        let run = NewRun {
            kind: kind.to_owned(),
            started: created.to_owned(),
            target: None,
            parameters: serde_json::to_value(asked)
                .map_err(|e| Error::work("cannot write down what was asked").because(e))?,
            output: output.map(|path| path.display().to_string()),
            git_commit: machine::git_commit(),
            machine: machine::description(),
            parent: None,
        };
        let open = || -> Result<(Store, i64)> {
            let mut store = Store::open(&location.place, created)?;
            let id = store.begin_run(&run)?;
            Ok((store, id))
        };
        let is_named = location.is_named;
        match open() {
            Ok((store, id)) => {
                let say = move |store: &mut Store, at: &str| store.beat(id, at);
                let heart = Some(Heart::start(&location.place, say));
                Ok(Self { open: Some((store, id)), is_named, heart })
            }
            Err(error) if is_named => Err(error),
            Err(error) => {
                warn(&format!("the run is not recorded: {error}"));
                Ok(Self { open: None, is_named, heart: None })
            }
        }
    }

    /// Writes down how a fit of so many seconds ended: its account and the model's bytes, or why
    /// not. `note` hears the run's number, `warn` why its end is not recorded.
    ///
    /// # Errors
    /// When the fit did its work and a store that was named cannot be written to.
    pub fn end(
        self,
        done: std::result::Result<(&RunRecord, &[u8]), &Error>,
        duration_s: f64,
        note: &dyn Fn(&str),
        warn: &dyn Fn(&str),
    ) -> Result<()> {
        let Some((mut store, id)) = self.open else { return Ok(()) };
        drop(self.heart);
        let end = RunEnd { ended: machine::utc_now(), duration_s, ..RunEnd::default() };
        let end = match done {
            Err(error) => RunEnd { error: Some(error.to_string()), ..end },
            Ok((record, bytes)) => {
                RunEnd { record: Some(record), model_sha256: Some(sha256_hex(bytes)), ..end }
            }
        };
        match store.end_run(id, &end) {
            Ok(()) if done.is_ok() => note(&format!("recorded as run {id}")),
            Ok(()) => {}
            Err(error) if self.is_named && done.is_ok() => return Err(error),
            Err(error) => warn(&format!("the end of the run is not recorded: {error}")),
        }
        Ok(())
    }
}
