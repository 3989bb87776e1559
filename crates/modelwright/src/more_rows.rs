//! Whether more rows would make a stored model better, by rows from a file.

use std::path::Path;

use modelwright_automl::target::rows_with_target;
use modelwright_automl::{Purpose, more_rows};
use modelwright_core::context::Event;
use modelwright_core::record::MoreRowsRecord;
use modelwright_core::{Context, Error, Result};

use crate::model::Model;
use crate::reading::read_within_limits;

/// Fits the model's first member again on parts of the file's rows.
///
/// # Errors
/// Input error when the file cannot be read, lacks a column, or has too few rows with answers.
pub fn more_rows_of(model: &Model, data: &Path, ctx: &Context) -> Result<MoreRowsRecord> {
    let record = model.artifact.record()?;
    let (mut options, _) = model.read_options_with_target()?;
    if let Some(schema) = &mut options.schema {
        let by = [record.options.group.as_ref(), record.options.time_column.as_ref()];
        for name in by.into_iter().flatten() {
            Model::add_column(schema, &record.schema, name);
        }
    }
    ctx.tell(Event::Phase("read".to_owned()));
    let shown = data.display().to_string();
    let table = read_within_limits(data, options, Purpose::Learn, "read", ctx)?.table;
    model.check_columns(&table, ctx).map_err(|e| e.at(shown.clone()))?;
    let target = table.require(&model.predictor.target).map_err(|e| e.at(shown.clone()))?;
    let known = rows_with_target(target);
    if known.is_empty() {
        return Err(Error::input("no row has a known answer")
            .at(shown)
            .column(&model.predictor.target)
            .expected("at least one value of the target"));
    }
    let table = if known.len() == table.n_rows() { table } else { table.into_selected(&known) };
    ctx.tell(Event::Phase("learning curve".to_owned()));
    more_rows::of_model(&model.predictor, &record, &table, ctx).map_err(|e| e.at(shown))
}
