//! A saved model on new files.
//!
//! Files are read as the model reads them. A column whose values do not fit is then read as text
//! instead, so that the monitor can count what cannot be read, where prediction would stop.

mod labels;

use std::path::{Path, PathBuf};

use modelwright_core::context::Event;
use modelwright_core::data::{Field, Kind, Schema, Storage};
use modelwright_core::record::MonitorRecord;
use modelwright_core::{Context, Error, ErrorKind, Result};
use modelwright_io::{ReadOptions, read_path, stream_path};
use modelwright_lifecycle::monitor::{
    MonitorOptions, Side, Watched, conclude, must_have_reference,
};

use crate::Model;
use labels::Labels;

/// Rows that are looked at together.
const ROWS_PER_CHUNK: usize = 16 << 10;

/// What is to be compared.
#[derive(Debug, Clone, Default)]
pub struct MonitorRequest {
    /// The new rows, in one or more files.
    pub current: Vec<PathBuf>,
    /// Rows to compare with; `None` takes what the model keeps of its training.
    pub reference: Option<PathBuf>,
    /// A file with the answers, when they are not among the new rows.
    pub labels: Option<PathBuf>,
    /// The column by which answers belong to rows; `None` takes them in the order of the rows.
    pub id: Option<String>,
    /// What is asked of the comparison.
    pub options: MonitorOptions,
}

/// Compares new rows with what a model learned from.
///
/// # Errors
/// Input error when a file cannot be read, answers do not belong to the rows, or there is nothing
/// to compare with.
pub fn monitor(model: &Model, request: &MonitorRequest, ctx: &Context) -> Result<MonitorRecord> {
    let record = model.artifact.record()?;
    let reference = model.reference()?;
    let watched = Watched { predictor: &model.predictor, record: &record, reference };
    let options = &request.options;
    let reading = Reading { watched: &watched, ctx };
    let reference = match &request.reference {
        None => {
            must_have_reference(&watched)?;
            None
        }
        Some(path) => {
            ctx.tell(Event::Phase("read the reference".to_owned()));
            let side = || Side::reference(&watched, options, ctx);
            Some(reading.fill(&side, std::slice::from_ref(path), None)?)
        }
    };
    let labels = match &request.labels {
        None => None,
        Some(path) => Some(Labels::read(path, request.id.as_deref(), &record, ctx)?),
    };
    ctx.tell(Event::Phase("compare".to_owned()));
    let side = || match &reference {
        None => Side::new(&watched, options, ctx),
        Some(reference) => Side::beside(&watched, options, reference, ctx),
    };
    let current = reading.fill(&side, &request.current, labels.as_ref())?;
    let mut found = conclude(&watched, reference.as_ref(), &current, options, ctx)?;
    if record.options.weight.is_some() && found.performance.is_some() {
        found.notes.push("row weights are not used for metrics on new rows".to_owned());
    }
    Ok(found)
}

struct Reading<'a> {
    watched: &'a Watched<'a>,
    ctx: &'a Context,
}

impl Reading<'_> {
    /// Reads files into a side; begins again with another reading of a column that did not fit.
    fn fill<'s>(
        &self,
        begin: &dyn Fn() -> Side<'s>,
        paths: &[PathBuf],
        labels: Option<&Labels>,
    ) -> Result<Side<'s>> {
        let mut schema = self.schema(labels);
        loop {
            let mut side = begin();
            match self.pass(&mut side, paths, &schema, labels) {
                Ok(()) => {
                    side.finish();
                    return Ok(side);
                }
                Err(error) => {
                    let is_stream = paths.iter().any(|p| p.as_os_str() == "-");
                    let Some(field) = misfit(&error, &mut schema).filter(|_| !is_stream) else {
                        return Err(error);
                    };
                    *field = Field::new(field.name.clone(), Storage::String, field.kind);
                }
            }
        }
    }

    /// The model's columns, the target, and the column that answers are found by.
    fn schema(&self, labels: Option<&Labels>) -> Schema {
        let mut schema = self.watched.predictor.schema.clone();
        let target = &self.watched.predictor.target;
        let known = self.watched.record.schema.field(target);
        let is_new = |schema: &Schema, name: &str| schema.field(name).is_none();
        if labels.is_none() && is_new(&schema, target) {
            schema.fields.extend(known.cloned());
        }
        if let Some(id) = labels.and_then(Labels::id).filter(|id| is_new(&schema, id)) {
            schema.fields.push(Field::new(id, Storage::String, Kind::Identifier));
        }
        schema
    }

    fn pass(
        &self,
        side: &mut Side<'_>,
        paths: &[PathBuf],
        schema: &Schema,
        labels: Option<&Labels>,
    ) -> Result<()> {
        for path in paths {
            let shown = path.display().to_string();
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            side.begin(&name, self.unexpected(path)?);
            for table in stream_path(path, schema, ROWS_PER_CHUNK, self.ctx)? {
                let table = table?;
                let table = match labels {
                    Some(labels) => labels.attach(table, side.n_rows())?,
                    None => table,
                };
                side.add(table, self.ctx).map_err(|e| {
                    if e.place().source.is_some() { e } else { e.at(shown.clone()) }
                })?;
            }
        }
        labels.map_or(Ok(()), |labels| labels.check(side.n_rows()))
    }

    /// Columns of a file that training never saw.
    fn unexpected(&self, path: &Path) -> Result<Vec<String>> {
        if path.as_os_str() == "-" {
            return Ok(Vec::new());
        }
        let first = ReadOptions { n_rows_max: Some(1), ..ReadOptions::default() };
        let file = read_path(path, &first, self.ctx)?;
        let is_unknown = |name: &&str| self.watched.record.schema.field(name).is_none();
        Ok(file.table.names().filter(is_unknown).map(str::to_owned).collect())
    }
}

/// The field whose value did not fit, if that is what the error says.
fn misfit<'a>(error: &Error, schema: &'a mut Schema) -> Option<&'a mut Field> {
    let place = error.place();
    let column = place.column.as_deref()?;
    let is_value = place.row.is_some() || place.line.is_some();
    schema.fields.iter_mut().find(|f| {
        error.kind() == ErrorKind::Input
            && is_value
            && f.name == column
            && f.storage != Storage::String
    })
}
