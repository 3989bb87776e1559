//! A run of a program written down in a store, from its beginning to its end.

use std::path::Path;

use modelwright_automl::Purpose;
use modelwright_core::data::Table;
use modelwright_core::record::{DataSource, TextLayout};
use modelwright_core::{Context, Error, Result};
use modelwright_io::ReadOptions;
use modelwright_lifecycle::store::{LiveWriter, Location, NewRun, RunEnd, Store, shown_place};
use modelwright_lifecycle::versions::Snapshot;
use serde::Serialize;

use crate::Retrained;
use crate::heart::Heart;
use crate::machine;
use crate::reading::read_within_limits;

/// A run that has begun; written down or not.
pub struct RunAccount {
    open: Option<(Store, i64)>,
    is_named: bool,
    /// Kept for its beat: without one another machine takes a long run for lost.
    heart: Option<Heart>,
}

/// Whether the end of a run was written down.
#[must_use]
pub(crate) struct Written {
    /// Its number and what the store said; `None` of a run that is not written down.
    said: Option<(i64, Result<()>)>,
    is_named: bool,
    is_failed: bool,
}

impl Written {
    /// Tells `note` the run's number, and `warn` why its end is not recorded.
    ///
    /// # Errors
    /// When the run did its work and a store that was named cannot be written to.
    pub(crate) fn heard(self, note: &dyn Fn(&str), warn: &dyn Fn(&str)) -> Result<()> {
        match self.said {
            Some((id, Ok(()))) if !self.is_failed => note(&format!("recorded as run {id}")),
            None | Some((_, Ok(()))) => {}
            Some((_, Err(error))) if self.is_named && !self.is_failed => return Err(error),
            Some((_, Err(error))) => warn(&format!("the end of the run is not recorded: {error}")),
        }
        Ok(())
    }
}

/// Runs that make nothing: they are worth doing also where the store that has the model may only be
/// read, and takes no account of them.
const LOOKING: [&str; 3] = ["evaluate", "audit", "monitor"];

/// A larger file is not read once more only to keep what it holds.
const READ_AGAIN_BYTES_MAX: u64 = 256 << 20;

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
            // Whole: whoever looks later is in another folder.
            output: output.map(|path| {
                std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
            }),
            git_commit: machine::git_commit(),
            machine: machine::description(),
            parent: None,
        };
        let open = || -> Result<Option<(Store, i64)>> {
            let mut store = Store::open(&location.place, created)?;
            if store.is_read_only() && LOOKING.contains(&kind) {
                return Ok(None);
            }
            let id = store.begin_run(&run)?;
            Ok(Some((store, id)))
        };
        let is_named = location.is_named;
        match open() {
            Ok(None) => {
                let place = shown_place(&location.place);
                warn(&format!("the run is not recorded: the store {place} may only be read"));
                Ok(Self { open: None, is_named, heart: None })
            }
            Ok(Some((store, id))) => {
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

    /// The number of the run, if it is written down.
    pub fn id(&self) -> Option<i64> {
        self.open.as_ref().map(|open| open.1)
    }

    /// Keeps what a table holds as hashes, so that [`Store::data_log`] can tell what changed since
    /// another run; not of a sample, and not where it would take long. `warn` hears why it failed.
    pub fn keep_data(
        &mut self,
        (table, source): (&Table, &DataSource),
        ctx: &Context,
        warn: &dyn Fn(&str),
    ) {
        if self.open.is_none() || source.sample.is_some() || source.n_bytes_hashed.is_some() {
            return;
        }
        if let Some(snapshot) = Snapshot::beside(table, ctx) {
            self.keep_snapshot(source, &snapshot, warn);
        }
    }

    /// The same of a file that the run read in parts, or only some columns of: it is read once
    /// more, as a fit would read it, unless it is large or no plain file.
    pub fn keep_file(
        &mut self,
        (path, text): (&Path, &TextLayout),
        ctx: &Context,
        warn: &dyn Fn(&str),
    ) {
        let is_small =
            |meta: std::fs::Metadata| meta.is_file() && meta.len() <= READ_AGAIN_BYTES_MAX;
        if self.open.is_none() || !path.metadata().is_ok_and(is_small) {
            return;
        }
        let read = || {
            let options = ReadOptions::of_text(text)?;
            read_within_limits(path, options, Purpose::Look, "read-snapshot", ctx)
        };
        match read() {
            Ok(file) => self.keep_data((&file.table, &file.source), ctx, warn),
            Err(error) => warn(&format!("what the data hold is not kept: {error}")),
        }
    }

    /// The same of what a retraining learned from and was judged by, where it told what that holds.
    pub fn keep_retrained(&mut self, done: &Retrained, warn: &dyn Fn(&str)) {
        if let Some(snapshot) = &done.snapshot {
            self.keep_snapshot(&done.record.data, snapshot, warn);
        }
    }

    /// Keeps a snapshot of the data that the run used.
    fn keep_snapshot(&mut self, source: &DataSource, snapshot: &Snapshot, warn: &dyn Fn(&str)) {
        let Some((store, _)) = &mut self.open else { return };
        let at = machine::utc_now();
        if let Err(error) = store.keep_snapshot(&source.name, &source.sha256, snapshot, &at) {
            warn(&format!("what the data hold is not kept: {error}"));
        }
    }

    /// What takes the lines that the run tells while it is at work, where there is a place for
    /// them.
    pub(crate) fn live_writer(&self) -> Option<LiveWriter> {
        let (store, id) = self.open.as_ref()?;
        store.live_writer(*id).ok()
    }

    /// Writes down how the run ended, see [`crate::run_end`]. `note` hears the run's number,
    /// `warn` why its end is not recorded.
    ///
    /// # Errors
    /// When the run did its work and a store that was named cannot be written to.
    pub fn end(self, end: &RunEnd<'_>, note: &dyn Fn(&str), warn: &dyn Fn(&str)) -> Result<()> {
        self.end_with(end).heard(note, warn)
    }

    /// Writes down how the run ended.
    pub(crate) fn end_with(self, end: &RunEnd<'_>) -> Written {
        drop(self.heart);
        let said = self.open.map(|(mut store, id)| (id, store.end_run(id, end)));
        Written { said, is_named: self.is_named, is_failed: end.error.is_some() }
    }
}
