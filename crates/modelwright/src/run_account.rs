//! A run of a program written down in a store, from its beginning to its end.

use std::path::Path;

use modelwright_automl::Purpose;
use modelwright_core::data::Table;
use modelwright_core::record::{
    AuditRecord, DataSource, Disparity, GroupAudit, MetricChange, MonitorRecord, Performance,
    RunRecord, TextLayout,
};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::fairness::MAIN_DEFINITIONS;
use modelwright_io::ReadOptions;
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::store::{
    LiveWriter, Location, NewRun, RunEnd, RunMetric, Store, shown_place,
};
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
    pub(crate) fn keep_file(
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
    pub(crate) fn keep_retrained(&mut self, done: &Retrained, warn: &dyn Fn(&str)) {
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
        let done = done.map(|(record, bytes)| RunEnd {
            record: Some(record),
            model_sha256: Some(sha256_hex(bytes)),
            ..RunEnd::default()
        });
        self.end_after(done, duration_s).heard(note, warn)
    }

    /// The same of a retraining: also what was decided, and what its data held.
    ///
    /// # Errors
    /// As [`Self::end`].
    pub fn end_retrained(
        mut self,
        done: std::result::Result<&Retrained, &Error>,
        duration_s: f64,
        note: &dyn Fn(&str),
        warn: &dyn Fn(&str),
    ) -> Result<()> {
        let done = done.map(|done| {
            self.keep_retrained(done, warn);
            let file = done.decision.challenger_file.as_ref();
            RunEnd {
                record: Some(&done.record),
                model_sha256: file.map(|(_, sha256)| sha256.clone()),
                note: Some(done.decision.summary.clone()),
                ..RunEnd::default()
            }
        });
        self.end_after(done, duration_s).heard(note, warn)
    }

    /// Writes down what came of the run after so many seconds, or why nothing did.
    fn end_after(self, done: std::result::Result<RunEnd<'_>, &Error>, duration_s: f64) -> Written {
        let failed = |error: &Error| RunEnd { error: Some(error.to_string()), ..RunEnd::default() };
        let end = done.unwrap_or_else(failed);
        self.end_with(&RunEnd { ended: machine::utc_now(), duration_s, ..end })
    }

    /// Writes down how the run ended.
    pub(crate) fn end_with(self, end: &RunEnd<'_>) -> Written {
        drop(self.heart);
        let said = self.open.map(|(mut store, id)| (id, store.end_run(id, end)));
        Written { said, is_named: self.is_named, is_failed: end.error.is_some() }
    }
}

/// What a run of the monitor keeps: what was found, metrics on the new rows and those to be
/// expected, and how much moved.
pub(crate) fn monitor_end<'a>(found: &'a MonitorRecord, end: RunEnd<'a>) -> RunEnd<'a> {
    let of = |rows: &'static str, performance: Option<&Performance>| {
        let changes = performance.map_or(&[][..], |p| &p.metrics[..]);
        let metric = |m: &MetricChange| RunMetric {
            name: m.name.clone(),
            rows: rows.to_owned(),
            value: m.value,
            low: m.ci95.map(|c| c.low),
            high: m.ci95.map(|c| c.high),
        };
        changes.iter().map(metric).collect::<Vec<_>>()
    };
    let share = |name: &str, value: Option<f64>| RunMetric {
        name: name.to_owned(),
        rows: "columns".to_owned(),
        value,
        low: None,
        high: None,
    };
    let mut metrics = of("measured", found.performance.as_ref());
    metrics.extend(of("expected", found.estimated.as_ref()));
    metrics.push(share("drift_share", Some(found.dataset.share)));
    metrics.push(share("drift_importance_share", found.dataset.importance_share));
    let note = Some(found.verdict.summary.clone());
    let rows = Some((found.current.names.join(", "), found.current.n_rows));
    RunEnd { monitor: Some(found), metrics, note, rows, ..end }
}

/// What a run of an audit keeps as metrics: what the definitions of fairness come to, column by
/// column, and the metric of the model on these rows.
pub(crate) fn audit_metrics(found: &AuditRecord) -> Vec<RunMetric> {
    let of_groups = |audit: &GroupAudit| {
        let class = audit.positive.as_ref().map_or(String::new(), |c| format!(", decided {c}"));
        let rows = format!("by {}{class}", audit.columns.join(" and "));
        let is_kept = |name: &str| MAIN_DEFINITIONS.contains(&name);
        let defined = audit.definitions.iter().filter(|d| d.value.is_some() && is_kept(&d.name));
        let metric = |d: &Disparity| RunMetric {
            name: d.name.clone(),
            rows: rows.clone(),
            value: d.value,
            low: d.ci95.map(|c| c.low),
            high: d.ci95.map(|c| c.high),
        };
        defined.map(metric).collect::<Vec<_>>()
    };
    let robust = &found.robustness;
    let whole = robust.before.map(|value| RunMetric {
        name: robust.metric.clone(),
        rows: found.fairness.on.clone(),
        value: Some(value),
        low: None,
        high: None,
    });
    found.fairness.audits.iter().flat_map(of_groups).chain(whole).collect()
}
