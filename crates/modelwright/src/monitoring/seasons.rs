//! By which seasons rows are compared: what is asked, and what a reference shows by itself.

use modelwright_core::data::{Field, Kind, Storage, Table};
use modelwright_core::record::TextLayout;
use modelwright_core::{Context, Error, Result};
use modelwright_lifecycle::monitor::{MonitorOptions, SeasonChoice, Side, Watched};

use super::{Reading, Source};
use crate::Rows;

/// Finds the column with the time of each row, and proves that seasons can be looked at if that is
/// asked.
///
/// # Errors
/// Input error without a reference file, or without a column of dates.
pub(super) fn prepare(
    watched: &Watched<'_>,
    has_reference: bool,
    options: &mut MonitorOptions,
) -> Result<()> {
    let is_asked = options.season != SeasonChoice::None;
    if is_asked && !has_reference {
        return Err(Error::input("a model keeps nothing of the seasons of its training")
            .expected("a file of rows to compare with, season by season")
            .hint("give one with --reference FILE (in settings of a watch: [monitor] reference)"));
    }
    let column = options.time_column.take().or_else(|| watched.time_column());
    let known = column.as_ref().and_then(|name| watched.record.schema.field(name));
    let is_of_times = known.is_none_or(|field| field.storage != Storage::Number);
    match column {
        Some(name) if is_of_times => options.time_column = Some(name),
        _ if !is_asked => {}
        Some(name) => {
            return Err(Error::input("seasons need a column of dates or times")
                .column(name)
                .expected("dates or times")
                .got("numbers")
                .hint("name another column with --time-column"));
        }
        None => {
            return Err(Error::input("nothing says when the rows were")
                .expected("a column of dates or times")
                .hint("name it with --time-column COLUMN"));
        }
    }
    Ok(())
}

/// Refuses rows without the time that seasons need.
///
/// # Errors
/// Input error when the column is not there.
pub(super) fn check(reading: &Reading<'_>, table: &Table) -> Result<()> {
    match reading.time_column.filter(|_| reading.by_season) {
        Some(name) if table.column(name).is_none() => {
            Err(Error::input("the column with the time of each row is not there")
                .column(name)
                .expected("a column of dates or times, for the seasons")
                .suggest(name, table.names()))
        }
        _ => Ok(()),
    }
}

/// How the column of times is read; files without it are fine as long as no seasons are asked for.
pub(super) fn time_field(reading: &Reading<'_>, name: &str) -> Field {
    let mut field = Field::new(name, Storage::Instant, Kind::Datetime);
    field.optional = !reading.by_season;
    field
}

/// The season that a reference shows; none if it shows none.
///
/// # Errors
/// Input error when the reference cannot be read.
pub(super) fn shown(
    watched: &Watched<'_>,
    reference: Option<&[Rows]>,
    (options, text): (&MonitorOptions, &TextLayout),
    ctx: &Context,
) -> Result<SeasonChoice> {
    let Some(rows) = reference else { return Ok(SeasonChoice::None) };
    let reading = Reading::new(watched, (options, text), ctx);
    let rows: Vec<Source<'_>> = rows.iter().map(Source::Given).collect();
    let side = reading.fill(&|| Side::reference(watched, options, ctx), &rows, None)?;
    Ok(side.rhythm().map_or(SeasonChoice::None, |(season, ..)| season.into()))
}
