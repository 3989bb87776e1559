//! The report of a model on rows of a later file: the page of `evaluate --report`.
//!
//! It has the sections of the report of the fit. What they say of untouched rows is said of the
//! file's rows; what only the training rows could tell is left out.

use std::path::Path;

use modelwright_automl::Purpose;
use modelwright_automl::later::{IMPORTANCES, LaterRows, Looked, Patience, look};
use modelwright_core::context::Event;
use modelwright_core::record::RunRecord;
use modelwright_core::{Context, Result};
use modelwright_inspect::report_html;
use modelwright_io::{ReadOptions, TableFile};

use crate::auditing::AuditRows;
use crate::editing::forget;
use crate::model::Model;
use crate::reading::read_within_limits;

/// The report of a model on the rows of a file whose target is known, as a page. Groups of the
/// sensitive columns that the model was fitted with are looked at where the file has them.
///
/// # Errors
/// Input error when the file cannot be read, lacks a column of the model or the target, or has no
/// row with a known answer.
pub fn later_report(model: &Model, data: &Path, ctx: &Context) -> Result<String> {
    later_record(model, data, ctx).map(|record| report_html(&record))
}

/// The account that [`later_report`] tells: that of the fit with what the rows say in place of what
/// its untouched rows said.
///
/// # Errors
/// As [`later_report`].
pub fn later_record(model: &Model, data: &Path, ctx: &Context) -> Result<RunRecord> {
    let read = |options| read_within_limits(data, options, Purpose::Learn, "read", ctx);
    later_record_of(model, read, &data.display().to_string(), ctx)
}

/// As [`later_report`], of rows from wherever `read` takes the columns that are wanted; errors call
/// them `shown`.
///
/// # Errors
/// As [`later_report`].
pub fn later_report_of(
    model: &Model,
    read: impl FnOnce(ReadOptions) -> Result<TableFile>,
    shown: &str,
    ctx: &Context,
) -> Result<String> {
    later_record_of(model, read, shown, ctx).map(|record| report_html(&record))
}

fn later_record_of(
    model: &Model,
    read: impl FnOnce(ReadOptions) -> Result<TableFile>,
    shown: &str,
    ctx: &Context,
) -> Result<RunRecord> {
    ctx.tell(Event::Phase("read".to_owned()));
    let mut sensitive = model.sensitive()?;
    let rows = AuditRows::read_by(model, read, shown, &sensitive, ctx)?;
    sensitive.retain(|name| rows.table.column(name).is_some());
    let reference = model.reference()?;
    let later = LaterRows {
        on: &rows.name,
        table: &rows.table,
        weights: rows.weights.as_deref(),
        groups: rows.units.as_deref(),
        times: rows.times.as_deref(),
        places: rows.places.as_deref(),
        are_new: rows.learned_from.is_none(),
        metric: model.metric(ctx),
        sensitive: &sensitive,
        usual: reference.usual.as_ref(),
        known: (&reference.columns, reference.predictions.as_ref()),
        patience: Patience::default(),
    };
    let mut found = look(&model.predictor, &later, ctx)?;
    found.evaluation.learned_from = rows.learned_from;
    let mut record = told(model.artifact.record()?, found);
    // How far the fit came with its importances says nothing of these.
    let ended = ctx.decisions().stopped_after.remove(IMPORTANCES);
    record.decisions.stopped_after.remove(IMPORTANCES);
    record.decisions.stopped_after.extend(ended.map(|n| (IMPORTANCES.to_owned(), n)));
    Ok(record)
}

fn told(mut record: RunRecord, found: Looked) -> RunRecord {
    // Its gaps are those of the untouched rows; the audit has those of these.
    record.mitigation = None;
    forget(&mut record);
    if let Some(intervals) = &mut record.intervals {
        intervals.levels = found.reached;
    }
    if let (Some(costs), Some(now)) = (&mut record.costs, found.costs) {
        *costs = now;
    }
    record.evaluation = Some(found.evaluation);
    record.importances = found.importances;
    record.slices = found.slices;
    record.fairness = found.fairness;
    record.robustness = Some(found.robustness);
    record.suspects = found.suspects;
    record.unusual = found.unusual;
    record.explanation = found.explanation;
    record
}
